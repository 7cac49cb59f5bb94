/**
 * The cluster's DNS server: a question becomes a message. The order of its parts is that of the kubeadm Corefile:
 * loadbalance, cache, kubernetes, forward.
 *
 * Time and chance are arguments; the zone's content is `cluster-zone.ts`, what lies outside is the `Upstream` port.
 */
import type { DnsMessage, DnsQuestion, Edns } from "../api/dns-message.ts";
import type { DnsRecord } from "../api/network.ts";
import type { Upstream } from "../api/ports.ts";
import { SeededRandom } from "../api/seeded-random.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { ClusterZone } from "./cluster-zone.ts";
import { fitToTransport } from "./message-size.ts";

/** Options that come back unchanged: NSID, EXPIRE, COOKIE, TCP-KEEPALIVE, PADDING. All others are removed. */
const returnedOptions = new Set([3, 9, 10, 11, 12]);

export interface AnswerContext {
  /** Cluster time in milliseconds: TTLs of cached answers count down by it. */
  now: number;
  /** Decides the order of address records. */
  seed: number;
}

export class DnsServer {
  readonly zone: ClusterZone;
  readonly cache: AnswerCache;
  readonly #upstream: Upstream;

  constructor({ zone, cache, upstream }: { zone: ClusterZone; cache: AnswerCache; upstream: Upstream }) {
    this.zone = zone;
    this.cache = cache;
    this.#upstream = upstream;
  }

  answer(question: DnsQuestion, { now, seed }: AnswerContext): DnsMessage {
    if ((question.edns?.version ?? 0) !== 0) return fitToTransport(badVersion(question));
    const message = inAnyOrder(this.#cached(question, now), new SeededRandom(seed));
    return fitToTransport({ ...message, edns: returnedEdns(question.edns) });
  }

  #cached(question: DnsQuestion, now: number): DnsMessage {
    return this.cache.get(question, now) ?? this.#fresh(question, now);
  }

  #fresh(question: DnsQuestion, now: number): DnsMessage {
    let outside = false;
    const follow = (name: string, type: string): DnsRecord[] => {
      const message = this.#cached({ ...question, name, type }, now);
      outside ||= message.outside;
      return message.answer;
    };
    const found = this.zone.lookup(question.name, question.type, follow);
    const authoritative = { ...emptyMessage(question), aa: true, source: "kubernetes", outside } as const;
    switch (found.outcome) {
      case "records":
        return this.cache.put({ ...authoritative, answer: found.answer, additional: found.additional }, now);
      case "nodata":
        return this.cache.put({ ...authoritative, authority: [found.soa] }, now);
      case "nxdomain":
        return this.cache.put({ ...authoritative, rcode: "NXDOMAIN", authority: [found.soa] }, now);
      case "refused":
        return { ...emptyMessage(question), rcode: "REFUSED" };
      case "elsewhere":
        return this.#forwarded(question, now);
      default:
        return found satisfies never;
    }
  }

  /** A failure to reach the upstream is the server's own answer and passes the cache by. */
  #forwarded(question: DnsQuestion, now: number): DnsMessage {
    const message = askUpstream(question, this.#upstream);
    if (message === undefined) return { ...emptyMessage(question), rcode: "SERVFAIL", source: "forward", outside: true };
    return this.cache.put(message, now);
  }
}

/** What the resolver outside the cluster answers; `undefined`: nothing. */
export function askUpstream(question: DnsQuestion, upstream: Upstream): DnsMessage | undefined {
  const reply = upstream.dns(question.name, question.type);
  if (reply === undefined) return undefined;
  const { rcode, answers, authority = [], aa = false } = reply;
  return { ...emptyMessage(question), rcode, aa, ra: true, answer: answers, authority, source: "forward", outside: true };
}

function emptyMessage(question: DnsQuestion): DnsMessage {
  return {
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
  };
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

function balanced(records: readonly DnsRecord[], random: SeededRandom): DnsRecord[] {
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
