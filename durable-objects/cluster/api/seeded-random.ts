/**
 * A seeded `Random`: splitmix32, good enough for draws and names, not for secrets.
 */
import type { Random } from "./ports.ts";

export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 0x1_0000_0000;
  }

  int(below: number): number {
    return Math.floor(this.next() * below);
  }
}

/** A seed from a text and a number: so that what is drawn depends on what it is drawn for, not on the order of calls. */
export function seedFrom(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash;
}

/** The alphabet of generated names: no vowels, so that no words come out, and no characters that are easily confused. */
const nameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

/** The five characters that the API server puts behind a `generateName`. */
export const nameSuffix = (random: Random, length = 5): string =>
  Array.from({ length }, () => nameAlphabet[random.int(nameAlphabet.length)]).join("");

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const digits = Array.from({ length: 32 }, () => random.int(16).toString(16));
  digits[12] = "4";
  digits[16] = (8 + random.int(4)).toString(16);
  const text = digits.join("");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
