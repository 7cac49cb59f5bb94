import type { KubeObject } from "../../api/objects.ts";

export interface Write {
  /** `?fieldManager=`, or the user agent up to the first `/`. */
  manager: string;
  operation: "Update";
  subresource?: string;
  /** RFC 3339, whole seconds. */
  now: string;
}

/** Notes in `next.metadata.managedFields`, in place, which fields this write set. To be called last, on what will be stored. */
export function recordManagedFields(_previous: KubeObject | undefined, _next: KubeObject, _write: Write): void {}
