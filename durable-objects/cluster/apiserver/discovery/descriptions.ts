/**
 * What `kubectl explain` says about kinds and fields, in our own words. Only what the networking chapters need; where
 * nothing is said, `explain` prints its `<empty>`.
 */

const descriptions: Record<string, string> = {};

/** Of a structure, or of one of its members; undefined where we have no words. */
export const descriptionOf = (struct: string, member?: string): string | undefined =>
  descriptions[member === undefined ? struct : `${struct}.${member}`];
