/**
 * The iptables rules around virtual servers: they mark, let in and keep away by ip sets.
 *
 * Rules that match a set are left out while it is empty, but for those that the filter table always has.
 */
import {
  append,
  comment,
  jump,
  type Match,
  type RestoreInput,
  type RestoreLine,
  type Rule,
  type Target,
  type WireProtocol,
} from "../iptables/rule.ts";
import type { LocalTraffic } from "../local-traffic.ts";
import type { ProxyOptions } from "../proxy-options.ts";
import type { Family, RuleOrigin, RuleRole } from "../rule-set.ts";
import type { SourceDrop } from "./compile-service.ts";
import { type IpSets, kernelSetName, type SetName } from "./ip-sets.ts";

interface Context {
  family: Family;
  options: ProxyOptions;
  localTraffic: LocalTraffic | undefined;
}

/** All that the rules ask of the sets. */
export type Emptiness = Pick<IpSets, "isEmpty">;

export function compileIptables(context: Context, sets: Emptiness, sourceDrops: readonly SourceDrop[]): RestoreInput {
  return [
    {
      table: "nat",
      chains: ["KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ"],
      lines: nat(context, sets),
    },
    {
      table: "filter",
      chains: filterChains,
      lines: filter(context, sets, sourceDrops),
    },
  ];
}

const filterChains = [
  "KUBE-FORWARD",
  "KUBE-NODE-PORT",
  "KUBE-PROXY-FIREWALL",
  "KUBE-SOURCE-RANGES-FIREWALL",
  "KUBE-IPVS-FILTER",
  "KUBE-IPVS-OUT-FILTER",
];

const mark = jump("KUBE-MARK-MASQ");

function nat({ family, options, localTraffic }: Context, sets: Emptiness): RestoreLine[] {
  const when = (set: SetName, lines: RestoreLine[]) => (sets.isEmpty(set) ? [] : lines);
  const inSet = inSetOf(family);
  const bit = 2 ** options.masqueradeBit;
  return [
    line("KUBE-SERVICES", "loopback-guard", [{ match: "source", range: family === "IPv4" ? "127.0.0.0/8" : "::1/128" }], {
      target: "return",
    }),
    ...setRules.filter(({ set }) => !sets.isEmpty(set)).map((rule) => setLine(rule, family)),
    ...when("KUBE-CLUSTER-IP", clusterMasquerade(options, localTraffic, inSet)),
    ...when("KUBE-EXTERNAL-IP", [
      line("KUBE-SERVICES", "masquerade-external", [comment(externalComment), inSet("KUBE-EXTERNAL-IP", "dst,dst")], mark),
      ...externalAccepts("KUBE-EXTERNAL-IP", externalComment, inSet),
    ]),
    ...when("KUBE-EXTERNAL-IP-LOCAL", externalAccepts("KUBE-EXTERNAL-IP-LOCAL", externalLocalComment, inSet)),
    line("KUBE-SERVICES", "node-ports", [{ match: "address-type", of: "dst", type: "LOCAL" }], jump("KUBE-NODE-PORT")),
    line("KUBE-LOAD-BALANCER", "masquerade-external", [], mark),
    ...(["KUBE-CLUSTER-IP", "KUBE-LOAD-BALANCER"] as const).flatMap((set) =>
      when(set, [line("KUBE-SERVICES", "cluster-ip", [inSet(set, "dst,dst")], { target: "accept" })]),
    ),
    line("KUBE-POSTROUTING", "masquerade", [{ match: "mark", mark: bit, not: true }], { target: "return" }),
    line("KUBE-POSTROUTING", "masquerade", [], { target: "mark", mark: bit, how: "xor" }),
    line("KUBE-POSTROUTING", "masquerade", [comment("kubernetes service traffic requiring SNAT")], {
      target: "masquerade",
      randomFully: options.randomFully,
    }),
    line("KUBE-MARK-MASQ", "mark", [], { target: "mark", mark: bit, how: "or" }),
  ];
}

const externalComment = "Kubernetes service external ip + port for masquerade and filter purpose";
const externalLocalComment = "Kubernetes service external ip + port with externalTrafficPolicy=local";

interface SetRule {
  set: SetName;
  flags: string;
  chain: string;
  role: RuleRole;
  text: string;
  protocol?: WireProtocol;
  target: Target;
}

/** In the order of writing. */
const setRules: readonly SetRule[] = [
  {
    set: "KUBE-LOOP-BACK",
    flags: "dst,dst,src",
    chain: "KUBE-POSTROUTING",
    role: "masquerade-hairpin",
    text: "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
    target: { target: "masquerade", randomFully: false },
  },
  {
    set: "KUBE-LOAD-BALANCER",
    flags: "dst,dst",
    chain: "KUBE-SERVICES",
    role: "load-balancer-ip",
    text: "Kubernetes service lb portal",
    target: jump("KUBE-LOAD-BALANCER"),
  },
  {
    set: "KUBE-LOAD-BALANCER-LOCAL",
    flags: "dst,dst",
    chain: "KUBE-LOAD-BALANCER",
    role: "external-policy",
    text: "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
    target: { target: "return" },
  },
  nodePortRule("KUBE-NODE-PORT-LOCAL-TCP", "tcp", true),
  nodePortRule("KUBE-NODE-PORT-TCP", "tcp", false),
  nodePortRule("KUBE-NODE-PORT-LOCAL-UDP", "udp", true),
  nodePortRule("KUBE-NODE-PORT-UDP", "udp", false),
  nodePortRule("KUBE-NODE-PORT-LOCAL-SCTP-HASH", "sctp", true),
  nodePortRule("KUBE-NODE-PORT-SCTP-HASH", "sctp", false),
];

function nodePortRule(set: SetName, protocol: WireProtocol, local: boolean): SetRule {
  const purpose = local ? "with externalTrafficPolicy=local" : "for masquerade purpose";
  const hash = protocol === "sctp" ? " with type 'hash ip:port'" : "";
  return {
    set,
    flags: protocol === "sctp" ? "dst,dst" : "dst",
    chain: "KUBE-NODE-PORT",
    role: local ? "external-policy" : "masquerade-external",
    text: `Kubernetes nodeport ${protocol.toUpperCase()} port ${purpose}${hash}`,
    protocol,
    target: local ? { target: "return" } : mark,
  };
}

const setLine = ({ set, flags, chain, role, text, protocol, target }: SetRule, family: Family): RestoreLine =>
  line(
    chain,
    role,
    [...(protocol === undefined ? [] : [{ match: "bare-protocol", protocol } as const]), comment(text), inSetOf(family)(set, flags)],
    target,
  );

type InSet = (set: SetName, flags: string) => Match;

const inSetOf =
  (family: Family): InSet =>
  (set, flags) => ({ match: "set", set: kernelSetName(set, family), flags });

/** Without local-traffic detection only what a virtual address sends to itself can be told. */
function clusterMasquerade(options: ProxyOptions, local: LocalTraffic | undefined, inSet: InSet): RestoreLine[] {
  const text = comment("Kubernetes service cluster ip + port for masquerade purpose");
  const to = inSet("KUBE-CLUSTER-IP", "dst,dst");
  if (options.masqueradeAll) return [line("KUBE-SERVICES", "masquerade-all", [text, to], mark)];
  if (local === undefined) return [line("KUBE-SERVICES", "masquerade-off-cluster", [text, inSet("KUBE-CLUSTER-IP", "src,dst")], mark)];
  const notLocal: Match =
    local.by === "range" ? { match: "source", range: local.range, not: true } : { match: "in-interface", name: local.name, not: true };
  return [line("KUBE-SERVICES", "masquerade-off-cluster", [text, to, notLocal], mark)];
}

/** What comes over the wire, and what the node owns itself. */
function externalAccepts(set: SetName, text: string, inSet: InSet): RestoreLine[] {
  const to: Match[] = [comment(text), inSet(set, "dst,dst")];
  const fromWire: Match[] = [
    { match: "bridged", not: true },
    { match: "address-type", of: "src", type: "LOCAL", not: true },
  ];
  return [
    line("KUBE-SERVICES", "external-ip", [...to, ...fromWire], { target: "accept" }),
    line("KUBE-SERVICES", "external-ip", [...to, { match: "address-type", of: "dst", type: "LOCAL" }], { target: "accept" }),
  ];
}

function filter({ family, options }: Context, sets: Emptiness, sourceDrops: readonly SourceDrop[]): RestoreLine[] {
  const inSet = inSetOf(family);
  const known: Match = { match: "state", states: ["RELATED", "ESTABLISHED"] };
  const served = ["KUBE-LOAD-BALANCER", "KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP", "KUBE-EXTERNAL-IP-LOCAL"] as const;
  const healthCheck = inSet("KUBE-HEALTH-CHECK-NODE-PORT", "dst");
  return [
    ...sourceRangeRules.filter(({ set }) => !sets.isEmpty(set)).map((rule) => setLine(rule, family)),
    line("KUBE-SOURCE-RANGES-FIREWALL", "source-range-drop", [], { target: "drop" }),
    ...sourceDrops.map(sourceDrop),
    line("KUBE-FORWARD", "forward", [comment("kubernetes forwarding rules"), { match: "mark", mark: 2 ** options.masqueradeBit }], {
      target: "accept",
    }),
    line("KUBE-FORWARD", "forward", [comment("kubernetes forwarding conntrack rule"), known], { target: "accept" }),
    line("KUBE-NODE-PORT", "health-check", [comment("Kubernetes health check node port"), healthCheck], { target: "accept" }),
    ...served.map((set) => line("KUBE-IPVS-FILTER", "cluster-ip", [inSet(set, "dst,dst")], { target: "return" })),
    line("KUBE-IPVS-FILTER", "health-check", [healthCheck], { target: "return" }),
    line("KUBE-IPVS-FILTER", "unserved-cluster-ip", [{ match: "state", states: ["NEW"] }, inSet("KUBE-IPVS-IPS", "dst")], {
      target: "reject",
    }),
  ];
}

const sourceRangeRules: readonly SetRule[] = [
  {
    set: "KUBE-LOAD-BALANCER-FW",
    flags: "dst,dst",
    chain: "KUBE-PROXY-FIREWALL",
    role: "load-balancer-ip",
    text: "Kubernetes service load balancer ip + port for load balancer with sourceRange",
    target: jump("KUBE-SOURCE-RANGES-FIREWALL"),
  },
  {
    set: "KUBE-LOAD-BALANCER-SOURCE-CIDR",
    flags: "dst,dst,src",
    chain: "KUBE-SOURCE-RANGES-FIREWALL",
    role: "source-range",
    text: "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
    target: { target: "return" },
  },
  {
    set: "KUBE-LOAD-BALANCER-SOURCE-IP",
    flags: "dst,dst,src",
    chain: "KUBE-SOURCE-RANGES-FIREWALL",
    role: "source-range",
    text: "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
    target: { target: "return" },
  },
];

function sourceDrop({ ip, port }: SourceDrop): RestoreLine {
  const protocol = port.protocol.toLowerCase() as WireProtocol;
  const matches: Match[] = [
    { match: "source", range: ip },
    { match: "virtual-server", ip, protocol, port: port.port },
  ];
  const origin: RuleOrigin = { role: "source-range-drop", objects: [port.object] };
  return append("KUBE-IPVS-OUT-FILTER", { matches, target: { target: "drop" }, origin });
}

const line = (chain: string, role: RuleRole, matches: readonly Match[], target: Target): RestoreLine => {
  const rule: Rule = { matches, target, origin: { role, objects: [] } };
  return append(chain, rule);
};
