/**
 * Strategic merge patches: objects merge, lists merge by the key that the schema names, and directives in the patch
 * say the rest (`$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`).
 *
 * Both documents are plain values and belong to the caller no more: they are changed. What an error quotes is the patch
 * as far as it was worked off, like the server's.
 *
 * @see https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
import { failure, type StatusError } from "../../api/status-error.ts";
import { goKindOf, goText, goTypeOf } from "./go-format.ts";
import { type FieldType, type Struct, structNamed } from "./schema.ts";

type Map_ = Record<string, unknown>;

const directive = "$patch";
const retainKeys = "$retainKeys";
const setElementOrder = "$setElementOrder";
const deleteFromList = "$deleteFromPrimitiveList";

/** How the members of one place in the document merge. */
type Schema = { kind: "struct"; struct: Struct } | { kind: "other"; goKind: string };

const schemaOf = (type: FieldType): Schema => {
  if (type.kind === "struct") return { kind: "struct", struct: structNamed(type.name) };
  return { kind: "other", goKind: type.kind === "list" ? "slice" : type.kind };
};

/** The server's 500 for a patch that makes no sense. */
const mistake = (message: string): StatusError => failure(500, undefined, message);
/** The few mistakes that it takes for the client's. */
const badFormat = (what: string): StatusError => failure(400, "BadRequest", `invalid patch format of ${what}`);
const noMergeKey = (item: Map_, key: string): StatusError => mistake(`map: ${goText(item)} does not contain declared merge key: ${key}`);
const unknownDirective = (value: unknown, item: Map_): StatusError =>
  mistake(`unknown patch type: ${goText(value)} in map: ${goText(item)}`);
const wrongType = (expected: string, value: unknown): StatusError => mistake(`expected a ${expected}, but received a ${goTypeOf(value)}`);

const isMap = (value: unknown): value is Map_ => goKindOf(value) === "map";

const has = (map: Map_, key: string): boolean => Object.hasOwn(map, key);

interface Lookup {
  schema: Schema;
  strategy: "merge" | "replace" | undefined;
  mergeKey: string;
}

function lookup(schema: Schema, key: string): Lookup & { type: FieldType } {
  if (schema.kind !== "struct") throw mistake(`merging an object in json but data type is not struct, instead is: ${schema.goKind}`);
  const field = schema.struct.fields.get(key);
  if (field === undefined) {
    const goName = schema.struct.goName.split(".")[1];
    throw mistake(`unable to find api field in struct ${goName} for the json field ${JSON.stringify(key)}`);
  }
  const strategy = field.mergeStrategies.find((name) => name !== "retainKeys") as Lookup["strategy"];
  return { type: field.type, schema: schemaOf(field.type), strategy, mergeKey: field.mergeKey ?? "" };
}

function lookupList(schema: Schema, key: string): Lookup {
  const found = lookup(schema, key);
  if (found.type.kind === "list") return { ...found, schema: schemaOf(found.type.of) };
  if (found.type.kind === "bytes") return found;
  throw mistake(`expected slice or array type, but got: ${schema.kind === "struct" ? "struct" : schema.goKind}`);
}

/** Applies the patch; the result may be the one or the other document. */
export function strategicMerge(original: Map_, patch: Map_, struct: Struct): Map_ {
  return mergeMap(original, patch, { kind: "struct", struct });
}

function mergeMap(original: Map_, patch: Map_, schema: Schema): Map_ {
  if (has(patch, directive)) return replaceOrDelete(patch);
  applyRetainKeys(original, patch);
  for (const key of Object.keys(patch)) if (key.startsWith(setElementOrder)) mergeOrderedList(original, patch, key, schema);
  for (const [patchKey, change] of Object.entries(patch)) {
    const isDeleteList = patchKey.startsWith(deleteFromList);
    mergeMember(original, isDeleteList ? listName(patchKey, deleteFromList) : patchKey, change, isDeleteList, schema);
  }
  return original;
}

function replaceOrDelete(patch: Map_): Map_ {
  const value = patch[directive];
  if (value === "delete") return {};
  if (value !== "replace") throw unknownDirective(value, patch);
  delete patch[directive];
  return patch;
}

/** `$setElementOrder/ports` -> `ports` */
function listName(key: string, prefix: string): string {
  const name = key.slice(prefix.length);
  if (name.startsWith("/")) return name.slice(1);
  throw badFormat(prefix === deleteFromList ? "primitive list" : "setElementOrder list");
}

function mergeMember(original: Map_, key: string, change: unknown, isDeleteList: boolean, schema: Schema): void {
  if (change === null) {
    delete original[key];
    return;
  }
  const current = original[key];
  if (!has(original, key) || goTypeOf(current) !== goTypeOf(change)) {
    if (!isDeleteList) set(original, key, dropNulls(change));
    return;
  }
  if (isMap(current)) {
    const found = lookup(schema, key);
    original[key] = found.strategy === "replace" ? change : mergeMap(current, change as Map_, found.schema);
  } else if (Array.isArray(current)) {
    const found = lookupList(schema, key);
    original[key] = mergeListMember(current, change as unknown[], found, isDeleteList);
  } else set(original, key, change);
}

/** Puts in what is left of a value without its directives. */
function set(map: Map_, key: string, value: unknown): void {
  const kept = withoutDirectives(value);
  if (kept === undefined) delete map[key];
  else map[key] = kept;
}

/** Members that are null are not there; elements of lists stay. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) for (const item of value) dropNulls(item);
  else if (isMap(value)) {
    for (const [key, member] of Object.entries(value)) {
      if (member === null) delete value[key];
      else dropNulls(member);
    }
  }
  return value;
}

/** Undefined: the value itself is a directive. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined);
  if (!isMap(value)) return value;
  if (has(value, directive)) return undefined;
  for (const [key, member] of Object.entries(value)) set(value, key, member);
  return value;
}

/** Drops all members of the original that the list does not name; the patch may not bring others. */
function applyRetainKeys(original: Map_, patch: Map_): void {
  if (!has(patch, retainKeys)) return;
  const keys = patch[retainKeys];
  delete patch[retainKeys];
  if (!Array.isArray(keys)) throw badFormat("retainKeys");
  for (const [key, change] of Object.entries(patch)) {
    const isDirective = change === null || key.startsWith(deleteFromList) || key.startsWith(setElementOrder);
    if (!isDirective && !keys.includes(key)) throw badFormat("retainKeys");
  }
  for (const key of Object.keys(original)) if (!keys.includes(key)) delete original[key];
}

function mergeListMember(current: unknown[], change: unknown[], { schema, strategy, mergeKey }: Lookup, isDeleteList: boolean): unknown[] {
  if (strategy !== "merge" && !isDeleteList) return change;
  return mergeList(current, change, schema, mergeKey, isDeleteList);
}

function mergeList(original: unknown[], patch: unknown[], schema: Schema, mergeKey: string, isDeleteList: boolean): unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  if (elementKind(original, patch) !== "map") {
    if (isDeleteList) return original.filter((item) => !patch.includes(item));
    const merged = withoutDuplicates([...original, ...patch]);
    return ordered(merged, patch, original, (item) => item);
  }
  if (mergeKey === "") throw mistake(`cannot merge lists without merge key for ${schema.kind === "struct" ? "struct" : schema.goKind}`);
  const special = applyElementDirectives(original as Map_[], patch as Map_[], mergeKey);
  const merged = mergeElements(special.original, special.patch, mergeKey, schema);
  const keyOf = keyReader(mergeKey);
  for (const item of [...merged, ...special.patch, ...special.original]) keyOf(item);
  return ordered(merged, special.patch, special.original, keyOf);
}

/** The kind that all elements share. */
function elementKind(...lists: readonly unknown[][]): string {
  const all = lists.flat(1);
  const [first] = all;
  if (Array.isArray(first)) throw failure(422, "Invalid", "the server rejected our request due to an error in our request", {});
  if (all.some((item) => goTypeOf(item) !== goTypeOf(first))) {
    throw mistake(`list element types are not identical: ${goText(lists)}`);
  }
  if (first === undefined) throw mistake("no elements in any of the given slices");
  return goKindOf(first);
}

/** As the server's: what is double is overwritten by the last element. */
function withoutDuplicates(items: unknown[]): unknown[] {
  const kept = [...items];
  for (let at = 0; at < kept.length; at += 1) {
    for (let other = at + 1; other < kept.length; other += 1) {
      if (kept[at] !== kept[other]) continue;
      const last = kept.pop();
      if (other < kept.length) kept[other] = last;
      other -= 1;
    }
  }
  return kept;
}

const keyReader =
  (mergeKey: string) =>
  (item: unknown): unknown => {
    if (!isMap(item)) throw wrongType("map[string]interface {}", item);
    if (!has(item, mergeKey)) throw noMergeKey(item, mergeKey);
    return item[mergeKey];
  };

/** Elements that say `$patch: delete` or `$patch: replace`, and the lists without them. */
function applyElementDirectives(original: Map_[], patch: Map_[], mergeKey: string): { original: Map_[]; patch: Map_[] } {
  let kept = original;
  let replaces = false;
  for (const item of patch) {
    if (!has(item, directive)) continue;
    const value = item[directive];
    if (value === "delete") {
      if (!has(item, mergeKey)) throw noMergeKey(item, mergeKey);
      kept = kept.filter((element) => element[mergeKey] !== item[mergeKey]);
    } else if (value === "replace") replaces = true;
    else if (value === "merge") throw mistake("merging lists cannot yet be specified in the patch");
    else throw unknownDirective(value, item);
  }
  const plain = patch.filter((item) => !has(item, directive));
  return replaces ? { original: plain, patch: [] } : { original: kept, patch: plain };
}

function mergeElements(original: Map_[], patch: Map_[], mergeKey: string, schema: Schema): Map_[] {
  const merged = [...original];
  for (const item of patch) {
    if (!has(item, mergeKey)) throw noMergeKey(item, mergeKey);
    const at = merged.findIndex((element) => has(element, mergeKey) && element[mergeKey] === item[mergeKey]);
    if (at < 0) merged.push(item);
    else merged[at] = mergeMap(merged[at] as Map_, item, schema);
  }
  return merged;
}

/**
 * Puts merged elements in order: those of the patch in the patch's order, the others in the original's, and the two
 * interleaved as the original has them.
 */
function ordered(merged: unknown[], patchOrder: unknown[], originalOrder: unknown[], keyOf: (item: unknown) => unknown): unknown[] {
  const patchKeys = patchOrder.map(keyOf);
  const originalKeys = originalOrder.map(keyOf);
  const byOrder = (keys: unknown[]) => (a: unknown, b: unknown) => {
    const [left, right] = [keys.indexOf(keyOf(a)), keys.indexOf(keyOf(b))];
    return left >= 0 && right >= 0 ? left - right : 0;
  };
  const fromPatch = merged.filter((item) => patchKeys.includes(keyOf(item))).sort(byOrder(patchKeys));
  const others = merged.filter((item) => !patchKeys.includes(keyOf(item))).sort(byOrder(originalKeys));
  return interleaved(others, fromPatch, (a, b) => {
    const [left, right] = [originalKeys.indexOf(keyOf(a)), originalKeys.indexOf(keyOf(b))];
    return left >= 0 && right >= 0 && left < right;
  });
}

/** Merges two sorted lists; the second goes first where `before` does not say otherwise. */
function interleaved(first: unknown[], second: unknown[], before: (a: unknown, b: unknown) => boolean): unknown[] {
  const result: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < first.length && j < second.length) result.push(before(first[i], second[j]) ? first[i++] : second[j++]);
  return [...result, ...first.slice(i), ...second.slice(j)];
}

/** `$setElementOrder/ports` together with `ports`, both of which are taken out of the patch. */
function mergeOrderedList(original: Map_, patch: Map_, key: string, schema: Schema): void {
  const order = patch[key];
  delete patch[key];
  if (!Array.isArray(order)) throw wrongType("[]interface {}", order);
  const name = listName(key, setElementOrder);
  const [current, change] = [listIn(original, name), listIn(patch, name)];
  const found = lookupList(schema, name);
  const keyOf = found.mergeKey === "" ? (item: unknown) => item : keyReader(found.mergeKey);
  checkOrder(change ?? [], order, found.mergeKey, keyOf);
  if (current === undefined && change === undefined) return;
  const merged = mergedForOrder(current, change, found);
  if (found.mergeKey !== "") for (const item of [...merged, ...order]) keyOf(item);
  elementKind(current ?? [], change ?? []);
  original[name] = ordered(merged, order, current ?? [], keyOf);
  delete patch[name];
}

function mergedForOrder(current: unknown[] | undefined, change: unknown[] | undefined, found: Lookup): unknown[] {
  if (change === undefined) return current ?? [];
  if (current === undefined) return withoutDirectives(change) as unknown[];
  return mergeListMember(current, change, found, false);
}

function listIn(map: Map_, name: string): unknown[] | undefined {
  if (!has(map, name)) return undefined;
  const list = map[name];
  if (!Array.isArray(list)) throw wrongType("[]interface {}", list);
  return list;
}

/** Every element that the patch brings must be in the order list, and in that order. */
function checkOrder(patch: unknown[], order: unknown[], mergeKey: string, keyOf: (item: unknown) => unknown): void {
  if (order.length === 0 || patch.length === 0) return;
  let at = 0;
  for (const item of patch) {
    if (mergeKey !== "" && !isMap(item)) throw wrongType("map[string]interface {}", item);
    if (isMap(item) && has(item, directive)) continue;
    while (at < order.length && keyOf(item) !== keyOf(order[at])) at += 1;
    if (at === order.length) {
      throw mistake(`The order in patch list:\n${goText(patch)}\n doesn't match ${setElementOrder} list:\n${goText(order)}\n`);
    }
    at += 1;
  }
}
