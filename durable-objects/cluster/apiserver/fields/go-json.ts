/**
 * Parses JSON as Go's `encoding/json` does: members in the order of the document, duplicates kept, numbers as they are
 * spelled, and its syntax errors word for word.
 *
 * Never recurses, so that no document can exhaust the stack.
 */

/** A number as it stands in the document: `80.0` and `80` differ. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An object with all its members, duplicates included. `start` and `end` say where it stands in the text. */
export class JsonObject {
  readonly keys: string[] = [];
  readonly values: JsonNode[] = [];
  end = 0;
  readonly start: number;
  constructor(start: number) {
    this.start = start;
  }
}

export class JsonArray {
  readonly items: JsonNode[] = [];
  end = 0;
  readonly start: number;
  constructor(start: number) {
    this.start = start;
  }
}

export type JsonNode = string | boolean | null | JsonNumber | JsonObject | JsonArray;

/** The message is Go's, without the package that reports it. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

const maxDepth = 10_000;
const endOfInput = "unexpected end of JSON input";

/** Go reads bytes, so of a character beyond ASCII it names the first byte. */
function quoted(text: string, at: number): string {
  const first = new TextEncoder().encode(String.fromCodePoint(text.codePointAt(at) as number))[0] as number;
  const char = String.fromCharCode(first);
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  if (char === "\\") return "'\\\\'";
  const named: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v", "\u0007": "\\a" };
  if (named[char] !== undefined) return `'${named[char]}'`;
  if (first < 0x20 || first === 0x7f) return `'\\x${first.toString(16).padStart(2, "0")}'`;
  if (first >= 0x80 && first <= 0xa0) return `'\\u00${first.toString(16)}'`;
  return `'${char}'`;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Reads the tokens of one text; every method leaves `at` behind what it read. */
class Scanner {
  at = 0;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  fail(where: string): never {
    if (this.at >= this.text.length) throw new JsonSyntaxError(endOfInput);
    throw new JsonSyntaxError(`invalid character ${quoted(this.text, this.at)} ${where}`);
  }

  /** The next character that is no white space, or NaN at the end. */
  peek(): number {
    while (isSpace(this.text.charCodeAt(this.at))) this.at += 1;
    return this.text.charCodeAt(this.at);
  }

  string(): string {
    const start = this.at;
    let escaped = false;
    for (this.at += 1; ; this.at += 1) {
      const code = this.text.charCodeAt(this.at);
      if (code === 0x22) break;
      if (code === 0x5c) {
        escaped = true;
        this.#escape();
      } else if (!(code >= 0x20)) this.fail("in string literal");
    }
    this.at += 1;
    if (!escaped) return this.text.slice(start + 1, this.at - 1);
    return withoutLoneSurrogates(JSON.parse(this.text.slice(start, this.at)));
  }

  #escape(): void {
    this.at += 1;
    const char = this.text[this.at];
    if (char === "u") {
      for (let digit = 0; digit < 4; digit += 1) {
        this.at += 1;
        if (!/[0-9a-fA-F]/.test(this.text[this.at] ?? "")) this.fail("in \\u hexadecimal character escape");
      }
    } else if (char === undefined || !'"\\/bfnrt'.includes(char)) this.fail("in string escape code");
  }

  number(): JsonNumber {
    const start = this.at;
    if (this.text[this.at] === "-") this.at += 1;
    if (!isDigit(this.text.charCodeAt(this.at))) this.fail("in numeric literal");
    if (this.text[this.at] === "0") this.at += 1;
    else this.#digits();
    if (this.text[this.at] === ".") {
      this.at += 1;
      if (!isDigit(this.text.charCodeAt(this.at))) this.fail("after decimal point in numeric literal");
      this.#digits();
    }
    if (this.text[this.at] === "e" || this.text[this.at] === "E") {
      this.at += 1;
      if (this.text[this.at] === "+" || this.text[this.at] === "-") this.at += 1;
      if (!isDigit(this.text.charCodeAt(this.at))) this.fail("in exponent of numeric literal");
      this.#digits();
    }
    return new JsonNumber(this.text.slice(start, this.at));
  }

  #digits(): void {
    while (isDigit(this.text.charCodeAt(this.at))) this.at += 1;
  }

  literal<T>(word: string, value: T): T {
    for (let index = 0; index < word.length; index += 1, this.at += 1)
      if (this.text[this.at] !== word[index]) this.fail(`in literal ${word} (expecting '${word[index]}')`);
    return value;
  }

  /** A value without members, or an empty shell for one with. */
  begin(): JsonNode {
    const code = this.peek();
    if (code === 0x22) return this.string();
    if (code === 0x7b) return new JsonObject(this.at++);
    if (code === 0x5b) return new JsonArray(this.at++);
    if (code === 0x2d || isDigit(code)) return this.number();
    if (code === 0x74) return this.literal("true", true);
    if (code === 0x66) return this.literal("false", false);
    if (code === 0x6e) return this.literal("null", null);
    return this.fail("looking for beginning of value");
  }

  /** A key and its colon. */
  key(): string {
    if (this.peek() !== 0x22) this.fail("looking for beginning of object key string");
    const key = this.string();
    if (this.peek() !== 0x3a) this.fail("after object key");
    this.at += 1;
    return key;
  }
}

function withoutLoneSurrogates(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

const isContainer = (node: JsonNode): node is JsonObject | JsonArray => node instanceof JsonObject || node instanceof JsonArray;

/** Throws `JsonSyntaxError`. */
export function parseJson(text: string): JsonNode {
  const scanner = new Scanner(text);
  const open: (JsonObject | JsonArray)[] = [];
  const root = scanner.begin();
  let node = root;
  for (;;) {
    // `node` has just begun: enter it when it can hold something, else close what ends behind it.
    if (isContainer(node)) {
      if (open.length >= maxDepth) {
        scanner.at -= 1;
        scanner.fail("exceeded max depth");
      }
      const empty = scanner.peek() === (node instanceof JsonObject ? 0x7d : 0x5d);
      if (!empty) {
        open.push(node);
        node = nextIn(node, scanner);
        continue;
      }
      node.end = ++scanner.at;
    }
    const parent = closeFinished(open, scanner);
    if (parent === undefined) break;
    node = nextIn(parent, scanner);
  }
  if (!Number.isNaN(scanner.peek())) scanner.fail("after top-level value");
  return root;
}

/** Begins the next member and puts it in its place. */
function nextIn(parent: JsonObject | JsonArray, scanner: Scanner): JsonNode {
  if (parent instanceof JsonArray) {
    const node = scanner.begin();
    parent.items.push(node);
    return node;
  }
  parent.keys.push(scanner.key());
  const node = scanner.begin();
  parent.values.push(node);
  return node;
}

/** Reads closing brackets up to the next comma; the container that goes on, or undefined when the document is complete. */
function closeFinished(open: (JsonObject | JsonArray)[], scanner: Scanner): JsonObject | JsonArray | undefined {
  for (;;) {
    const parent = open[open.length - 1];
    if (parent === undefined) return undefined;
    const code = scanner.peek();
    if (code === 0x2c) {
      scanner.at += 1;
      return parent;
    }
    const inObject = parent instanceof JsonObject;
    if (code !== (inObject ? 0x7d : 0x5d)) scanner.fail(inObject ? "after object key:value pair" : "after array element");
    parent.end = ++scanner.at;
    open.pop();
  }
}

/** What Go calls the value in a type error. */
export function goValueName(node: JsonNode): string {
  if (typeof node === "string") return "string";
  if (typeof node === "boolean") return "bool";
  if (node === null) return "null";
  if (node instanceof JsonNumber) return "number";
  return node instanceof JsonObject ? "object" : "array";
}

/** The node as plain values; of duplicates the last one counts. */
export function plainValue(node: JsonNode, text: string): unknown {
  if (node instanceof JsonNumber) return Number(node.text);
  return isContainer(node) ? JSON.parse(text.slice(node.start, node.end)) : node;
}

/** `duplicate field "spec.ports"` for every member that is there more than once, in document order. Depth costs no stack. */
export function duplicateFields(root: JsonNode, rootPath: string): string[] {
  const found: string[] = [];
  const open: Visit[] = isContainer(root) ? [visitOf(root, rootPath)] : [];
  for (let visit = open.at(-1); visit !== undefined; visit = open.at(-1)) {
    const { node, path, seen, next } = visit;
    const children = node instanceof JsonArray ? node.items : node.values;
    if (next >= children.length) {
      open.pop();
      continue;
    }
    visit.next += 1;
    const here = node instanceof JsonArray ? `${path}[${next}]` : memberPath(path, node.keys[next] as string);
    if (node instanceof JsonObject) {
      const key = node.keys[next] as string;
      if (seen.has(key)) found.push(`duplicate field ${JSON.stringify(here)}`);
      seen.add(key);
    }
    const child = children[next] as JsonNode;
    if (isContainer(child)) open.push(visitOf(child, here));
  }
  return found;
}

/** A container that is being looked through: which of its children comes next, which keys came before. */
interface Visit {
  node: JsonObject | JsonArray;
  path: string;
  seen: Set<string>;
  next: number;
}

const visitOf = (node: JsonObject | JsonArray, path: string): Visit => ({ node, path, seen: new Set(), next: 0 });

const memberPath = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);
