/**
 * What every proxy backend gives: the compiled rules of one node and IP family, which can be walked and printed.
 *
 * The network takes a packet's way from `walk` alone; it knows nothing about Services. Who answers at the address that
 * comes out, and which route leads there, is the network's business.
 */
import type { ObjectRef, Protocol, RuleRef, SkippedRule } from "../api/network.ts";
import type { Random } from "../api/ports.ts";

export type Family = "IPv4" | "IPv6";
export type ProxyMode = "iptables" | "nftables" | "ipvs";

/**
 * The first packet of a connection as the node's kernel meets it. Conntrack state is NEW: later packets of the same
 * connection follow the first.
 */
export interface Packet {
  family: Family;
  protocol: Protocol;
  src: string;
  dst: string;
  /** Absent for ICMP. */
  sourcePort?: number;
  destinationPort?: number;
  /** How it gets into this kernel: from a process on the node, from a pod on it, or over the wire. */
  origin: "process" | "pod" | "wire";
  /** The interface it comes in by. Default: one that the node's local-traffic detection takes for a pod's, else `eth0`. */
  inInterface?: string;
}

/**
 * Session affinity that the kernel remembers: one set of client addresses for each endpoint (`recent` lists of
 * iptables, dynamic sets of nftables, persistence templates of ipvs). Owned by the caller, lived state.
 */
export interface AffinityMemory {
  /** Cluster time in milliseconds at which the client was last put into the set; `undefined`: never. */
  lastSeen(set: string, client: string): number | undefined;
}

export interface WalkOptions {
  random: Random;
  /** Cluster time in milliseconds; decides whether affinity has timed out. */
  now: number;
  /** Default: nothing is remembered. */
  affinity?: AffinityMemory;
  /** `full`: also the lines that were looked at and skipped. */
  detail?: "full";
}

/** What a rule is for, as a stable code that `explain/` words. */
export type RuleRole =
  | "jump"
  | "cluster-ip"
  | "external-ip"
  | "load-balancer-ip"
  | "node-port"
  | "node-ports"
  | "health-check"
  | "no-endpoints"
  | "no-local-endpoints"
  | "source-range"
  | "source-range-drop"
  | "masquerade-off-cluster"
  | "masquerade-all"
  | "masquerade-external"
  | "masquerade-local"
  | "masquerade-hairpin"
  | "pod-shortcut"
  | "node-shortcut"
  | "external-policy"
  | "affinity"
  | "balance"
  | "endpoint"
  | "mark"
  | "masquerade"
  | "forward"
  | "invalid"
  | "loopback-guard"
  | "unserved-cluster-ip";

/** Where a rule comes from: its purpose and the objects behind it (Service, EndpointSlice, Pod), the Service first. */
export interface RuleOrigin {
  role: RuleRole;
  objects: readonly ObjectRef[];
}

/** One rule that matched, in the order of the walk. */
export interface MatchedRule {
  rule: RuleRef;
  /** The hook the packet was in: PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING. */
  hook: string;
  role: RuleRole;
  objects: readonly ObjectRef[];
  /** What the rule did. `none`: it only carries a comment. */
  action: "jump" | "goto" | "return" | "mark" | "dnat" | "masquerade" | "accept" | "reject" | "drop" | "none";
  /** With `jump` and `goto`: the chain it went to. */
  to?: string;
  /** With `dnat`: where the packet goes from here. */
  dnat?: { ip: string; port?: number };
  /** The element of a set or map that decided; the set stands in the place of the chain. */
  element?: RuleRef;
  /** With a draw: the number drawn, and, where it had to be below a bound, the bound. */
  draw?: number;
  below?: number;
  /** Lines of the same chain skipped since the last match in it: those that drew; with `detail: "full"` all. */
  skipped?: SkippedRule[];
}

export interface Walk {
  verdict: "accept" | "reject" | "drop";
  /** Destination after DNAT; the one on the packet where nothing was rewritten. */
  dst: string;
  destinationPort?: number;
  /** True where the kernel replaces the source by an address of the node. */
  masqueraded: boolean;
  /** Where the packet goes after the last hook: to a process of this node, or out of one of its interfaces. */
  to: "process" | "interface";
  /** The matches in order; the last one is the rule that ended the walk, where one did (`reject`, `drop`). */
  matched: MatchedRule[];
  /** With `reject`: the answer to the sender. */
  rejectWith?: "port-unreachable" | "tcp-reset";
  /** Affinity sets the client has to be put into now, if the connection is really made. */
  affinity: { set: string; client: string }[];
  /** With `detail: "full"`: lines looked at and skipped at the end of a chain, in the order in which chains were left. */
  unmatched?: { hook: string; table: string; chain: string; skipped: SkippedRule[] }[];
}

/** One of the ways a packet can go, with its exact probability; those of one packet add up to 1. */
export interface Candidate {
  verdict: Walk["verdict"];
  ip: string;
  port?: number;
  masqueraded: boolean;
  probability: number;
}

/** A rule with its line in the kernel print and the objects it comes from; what `/rules` answers as JSON. */
export interface LinkedRule extends RuleRef {
  role: RuleRole;
  objects: readonly ObjectRef[];
}

export interface LinkedRules {
  mode: ProxyMode;
  node: string;
  family: Family;
  /** In the order of the kernel print. */
  rules: LinkedRule[];
}

/** What a walk comes to, without the rules on its way. */
export type Outcome = Omit<Walk, "matched" | "unmatched">;

/**
 * The rules of one node and family. After a change of the cluster `KubeProxy.rulesOf` hands out another one, and the one
 * before must not be asked any more: both share what did not change.
 */
export interface NodeRules {
  readonly mode: ProxyMode;
  readonly node: string;
  readonly family: Family;
  /** Rules are found by an index; with `detail: "full"` they are tried line by line. */
  walk(packet: Packet, options: WalkOptions): Walk;
  /** The same walk for many packets: nothing is written down on the way. */
  outcome(packet: Packet, options: Omit<WalkOptions, "detail">): Outcome;
  /** All ways of the packet, likeliest first, then by address text. Affinity that still holds is followed, as in `walk`. */
  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[];
  /** `kernel`: as the kernel's tool prints it; `sync`: what kube-proxy writes in a first full sync. */
  print(format: "kernel" | "sync"): string;
  toJSON(): LinkedRules;
}
