/**
 * What both C libraries are given when they walk the search list, and what comes of it.
 */
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import type { ResolvConf } from "../api/resolv-conf.ts";
import type { Libc, LookupError } from "./libc.ts";

export interface WalkInput {
  typed: string;
  /** Asked together for each candidate. */
  types: readonly string[];
  /** Text of resolv.conf. */
  resolvConf: string;
  libc: Libc;
  /** `undefined`: no reply came. */
  send(question: DnsQuestion, server: string): DnsMessage | undefined;
}

/** How a walk ended. */
export type Walk = { found: { name: string; messages: DnsMessage[] } } | { error: LookupError };

/** Both ignore further name servers, and ask the machine itself where none is named. */
export const serversOf = ({ nameservers }: ResolvConf): string[] => (nameservers.length === 0 ? ["127.0.0.1"] : nameservers.slice(0, 3));

/** A reply that says something about the name; failures and refusals do not. */
export const isReply = ({ rcode }: DnsMessage): boolean => rcode === "NOERROR" || rcode === "NXDOMAIN";
