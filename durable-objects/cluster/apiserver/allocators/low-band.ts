/**
 * Both allocators keep the lower part of their range for those who ask for a number by name, and give it out only
 * when the rest is taken.
 */
export interface Band {
  /** A range of up to this many has no band. */
  least: number;
  most: number;
  /** The band is this part of the range. */
  divisor: number;
}

export function lowBandSize(rangeSize: number, { least, most, divisor }: Band): number {
  return rangeSize <= least ? 0 : Math.min(Math.max(least, Math.floor(rangeSize / divisor)), most);
}

/**
 * The first free number at or after a random place, around the corner if need be.
 *
 * @returns undefined where [from, to) is full
 */
export function probe(from: number, to: number, start: number, isFree: (at: number) => boolean): number | undefined {
  const size = to - from;
  for (let step = 0; step < size; step += 1) {
    const at = from + ((start + step) % size);
    if (isFree(at)) return at;
  }
  return undefined;
}
