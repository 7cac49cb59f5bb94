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
import { IpSets } from "./ip-sets.ts";
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

export function compileIpvs(node: NodeContext, ports: CompiledPorts<CompiledPort>): IpvsState {
  const own = new Set(localAddresses(node.options, node.family));
  const servers = new Map<string, VirtualServer>();
  const addresses = new Set<string>();
  const sets = new IpSets();
  const serve = (server: VirtualServer) => {
    if (!servers.has(serverKey(server))) servers.set(serverKey(server), server);
  };
  for (const { compiled } of ports) {
    for (const { set, entry } of compiled.entries) sets.add(set, entry);
    for (const server of compiled.servers) {
      serve(server);
      if (own.has(server.ip)) continue;
      addresses.add(server.ip);
      sets.add("KUBE-IPVS-IPS", { text: server.ip, origin: server.origin });
    }
    if (compiled.nodePort === undefined) continue;
    const { local, ...nodePort } = compiled.nodePort;
    for (const ip of node.nodeAddresses) serve({ ...nodePort, ip });
    if (nodePort.protocol === "SCTP") addSctpNodePort(sets, node, nodePort, local);
  }
  const sourceDrops = ports.flatMap(({ compiled }) => compiled.sourceDrops);
  return { servers, addresses: [...addresses], sets, iptables: compileIptables(node, sets, sourceDrops) };
}

function addSctpNodePort(sets: IpSets, { nodeAddresses }: NodeContext, { port, origin }: VirtualServer, local: boolean): void {
  for (const ip of nodeAddresses) {
    const entry = { text: `${ip},sctp:${port}`, origin };
    sets.add("KUBE-NODE-PORT-SCTP-HASH", entry);
    if (local) sets.add("KUBE-NODE-PORT-LOCAL-SCTP-HASH", entry);
  }
}
