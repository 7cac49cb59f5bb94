/**
 * What the cluster asks of the world around it. Nothing under `cluster/` reads the time, draws at random or opens a
 * connection by itself; tests replace these by hand-moved ones.
 */

/** Cluster time. It may be held, advanced or sped up; while due events are worked off it stands at each event's own time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, in cluster time. */
  now(): number;
}

/** A seeded source of chance: the same seed and the same calls give the same numbers. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  int(below: number): number;
}

/** What lies outside the cluster: fixed and offline unless the operator turns the real one on. */
export interface Upstream {
  /** What the resolver behind the cluster DNS answers; `undefined`: it does not answer at all. */
  dns(name: string, type: string): UpstreamAnswer | undefined;
  /** The machine that owns an address outside the cluster. `undefined`: nobody does, packets go unanswered. */
  machine(ip: string): OutsideMachine | undefined;
}

export interface UpstreamAnswer {
  rcode: "NOERROR" | "NXDOMAIN" | "SERVFAIL" | "REFUSED";
  /** Presentation form, names with a final dot: `{ name: "raw.githubusercontent.com.", type: "A", ttl: 300, data: "198.51.100.8" }`. */
  answers: { name: string; type: string; ttl: number; data: string }[];
  authority?: { name: string; type: string; ttl: number; data: string }[];
  aa?: boolean;
}

export interface OutsideMachine {
  /** Ports that accept TCP; anything else is refused. */
  tcp: readonly number[];
  http?(request: HttpRequest): HttpResponse;
  /** Host names under which it serves; for the explanation of a Host header it does not know. */
  hosts?: readonly string[];
}

/** Header names keep the spelling of the sender; order matters. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface HttpRequest {
  method: string;
  /** Path with query, beginning with `/`. */
  path: string;
  headers: HeaderList;
  body: Uint8Array;
}

export interface HttpResponse {
  /** 0 where nothing of HTTP was answered: `body` holds what came instead. */
  status: number;
  headers: HeaderList;
  body: Uint8Array;
  /** Of the status line; 1.1 where absent. */
  version?: "1.0";
  /** The words after the status, where they are not the usual ones. */
  reason?: string;
  /** How long the answer is thought about. */
  delayMs?: number;
  /** Where the connection does not last until the message is complete: what happens after `body`. */
  ending?: "closed" | "reset" | "stalled";
}
