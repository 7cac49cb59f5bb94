/**
 * Chance for running programs: drawn from the sandbox's seed, the name of the drawer and how often it drew before.
 *
 * Lived: the counts. They go with what they were counted for.
 */
import type { Random } from "../api/ports.ts";
import { SeededRandom, seedFrom } from "../api/seeded-random.ts";

export class CountedRandom {
  readonly #seed: number;
  readonly #draws = new Map<string, number>();
  /** Rises with every draw. */
  changes = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(name: string): Random {
    return {
      next: () => this.#draw(name).next(),
      int: (below) => this.#draw(name).int(below),
    };
  }

  counts(): [name: string, draws: number][] {
    return [...this.#draws];
  }

  restore(counts: readonly (readonly [name: string, draws: number])[]): void {
    for (const [name, draws] of counts) this.#draws.set(name, draws);
  }

  forget(name: string): void {
    this.#draws.delete(name);
  }

  #draw(name: string): Random {
    const draws = (this.#draws.get(name) ?? 0) + 1;
    this.#draws.set(name, draws);
    this.changes += 1;
    return new SeededRandom(seedFrom(`${name}#${draws}`, this.#seed));
  }
}
