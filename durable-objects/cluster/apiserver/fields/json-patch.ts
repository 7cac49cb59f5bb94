/**
 * JSON patches (RFC 6902) as the server's library applies them: negative indexes count from the end, `replace` may
 * name a member that is not there, a value that is missing is null, and copying nothing gives null.
 *
 * @see https://github.com/evanphx/json-patch
 */
import { LazyNode, sameJson } from "./lazy-json.ts";

export interface Operation {
  op?: string;
  path?: string;
  from?: string;
  /** Undefined where the operation has none. */
  value: LazyNode | undefined;
}

/** The patch does not apply. The server does not tell why. */
export class PatchDoesNotApply extends Error {
  override readonly name = "PatchDoesNotApply";
}

const fail = (): never => {
  throw new PatchDoesNotApply();
};

/** One container and the key or index in it that a path ends with. */
class Place {
  readonly #container: LazyNode;
  readonly #key: string;
  constructor(container: LazyNode, key: string) {
    this.#container = container;
    this.#key = key;
  }

  /** Undefined: an object that has no such member, or has null there. */
  get(): LazyNode | undefined {
    const items = this.#container.items();
    const node = items === undefined ? this.#members().get(this.#key) : items[this.#index(items.length)];
    return node === undefined || node.isNull ? undefined : node;
  }

  add(value: LazyNode): void {
    const items = this.#container.items();
    if (items === undefined) this.#members().set(this.#key, value);
    else items.splice(this.#key === "-" ? items.length : this.#index(items.length + 1), 0, value);
  }

  set(value: LazyNode): void {
    const items = this.#container.items();
    if (items === undefined) this.#members().set(this.#key, value);
    else items[this.#index(items.length)] = value;
  }

  remove(): void {
    const items = this.#container.items();
    if (items !== undefined) items.splice(this.#index(items.length), 1);
    else if (!this.#members().delete(this.#key)) fail();
  }

  #members(): Map<string, LazyNode> {
    return this.#container.members() ?? fail();
  }

  #index(length: number): number {
    if (!/^[+-]?\d+$/.test(this.#key)) return fail();
    const index = Number(this.#key);
    if (index >= length || index < -length) return fail();
    return index < 0 ? index + length : index;
  }
}

const decodeKey = (key: string): string => key.replaceAll("~1", "/").replaceAll("~0", "~");

function placeAt(root: LazyNode, path: string | undefined): Place {
  const [, ...keys] = (path ?? fail()).split("/");
  if (keys.length === 0) return fail();
  const last = keys.pop() as string;
  const container = keys.reduce((node, key) => new Place(node, decodeKey(key)).get() ?? fail(), root);
  if (container.items() === undefined && container.members() === undefined) return fail();
  return new Place(container, decodeKey(last));
}

/** @returns the new root, which only a `replace` of everything makes another one */
function applyOne(root: LazyNode, { op, path, from, value }: Operation): LazyNode {
  const given = value ?? LazyNode.null();
  switch (op) {
    case "add":
      placeAt(root, path).add(given);
      return root;
    case "remove":
      placeAt(root, path).remove();
      return root;
    case "replace": {
      if (path === "") return given.members() !== undefined || given.items() !== undefined ? given : fail();
      const place = placeAt(root, path);
      place.get();
      place.set(given);
      return root;
    }
    case "move": {
      const source = placeAt(root, from);
      const moved = source.get() ?? LazyNode.null();
      source.remove();
      placeAt(root, path).add(moved);
      return root;
    }
    case "copy": {
      const source = placeAt(root, from).get() ?? LazyNode.null();
      const target = placeAt(root, path); // before the copy is made: finding it may open, and so sort, what is copied
      target.add(LazyNode.parse(source.json()));
      return root;
    }
    case "test": {
      const found = path === "" ? root : placeAt(root, path).get();
      if (!sameJson(found ?? LazyNode.null(), given)) fail();
      return root;
    }
    default:
      return fail();
  }
}

/** Applies all operations or throws `PatchDoesNotApply`. */
export function applyJsonPatch(document: LazyNode, operations: readonly Operation[]): LazyNode {
  document.members();
  return operations.reduce(applyOne, document);
}
