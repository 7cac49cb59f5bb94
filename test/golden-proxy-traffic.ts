/**
 * Plays the lab behind `traffic.json`: sends the packet of each line through the emulated rules and says where a server
 * would have seen it.
 *
 * Every endpoint in the manifests has a listening server, ready or not; nobody else listens anywhere.
 */
import ipaddr from "ipaddr.js";
import type { EndpointSlice, KubeObject, Node } from "../durable-objects/cluster/api/objects.ts";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { canonicalIP, familyOf } from "../durable-objects/cluster/kube-proxy/address.ts";
import { localAddresses, type ProxyOptions, primaryAddress } from "../durable-objects/cluster/kube-proxy/proxy-options.ts";
import type { AffinityMemory, Candidate, Family, NodeRules, Packet } from "../durable-objects/cluster/kube-proxy/rule-set.ts";

export interface TrafficLine {
  mode: "iptables" | "nftables" | "ipvs";
  family: Family;
  service: string;
  port: string;
  /** `tcp 10.96.0.1 443` */
  to: string;
  kind: string;
  from: string;
  result: "served" | "refused" | "no answer" | "left the node" | "not permitted";
  backends?: { address: string; source: "kept" | "node" }[];
  sticky?: boolean;
}

/** `undefined` where the walk says what the real connections showed. */
export function compareTraffic(
  line: TrafficLine,
  rules: NodeRules,
  options: ProxyOptions,
  objects: readonly KubeObject[],
): string | undefined {
  const packet = packetOf(line, options, objects);
  const servers = serversOf(objects, line.family);
  const seen = [...new Set(rules.candidates(packet, { now: 0 }).map((way) => outcome(way, packet, servers, options)))].sort();
  const captured = capturedOutcomes(line);
  const ours = seen.map((one) => (one === "refused" && line.result === "not permitted" ? line.result : one));
  if (ours.join("; ") !== captured.join("; ")) return `${lineText(line)}: ours ${ours.join("; ")}, captured ${captured.join("; ")}`;
  if (line.sticky !== undefined && isSticky(rules, packet) !== line.sticky) return `${lineText(line)}: sticky is not ${line.sticky}`;
  return undefined;
}

const lineText = (line: TrafficLine): string => `${line.from} to ${line.to} (${line.kind})`;

const capturedOutcomes = ({ result, backends }: TrafficLine): string[] =>
  result === "served" ? backends!.map(({ address, source }) => `served by ${address}, source ${source}`).sort() : [result];

function outcome(way: Candidate, packet: Packet, servers: ReadonlySet<string>, options: ProxyOptions): string {
  if (way.verdict === "reject") return "refused";
  if (way.verdict === "drop") return "no answer";
  const address = way.ip.includes(":") ? `[${way.ip}]:${way.port}` : `${way.ip}:${way.port}`;
  if (servers.has(`${packet.protocol} ${address}`)) return `served by ${address}, source ${seenSource(way, packet, options)}`;
  return localAddresses(options, packet.family).includes(way.ip) || way.ip.startsWith("127.") ? "refused" : "left the node";
}

/** The socket of a process on the node has the address that masquerading would choose, unless it talks over loopback. */
const seenSource = (way: Candidate, packet: Packet, options: ProxyOptions): "kept" | "node" =>
  way.masqueraded && packet.src !== primaryAddress(options, packet.family) ? "node" : "kept";

/** `TCP 10.244.0.5:8080` for all endpoints there are. */
function serversOf(objects: readonly KubeObject[], family: Family): Set<string> {
  const servers = new Set<string>();
  for (const slice of objects.filter((object): object is EndpointSlice => object.kind === "EndpointSlice")) {
    if (slice.addressType !== family) continue;
    for (const endpoint of slice.endpoints ?? []) {
      for (const port of slice.ports ?? []) {
        const ip = canonicalIP(endpoint.addresses[0]!);
        servers.add(`${port.protocol ?? "TCP"} ${family === "IPv6" ? `[${ip}]` : ip}:${port.port}`);
      }
    }
  }
  return servers;
}

function packetOf(line: TrafficLine, options: ProxyOptions, objects: readonly KubeObject[]): Packet {
  const [protocol, dst, port] = line.to.split(" ") as [string, string, string];
  const base = {
    family: line.family,
    protocol: protocol.toUpperCase() as Packet["protocol"],
    dst,
    sourcePort: 40000,
    destinationPort: Number(port),
  };
  const [who, address] = [line.from.replace(/ [0-9a-f.:]+$/, ""), line.from.split(" ").at(-1)!];
  switch (who) {
    case "pod":
      return { ...base, origin: "pod", src: unusedPodAddress(objects, (node) => node === options.nodeName, line.family) };
    case "endpoint":
      return { ...base, origin: "pod", src: address };
    case "node":
      return { ...base, origin: "process", src: ownSource(dst, options, line.family) };
    case "outside":
      return { ...base, origin: "wire", src: address };
    case "pod of another node":
      return { ...base, origin: "wire", src: unusedPodAddress(objects, (node) => node !== options.nodeName, line.family) };
    default:
      throw new Error(`unknown sender ${line.from}`);
  }
}

/** The source a kernel chooses for a socket: the destination itself where it is the node's own. */
function ownSource(dst: string, options: ProxyOptions, family: Family): string {
  if (dst.startsWith("127.")) return "127.0.0.1";
  return localAddresses(options, family).includes(dst) ? dst : primaryAddress(options, family)!;
}

/** An address near the end of a node's pod range. */
function unusedPodAddress(objects: readonly KubeObject[], which: (node: string) => boolean, family: Family): string {
  const node = objects.find((object): object is Node => object.kind === "Node" && which(object.metadata.name));
  const range = (node?.spec.podCIDRs ?? []).find((cidr) => familyOf(cidr) === family);
  if (range === undefined) throw new Error(`no ${family} pod range to take a client from`);
  const bytes = ipaddr.parse(range.split("/")[0]!).toByteArray();
  bytes[bytes.length - 1] = 253;
  return ipaddr.fromByteArray(bytes).toString();
}

/** A client that came once comes back to the same endpoint, whatever the draws. */
function isSticky(rules: NodeRules, packet: Packet): boolean {
  return Array.from({ length: 8 }, (_, seed) => {
    const first = rules.walk(packet, { random: new SeededRandom(seed), now: 0 });
    const seen = new Set(first.affinity.map(({ set, client }) => `${set} ${client}`));
    const affinity: AffinityMemory = { lastSeen: (set, client) => (seen.has(`${set} ${client}`) ? 0 : undefined) };
    const again = rules.walk(packet, { random: new SeededRandom(seed + 100), now: 1000, affinity });
    return again.dst === first.dst && again.destinationPort === first.destinationPort;
  }).every(Boolean);
}
