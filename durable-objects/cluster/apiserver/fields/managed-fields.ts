/**
 * `metadata.managedFields` of ordinary writes: whoever changes a field owns it from then on.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
import type { KubeObject, ManagedFieldsEntry } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { encodeStruct } from "./encode.ts";
import type { GroupVersionKind } from "./field-knowledge.ts";
import { FieldSet } from "./field-set.ts";
import { anything, type MergeType, mergeTypeOf } from "./merge-type.ts";
import { type Owner, Ownership } from "./ownership.ts";
import { structOf } from "./schema.ts";
import { ElementError } from "./typed-value.ts";

export interface Write {
  /** `?fieldManager=`, or the user agent up to the first `/`. */
  manager: string;
  operation: "Update";
  /** Where it went; absent for the resource itself. */
  subresource?: string;
  /** RFC 3339, whole seconds. */
  now: string;
  /** Of a custom resource with a schema: how its values merge (`mergeTypeOfCustom`). */
  type?: MergeType;
}

/**
 * Notes in `next.metadata.managedFields`, in place, which fields this write set.
 *
 * To be called on what the client sent with its defaults, before strategies put back what it may not change or allocate
 * what it left open: those fields have no owner.
 */
export function recordManagedFields(previous: KubeObject | undefined, next: KubeObject, write: Write): void {
  const given = next.metadata.managedFields;
  const before = ownershipBefore(previous, given, write);
  const setEntries = (entries: ManagedFieldsEntry[] | undefined) => {
    if (entries === undefined) delete next.metadata.managedFields;
    else next.metadata.managedFields = entries;
  };
  // An object that nobody ever owned stays so until the first apply.
  if (before.isEmpty && previous !== undefined) {
    setEntries(undefined);
    return;
  }
  const type = write.type ?? mergeTypeOfKind(next);
  const owner: Owner = {
    manager: write.manager || "unknown",
    operation: "Update",
    apiVersion: next.apiVersion,
    subresource: write.subresource,
  };
  const reset = resetFields(next.kind, write.subresource);
  const changed = () => before.afterUpdate(type, comparable(previous ?? emptyObject(next)), comparable(next), owner, reset, write.now);
  setEntries(unlessUntypable(changed, before).encode());
  if (previous !== undefined) keepTimes(previous, next);
}

/** An object with a list element that lacks its key cannot be compared: then nobody's ownership changes. */
function unlessUntypable(changed: () => Ownership, before: Ownership): Ownership {
  try {
    return changed();
  } catch (error) {
    if (error instanceof ElementError) return before;
    throw error;
  }
}

/** The client may change entries, or clear them with `[]` or `[{}]`; entries that make no sense are ignored. */
function ownershipBefore(previous: KubeObject | undefined, given: ManagedFieldsEntry[] | undefined, { subresource }: Write): Ownership {
  const live = Ownership.decode(previous?.metadata.managedFields) ?? Ownership.none();
  if (subresource !== undefined) return live;
  if (given !== undefined && (given.length === 0 || same(given, [{}]))) return Ownership.none();
  const own = Ownership.decode(given);
  return own === undefined || own.isEmpty ? live : own;
}

/** A write that changes nothing but times is no change. */
export function keepTimes(previous: KubeObject, next: KubeObject): void {
  const without = (entries: ManagedFieldsEntry[] | undefined) => (entries ?? []).map(({ time: _, ...rest }) => rest);
  const [before, after] = [comparable(previous), comparable(next)];
  if (!same(before, after) || !same(without(previous.metadata.managedFields), without(next.metadata.managedFields))) return;
  if (previous.metadata.managedFields !== undefined) next.metadata.managedFields = previous.metadata.managedFields;
}

/** The object as owners see it. */
export function comparable(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const gvkOf = ({ apiVersion, kind }: { apiVersion: string; kind: string }): GroupVersionKind => {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  return { group, version, kind };
};

/** Without a schema everything is deduced from the values. */
export function mergeTypeOfKind(of: { apiVersion: string; kind: string }): MergeType {
  const struct = structOf(gvkOf(of));
  return struct === undefined ? anything : mergeTypeOf(struct);
}

/** What Go starts out with; a write that sets nothing else owns nothing. */
export function emptyObject({ apiVersion, kind }: { apiVersion: string; kind: string }): KubeObject {
  const struct = structOf(gvkOf({ apiVersion, kind }));
  const members = struct === undefined ? { metadata: {} } : encodeStruct(struct, {});
  return { apiVersion, kind, ...members } as unknown as KubeObject;
}

/** Fields that a write to this place never changes. */
export function resetFields(kind: string, subresource: string | undefined): FieldSet {
  if (subresource === undefined) return FieldSet.of(["f:status"]);
  if (subresource !== "status") return new FieldSet();
  const more: Record<string, string[][]> = {
    Deployment: [["f:metadata", "f:labels"]],
    Pod: [
      ["f:metadata", "f:deletionTimestamp"],
      ["f:metadata", "f:ownerReferences"],
    ],
  };
  return FieldSet.of(["f:spec"], ...(more[kind] ?? []));
}
