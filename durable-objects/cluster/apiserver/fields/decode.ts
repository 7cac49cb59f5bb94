/**
 * Reads request bodies as kube-apiserver does: JSON, YAML or protobuf, the kind from the body or else from the path, and
 * every mistake in its words.
 *
 * The order of refusals is the server's: size, media type, syntax, kind, wrong types (the first one only), conversion,
 * then unknown and duplicate fields together.
 */
import { badRequest, type StatusError, tooLarge, unsupportedMediaType } from "../../api/status-error.ts";
import { type DecodedFields, decodeStruct, FieldDecodingError } from "./decode-struct.ts";
import { encodeStruct } from "./encode.ts";
import { apiVersionOf, type Decoded, type FieldValidation, type GroupVersionKind } from "./field-knowledge.ts";
import { isFormerVersion } from "./former-versions.ts";
import { goValueName, type JsonNode, JsonObject, JsonSyntaxError, parseJson, plainValue } from "./go-json.ts";
import { YamlError, yamlToJson } from "./go-yaml.ts";
import { decodeMessage, type Envelope, openEnvelope } from "./protobuf.ts";
import { isKnownToAllVersions, type Struct, structNamed, structOf } from "./schema.ts";

const maxBodyBytes = 3 * 1024 * 1024;
const acceptedTypes = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/** What is wrong with a document, not yet in the words of the request that brought it. */
export class DecodingProblem extends Error {
  override readonly name = "DecodingProblem";
  /** The kind that the document was read as; undefined when it did not come to that. */
  readonly actual: GroupVersionKind | undefined;
  constructor(message: string, actual?: GroupVersionKind) {
    super(message);
    this.actual = actual;
  }
}

/** Reads a request body as the expected kind; throws the server's 400, 413 or 415. */
export function decodeObject(body: Uint8Array, contentType: string, expected: GroupVersionKind, fieldValidation: FieldValidation): Decoded {
  checkSize(body);
  const format = formatOf(contentType);
  if (format === undefined) {
    throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${acceptedTypes}`);
  }
  try {
    return format === "protobuf" ? decodeProtobuf(body, expected) : decodeText(body, format, expected, fieldValidation);
  } catch (error) {
    if (error instanceof DecodingProblem) throw framed(error, body, expected);
    throw error;
  }
}

/** The server's 413. */
export function checkSize(body: Uint8Array): void {
  if (body.length > maxBodyBytes) throw tooLarge(`Request entity too large: limit is ${maxBodyBytes}`);
}

type Format = "json" | "yaml" | "protobuf";

/** No content type counts as JSON. */
function formatOf(contentType: string): Format | undefined {
  const type = (contentType.split(";")[0] as string).trim().toLowerCase();
  return formats.get(type);
}

const formats = new Map<string, Format>([
  ["", "json"],
  ["application/json", "json"],
  ["application/yaml", "yaml"],
  ["application/vnd.kubernetes.protobuf", "protobuf"],
]);

/** Unknown fields are skipped whatever the client wants to hear about them: a message does not name them. */
function decodeProtobuf(body: Uint8Array, expected: GroupVersionKind): Decoded {
  const envelope = opened(body);
  const isVersion = slashesIn(envelope.apiVersion) <= 1; // one that is not counts as none
  const actual = kindOf(isVersion ? envelope.apiVersion : "", envelope.kind, expected);
  if (structOf(expected) === undefined) throw new DecodingProblem(notMarshalable, actual);
  const object = decodeAs(actual, expected, (struct) => ({ value: decodeMessage(struct, envelope.message), strictErrors: [] })).value;
  refuseOtherVersion(actual, expected);
  return { object, warnings: [] };
}

/** Custom resources have no messages. */
const notMarshalable =
  "object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message";

function opened(body: Uint8Array): Envelope {
  try {
    return openEnvelope(body);
  } catch (error) {
    if (error instanceof FieldDecodingError) throw new DecodingProblem(error.message);
    throw error;
  }
}

function decodeText(body: Uint8Array, format: "json" | "yaml", expected: GroupVersionKind, fieldValidation: FieldValidation): Decoded {
  const { json, duplicates } = jsonOf(body, format);
  const { actual, object, strictErrors } = decodeJson(json, expected, fieldValidation !== "Ignore");
  const problems = [...yamlProblems(duplicates, fieldValidation), ...strictErrors];
  if (fieldValidation === "Strict" && problems.length > 0) throw new DecodingProblem(strictProblem(problems), actual);
  refuseOtherVersion(actual, expected);
  return { object, warnings: fieldValidation === "Warn" ? problems : [] };
}

/** All unknown and duplicate fields as one error. */
export const strictProblem = (problems: readonly string[]): string => `strict decoding error: ${problems.join(", ")}`;

function jsonOf(body: Uint8Array, format: "json" | "yaml"): { json: string; duplicates: string[] } {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  if (format === "json") return { json: text, duplicates: [] };
  try {
    return yamlToJson(text);
  } catch (error) {
    if (error instanceof YamlError) throw new DecodingProblem(error.message);
    throw error;
  }
}

/** Strictly, all duplicates of a YAML document are one error of several lines. */
function yamlProblems(duplicates: readonly string[], fieldValidation: FieldValidation): readonly string[] {
  if (duplicates.length === 0 || fieldValidation === "Warn") return duplicates;
  return [`yaml: unmarshal errors:\n${duplicates.map((duplicate) => `  ${duplicate}`).join("\n")}`];
}

function refuseOtherVersion(actual: GroupVersionKind, expected: GroupVersionKind): void {
  const [found, wanted] = [apiVersionOf(actual), apiVersionOf(expected)];
  if (found === wanted || isKnownToAllVersions(actual.kind)) return;
  throw badRequest(`the API version in the data (${found}) does not match the expected API version (${wanted})`);
}

export interface DecodedJson {
  /** The kind that the document names, or the expected one where it names none. */
  actual: GroupVersionKind;
  object: Record<string, unknown>;
  strictErrors: string[];
}

/** Decodes JSON text as the expected kind; throws `DecodingProblem`. */
export function decodeJson(json: string, expected: GroupVersionKind, strict: boolean): DecodedJson {
  const node = parsed(json);
  const actual = kindIn(node, expected);
  const members = node instanceof JsonObject ? node : new JsonObject(0);
  const fill = (struct: Struct, from = members) => decodeStruct(struct, from, json, strict);
  const { value, strictErrors } =
    structOf(expected) === undefined ? decodeCustom(actual, members, json, fill) : decodeAs(actual, expected, fill);
  return { actual, object: value, strictErrors };
}

function parsed(json: string): JsonNode {
  try {
    return parseJson(json);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new DecodingProblem(`${kindPrefix}${error.message}`);
    throw error;
  }
}

const kindPrefix = "couldn't get version/kind; json parse error: ";
const goTypeOfKindReader = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** The kind that the body names; what it leaves open comes from the path. */
function kindIn(node: JsonNode, expected: GroupVersionKind): GroupVersionKind {
  if (node === null) return expected;
  if (!(node instanceof JsonObject)) {
    const problem = `json: cannot unmarshal ${goValueName(node)} into Go value of type ${goTypeOfKindReader}`;
    throw new DecodingProblem(`${kindPrefix}${problem}`);
  }
  const found = { apiVersion: "", kind: "" };
  for (const [index, key] of node.keys.entries()) {
    const name = foldedName(key); // this one reader of Go's does not care about case
    const value = node.values[index] as JsonNode;
    if (name === undefined || value === null) continue;
    if (typeof value !== "string") {
      const problem = `json: cannot unmarshal ${goValueName(value)} into Go struct field .${name} of type string`;
      throw new DecodingProblem(`${kindPrefix}${problem}`);
    }
    found[name] = value;
  }
  if (slashesIn(found.apiVersion) > 1) throw new DecodingProblem(`unexpected GroupVersion string: ${found.apiVersion}`);
  return kindOf(found.apiVersion, found.kind, expected);
}

const slashesIn = (text: string): number => text.split("/").length - 1;

/** What is empty comes from the expected kind. */
function kindOf(apiVersion: string, kind: string, expected: GroupVersionKind): GroupVersionKind {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  return {
    group: group === "" && version === "" ? expected.group : group,
    version: version === "" && (group === "" || group === expected.group) ? expected.version : version,
    kind: kind === "" ? expected.kind : kind,
  };
}

function foldedName(key: string): "apiVersion" | "kind" | undefined {
  const lower = key.toLowerCase();
  return lower === "kind" ? "kind" : lower === "apiversion" ? "apiVersion" : undefined;
}

/** Reads the members of a structure out of the body. */
type Fill = (struct: Struct) => DecodedFields;

/** Decodes as the kind that the body names, and refuses it where that is not the expected one. */
function decodeAs(actual: GroupVersionKind, expected: GroupVersionKind, fill: Fill): DecodedFields {
  const expectedStruct = structOf(expected) as Struct;
  const former = actual.kind === expected.kind && isFormerVersion(apiVersionOf(actual), actual.kind);
  const struct = former ? expectedStruct : structOf(actual);
  if (struct === undefined && !isListOfItems(actual)) throw new DecodingProblem(notRegistered(actual, expected), actual);
  const decoded = struct === undefined ? { value: {}, strictErrors: [] } : filled(actual, () => fill(struct));
  if (!former && !sameInternalKind(actual, expected)) {
    const from = `${actual.version}.${actual.kind}`;
    throw new DecodingProblem(`converting (${from}) to (${internalName(expected)}): unknown conversion`, actual);
  }
  return {
    strictErrors: decoded.strictErrors,
    value: withKind(actual, encodeStruct(expectedStruct, decoded.value)),
  };
}

/** `v1 List` has no schema of its own, but the server knows it. */
const isListOfItems = (gvk: GroupVersionKind): boolean => gvk.kind === "List" && apiVersionOf(gvk) === "v1";

function filled(actual: GroupVersionKind, fill: () => DecodedFields): DecodedFields {
  try {
    return fill();
  } catch (error) {
    if (error instanceof FieldDecodingError) throw new DecodingProblem(error.message, actual);
    throw error;
  }
}

/** Events have two groups and one meaning; everything else converts only within its own kind. */
function sameInternalKind(a: GroupVersionKind, b: GroupVersionKind): boolean {
  if (a.kind !== b.kind) return false;
  return isKnownToAllVersions(a.kind) || internalPackage(a.group, a.kind) === internalPackage(b.group, b.kind);
}

function internalPackage(group: string, kind: string): string {
  if (group === "" || group === "events.k8s.io" || kind === "Event") return "core";
  return group.split(".")[0] as string;
}

const internalName = (of: GroupVersionKind): string => `${internalPackage(of.group, of.kind)}.${of.kind}`;

function notRegistered(actual: GroupVersionKind, expected: GroupVersionKind): string {
  const scheme =
    expected.group === "apiextensions.k8s.io"
      ? "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55"
      : "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30";
  return `no kind "${actual.kind}" is registered for version "${apiVersionOf(actual)}" in scheme "${scheme}"`;
}

/** Of a custom resource only the metadata has a structure here; its own schema is the strategy's business. */
function decodeCustom(
  actual: GroupVersionKind,
  members: JsonObject,
  text: string,
  fill: (struct: Struct, from: JsonObject) => DecodedFields,
): DecodedFields {
  const metadata = structNamed("meta.v1.ObjectMeta");
  const at = members.keys.lastIndexOf("metadata");
  const given = at < 0 ? undefined : members.values[at];
  const decoded = given instanceof JsonObject ? filled(actual, () => fill(metadata, given)) : { value: {}, strictErrors: [] };
  const value: Record<string, unknown> = Object.fromEntries(
    members.keys.map((key, index) => [key, plainValue(members.values[index] as JsonNode, text)]),
  );
  return {
    strictErrors: decoded.strictErrors.map((error) => error.replace(' field "', ' field "metadata.')),
    value: withKind(actual, { ...value, metadata: encodeStruct(metadata, decoded.value) }),
  };
}

/** `kind` and `apiVersion` first, as the server writes them. */
function withKind(gvk: GroupVersionKind, value: Record<string, unknown>): Record<string, unknown> {
  const { kind: _kind, apiVersion: _apiVersion, ...others } = value;
  return { kind: gvk.kind, apiVersion: apiVersionOf(gvk), ...others };
}

/** The server's 400 for a body that does not decode. */
function framed({ message, actual }: DecodingProblem, body: Uint8Array, expected: GroupVersionKind): StatusError {
  if (actual === undefined) return unrecognized(body, expected, message);
  return badRequest(`${actual.kind} in version "${actual.version}" cannot be handled as a ${expected.kind}: ${message}`);
}

const unrecognized = (body: Uint8Array, expected: GroupVersionKind, problem: string): StatusError =>
  badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${problem} (${summary(body)})`);

const summaryBytes = 30;

/** The beginning of a body: as text where it looks like JSON, else in hexadecimal. */
function summary(body: Uint8Array): string {
  if (body.length === 0) return "<empty>";
  const head = body.subarray(0, summaryBytes);
  const rest = body.length > summaryBytes ? " ..." : "";
  if (head[0] === 0x7b) return `${new TextDecoder().decode(head)}${rest}`;
  return `${[...head].map((byte) => byte.toString(16).padStart(2, "0")).join("")}${rest}`;
}
