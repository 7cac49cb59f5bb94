/**
 * The `pod-template-hash` of a pod template: the suffix of its ReplicaSet's name, the same that Kubernetes gives.
 *
 * Kubernetes prints the template as Go prints a structure (every field, in the order of its declaration) and hashes the
 * text; so does this. The declarations are in `pod-template-types.generated.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label
 */
import { parseQuantity } from "../api/quantity.ts";
import { podTemplateTypes } from "./pod-template-types.generated.ts";

/** The characters of generated names: no vowels, and none that are easily confused. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/**
 * @param template as stored, that is with the defaults filled in, and without a `pod-template-hash` label
 * @param collisionCount of the Deployment's status
 */
export function podTemplateHash(template: object, collisionCount?: number): string {
  const hash = new Fnv32a();
  hash.write(new TextEncoder().encode(podTemplateText(template)));
  if (collisionCount !== undefined) {
    const count = new Uint8Array(8);
    new DataView(count.buffer).setUint32(0, collisionCount, true);
    hash.write(count);
  }
  return safeEncode(String(hash.sum));
}

/** The text that is hashed. */
export const podTemplateText = (template: object): string => typed("v1.PodTemplateSpec", template);

/** Each character replaced by one that cannot form words, as in generated names. */
export const safeEncode = (text: string): string => [...text].map((c) => alphabet[c.charCodeAt(0) % alphabet.length]).join("");

/** 32-bit FNV-1a. */
class Fnv32a {
  sum = 0x811c9dc5;

  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.sum = Math.imul(this.sum ^ byte, 0x01000193) >>> 0;
  }
}

type Field = readonly [field: string, type: string, json: string];

const parsed = new Map<string, readonly Field[] | undefined>();

function fieldsOf(type: string): readonly Field[] | undefined {
  if (!parsed.has(type))
    parsed.set(
      type,
      podTemplateTypes[type]?.split("|").map((text) => text.split(" ") as unknown as Field),
    );
  return parsed.get(type);
}

const typed = (type: string, value: unknown): string => `(${type})${bare(type, value)}`;

/** The value without its type, as inside slices and maps. */
function bare(type: string, value: unknown): string {
  if (type.startsWith("*")) return value === undefined || value === null ? "<nil>" : bare(type.slice(1), value);
  if (type === "v1.ResourceList") return mapText("resource.Quantity", value);
  if (type.startsWith("map[")) return mapText(type.slice(type.indexOf("]") + 1), value);
  if (type.startsWith("[]")) return sliceText(type.slice(2), value);
  if (type === "resource.Quantity") return quantityText(value as string | number | undefined | null);
  if (type === "intstr.IntOrString") return intOrStringText(value as string | number | undefined);
  if (type === "v1.Time") return "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}";
  const fields = fieldsOf(type);
  if (fields) return structureText(fields, value);
  if (type === "bool") return String(value ?? false);
  return /^u?int\d*$/.test(type) ? String(value ?? 0) : String(value ?? "");
}

function structureText(fields: readonly Field[], value: unknown): string {
  const object = (value ?? {}) as Record<string, unknown>;
  return `{${fields.map(([field, type, json]) => `${field}:${typed(type, json === "" ? object : object[json])}`).join(" ")}}`;
}

function sliceText(element: string, value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  return `[${(value as unknown[]).map((item) => bare(element, item)).join(" ")}]`;
}

function mapText(element: string, value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  const entries = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${bare(element, item)}`).join(" ")}]`;
}

const intOrStringText = (value: string | number | undefined): string =>
  typeof value === "string"
    ? `{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)${value}}`
    : `{Type:(intstr.Type)0 IntVal:(int32)${value ?? 0} StrVal:(string)}`;

/** Exponents of ten, and of two. */
const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Record<string, number> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

/**
 * A quantity has a number of 64 bits (`i`) or, where that might not do, a decimal of any size (`d`); the spelling (`s`)
 * is there only where Go's parser recognises it as canonical at a glance, which it does not do for `64Mi`.
 */
function quantityText(value: string | number | undefined | null): string {
  const text = String(value ?? "");
  if (text === "") return quantityParts("0", 0, "", "");
  if (text === "0") return quantityParts("0", 0, "0", "DecimalSI");
  const [, digits = "0", fraction = "", suffix = ""] = /^[+-]?(\d*)\.?(\d*)(.*)$/.exec(text) ?? [];
  const sign = text.startsWith("-") ? "-" : "";
  const power = binaryExponents[suffix];
  if (power !== undefined) {
    const isSmall = fraction === "" && 15 - digits.length - Math.trunc((power * 3) / 10) - 1 >= 0;
    if (!isSmall) return decimalParts(text);
    const isPlain = (BigInt(digits) & 7n) !== 0n;
    return quantityParts(`${sign}${BigInt(digits) << BigInt(power)}`, 0, isPlain ? text : "", "BinarySI");
  }
  const isExponent = /^[eE]/.test(suffix);
  const scale = (isExponent ? Number(suffix.slice(1)) : (decimalExponents[suffix] ?? 0)) - fraction.length;
  const number = `${digits}${fraction}`;
  if (number.length > 18) return decimalParts(text);
  const isCanonical = scale % 3 === 0 && !number.endsWith("000") && !number.startsWith("0");
  return quantityParts(`${sign}${BigInt(number)}`, scale, isCanonical ? text : "", isExponent ? "DecimalExponent" : "DecimalSI");
}

const quantityParts = (value: string, scale: number, text: string, format: string): string =>
  `{i:(resource.int64Amount){value:(int64)${value} scale:(resource.Scale)${scale}} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} ` +
  `s:(string)${text} Format:(resource.Format)${format}}`;

/** In units of 10^-9, as words of 64 bits, the lowest first. */
function decimalParts(text: string): string {
  const { nano, format } = parseQuantity(text) ?? { nano: 0n, format: "DecimalSI" };
  const words: bigint[] = [];
  for (let left = nano < 0n ? -nano : nano; left > 0n; left >>= 64n) words.push(left & 0xffff_ffff_ffff_ffffn);
  return (
    "{i:(resource.int64Amount){value:(int64)0 scale:(resource.Scale)0} d:(resource.infDecAmount){Dec:(*inf.Dec)" +
    `{unscaled:(big.Int){neg:(bool)${nano < 0n} abs:(big.nat)[${words.join(" ")}]} scale:(inf.Scale)9}} s:(string) Format:(resource.Format)${format}}`
  );
}
