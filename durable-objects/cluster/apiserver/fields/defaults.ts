/**
 * Fills in the defaults that the schema names (`protocol: TCP`). There are few: most defaults are set by code and belong
 * to the strategy of the kind.
 */
import type { GroupVersionKind } from "./field-knowledge.ts";
import { type FieldType, type Struct, structNamed, structOf } from "./schema.ts";

type Value = Record<string, unknown>;

/** Fills in, in place, what the schema of the kind names as default. */
export function applySchemaDefaults(gvk: GroupVersionKind, object: object): void {
  const struct = structOf(gvk);
  if (struct !== undefined) fillStruct(struct, object as Value);
}

/** Zero values only describe how a Go structure starts out. */
const isZero = (value: unknown): boolean => value === "" || value === 0 || value === false || typeof value === "object";

function fillStruct(struct: Struct, value: Value): void {
  for (const field of struct.fields.values()) {
    const current = value[field.name];
    const isUnset = current === undefined || current === null || (current === "" && !field.pointer);
    if (!isUnset) fill(field.type, current);
    else if (field.default !== undefined && !isZero(field.default)) value[field.name] = field.default;
  }
}

function fill(type: FieldType, value: unknown): void {
  if (type.kind === "struct") fillStruct(structNamed(type.name), value as Value);
  else if (type.kind === "list") for (const item of value as unknown[]) fill(type.of, item);
  else if (type.kind === "map") for (const item of Object.values(value as Value)) fill(type.of, item);
}
