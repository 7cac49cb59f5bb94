/**
 * What goes over the emulated network, and what came of it. `network/` decides it, `explain/` words it, and the
 * kubelet's shell, apps and probes use it through the `Network` port.
 */
import type { DnsMessage, DnsQuestion } from "./dns-message.ts";
import type { HttpRequest, HttpResponse } from "./ports.ts";

export type Protocol = "TCP" | "UDP" | "SCTP" | "ICMP";

/** Who sends. `client`: a pod-less client on a node with an unused address of its range. */
export type Sender =
  | { kind: "pod"; namespace: string; pod: string }
  | { kind: "client"; namespace: string; node?: string }
  | { kind: "node"; node: string }
  | { kind: "outside"; ip: string };

export interface DnsRecord {
  /** Absolute, with the final dot. */
  name: string;
  type: string;
  ttl: number;
  /** Presentation form, as a zone file writes it. */
  data: string;
}

/** One query that the stub resolver put on the wire. `from` names the plugin that answered: kubernetes, forward, cache, hosts, none. */
export interface DnsStep {
  query: string;
  type: string;
  server: string;
  rcode: string;
  from: string;
  answers: DnsRecord[];
}

export type ResolutionError = "name-not-found" | "no-address" | "temporary-failure";

/** What a name means to a sender, with every query asked on the way. */
export interface Resolution {
  name: string;
  type: string;
  rcode: string;
  from: { namespace?: string; pod?: string; node?: string };
  answers: DnsRecord[];
  /** Addresses of the asked family in the order the program would try them. */
  addresses: string[];
  /** The name that has the addresses, at the end of the aliases, without a final dot. */
  canonname?: string;
  /** The search list and options in force, as in resolv.conf. */
  search: string[];
  ndots: number;
  nameserver: string | undefined;
  trace: DnsStep[];
  /** Set where no address came out; how a libc words it is the tool's business. */
  error?: ResolutionError;
}

export interface ResolveQuery {
  from: Sender;
  name: string;
  /** Default: A (and AAAA where `from` has IPv6). */
  type?: string;
}

export type Verdict = "delivered" | "rejected" | "dropped" | "unanswered" | "refused" | "no-route" | "name-not-found" | "unsupported";

export interface RouteQuery {
  from: Sender;
  to: { host: string; port?: number; protocol?: Protocol };
  http?: { method?: string; path?: string; headers?: readonly (readonly [string, string])[]; body?: Uint8Array };
  flow?: { sourcePort?: number };
  seed?: number;
  /** `full`: also the rules that were looked at and skipped, with their draws. */
  detail?: "full";
}

/** A rule as it stands in the dump of its node: `line` counts from 1 within its chain. */
export interface RuleRef {
  table: string;
  chain: string;
  line: number;
  text: string;
}

export interface SkippedRule {
  line: number;
  matched: false;
  /** Which match failed: `protocol`, `destination`, `port`, `source`, `draw`, `mark`, `state`, ... */
  because: string;
  draw?: number;
  below?: number;
}

export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  field?: string;
}

/**
 * One step of the way. `code` and `params` are what `explain/` makes the sentence from; the other fields are the
 * evidence. Places are written `pod/{namespace}/{name}`, `node/{name}`, `outside/{ip}`.
 */
export interface Hop {
  n: number;
  at: string;
  does: "read" | "search" | "ask" | "answer" | "connect" | "match" | "rewrite" | "deliver" | "reply" | "stop";
  code: string;
  params: Record<string, string | number | boolean>;
  objects: ObjectRef[];
  search?: string[];
  ndots?: number;
  query?: string;
  type?: string;
  rcode?: string;
  answers?: string[];
  src?: string;
  dst?: string;
  srcAfter?: string;
  dstAfter?: string;
  rule?: RuleRef;
  evaluated?: SkippedRule[];
}

export interface Backend {
  pod?: string;
  ip: string;
  port: number;
  node?: string;
}

/** What became of a packet, and of the HTTP request that it carried. */
export interface Route {
  verdict: Verdict;
  protocol: Protocol;
  /** The seed of all draws: the same query with it gives the same route. */
  seed?: number;
  hops: Hop[];
  resolution?: Resolution;
  /** The address and port the sender wrote on the packet. */
  target?: { ip: string; port?: number };
  backend?: Backend;
  candidates: { ip: string; port: number; probability: number }[];
  /** What slow wires cost on the way there; the reply takes as long again. Absent: nothing. */
  latencyMs?: number;
  sourceSeenByBackend?: string;
  /** The rule that ended the walk, where one did. */
  rule?: RuleRef;
  http?: { request: HttpRequest; response: HttpResponse };
  /** For `rejected` and `unanswered`: what the sender's socket is told. */
  icmp?: "port-unreachable" | "host-unreachable" | "net-unreachable" | "tcp-reset";
  /** A stable code of the cause, where the packet did not arrive; `explain/` turns it into a `why`. */
  cause?: { code: string; params: Record<string, string | number | boolean | string[]> };
}

/** The emulated network as the kubelet's tools, apps and probes see it. Synchronous and pure but for counters. */
export interface Network {
  resolve(query: ResolveQuery): Resolution;
  route(query: RouteQuery): Route;
  /** One DNS question to one server, as tools send it. `refused`: nothing listens there; `undefined`: no reply came. */
  ask?(from: Sender, question: DnsQuestion, server: { ip: string; port: number }): DnsMessage | "refused" | undefined;
  /** What kube-proxy wrote into the kernel of a node, as the kernel's tool prints it; for tools in pods of the host network. */
  rulesOn?(node: string): { mode: "iptables" | "nftables" | "ipvs"; kernel: string };
}

/** What answers on a port of a pod: the emulated app. */
export interface Listener {
  protocol: "TCP" | "UDP" | "SCTP";
  port: number;
  /** Absent: accepts the connection and says nothing. */
  http?(request: HttpRequest, client: { ip: string; port: number }): HttpResponse;
}

/** The processes behind pod addresses, as the network asks for them. Handed in by `cluster.ts` from the kubelet. */
export interface Machines {
  /** What listens in a running pod right now; empty where its containers do not run. */
  listeners(pod: { namespace: string; name: string }): readonly Listener[];
  /** True while the node is up and its kubelet runs (faults may take it down). */
  nodeUp(node: string): boolean;
}
