/**
 * Kubernetes quantities (`100m`, `1Gi`, `1e3`): reading, comparing, and the canonical spelling in which the API server
 * writes them back.
 *
 * Exact: values are whole numbers of nano units, as the server keeps them; what is finer is rounded up.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */

type Format = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface Quantity {
  /** The value times 10^9. */
  nano: bigint;
  format: Format;
}

const grammar = /^([+-]?)(\d+\.?\d*|\.\d+)(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;
const decimalPowers: Record<string, number> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryPowers: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const nanoDigits = 9;

/** What the server says about text that is no quantity. */
export const quantitySyntax = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Reads a quantity; `undefined` where the server answers `quantitySyntax`. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = grammar.exec(text);
  if (!match) return undefined;
  const [, sign, digits = "", suffix, exponent] = match;
  const [wholeDigits = "", fractionDigits = ""] = digits.split(".");
  const whole = wholeDigits.replace(/^0+/, "");
  const fraction = roundedUpDigits(fractionDigits);
  if (whole.length > mostDigits) return { nano: sign === "-" ? -largestNano : largestNano, format: "DecimalSI" };
  let scaled = BigInt(`${whole}${fraction}` || "0");
  let power = nanoDigits - fraction.length;
  let format: Format = "DecimalSI";
  if (suffix !== undefined && suffix in binaryPowers) {
    scaled <<= BigInt(binaryPowers[suffix] as number);
    format = "BinarySI";
  } else if (suffix !== undefined) power += decimalPowers[suffix] as number;
  else if (exponent !== undefined) {
    power += Math.max(-mostZeros, Math.min(mostZeros, Number(exponent)));
    format = "DecimalExponent";
  }
  const nano = power >= 0 ? scaled * 10n ** BigInt(power) : divideUp(scaled, 10n ** BigInt(-power));
  return { nano: sign === "-" ? -nano : nano, format };
}

/** The server caps numbers of more digits than it computes with exactly. */
const mostDigits = 60;
const largestNano = (2n ** 63n - 1n) * 1_000_000_000n;
/** `1e999999999` is a quantity, but its digits would fill memory: beyond this, larger exponents make no difference. */
const mostZeros = 1_000;

/** A fraction of any length, as one that is not smaller. */
const roundedUpDigits = (fraction: string): string =>
  fraction.length <= mostDigits ? fraction : fraction.slice(0, mostDigits) + (/[1-9]/.test(fraction.slice(mostDigits)) ? "1" : "0");

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** Below 0, 0 or above 0, as a comparison function. Text that is no quantity counts as 0. */
export const compareQuantities = (a: string, b: string): number => {
  const difference = nanoOf(a) - nanoOf(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

export const addQuantities = (a: string, b: string): string => {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  const format = left && left.nano !== 0n ? left.format : (right ?? left)?.format;
  return formatQuantity({ nano: (left?.nano ?? 0n) + (right?.nano ?? 0n), format: format ?? "DecimalSI" });
};

const nanoOf = (text: string): bigint => parseQuantity(text)?.nano ?? 0n;

/** The value as a number: `1500m` is 1.5. Loses precision beyond 2^53. */
export const quantityValue = (text: string): number => Number(nanoOf(text)) / 1e9;

/** Thousandths, rounded up: what the scheduler counts CPU in. */
export const milliValue = (text: string): number => Number(roundedUp(nanoOf(text), 1_000_000n));

/** Whole units, rounded up away from zero: what the scheduler counts memory in. */
export const wholeValue = (text: string): number => Number(roundedUp(nanoOf(text), 1_000_000_000n));

const roundedUp = (value: bigint, unit: bigint): bigint => (value < 0n ? -divideUp(-value, unit) : divideUp(value, unit));

export const isWholeQuantity = (text: string): boolean => nanoOf(text) % 1_000_000_000n === 0n;

/** The spelling that the server stores: `1.5` becomes `1500m`, `1024Mi` becomes `1Gi`. Text that is no quantity stays. */
export function canonicalQuantity(text: string): string {
  const quantity = parseQuantity(text);
  return quantity ? formatQuantity(quantity) : text;
}

const nanoPerMilli = 1_000_000n;

/** Rounded up to thousandths; what is that coarse already keeps its spelling. */
export function roundedToMilli(text: string): string {
  const quantity = parseQuantity(text);
  if (!quantity || quantity.nano % nanoPerMilli === 0n) return text;
  return formatQuantity({ ...quantity, nano: roundedUp(quantity.nano, nanoPerMilli) * nanoPerMilli });
}

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** Mantissa without fraction, with the largest suffix that leaves it whole. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return "0";
  const size = nano < 0n ? -nano : nano;
  // Binary suffixes cannot express fractions, and the server writes small binary values in decimal.
  if (format === "BinarySI" && size >= 1024n * 1_000_000_000n && nano % 1_000_000_000n === 0n) return binary(nano / 1_000_000_000n);
  let mantissa = nano;
  let step = 0;
  while (mantissa % 1000n === 0n) {
    mantissa /= 1000n;
    step += 1;
  }
  // Beyond E there is no suffix, and the server then writes none, whatever that makes of the value.
  if (format !== "DecimalExponent") return `${mantissa}${decimalSuffixes[step] ?? ""}`;
  const exponent = step * 3 - nanoDigits;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}

function binary(value: bigint): string {
  let mantissa = value;
  let step = 0;
  while (step < binarySuffixes.length - 1 && mantissa % 1024n === 0n) {
    mantissa /= 1024n;
    step += 1;
  }
  return `${mantissa}${binarySuffixes[step]}`;
}
