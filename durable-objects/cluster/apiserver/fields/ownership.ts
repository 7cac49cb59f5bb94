/**
 * Who owns which fields of an object, and how writes and applies change that. Works on whole objects of one kind and
 * version; `managed-fields.ts` and `apply.ts` bring them here.
 *
 * Entries of another version than the object's are kept as they are: we serve no two versions of a kind whose fields
 * differ but for autoscaling.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import type { ManagedFieldsEntry } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { FieldSet, FieldSetError, type FieldsV1 } from "./field-set.ts";
import type { MergeType } from "./merge-type.ts";
import { type Comparison, compare, fieldsOf, merge, withNamedParents, withoutFields } from "./typed-value.ts";

/** Who: the same manager is another owner in another operation, version or subresource. */
export interface Owner {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string | undefined;
}

interface Claim {
  owner: Owner;
  fields: FieldSet;
  time: string | undefined;
}

/** An applier is one owner, whatever version it applies. */
const idOf = ({ manager, operation, apiVersion, subresource }: Owner): string =>
  JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource ?? ""]);

/** A field that a manager wants and others own with another value. */
export interface Conflict {
  owner: Owner;
  path: readonly string[];
}

export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly conflicts: readonly Conflict[];
  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} conflicts`);
    this.conflicts = conflicts;
  }
}

/** Paths that nobody owns: the server sets them. */
const neverOwned = FieldSet.of(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"].map(
    (name) => ["f:metadata", `f:${name}`],
  ),
);

/** Beyond this many entries of updates the oldest are put together. */
const maxUpdateEntries = 10;

export class Ownership {
  readonly #claims: Map<string, Claim>;

  private constructor(claims: Iterable<Claim>) {
    this.#claims = new Map([...claims].map((claim) => [idOf(claim.owner), claim]));
  }

  static none(): Ownership {
    return new Ownership([]);
  }

  /** Undefined where an entry is not valid; the server then ignores them all. */
  static decode(entries: readonly ManagedFieldsEntry[] | undefined): Ownership | undefined {
    const isValid = ({ operation, apiVersion, fieldsType }: ManagedFieldsEntry) =>
      (operation === "Apply" || operation === "Update") && (apiVersion ?? "") !== "" && fieldsType === "FieldsV1";
    if (!(entries ?? []).every(isValid)) return undefined;
    try {
      return new Ownership((entries ?? []).map(claimOf));
    } catch (error) {
      if (error instanceof FieldSetError) return undefined;
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#claims.size === 0;
  }

  get size(): number {
    return this.#claims.size;
  }

  /** Appliers first, each kind by time; without a time comes first. Undefined: nobody owns anything. */
  encode(): ManagedFieldsEntry[] | undefined {
    if (this.isEmpty) return undefined;
    const entries = [...this.#claims.values()].map(({ owner, fields, time }) => ({
      ...(owner.manager !== "" && { manager: owner.manager }),
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      ...(time !== undefined && { time }),
      fieldsType: "FieldsV1" as const,
      fieldsV1: fields.toFieldsV1(),
      ...(owner.subresource !== undefined && { subresource: owner.subresource }),
    }));
    const rank = ({ operation, time, manager, apiVersion, subresource }: ManagedFieldsEntry) => [
      operation ?? "",
      time ?? "",
      manager ?? "",
      apiVersion ?? "",
      subresource ?? "",
    ];
    return entries.sort((a, b) => compareLists(rank(a), rank(b))) as ManagedFieldsEntry[];
  }

  /**
   * After a write that is no apply: its manager owns what it changed, nobody else does any more.
   *
   * @param reset fields that this kind of write does not change, whatever it says
   */
  afterUpdate(type: MergeType, before: object, after: object, by: Owner, reset: FieldSet, now: string): Ownership {
    const comparison = withoutReset(compare(type, before, after), reset);
    const { claims } = settle(this.#claims.values(), comparison, by.apiVersion, undefined);
    const own = comparison.modified.union(comparison.added).without(reset).difference(neverOwned);
    if (!own.isEmpty) {
      const previous = claims.get(idOf(by))?.fields ?? new FieldSet();
      claims.set(idOf(by), { owner: by, fields: own.union(previous), time: now });
    }
    return capped(new Ownership(claims.values()));
  }

  /**
   * Lays an applied configuration over an object. What the applier applied before and leaves out now is taken away, unless
   * somebody else owns it.
   *
   * @returns the new object, or undefined where nothing changed but owners
   * @throws ConflictError unless `force`
   */
  apply(
    type: MergeType,
    live: object,
    config: object,
    by: Owner,
    reset: FieldSet,
    force: boolean,
    now: string,
  ): { object: object | undefined; ownership: Ownership } {
    const id = idOf(by);
    const last = this.#claims.get(id);
    const fields = fieldsOf(type, config).without(reset);
    const wanted = new Map(this.#claims).set(id, { owner: by, fields, time: last?.time });
    const merged = merge(type, live, config);
    const object = last === undefined ? merged : prune(type, merged, wanted.values(), last.fields, by.apiVersion);
    const comparison = withoutReset(compare(type, live, object), reset);
    const { claims, conflicts } = settle(wanted.values(), comparison, by.apiVersion, id);
    if (!force && conflicts.length > 0) throw new ConflictError(conflicts);
    const isSame = same(live, object);
    const own = (claims.get(id)?.fields ?? new FieldSet()).difference(neverOwned);
    if (own.isEmpty) claims.delete(id);
    else claims.set(id, { owner: by, fields: own, time: isSame ? last?.time : now });
    return { object: isSame ? undefined : (object as object), ownership: new Ownership(claims.values()) };
  }
}

const claimOf = (entry: ManagedFieldsEntry): Claim => ({
  owner: {
    manager: entry.manager ?? "",
    operation: entry.operation as Owner["operation"],
    apiVersion: entry.apiVersion ?? "",
    subresource: entry.subresource,
  },
  fields: FieldSet.fromFieldsV1((entry.fieldsV1 ?? {}) as FieldsV1),
  time: entry.time,
});

function withoutReset({ added, modified, removed }: Comparison, reset: FieldSet): Comparison {
  return { added: added.without(reset), modified: modified.without(reset), removed: removed.without(reset) };
}

/** Takes from all but one owner what changed or went away. */
function settle(before: Iterable<Claim>, { added, modified, removed }: Comparison, apiVersion: string, except: string | undefined) {
  const claims = new Map<string, Claim>();
  const conflicts: Conflict[] = [];
  const changed = modified.union(added);
  for (const claim of before) {
    const id = idOf(claim.owner);
    let { fields } = claim;
    if (id !== except && claim.owner.apiVersion === apiVersion) {
      const lost = fields.intersection(changed);
      for (const path of lost.paths()) conflicts.push({ owner: claim.owner, path });
      if (!lost.isEmpty) fields = fields.difference(lost);
      if (!removed.isEmpty) fields = fields.difference(removed);
    }
    if (!fields.isEmpty) claims.set(id, { ...claim, fields });
  }
  return { claims, conflicts };
}

/** Takes away what the last configuration had and the new one has not, as far as nobody owns it. */
function prune(type: MergeType, merged: unknown, claims: Iterable<Claim>, last: FieldSet, apiVersion: string): unknown {
  const named = (set: FieldSet) => withNamedParents(type, set);
  let owned = new FieldSet();
  for (const { owner, fields } of claims) if (owner.apiVersion === apiVersion) owned = owned.union(fields);
  const all = named(fieldsOf(type, merged));
  const pruned = withoutFields(type, merged, named(last));
  // What others own comes back …
  const withOwned = withoutFields(type, merged, all.difference(named(fieldsOf(type, pruned)).union(named(owned))));
  // … and so does what went only because something around it did, though the applier never owned it.
  const gone = all.difference(named(fieldsOf(type, withOwned)));
  return withoutFields(type, merged, gone.intersection(named(last)));
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? 0 : (a[at] as string) < (b[at] as string) ? -1 : 1;
}

/** Puts the oldest updates of a version into one entry until few enough are left. */
function capped(ownership: Ownership): Ownership {
  if (ownership.size <= maxUpdateEntries) return ownership;
  const entries = ownership.encode() ?? [];
  const updates = entries.filter(({ operation }) => operation === "Update");
  let tooMany = updates.length - maxUpdateEntries;
  if (tooMany <= 0) return ownership;
  const buckets = new Map<string, ManagedFieldsEntry>();
  const kept = new Set(entries);
  for (const entry of updates) {
    if (tooMany <= 0) break;
    const first = buckets.get(entry.apiVersion ?? "");
    if (first === undefined) {
      buckets.set(entry.apiVersion ?? "", entry);
      continue;
    }
    const fields = FieldSet.fromFieldsV1(first.fieldsV1 as FieldsV1).union(FieldSet.fromFieldsV1(entry.fieldsV1 as FieldsV1));
    const { subresource: _, ...rest } = entry;
    const bucket: ManagedFieldsEntry = { ...rest, manager: "ancient-changes", fieldsV1: fields.toFieldsV1() };
    kept.delete(first);
    kept.delete(entry);
    kept.add(bucket);
    buckets.set(entry.apiVersion ?? "", bucket);
    tooMany -= 1;
  }
  return Ownership.decode([...kept]) ?? ownership;
}
