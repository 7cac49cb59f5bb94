/**
 * DNS questions and messages as records, not bytes: what the DNS server, the stub resolvers of pods and the DNS tools
 * pass to each other. The wire format is made at the edge (`http/dns-wire.ts`).
 */
import type { DnsRecord } from "./network.ts";

/** An EDNS option. `hex` is its content. */
export interface EdnsOption {
  code: number;
  hex: string;
}

export interface Edns {
  bufsize: number;
  version: number;
  do: boolean;
  options: readonly EdnsOption[];
}

export interface DnsQuestion {
  /** Absolute, with the final dot, in presentation form: `\.` and `\DDD` escape an octet inside a label. */
  name: string;
  /** `A`, `SRV`, ...; types without a name are written `TYPE65280`. */
  type: string;
  /** Default: IN. */
  class?: string;
  /** Default: udp. */
  transport?: "udp" | "tcp";
  /** Recursion desired; default: true. */
  rd?: boolean;
  /** Checking disabled; default: false. */
  cd?: boolean;
  /** The OPT record sent, if one was. */
  edns?: Edns;
}

/** The part of the server that made an answer, named after its plugin; `none`: refused before any plugin saw it. */
export type DnsSource = "kubernetes" | "hosts" | "template" | "forward" | "cache" | "none";

export interface DnsMessage {
  question: DnsQuestion;
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `BADVERS`, ... */
  rcode: string;
  /** Authoritative answer. */
  aa: boolean;
  /** Truncated: records were left out for lack of room. */
  tc: boolean;
  /** Recursion available. */
  ra: boolean;
  rd: boolean;
  cd: boolean;
  answer: DnsRecord[];
  authority: DnsRecord[];
  /** Without the OPT record, which stands in `edns`. */
  additional: DnsRecord[];
  edns?: Edns;
  /** True where the message only fits with its names compressed. */
  compressed: boolean;
  /** Size on the wire. */
  octets: number;
  source: DnsSource;
  /** True where the resolver outside the cluster had to be asked, so that the answer took its time. */
  outside: boolean;
}

/** Sends a question to a name server; `undefined`: no reply came. */
export type Ask = (question: DnsQuestion, server: string) => DnsMessage | undefined;
