/**
 * The cache in front of the zone and the forwarder: evens out the TTLs of a message, and repeats it while it lasts.
 *
 * Time is an argument. Entries are lived state: `entries` and `restore` carry them over an eviction.
 *
 * @see https://coredns.io/plugins/cache/
 */
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import { absolute, foldCase, labelsOf } from "../api/domain-names.ts";

const longestTTL = 30;
const shortestTTL = 5;
/** Of messages that have no record to take a TTL from, and of failures. */
const fallbackTTL = 5;
const mostEntries = 9984;

export interface CacheEntry {
  key: string;
  /** Cluster time in milliseconds. */
  storedAt: number;
  ttl: number;
  message: DnsMessage;
}

export class AnswerCache {
  readonly #entries = new Map<string, CacheEntry>();
  readonly #uncachedZone: string[];

  /** @param uncachedZone names in it are never stored (`disable success` and `disable denial`); empty: every name is */
  constructor(uncachedZone = "") {
    this.#uncachedZone = uncachedZone === "" ? [] : labelsOf(foldCase(absolute(uncachedZone)));
  }

  /** The stored answer with what is left of its TTL. It repeats the records in the spelling of the first question. */
  get(question: DnsQuestion, now: number): DnsMessage | undefined {
    const entry = this.#entries.get(keyOf(question));
    if (entry === undefined) return undefined;
    const left = entry.ttl - Math.floor((now - entry.storedAt) / 1000);
    if (left <= 0 || left > entry.ttl) {
      this.#entries.delete(entry.key);
      return undefined;
    }
    // The real cache always claims authority, since some clients discard answers without it.
    return {
      ...withTTL(entry.message, left),
      question,
      aa: true,
      rd: question.rd ?? true,
      cd: question.cd ?? false,
      source: "cache",
      outside: false,
    };
  }

  /** Gives every record of a message the same TTL, and keeps the message where it may be kept. */
  put(message: DnsMessage, now: number): DnsMessage {
    const ttl = lifetimeOf(message);
    const evened = withTTL(message, ttl);
    if (this.#mayKeep(message)) {
      const key = keyOf(message.question);
      this.#entries.delete(key);
      this.#entries.set(key, { key, storedAt: now, ttl, message: evened });
      const [oldest] = this.#entries.keys();
      if (this.#entries.size > mostEntries && oldest !== undefined) this.#entries.delete(oldest);
    }
    return evened;
  }

  /** What still lasts. */
  entries(now: number): CacheEntry[] {
    return [...this.#entries.values()].filter(({ storedAt, ttl }) => now - storedAt < ttl * 1000);
  }

  restore(entries: Iterable<CacheEntry>): void {
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.key, entry);
  }

  #mayKeep(message: DnsMessage): boolean {
    if (message.tc || !["NOERROR", "NXDOMAIN", "SERVFAIL"].includes(message.rcode)) return false;
    if (message.rcode === "NXDOMAIN" && !message.authority.some(({ type }) => type === "SOA")) return false;
    if (this.#uncachedZone.length === 0 || message.rcode === "SERVFAIL") return true;
    const labels = labelsOf(foldCase(message.question.name)).slice(-this.#uncachedZone.length);
    return labels.join(".") !== this.#uncachedZone.join(".");
  }
}

/** Seconds for which a message may be repeated: its smallest TTL, within bounds. Also what HTTP calls `max-age`. */
export function lifetimeOf({ rcode, answer, authority, additional }: DnsMessage): number {
  const ttls = [...answer, ...authority, ...additional].map(({ ttl }) => ttl);
  if (ttls.length === 0 || (rcode !== "NOERROR" && rcode !== "NXDOMAIN")) return fallbackTTL;
  return Math.min(
    longestTTL,
    Math.max(
      shortestTTL,
      ttls.reduce((least, ttl) => Math.min(least, ttl)),
    ),
  );
}

const keyOf = ({ name, type, edns, cd }: DnsQuestion): string => `${foldCase(name)} ${type} ${edns?.do ?? false} ${cd ?? false}`;

const withTTL = (message: DnsMessage, ttl: number): DnsMessage => ({
  ...message,
  answer: message.answer.map((record) => ({ ...record, ttl })),
  authority: message.authority.map((record) => ({ ...record, ttl })),
  additional: message.additional.map((record) => ({ ...record, ttl })),
});
