/**
 * A sandbox's id in URLs: the Durable Object's own unique id in lower-case base 32 (RFC 4648 without padding), 52
 * characters, so that it fits a DNS label.
 */

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const idBytes = 32;
const encodedLength = Math.ceil((idBytes * 8) / 5);

/** @param hex the 64 hexadecimal digits of a Durable Object's id */
export function encodeId(hex: string): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (let i = 0; i < hex.length; i += 2) {
    held = (held << 8) | Number.parseInt(hex.slice(i, i + 2), 16);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + alphabet[(held << (5 - bits)) & 31];
}

/** The hexadecimal id; `undefined` where the text is none, other spellings of a right one included. */
export function decodeId(text: string): string | undefined {
  if (text.length !== encodedLength) return undefined;
  let hex = "";
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value === -1) return undefined;
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      hex += ((held >> bits) & 255).toString(16).padStart(2, "0");
    }
    held &= (1 << bits) - 1;
  }
  return held === 0 ? hex : undefined;
}
