/** Counts that bound the work of one turn, because the deployed clock stands still within it. */
export const turnLimits = {
  /** Reconciles before the rest is left to the next turn. */
  reconciles: 200,
  /** Due times worked off in one turn, after a sleep for instance. */
  dueEvents: 2_000,
} as const;
