/**
 * One pass over a Deployment: finds or makes the new ReplicaSet, shifts pods from old to new, scales, pauses, keeps the
 * history, and says in the status how far it is.
 *
 * Decides on objects as they are and returns what to write, in order; counting is `deployment-rules.ts`, writing
 * `deployment.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
import type { NewObject } from "../api/controller.ts";
import type { Deployment, Pod, ReplicaSet } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { timeOf } from "../api/time.ts";
import { conditionOf, withCondition } from "./conditions.ts";
import * as rules from "./deployment-rules.ts";
import { annotations, hashLabel, wantedReplicas } from "./deployment-rules.ts";
import { countedStatus, type DeploymentCondition, deadlineOf, deploymentCondition, withProgress } from "./deployment-status.ts";
import { controllerOf, controllerReference } from "./owner-references.ts";
import { isFinished } from "./pod-state.ts";
import { podTemplateHash } from "./pod-template-hash.ts";

export type DeploymentAction =
  | { do: "create-replica-set"; set: NewObject }
  | { do: "update-replica-set"; set: ReplicaSet }
  | { do: "delete-replica-set"; set: ReplicaSet }
  | { do: "update-status"; deployment: Deployment }
  | { do: "event"; type: "Normal" | "Warning"; reason: string; message: string }
  | { do: "look-again"; at: number };

/**
 * What one Deployment needs next.
 *
 * @param sets the ReplicaSets it controls
 * @param pods the pods of those; only Recreate looks at them
 * @param now cluster time in milliseconds
 */
export function reconcileDeployment(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  pods: readonly Pod[],
  now: number,
): DeploymentAction[] {
  const pass = new Pass(deployment, sets, now);
  if (deployment.metadata.deletionTimestamp !== undefined) pass.onlyStatus();
  else {
    pass.notePause();
    if (deployment.spec.paused || rules.isScaling(deployment, sets)) pass.scale();
    else if (rules.isRollingUpdate(deployment)) pass.roll();
    else pass.recreate(pods);
  }
  return pass.actions;
}

/** One pass over a Deployment: the objects as they will be once the actions so far are done. */
class Pass {
  readonly actions: DeploymentAction[] = [];
  #deployment: Deployment;
  #sets: ReplicaSet[];
  readonly #now: number;

  constructor(deployment: Deployment, sets: readonly ReplicaSet[], now: number) {
    this.#deployment = deployment;
    this.#sets = [...sets].sort(rules.byAge);
    this.#now = now;
  }

  onlyStatus(): void {
    this.#writeStatus(countedStatus(this.#deployment, this.#sets, this.#new(), this.#now));
  }

  /** Paused and resumed are conditions of their own, so that no deadline runs while paused. */
  notePause(): void {
    if (rules.progressDeadlineMs(this.#deployment) === undefined) return;
    const progressing = conditionOf(this.#conditions(), "Progressing");
    if (progressing?.reason === "ProgressDeadlineExceeded") return;
    const isNoted = progressing?.reason === "DeploymentPaused";
    const { paused } = this.#deployment.spec;
    if (paused && !isNoted) this.#writeCondition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
    else if (!paused && isNoted) this.#writeCondition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  }

  /** Only sizes: no roll-out while paused, and none in the pass that scales. */
  scale(): void {
    this.#syncRevision(false);
    this.#rescale();
    if (this.#deployment.spec.paused) this.#cleanUp();
    this.#writeStatus(countedStatus(this.#deployment, this.#sets, this.#new(), this.#now));
  }

  roll(): void {
    this.#syncRevision(true);
    const grown = this.#growNew();
    const shrunk = !grown && this.#shrinkOld();
    if (!grown && !shrunk && rules.isComplete(this.#deployment, this.#deployment.status)) this.#cleanUp();
    this.#writeProgress();
  }

  /** Nothing new until no old pod is left, not even one that is terminating. */
  recreate(pods: readonly Pod[]): void {
    this.#syncRevision(false);
    const old = rules.active(this.#old());
    for (const set of old) this.#resize(set, 0);
    if (old.length === 0 && !this.#oldPodsAreLeft(pods)) {
      if (this.#new() === undefined) this.#syncRevision(true);
      const next = this.#new();
      if (next) this.#resize(next, wantedReplicas(this.#deployment));
      if (rules.isComplete(this.#deployment, this.#deployment.status)) this.#cleanUp();
    }
    this.#writeProgress();
  }

  #new(): ReplicaSet | undefined {
    return rules.newReplicaSetOf(this.#deployment, this.#sets);
  }

  #old(): ReplicaSet[] {
    const next = this.#new();
    return this.#sets.filter((set) => set !== next);
  }

  #oldPodsAreLeft(pods: readonly Pod[]): boolean {
    if (rules.sumOf(this.#old(), (set) => set.status.replicas) > 0) return true;
    const next = this.#new();
    return pods.some((pod) => controllerOf(pod)?.uid !== next?.metadata.uid && !isFinished(pod));
  }

  /** Brings the new ReplicaSet's revision and annotations up to date, or makes it where `create` says so. */
  #syncRevision(create: boolean): void {
    const next = this.#new();
    const revision = Math.max(0, ...this.#old().map(rules.revisionOf)) + 1;
    if (next) this.#syncExisting(next, revision);
    else if (create) this.#createNew(revision);
  }

  #syncExisting(set: ReplicaSet, revision: number): void {
    const { minReadySeconds } = this.#deployment.spec;
    const revised = rules.withRevision(set, this.#deployment, revision);
    const synced =
      (revised.spec.minReadySeconds ?? 0) === (minReadySeconds ?? 0) ? revised : { ...revised, spec: { ...revised.spec, minReadySeconds } };
    if (synced !== set) {
      this.#replace(set, synced);
      return;
    }
    const named = rules.withAnnotations(this.#deployment, { [annotations.revision]: String(rules.revisionOf(set)) });
    const isNew = this.#hasDeadline() && conditionOf(this.#conditions(), "Progressing") === undefined;
    if (named === this.#deployment && !isNew) return;
    const conditions = isNew ? this.#progressing("FoundNewReplicaSet", `Found new replica set "${set.metadata.name}"`) : this.#conditions();
    this.#writeDeployment({ ...named, status: { ...named.status, conditions } });
  }

  #createNew(revision: number): void {
    const deployment = this.#deployment;
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = podTemplateHash(template, deployment.status.collisionCount);
    const name = `${deployment.metadata.name}-${hash}`;
    const replicas = rules.newReplicaSetSize(deployment, this.#sets, 0);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    const blank = {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name,
        namespace: deployment.metadata.namespace,
        labels,
        ownerReferences: [controllerReference(deployment)],
      },
      spec: {
        replicas,
        ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
      status: { replicas: 0 },
    } as unknown as ReplicaSet;
    const set = rules.withSizeAnnotations(rules.withRevision(blank, deployment, revision), deployment);
    const { status: _, ...created } = set;
    this.actions.push({ do: "create-replica-set", set: created });
    if (replicas > 0) this.#event("Normal", "ScalingReplicaSet", `Scaled up replica set ${name} from 0 to ${replicas}`);
    this.#sets = [...this.#sets, { ...set, metadata: { ...set.metadata, creationTimestamp: timeOf(this.#now) } }];
    const named = rules.withAnnotations(deployment, { [annotations.revision]: String(revision) });
    const conditions = this.#hasDeadline()
      ? this.#progressing("NewReplicaSetCreated", `Created new replica set "${name}"`)
      : this.#conditions();
    this.#writeDeployment({ ...named, status: { ...named.status, conditions } });
  }

  /** Brings sizes in line with `replicas`: one ReplicaSet gets it all, several share the difference. */
  #rescale(): void {
    const deployment = this.#deployment;
    const next = this.#new();
    const live = rules.active(this.#sets);
    const only = live.length === 1 ? live[0] : live.length === 0 ? (next ?? this.#sets.at(-1)) : undefined;
    if (only) this.#resize(only, wantedReplicas(deployment));
    else if (rules.isSaturated(deployment, next)) for (const set of rules.active(this.#old())) this.#resize(set, 0);
    else if (rules.isRollingUpdate(deployment))
      for (const [set, size] of rules.proportionalSizes(deployment, live)) this.#setSize(set, size);
  }

  #growNew(): boolean {
    const next = this.#new();
    if (!next || wantedReplicas(next) === wantedReplicas(this.#deployment)) return false;
    if (wantedReplicas(next) > wantedReplicas(this.#deployment)) return this.#resize(next, wantedReplicas(this.#deployment));
    return this.#resize(next, rules.newReplicaSetSize(this.#deployment, this.#sets, wantedReplicas(next)));
  }

  #shrinkOld(): boolean {
    if (rules.active(this.#old()).length === 0) return false;
    const next = this.#new();
    const minAvailable = wantedReplicas(this.#deployment) - rules.maxUnavailable(this.#deployment);
    const newUnavailable = next ? wantedReplicas(next) - (next.status.availableReplicas ?? 0) : 0;
    const room = rules.sumOf(this.#sets, wantedReplicas) - minAvailable - newUnavailable;
    if (room <= 0) return false;
    const unhealthy = this.#shrinkUnhealthy(room);
    const available = rules.sumOf(this.#sets, (set) => set.status.availableReplicas) - minAvailable;
    return this.#shrinkBy(available) || unhealthy;
  }

  /** Pods that are not available cost nothing: they go first, oldest ReplicaSet first. */
  #shrinkUnhealthy(room: number): boolean {
    let left = room;
    for (const set of rules.active(this.#old())) {
      const count = Math.min(left, wantedReplicas(set) - (set.status.availableReplicas ?? 0));
      if (count <= 0) continue;
      this.#resize(set, wantedReplicas(set) - count);
      left -= count;
    }
    return left < room;
  }

  #shrinkBy(available: number): boolean {
    let left = available;
    for (const set of rules.active(this.#old())) {
      const count = Math.min(left, wantedReplicas(set));
      if (count <= 0) break;
      this.#resize(set, wantedReplicas(set) - count);
      left -= count;
    }
    return left < available;
  }

  #resize(set: ReplicaSet, replicas: number): boolean {
    return wantedReplicas(set) !== replicas && this.#setSize(set, replicas);
  }

  /** Also where only the annotations are behind. */
  #setSize(set: ReplicaSet, replicas: number): boolean {
    const before = wantedReplicas(set);
    const annotated = rules.withSizeAnnotations(set, this.#deployment);
    if (annotated === set && before === replicas) return false;
    this.#replace(set, { ...annotated, spec: { ...annotated.spec, replicas } });
    if (before === replicas) return false;
    const direction = replicas > before ? "up" : "down";
    this.#event("Normal", "ScalingReplicaSet", `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`);
    return true;
  }

  /** Keeps `revisionHistoryLimit` old ReplicaSets; only empty ones go. */
  #cleanUp(): void {
    const limit = this.#deployment.spec.revisionHistoryLimit ?? 10;
    const old = this.#old().filter((set) => set.metadata.deletionTimestamp === undefined);
    const surplus = [...old].sort((a, b) => rules.revisionOf(a) - rules.revisionOf(b)).slice(0, Math.max(0, old.length - limit));
    for (const set of surplus) {
      const isSynced = (set.metadata.generation ?? 0) <= (set.status.observedGeneration ?? 0);
      if (wantedReplicas(set) !== 0 || (set.status.replicas ?? 0) !== 0 || !isSynced) continue;
      this.actions.push({ do: "delete-replica-set", set });
    }
  }

  /** The status with its condition of progress, and the time at which the deadline has to be looked at again. */
  #writeProgress(): void {
    const counted = countedStatus(this.#deployment, this.#sets, this.#new(), this.#now);
    const status = withProgress(this.#deployment, counted, this.#sets, this.#new(), this.#now);
    this.#writeStatus(status);
    const at = deadlineOf(this.#deployment, status, this.#now);
    if (at !== undefined) this.actions.push({ do: "look-again", at });
  }

  #hasDeadline(): boolean {
    return rules.progressDeadlineMs(this.#deployment) !== undefined;
  }

  #conditions(): DeploymentCondition[] {
    return this.#deployment.status.conditions ?? [];
  }

  #progressing(reason: string, message: string): DeploymentCondition[] {
    return withCondition(this.#conditions(), deploymentCondition("Progressing", "True", reason, message, this.#now), this.#now);
  }

  #writeCondition(type: string, status: string, reason: string, message: string): void {
    const conditions = withCondition(this.#conditions(), deploymentCondition(type, status, reason, message, this.#now), this.#now);
    this.#writeDeployment({ ...this.#deployment, status: { ...this.#deployment.status, conditions } });
  }

  #writeStatus(status: Deployment["status"]): void {
    if (!same(status, this.#deployment.status)) this.#writeDeployment({ ...this.#deployment, status });
  }

  #writeDeployment(deployment: Deployment): void {
    this.actions.push({ do: "update-status", deployment });
    this.#deployment = deployment;
  }

  #replace(set: ReplicaSet, next: ReplicaSet): void {
    this.actions.push({ do: "update-replica-set", set: next });
    this.#sets = this.#sets.map((other) => (other === set ? next : other));
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): void {
    this.actions.push({ do: "event", type, reason, message });
  }
}
