/**
 * Since when a probe's answer is what it is, for probes that have failed: a kubelet acts only after so many tries in a row.
 *
 * Lived: one entry for each probe of a container that failed at least once in this run; gone with the run.
 */
export interface ProbeAnswer {
  isFailing: boolean;
  /** Cluster time in ms. */
  since: number;
  /** The failure was told in an event. */
  isTold?: boolean;
}

/** A look so soon after the start is the first: what fails then has failed from the start. */
const firstLookMs = 1000;

export class ProbeHistory {
  readonly #answers = new Map<string, ProbeAnswer>();
  /** Rises with every change. */
  changes = 0;

  /**
   * Takes note of what a probe would find now.
   *
   * @param key names the run of the container, and the probe
   */
  look(key: string, isFailing: boolean, startedAt: number, now: number): ProbeAnswer {
    const known = this.#answers.get(key);
    if (known?.isFailing === isFailing) return known;
    if (known === undefined && !isFailing) return { isFailing, since: startedAt };
    const since = known === undefined && now - startedAt < firstLookMs ? startedAt : now;
    return this.#keep(key, { isFailing, since });
  }

  /** @returns true the first time that this failure is told */
  tell(key: string): boolean {
    const known = this.#answers.get(key);
    if (!known?.isFailing || known.isTold) return false;
    this.#keep(key, { ...known, isTold: true });
    return true;
  }

  entries(): [key: string, answer: ProbeAnswer][] {
    return [...this.#answers];
  }

  restore(entries: readonly (readonly [key: string, answer: ProbeAnswer])[]): void {
    for (const [key, answer] of entries) this.#answers.set(key, answer);
  }

  /** The run of the container is over. */
  forget(run: string): void {
    for (const key of this.#answers.keys()) if (key.startsWith(`${run}/`)) this.#drop(key);
  }

  #drop(key: string): void {
    this.#answers.delete(key);
    this.changes += 1;
  }

  #keep(key: string, answer: ProbeAnswer): ProbeAnswer {
    this.#answers.set(key, answer);
    this.changes += 1;
    return answer;
  }
}
