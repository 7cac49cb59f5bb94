/**
 * Compiles one service port into virtual servers and ip set entries. Pure; nodes which choose alike share one result.
 *
 * @see test/golden/proxy/README.md "Facts: ipvs"
 */
import type { ObjectRef } from "../../api/network.ts";
import type { Endpoint } from "../endpoint-changes.ts";
import type { NodeFacts } from "../port-cache.ts";
import { PortOrigin } from "../port-origin.ts";
import type { RuleRole } from "../rule-set.ts";
import type { ServicePort } from "../service-changes.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { UsableEndpoints } from "../usable-endpoints.ts";
import type { SetEntry, SetName } from "./ip-sets.ts";
import type { RealServer, VirtualServer } from "./virtual-server.ts";

/** What of a node matters to a service port, besides the choice of endpoints. */
export interface PortContext {
  scheduler: string;
}

/** A load balancer address that processes of the node may not use. */
export interface SourceDrop {
  ip: string;
  port: ServicePort;
}

export interface CompiledPort {
  entries: readonly { set: SetName; entry: SetEntry }[];
  /** On the cluster, external and load balancer addresses, in this order; those addresses have to be the node's own. */
  servers: readonly VirtualServer[];
  /** What stands on each of the node's addresses. */
  nodePort?: VirtualServer & { local: boolean };
  sourceDrops: readonly SourceDrop[];
}

export function compilePort(entry: ServicePortEntry, use: UsableEndpoints, context: PortContext & NodeFacts): CompiledPort {
  const { port } = entry;
  const internal = realServers(use, port.internalPolicyLocal);
  const external = realServers(use, port.externalPolicyLocal);
  const serverOn = (role: RuleRole, ip: string, number: number, servers: RealServer[]): VirtualServer => ({
    ip,
    port: number,
    protocol: port.protocol,
    scheduler: context.scheduler,
    ...(port.affinitySeconds === undefined ? {} : { persistentSeconds: port.affinitySeconds }),
    realServers: servers,
    origin: new PortOrigin(role, port),
  });
  const restricted = port.sourceRanges.length > 0;
  return {
    entries: [
      ...hairpins(entry, context),
      ...addressEntries(port),
      ...(restricted ? sourceRanges(port, context) : []),
      ...portEntries(port),
    ],
    servers: [
      serverOn("cluster-ip", port.clusterIP, port.port, internal),
      ...port.externalIPs.map((ip) => serverOn("external-ip", ip, port.port, external)),
      ...port.loadBalancerIPs.map((ip) => serverOn("load-balancer-ip", ip, port.port, external)),
    ],
    ...(port.nodePort === 0
      ? {}
      : { nodePort: { ...serverOn("node-port", "", port.nodePort, external), local: port.externalPolicyLocal } }),
    sourceDrops: restricted && !context.nodeInSourceRanges ? port.loadBalancerIPs.map((ip) => ({ ip, port })) : [],
  };
}

/** There is no drop in this mode: where the local list is empty, the cluster list serves. */
function realServers(use: UsableEndpoints, local: boolean): RealServer[] {
  const chosen: readonly Endpoint[] = local && use.local.length > 0 ? use.local : use.cluster;
  return chosen.map((endpoint) => new EndpointServer(endpoint));
}

class EndpointServer implements RealServer {
  readonly ip: string;
  readonly port: number;
  readonly weight = 1;
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.ip = endpoint.ip;
    this.port = endpoint.port;
    this.#endpoint = endpoint;
  }

  get objects(): readonly ObjectRef[] {
    return this.#endpoint.objects;
  }
}

type Entries = CompiledPort["entries"];

const entryOf = (set: SetName, port: ServicePort, role: RuleRole, text: string): Entries[number] => ({
  set,
  entry: { text, origin: new PortOrigin(role, port) },
});

const socketOf = (port: ServicePort, ip: string): string => `${ip},${port.protocol.toLowerCase()}:${port.port}`;

/** Every endpoint on the node, whether it is used or not. */
const hairpins = ({ port, endpoints }: ServicePortEntry, { isHere }: NodeFacts): Entries =>
  endpoints.filter(isHere).map((endpoint) => ({
    set: "KUBE-LOOP-BACK",
    entry: {
      text: `${endpoint.ip},${port.protocol.toLowerCase()}:${endpoint.port},${endpoint.ip}`,
      origin: new PortOrigin("masquerade-hairpin", port, [endpoint]),
    },
  }));

function addressEntries(port: ServicePort): Entries {
  const local = port.externalPolicyLocal;
  const externals = local ? "KUBE-EXTERNAL-IP-LOCAL" : "KUBE-EXTERNAL-IP";
  return [
    entryOf("KUBE-CLUSTER-IP", port, "cluster-ip", socketOf(port, port.clusterIP)),
    ...port.externalIPs.map((ip) => entryOf(externals, port, "external-ip", socketOf(port, ip))),
    ...port.loadBalancerIPs.flatMap((ip) => [
      entryOf("KUBE-LOAD-BALANCER", port, "load-balancer-ip", socketOf(port, ip)),
      ...(local ? [entryOf("KUBE-LOAD-BALANCER-LOCAL", port, "load-balancer-ip", socketOf(port, ip))] : []),
    ]),
  ];
}

/** Where the node itself is in none of the ranges, a rule of its own keeps its processes away: `sourceDrops`. */
const sourceRanges = (port: ServicePort, { nodeInSourceRanges }: NodeFacts): Entries =>
  port.loadBalancerIPs.flatMap((ip) => [
    entryOf("KUBE-LOAD-BALANCER-FW", port, "source-range-drop", socketOf(port, ip)),
    ...port.sourceRanges.map((range) => entryOf("KUBE-LOAD-BALANCER-SOURCE-CIDR", port, "source-range", `${socketOf(port, ip)},${range}`)),
    ...(nodeInSourceRanges ? [entryOf("KUBE-LOAD-BALANCER-SOURCE-IP", port, "source-range", `${socketOf(port, ip)},${ip}`)] : []),
  ]);

/** Ports without an address: those of SCTP have one, and are entered for each address of the node. */
function portEntries(port: ServicePort): Entries {
  const { protocol, nodePort, healthCheckNodePort, externalPolicyLocal } = port;
  const number = String(nodePort);
  const byNumber = nodePort !== 0 && protocol !== "SCTP";
  return [
    ...(byNumber ? [entryOf(protocol === "TCP" ? "KUBE-NODE-PORT-TCP" : "KUBE-NODE-PORT-UDP", port, "node-port", number)] : []),
    ...(byNumber && externalPolicyLocal
      ? [entryOf(protocol === "TCP" ? "KUBE-NODE-PORT-LOCAL-TCP" : "KUBE-NODE-PORT-LOCAL-UDP", port, "node-port", number)]
      : []),
    ...(healthCheckNodePort === 0 ? [] : [entryOf("KUBE-HEALTH-CHECK-NODE-PORT", port, "health-check", String(healthCheckNodePort))]),
  ];
}
