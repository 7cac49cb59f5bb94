/** Writes values as Go's `fmt` and `encoding/json` do, for messages that quote them. */

/** Levels that are printed; Go prints all, but nobody reads on. */
const deepestText = 500;

/** `%v` of a decoded JSON value: `map[a:1 b:[x y]]`, keys sorted. */
export function goText(value: unknown, depth = deepestText): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value !== "object") return String(value);
  if (depth === 0) return "...";
  if (Array.isArray(value)) return `[${value.map((item) => goText(item, depth - 1)).join(" ")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([key, member]) => `${key}:${goText(member, depth - 1)}`).join(" ")}]`;
}

/** The Go type of a value in a decoded JSON document. */
export function goTypeOf(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value === "string" ? "string" : "map[string]interface {}";
}

/** The same without what it is made of: `slice`, `map`. */
export function goKindOf(value: unknown): string {
  const type = goTypeOf(value);
  return type.startsWith("[]") ? "slice" : type.startsWith("map") ? "map" : type;
}

/** JSON text as Go's encoder writes it: `<`, `>`, `&` and the line separators escaped. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
