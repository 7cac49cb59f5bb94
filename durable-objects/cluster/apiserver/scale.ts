/** The `scale` subresource of Deployments and ReplicaSets: the replicas alone, in one shape for all kinds that have some. */
import { invalidObject, required } from "../api/field-error.ts";
import type { KubeObject } from "../api/objects.ts";

/** The `autoscaling/v1` Scale of an object. */
export function scaleOf(object: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion, creationTimestamp },
    spec: (object.spec.replicas ?? 0) === 0 ? {} : { replicas: object.spec.replicas },
    status: { replicas: object.status?.replicas ?? 0, ...selectorText(object.spec.selector) },
  };
}

/** The object with the replicas of a Scale. A Scale without replicas means none. @throws StatusError 422 for a negative number */
export function withScale(object: KubeObject, scale: Record<string, unknown>): KubeObject {
  const replicas = ((scale.spec as { replicas?: number } | undefined)?.replicas ?? 0) as number;
  if (replicas < 0) {
    throw invalidObject({ group: "autoscaling", kind: "Scale" }, object.metadata.name, [
      { type: "FieldValueInvalid", field: "spec.replicas", message: `Invalid value: ${replicas}: must be greater than or equal to 0` },
    ]);
  }
  const metadata = (scale.metadata ?? {}) as Partial<KubeObject["metadata"]>;
  if (metadata.name !== undefined && metadata.name !== object.metadata.name)
    throw invalidObject({ group: "autoscaling", kind: "Scale" }, metadata.name, [required("metadata.name")]);
  return {
    ...object,
    metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion ?? "", uid: metadata.uid ?? "" },
    spec: { ...object.spec, replicas },
  };
}

/** The selector as one text, keys sorted: `app=web,tier in (a,b)`. */
function selectorText(
  selector: { matchLabels?: Record<string, string>; matchExpressions?: { key: string; operator: string; values?: string[] }[] } | undefined,
): { selector?: string } {
  const terms: string[] = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = [...values].sort().join(",");
    if (operator === "Exists") terms.push(key);
    else if (operator === "DoesNotExist") terms.push(`!${key}`);
    else terms.push(`${key} ${operator === "In" ? "in" : "notin"} (${list})`);
  }
  return terms.length === 0 ? {} : { selector: terms.sort().join(",") };
}
