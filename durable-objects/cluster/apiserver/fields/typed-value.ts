/**
 * Server-side apply's operations on values of a merge type: listing the fields, comparing, merging, taking
 * out. `undefined` means absent, `null` is a value.
 *
 * @see https://github.com/kubernetes-sigs/structured-merge-diff
 */
import { same } from "../../api/same.ts";
import { FieldSet } from "./field-set.ts";
import { deduce, type MergeType } from "./merge-type.ts";

export type ListType = Extract<MergeType, { kind: "list" }>;
type MapType = Extract<MergeType, { kind: "map" }>;
export type Members = Record<string, unknown>;

export const isMap = (value: unknown): value is Members => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const mapOf = (value: unknown): Members => (isMap(value) ? value : {});
export const memberType = (type: MapType, name: string): MergeType => type.field(name) ?? type.element ?? { kind: "any" };

/** What makes an element of a list unusable. */
export class ElementError extends Error {
  override readonly name = "ElementError";
}

/** The step of an element of a keyed list or a set. */
export function stepOf(type: ListType, item: unknown): string {
  if (type.keys.length === 0) {
    if (isMap(item)) throw new ElementError("associative list without keys has an element that's a map type");
    if (Array.isArray(item)) throw new ElementError("not supported: associative list with lists as elements");
    if (item === null) throw new ElementError("associative list without keys has an element that's an explicit null");
    return `v:${JSON.stringify(item)}`;
  }
  if (item === null) throw new ElementError("associative list with keys may not have a null element");
  if (!isMap(item)) throw new ElementError("associative list with keys may not have non-map elements");
  const keys = type.keys
    .map((key) => [key, Object.hasOwn(item, key) ? item[key] : type.defaultOf(key)] as const)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (keys.length > 0) return `k:${JSON.stringify(Object.fromEntries(keys))}`;
  const names = `[${type.keys.map((key) => JSON.stringify(key)).join(" ")}]`;
  throw new ElementError(
    `associative list with keys has an element that omits all key fields ${names} (and doesn't have default values for any key fields)`,
  );
}

/** All leaves and all elements of keyed lists that the value mentions. */
export function fieldsOf(type: MergeType, value: unknown): FieldSet {
  const set = new FieldSet();
  collect(type, value, [], set);
  return set;
}

function collect(type: MergeType, value: unknown, path: readonly string[], set: FieldSet): void {
  const as = deduce(type, value);
  if (as.kind === "scalar" || as.atomic) {
    set.insert(path);
  } else if (as.kind === "list") {
    const steps = listOf(value).map((item) => stepOf(as, item));
    for (const [index, item] of listOf(value).entries()) {
      const step = steps[index] as string;
      const isDuplicate = steps.indexOf(step) !== steps.lastIndexOf(step);
      if (!isDuplicate) collect(as.of, item, [...path, step], set);
      set.insert([...path, step]);
    }
  } else {
    for (const [name, member] of Object.entries(mapOf(value))) {
      const here = [...path, `f:${name}`];
      collect(memberType(as, name), member, here, set);
      const isEmpty = member === null || (isMap(member) && Object.keys(member).length === 0);
      if (isEmpty || as.field(name) === undefined) set.insert(here);
    }
  }
}

/** What changed from one value to another; no field is in two of the sets. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

export function compare(type: MergeType, before: unknown, after: unknown): Comparison {
  const result: Comparison = { added: new FieldSet(), modified: new FieldSet(), removed: new FieldSet() };
  compareAt(type, before, after, [], result);
  return result;
}

function compareAt(type: MergeType, before: unknown, after: unknown, path: readonly string[], result: Comparison): void {
  if (before === after) return; // most of an object is shared with what it was made from
  const [old, now] = [deduce(type, before), deduce(type, after)];
  let isLeaf: boolean;
  if (after === undefined) isLeaf = compareAs(old, before, after, path, result);
  else if (before === undefined || old.kind === now.kind) isLeaf = compareAs(now, before, after, path, result);
  else {
    compareAs(old, before, after, path, result);
    isLeaf = compareAs(now, before, after, path, result);
  }
  if (isLeaf) return;
  if (before === undefined) result.added.insert(path);
  else if (after === undefined) result.removed.insert(path);
}

/** @returns whether the value was taken whole */
function compareAs(
  type: Exclude<MergeType, { kind: "any" }>,
  before: unknown,
  after: unknown,
  path: readonly string[],
  result: Comparison,
): boolean {
  if (type.kind === "scalar" || type.atomic || bothEmpty(type, before, after)) {
    if (before === undefined) result.added.insert(path);
    else if (after === undefined) result.removed.insert(path);
    else if (!same(before, after)) result.modified.insert(path);
    return true;
  }
  if (type.kind === "list") compareLists(type, listOf(before), listOf(after), path, result);
  else {
    const [old, now] = [mapOf(before), mapOf(after)];
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      compareAt(memberType(type, name), own(old, name), own(now, name), [...path, `f:${name}`], result);
    }
  }
  return false;
}

const own = (members: Members, name: string): unknown => (Object.hasOwn(members, name) ? members[name] : undefined);

/** Empty and absent differ, so that two of these are compared as a whole. */
function bothEmpty(type: ListType | MapType, a: unknown, b: unknown): boolean {
  if (type.kind === "list") return listOf(a).length === 0 && listOf(b).length === 0;
  return Object.keys(mapOf(a)).length === 0 && Object.keys(mapOf(b)).length === 0;
}

function grouped(type: ListType, items: readonly unknown[]): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const item of items) {
    const step = stepOf(type, item);
    groups.set(step, [...(groups.get(step) ?? []), item]);
  }
  return groups;
}

/** Elements with the same key, where there are several, are compared as a whole. */
function compareLists(
  type: ListType,
  before: readonly unknown[],
  after: readonly unknown[],
  path: readonly string[],
  result: Comparison,
): void {
  const [old, now] = [grouped(type, before), grouped(type, after)];
  for (const step of new Set([...old.keys(), ...now.keys()])) {
    const [left, right] = [old.get(step) ?? [], now.get(step) ?? []];
    const here = [...path, step];
    if (left.length <= 1 && right.length <= 1) compareAt(type.of, left[0], right[0], here, result);
    else if (left.length >= 2 && right.length >= 2) {
      if (!same(left, right)) result.modified.insert(here);
    } else if (left.length >= 2) {
      if (right.length > 0) compareAt(type.of, undefined, right[0], here, result);
      result.removed.insert(here);
    } else {
      if (left.length > 0) compareAt(type.of, left[0], undefined, here, result);
      result.added.insert(here);
    }
  }
}

/** Lays one value over another. Nothing is taken away; of two leaves the second one counts. */
export function merge(type: MergeType, base: unknown, over: unknown): unknown {
  const keep = over !== undefined ? over : base;
  const as = deduce(type, over ?? base);
  if (base !== undefined && over !== undefined && deduce(type, base).kind !== as.kind) return keep;
  if (as.kind === "scalar" || as.atomic || bothEmpty(as, base, over)) return keep;
  if (as.kind === "list") return mergeLists(as, listOf(base), listOf(over));
  const [below, above] = [mapOf(base), mapOf(over)];
  const names = [...new Set([...Object.keys(below), ...Object.keys(above)])];
  return Object.fromEntries(names.map((name) => [name, merge(memberType(as, name), own(below, name), own(above, name))]));
}

/** Shared elements in the order of `over`, the others of `base` where they stood between them. */
function mergeLists(type: ListType, base: readonly unknown[], over: readonly unknown[]): unknown[] {
  const [baseSteps, overSteps] = [base.map((item) => stepOf(type, item)), over.map((item) => stepOf(type, item))];
  const baseItem = (step: string): unknown => {
    const first = baseSteps.indexOf(step);
    return first >= 0 && first === baseSteps.lastIndexOf(step) ? base[first] : first < 0 ? undefined : null;
  };
  const shared = overSteps.filter((step) => baseSteps.includes(step));
  const merged = new Set<string>();
  const result: unknown[] = [];
  const takeOver = (index: number) => {
    const step = overSteps[index] as string;
    merged.add(step);
    result.push(merge(type.of, baseItem(step), over[index]));
    if (shared[0] === step) shared.shift();
  };
  let [left, right] = [0, 0];
  while (left < base.length || right < over.length) {
    const step = baseSteps[left];
    if (step !== undefined && right < over.length) {
      if (step === overSteps[right]) {
        takeOver(right);
        left += 1;
        right += 1;
        continue;
      }
      if (overSteps.includes(step) && shared.length > 0 && shared[0] !== step) {
        left += 1; // shared, but another one is due
        continue;
      }
    }
    if (step !== undefined) {
      if (!overSteps.includes(step)) {
        result.push(base[left]);
        left += 1;
        continue;
      }
      if (merged.has(step)) left += 1;
    }
    if (right < over.length) takeOver(right++);
  }
  return result;
}

/** The value without the named fields and elements; what lost everything stays as an empty object or list. */
export function withoutFields(type: MergeType, value: unknown, fields: FieldSet): unknown {
  const as = deduce(type, value);
  if (as.kind === "scalar" || fields.isEmpty || value === null || value === undefined) return value;
  if (as.atomic) return as.kind === "list" ? [] : {};
  if (as.kind === "list") {
    const steps = listOf(value).map((item) => [stepOf(as, item), item] as const);
    return steps.filter(([step]) => !fields.members.has(step)).map(([step, item]) => withoutFields(as.of, item, fields.below(step)));
  }
  const members = Object.entries(mapOf(value)).filter(([name]) => !fields.members.has(`f:${name}`));
  return Object.fromEntries(
    members.map(([name, member]) => [name, withoutFields(memberType(as, name), member, fields.below(`f:${name}`))]),
  );
}

/** Adds the fields that lead to members, as far as the schema names them: who owns `a.b.c` then owns `a` too. */
export function withNamedParents(type: MergeType | undefined, set: FieldSet): FieldSet {
  const result = new FieldSet();
  for (const step of set.members) result.members.add(step);
  for (const [step, child] of set.children) {
    const name = step.startsWith("f:") ? step.slice(2) : undefined;
    if (name !== undefined && type?.kind === "map" && type.field(name) !== undefined) result.members.add(step);
    result.children.set(step, withNamedParents(typeBelow(type, step), child));
  }
  return result;
}

function typeBelow(type: MergeType | undefined, step: string): MergeType | undefined {
  if (type?.kind === "any") return type;
  if (type?.kind === "map" && step.startsWith("f:")) return type.field(step.slice(2)) ?? type.element;
  return type?.kind === "list" && step.startsWith("k:") ? type.of : undefined;
}
