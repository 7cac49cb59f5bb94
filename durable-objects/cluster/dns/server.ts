/**
 * The cluster's DNS server: a question becomes a message. Which plugins it passes is the Corefile's business; here the
 * zone is chosen, addresses are shuffled, and the message is cut to what its transport carries.
 *
 * Time and chance are arguments.
 */
import type { DnsMessage, DnsQuestion, Edns } from "../api/dns-message.ts";
import type { DnsRecord } from "../api/network.ts";
import { SeededRandom } from "../api/seeded-random.ts";
import { AnswerMemo, type LastingAnswer } from "./answer-memo.ts";
import type { ServerConfig } from "./corefile-plugins.ts";
import { fitToTransport, limitOf, messageOctets, optOctets } from "./message-size.ts";
import { emptyMessage, failed, type Handler, type Query, type ServerParts } from "./plugins/plugin.ts";
import { zoneAround } from "./zone-name.ts";

/** Options that come back unchanged: NSID, EXPIRE, COOKIE, TCP-KEEPALIVE, PADDING. All others are removed. */
const returnedOptions = new Set([3, 9, 10, 11, 12]);

/** A server that asks itself, as names that lead to names make it do, stops at this depth. */
const deepestAsking = 16;

export interface AnswerContext {
  /** Cluster time in milliseconds: TTLs of cached answers count down by it. */
  now: number;
  /** Decides the order of address records. */
  seed: number;
}

interface ServedZone {
  loadbalance: boolean;
  handle: Handler;
}

export class DnsServer {
  readonly #zones = new Map<string, ServedZone>();
  readonly #names: readonly string[];
  readonly #memo = new AnswerMemo();
  #depth = 0;

  constructor(servers: readonly ServerConfig[], parts: Omit<ServerParts, "serverZone" | "ask">) {
    const ask: Handler = (query) => this.#asked(query);
    for (const { zone, loadbalance, chain } of servers) {
      // Behind the last plugin there is nobody who could answer.
      const last: Handler = ({ question }) => failed(question);
      const handle = chain.reduceRight<Handler>((next, install) => install(next, { ...parts, serverZone: zone, ask }), last);
      this.#zones.set(zone, { loadbalance, handle });
    }
    this.#names = [...this.#zones.keys()];
  }

  /** The objects behind the answers have changed. */
  forget(): void {
    this.#memo.forget();
  }

  answer(question: DnsQuestion, { now, seed }: AnswerContext): DnsMessage {
    const { name, type, edns } = question;
    if ((edns?.version ?? 0) !== 0) return fitToTransport(badVersion(question));
    const plain = question.class === undefined || question.class === "IN";
    const known = plain ? this.#memo.get(name, type) : undefined;
    if (known !== undefined) return repeat(known, question, seed);

    const zone = this.#zoneOf(name);
    if (zone === undefined) return fitToTransport({ ...emptyMessage(question), rcode: "REFUSED", edns: returnedEdns(edns) });
    const query: Query = { question, now, lasting: true };
    const message = zone.handle(query);
    if (query.lasting && plain) this.#memo.put(name, type, lastingAnswer(message, zone.loadbalance));
    const ordered = zone.loadbalance ? inAnyOrder(message, new SeededRandom(seed)) : message;
    return fitToTransport({ ...ordered, edns: returnedEdns(edns) });
  }

  #zoneOf(name: string): ServedZone | undefined {
    const zone = zoneAround(name, this.#names);
    return zone === undefined ? undefined : this.#zones.get(zone);
  }

  #asked(query: Query): DnsMessage {
    const zone = this.#depth < deepestAsking ? this.#zoneOf(query.question.name) : undefined;
    if (zone === undefined) return failed(query.question);
    this.#depth += 1;
    try {
      return zone.handle(query);
    } finally {
      this.#depth -= 1;
    }
  }
}

function lastingAnswer(
  { question, rcode, aa, ra, answer, authority, additional, source, outside }: DnsMessage,
  loadbalance: boolean,
): LastingAnswer {
  const plain = { ...emptyMessage({ name: question.name, type: question.type }), answer, authority, additional };
  const balanced = loadbalance && rcode === "NOERROR" && Math.max(answer.length, authority.length, additional.length) > 1;
  return { rcode, aa, ra, answer, authority, additional, source, outside, octets: messageOctets(plain), balanced };
}

/** What `fitToTransport` would make of the same message for this question, without counting its octets again. */
function repeat(known: LastingAnswer, question: DnsQuestion, seed: number): DnsMessage {
  const edns = question.edns === undefined ? undefined : returnedEdns(question.edns);
  const octets = known.octets + optOctets(edns);
  const whole: DnsMessage = {
    question,
    rcode: known.rcode,
    aa: known.aa,
    tc: false,
    ra: known.ra,
    rd: question.rd ?? true,
    cd: question.cd ?? false,
    answer: known.answer,
    authority: known.authority,
    additional: known.additional,
    compressed: false,
    octets,
    source: known.source,
    outside: known.outside,
  };
  if (edns !== undefined) whole.edns = edns;
  const ordered = known.balanced ? inAnyOrder(whole, new SeededRandom(seed)) : whole;
  return octets <= limitOf(question) ? ordered : fitToTransport(ordered);
}

function badVersion(question: DnsQuestion): DnsMessage {
  return { ...emptyMessage(question), rcode: "BADVERS", edns: { bufsize: 0, version: 0, do: false, options: [] } };
}

const returnedEdns = (edns: Edns | undefined): Edns | undefined =>
  edns && { ...edns, version: 0, options: edns.options.filter(({ code }) => returnedOptions.has(code)) };

/** Shuffles what clients should spread over; aliases go first, since a chain is read from its beginning. */
function inAnyOrder(message: DnsMessage, random: SeededRandom): DnsMessage {
  if (message.rcode !== "NOERROR") return message;
  return {
    ...message,
    answer: balanced(message.answer, random),
    authority: balanced(message.authority, random),
    additional: balanced(message.additional, random),
  };
}

function balanced(records: DnsRecord[], random: SeededRandom): DnsRecord[] {
  if (records.length < 2) return records;
  const aliases = records.filter(({ type }) => type === "CNAME");
  const addresses = records.filter(({ type }) => type === "A" || type === "AAAA");
  const exchangers = records.filter(({ type }) => type === "MX");
  const others = records.filter(({ type }) => !["CNAME", "A", "AAAA", "MX"].includes(type));
  return [...aliases, ...others, ...shuffled(addresses, random), ...shuffled(exchangers, random)];
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const result = [...items];
  for (let at = 0; at < result.length - 1; at += 1) {
    const other = at + random.int(result.length - at);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}
