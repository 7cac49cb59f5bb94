/**
 * Writes the state of a kernel in ipvs mode as text: the four blocks of a sync, and the listings of the kernel's tools.
 */
import type { KernelTables } from "../iptables/kernel-tables.ts";
import { printKernel, printRestore } from "../iptables/print-rules.ts";
import type { Family } from "../rule-set.ts";
import type { IpvsState } from "./compile-ipvs.ts";
import { type IpSets, kernelSetName, type SetName, setNames, setTypes } from "./ip-sets.ts";
import { inListingOrder, realServerText, serverText, socketText, type VirtualServer } from "./virtual-server.ts";

/** Virtual servers, addresses, ip sets and the `iptables-restore` input, each block behind a `#` line. */
export const printBlocks = (state: IpvsState, family: Family): string =>
  `${printState(state, family)}# iptables-restore input\n${printRestore(state.iptables)}`;

/** The first three of the blocks. */
export function printState(state: IpvsState, family: Family): string {
  return [
    "# virtual servers (ipvsadm-save -n form)\n",
    ...inListingOrder(state.servers.values()).map((server) => `-A ${serverText(server)}\n${realServers(server)}`),
    "# addresses on kube-ipvs0\n",
    ...[...state.addresses].sort().map((ip) => `${ip}\n`),
    "# ip sets (ipset save form)\n",
    printSets(state.sets, family),
  ].join("");
}

const realServers = (server: VirtualServer): string =>
  [...server.realServers]
    .sort((a, b) => (socketText(a) < socketText(b) ? -1 : 1))
    .map((real) => `-a ${realServerText(server, real)}\n`)
    .join("");

/** As `ipset save`. */
const printSets = (sets: IpSets, family: Family): string =>
  setNames
    .map((set) => {
      const name = kernelSetName(set, family);
      return `create ${name} ${creation(set, family)}\n${sets
        .entries(set)
        .map(({ text }) => `add ${name} ${text}\n`)
        .join("")}`;
    })
    .join("");

function creation(set: SetName, family: Family): string {
  const type = setTypes[set];
  if (type === "bitmap:port") return `${type} range 0-65535`;
  return `${type} family ${family === "IPv4" ? "inet" : "inet6"} hashsize 1024 maxelem 65536`;
}

/** `ipvsadm -Ln`, `ipset save` and `iptables-save`, one after the other. */
export function printKernelTools(state: IpvsState, tables: KernelTables, family: Family): string {
  return `${printIpvsadm(state)}${printSets(state.sets, family)}${printKernel(tables, family)}`;
}

/** Not in the captures: no kernel with IPVS was at hand. */
function printIpvsadm({ servers }: IpvsState): string {
  const head =
    "IP Virtual Server version 1.2.1 (size=4096)\n" +
    "Prot LocalAddress:Port Scheduler Flags\n" +
    "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
  return head + inListingOrder(servers.values()).map(listedServer).join("");
}

function listedServer(server: VirtualServer): string {
  const persistent = server.persistentSeconds === undefined ? "" : ` persistent ${server.persistentSeconds}`;
  const flags = server.scheduler === "mh" ? " (mh-port)" : "";
  const reals = server.realServers.map(
    (real) =>
      `  -> ${socketText(real).padEnd(28)} ${"Masq".padEnd(7)} ${String(real.weight).padEnd(6)} ${"0".padEnd(10)} ${"0".padEnd(10)}\n`,
  );
  return `${server.protocol.padEnd(4)} ${socketText(server)} ${server.scheduler}${persistent}${flags}\n${reals.join("")}`;
}
