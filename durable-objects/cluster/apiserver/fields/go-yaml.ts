/**
 * Turns YAML into the JSON text that the server makes of it before decoding: members sorted, YAML 1.1 scalars as
 * go-yaml resolves them (`yes` is true, `0o7` is 7, a date is text), only the first document.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, Scalar, type YAMLMap } from "yaml";

/** The message begins with `yaml: `. */
export class YamlError extends Error {
  override readonly name = "YamlError";
}

export interface YamlAsJson {
  json: string;
  /** `line 5: key "name" already set in map`, in document order. */
  duplicates: string[];
}

/** Beyond this many nodes that come from aliases, the document is taken for an attack. */
const maxAliasedNodes = 10_000;

const truths = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
const falsehoods = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
const nothing = ["", "~", "null", "Null", "NULL"];
const floatStyle = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/** Sorted as Go sorts the keys of a map: by bytes, which for text without surrogates is by code unit. */
const sorted = (members: Map<string, string>): string =>
  `{${[...members.keys()]
    .sort()
    .map((key) => `${JSON.stringify(key)}:${members.get(key)}`)
    .join(",")}}`;

/** A whole number in any of Go's notations. */
function integer(text: string): bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/.exec(text.replaceAll("_", ""));
  if (match === null) return undefined;
  const digits = match[2] as string;
  const value = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase());
  const signed = match[1] === "-" ? -value : value;
  return signed >= -(1n << 63n) && signed < 1n << 64n ? signed : undefined;
}

/** A plain scalar as JSON text. */
function plainScalar(text: string): string {
  if (nothing.includes(text)) return "null";
  if (truths.includes(text)) return "true";
  if (falsehoods.includes(text)) return "false";
  if (!/^[-+.0-9]/.test(text)) return JSON.stringify(text);
  const whole = integer(text);
  if (whole !== undefined) return String(whole);
  if (/^[-+]?\.(inf|Inf|INF)$/.test(text)) throw new YamlError(`json: unsupported value: ${text.startsWith("-") ? "-" : "+"}Inf`);
  if (/^\.(nan|NaN|NAN)$/.test(text)) throw new YamlError("json: unsupported value: NaN");
  if (!floatStyle.test(text.replaceAll("_", ""))) return JSON.stringify(text);
  return goFloat(Number(text.replaceAll("_", "")));
}

/** As `encoding/json` writes a float64. */
export function goFloat(value: number): string {
  if (Object.is(value, -0)) return "-0";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e21))
    return value
      .toExponential()
      .replace(/e([+-])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`)
      .replace("e-0", "e-");
  return String(value);
}

class Converter {
  readonly duplicates: string[] = [];
  #aliased = 0;
  #aliasDepth = 0;
  readonly #lines: LineCounter;
  readonly #anchors = new Map<string, Node>();

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  convert(node: Node | null): string {
    if (node === null) return "null";
    if (this.#aliasDepth > 0 && ++this.#aliased > maxAliasedNodes) throw new YamlError("yaml: document contains excessive aliasing");
    if (isAlias(node)) return this.#alias(node.source);
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
    if (isMap(node)) return sorted(this.#members(node));
    if (isSeq(node)) return `[${node.items.map((item) => this.convert(item as Node | null)).join(",")}]`;
    return this.#scalar(node as Scalar);
  }

  #alias(name: string): string {
    const target = this.#anchors.get(name);
    if (target === undefined) throw new YamlError(`yaml: unknown anchor '${name}' referenced`);
    if (this.#aliasDepth > 100) throw new YamlError(`yaml: anchor '${name}' value contains itself`);
    this.#aliasDepth += 1;
    const json = this.convert(target);
    this.#aliasDepth -= 1;
    return json;
  }

  #members(map: YAMLMap): Map<string, string> {
    const members = new Map<string, string>();
    const merged = new Map<string, string>();
    for (const { key, value } of map.items) {
      if (isScalar(key) && key.value === "<<" && key.type === Scalar.PLAIN) {
        this.#merge(value as Node | null, merged);
        continue;
      }
      const name = this.#key(key as Node | null);
      if (members.has(name)) this.duplicates.push(`line ${this.#lineOf(key as Node)}: key ${JSON.stringify(name)} already set in map`);
      members.set(name, this.convert(value as Node | null));
    }
    for (const [name, json] of merged) if (!members.has(name)) members.set(name, json);
    return members;
  }

  /** `<<: *base` and `<<: [*one, *two]`, where the first one wins. */
  #merge(value: Node | null, into: Map<string, string>): void {
    const target = isAlias(value) ? this.#anchors.get(value.source) : value;
    if (isSeq(target)) for (const item of target.items) this.#merge(item as Node, into);
    else if (isMap(target)) {
      this.#aliasDepth += 1;
      for (const [name, json] of this.#members(target)) if (!into.has(name)) into.set(name, json);
      this.#aliasDepth -= 1;
    } else throw new YamlError("yaml: map merge requires map or sequence of maps as the value");
  }

  #key(node: Node | null): string {
    const json = this.convert(node);
    if (json.startsWith('"')) return JSON.parse(json);
    if (json.startsWith("{") || json.startsWith("[")) throw new YamlError(`yaml: invalid map key: ${json}`);
    if (json === "null") throw new YamlError("unsupported map key of type: %!s(<nil>)");
    return json;
  }

  #scalar(node: Scalar): string {
    const text = String(node.value ?? "");
    const tag = node.tag?.replace("tag:yaml.org,2002:", "");
    if (tag === "str" || tag === "binary" || tag === "timestamp") return JSON.stringify(text);
    return node.type === Scalar.PLAIN || tag === "int" || tag === "float" || tag === "bool" || tag === "null"
      ? plainScalar(text)
      : JSON.stringify(text);
  }

  #lineOf(node: Node): number {
    return this.#lines.linePos(node.range?.[0] ?? 0).line;
  }
}

/** go-yaml's words for what the parser found. */
function goMessage(code: string, message: string): string {
  if (code === "BLOCK_AS_IMPLICIT_KEY" || /mapping/i.test(message)) return "mapping values are not allowed in this context";
  if (code === "TAB_AS_INDENT") return "found character that cannot start any token";
  if (/Flow sequence|flow seq/i.test(message)) return "did not find expected ',' or ']'";
  if (/Flow map/i.test(message)) return "did not find expected ',' or '}'";
  if (/quote/i.test(message)) return "found unexpected end of stream";
  if (code === "BAD_ALIAS") return "did not find expected alphabetic or numeric character";
  return "could not find expected ':'";
}

/** Throws `YamlError`. */
export function yamlToJson(text: string): YamlAsJson {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: "failsafe",
    version: "1.1",
    uniqueKeys: false,
    merge: false,
    lineCounter: lines,
    logLevel: "silent",
  });
  const error = document.errors.find(({ code }) => code !== "MULTIPLE_DOCS");
  if (error !== undefined) {
    const line = lines.linePos(error.pos[0]).line;
    throw new YamlError(`yaml: ${line > 1 ? `line ${line}: ` : ""}${goMessage(error.code, error.message)}`);
  }
  const converter = new Converter(lines);
  const json = converter.convert(document.contents as Node | null);
  return { json, duplicates: converter.duplicates };
}
