/**
 * Keeps the wanted number of pods: adopts and lets go, makes what is missing, removes what is too many, counts.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, NewObject, Reader } from "../api/controller.ts";
import { matchesLabelMap, matchesLabelSelector } from "../api/label-selector.ts";
import { type KubeObject, keyOf, type Pod, type ReplicaSet } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { StatusError } from "../api/status-error.ts";
import { timeOf } from "../api/time.ts";
import { conditionOf, withoutCondition } from "./conditions.ts";
import { claim, controllerOf, controllerReference, withController, withoutOwner } from "./owner-references.ts";
import { availableAt, isActive, isAvailable, isReady, isTerminating } from "./pod-state.ts";
import { rankForDeletion } from "./pod-victims.ts";

export type ReplicaSetAction = { do: "create-pod"; pod: NewObject } | { do: "delete-pod"; pod: Pod };

/** No more pods than this are made or removed in one pass. */
const burst = 500;

/**
 * What one ReplicaSet needs next.
 *
 * @param owned the pods it controls
 * @param related the pods of all ReplicaSets under the same owner, for the choice of victims
 */
export function reconcileReplicaSet(set: ReplicaSet, owned: readonly Pod[], related: readonly Pod[], now: number): ReplicaSetAction[] {
  if (set.metadata.deletionTimestamp !== undefined) return [];
  const pods = owned.filter(isActive);
  const missing = (set.spec.replicas ?? 1) - pods.length;
  if (missing >= 0) return Array.from({ length: Math.min(missing, burst) }, () => ({ do: "create-pod", pod: podOf(set) }));
  const surplus = Math.min(-missing, burst);
  const victims = surplus < pods.length ? rankForDeletion(pods, related, now).slice(0, surplus) : pods;
  return victims.map((pod) => ({ do: "delete-pod", pod }));
}

/** A pod from the template. Names are made by the server. */
export function podOf(owner: KubeObject & { spec: { template?: { metadata?: any; spec?: any } } }): NewObject {
  const { metadata = {}, spec } = owner.spec.template ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata.finalizers === undefined ? {} : { finalizers: metadata.finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec,
  };
}

/** Why the last pass could not do what it wanted. */
export interface ReplicaFailure {
  reason: "FailedCreate" | "FailedDelete";
  message: string;
}

/** The status that the pods give. */
export function replicaSetStatus(
  set: ReplicaSet,
  owned: readonly Pod[],
  failure: ReplicaFailure | undefined,
  now: number,
): ReplicaSet["status"] {
  const pods = owned.filter(isActive);
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const count = (test: (pod: Pod) => boolean): number => pods.filter(test).length;
  const fullyLabeled = count((pod) => matchesLabelMap(set.spec.template?.metadata?.labels, pod.metadata.labels));
  const ready = count(isReady);
  const available = count((pod) => isAvailable(pod, minReadySeconds, now));
  const conditions = failureConditions(set, failure, now);
  return {
    replicas: pods.length,
    ...(fullyLabeled === 0 ? {} : { fullyLabeledReplicas: fullyLabeled }),
    ...(ready === 0 ? {} : { readyReplicas: ready }),
    ...(available === 0 ? {} : { availableReplicas: available }),
    terminatingReplicas: owned.filter(isTerminating).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

/** The first failure stays until a pass succeeds. */
function failureConditions(
  set: ReplicaSet,
  failure: ReplicaFailure | undefined,
  now: number,
): NonNullable<ReplicaSet["status"]["conditions"]> {
  const conditions = set.status.conditions ?? [];
  if (!failure) return withoutCondition(conditions, "ReplicaFailure");
  if (conditionOf(conditions, "ReplicaFailure")) return conditions;
  return [...conditions, { type: "ReplicaFailure", status: "True", lastTransitionTime: timeOf(now), ...failure }];
}

const replicaSets = "replicasets.apps";

export const replicaSetController: Controller = {
  name: "replicaset-controller",
  watches: {
    [replicaSets]: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    pods: ownersOf,
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const set = context.get<ReplicaSet>(replicaSets, namespace, name);
    if (!set) return;
    const owned = claimPods(set, context);
    const actions = reconcileReplicaSet(set, owned, relatedPods(set, context), context.now());
    const refusal = perform(set, actions, context);
    const failure = refusal && failureOf(refusal, actions);
    // Unlike the real one, which counts what it saw before it acted: here the pods that were made or marked are there.
    const now = context.ownedBy<Pod>(set.metadata.uid, "pods").filter((pod) => controllerOf(pod)?.uid === set.metadata.uid);
    const status = replicaSetStatus(set, now, failure, context.now());
    if (!same(status, set.status)) context.updateStatus(replicaSets, { ...set, status });
    const at = nextAvailableAt(set, now, context.now());
    if (at !== undefined) context.requeueAt(key, at);
    // Tried again with growing pauses.
    if (refusal && failure) throw refusal;
  },
};

/** The controllers before and after a change; for a pod that nobody owns, all that would adopt it. */
function* ownersOf({ before, after }: Change<KubeObject>, read: Reader): Iterable<string> {
  for (const pod of [before, after]) {
    const owner = pod && controllerOf(pod);
    if (pod && owner?.kind === "ReplicaSet") yield `${pod.metadata.namespace}/${owner.name}`;
  }
  if (!after || controllerOf(after)) return;
  for (const set of read.list<ReplicaSet>(replicaSets, after.metadata.namespace)) {
    if (matchesLabelSelector(set.spec.selector, after.metadata.labels)) yield keyOf(set);
  }
}

function claimPods(set: ReplicaSet, context: ControllerContext): Pod[] {
  const all = context.list<Pod>("pods", set.metadata.namespace);
  const { kept, adopted, released } = claim(set, all, (pod) => matchesLabelSelector(set.spec.selector, pod.metadata.labels), isActive);
  for (const pod of released) context.update("pods", withoutOwner(pod, set.metadata.uid));
  return [...kept, ...adopted.map((pod) => context.update("pods", withController(pod, set)))];
}

/** Empty for a ReplicaSet without owner: then the load of the nodes plays no part. */
function relatedPods(set: ReplicaSet, read: Reader): Pod[] {
  const owner = controllerOf(set);
  if (!owner) return [];
  const siblings = read.ownedBy<ReplicaSet>(owner.uid, replicaSets).filter((other) => controllerOf(other)?.uid === owner.uid);
  return siblings.flatMap((other) => read.ownedBy<Pod>(other.metadata.uid, "pods")).filter(isActive);
}

/** Does the actions until the first is refused, and says which that was. */
function perform(set: ReplicaSet, actions: readonly ReplicaSetAction[], context: ControllerContext): StatusError | undefined {
  const say = (type: "Normal" | "Warning", reason: string, message: string): void =>
    context.event(set, type, reason, message, replicaSetController.name);
  for (const action of actions) {
    const isCreation = action.do === "create-pod";
    try {
      if (isCreation) say("Normal", "SuccessfulCreate", `Created pod: ${context.create("pods", action.pod).metadata.name}`);
      else if (context.delete("pods", set.metadata.namespace, action.pod.metadata.name)) {
        say("Normal", "SuccessfulDelete", `Deleted pod: ${action.pod.metadata.name}`);
      }
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (!isNamespaceGoing(error)) {
        say("Warning", isCreation ? "FailedCreate" : "FailedDelete", `Error ${isCreation ? "creating" : "deleting"}: ${error.message}`);
      }
      return error;
    }
  }
  return undefined;
}

const isNamespaceGoing = (error: StatusError): boolean =>
  error.status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") ?? false;

const failureOf = (refusal: StatusError, actions: readonly ReplicaSetAction[]): ReplicaFailure | undefined =>
  isNamespaceGoing(refusal)
    ? undefined
    : { reason: actions[0]?.do === "delete-pod" ? "FailedDelete" : "FailedCreate", message: refusal.message };

/** When the next ready pod will have been ready for minReadySeconds. */
function nextAvailableAt(set: ReplicaSet, owned: readonly Pod[], now: number): number | undefined {
  const times = owned.filter(isActive).map((pod) => availableAt(pod, set.spec.minReadySeconds ?? 0));
  const coming = times.filter((at): at is number => at !== undefined && at > now);
  return coming.length === 0 ? undefined : Math.min(...coming);
}
