/**
 * Removes what its owners have left behind, and carries out how an owner wants to be deleted: its dependents after it
 * (background), before it (foreground), or not at all (orphan).
 *
 * Setting the finalizers `foregroundDeletion` and `orphan` is the API server's; acting on them is done here.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/garbage-collection/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import type { KubeObject, OwnerReference } from "../api/objects.ts";
import { resources } from "../apiserver/registry.ts";
import { type ResourceStrategy, resourceName } from "../apiserver/resource-strategy.ts";
import { withoutOwner } from "./owner-references.ts";

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** `waiting`: being deleted in the foreground, once its dependents are gone. `unknown`: of a kind nobody serves. */
export type OwnerState = "solid" | "missing" | "waiting" | "unknown";

export type GarbageAction =
  | { do: "nothing" }
  | { do: "drop-owners"; uids: string[] }
  | { do: "delete"; policy: "Background" | "Foreground" | "Orphan" };

/** What becomes of an object, given the state of each owner it names. */
export function reconcileDependent(
  object: KubeObject,
  owners: readonly { uid: string; state: OwnerState }[],
  hasDependents: boolean,
): GarbageAction {
  if (owners.length === 0 || owners.some(({ state }) => state === "unknown")) return { do: "nothing" };
  const lost = owners.filter(({ state }) => state !== "solid");
  if (lost.length === 0) return { do: "nothing" };
  if (lost.length < owners.length) return { do: "drop-owners", uids: lost.map(({ uid }) => uid) };
  if (object.metadata.deletionTimestamp !== undefined) return { do: "nothing" };
  const finalizers = object.metadata.finalizers ?? [];
  if (hasDependents && lost.some(({ state }) => state === "waiting")) return { do: "delete", policy: "Foreground" };
  if (finalizers.includes(orphan)) return { do: "delete", policy: "Orphan" };
  return { do: "delete", policy: finalizers.includes(foreground) ? "Foreground" : "Background" };
}

const byResource = new Map<string, ResourceStrategy>(
  resources.filter(({ plural }) => plural !== "events").map((of) => [resourceName(of), of]),
);

const keyOf = (resource: string, { metadata }: KubeObject): string => [resource, metadata.namespace ?? "", metadata.name].join("/");

export const garbageCollector: Controller = {
  name: "garbage-collector",
  watches: Object.fromEntries(
    [...byResource.keys()].map((resource) => [resource, (change: Change<KubeObject>, read: Reader) => concerned(resource, change, read)]),
  ),
  reconcile(key, context) {
    const [resource = "", namespace = "", name = ""] = key.split("/");
    const object = context.get(resource, namespace === "" ? undefined : namespace, name);
    if (!object) return;
    if (isDeletingWith(object, orphan)) releaseDependents(resource, object, context);
    else if (isDeletingWith(object, foreground)) awaitDependents(resource, object, context);
    else act(resource, object, context);
  },
};

const isDeletingWith = ({ metadata }: KubeObject, finalizer: string): boolean =>
  metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(finalizer);

/** What a change makes worth a look: the object itself, the dependents of one that is gone, the owners that waited for it. */
function* concerned(resource: string, { before, after }: Change<KubeObject>, read: Reader): Iterable<string> {
  if (after) {
    const isOwner = isDeletingWith(after, orphan) || isDeletingWith(after, foreground);
    if (isOwner || ownersOf(after, read).some(({ state }) => state !== "solid")) yield keyOf(resource, after);
  } else if (before) {
    for (const [of, dependent] of dependentsOf(before, read)) yield keyOf(of, dependent);
  }
  for (const reference of before?.metadata.ownerReferences ?? []) {
    const owner = before && ownerOf(before, reference, read);
    if (owner && isDeletingWith(owner.object, foreground)) yield keyOf(owner.resource, owner.object);
  }
}

function* dependentsOf(owner: KubeObject, read: Reader): Iterable<[resource: string, object: KubeObject]> {
  for (const resource of byResource.keys()) for (const object of read.ownedBy(owner.metadata.uid, resource)) yield [resource, object];
}

const strategyOf = ({ apiVersion, kind }: OwnerReference): ResourceStrategy | undefined =>
  resources.find((of) => of.kind === kind && of.group === (apiVersion.includes("/") ? apiVersion.split("/")[0] : ""));

/** The owner that a reference means, by name and uid. */
function ownerOf(dependent: KubeObject, reference: OwnerReference, read: Reader): { resource: string; object: KubeObject } | undefined {
  const of = strategyOf(reference);
  if (!of) return undefined;
  const resource = resourceName(of);
  const object = read.get(resource, of.namespaced ? dependent.metadata.namespace : undefined, reference.name);
  return object?.metadata.uid === reference.uid ? { resource, object } : undefined;
}

function ownersOf(object: KubeObject, read: Reader): { uid: string; state: OwnerState }[] {
  return (object.metadata.ownerReferences ?? []).map((reference) => {
    const of = strategyOf(reference);
    // An owner in a namespace cannot own what is in none.
    if (!of || (of.namespaced && object.metadata.namespace === undefined)) return { uid: reference.uid, state: "unknown" };
    const owner = ownerOf(object, reference, read);
    if (!owner) return { uid: reference.uid, state: "missing" };
    return { uid: reference.uid, state: isDeletingWith(owner.object, foreground) ? "waiting" : "solid" };
  });
}

function act(resource: string, object: KubeObject, context: ControllerContext): void {
  const [hasDependents] = dependentsOf(object, context);
  const action = reconcileDependent(object, ownersOf(object, context), hasDependents !== undefined);
  const { namespace, name, uid } = object.metadata;
  switch (action.do) {
    case "nothing":
      return;
    case "drop-owners":
      context.update(resource, action.uids.reduce(withoutOwner, object));
      return;
    case "delete":
      context.delete(resource, namespace, name, { uid, propagationPolicy: action.policy });
      return;
    default:
      action satisfies never;
  }
}

function releaseDependents(resource: string, owner: KubeObject, context: ControllerContext): void {
  for (const [of, dependent] of [...dependentsOf(owner, context)]) context.update(of, withoutOwner(dependent, owner.metadata.uid));
  removeFinalizer(resource, owner, orphan, context);
}

/** Dependents that do not block are deleted too, but not waited for. */
function awaitDependents(resource: string, owner: KubeObject, context: ControllerContext): void {
  const isBlocking = ({ metadata }: KubeObject): boolean =>
    (metadata.ownerReferences ?? []).some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion === true);
  const hasBlocking = (): boolean => [...dependentsOf(owner, context)].some(([, dependent]) => isBlocking(dependent));
  if (hasBlocking()) for (const [of, dependent] of [...dependentsOf(owner, context)]) act(of, dependent, context);
  if (!hasBlocking()) removeFinalizer(resource, owner, foreground, context);
}

/** The object may have moved on while its dependents were written. */
function removeFinalizer(resource: string, { metadata }: KubeObject, finalizer: string, context: ControllerContext): void {
  const current = context.get(resource, metadata.namespace, metadata.name);
  if (!current || current.metadata.uid !== metadata.uid) return;
  const { finalizers = [], ...others } = current.metadata;
  const left = finalizers.filter((other) => other !== finalizer);
  context.update(resource, { ...current, metadata: left.length === 0 ? others : { ...others, finalizers: left } });
}
