/**
 * The arithmetic of a Deployment: how many pods may be there too many or too few, how a difference is shared out among
 * ReplicaSets, which ReplicaSet is the new one, when a roll-out is complete, and the annotations that remember it.
 *
 * Only counts and compares: what to do about it is `deployment-pass.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
import type { Deployment, ReplicaSet } from "../api/objects.ts";
import { same } from "../api/same.ts";

export const annotations = {
  revision: "deployment.kubernetes.io/revision",
  revisionHistory: "deployment.kubernetes.io/revision-history",
  desiredReplicas: "deployment.kubernetes.io/desired-replicas",
  maxReplicas: "deployment.kubernetes.io/max-replicas",
} as const;

export const hashLabel = "pod-template-hash";

/** Annotations of the Deployment that its ReplicaSets do not get. */
const notCopied: ReadonlySet<string> = new Set([
  ...Object.values(annotations),
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
]);

/** `2^31 - 1` switches the deadline off. */
const noDeadline = 2147483647;

export const wantedReplicas = (of: Deployment | ReplicaSet): number => of.spec.replicas ?? 1;

export const isRollingUpdate = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== "Recreate";

/** Pods beyond `replicas`: rounded up, 0 under Recreate. */
export const maxSurge = (deployment: Deployment): number => (isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0);

/** Pods that may be missing: rounded down, 1 where nothing else would allow a step, never more than `replicas`. */
export function maxUnavailable(deployment: Deployment): number {
  if (!isRollingUpdate(deployment) || wantedReplicas(deployment) === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, wantedReplicas(deployment));
}

function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 0 } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, wantedReplicas(deployment), Math.ceil);
  const unavailable = scaled(maxUnavailable, wantedReplicas(deployment), Math.floor);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

const scaled = (value: number | string, of: number, round: (value: number) => number): number =>
  typeof value === "number" ? value : round((Number.parseInt(value, 10) * of) / 100);

/** The progress deadline in milliseconds; `undefined`: none. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === noDeadline ? undefined : seconds * 1000;
}

export const sumOf = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number =>
  sets.reduce((sum, set) => sum + (count(set) ?? 0), 0);

export const active = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((set) => wantedReplicas(set) > 0);

const byName = (a: ReplicaSet, b: ReplicaSet): number => (a.metadata.name < b.metadata.name ? -1 : 1);

export const byAge = (a: ReplicaSet, b: ReplicaSet): number =>
  a.metadata.creationTimestamp === b.metadata.creationTimestamp
    ? byName(a, b)
    : a.metadata.creationTimestamp < b.metadata.creationTimestamp
      ? -1
      : 1;

const bySize = (age: (a: ReplicaSet, b: ReplicaSet) => number) => (a: ReplicaSet, b: ReplicaSet) =>
  wantedReplicas(b) - wantedReplicas(a) || age(a, b);

export const revisionOf = (of: Deployment | ReplicaSet): number => Number(of.metadata.annotations?.[annotations.revision] ?? 0);

/** The oldest ReplicaSet that has the Deployment's template; the label with the hash does not count. */
export function newReplicaSetOf(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort(byAge).find((set) => sameTemplate(deployment.spec.template, set.spec.template));
}

export function sameTemplate(a: Deployment["spec"]["template"] | undefined, b: Deployment["spec"]["template"] | undefined): boolean {
  return same(withoutHash(a), withoutHash(b));
}

function withoutHash(template: Deployment["spec"]["template"] | undefined): object {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** How large the new ReplicaSet may be now, given all of them (the new one among them). */
export function newReplicaSetSize(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  if (!isRollingUpdate(deployment)) return wantedReplicas(deployment);
  const room = wantedReplicas(deployment) + maxSurge(deployment) - sumOf(sets, wantedReplicas);
  return room <= 0 ? current : current + Math.min(room, wantedReplicas(deployment) - current);
}

/**
 * Shares the difference to `replicas` + surge among the ReplicaSets that have pods, in proportion to their sizes; what
 * rounding leaves goes to the largest.
 *
 * @returns ReplicaSet -> new size, in the order in which they are scaled
 */
export function proportionalSizes(deployment: Deployment, sets: readonly ReplicaSet[]): [ReplicaSet, number][] {
  const allowed = wantedReplicas(deployment) > 0 ? wantedReplicas(deployment) + maxSurge(deployment) : 0;
  const difference = allowed - sumOf(sets, wantedReplicas);
  const ordered = [...sets].sort(bySize(difference > 0 ? (a, b) => byAge(b, a) : byAge));
  let added = 0;
  const sizes = ordered.map((set): [ReplicaSet, number] => {
    const share = difference === 0 ? 0 : proportion(deployment, set, difference, added);
    added += share;
    return [set, wantedReplicas(set) + share];
  });
  const [largest] = sizes;
  if (largest && difference !== 0) largest[1] = Math.max(0, largest[1] + difference - added);
  return sizes;
}

function proportion(deployment: Deployment, set: ReplicaSet, difference: number, added: number): number {
  if (wantedReplicas(set) === 0 || difference === added) return 0;
  const fraction = fractionOf(deployment, set);
  const left = difference - added;
  return difference > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** Against the size before the scaling, which the ReplicaSet's annotation remembers. */
function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  if (wantedReplicas(deployment) === 0) return -wantedReplicas(set);
  const before = Number(set.metadata.annotations?.[annotations.maxReplicas] ?? 0) || (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((wantedReplicas(set) * (wantedReplicas(deployment) + maxSurge(deployment))) / before) - wantedReplicas(set);
}

/** The annotations that remember the size a ReplicaSet was made for; the same object where they are right already. */
export function withSizeAnnotations(set: ReplicaSet, deployment: Deployment): ReplicaSet {
  return withAnnotations(set, {
    [annotations.desiredReplicas]: String(wantedReplicas(deployment)),
    [annotations.maxReplicas]: String(wantedReplicas(deployment) + maxSurge(deployment)),
  });
}

/** Somebody changed `replicas` since the ReplicaSets were last sized. */
export const isScaling = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  active(sets).some((set) => {
    const desired = set.metadata.annotations?.[annotations.desiredReplicas];
    return desired !== undefined && Number(desired) !== wantedReplicas(deployment);
  });

/** The new ReplicaSet is at full size, was made for it, and all of it is available. */
export const isSaturated = (deployment: Deployment, set: ReplicaSet | undefined): boolean =>
  set !== undefined &&
  wantedReplicas(set) === wantedReplicas(deployment) &&
  Number(set.metadata.annotations?.[annotations.desiredReplicas]) === wantedReplicas(deployment) &&
  (set.status.availableReplicas ?? 0) === wantedReplicas(deployment);

export const isComplete = (deployment: Deployment, status: Deployment["status"]): boolean =>
  (status.updatedReplicas ?? 0) === wantedReplicas(deployment) &&
  (status.replicas ?? 0) === wantedReplicas(deployment) &&
  (status.availableReplicas ?? 0) === wantedReplicas(deployment) &&
  (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);

/** A step forward: more updated, ready or available pods, or fewer old ones. */
export function isProgress(before: Deployment["status"], after: Deployment["status"]): boolean {
  const old = (status: Deployment["status"]): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** Copies what the ReplicaSet shares with its Deployment, and gives it the revision where that is newer. */
export function withRevision(set: ReplicaSet, deployment: Deployment, revision: number): ReplicaSet {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  const own = withAnnotations(set, Object.fromEntries(copied));
  const before = own.metadata.annotations?.[annotations.revision];
  if (Number(before ?? 0) >= revision) return own;
  return withAnnotations(own, {
    [annotations.revision]: String(revision),
    ...(before === undefined ? {} : { [annotations.revisionHistory]: historyWith(own, before) }),
  });
}

const longestHistory = 2000;

function historyWith(set: ReplicaSet, revision: string): string {
  const past = set.metadata.annotations?.[annotations.revisionHistory];
  const history = past === undefined || past === "" ? [revision] : [...past.split(","), revision];
  while (history.join(",").length > longestHistory && history.length > 1) history.shift();
  return history.join(",");
}

/** The same object where every annotation is there already. */
export function withAnnotations<T extends Deployment | ReplicaSet>(object: T, added: Record<string, string>): T {
  const present = object.metadata.annotations;
  if (Object.entries(added).every(([key, value]) => present?.[key] === value)) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...present, ...added } } };
}
