/**
 * The fields of every kind, as the server's Go structures have them: order, types, what is left out when empty, keys of
 * lists, merge strategies.
 *
 * Read from `structs.generated.ts`, one structure at a time when it is first needed. There, a structure is a line of
 * members separated by `|`; a member is `name:type flags`.
 *
 *     type   s string, i int32, l int64, n float64, b bool, y bytes, q quantity, x int-or-string, t time, u time with
 *            micro seconds, r f j any JSON, A B S a JSON schema or something else, @Name a structure, [T list, {T map
 *     flags  * pointer, ? left out when empty, ?? left out when zero, ! required, = default (zero, or the JSON behind it),
 *            e: enum, l: list type, k: list map keys, m: map type, K: merge key, P: merge strategies,
 *            n: Go name of the leaf, N: Go name of the whole type, i: embedded structure that it comes from
 */
import type { GroupVersionKind } from "./field-knowledge.ts";
import { atomicStructs, groupNames, otherKinds, selfNamedKinds, structs } from "./structs.generated.ts";

export type ScalarKind = "string" | "int32" | "int64" | "float64" | "bool" | "bytes";
/** Types that decode themselves. `schemaOr…`: a JSON schema, or a bool, a list of schemas, a list of strings. */
export type OpaqueKind =
  | "quantity"
  | "intOrString"
  | "time"
  | "microTime"
  | "rawExtension"
  | "fieldsV1"
  | "json"
  | "schemaOrArray"
  | "schemaOrBool"
  | "schemaOrStrings";

/** `goName` is what Go's `reflect` prints: `[]v1.ServicePort`. */
export type FieldType =
  | { kind: ScalarKind | OpaqueKind; goName: string }
  | { kind: "struct"; goName: string; name: string }
  | { kind: "list" | "map"; goName: string; of: FieldType };

export interface Field {
  name: string;
  type: FieldType;
  /** Absent and empty differ. */
  pointer: boolean;
  /** What is not written: nothing; an empty value; also a structure whose members are all zero. */
  omit: "never" | "empty" | "zero";
  required: boolean;
  /** Undefined: none. Zero values (`""`, `0`, `{}`) only say how Go starts out. */
  default: unknown;
  /** Of a list or map: of its elements. */
  enum: readonly string[] | undefined;
  listType: "atomic" | "set" | "map" | undefined;
  listMapKeys: readonly string[] | undefined;
  mapType: "atomic" | "granular" | undefined;
  mergeKey: string | undefined;
  mergeStrategies: readonly string[];
  /** The embedded Go structure that brings this member. */
  embeddedIn: string | undefined;
}

export interface Struct {
  /** `core.v1.ServiceSpec` */
  name: string;
  /** `v1.ServiceSpec` */
  goName: string;
  /** In the order in which the server writes them. */
  fields: ReadonlyMap<string, Field>;
  /** One value to server-side apply. */
  atomic: boolean;
}

const scalars: Record<string, [ScalarKind | OpaqueKind, string]> = {
  s: ["string", "string"],
  i: ["int32", "int32"],
  l: ["int64", "int64"],
  n: ["float64", "float64"],
  b: ["bool", "bool"],
  y: ["bytes", "[]uint8"],
  q: ["quantity", "resource.Quantity"],
  x: ["intOrString", "intstr.IntOrString"],
  t: ["time", "v1.Time"],
  u: ["microTime", "v1.MicroTime"],
  r: ["rawExtension", "runtime.RawExtension"],
  f: ["fieldsV1", "v1.FieldsV1"],
  j: ["json", "v1.JSON"],
  A: ["schemaOrArray", "v1.JSONSchemaPropsOrArray"],
  B: ["schemaOrBool", "v1.JSONSchemaPropsOrBool"],
  S: ["schemaOrStrings", "v1.JSONSchemaPropsOrStringArray"],
};

const packageOf = (name: string): string => name.slice(0, name.lastIndexOf("."));
/** `core.v1.Pod` -> `v1.Pod` */
const goNameOf = (name: string): string => name.split(".").slice(-2).join(".");

function parseType(code: string, inPackage: string, leafName: string | undefined): FieldType {
  const head = code[0] as string;
  if (head === "[") {
    const of = parseType(code.slice(1), inPackage, leafName);
    return { kind: "list", goName: `[]${of.goName}`, of };
  }
  if (head === "{") {
    const of = parseType(code.slice(1), inPackage, leafName);
    return { kind: "map", goName: `map[string]${of.goName}`, of };
  }
  if (head === "@") {
    const name = code.includes(".") ? code.slice(1) : `${inPackage}.${code.slice(1)}`;
    return { kind: "struct", goName: goNameOf(name), name };
  }
  const scalar = scalars[head];
  if (scalar === undefined) throw new Error(`unknown type code ${code}`);
  return { kind: scalar[0], goName: leafName ?? scalar[1] };
}

const zeroOf = (type: FieldType): unknown => {
  if (type.kind === "string") return "";
  if (type.kind === "bool") return false;
  return type.kind === "int32" || type.kind === "int64" || type.kind === "float64" ? 0 : {};
};

function parseField(line: string, inPackage: string): Field {
  const [head = "", ...flags] = line.split(" ");
  const colon = head.lastIndexOf(":");
  const flagValue = (prefix: string) => flags.find((flag) => flag.startsWith(prefix))?.slice(prefix.length);
  const leafType = parseType(head.slice(colon + 1), inPackage, flagValue("n:"));
  const named = flagValue("N:");
  const type: FieldType = named === undefined ? leafType : { ...leafType, goName: named };
  const defaultText = flagValue("=");
  return {
    name: head.slice(0, colon),
    type,
    pointer: flags.includes("*"),
    omit: flags.includes("??") ? "zero" : flags.includes("?") ? "empty" : "never",
    required: flags.includes("!"),
    default: defaultText === undefined ? undefined : defaultText === "" ? zeroOf(type) : JSON.parse(defaultText),
    enum: flagValue("e:")?.split(","),
    listType: flagValue("l:") as Field["listType"],
    listMapKeys: flagValue("k:")?.split(","),
    mapType: flagValue("m:") as Field["mapType"],
    mergeKey: flagValue("K:"),
    mergeStrategies: flagValue("P:")?.split(",") ?? [],
    embeddedIn: flagValue("i:"),
  };
}

const parsed = new Map<string, Struct>();

/** Throws on a name that no schema has: a mistake of ours. */
export function structNamed(name: string): Struct {
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const line = structs[name];
  if (line === undefined) throw new Error(`no structure ${name}`);
  const fields = line === "" ? [] : line.split("|").map((member) => parseField(member, packageOf(name)));
  const struct: Struct = {
    name,
    goName: goNameOf(name),
    fields: new Map(fields.map((field) => [field.name, field])),
    atomic: atomicStructs.has(name),
  };
  parsed.set(name, struct);
  return struct;
}

let structOfKind: Map<string, string> | undefined;

function kindTable(): Map<string, string> {
  const table = new Map<string, string>();
  for (const name of selfNamedKinds) {
    const [group = "", version = "", kind = ""] = name.split(".");
    table.set(`${groupNames[group]}/${version}/${kind}`, name);
  }
  for (const [name, kinds] of Object.entries(otherKinds)) for (const kind of kinds) table.set(kind, name);
  return table;
}

/** The structure of a built-in kind; undefined for custom resources. */
export function structOf(gvk: GroupVersionKind): Struct | undefined {
  structOfKind ??= kindTable();
  const name = structOfKind.get(`${gvk.group}/${gvk.version}/${gvk.kind}`) ?? optionKinds.get(gvk.kind);
  return name === undefined ? undefined : structNamed(name);
}

export const isKnownToAllVersions = (kind: string): boolean => optionKinds.has(kind);

/** Options are known to every group version. */
const optionKinds = new Map([["DeleteOptions", "meta.v1.DeleteOptions"]]);
