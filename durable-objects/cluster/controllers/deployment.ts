/**
 * Rolls a Deployment's pod template out over ReplicaSets.
 *
 * Only finds what is there and writes what was decided: the thinking is `deployment-pass.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, NewObject, Reader } from "../api/controller.ts";
import { type LabelSelector, matchesLabelSelector } from "../api/label-selector.ts";
import { type Deployment, type KubeObject, keyOf, type Pod, type ReplicaSet } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { timeOf } from "../api/time.ts";
import { withCondition } from "./conditions.ts";
import { type DeploymentAction, reconcileDeployment } from "./deployment-pass.ts";
import * as rules from "./deployment-rules.ts";
import { claim, controllerOf, withController, withoutOwner } from "./owner-references.ts";

const deployments = "deployments.apps";
const replicaSets = "replicasets.apps";

export const deploymentController: Controller = {
  name: "deployment-controller",
  watches: {
    [deployments]: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    [replicaSets]: ({ before, after }, read) => deploymentsOf(read, before, after),
    pods: recreatedBy,
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const deployment = context.get<Deployment>(deployments, namespace, name);
    if (!deployment) return;
    if (isEmptySelector(deployment.spec.selector)) {
      const message = "This deployment is selecting all pods. A non-empty selector is required.";
      context.event(deployment, "Warning", "SelectingAll", message, deploymentController.name);
      return;
    }
    const sets = claimReplicaSets(deployment, context);
    const pods = rules.isRollingUpdate(deployment) ? [] : sets.flatMap((set) => context.ownedBy<Pod>(set.metadata.uid, "pods"));
    new Writing(deployment, context).perform(reconcileDeployment(deployment, sets, pods, context.now()));
  },
};

const isEmptySelector = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;

/** The owners before and after a change; for one that nobody owns, all that would adopt it. */
function* deploymentsOf(read: Reader, before: KubeObject | undefined, after: KubeObject | undefined): Iterable<string> {
  for (const set of [before, after]) {
    const owner = set && controllerOf(set);
    if (set && owner?.kind === "Deployment") yield `${set.metadata.namespace}/${owner.name}`;
  }
  if (!after || controllerOf(after)) return;
  for (const deployment of read.list<Deployment>(deployments, after.metadata.namespace)) {
    if (matchesLabelSelector(deployment.spec.selector, after.metadata.labels)) yield keyOf(deployment);
  }
}

/** Recreate waits for the last old pod to be gone. */
function* recreatedBy({ before, after }: Change<KubeObject>, read: Reader): Iterable<string> {
  if (!before || after) return;
  const owner = controllerOf(before);
  const set = owner?.kind === "ReplicaSet" ? read.get(replicaSets, before.metadata.namespace, owner.name) : undefined;
  const above = set && controllerOf(set);
  if (above?.kind !== "Deployment") return;
  const deployment = read.get<Deployment>(deployments, before.metadata.namespace, above.name);
  if (deployment && !rules.isRollingUpdate(deployment)) yield keyOf(deployment);
}

function claimReplicaSets(deployment: Deployment, context: ControllerContext): ReplicaSet[] {
  const all = context.list<ReplicaSet>(replicaSets, deployment.metadata.namespace);
  const { kept, adopted, released } = claim(deployment, all, (set) => matchesLabelSelector(deployment.spec.selector, set.metadata.labels));
  for (const set of released) context.update(replicaSets, withoutOwner(set, deployment.metadata.uid));
  return [...kept, ...adopted.map((set) => context.update(replicaSets, withController(set, deployment)))];
}

/** Carries the actions of one pass to the API, each on top of what the one before made. */
class Writing {
  #deployment: Deployment;
  readonly #context: ControllerContext;

  constructor(deployment: Deployment, context: ControllerContext) {
    this.#deployment = deployment;
    this.#context = context;
  }

  perform(actions: readonly DeploymentAction[]): void {
    const context = this.#context;
    for (const action of actions) {
      switch (action.do) {
        case "create-replica-set":
          if (!this.#create(action.set)) return;
          break;
        case "update-replica-set":
          context.update(replicaSets, withCurrentVersion(action.set, context));
          break;
        case "delete-replica-set":
          context.delete(replicaSets, action.set.metadata.namespace, action.set.metadata.name, { propagationPolicy: "Background" });
          break;
        case "update-status":
          this.#updateStatus(action.deployment);
          break;
        case "event":
          context.event(this.#deployment, action.type, action.reason, action.message, deploymentController.name);
          break;
        case "look-again":
          context.requeueAt(keyOf(this.#deployment), action.at);
          break;
        default:
          action satisfies never;
      }
    }
  }

  /** False where the pass cannot go on: the name is taken by another template, or the API refuses. */
  #create(set: NewObject): boolean {
    try {
      this.#context.create(replicaSets, set);
      return true;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      if (error.status.reason === "AlreadyExists") return this.#noteCollision(set);
      if (error.status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating")) return false;
      this.#noteRefusal(set, error);
      throw error;
    }
  }

  #noteCollision(set: NewObject): boolean {
    const { status, metadata } = this.#deployment;
    const there = this.#context.get<ReplicaSet>(replicaSets, metadata.namespace, set.metadata.name ?? "");
    const isOurs = there !== undefined && controllerOf(there)?.uid === metadata.uid;
    if (isOurs && rules.sameTemplate(there.spec.template, set.spec.template)) return true;
    this.#updateStatus({ ...this.#deployment, status: { ...status, collisionCount: (status.collisionCount ?? 0) + 1 } });
    return false;
  }

  #noteRefusal(set: NewObject, error: StatusError): void {
    const message = `Failed to create new replica set "${set.metadata.name}": ${error.message}`;
    const at = timeOf(this.#context.now());
    const refused = {
      type: "Progressing",
      status: "False",
      lastUpdateTime: at,
      lastTransitionTime: at,
      reason: "ReplicaSetCreateError",
      message,
    };
    const { status } = this.#deployment;
    const conditions = withCondition(status.conditions ?? [], refused, this.#context.now());
    this.#updateStatus({ ...this.#deployment, status: { ...status, conditions } });
    this.#context.event(this.#deployment, "Warning", "ReplicaSetCreateError", message, deploymentController.name);
  }

  #updateStatus(next: Deployment): void {
    const current = this.#deployment.metadata;
    const metadata = { ...next.metadata, resourceVersion: current.resourceVersion };
    this.#deployment = this.#context.updateStatus(deployments, { ...next, metadata });
  }
}

/** A pass may write one object twice; the second write stands on the first. */
function withCurrentVersion(set: ReplicaSet, read: Reader): ReplicaSet {
  const current = read.get(replicaSets, set.metadata.namespace, set.metadata.name);
  return current ? { ...set, metadata: { ...set.metadata, resourceVersion: current.metadata.resourceVersion } } : set;
}
