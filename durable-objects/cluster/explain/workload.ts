/** Where a pod comes from, so that a repair outlives it. */
import type { Reader } from "../api/controller.ts";
import type { KubeObject, Pod } from "../api/objects.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import type { Patch } from "./why.ts";

export interface PodSource {
  object: KubeObject;
  /** Where in it the pod's metadata and spec stand: "" in a bare pod, `/spec/template` in a workload. */
  path: "" | "/spec/template";
}

/** The Deployment or ReplicaSet that would make the pod anew, or the pod itself. */
export function sourceOf(pod: Pod, reader: Reader): PodSource {
  const replicaSet = ownerOf(pod, "ReplicaSet", "replicasets.apps", reader);
  const deployment = replicaSet && ownerOf(replicaSet, "Deployment", "deployments.apps", reader);
  const object = deployment ?? replicaSet;
  return object === undefined ? { object: pod, path: "" } : { object, path: "/spec/template" };
}

function ownerOf({ metadata }: KubeObject, kind: string, resource: string, reader: Reader): KubeObject | undefined {
  const owner = metadata.ownerReferences?.find((each) => each.controller && each.kind === kind);
  return owner && reader.get<KubeObject>(resource, metadata.namespace, owner.name);
}

export const addLabel = ({ object, path }: PodSource, label: Record<string, string>): Patch =>
  mergePatch(object, path === "" ? { metadata: { labels: label } } : { spec: { template: { metadata: { labels: label } } } });

/** A change of the pod's spec; none for a bare pod, whose spec stays as it is. @param at below `spec`: `/containers/0/...` */
export const editSpec = ({ object, path }: PodSource, op: "add" | "replace", at: string, value: unknown): Patch[] =>
  path === "" ? [] : [jsonPatch(object, [{ op, path: `${path}/spec${at}`, value }])];
