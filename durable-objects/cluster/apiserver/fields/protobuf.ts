/**
 * Reads request bodies in `application/vnd.kubernetes.protobuf`, which typed clients send without falling back to JSON,
 * into the structures that the JSON decoder fills. Answers are never in protobuf.
 *
 * Numbers that a structure does not know are skipped, without a word to the client. A message that comes twice is merged,
 * as the server's generated decoders do.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
 */
import { FieldDecodingError } from "./decode-struct.ts";
import { encodeStruct } from "./encode.ts";
import { JsonSyntaxError, parseJson, plainValue } from "./go-json.ts";
import { quantityProblem, storedQuantity } from "./go-scalars.ts";
import { type MemberType, type MessageLayout, type MessageMember, messageLayout } from "./message-layout.ts";
import { listMessages } from "./messages.generated.ts";
import { WireReader, wireTypes } from "./protobuf-wire.ts";
import { type FieldType, type OpaqueKind, type Struct, structNamed } from "./schema.ts";

type Value = Record<string, unknown>;

const prefix = [0x6b, 0x38, 0x73, 0x00];

/** Only schemas of custom resources nest without end; beyond this they are nonsense, and would exhaust the stack. */
const maxDepth = 500;

export interface Envelope {
  apiVersion: string;
  kind: string;
  message: Uint8Array;
}

/** What is around every object: its kind and its message. Throws `FieldDecodingError`. */
export function openEnvelope(body: Uint8Array): Envelope {
  if (body.length === 0) throw new FieldDecodingError("empty data");
  if (!prefix.every((byte, index) => body[index] === byte))
    throw new FieldDecodingError(`provided data does not appear to be a protobuf message, expected prefix [${prefix.join(" ")}]`);
  if (body.length === prefix.length) throw new FieldDecodingError("empty body");
  const {
    apiVersion = "",
    kind = "",
    raw = new Uint8Array(),
  } = new MessageDecoder().message(unknownObject, body.subarray(prefix.length), {});
  return { apiVersion: apiVersion as string, kind: kind as string, message: raw as Uint8Array };
}

/** The members that the message sets. Throws `FieldDecodingError`. */
export function decodeMessage(struct: Struct, message: Uint8Array): Value {
  return new MessageDecoder().message(messageLayout(struct), message, {});
}

/** A message that no structure of the schema describes: `[number, Go name, name, type]`. */
function ownLayout(goName: string, ...members: [number, string, string, MemberType][]): MessageLayout {
  return { goName, members: new Map(members.map(([number, member, name, type]) => [number, { goName: member, name, type }])) };
}

const text: FieldType = { kind: "string", goName: "string" };
const int64: FieldType = { kind: "int64", goName: "int64" };
const schema: FieldType = { kind: "struct", goName: "v1.JSONSchemaProps", name: "apiextensions.v1.JSONSchemaProps" };
const listOf = (of: FieldType): FieldType => ({ kind: "list", goName: `[]${of.goName}`, of });

const typeMeta = ownLayout("TypeMeta", [1, "APIVersion", "apiVersion", text], [2, "Kind", "kind", text]);
const unknownObject: MessageLayout = {
  goName: "Unknown",
  members: new Map<number, MessageMember>([
    [1, { goName: "TypeMeta", embedded: typeMeta }],
    [2, { goName: "Raw", name: "raw", type: { kind: "raw" } }],
    [3, { goName: "ContentEncoding", name: "contentEncoding", type: text }],
    [4, { goName: "ContentType", name: "contentType", type: text }],
  ]),
};

const timestamp = ownLayout("Timestamp", [1, "Seconds", "seconds", int64], [2, "Nanos", "nanos", { kind: "int32", goName: "int32" }]);
const rawBytes = (goName: string) => ownLayout(goName, [1, "Raw", "raw", { kind: "raw" }]);
const listMessage = ownLayout("Items", [1, "Items", "items", listOf(text)]);

const opaqueLayouts: Record<OpaqueKind, MessageLayout> = {
  quantity: ownLayout("Quantity", [1, "String_", "string", text]),
  intOrString: ownLayout(
    "IntOrString",
    [1, "Type", "type", int64],
    [2, "IntVal", "number", { kind: "int32", goName: "int32" }],
    [3, "StrVal", "text", text],
  ),
  time: timestamp,
  microTime: timestamp,
  rawExtension: rawBytes("RawExtension"),
  fieldsV1: rawBytes("FieldsV1"),
  json: rawBytes("JSON"),
  schemaOrArray: ownLayout("JSONSchemaPropsOrArray", [1, "Schema", "schema", schema], [2, "JSONSchemas", "others", listOf(schema)]),
  schemaOrBool: ownLayout(
    "JSONSchemaPropsOrBool",
    [1, "Allows", "others", { kind: "bool", goName: "bool" }],
    [2, "Schema", "schema", schema],
  ),
  schemaOrStrings: ownLayout("JSONSchemaPropsOrStringArray", [1, "Schema", "schema", schema], [2, "Property", "others", listOf(text)]),
};

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

class MessageDecoder {
  #depth = 0;

  /** Adds to what an earlier message of the same member left behind. */
  message(layout: MessageLayout, bytes: Uint8Array, into: Value): Value {
    if (this.#depth >= maxDepth) throw new FieldDecodingError("proto: exceeded maximum recursion depth");
    this.#depth += 1;
    const reader = new WireReader(bytes);
    while (!reader.done) {
      const { number, wireType } = reader.tag(layout.goName);
      const member = layout.members.get(number);
      if (member === undefined) reader.skip(wireType);
      else this.#member(member, wireType, reader, into);
    }
    this.#depth -= 1;
    return into;
  }

  #member(member: MessageMember, wireType: number, reader: WireReader, into: Value): void {
    const expected = "embedded" in member ? wireTypes.bytes : wireTypeOf(member.type);
    const packed = wireType === wireTypes.bytes && "type" in member && member.type.kind === "list";
    if (wireType !== expected && !packed) throw new FieldDecodingError(`proto: wrong wireType = ${wireType} for field ${member.goName}`);
    if ("embedded" in member) this.message(member.embedded, reader.bytes(), into);
    else into[member.name] = this.#next(member.type, wireType, reader, into[member.name]);
  }

  /** The value of a member, with one more of what the message repeats. */
  #next(type: MemberType, wireType: number, reader: WireReader, before: unknown): unknown {
    if (type.kind === "map") return this.#mapEntry(type.of, reader.bytes(), (before ?? {}) as Value);
    if (type.kind !== "list" || isListMessage(type)) return this.#single(type, reader, before);
    const items = (before ?? []) as unknown[];
    if (wireType === wireTypeOf(type.of)) items.push(this.#single(type.of, reader, undefined));
    else for (const packed = new WireReader(reader.bytes()); !packed.done; ) items.push(this.#single(type.of, packed, undefined));
    return items;
  }

  #mapEntry(of: FieldType, bytes: Uint8Array, entries: Value): Value {
    let key = "";
    let value: unknown;
    const reader = new WireReader(bytes);
    while (!reader.done) {
      const { number, wireType } = reader.tag("Entry");
      if (number === 1) key = utf8.decode(reader.bytes());
      else if (number === 2) value = this.#single(of, reader, undefined);
      else reader.skip(wireType);
    }
    value ??= of.kind === "struct" ? {} : of.kind === "quantity" ? "0" : of.kind === "string" || of.kind === "bytes" ? "" : null;
    // Not by assignment: a key may be `__proto__`.
    return Object.defineProperty(entries, key, { value, writable: true, enumerable: true, configurable: true });
  }

  #single(type: MemberType, reader: WireReader, before: unknown): unknown {
    switch (type.kind) {
      case "raw":
        return reader.bytes();
      case "string":
        return utf8.decode(reader.bytes());
      case "bytes":
        return base64(reader.bytes());
      case "bool":
        return reader.bool();
      case "int32":
        return reader.int32();
      case "int64":
        return reader.int64();
      case "float64":
        return reader.float64();
      case "struct":
        return this.message(messageLayout(structNamed(type.name)), reader.bytes(), (before ?? {}) as Value);
      case "list":
        return this.message(listMessage, reader.bytes(), { items: before ?? [] }).items;
      case "map":
        throw new Error("a map in a map or list has no place in a message");
      default:
        return this.#opaque(type.kind, reader.bytes());
    }
  }

  /** Types that have a form of their own in JSON. */
  #opaque(kind: OpaqueKind, bytes: Uint8Array): unknown {
    const parts = this.message(opaqueLayouts[kind], bytes, {});
    switch (kind) {
      case "quantity":
        return quantity(parts.string as string | undefined);
      case "intOrString":
        return (parts.type ?? 0) === 0 ? (parts.number ?? 0) : (parts.text ?? "");
      case "time":
      case "microTime":
        return bytes.length === 0 ? null : time(kind, (parts.seconds ?? 0) as number, (parts.nanos ?? 0) as number);
      case "rawExtension":
      case "fieldsV1":
      case "json":
        return json(parts.raw as Uint8Array | undefined);
      case "schemaOrBool":
        return parts.schema === undefined ? (parts.others ?? false) : writtenSchema(parts.schema);
      default:
        return alternatives(parts);
    }
  }
}

const isListMessage = (type: MemberType): boolean => type.kind === "list" && listMessages.has(type.goName);

function wireTypeOf(type: MemberType): number {
  switch (type.kind) {
    case "bool":
    case "int32":
    case "int64":
      return wireTypes.varint;
    case "float64":
      return wireTypes.fixed64;
    case "list":
      return isListMessage(type) ? wireTypes.bytes : wireTypeOf(type.of);
    default:
      return wireTypes.bytes;
  }
}

const chunkBytes = 8192;

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunkBytes) binary += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  return btoa(binary);
}

function quantity(spelled: string | undefined): string {
  if (spelled === undefined) return "0";
  const problem = quantityProblem(spelled);
  if (problem !== undefined) throw new FieldDecodingError(problem);
  return storedQuantity(spelled);
}

const yearOne = -62_135_596_800;
const yearTenThousand = 253_402_300_800;

/** The first second of the year one is Go's "no time". */
function time(kind: "time" | "microTime", seconds: number, nanos: number): string | null {
  const fraction = kind === "time" ? 0 : Math.trunc(nanos / 1000);
  const whole = seconds + Math.floor(fraction / 1_000_000);
  const micros = ((fraction % 1_000_000) + 1_000_000) % 1_000_000;
  if (whole === yearOne && micros === 0) return null;
  if (whole < yearOne || whole >= yearTenThousand) throw new FieldDecodingError("Time.MarshalJSON: year outside of range [0,9999]");
  const upToSeconds = new Date(whole * 1000).toISOString().slice(0, 19);
  return kind === "time" ? `${upToSeconds}Z` : `${upToSeconds}.${String(micros).padStart(6, "0")}Z`;
}

/** JSON that a message carries as it is. */
function json(raw: Uint8Array | undefined): unknown {
  if (raw === undefined || raw.length === 0) return null;
  const document = utf8.decode(raw);
  try {
    return plainValue(parseJson(document), document);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new FieldDecodingError(error.message);
    throw error;
  }
}

/** A schema, or a list of schemas or texts in its place. */
function alternatives({ schema: single, others }: Value): unknown {
  if (Array.isArray(others) && others.length > 0) return others.map((item) => (typeof item === "string" ? item : writtenSchema(item)));
  return single === undefined ? null : writtenSchema(single);
}

/** In messages members without a value are there, too; as JSON they are not. */
const writtenSchema = (value: unknown): Value => encodeStruct(structNamed("apiextensions.v1.JSONSchemaProps"), value as Value);
