/** Requests to the Kubernetes API that repair an object. */
import type { KubeObject } from "../api/objects.ts";
import type { Patch } from "./why.ts";

const patchOf = (object: KubeObject, contentType: string, body: unknown): Patch => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  name: object.metadata.name,
  method: "PATCH",
  contentType,
  body,
});

export const mergePatch = (object: KubeObject, body: object): Patch => patchOf(object, "application/merge-patch+json", body);
export const jsonPatch = (object: KubeObject, body: readonly object[]): Patch => patchOf(object, "application/json-patch+json", body);
