/**
 * Compiles the service map into what kube-proxy writes for one node and IP family in nftables mode.
 *
 * Only builds commands: printing is `print-rules.ts`, walking a packet through the table is `walk-rules.ts`.
 *
 * @see test/golden/proxy/README.md "Facts: nftables"
 */
import type { Node } from "../../api/objects.ts";
import { familyOf } from "../address.ts";
import { type LocalTraffic, localTraffic } from "../local-traffic.ts";
import { type NodePortAddresses, nodePortAddressesOfNftables } from "../node-port-addresses.ts";
import { type CompiledPorts, PortCache } from "../port-cache.ts";
import { type ProxyOptions, primaryAddress } from "../proxy-options.ts";
import type { Family, RuleRole } from "../rule-set.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { Locality } from "../usable-endpoints.ts";
import { type CompiledPort, compilePort, fromLocal, type PortContext } from "./compile-service.ts";
import { addRule, type Command, freshChain, type Hook, type Part } from "./rule.ts";
import {
  clusterIPs,
  firewallIPs,
  hairpinConnections,
  nodePortIPs,
  noEndpointNodePorts,
  noEndpointServices,
  serviceIPs,
  serviceNodePorts,
} from "./sets.ts";

/** Everything about a node that its rules depend on. */
export interface NodeContext {
  family: Family;
  at: Locality;
  options: ProxyOptions;
  localTraffic: LocalTraffic | undefined;
  nodePorts: NodePortAddresses;
}

export function nodeContext(options: ProxyOptions, node: Node | undefined, family: Family): NodeContext {
  return {
    family,
    at: { node: options.nodeName, zone: node?.metadata.labels?.["topology.kubernetes.io/zone"] },
    options,
    localTraffic: localTraffic(options, node, family),
    nodePorts: nodePortAddressesOfNftables(options, family),
  };
}

/** Compiled service ports of the cluster, shared by its nodes. */
export class NftablesPorts {
  readonly #cache = new PortCache<PortContext, CompiledPort>(compilePort, true);

  compile(entries: readonly ServicePortEntry[], { options, family, localTraffic, at }: NodeContext): CompiledPorts<CompiledPort> {
    const mark = 2 ** options.masqueradeBit;
    return this.#cache.compile(entries, { at, ip: primaryAddress(options, family) }, { localTraffic, mark });
  }
}

/** The base chains: where packets enter the table. */
const baseChains: readonly { chain: string; hook: Hook }[] = [
  { chain: "filter-prerouting-pre-dnat", hook: { type: "filter", hook: "prerouting", priority: -110 } },
  { chain: "filter-output-pre-dnat", hook: { type: "filter", hook: "output", priority: -110 } },
  { chain: "filter-input", hook: { type: "filter", hook: "input", priority: 0 } },
  { chain: "filter-forward", hook: { type: "filter", hook: "forward", priority: 0 } },
  { chain: "filter-output", hook: { type: "filter", hook: "output", priority: 0 } },
  { chain: "nat-prerouting", hook: { type: "nat", hook: "prerouting", priority: -100 } },
  { chain: "nat-output", hook: { type: "nat", hook: "output", priority: -100 } },
  { chain: "nat-postrouting", hook: { type: "nat", hook: "postrouting", priority: 100 } },
];

/** Which chains the base chains jump to, for new connections only or for all packets. */
const jumps: readonly { to: string; from: readonly string[]; onNew: boolean }[] = [
  { to: "nodeport-endpoints-check", from: ["filter-input"], onNew: true },
  { to: "service-endpoints-check", from: ["filter-input", "filter-forward", "filter-output"], onNew: true },
  { to: "firewall-check", from: ["filter-prerouting-pre-dnat", "filter-output-pre-dnat"], onNew: true },
  { to: "services", from: ["nat-output", "nat-prerouting"], onNew: false },
  { to: "masquerading", from: ["nat-postrouting"], onNew: false },
  { to: "cluster-ips-check", from: ["filter-forward", "filter-output"], onNew: true },
];

/**
 * What a full sync writes before the service ports.
 *
 * @param first the very first sync also makes the base chains anew, so that changed properties take effect
 */
export function fixedCommands(node: NodeContext, first: boolean): Command[] {
  return [
    { do: "add-table" },
    ...(first
      ? baseChains.flatMap(({ chain }): Command[] => [
          { do: "add-chain", chain },
          { do: "delete-chain", chain },
        ])
      : []),
    ...baseChains.flatMap(({ chain, hook }): Command[] => [
      { do: "add-chain", chain, hook },
      { do: "flush-chain", chain },
    ]),
    ...jumps.flatMap(({ to, from, onNew }) => [
      ...freshChain(to),
      ...from.map((chain) => fixed(chain, "jump", [...(onNew ? [{ part: "new" } as const] : []), { part: "jump", chain: to }])),
    ]),
    ...masquerading(node),
    ...unserved(node),
    ...refusing(node),
    { do: "add-set", set: firewallIPs },
    fixed("firewall-check", "jump", [{ part: "look-up", by: "destination", map: firewallIPs.name }]),
    { do: "add-set", set: serviceIPs },
    { do: "add-set", set: serviceNodePorts },
    ...portals(node),
  ];
}

const fixed = (chain: string, role: RuleRole, parts: Part[], comment?: string): Command =>
  addRule(chain, { parts, ...(comment === undefined ? {} : { comment }), origin: { role, objects: [] } });

function masquerading({ options }: NodeContext): Command[] {
  const mark = 2 ** options.masqueradeBit;
  const chain = "masquerading";
  return [
    { do: "add-set", set: hairpinConnections },
    fixed(chain, "masquerade", [{ part: "marked", mark }, { part: "flip-mark", mark }, { part: "masquerade" }]),
    fixed(chain, "masquerade-hairpin", [
      { part: "rewritten" },
      { part: "connection-in", set: hairpinConnections.name },
      { part: "masquerade" },
    ]),
  ];
}

/** Cluster addresses that nobody serves, on that port or at all. */
function unserved({ options, family }: NodeContext): Command[] {
  const ranges = options.serviceCIDRs.filter((range) => familyOf(range) === family);
  const chain = "cluster-ips-check";
  const known: Part = { part: "destination-in", set: clusterIPs.name };
  const text = "Reject traffic to invalid ports of ClusterIPs";
  return [
    { do: "add-set", set: clusterIPs },
    fixed(chain, "unserved-cluster-ip", [known, { part: "reject" }], text),
    ...(ranges.length === 0
      ? []
      : [
          fixed(
            chain,
            "unserved-cluster-ip",
            [{ part: "destination-within", ranges }, { part: "drop" }],
            "Drop traffic to unallocated ClusterIPs",
          ),
        ]),
  ];
}

function refusing(node: NodeContext): Command[] {
  const comment = "helper for @no-endpoint-services / @no-endpoint-nodeports";
  return [
    ...nodePortSet(node),
    { do: "add-set", set: noEndpointServices },
    { do: "add-set", set: noEndpointNodePorts },
    { do: "add-chain", chain: "reject-chain", comment },
    { do: "flush-chain", chain: "reject-chain" },
    fixed("reject-chain", "no-endpoints", [{ part: "reject" }]),
    fixed("service-endpoints-check", "jump", [{ part: "look-up", by: "destination", map: noEndpointServices.name }]),
    fixed("nodeport-endpoints-check", "node-ports", [
      ...toNodePorts(node, false),
      { part: "look-up", by: "port", map: noEndpointNodePorts.name },
    ]),
  ];
}

/** Added also where it is of no use, so that it can be deleted. */
function nodePortSet({ nodePorts }: NodeContext): Command[] {
  const added: Command = { do: "add-set", set: nodePortIPs };
  if (nodePorts.all) return [added, { do: "delete-set", set: nodePortIPs }];
  const origin = { role: "node-ports", objects: [] } as const;
  return [
    added,
    { do: "flush-set", set: nodePortIPs },
    ...nodePorts.addresses.map((ip): Command => ({ do: "add-element", set: nodePortIPs, element: { key: [ip], origin } })),
  ];
}

/** Not in the captures where node ports answer on all addresses; then loopback is left out all the same. */
function toNodePorts({ nodePorts, family }: NodeContext, hasToBeLocal: boolean): Part[] {
  if (!nodePorts.all) return [{ part: "destination-in", set: nodePortIPs.name }];
  const loopback: Part = { part: "destination-not", range: family === "IPv4" ? "127.0.0.0/8" : "::1/128" };
  return hasToBeLocal ? [{ part: "destination-local" }, loopback] : [loopback];
}

function portals(node: NodeContext): Command[] {
  const { options, localTraffic } = node;
  const mark: Part = { part: "set-mark", mark: 2 ** options.masqueradeBit };
  const toCluster: Part = { part: "destination-in", set: clusterIPs.name };
  const chain = "services";
  const masquerade = options.masqueradeAll
    ? [fixed(chain, "masquerade-all", [toCluster, mark], "masquerade all clusterIP traffic")]
    : localTraffic === undefined
      ? []
      : [
          fixed(
            chain,
            "masquerade-off-cluster",
            [toCluster, fromLocal(localTraffic, true), mark],
            "masquerade clusterIP traffic from outside cluster",
          ),
        ];
  return [
    ...masquerade,
    fixed(chain, "jump", [{ part: "look-up", by: "destination", map: serviceIPs.name }]),
    fixed(chain, "node-ports", [...toNodePorts(node, true), { part: "look-up", by: "port", map: serviceNodePorts.name }]),
  ];
}
