/**
 * Fills a structure of the schema from parsed JSON as Go's decoder does: what fits is taken, the first value of a wrong
 * type is remembered, unknown and duplicate fields are listed in the order of the document.
 *
 * @see https://pkg.go.dev/encoding/json#Unmarshal and sigs.k8s.io/json, the server's strict variant of it
 */
import { goValueName, JsonArray, type JsonNode, JsonNumber, JsonObject, plainValue } from "./go-json.ts";
import { canonicalBase64, quantityProblem, storedQuantity } from "./go-scalars.ts";
import { canonicalTime, goQuote } from "./go-time.ts";
import type { FieldType, OpaqueKind, Struct } from "./schema.ts";
import { structNamed } from "./schema.ts";

/** A value does not fit. The message is Go's. */
export class FieldDecodingError extends Error {
  override readonly name = "FieldDecodingError";
}

export interface DecodedFields {
  /** Members that were set, in the order of the document. */
  value: Record<string, unknown>;
  /** `unknown field "spec.bogus"`, at most a hundred. */
  strictErrors: string[];
}

type Value = Record<string, unknown>;

const maxStrictErrors = 100;

class StructDecoder {
  readonly strictErrors = new Set<string>();
  firstError: FieldDecodingError | undefined;
  readonly #text: string;
  /** Names of the members on the way here, and the structure that has the last one: for type errors. */
  readonly #fieldStack: string[] = [];
  #struct: string | undefined;
  /** The way here with list indexes and map keys: for unknown and duplicate fields. Undefined: not wanted. */
  #path: string | undefined;

  constructor(text: string, strict: boolean) {
    this.#text = text;
    this.#path = strict ? "" : undefined;
  }

  struct(struct: Struct, members: JsonObject, before: Value): Value {
    const seen = new Set<string>();
    for (const [index, key] of members.keys.entries()) {
      const node = members.values[index] as JsonNode;
      const field = struct.fields.get(key);
      if (field === undefined) {
        this.#note("unknown", key);
        continue;
      }
      if (seen.has(key)) this.#note("duplicate", key);
      seen.add(key);
      const outer = { struct: this.#struct, depth: this.#fieldStack.length, path: this.#path };
      if (field.embeddedIn !== undefined) this.#fieldStack.push(field.embeddedIn);
      this.#fieldStack.push(key);
      this.#struct = struct.goName.slice(struct.goName.indexOf(".") + 1);
      this.#enter(key);
      this.#store(before, key, this.value(field.type, node, before[key]), node);
      this.#fieldStack.length = outer.depth;
      this.#struct = outer.struct;
      this.#path = outer.path;
    }
    return before;
  }

  /** Null clears what can be empty and leaves numbers and texts as they were. */
  #store(into: Value, key: string, value: unknown, node: JsonNode): void {
    if (node === null) delete into[key];
    else if (value !== undefined) into[key] = value;
  }

  #enter(key: string): void {
    if (this.#path !== undefined) this.#path = this.#path === "" ? key : `${this.#path}.${key}`;
  }

  #note(what: "unknown" | "duplicate", key: string): void {
    if (this.#path === undefined || this.strictErrors.size >= maxStrictErrors) return;
    this.strictErrors.add(`${what} field ${goQuote(this.#path === "" ? key : `${this.#path}.${key}`)}`);
  }

  /** Undefined where the value did not fit. `before`: what an earlier duplicate left behind, which Go decodes onto. */
  value(type: FieldType, node: JsonNode, before: unknown): unknown {
    if (node === null) return null;
    switch (type.kind) {
      case "struct":
        if (!(node instanceof JsonObject)) return this.#mismatch(goValueName(node), type.goName);
        return this.struct(structNamed(type.name), node, { ...(before as Value | undefined) });
      case "list":
        if (!(node instanceof JsonArray)) return this.#mismatch(goValueName(node), type.goName);
        return this.#list(type.of, node, before as unknown[] | undefined);
      case "map":
        if (!(node instanceof JsonObject)) return this.#mismatch(goValueName(node), type.goName);
        return this.#map(type.of, node, before as Value | undefined);
      case "string":
        return typeof node === "string" ? node : this.#mismatch(goValueName(node), type.goName);
      case "bool":
        return typeof node === "boolean" ? node : this.#mismatch(goValueName(node), type.goName);
      case "int32":
      case "int64":
        return this.#integer(type.kind === "int32" ? 31n : 63n, node, type.goName);
      case "float64":
        return node instanceof JsonNumber ? Number(node.text) : this.#mismatch(goValueName(node), type.goName);
      case "bytes":
        return typeof node === "string" ? this.#base64(node) : this.#mismatch(goValueName(node), type.goName);
      default:
        return this.#opaque(type.kind, node);
    }
  }

  #list(of: FieldType, node: JsonArray, before: unknown[] | undefined): unknown[] {
    const path = this.#path;
    return node.items.map((item, index) => {
      if (path !== undefined) this.#path = `${path}[${index}]`;
      const value = this.value(of, item, before?.[index]);
      this.#path = path;
      return value === undefined ? null : value;
    });
  }

  #map(of: FieldType, node: JsonObject, before: Value | undefined): Value {
    const path = this.#path;
    const members = new Map(Object.entries(before ?? {}));
    const seen = new Set<string>();
    for (const [index, key] of node.keys.entries()) {
      if (seen.has(key)) this.#note("duplicate", key);
      seen.add(key);
      this.#enter(key);
      const value = this.value(of, node.values[index] as JsonNode, undefined);
      this.#path = path;
      members.set(key, value === undefined ? null : value);
    }
    return Object.fromEntries(members); // not by assignment: a key may be `__proto__`
  }

  #integer(bits: bigint, node: JsonNode, goName: string): number | undefined {
    if (!(node instanceof JsonNumber)) return this.#mismatch(goValueName(node), goName);
    const limit = 1n << bits;
    const value = /^-?\d+$/.test(node.text) && node.text.length < 21 ? BigInt(node.text) : undefined;
    if (value === undefined || value >= limit || value < -limit) return this.#mismatch(`number ${node.text}`, goName);
    return Number(value);
  }

  #base64(text: string): string | undefined {
    const decoded = canonicalBase64(text);
    return typeof decoded === "string" ? decoded : this.#remember(`illegal base64 data at input byte ${decoded.illegalAt}`);
  }

  /** Types with a decoder of their own. Their errors end the decoding, and win over those remembered. */
  #opaque(kind: OpaqueKind, node: JsonNode): unknown {
    switch (kind) {
      case "quantity":
        return this.#quantity(node);
      case "time":
      case "microTime":
        if (typeof node !== "string") return this.#abort(goValueName(node), "string");
        return this.#orAbort(() => canonicalTime(node, kind));
      case "intOrString":
        if (typeof node === "string") return node;
        return this.#alone(() => this.value({ kind: "int32", goName: "int32" }, node, undefined));
      case "schemaOrArray":
      case "schemaOrBool":
      case "schemaOrStrings":
        return this.#schema(node);
      default:
        return plainValue(node, this.#text);
    }
  }

  /** A JSON schema where its decoder also takes something else; unknown fields in it are dropped without a word. */
  #schema(node: JsonNode): unknown {
    const path = this.#path;
    this.#path = undefined;
    const of: FieldType = { kind: "struct", goName: "v1.JSONSchemaProps", name: "apiextensions.v1.JSONSchemaProps" };
    const value =
      node instanceof JsonObject
        ? this.value(of, node, undefined)
        : node instanceof JsonArray
          ? node.items.map((item) => (item instanceof JsonObject ? this.value(of, item, undefined) : plainValue(item, this.#text)))
          : plainValue(node, this.#text);
    this.#path = path;
    return value;
  }

  #quantity(node: JsonNode): string {
    const text = typeof node === "string" ? node.trim() : node instanceof JsonNumber ? node.text : "?";
    const problem = quantityProblem(text);
    if (problem !== undefined) throw new FieldDecodingError(problem);
    return storedQuantity(text);
  }

  /** Runs a part whose first error ends everything. */
  #alone<T>(work: () => T): T {
    const before = this.firstError;
    this.firstError = undefined;
    const result = work();
    if (this.firstError !== undefined) throw this.firstError;
    this.firstError = before;
    return result;
  }

  #orAbort<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new FieldDecodingError((error as Error).message);
    }
  }

  #abort(found: string, goName: string): never {
    throw new FieldDecodingError(this.#typeError(found, goName));
  }

  #mismatch(found: string, goName: string): undefined {
    return this.#remember(this.#typeError(found, goName));
  }

  #remember(message: string): undefined {
    this.firstError ??= new FieldDecodingError(message);
    return undefined;
  }

  #typeError(found: string, goName: string): string {
    const into = this.#struct === undefined ? "value" : `struct field ${this.#struct}.${this.#fieldStack.join(".")}`;
    return `json: cannot unmarshal ${found} into Go ${into} of type ${goName}`;
  }
}

/** Decodes an object of the document; throws `FieldDecodingError`. */
export function decodeStruct(struct: Struct, node: JsonObject, text: string, strict: boolean): DecodedFields {
  const decoder = new StructDecoder(text, strict);
  const value = decoder.struct(struct, node, {});
  if (decoder.firstError !== undefined) throw decoder.firstError;
  return { value, strictErrors: [...decoder.strictErrors] };
}

/** Decodes one value by itself; throws `FieldDecodingError`. */
export function decodeValue(type: FieldType, node: JsonNode, text: string): unknown {
  const decoder = new StructDecoder(text, false);
  const value = decoder.value(type, node, undefined);
  if (decoder.firstError !== undefined) throw decoder.firstError;
  return value;
}
