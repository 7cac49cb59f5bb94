/** Counts that bound the work of one turn, because the deployed clock stands still within it. */
export const turnLimits = {
  /** Reconciles before the rest is left to the next turn. */
  reconciles: 200,
  /** Due times worked off in one turn, after a sleep for instance. */
  dueEvents: 2_000,
  /** Writes that due times may lead to in one turn. */
  dueWrites: 5_000,
} as const;

/** What became of the time between two moments. */
export interface Passage {
  /** Due times that were worked off, each at its own time. */
  events: number;
  /** Objects written meanwhile. */
  writes: number;
  /** Where a bound was met: keys that were due from then on, and are looked at once at the end. */
  skipped?: { keys: number; fromMs: number };
}
