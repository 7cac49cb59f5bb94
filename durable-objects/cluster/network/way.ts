/**
 * What became of one packet, as the rooms above `packet-way.ts` see it.
 */
import type { Backend, Hop, Listener, ObjectRef, Route, RuleRef, Verdict } from "../api/network.ts";
import type { Pod } from "../api/objects.ts";
import type { OutsideMachine } from "../api/ports.ts";

/** What a hop tells; `explain/` has a sentence for each. */
export type HopCode =
  | "read-url"
  | "read-name"
  | "search-list"
  | "ask-through-rules"
  | "ask-directly"
  | "ask-outside"
  | "ask-lost"
  | "answer-cluster-ip"
  | "answer-headless"
  | "answer-external-name"
  | "answer-address"
  | "answer-no-such-name"
  | "answer-empty"
  | "answer-failure"
  | "connect-rules"
  | "connect-machine"
  | "connect-unknown"
  | "connect-echo"
  | "load-balancer-picks"
  | "router-picks"
  | "rule-draws"
  | "rule-number"
  | "rule-turn"
  | "rule-matches"
  | "rule-remembers"
  | "rule-rejects"
  | "rule-drops"
  | "rewrite-destination"
  | "rewrite-both"
  | "rewrite-source"
  | "rewrite-source-by-pod-network"
  | "rewrite-host-port"
  | "policy-allows"
  | "policy-drops"
  | "crosses-slow-wire"
  | "delivered-to-pod"
  | "delivered-locally"
  | "delivered-to-node"
  | "delivered-outside"
  | "reply-http"
  | "reply-echo"
  | "reply-open"
  | `stop-${Exclude<Verdict, "delivered">}`;

/** A hop before it has its number. */
export type HopDraft = Omit<Hop, "n" | "code"> & { code: HopCode };

export type Cause = NonNullable<Route["cause"]>;

/** Who took the packet. */
export interface End {
  place: string;
  backend: Backend;
  /** The pod whose process answers, also where it runs in its node's network. */
  pod?: Pod;
  /** What listens there; absent for ICMP, which the machine itself answers. */
  listener?: Listener;
  machine?: OutsideMachine;
}

export interface Way {
  verdict: Exclude<Verdict, "name-not-found">;
  hops: HopDraft[];
  /** The place where it ended. */
  at: string;
  end?: End;
  cause?: Cause;
  /** Objects that the cause is about. */
  objects: readonly ObjectRef[];
  /** The rule that ended the walk, where one did. */
  rule?: RuleRef;
  icmp?: Route["icmp"];
  /** The source that the other side sees, or would have seen. */
  source: { ip: string; port?: number };
  /** Where the packet went after all rewriting. */
  destination: { ip: string; port?: number };
  candidates: Route["candidates"];
  /** What faults of wires cost on the way there. */
  latencyMs: number;
}
