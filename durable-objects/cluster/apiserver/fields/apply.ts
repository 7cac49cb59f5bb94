import type { KubeObject } from "../../api/objects.ts";
import { unsupportedMediaType } from "../../api/status-error.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "./field-knowledge.ts";

export interface Apply {
  manager: string;
  force: boolean;
  subresource?: string;
  /** RFC 3339, whole seconds. */
  now: string;
  fieldValidation: FieldValidation;
}

/**
 * Server-side apply: merges the applied configuration (JSON or YAML) into what is there. The result carries the new
 * `managedFields` of the applier; call `finishApply` on what defaults and strategies made of it, not `recordManagedFields`.
 * Throws 409 with every conflict, or the server's 400, 415, 500.
 */
export function applyObject(_gvk: GroupVersionKind, _current: KubeObject | undefined, _applied: Uint8Array, _apply: Apply): Decoded {
  throw unsupportedMediaType("server-side apply is not served yet: apply without --server-side");
}
