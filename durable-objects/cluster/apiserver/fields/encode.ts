/**
 * Writes an object as Go would encode the kind's structure: members in its order, unknown ones dropped, empty ones left
 * out where they are optional, and zero values for those that are always there (`status: {}`, `containers: null`).
 */
import type { Field, FieldType, Struct } from "./schema.ts";
import { structNamed } from "./schema.ts";

/** What Go writes for a value nobody set; undefined: nothing. */
function zeroValue({ type, pointer, omit }: Field): unknown {
  if (pointer) return omit === "never" ? null : undefined;
  switch (type.kind) {
    case "struct":
      return omit === "zero" ? undefined : encodeStruct(structNamed(type.name), {});
    case "quantity":
      return "0";
    case "time":
    case "microTime":
      return omit === "zero" ? undefined : null;
    case "intOrString":
      // The server writes 0 here even for an optional one; leaving it out makes "not set" visible to the defaults.
      return omit === "never" ? 0 : undefined;
    case "rawExtension":
      return null;
    default:
      return omit === "never" ? zeroScalar(type) : undefined;
  }
}

function zeroScalar(type: FieldType): unknown {
  switch (type.kind) {
    case "string":
      return "";
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "float64":
      return 0;
    default:
      return null;
  }
}

const isEmpty = (value: unknown): boolean =>
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) ? value.length === 0 : typeof value === "object" && Object.keys(value as object).length === 0);

const omittedWhenEmpty: ReadonlySet<FieldType["kind"]> = new Set([
  "string",
  "int32",
  "int64",
  "float64",
  "bool",
  "bytes",
  "intOrString",
  "list",
  "map",
]);

function encodeField(field: Field, value: unknown): unknown {
  if (value === undefined || value === null) return zeroValue(field);
  if (!field.pointer && field.omit !== "never" && omittedWhenEmpty.has(field.type.kind) && isEmpty(value)) return undefined;
  return encodeValue(field.type, value);
}

/** An element that is null in the document is a zero one in Go. */
const zeroElement = (type: FieldType): unknown =>
  type.kind === "struct" ? encodeStruct(structNamed(type.name), {}) : type.kind === "quantity" ? "0" : zeroScalar(type);

function encodeValue(type: FieldType, value: unknown): unknown {
  switch (type.kind) {
    case "struct":
      return encodeStruct(structNamed(type.name), value as Record<string, unknown>);
    case "list":
      return (value as unknown[]).map((item) => (item === null ? zeroElement(type.of) : encodeValue(type.of, item)));
    case "map": {
      const members = Object.entries(value as Record<string, unknown>);
      return Object.fromEntries(members.map(([key, item]) => [key, item === null ? zeroElement(type.of) : encodeValue(type.of, item)]));
    }
    default:
      return value;
  }
}

/** A new object; values of leaves are shared with the old one. */
export function encodeStruct(struct: Struct, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const field of struct.fields.values()) {
    const encoded = encodeField(field, value[field.name]);
    if (encoded !== undefined) written[field.name] = encoded;
  }
  return written;
}
