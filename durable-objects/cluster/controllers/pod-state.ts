/** What controllers ask about a pod: does it count, is it ready, since when, is it available. */
import type { Pod } from "../api/objects.ts";
import { msOf } from "../api/time.ts";

export const isFinished = (pod: Pod): boolean => pod.status.phase === "Succeeded" || pod.status.phase === "Failed";

/** Counts for a ReplicaSet: neither finished nor on its way out. */
export const isActive = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;

/** On its way out, its containers still there. */
export const isTerminating = (pod: Pod): boolean => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined;

export const podCondition = (pod: Pod, type: string) => pod.status.conditions?.find((condition) => condition.type === type);

export const isReady = (pod: Pod): boolean => podCondition(pod, "Ready")?.status === "True";

/** Milliseconds since the epoch; `undefined` while not ready. */
export const readySince = (pod: Pod): number | undefined =>
  isReady(pod) ? msOf(podCondition(pod, "Ready")?.lastTransitionTime) : undefined;

/** When a ready pod becomes available: at once without `minReadySeconds`. `undefined` while not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  return minReadySeconds === 0 ? 0 : (readySince(pod) ?? 0) + minReadySeconds * 1000;
}

export const isAvailable = (pod: Pod, minReadySeconds: number, now: number): boolean => {
  const at = availableAt(pod, minReadySeconds);
  return at !== undefined && at <= now;
};
