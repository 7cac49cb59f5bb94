/**
 * Empties a namespace that is being deleted, and lets it go when nothing is left in it.
 *
 * Five seconds after the deletion pods go, everything else only when no pod object is left.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
import type { Controller, ControllerContext } from "../api/controller.ts";
import type { KubeObject, Namespace } from "../api/objects.ts";
import { msOf, timeOf } from "../api/time.ts";
import { resources } from "../apiserver/registry.ts";
import { resourceName } from "../apiserver/resource-strategy.ts";
import { type Condition, withCondition } from "./conditions.ts";

const firstLookMs = 5_000;
/** How long content with finalizers is expected to stay; the next look is after half of what is expected, and a second. */
const finalizerEstimateSeconds = 15;

export interface Remaining {
  resource: string;
  objects: readonly KubeObject[];
}

/** The five conditions that say how the deletion goes, in the server's order. */
export function deletionConditions(namespace: Namespace, remaining: readonly Remaining[], now: number): Condition[] {
  const left = remaining.filter(({ objects }) => objects.length > 0);
  const instances = left.map(({ resource, objects }) => `${resource} has ${objects.length} resource instances`).sort();
  const finalizers = new Map<string, number>();
  for (const finalizer of left.flatMap(({ objects }) => objects.flatMap(({ metadata }) => metadata.finalizers ?? []))) {
    finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
  }
  const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`).sort();
  const condition = (type: string, status: string, reason: string, message: string): Condition => ({
    type,
    status,
    lastTransitionTime: timeOf(now),
    reason,
    message,
  });
  const conditions = [
    condition("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
    condition("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    condition(
      "NamespaceDeletionContentFailure",
      "False",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    instances.length === 0
      ? condition("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed")
      : condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", `Some resources are remaining: ${instances.join(", ")}`),
    held.length === 0
      ? condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished")
      : condition(
          "NamespaceFinalizersRemaining",
          "True",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
        ),
  ];
  return conditions.reduce(
    (all, next) => withCondition(all, next, now),
    (namespace.status.conditions ?? []).filter(({ type }) => conditions.some((other) => other.type === type)) as Condition[],
  );
}

/** Milliseconds until the next look at what stays. */
export function nextLookMs(remaining: readonly Remaining[]): number {
  const estimates = remaining.flatMap(({ resource, objects }) =>
    objects.map(({ metadata, spec }) =>
      resource === "pods"
        ? ((spec?.terminationGracePeriodSeconds as number | undefined) ?? 0)
        : (metadata.finalizers ?? []).length > 0
          ? finalizerEstimateSeconds
          : 0,
    ),
  );
  return (Math.floor(Math.max(0, ...estimates) / 2) + 1) * 1000;
}

export const namespaceController: Controller = {
  name: "namespace-controller",
  watches: { namespaces: ({ after }) => (after?.metadata.deletionTimestamp === undefined ? [] : [after.metadata.name]) },
  reconcile(key, context) {
    const namespace = context.get<Namespace>("namespaces", undefined, key);
    const deletedAt = msOf(namespace?.metadata.deletionTimestamp);
    if (!namespace || deletedAt === undefined) return;
    if (context.now() < deletedAt + firstLookMs) {
      context.requeueAt(key, deletedAt + firstLookMs);
      return;
    }
    const pods = emptied("pods", key, context);
    const remaining = pods.objects.length > 0 ? [pods] : namespacedResources().map((resource) => emptied(resource, key, context));
    if (remaining.every(({ objects }) => objects.length === 0)) release(namespace, context);
    else {
      // While pods are left nothing else has been counted, so nothing else is said.
      note(namespace, pods.objects.length > 0 ? [] : remaining, context);
      context.requeueAt(key, context.now() + nextLookMs(remaining));
    }
  },
};

const namespacedResources = (): string[] => [...new Set(resources.filter(({ namespaced }) => namespaced).map(resourceName))];

/** Deletes every object of one resource, and says what stays. */
function emptied(resource: string, namespace: string, context: ControllerContext): Remaining {
  for (const { metadata } of [...context.list(resource, namespace)]) {
    if (metadata.deletionTimestamp === undefined) context.delete(resource, namespace, metadata.name, { propagationPolicy: "Background" });
  }
  return { resource, objects: context.list(resource, namespace) };
}

function note(namespace: Namespace, remaining: readonly Remaining[], context: ControllerContext): void {
  const conditions = deletionConditions(namespace, remaining, context.now()) as NonNullable<Namespace["status"]["conditions"]>;
  context.updateStatus("namespaces", { ...namespace, status: { ...namespace.status, conditions } });
}

function release(namespace: Namespace, context: ControllerContext): void {
  const current = context.get<Namespace>("namespaces", undefined, namespace.metadata.name);
  if (current) context.update("namespaces", { ...current, spec: { ...current.spec, finalizers: [] } });
}
