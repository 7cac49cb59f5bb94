/** What comparing a file of captures gives: how many lines match, and where the others differ first. */

export interface Failure {
  file: string;
  id: string;
  firstDifference: string;
}

/** The first place in which two JSON values differ: `answer[0].ttl: want 30, got 29`. */
export function firstDifference(want: unknown, got: unknown, path = ""): string | undefined {
  if (Object.is(want, got)) return undefined;
  if (typeof want !== "object" || typeof got !== "object" || want === null || got === null) {
    return `${path}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`;
  }
  for (const key of new Set([...Object.keys(want), ...Object.keys(got)])) {
    const inner = (of: object): unknown => (of as Record<string, unknown>)[key];
    const difference = firstDifference(inner(want), inner(got), Array.isArray(want) ? `${path}[${key}]` : `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
