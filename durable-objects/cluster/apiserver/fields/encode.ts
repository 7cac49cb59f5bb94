/**
 * Writes an object as Go would encode the kind's structure: members in its order, unknown ones dropped, empty ones left
 * out where they are optional, and zero values for those that are always there (`status: {}`, `containers: null`).
 */
import type { KubeObject } from "../../api/objects.ts";
import { apiVersionOf, type GroupVersionKind } from "./field-knowledge.ts";
import { type Field, type FieldType, type Struct, structNamed, structOf } from "./schema.ts";

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

/** `stored`: as it comes back from storage, where an empty list and none are the same. */
function encodeField(field: Field, value: unknown, stored: boolean): unknown {
  const isUnset = value === undefined || value === null || (stored && field.type.kind === "list" && isEmpty(value));
  if (isUnset) return zeroValue(field);
  if (clearsOwners(field, value)) return value;
  if (!field.pointer && field.omit !== "never" && omittedWhenEmpty.has(field.type.kind) && isEmpty(value)) return undefined;
  return encodeValue(field.type, value, stored);
}

/** An empty `managedFields` is an order (forget all owners), unlike none; it never gets as far as the stored form. */
const clearsOwners = (field: Field, value: unknown): boolean =>
  field.name === "managedFields" && field.type.kind === "list" && isEmpty(value);

/** An element that is null in the document is a zero one in Go. */
function zeroElement(type: FieldType, stored: boolean): unknown {
  if (type.kind === "struct") return encodeStruct(structNamed(type.name), {}, stored);
  if (type.kind === "quantity") return "0";
  return type.kind === "bytes" && stored ? "" : zeroScalar(type);
}

function encodeValue(type: FieldType, value: unknown, stored: boolean): unknown {
  switch (type.kind) {
    case "struct":
      return encodeStruct(structNamed(type.name), value as Record<string, unknown>, stored);
    case "list":
      return (value as unknown[]).map((item) => encodeElement(type.of, item, stored));
    case "map": {
      const members = Object.entries(value as Record<string, unknown>);
      return Object.fromEntries(members.map(([key, item]) => [key, encodeElement(type.of, item, stored)]));
    }
    default:
      return value;
  }
}

const encodeElement = (type: FieldType, item: unknown, stored: boolean): unknown =>
  item === null || item === undefined ? zeroElement(type, stored) : encodeValue(type, item, stored);

/** A new object; values of leaves are shared with the old one. */
export function encodeStruct(struct: Struct, value: Readonly<Record<string, unknown>>, stored = false): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const field of struct.fields.values()) {
    const encoded = encodeField(field, value[field.name], stored);
    if (encoded !== undefined) written[field.name] = encoded;
  }
  return written;
}

/**
 * The object as the server would read it back from storage: for built-in kinds members in the order of the structure, empty
 * lists as null where they are not left out; for custom resources members sorted. To be called on what strategies leave
 * behind, before it is stored or answered (dry runs too).
 *
 * @param asked the kind that was written to; an object that is stored under another version (events) has that one's form
 */
export function storedForm<T extends KubeObject>(asked: GroupVersionKind, object: T): T {
  const { kind, apiVersion } = object;
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const struct = structOf(apiVersionOf(asked) === apiVersion ? asked : { group, version, kind });
  if (struct === undefined) return sortedMembers(object) as T;
  return { kind, apiVersion, ...encodeStruct(struct, { ...object, kind: undefined, apiVersion: undefined }, true) } as unknown as T;
}

/** Members of objects in the order of their names, as Go writes a map. */
export function sortedMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedMembers);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sortedMembers(member)]));
}
