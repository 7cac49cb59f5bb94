/**
 * Which pods of a ReplicaSet go first when there are too many.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#scaling-a-replicaset
 */
import type { Pod } from "../api/objects.ts";
import { msOf } from "../api/time.ts";
import { isReady, readySince } from "./pod-state.ts";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phaseRank: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * The pods in the order in which they are deleted.
 *
 * @param related pods of all ReplicaSets of the same Deployment: where more of them share a node, one of those goes first
 * @param now cluster time in milliseconds; ages count by their power of two only
 */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], now: number): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of related) if (spec.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  const crowd = (pod: Pod): number => onNode.get(pod.spec.nodeName ?? "") ?? 0;
  return [...pods].sort(
    (a, b) =>
      Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
      phaseOf(a) - phaseOf(b) ||
      Number(isReady(a)) - Number(isReady(b)) ||
      costOf(a) - costOf(b) ||
      crowd(b) - crowd(a) ||
      (isReady(a) ? younger(readySince(a), readySince(b), a, b, now) : 0) ||
      restartsOf(b) - restartsOf(a) ||
      younger(msOf(a.metadata.creationTimestamp), msOf(b.metadata.creationTimestamp), a, b, now) ||
      byChance(a, b),
  );
}

const phaseOf = (pod: Pod): number => phaseRank[pod.status.phase ?? "Pending"] ?? 0;

/** What is no whole number counts as 0. */
function costOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[costAnnotation] ?? "";
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

const restartsOf = (pod: Pod): number => Math.max(0, ...(pod.status.containerStatuses ?? []).map((status) => status.restartCount));

/** Equal times leave the decision to what follows; different ones of the same power of two leave it to the uid, that is to chance. */
function younger(a: number | undefined, b: number | undefined, one: Pod, other: Pod, now: number): number {
  if (a === b) return 0;
  return powerOfAge(a, now) - powerOfAge(b, now) || byChance(one, other);
}

/** Uids are drawn at random. */
const byChance = (a: Pod, b: Pod): number => (a.metadata.uid < b.metadata.uid ? -1 : 1);

/** Kubernetes counts in nanoseconds. */
const powerOfAge = (since: number | undefined, now: number): number => {
  const age = now - (since ?? now);
  return age > 0 ? Math.floor(Math.log2(age * 1e6)) : -1;
};
