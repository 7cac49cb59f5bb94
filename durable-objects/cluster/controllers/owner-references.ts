/** Who controls whom: the one owner reference of an object that has `controller: true`. */
import type { KubeObject, OwnerReference } from "../api/objects.ts";

type Owned = { metadata: { ownerReferences?: OwnerReference[] } };

export const controllerOf = (object: Owned): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true);

export const isControlledBy = (object: Owned, owner: KubeObject): boolean => controllerOf(object)?.uid === owner.metadata.uid;

/** The reference that a controller puts on what it makes: it owns alone, and foreground deletion waits for it. */
export const controllerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** The object without its references to that owner; `undefined` members stay absent. */
export function withoutOwner<T extends KubeObject>(object: T, uid: string): T {
  const left = object.metadata.ownerReferences?.filter((owner) => owner.uid !== uid) ?? [];
  const { ownerReferences: _, ...metadata } = object.metadata;
  return { ...object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } };
}

export interface Claims<T> {
  /** Already controlled and still matching. */
  kept: T[];
  /** Match and have no controller: are to be adopted. */
  adopted: T[];
  /** Controlled but no longer matching: are to be let go. */
  released: T[];
}

/**
 * Sorts what an owner may claim. An owner that is being deleted adopts and releases nothing; what is being deleted is
 * not adopted.
 *
 * @param adoptable what may be adopted beyond matching, such as "has not finished"
 */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  candidates: readonly T[],
  matches: (object: T) => boolean,
  adoptable: (object: T) => boolean = () => true,
): Claims<T> {
  const deleting = owner.metadata.deletionTimestamp !== undefined;
  const claims: Claims<T> = { kept: [], adopted: [], released: [] };
  for (const object of candidates) {
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(object)) claims.kept.push(object);
      else if (!deleting) claims.released.push(object);
    } else if (!deleting && object.metadata.deletionTimestamp === undefined && matches(object) && adoptable(object)) {
      claims.adopted.push(object);
    }
  }
  return claims;
}

export function withController<T extends KubeObject>(object: T, owner: KubeObject): T {
  const others = object.metadata.ownerReferences?.filter((reference) => reference.uid !== owner.metadata.uid) ?? [];
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, controllerReference(owner)] } };
}
