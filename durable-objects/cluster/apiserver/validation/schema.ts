/**
 * Mistakes that a schema alone can find: members that must be there, and values that none of a closed list is. For kinds
 * without rules of their own; metadata is checked by the API server itself.
 */
import { type FieldError, notSupported, required } from "../../api/field-error.ts";
import type { KubeObject } from "../../api/objects.ts";
import type { GroupVersionKind } from "../fields/field-knowledge.ts";
import { type Field, type FieldType, type Struct, structNamed, structOf } from "../fields/schema.ts";

type Value = Record<string, unknown>;

/** Everything outside of metadata and status, in the order of the members. */
export function validateBySchema(gvk: GroupVersionKind, object: KubeObject): FieldError[] {
  const struct = structOf(gvk);
  if (struct === undefined) return [];
  const { metadata: _, status: __, ...rest } = object;
  return structMistakes(struct, rest, "", new Set(["metadata", "status"]));
}

function structMistakes(struct: Struct, value: Value, path: string, skipped: ReadonlySet<string> = new Set()): FieldError[] {
  return [...struct.fields.values()]
    .filter(({ name }) => !skipped.has(name))
    .flatMap((field) => memberMistakes(field, value[field.name], path === "" ? field.name : `${path}.${field.name}`));
}

/** The one list that schemas require and the server does not: the limits of a LimitRange. */
const mayBeMissing = "spec.limits";

function memberMistakes(field: Field, value: unknown, path: string): FieldError[] {
  const { type } = field;
  if (value === undefined || value === null || value === "") {
    if (!field.required) return [];
    // A structure that is no pointer is there in Go, with nothing in it; numbers and booleans are zero.
    if (type.kind === "struct" && !field.pointer) return structMistakes(structNamed(type.name), {}, path);
    return field.pointer || type.kind === "string" || (type.kind === "list" && path !== mayBeMissing) ? [required(path)] : [];
  }
  if (type.kind === "string" && field.enum?.includes(value as string) === false) return [notSupported(path, value, [...field.enum].sort())];
  return valueMistakes(type, value, path);
}

function valueMistakes(type: FieldType, value: unknown, path: string): FieldError[] {
  switch (type.kind) {
    case "struct":
      return structMistakes(structNamed(type.name), value as Value, path);
    case "list":
      return (value as unknown[]).flatMap((item, at) => valueMistakes(type.of, item ?? {}, `${path}[${at}]`));
    case "map":
      return Object.entries(value as Value).flatMap(([key, item]) => valueMistakes(type.of, item ?? {}, `${path}[${key}]`));
    default:
      return [];
  }
}
