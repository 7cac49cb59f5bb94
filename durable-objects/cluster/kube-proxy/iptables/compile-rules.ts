/**
 * Compiles the service map into what kube-proxy writes for one node and IP family.
 *
 * Only builds rules: printing is `print-rules.ts`, walking a packet through them is `walk-rules.ts`.
 *
 * @see test/golden/proxy/README.md "Facts: iptables"
 */
import type { Node } from "../../api/objects.ts";
import { type LocalTraffic, localTraffic } from "../local-traffic.ts";
import { isLoopback, type NodePortAddresses, nodePortAddresses, servesLoopback } from "../node-port-addresses.ts";
import { type CompiledPorts, PortCache } from "../port-cache.ts";
import { type ProxyOptions, primaryAddress } from "../proxy-options.ts";
import type { Family, RuleRole } from "../rule-set.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { Locality } from "../usable-endpoints.ts";
import { type CompiledPort, compilePort, type PortContext } from "./compile-service.ts";
import type { KernelTables } from "./kernel-tables.ts";
import {
  append,
  type BuiltInJump,
  comment,
  jump,
  type Match,
  type RestoreInput,
  type RestoreLine,
  type Rule,
  type TableName,
  type Target,
} from "./rule.ts";

/** Everything about a node that its rules depend on. */
export interface NodeContext {
  family: Family;
  at: Locality;
  options: ProxyOptions;
  localTraffic: LocalTraffic | undefined;
  nodePorts: NodePortAddresses;
  /** Node ports answer on 127.0.0.1, which takes a guard against packets that only claim to come from there. */
  loopback: boolean;
}

export function nodeContext(options: ProxyOptions, node: Node | undefined, family: Family): NodeContext {
  return {
    family,
    at: { node: options.nodeName, zone: node?.metadata.labels?.["topology.kubernetes.io/zone"] },
    options,
    localTraffic: localTraffic(options, node, family),
    nodePorts: nodePortAddresses(options, family),
    loopback: servesLoopback(options, family),
  };
}

/** Above this many endpoints over all service ports, the rules of single endpoints carry no comments. */
const largeClusterEndpoints = 1000;

export const isLargeCluster = (endpoints: number): boolean => endpoints > largeClusterEndpoints;

const endpointsIn = (entries: readonly ServicePortEntry[]): number => entries.reduce((sum, entry) => sum + entry.endpoints.length, 0);

/** Compiled service ports of the cluster, shared by its nodes. */
export class IptablesPorts {
  readonly #cache = new PortCache<PortContext, CompiledPort>(compilePort, false);

  /** @param endpoints how many the cluster has; where `entries` are not all of it */
  compile(entries: readonly ServicePortEntry[], node: NodeContext, endpoints = endpointsIn(entries)): CompiledPorts<CompiledPort> {
    const { options, family, localTraffic, loopback, at } = node;
    return this.#cache.compile(
      entries,
      { at, ip: primaryAddress(options, family) },
      {
        localTraffic,
        masqueradeAll: options.masqueradeAll,
        countLoopbackNodePorts: options.nfacct && loopback,
        endpointComments: !isLargeCluster(endpoints),
      },
    );
  }
}

/**
 * One sync.
 *
 * @param changed in a partial sync, the Services (`namespace/name`) whose own chains are written; absent: all, a full sync
 * @param stale chains to delete, in order
 */
export function compileSync(
  node: NodeContext,
  ports: CompiledPorts<CompiledPort>,
  changed?: ReadonlySet<string>,
  stale: readonly string[] = [],
): RestoreInput {
  const written = ports.filter(({ entry }) => changed === undefined || changed.has(`${entry.port.namespace}/${entry.port.service}`));
  const isWritten = new Set(written.map(({ entry }) => entry));
  return [
    {
      table: "filter",
      chains: [...filterChains, ...(node.loopback ? ["KUBE-FIREWALL"] : [])],
      lines: [...loopbackGuard(node), ...ports.flatMap(({ compiled }) => compiled.filter), ...forwarding(node)],
    },
    {
      table: "nat",
      chains: [...natChains, ...written.flatMap(({ compiled }) => compiled.chains), ...stale],
      lines: [
        ...masquerading(node),
        ...ports.flatMap(({ entry, compiled }) => (isWritten.has(entry) ? [...compiled.portals, ...compiled.rules] : compiled.portals)),
        ...stale.map((chain): RestoreLine => ({ do: "delete-chain", chain })),
        ...nodePortJumps(node),
      ],
    },
  ];
}

const filterChains = ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"];
const natChains = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];

const fixed = (role: RuleRole, matches: Match[], target: Target): Rule => ({ matches, target, origin: { role, objects: [] } });

function loopbackGuard({ loopback }: NodeContext): RestoreLine[] {
  if (!loopback) return [];
  const matches: Match[] = [
    comment("block incoming localnet connections"),
    { match: "destination", range: "127.0.0.0/8" },
    { match: "source", range: "127.0.0.0/8", not: true },
    { match: "state", states: ["RELATED", "ESTABLISHED", "DNAT"], not: true },
  ];
  return [append("KUBE-FIREWALL", fixed("loopback-guard", matches, { target: "drop" }))];
}

function forwarding({ options }: NodeContext): RestoreLine[] {
  const counter: Match[] = options.nfacct ? [{ match: "counter", name: "ct_state_invalid_dropped_pkts" }] : [];
  const invalid = fixed("invalid", [{ match: "state", states: ["INVALID"] }, ...counter], { target: "drop" });
  const marked = fixed("forward", [comment("kubernetes forwarding rules"), { match: "mark", mark: markOf(options) }], { target: "accept" });
  const known: Match[] = [comment("kubernetes forwarding conntrack rule"), { match: "state", states: ["RELATED", "ESTABLISHED"] }];
  const rules = [...(options.conntrackTCPBeLiberal ? [] : [invalid]), marked, fixed("forward", known, { target: "accept" })];
  return rules.map((rule) => append("KUBE-FORWARD", rule));
}

const markOf = (options: ProxyOptions): number => 2 ** options.masqueradeBit;

function masquerading({ options }: NodeContext): RestoreLine[] {
  const mark = markOf(options);
  const reason = comment("kubernetes service traffic requiring SNAT");
  return [
    append("KUBE-POSTROUTING", fixed("masquerade", [{ match: "mark", mark, not: true }], { target: "return" })),
    append("KUBE-POSTROUTING", fixed("masquerade", [], { target: "mark", mark, how: "xor" })),
    append("KUBE-POSTROUTING", fixed("masquerade", [reason], { target: "masquerade", randomFully: options.randomFully })),
    append("KUBE-MARK-MASQ", fixed("mark", [], { target: "mark", mark, how: "or" })),
  ];
}

/** Last, so that every other portal comes first. */
function nodePortJumps({ family, nodePorts, loopback }: NodeContext): RestoreLine[] {
  const text = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
  const line = (matches: Match[]) => append("KUBE-SERVICES", fixed("node-ports", [text, ...matches], jump("KUBE-NODEPORTS")));
  if (!nodePorts.all) {
    return nodePorts.addresses.filter((ip) => loopback || !isLoopback(ip)).map((ip) => line([{ match: "destination", range: ip }]));
  }
  const localRange: Match = { match: "destination", range: family === "IPv4" ? "127.0.0.0/8" : "::1/128", not: true };
  return [line([{ match: "address-type", of: "dst", type: "LOCAL" }, ...(loopback ? [] : [localRange])])];
}

/** Makes sure of the chains and jumps that lead packets from the built-in chains to kube-proxy's; done in a full sync. */
export function ensureJumps(tables: KernelTables): void {
  for (const { table, from, to, rule } of jumps) {
    tables.ensureChain(table, to);
    const { rules } = tables.ensureChain(table, from);
    if (!rules.includes(rule)) rules.unshift(rule);
  }
}

const builtInJump = (table: TableName, from: string, to: string, matches: readonly Match[]): BuiltInJump => ({
  table,
  from,
  to,
  rule: { matches, target: jump(to), origin: { role: "jump", objects: [] } },
});

const onNew = (text: string): Match[] => [{ match: "state", states: ["NEW"] }, comment(text)];
const external = onNew("kubernetes externally-visible service portals");
const portals = onNew("kubernetes service portals");
const firewall = onNew("kubernetes load balancer firewall");

/** In the order in which kube-proxy inserts them, each at the top: the last inserted is met first. */
export const jumps: readonly BuiltInJump[] = [
  builtInJump("filter", "INPUT", "KUBE-EXTERNAL-SERVICES", external),
  builtInJump("filter", "FORWARD", "KUBE-EXTERNAL-SERVICES", external),
  builtInJump("filter", "INPUT", "KUBE-NODEPORTS", [comment("kubernetes health check service ports")]),
  builtInJump("filter", "FORWARD", "KUBE-SERVICES", portals),
  builtInJump("filter", "OUTPUT", "KUBE-SERVICES", portals),
  builtInJump("filter", "FORWARD", "KUBE-FORWARD", [comment("kubernetes forwarding rules")]),
  builtInJump("filter", "INPUT", "KUBE-PROXY-FIREWALL", firewall),
  builtInJump("filter", "OUTPUT", "KUBE-PROXY-FIREWALL", firewall),
  builtInJump("filter", "FORWARD", "KUBE-PROXY-FIREWALL", firewall),
  builtInJump("nat", "OUTPUT", "KUBE-SERVICES", [comment("kubernetes service portals")]),
  builtInJump("nat", "PREROUTING", "KUBE-SERVICES", [comment("kubernetes service portals")]),
  builtInJump("nat", "POSTROUTING", "KUBE-POSTROUTING", [comment("kubernetes postrouting rules")]),
  builtInJump("filter", "INPUT", "KUBE-FIREWALL", []),
  builtInJump("filter", "OUTPUT", "KUBE-FIREWALL", []),
];
