/**
 * How values merge under server-side apply: which lists are keyed, which values are taken whole. Read from the schema of a
 * kind; where there is none, deduced from the values.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
 */
import { type Field, type FieldType, type Struct, structNamed } from "./schema.ts";

export type MergeType =
  | { kind: "scalar"; scalar: "numeric" | "string" | "boolean" | "untyped" }
  | { kind: "list"; atomic: boolean; keys: readonly string[]; of: MergeType; defaultOf(key: string): unknown }
  | {
      kind: "map";
      atomic: boolean;
      /** A field that the schema names. */
      field(name: string): MergeType | undefined;
      /** Any other member; undefined: there may be none. */
      element: MergeType | undefined;
    }
  /** Anything: objects merge, lists are taken whole. */
  | { kind: "any" };

export const anything: MergeType = { kind: "any" };

type Deduced = Exclude<MergeType, { kind: "any" }>;

const untyped: Deduced = { kind: "scalar", scalar: "untyped" };
const anyList: Deduced = { kind: "list", atomic: true, keys: [], of: anything, defaultOf: () => undefined };
const anyMap: Deduced = { kind: "map", atomic: false, field: () => undefined, element: anything };

/** The type as far as the value decides it; nothing counts as an object. */
export function deduce(type: MergeType, value: unknown): Deduced {
  if (type.kind !== "any") return type;
  if (Array.isArray(value)) return anyList;
  return typeof value === "object" || value === undefined ? anyMap : untyped;
}

const byStruct = new Map<string, { granular: MergeType; atomic: MergeType }>();

export function mergeTypeOf(struct: Struct, atomic = struct.atomic): MergeType {
  const known = byStruct.get(struct.name);
  if (known !== undefined) return atomic ? known.atomic : known.granular;
  const types = new Map<string, MergeType>();
  const field = (name: string): MergeType | undefined => {
    const declared = struct.fields.get(name);
    if (declared === undefined) return undefined;
    const type = types.get(name) ?? typeOfField(declared);
    types.set(name, type);
    return type;
  };
  const granular: MergeType = { kind: "map", atomic: false, field, element: undefined };
  const both = { granular, atomic: { ...granular, atomic: true } };
  byStruct.set(struct.name, both);
  return atomic ? both.atomic : both.granular;
}

function typeOfField(field: Field): MergeType {
  const type = typeOfValue(field.type);
  if (type.kind === "list") return { ...type, ...relation(field) };
  if (type.kind !== "map") return type;
  const isAtomic = field.mapType === "atomic" || type.atomic;
  return { ...type, atomic: isAtomic };
}

/** Lists are taken whole unless the schema says otherwise; older schemas say it by their patch strategy only. */
function relation(field: Field): { atomic: boolean; keys: readonly string[] } {
  if (field.listType === "map") return { atomic: false, keys: field.listMapKeys ?? [] };
  if (field.listType === "set") return { atomic: false, keys: [] };
  if (field.listType === undefined && field.mergeStrategies.includes("merge")) {
    return { atomic: false, keys: field.mergeKey === undefined ? [] : [field.mergeKey] };
  }
  return { atomic: true, keys: [] };
}

function typeOfValue(type: FieldType): MergeType {
  switch (type.kind) {
    case "struct":
      return mergeTypeOf(structNamed(type.name));
    case "list": {
      const element = type.of;
      const defaultOf = (key: string) => (element.kind === "struct" ? structNamed(element.name).fields.get(key)?.default : undefined);
      return { kind: "list", atomic: true, keys: [], of: typeOfValue(element), defaultOf };
    }
    case "map":
      return { kind: "map", atomic: false, field: () => undefined, element: typeOfValue(type.of) };
    case "string":
    case "bytes":
      return { kind: "scalar", scalar: "string" };
    case "bool":
      return { kind: "scalar", scalar: "boolean" };
    case "int32":
    case "int64":
    case "float64":
      return { kind: "scalar", scalar: "numeric" };
    case "quantity":
    case "intOrString":
    case "time":
    case "microTime":
      return untyped;
    default:
      return anything;
  }
}

/** The part of a custom resource's structural schema that says how values merge. */
export interface StructuralSchema {
  type?: string;
  format?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema | boolean;
  items?: StructuralSchema;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: readonly string[];
  "x-kubernetes-map-type"?: string;
  default?: unknown;
}

/** The merge type of a custom resource: its schema, with the metadata that every object has. */
export function mergeTypeOfCustom(schema: StructuralSchema): MergeType {
  const own = typeOfSchema(schema);
  const metadata = mergeTypeOf(structNamed("meta.v1.ObjectMeta"));
  const text: MergeType = { kind: "scalar", scalar: "string" };
  const common: Record<string, MergeType> = { metadata, apiVersion: text, kind: text };
  if (own.kind !== "map") return { kind: "map", atomic: false, field: (name) => common[name], element: anything };
  return { ...own, field: (name) => common[name] ?? own.field(name) };
}

function typeOfSchema(schema: StructuralSchema): MergeType {
  if (schema["x-kubernetes-int-or-string"] === true) return untyped;
  switch (schema.type) {
    case "object":
      return typeOfObjectSchema(schema);
    case "array": {
      const items = schema.items ?? {};
      const relation = schema["x-kubernetes-list-type"];
      return {
        kind: "list",
        atomic: relation !== "map" && relation !== "set",
        keys: relation === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : [],
        of: typeOfSchema(items),
        defaultOf: (key) => items.properties?.[key]?.default,
      };
    }
    case "string":
      return schema.format === "date-time" ? untyped : { kind: "scalar", scalar: "string" };
    case "boolean":
      return { kind: "scalar", scalar: "boolean" };
    case "integer":
    case "number":
      return { kind: "scalar", scalar: "numeric" };
    default:
      return anything;
  }
}

function typeOfObjectSchema(schema: StructuralSchema): MergeType {
  const fields = new Map(Object.entries(schema.properties ?? {}).map(([name, property]) => [name, typeOfSchema(property)]));
  const { additionalProperties } = schema;
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true || additionalProperties === true;
  const element = typeof additionalProperties === "object" ? typeOfSchema(additionalProperties) : isOpen ? anything : undefined;
  return { kind: "map", atomic: schema["x-kubernetes-map-type"] === "atomic", field: (name) => fields.get(name), element };
}
