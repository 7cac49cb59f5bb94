/**
 * Answers that are kept for a while, with the time at which they came. Bounded: the oldest goes first.
 *
 * Lived state: `entries` and `restore` carry it over an eviction.
 */
import type { DnsMessage } from "../api/dns-message.ts";

const mostEntries = 9984;

export interface CacheEntry {
  key: string;
  /** Cluster time in milliseconds. */
  storedAt: number;
  ttl: number;
  message: DnsMessage;
}

export class AnswerStore {
  readonly #entries = new Map<string, CacheEntry>();

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  put(entry: CacheEntry): void {
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > mostEntries && oldest !== undefined) this.#entries.delete(oldest);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** What still lasts. */
  entries(now: number): CacheEntry[] {
    return [...this.#entries.values()].filter(({ storedAt, ttl }) => now - storedAt < ttl * 1000);
  }

  restore(entries: Iterable<CacheEntry>): void {
    this.clear();
    for (const entry of entries) this.#entries.set(entry.key, entry);
  }
}
