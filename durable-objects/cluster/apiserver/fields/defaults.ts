import type { GroupVersionKind } from "./field-knowledge.ts";

/** Fills in, in place, what the schema of the kind names as default. */
export function applySchemaDefaults(_gvk: GroupVersionKind, _object: object): void {
  throw new Error("not yet");
}
