/**
 * iptables rules as structure: what a rule matches, what it does, and where it comes from.
 *
 * Printing is `print-rules.ts`, the tables they live in are `kernel-tables.ts`, walking them is `walk-rules.ts`.
 */
import type { RuleOrigin } from "../rule-set.ts";

export type TableName = "filter" | "nat";

/** Protocols as iptables writes them. */
export type WireProtocol = "tcp" | "udp" | "sctp";

export type ConntrackState = "NEW" | "RELATED" | "ESTABLISHED" | "INVALID" | "DNAT";

/** One condition. In a rule they stand in the order in which kube-proxy writes them; all have to hold. */
export type Match =
  | { match: "comment"; text: string }
  | { match: "protocol"; protocol: WireProtocol }
  /** A range, or an address without prefix length where kube-proxy writes none. */
  | { match: "source" | "destination"; range: string; not?: boolean }
  | { match: "destination-port"; port: number }
  /** A final `+` stands for any rest. */
  | { match: "in-interface"; name: string; not?: boolean }
  | { match: "address-type"; of: "src" | "dst"; type: "LOCAL"; not?: boolean }
  | { match: "mark"; mark: number; not?: boolean }
  | { match: "state"; states: readonly ConntrackState[]; not?: boolean }
  /** A draw: true once in `of` times. */
  | { match: "draw"; of: number }
  | { match: "recently-seen"; list: string; seconds: number }
  /** Always true; puts the source into the list. */
  | { match: "remember"; list: string }
  | { match: "counter"; name: string }
  /** The protocol without the match extension that knows its ports. */
  | { match: "bare-protocol"; protocol: WireProtocol }
  /** The packet is in an ip set; flags name its parts in the set's order: `dst,dst`. */
  | { match: "set"; set: string; flags: string }
  /** Comes in through a port of a bridge. No emulated node has one. */
  | { match: "bridged"; not?: boolean }
  /** The connection goes through that virtual server. */
  | { match: "virtual-server"; ip: string; protocol: WireProtocol; port: number };

export type Target =
  | { target: "jump"; chain: string }
  | { target: "return" | "accept" | "drop" | "reject" }
  | { target: "dnat"; ip: string; port: number }
  | { target: "masquerade"; randomFully: boolean }
  /** Sets the bit, or flips it. */
  | { target: "mark"; mark: number; how: "or" | "xor" };

export interface Rule {
  matches: readonly Match[];
  /** Absent: the rule only counts and comments. */
  target?: Target;
  origin: RuleOrigin;
  /** The matches in the order in which the kernel tries them; there once a walk has come to the rule. */
  tried?: readonly Match[];
}

/** One line of `iptables-restore` input behind the chain lines. */
export type RestoreLine = { do: "append"; chain: string; rule: Rule } | { do: "delete-chain"; chain: string };

/** One table of `iptables-restore` input: chains that are made or emptied, then what is done, in order. */
export interface RestoreTable {
  table: TableName;
  chains: readonly string[];
  lines: readonly RestoreLine[];
}

/** Tables in the order in which they are written. */
export type RestoreInput = readonly RestoreTable[];

export const append = (chain: string, rule: Rule): RestoreLine => ({ do: "append", chain, rule });

export const jump = (chain: string): Target => ({ target: "jump", chain });

export const comment = (text: string): Match => ({ match: "comment", text });

/** A rule in a built-in chain that leads packets to a chain of kube-proxy. */
export interface BuiltInJump {
  table: TableName;
  from: string;
  to: string;
  rule: Rule;
}

/** The list of one condition. Rules with the same one share it. */
export function alone(match: Match): readonly Match[] {
  const list = lists.get(match) ?? [match];
  lists.set(match, list);
  return list;
}
const lists = new WeakMap<Match, readonly Match[]>();
