/** ip addr, link, route: the interfaces and routes of a pod on a routed pod network, as busybox and iproute2 print them. */
import { parseIP } from "../../api/ip-address.ts";
import { hexDigest } from "../image-reference.ts";
import type { Tool, ToolContext } from "./tool.ts";

interface Host {
  ip: string | undefined;
  ip6: string | undefined;
  gateway: string;
  subnet: string;
  broadcast: string;
  mac: string;
  linkLocal: string;
}

export const ip: Tool = (context) => {
  const isBusybox = context.place.image.userland.flavours.ip !== "iproute2";
  const words = context.argv.slice(1);
  const flags = words.filter((word) => word.startsWith("-"));
  const [object = "", ...rest] = words.filter((word) => !word.startsWith("-"));
  const family = flags.includes("-4") ? 4 : flags.includes("-6") ? 6 : undefined;
  const supported = isBusybox ? flags.every((flag) => /^-[46o]$/.test(flag)) : flags.every((flag) => /^-(4|6|br|o|j)$/.test(flag));
  if (!supported || object === "") return badUse(context, isBusybox, object);
  const host = interfaceOf(context);
  const printer: Printer = { context, isBusybox, family, host };
  const isBrief = flags.includes("-br");
  if ("address".startsWith(object) && flags.includes("-o")) return addressLines(printer, rest);
  if ("address".startsWith(object)) return isBrief ? briefAddresses(printer) : addresses(printer, rest, true);
  if ("link".startsWith(object)) return isBrief ? briefLinks(printer) : addresses(printer, rest, false);
  if ("neighbour".startsWith(object)) return neighbours(printer);
  if ("route".startsWith(object)) return flags.includes("-j") ? routesAsJson(printer) : routes(printer, rest);
  return badUse(context, isBusybox, object);
};

interface Printer {
  context: ToolContext;
  isBusybox: boolean;
  family: 4 | 6 | undefined;
  host: Host;
}

/** The pod's own end of its link. Its hardware address is made from its IP address, so that it stays. */
export function interfaceOf({ place: { pod } }: ToolContext): Host {
  const ips = (pod.status.podIPs ?? []).map(({ ip: each }) => each ?? "");
  const own = ips.find((each) => !each.includes(":"));
  const bytes = [0x6e, ...(hexDigest(own ?? pod.metadata.uid).match(/../g) ?? []).slice(0, 5).map((pair) => Number.parseInt(pair, 16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  const net = own?.replace(/\.\d+$/, "");
  const words = [
    `${((bytes[0] as number) ^ 2).toString(16).padStart(2, "0")}${hex[1]}`,
    `${hex[2]}ff`,
    `fe${hex[3]}`,
    `${hex[4]}${hex[5]}`,
  ].map((word) => word.replace(/^0+(?=.)/, ""));
  return {
    ip: own,
    ip6: ips.find((each) => each.includes(":")),
    gateway: `${net}.1`,
    subnet: `${net}.0`,
    broadcast: `${net}.255`,
    mac: hex.join(":"),
    linkLocal: `fe80::${words.join(":")}`,
  };
}

const valid = "       valid_lft forever preferred_lft forever\n";

function addresses({ context, isBusybox, family, host }: Printer, rest: readonly string[], withIPs: boolean): number {
  const device = rest.filter((word) => word !== "show" && word !== "list" && word !== "dev").at(-1);
  if (device !== undefined && device !== "lo" && device !== "eth0") {
    context.err(isBusybox ? `ip: can't find device '${device}'\n` : `Device "${device}" does not exist.\n`);
    return 1;
  }
  const group = isBusybox ? "" : `${withIPs ? "" : " mode DEFAULT"} group default`;
  const qdisc = family === 6 ? "" : " qdisc noqueue";
  const shown = family === 6 ? "" : group;
  const netns = isBusybox ? "" : " link-netnsid 0";
  if (device !== "eth0") {
    context.out(`1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536${qdisc} state UNKNOWN${shown} qlen 1000\n`);
    if (family === undefined) context.out("    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n");
    if (withIPs && family !== 6) context.out(`    inet 127.0.0.1/8 scope host lo\n${valid}`);
    if (withIPs && family !== 4) context.out(`    inet6 ::1/128 scope host \n${valid}`);
  }
  if (device !== "lo") {
    const state = isBusybox ? ",M-DOWN" : "";
    context.out(
      `2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP${state}> mtu 1500${qdisc} state UP${shown} qlen 1000${family === 4 ? netns : ""}\n`,
    );
    if (family === undefined) context.out(`    link/ether ${host.mac} brd ff:ff:ff:ff:ff:ff${netns}\n`);
    if (withIPs && family !== 6 && host.ip) context.out(`    inet ${host.ip}/24 brd ${host.broadcast} scope global eth0\n${valid}`);
    if (withIPs && family !== 4) {
      if (host.ip6)
        context.out(`    inet6 ${host.ip6}/64 scope global ${isBusybox ? "noprefixroute flags 02" : "nodad noprefixroute"} \n${valid}`);
      context.out(`    inet6 ${host.linkLocal}/64 scope link \n${valid}`);
    }
  }
  return 0;
}

function briefAddresses({ context, host, family }: Printer): number {
  const four = family === 6 ? [] : [`${host.ip}/24`];
  const six = family === 4 ? [] : [...(host.ip6 ? [`${host.ip6}/64`] : []), `${host.linkLocal}/64`];
  const loopback = [...(family === 6 ? [] : ["127.0.0.1/8"]), ...(family === 4 ? [] : ["::1/128"])];
  context.out(`${"lo".padEnd(16)} UNKNOWN        ${loopback.join(" ")} \n`);
  context.out(`${"eth0@if3".padEnd(16)} UP             ${[...four, ...six].join(" ")} \n`);
  return 0;
}

function briefLinks({ context, host }: Printer): number {
  context.out(`${"lo".padEnd(16)} UNKNOWN        00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP> \n`);
  context.out(`${"eth0@if3".padEnd(16)} UP             ${host.mac} <BROADCAST,MULTICAST,UP,LOWER_UP> \n`);
  return 0;
}

/** `-o`: an address a line. */
function addressLines({ context, family, host }: Printer, rest: readonly string[]): number {
  const line = (device: string, text: string): void => {
    if (rest.includes("lo") && device !== "1: lo") return;
    if (rest.includes("eth0") && device !== "2: eth0") return;
    context.out(`${device}    ${text}\\       valid_lft forever preferred_lft forever\n`);
  };
  if (family !== 6) line("1: lo", "inet 127.0.0.1/8 scope host lo");
  if (family !== 4) line("1: lo", "inet6 ::1/128 scope host ");
  if (family !== 6 && host.ip) line("2: eth0", `inet ${host.ip}/24 brd ${host.broadcast} scope global eth0`);
  if (family !== 4 && host.ip6) line("2: eth0", `inet6 ${host.ip6}/64 scope global `);
  if (family !== 4) line("2: eth0", `inet6 ${host.linkLocal}/64 scope link `);
  return 0;
}

export const neighbourMac = (ip: string): string => `fe:${(hexDigest(ip).match(/../g) ?? []).slice(0, 5).join(":")}`;

/** The one neighbour a pod has is its gateway. */
function neighbours({ context, isBusybox, host }: Printer): number {
  const mac = neighbourMac(host.gateway);
  context.out(`${host.gateway} dev eth0 lladdr ${mac} ${isBusybox ? "ref 1 used 0/0/0 probes 1 REACHABLE\n" : "REACHABLE \n"}`);
  return 0;
}

function routes({ context, isBusybox, family, host }: Printer, rest: readonly string[]): number {
  const source = (ip6: boolean): string => `${isBusybox ? "  " : " "}src ${ip6 ? host.ip6 : host.ip}`;
  if (rest[0] === "get") {
    const target = rest[1] ?? "";
    const tail = isBusybox ? " \n" : ` uid 0 \n    cache ${target.startsWith("127.") ? "<local> " : ""}\n`;
    if (!parseIP(target)) {
      context.err(
        isBusybox ? `ip: invalid argument '${target}' to 'IP address'\n` : `Error: inet prefix is expected rather than "${target}".\n`,
      );
      return 1;
    }
    const local = target.startsWith("127.") || target === host.ip;
    context.out(
      local
        ? `local ${target} dev lo${isBusybox ? "  " : " "}src ${target}${tail}`
        : `${target} via ${host.gateway} dev eth0${source(false)}${tail}`,
    );
    return 0;
  }
  if (family === 6) {
    const gateway = host.ip6?.replace(/:[\da-f]+$/, ":1");
    const tail = isBusybox ? "  metric 1024 \n" : " metric 1024 pref medium\n";
    const ofLink = isBusybox ? "fe80::/64 dev eth0  metric 256 \n" : "fe80::/64 dev eth0 proto kernel metric 256 pref medium\n";
    if (gateway) context.out(`${gateway} dev eth0${tail}`);
    context.out(ofLink);
    if (gateway) context.out(`default via ${gateway} dev eth0${tail}`);
    if (isBusybox) context.out("multicast ff00::/8 dev eth0  metric 256 \n");
    return 0;
  }
  context.out(`default via ${host.gateway} dev eth0 \n`);
  if (!isBusybox && rest.includes("default")) return 0;
  context.out(`${host.subnet}/24 via ${host.gateway} dev eth0${source(false)} \n`);
  context.out(`${host.gateway} dev eth0 scope link${source(false)} \n`);
  return 0;
}

/** `-j` */
function routesAsJson({ context, host }: Printer): number {
  const routes = [
    { dst: "default", gateway: host.gateway, dev: "eth0", flags: [] },
    { dst: `${host.subnet}/24`, gateway: host.gateway, dev: "eth0", prefsrc: host.ip, flags: [] },
    { dst: host.gateway, dev: "eth0", scope: "link", prefsrc: host.ip, flags: [] },
  ];
  context.out(`${JSON.stringify(routes)}\n`);
  return 0;
}

function badUse({ err }: ToolContext, isBusybox: boolean, object: string): number {
  err(isBusybox ? busyboxUsage : `Object "${object}" is unknown, try "ip help".\n`);
  return 1;
}

const busyboxUsage = `BusyBox v1.36.1 (2026-11-23 14:57:04 UTC) multi-call binary.

Usage: ip [OPTIONS] address|route|link|tunnel|neigh|rule [ARGS]

OPTIONS := -f[amily] inet|inet6|link | -o[neline]

ip addr add|del IFADDR dev IFACE | show|flush [dev IFACE] [to PREFIX]
ip route list|flush|add|del|change|append|replace|test ROUTE
ip link set IFACE [up|down] [arp on|off] [multicast on|off]
	[promisc on|off] [mtu NUM] [name NAME] [qlen NUM] [address MAC]
	[master IFACE | nomaster] [netns PID]
ip tunnel add|change|del|show [NAME]
	[mode ipip|gre|sit] [remote ADDR] [local ADDR] [ttl TTL]
ip neigh show|flush [to PREFIX] [dev DEV] [nud STATE]
ip rule [list] | add|del SELECTOR ACTION
`;
