/**
 * Compiles the service map into what one node's kernel holds in ipvs mode: virtual servers, addresses, ip sets and the
 * few iptables rules around them.
 *
 * Only says what there should be: what is written to get there is `ipvs-sync.ts`.
 *
 * @see test/golden/proxy/README.md "Facts: ipvs"
 */
import type { Node } from "../../api/objects.ts";
import { parseCidr } from "../address.ts";
import type { RestoreInput } from "../iptables/rule.ts";
import { type LocalTraffic, localTraffic } from "../local-traffic.ts";
import { isLoopback, nodePortAddresses } from "../node-port-addresses.ts";
import { type CompiledPorts, PortCache } from "../port-cache.ts";
import { localAddresses, type ProxyOptions, primaryAddress } from "../proxy-options.ts";
import type { Family } from "../rule-set.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { Locality } from "../usable-endpoints.ts";
import { compileIptables } from "./compile-iptables.ts";
import { type CompiledPort, compilePort, type PortContext } from "./compile-service.ts";
import { IpSets, type SetEntry, type SetName } from "./ip-sets.ts";
import { serverKey, type VirtualServer } from "./virtual-server.ts";

/** Everything about a node that its rules depend on. */
export interface NodeContext {
  family: Family;
  at: Locality;
  options: ProxyOptions;
  localTraffic: LocalTraffic | undefined;
  /** On which of its addresses node ports answer, in byte order. */
  nodeAddresses: readonly string[];
}

export function nodeContext(options: ProxyOptions, node: Node | undefined, family: Family): NodeContext {
  const asked = nodePortAddresses(options, family);
  const addresses = asked.all ? localAddresses(options, family) : asked.addresses;
  return {
    family,
    at: { node: options.nodeName, zone: node?.metadata.labels?.["topology.kubernetes.io/zone"] },
    options,
    localTraffic: localTraffic(options, node, family),
    nodeAddresses: addresses.filter((ip) => !isLoopback(ip) && !isLinkLocal(ip)).sort(),
  };
}

const linkLocal = parseCidr("fe80::/10")!;
const isLinkLocal = (ip: string): boolean => linkLocal.contains(ip);

/** What one kernel holds. */
export interface IpvsState {
  /** By `serverKey`, in the order of the service map. */
  servers: ReadonlyMap<string, VirtualServer>;
  /** Addresses on the interface `kube-ipvs0`, in the order in which they are needed. */
  addresses: readonly string[];
  sets: IpSets;
  iptables: RestoreInput;
}

/** Compiled service ports of the cluster, shared by its nodes. */
export class IpvsPorts {
  readonly #cache = new PortCache<PortContext, CompiledPort>(compilePort, true);

  compile(entries: readonly ServicePortEntry[], { options, family, at }: NodeContext): CompiledPorts<CompiledPort> {
    return this.#cache.compile(entries, { at, ip: primaryAddress(options, family) }, { scheduler: options.ipvsScheduler });
  }
}

/** What one service port adds to a node's kernel. */
export interface IpvsPart {
  servers: readonly VirtualServer[];
  /** To be bound to `kube-ipvs0`. */
  addresses: readonly string[];
  entries: readonly { set: SetName; entry: SetEntry }[];
}

export function partOf(node: NodeContext, compiled: CompiledPort): IpvsPart {
  const own = localAddresses(node.options, node.family);
  const bound = compiled.servers.filter(({ ip }) => !own.includes(ip));
  const onNode = compiled.nodePort === undefined ? [] : nodePortServers(node, compiled.nodePort);
  return {
    servers: [...compiled.servers, ...onNode],
    addresses: bound.map(({ ip }) => ip),
    entries: [
      ...compiled.entries,
      ...bound.map(({ ip: text, origin }) => ({ set: "KUBE-IPVS-IPS", entry: { text, origin } }) as const),
      ...(compiled.nodePort?.protocol === "SCTP" ? sctpNodePorts(node, compiled.nodePort) : []),
    ],
  };
}

const nodePortServers = ({ nodeAddresses }: NodeContext, { local: _local, ...server }: NodePort): VirtualServer[] =>
  nodeAddresses.map((ip) => ({ ...server, ip }));

type NodePort = NonNullable<CompiledPort["nodePort"]>;

const sctpNodePorts = ({ nodeAddresses }: NodeContext, { port, origin, local }: NodePort): IpvsPart["entries"] =>
  nodeAddresses.flatMap((ip) => {
    const entry = { text: `${ip},sctp:${port}`, origin };
    const sets = ["KUBE-NODE-PORT-SCTP-HASH", ...(local ? (["KUBE-NODE-PORT-LOCAL-SCTP-HASH"] as const) : [])] as const;
    return sets.map((set) => ({ set, entry }));
  });

export function compileIpvs(node: NodeContext, ports: CompiledPorts<CompiledPort>): IpvsState {
  const servers = new Map<string, VirtualServer>();
  const addresses = new Set<string>();
  const sets = new IpSets();
  for (const { compiled } of ports) {
    const part = partOf(node, compiled);
    for (const server of part.servers) if (!servers.has(serverKey(server))) servers.set(serverKey(server), server);
    for (const ip of part.addresses) addresses.add(ip);
    for (const { set, entry } of part.entries) sets.add(set, entry);
  }
  const sourceDrops = ports.flatMap(({ compiled }) => compiled.sourceDrops);
  return { servers, addresses: [...addresses], sets, iptables: compileIptables(node, sets, sourceDrops) };
}
