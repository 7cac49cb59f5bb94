/**
 * The chance in a walk, and all of its outcomes: a walk asks for draws, and the one who starts it decides them.
 */
import type { Random } from "../api/ports.ts";
import type { Candidate, Outcome } from "./rule-set.ts";

export interface Draws {
  /** A number in [0, 1) for a rule that matches once in `of` times: it does below 1 / `of`. */
  chance(of: number): number;
  /** A number in [0, 1) that chooses one of `of`: number n times `of`, rounded down. */
  pick(of: number): number;
}

export const randomDraws = (random: Random): Draws => new RandomDraws(random);

class RandomDraws implements Draws {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(): number {
    return this.#random.next();
  }

  pick(): number {
    return this.#random.next();
  }
}

/** The ten decimals in which kube-proxy writes probabilities; also hides the last bits of the products. */
const decimals = 10;

/**
 * All ways a packet can go, with their probabilities: the walk itself, repeated over every outcome of its draws.
 *
 * @returns likeliest first, then by address text and port; ways that end alike are one
 */
export function candidatesOf(walk: (draws: Draws) => Outcome): Candidate[] {
  const ways = new Map<string, Candidate>();
  for (const { result, probability } of everyOutcome(walk)) {
    const { verdict, dst: ip, destinationPort, masqueraded } = result;
    const key = `${verdict} ${ip} ${destinationPort} ${masqueraded}`;
    const port = destinationPort === undefined ? {} : { port: destinationPort };
    ways.set(key, { verdict, ip, ...port, masqueraded, probability: (ways.get(key)?.probability ?? 0) + probability });
  }
  return [...ways.values()]
    .map((way) => ({ ...way, probability: Number(way.probability.toFixed(decimals)) }))
    .sort((a, b) => b.probability - a.probability || (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : (a.port ?? 0) - (b.port ?? 0)));
}

/** Runs with the first draws as scripted and all later ones at their first outcome, then once for each outcome left open. */
function everyOutcome<T>(run: (draws: Draws) => T): { result: T; probability: number }[] {
  const outcomes: { result: T; probability: number }[] = [];
  const open: number[][] = [[]];
  for (let script = open.pop(); script !== undefined; script = open.pop()) {
    const taken: { outcome: number; outcomes: number }[] = [];
    let probability = 1;
    const draw = (possible: number, chanceOf: (outcome: number) => number): number => {
      const outcome = script[taken.length] ?? 0;
      taken.push({ outcome, outcomes: possible });
      probability *= chanceOf(outcome);
      return outcome;
    };
    const result = run({
      chance: (of) => draw(2, (outcome) => (outcome === 0 ? 1 / of : 1 - 1 / of)),
      pick: (of) => (draw(of, () => 1 / of) + 0.5) / of,
    });
    outcomes.push({ result, probability });
    for (let at = script.length; at < taken.length; at += 1) {
      const before = taken.slice(0, at).map((one) => one.outcome);
      for (let other = 1; other < taken[at]!.outcomes; other += 1) open.push([...before, other]);
    }
  }
  return outcomes;
}
