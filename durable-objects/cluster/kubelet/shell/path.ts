/** The way between a pod and an address as its tools see it: the first router, how many there are, whose name an address has. */
import { parseHostsFile } from "../../api/hosts-file.ts";
import type { Route } from "../../api/network.ts";
import type { ToolContext } from "./tool.ts";

/** The pod's first router: the node's end of its link. */
export function gatewayOf({ place: { pod } }: ToolContext, isSix = false): string {
  const ips = (pod.status.podIPs ?? []).map(({ ip }) => ip ?? "");
  const six = ips.find((ip) => ip.includes(":"));
  return isSix && six ? six.replace(/:[\da-f]+$/, ":1") : (pod.status.podIP ?? "").replace(/\.\d+$/, ".1");
}

/** Routers that a reply passes: none from the own address, loopback or the own node, one within the node or from a node, two between pods of two nodes. */
export function routersBetween(context: ToolContext, { backend }: Route, ip: string): number {
  const { pod } = context.place;
  const own = new Set([
    "127.0.0.1",
    gatewayOf(context),
    gatewayOf(context, true),
    "::1",
    ...(pod.status.podIPs ?? []).map((each) => each.ip),
    ...(pod.status.hostIPs ?? []).map((each) => each.ip),
  ]);
  if (own.has(ip)) return 0;
  const isElsewhere = backend?.pod !== undefined && backend.node !== pod.spec.nodeName;
  // What runs on the node itself is its own first router.
  return (isElsewhere ? 2 : 1) - (pod.spec.hostNetwork ? 1 : 0);
}

/** The name that the address has in the hosts file or in the reverse zone, or the address itself. */
export function reverseName({ network, sender, files }: ToolContext, ip: string): string {
  const hosts = parseHostsFile(new TextDecoder().decode(files.read("/etc/hosts") ?? new Uint8Array()));
  const [own] = hosts.find((entry) => entry.ip === ip)?.names ?? [];
  if (own !== undefined) return own;
  if (ip.includes(":")) return ip;
  const { answers } = network.resolve({ from: sender, name: `${ip.split(".").reverse().join(".")}.in-addr.arpa.`, type: "PTR" });
  const [first] = answers.filter(({ type }) => type === "PTR");
  return first ? first.data.replace(/\.$/, "") : ip;
}
