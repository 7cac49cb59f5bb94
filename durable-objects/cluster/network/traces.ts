/**
 * The traces kept for people to look at again: the last 200 routes, those of tools inside pods included.
 *
 * Lived state: `lived` and `restore` carry them over an eviction. What is kept is the answer as it was given.
 */
export const mostTraces = 200;

export interface Trace<T = unknown> {
  /** `t-18`; numbers are never reused. */
  id: string;
  /** Cluster time in milliseconds. */
  at: number;
  content: T;
}

export interface LivedTraces {
  next: number;
  kept: Trace[];
}

export class Traces {
  readonly #kept = new Map<string, Trace>();
  #next = 1;
  /** Told about every new trace; for those who watch. */
  onTrace: (trace: Trace) => void = () => {};

  /** @param content makes the content from the id, because an answer names its own trace */
  keep<T>(at: number, content: (id: string) => T): Trace<T> {
    const id = `t-${this.#next}`;
    this.#next += 1;
    const trace = { id, at, content: content(id) };
    this.#kept.set(id, trace);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > mostTraces && oldest !== undefined) this.#kept.delete(oldest);
    this.onTrace(trace);
    return trace;
  }

  /** The number of the next trace. */
  get next(): number {
    return this.#next;
  }

  get(id: string): Trace | undefined {
    return this.#kept.get(id);
  }

  /** Oldest first. */
  list(): Trace[] {
    return [...this.#kept.values()];
  }

  lived(): LivedTraces {
    return { next: this.#next, kept: this.list() };
  }

  restore({ next, kept }: LivedTraces): void {
    this.#next = next;
    this.#kept.clear();
    for (const trace of kept) this.#kept.set(trace.id, trace);
  }
}
