/**
 * What a plugin of the DNS server is: it reads its directives once, and then answers a question or hands it on.
 */
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import type { DnsRecord } from "../../api/network.ts";
import type { Upstream } from "../../api/ports.ts";
import type { AnswerStore } from "../answer-store.ts";
import type { Directive } from "../corefile.ts";
import { zoneAround } from "../zone-name.ts";
import type { ZoneTables } from "../zone-tables.ts";

export interface Query {
  question: DnsQuestion;
  /** Cluster time in milliseconds. */
  now: number;
  /** Set to false by whoever answers with what changes by itself: cached or forwarded answers. */
  lasting: boolean;
}

export type Handler = (query: Query) => DnsMessage;

/** What plugins work with. */
export interface ServerParts {
  /** The zone of the server block, absolute and in lower case. */
  serverZone: string;
  tables: ZoneTables;
  /** Address of the Service in front of the DNS pods. */
  dnsServiceIP: string;
  store: AnswerStore;
  upstream: Upstream;
  /** Asks the server itself, from its first plugin on. */
  ask: Handler;
}

/** A plugin as its directives set it up. */
export type Installed = (next: Handler, parts: ServerParts) => Handler;

export interface Plugin {
  name: string;
  /**
   * @param directives all of that name in a server block, at least one
   * @param notEmulated tells of what is read, but has no effect
   * @throws CorefileError where the real one would not start
   */
  read(directives: readonly Directive[], serverZone: string, notEmulated: (what: string) => void): Installed;
}

/** `fallthrough [ZONES...]`: for which names the next plugin is asked. */
export type Fallthrough = readonly string[];

export const fallsThrough = (name: string, zones: Fallthrough): boolean => zoneAround(name, zones) !== undefined;

export const emptyMessage = (question: DnsQuestion): DnsMessage => ({
  question,
  rcode: "NOERROR",
  aa: false,
  tc: false,
  ra: false,
  rd: question.rd ?? true,
  cd: question.cd ?? false,
  answer: [],
  authority: [],
  additional: [],
  compressed: false,
  octets: 0,
  source: "none",
  outside: false,
});

export const failed = (question: DnsQuestion): DnsMessage => ({ ...emptyMessage(question), rcode: "SERVFAIL" });

/** One record for each address, all of one family. */
export const addressRecords = (name: string, type: string, ttl: number, addresses: readonly string[]): DnsRecord[] =>
  addresses.map((data) => ({ name, type, ttl, data }));
