/**
 * The letters by which kube-proxy tells chains apart: the first of a text's SHA-256 in base32.
 */
import { sha256 } from "@noble/hashes/sha2.js";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 alphabet, upper case. */
export function nameHash(text: string, letters: number): string {
  const bytes = sha256(new TextEncoder().encode(text));
  return Array.from({ length: letters }, (_, at) => {
    const bit = at * 5;
    const pair = (bytes[bit >> 3]! << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    return alphabet[(pair >> (11 - (bit & 7))) & 31];
  }).join("");
}
