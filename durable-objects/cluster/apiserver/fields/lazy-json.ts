/**
 * A JSON document of which only the parts that a patch looks into are taken apart.
 *
 * What was opened is written back with its members sorted, everything else as it was: the server's errors quote the
 * patched document, so that this can be seen.
 */
import { goJson } from "./go-format.ts";
import { JsonArray, type JsonNode, JsonNumber, JsonObject, parseJson } from "./go-json.ts";

export class LazyNode {
  readonly #raw: JsonNode;
  readonly #text: string;
  readonly #isCompact: boolean;
  #members: Map<string, LazyNode> | undefined;
  #items: LazyNode[] | undefined;

  /** @param isCompact the text is as Go writes it: no white space */
  constructor(raw: JsonNode, text: string, isCompact = false) {
    this.#raw = raw;
    this.#text = text;
    this.#isCompact = isCompact;
  }

  /** Of text as Go writes it. */
  static parse(text: string): LazyNode {
    return new LazyNode(parseJson(text), text, true);
  }

  static null(): LazyNode {
    return new LazyNode(null, "null");
  }

  get isNull(): boolean {
    return this.#raw === null;
  }

  /** Opens an object; undefined for anything else. Of duplicates the last one counts. */
  members(): Map<string, LazyNode> | undefined {
    if (this.#members === undefined && this.#raw instanceof JsonObject) {
      const { keys, values } = this.#raw;
      this.#members = new Map(keys.map((key, index) => [key, new LazyNode(values[index] as JsonNode, this.#text, this.#isCompact)]));
    }
    return this.#members;
  }

  /** Opens a list; undefined for anything else. */
  items(): LazyNode[] | undefined {
    if (this.#items === undefined && this.#raw instanceof JsonArray)
      this.#items = this.#raw.items.map((item) => new LazyNode(item, this.#text, this.#isCompact));
    return this.#items;
  }

  /** The document as text. */
  json(): string {
    if (this.#members !== undefined) {
      const sorted = [...this.#members].sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${sorted.map(([key, member]) => `${goJson(key)}:${member.json()}`).join(",")}}`;
    }
    if (this.#items !== undefined) return `[${this.#items.map((item) => item.json()).join(",")}]`;
    const isContainer = this.#raw instanceof JsonObject || this.#raw instanceof JsonArray;
    return this.#isCompact && isContainer ? this.#text.slice(this.#raw.start, this.#raw.end) : rawJson(this.#raw);
  }
}

/** Members in the order of the document, without white space. */
function rawJson(node: JsonNode): string {
  if (node instanceof JsonNumber) return node.text;
  if (node instanceof JsonArray) return `[${node.items.map(rawJson).join(",")}]`;
  if (node instanceof JsonObject)
    return `{${node.keys.map((key, index) => `${goJson(key)}:${rawJson(node.values[index] as JsonNode)}`).join(",")}}`;
  return goJson(node);
}

/** Equal documents; numbers are equal when they are spelled alike. */
export function sameJson(a: LazyNode, b: LazyNode): boolean {
  const [left, right] = [a.members(), b.members()];
  if (left !== undefined && right !== undefined) {
    return left.size === right.size && [...left].every(([key, member]) => right.has(key) && sameJson(member, right.get(key) as LazyNode));
  }
  const [leftItems, rightItems] = [a.items(), b.items()];
  if (leftItems !== undefined && rightItems !== undefined) {
    return leftItems.length === rightItems.length && leftItems.every((item, index) => sameJson(item, rightItems[index] as LazyNode));
  }
  return a.json() === b.json();
}
