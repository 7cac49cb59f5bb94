/**
 * What a Deployment's status says: counts, and the conditions Available, Progressing and ReplicaFailure.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
 */
import type { Deployment, ReplicaSet } from "../api/objects.ts";
import { msOf, timeOf } from "../api/time.ts";
import { conditionOf, withCondition, withoutCondition } from "./conditions.ts";
import * as rules from "./deployment-rules.ts";
import { wantedReplicas } from "./deployment-rules.ts";

type Status = Deployment["status"];
export type DeploymentCondition = NonNullable<Status["conditions"]>[number];

export function deploymentCondition(type: string, status: string, reason: string, message: string, now: number): DeploymentCondition {
  const at = timeOf(now);
  return { type, status, lastUpdateTime: at, lastTransitionTime: at, reason, message };
}

/**
 * The counts over all ReplicaSets, and whether enough pods are available.
 *
 * @param next the ReplicaSet that has the Deployment's template; `undefined` where none has
 */
export function countedStatus(deployment: Deployment, sets: readonly ReplicaSet[], next: ReplicaSet | undefined, now: number): Status {
  const available = rules.sumOf(sets, (set) => set.status.availableReplicas);
  const isAvailable = available >= wantedReplicas(deployment) - rules.maxUnavailable(deployment);
  const condition = isAvailable
    ? deploymentCondition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    : deploymentCondition("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now);
  return {
    ...nonZero({
      observedGeneration: deployment.metadata.generation ?? 0,
      replicas: rules.sumOf(sets, (set) => set.status.replicas),
      updatedReplicas: next?.status.replicas ?? 0,
      readyReplicas: rules.sumOf(sets, (set) => set.status.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, rules.sumOf(sets, wantedReplicas) - available),
    }),
    terminatingReplicas: rules.sumOf(sets, (set) => set.status.terminatingReplicas),
    ...(deployment.status.collisionCount === undefined ? {} : { collisionCount: deployment.status.collisionCount }),
    conditions: withCondition(deployment.status.conditions ?? [], condition, now),
  };
}

/** Counts of zero are left out, as the API writes them. */
const nonZero = <T extends Record<string, number>>(counts: T): Partial<T> =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)) as Partial<T>;

/** The counted status with how the roll-out goes, and with the ReplicaSets' own failures. */
export function withProgress(
  deployment: Deployment,
  counted: Status,
  sets: readonly ReplicaSet[],
  next: ReplicaSet | undefined,
  now: number,
): Status {
  const conditions = progressConditions(deployment, counted, next, now);
  const failure = replicaFailure(sets, next, now);
  return { ...counted, conditions: failure ? withCondition(conditions, failure, now) : withoutCondition(conditions, "ReplicaFailure") };
}

function progressConditions(deployment: Deployment, status: Status, next: ReplicaSet | undefined, now: number): DeploymentCondition[] {
  const conditions = status.conditions ?? [];
  const deadline = rules.progressDeadlineMs(deployment);
  if (deadline === undefined) return withoutCondition(conditions, "Progressing");
  const before = conditionOf(deployment.status.conditions, "Progressing");
  const isOver = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && before?.reason === "NewReplicaSetAvailable";
  if (isOver) return conditions;
  const what = next ? `ReplicaSet "${next.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const condition = (is: string, reason: string, said: string): DeploymentCondition =>
    deploymentCondition("Progressing", is, reason, `${what} ${said}`, now);
  if (rules.isComplete(deployment, status)) {
    return withCondition(conditions, condition("True", "NewReplicaSetAvailable", "has successfully progressed."), now);
  }
  if (rules.isProgress(deployment.status, status)) {
    const since = before?.status === "True" ? before.lastTransitionTime : timeOf(now);
    const moved = condition("True", "ReplicaSetUpdated", "is progressing.");
    return [...withoutCondition(conditions, "Progressing"), { ...moved, lastTransitionTime: since }];
  }
  if (isTimedOut(conditionOf(conditions, "Progressing"), deadline, now)) {
    return withCondition(conditions, condition("False", "ProgressDeadlineExceeded", "has timed out progressing."), now);
  }
  return conditions;
}

/** A complete roll-out never times out. */
function isTimedOut(progressing: DeploymentCondition | undefined, deadline: number, now: number): boolean {
  if (!progressing || progressing.reason === "NewReplicaSetAvailable") return false;
  if (progressing.reason === "ProgressDeadlineExceeded") return true;
  return (msOf(progressing.lastUpdateTime) ?? now) + deadline < now;
}

/** When the roll-out will have missed its deadline, if nothing moves before; `undefined`: it cannot, or has already. */
export function deadlineOf(deployment: Deployment, status: Status, now: number): number | undefined {
  const deadline = rules.progressDeadlineMs(deployment);
  const progressing = conditionOf(status.conditions, "Progressing");
  if (deadline === undefined || !progressing || rules.isComplete(deployment, status)) return undefined;
  if (progressing.reason === "NewReplicaSetAvailable" || progressing.reason === "ProgressDeadlineExceeded") return undefined;
  // Times of conditions are whole seconds: a second later it has passed for certain.
  const at = (msOf(progressing.lastUpdateTime) ?? now) + deadline + 1000;
  return at > now ? at : undefined;
}

/** The new ReplicaSet's failure before that of any other. */
function replicaFailure(sets: readonly ReplicaSet[], next: ReplicaSet | undefined, now: number): DeploymentCondition | undefined {
  for (const set of next ? [next, ...sets] : sets) {
    const failure = conditionOf(set.status.conditions, "ReplicaFailure");
    if (failure) return deploymentCondition("ReplicaFailure", failure.status, failure.reason ?? "", failure.message ?? "", now);
  }
  return undefined;
}
