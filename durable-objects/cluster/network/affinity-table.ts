/**
 * What the nodes' kernels remember for `sessionAffinity: ClientIP`: when a client was last sent to an endpoint.
 *
 * Lived state: `entries` and `restore` carry it over an eviction.
 */
import type { AffinityMemory } from "../kube-proxy/rule-set.ts";

export interface AffinityEntry {
  node: string;
  set: string;
  client: string;
  /** Cluster time in milliseconds. */
  at: number;
}

/** The oldest entries make room beyond that. */
export const mostAffinityEntries = 4096;

export class AffinityTable {
  readonly #entries = new Map<string, AffinityEntry>();
  /** Rises with every change. */
  changes = 0;

  /** The memory of one node. */
  of(node: string): AffinityMemory {
    return { lastSeen: (set, client) => this.#entries.get(keyOf(node, set, client))?.at };
  }

  remember(entry: AffinityEntry): void {
    const key = keyOf(entry.node, entry.set, entry.client);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.changes += 1;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > mostAffinityEntries && oldest !== undefined) this.#entries.delete(oldest);
  }

  entries(): AffinityEntry[] {
    return [...this.#entries.values()];
  }

  restore(entries: Iterable<AffinityEntry>): void {
    this.#entries.clear();
    for (const entry of entries) this.remember(entry);
  }
}

const keyOf = (node: string, set: string, client: string): string => `${node} ${set} ${client}`;
