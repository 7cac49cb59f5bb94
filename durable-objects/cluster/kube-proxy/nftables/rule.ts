/**
 * nftables objects as structure: chains, sets, maps, rules and elements, and the commands that make them.
 *
 * Printing is `print-rules.ts`, the table they live in is `kernel-table.ts`, walking them is `walk-rules.ts`.
 */
import type { RuleOrigin } from "../rule-set.ts";

/** Protocols as nft writes them. */
export type WireProtocol = "tcp" | "udp" | "sctp";

/** Where a packet's base chains hang: the part of the path, and the priority that orders chains there. */
export interface Hook {
  type: "filter" | "nat";
  hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  priority: number;
}

/** What a set's keys are made of. */
export type KeyPart = "addr" | "proto" | "service";

export interface SetDefinition {
  name: string;
  /** A map has verdicts as values. */
  kind: "set" | "map";
  key: readonly KeyPart[];
  comment?: string;
  /** Filled by packets, and emptied after so many seconds: a set for session affinity. */
  timeoutSeconds?: number;
}

export type Verdict = { verdict: "goto"; chain: string } | { verdict: "drop" };

/** One element of a set or map; its key parts as text. */
export interface Element {
  key: readonly string[];
  comment?: string;
  /** In maps only. */
  value?: Verdict;
  origin: RuleOrigin;
}

/** One piece of a rule: conditions and statements stand in the order of writing and are worked off from left to right. */
export type Part =
  | { part: "new" }
  | { part: "rewritten" }
  | { part: "destination-in"; set: string }
  | { part: "destination-within"; ranges: readonly string[] }
  | { part: "destination-local" }
  | { part: "destination-not"; range: string }
  | { part: "source"; range: string; not?: boolean }
  | { part: "source-outside"; ranges: readonly string[] }
  | { part: "source-local" }
  | { part: "source-in"; set: string }
  | { part: "in-interface"; name: string; not?: boolean }
  | { part: "marked"; mark: number }
  | { part: "protocol"; protocol: WireProtocol }
  /** Source, destination, protocol and port, all after rewriting the destination. */
  | { part: "connection-in"; set: string }
  | { part: "look-up"; by: "destination" | "port"; map: string }
  | { part: "jump" | "goto"; chain: string }
  | { part: "drop" | "reject" | "masquerade" }
  | { part: "set-mark" | "flip-mark"; mark: number }
  | { part: "remember-source"; set: string }
  | { part: "dnat"; ip: string; port: number }
  /** One of the endpoints, drawn evenly. */
  | { part: "dnat-to-one-of"; endpoints: readonly { ip: string; port: number }[] }
  /** One of the chains, drawn evenly. */
  | { part: "goto-one-of"; chains: readonly string[] };

export interface NftRule {
  parts: readonly Part[];
  comment?: string;
  origin: RuleOrigin;
}

/** One line of `nft -f` input. */
export type Command =
  | { do: "add-table" }
  | { do: "add-chain"; chain: string; hook?: Hook; comment?: string }
  | { do: "flush-chain" | "delete-chain"; chain: string }
  | { do: "add-set"; set: SetDefinition }
  | { do: "flush-set" | "delete-set"; set: SetDefinition }
  | { do: "add-rule"; chain: string; rule: NftRule }
  | { do: "add-element"; set: SetDefinition; element: Element }
  | { do: "delete-element"; set: SetDefinition; element: Element };

export const addRule = (chain: string, rule: NftRule): Command => ({ do: "add-rule", chain, rule });

/** A chain as kube-proxy makes sure of it: there, and empty. */
export const freshChain = (chain: string): Command[] => [
  { do: "add-chain", chain },
  { do: "flush-chain", chain },
];

/** The text by which an element is told from others of its set. */
export const elementKey = (element: Pick<Element, "key">): string => element.key.join(" . ");

/** Tells the verdicts of two elements with one key apart. */
export const verdictText = ({ value }: Pick<Element, "value">): string =>
  value?.verdict === "goto" ? value.chain : (value?.verdict ?? "");
