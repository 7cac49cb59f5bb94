import type { KubeObject } from "../../api/objects.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "./field-knowledge.ts";

/**
 * Applies a JSON patch, merge patch or strategic merge patch, by content type. `current` is left as it is; defaults
 * and validation are the caller's next step. Throws the server's 400, 415, 422 or 500.
 */
export function patchObject(
  _gvk: GroupVersionKind,
  _current: KubeObject,
  _patch: Uint8Array,
  _contentType: string,
  _fieldValidation: FieldValidation,
): Decoded {
  throw new Error("not yet");
}
