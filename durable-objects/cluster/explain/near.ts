/** Which of several words somebody may have meant. */

/** The nearest candidate within a distance that a slip of the fingers explains; the first of several alike. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance > slips(word) || (best !== undefined && distance >= best.distance)) continue;
    best = { candidate, distance };
  }
  return best?.candidate;
}

/** The same for port numbers: one off comes before one digit off. */
export const nearestPort = (port: number, candidates: readonly number[]): number | undefined => {
  const next = candidates.find((each) => Math.abs(each - port) === 1);
  if (next !== undefined) return next;
  const near = nearest(String(port), candidates.map(String));
  return near === undefined ? undefined : Number(near);
};

const slips = (word: string): number => Math.min(2, Math.max(1, Math.floor(word.length / 3)));

/** Letters added, left out, replaced, or two neighbours swapped. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
