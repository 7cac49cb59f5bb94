/**
 * Sets of fields as `managedFields` writes them: a tree whose steps are `f:name`, `k:{"port":80}` (an element of a keyed
 * list), `v:"x"` (an element of a set) or `i:0`. A step may be a member, lead to members, or both.
 *
 * Sets are not changed once they are made, but for `insert` while one is being built.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */

const readSets = new WeakMap<object, FieldSet>();
const writtenSets = new WeakMap<object, FieldsV1>();

/** A JSON object in which `.` marks a step that is a member itself. */
export type FieldsV1 = { [step: string]: FieldsV1 };

export class FieldSet {
  readonly members = new Set<string>();
  readonly children = new Map<string, FieldSet>();

  static of(...paths: readonly (readonly string[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  /** The whole object is never a member. */
  insert(path: readonly string[]): void {
    if (path.length === 0) return;
    let set: FieldSet = this;
    for (let depth = 0; depth < path.length - 1; depth += 1) set = set.#childFor(path[depth] as string);
    set.members.add(path[path.length - 1] as string);
  }

  #childFor(step: string): FieldSet {
    const child = this.children.get(step) ?? new FieldSet();
    this.children.set(step, child);
    return child;
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && [...this.children.values()].every((child) => child.isEmpty);
  }

  has(path: readonly string[]): boolean {
    const [step = "", ...rest] = path;
    return rest.length === 0 ? this.members.has(step) : (this.children.get(step)?.has(rest) ?? false);
  }

  /** What is below a step. */
  below(step: string): FieldSet {
    return this.children.get(step) ?? new FieldSet();
  }

  union(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const step of [...this.members, ...other.members]) result.members.add(step);
    for (const step of new Set([...this.children.keys(), ...other.children.keys()])) {
      result.#keep(step, this.below(step).union(other.below(step)));
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const step of this.members) if (other.members.has(step)) result.members.add(step);
    for (const [step, child] of this.children) result.#keep(step, child.intersection(other.below(step)));
    return result;
  }

  /** Members of the other set only take away themselves, not what is below them. */
  difference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const step of this.members) if (!other.members.has(step)) result.members.add(step);
    for (const [step, child] of this.children) result.#keep(step, child.difference(other.below(step)));
    return result;
  }

  /** Members of the other set take away themselves and all that is below them. */
  without(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const step of this.members) if (!other.members.has(step)) result.members.add(step);
    for (const [step, child] of this.children) if (!other.members.has(step)) result.#keep(step, child.without(other.below(step)));
    return result;
  }

  #keep(step: string, child: FieldSet): void {
    if (!child.isEmpty) this.children.set(step, child);
  }

  equals(other: FieldSet): boolean {
    return this.difference(other).isEmpty && other.difference(this).isEmpty;
  }

  /** Members first, then what is below, both sorted. */
  *paths(): Generator<string[]> {
    for (const step of [...this.members].sort(compareSteps)) yield [step];
    for (const step of [...this.children.keys()].sort(compareSteps)) {
      for (const rest of this.below(step).paths()) yield [step, ...rest];
    }
  }

  /** Throws `FieldSetError` on a step that is none. Read once: stored objects, and so their entries, never change. */
  static fromFieldsV1(fields: FieldsV1): FieldSet {
    const known = readSets.get(fields);
    if (known !== undefined) return known;
    const set = FieldSet.#read(fields);
    readSets.set(fields, set);
    writtenSets.set(set, fields);
    return set;
  }

  static #read(fields: FieldsV1): FieldSet {
    const set = new FieldSet();
    for (const [step, inner] of Object.entries(fields)) {
      if (step === ".") continue;
      checkStep(step, inner);
      const { ".": self, ...below } = inner;
      const isLeaf = Object.keys(below).length === 0;
      if (self !== undefined || isLeaf) set.members.add(step);
      if (!isLeaf) set.children.set(step, FieldSet.#read(below));
    }
    return set;
  }

  /** The same object for the same set. */
  toFieldsV1(): FieldsV1 {
    const known = writtenSets.get(this);
    if (known !== undefined) return known;
    const fields = this.#write();
    writtenSets.set(this, fields);
    readSets.set(fields, this);
    return fields;
  }

  #write(): FieldsV1 {
    const steps = [...new Set([...this.members, ...this.children.keys()])].sort(compareSteps);
    return Object.fromEntries(
      steps.map((step) => {
        const below = this.below(step).#write();
        const isBoth = this.members.has(step) && Object.keys(below).length > 0;
        return [step, isBoth ? { ".": {}, ...below } : below];
      }),
    );
  }
}

/** The text is no set of fields. */
export class FieldSetError extends Error {
  override readonly name = "FieldSetError";
}

function checkStep(step: string, inner: unknown): void {
  const isObject = typeof inner === "object" && inner !== null && !Array.isArray(inner);
  if (!/^[fkvi]:/.test(step) || !isObject) throw new FieldSetError(`missing colon or unknown path element: ${step}`);
  if (step.startsWith("f:")) return;
  try {
    JSON.parse(step.slice(2));
  } catch {
    throw new FieldSetError(`path element without a value: ${step}`);
  }
}

const stepOrder = "fkvi";

function compareSteps(a: string, b: string): number {
  const kinds = stepOrder.indexOf(a[0] as string) - stepOrder.indexOf(b[0] as string);
  if (kinds !== 0 || a[0] === "f") return kinds || (a < b ? -1 : a > b ? 1 : 0);
  return compareValues(JSON.parse(a.slice(2)), JSON.parse(b.slice(2)));
}

/** Numbers by size, before texts; the members of a key one after the other. */
function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
    const [left, right] = [Object.entries(a), Object.entries(b)];
    for (const [index, [name, value]] of left.entries()) {
      const [otherName, other] = right[index] ?? [];
      if (otherName === undefined) return 1;
      const order = name === otherName ? compareValues(value, other) : name < otherName ? -1 : 1;
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  const [left, right] = [typeof a === "number" ? 0 : 1, typeof b === "number" ? 0 : 1];
  return left - right || (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0);
}

/** `.spec.ports[port=80,protocol="TCP"].name`, as conflicts print it. */
export function printPath(path: readonly string[]): string {
  return path.map(printStep).join("");
}

export function printStep(step: string): string {
  const text = step.slice(2);
  if (step.startsWith("f:")) return `.${text}`;
  if (step.startsWith("i:")) return `[${text}]`;
  if (step.startsWith("v:")) return `[=${text}]`;
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
