/** Quantities and base64 as Go reads them and as the server stores them. */
import { canonicalQuantity, parseQuantity, quantitySyntax } from "../../api/quantity.ts";

/** Beyond this a power of ten is nonsense, and would take the arithmetic forever. Unlike Go, which stores such text. */
const maxExponent = 64;

/** Base64 without line ends and with its unused bits cleared, or where it stops being base64. */
export function canonicalBase64(text: string): string | { illegalAt: number } {
  const compact = text.replaceAll(/[\r\n]/g, "");
  const isValid = compact.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(compact.replace(/={1,2}$/, ""));
  return isValid ? btoa(atob(compact)) : { illegalAt: illegalBase64At(text) };
}

/** Where Go's base64 decoder gives up: the first byte of the group of four that does not decode, or the byte itself. */
function illegalBase64At(text: string): number {
  const alphabet = /[A-Za-z0-9+/]/;
  let inGroup = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === "\r" || char === "\n") continue;
    if (alphabet.test(char)) {
      inGroup = (inGroup + 1) % 4;
      continue;
    }
    if (char !== "=" || inGroup < 2) return at;
    return illegalPaddingAt(text, at, inGroup);
  }
  return text.length - inGroup;
}

/** Behind two digits two `=` are due, behind three one, and then nothing more. */
function illegalPaddingAt(text: string, at: number, inGroup: number): number {
  let next = at + 1;
  const skipLineEnds = () => {
    while (text[next] === "\r" || text[next] === "\n") next += 1;
  };
  if (inGroup === 2) {
    skipLineEnds();
    if (next === text.length) return text.length;
    if (text[next] !== "=") return next;
    next += 1;
  }
  skipLineEnds();
  return next;
}

/**
 * A quantity as it is stored. Go keeps the spelling that it was given where the number needs no other suffix, so that
 * `+5`, `05` and `1.500` stay; all else is rewritten.
 */
export function storedQuantity(text: string): string {
  const [, whole = "", fraction = "", suffix = ""] = /^[+-]?0*(\d*)\.?(\d*)(.*)$/.exec(text) ?? [];
  const digits = `${whole === "" ? "0" : whole}${fraction}`;
  if (digits.length > exactDigits) return canonicalQuantity(text);
  if (suffix.endsWith("i")) return fraction === "" && BigInt(digits) % 8n !== 0n ? text : canonicalQuantity(text);
  const power = (decimalPowers[suffix] ?? Number(suffix.slice(1))) - fraction.length;
  const kept = power >= -9 && power % 3 === 0 && !digits.endsWith("000") && !digits.startsWith("0");
  return kept ? text : canonicalQuantity(text);
}

/** What Go computes with whole numbers; longer ones go through arbitrary precision, which rewrites them. */
const exactDigits = 14;
const decimalPowers: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** What is wrong with text that should be a quantity, in the server's words; undefined: nothing. */
export function quantityProblem(text: string): string | undefined {
  const exponent = /[eE][+-]?(\d+)$/.exec(text);
  const isTooLarge = exponent !== null && Number(exponent[1]) > maxExponent;
  if (!isTooLarge && parseQuantity(text) !== undefined) return undefined;
  const parts = text === "" ? null : /^[+-]?\d*(?:\.\d*)?([eEinumkKMGTP]*[+-]?\d*)$/.exec(text);
  if (parts === null) return quantitySyntax;
  return parts[1] === "" ? "unable to parse numeric part of quantity" : "unable to parse quantity's suffix";
}
