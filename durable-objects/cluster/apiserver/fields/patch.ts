/**
 * Applies patches as kube-apiserver does, each content type with its own errors: what is wrong with a strategic merge
 * patch is mostly a 500, what a JSON patch cannot do a 422 that says nothing, and a result that does not decode a 422 that
 * quotes the patched document.
 */
import type { KubeObject } from "../../api/objects.ts";
import { badRequest, failure, type StatusError, tooLarge, unsupportedMediaType } from "../../api/status-error.ts";
import { checkSize, DecodingProblem, decodeJson, strictProblem } from "./decode.ts";
import { encodeStruct } from "./encode.ts";
import { apiVersionOf, type Decoded, type FieldValidation, type GroupVersionKind } from "./field-knowledge.ts";
import { ConversionError, fromPlain } from "./from-plain.ts";
import { goJson, goText } from "./go-format.ts";
import { duplicateFields, goValueName, JsonArray, type JsonNode, JsonObject, JsonSyntaxError, parseJson, plainValue } from "./go-json.ts";
import { applyJsonPatch, type Operation, PatchDoesNotApply } from "./json-patch.ts";
import { LazyNode } from "./lazy-json.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { type Struct, structOf } from "./schema.ts";
import { strategicMerge } from "./strategic-merge.ts";

const maxOperations = 10_000;

/**
 * Applies a JSON patch, merge patch or strategic merge patch, by content type. `current` is left as it is; defaults
 * and validation are the caller's next step. Throws the server's 400, 415, 422 or 500.
 */
export function patchObject(
  gvk: GroupVersionKind,
  current: KubeObject,
  patch: Uint8Array,
  contentType: string,
  fieldValidation: FieldValidation,
): Decoded {
  const type = contentType.split(";")[0] as string;
  const struct = structOf(gvk);
  checkSize(patch);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(patch);
  switch (type) {
    case "application/json-patch+json":
      return decodePatched(jsonPatched(current, text), gvk, fieldValidation);
    case "application/merge-patch+json":
      return decodePatched(mergePatched(current, text), gvk, fieldValidation);
    case "application/strategic-merge-patch+json":
      if (struct !== undefined) return strategicallyPatched(gvk, struct, current, text, fieldValidation);
      throw unsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
      );
    default:
      throw unsupportedPatch();
  }
}

/** For a PATCH whose content type is no patch at all, as the server's router answers. */
const unsupportedPatch = (): StatusError => failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});

interface Patched {
  document: LazyNode;
  strictErrors: string[];
}

function parsed(text: string, prefix: string): JsonNode {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw badRequest(`${prefix}${error.message}`);
    throw error;
  }
}

const decodingPatch = "error decoding patch: ";

function jsonPatched(current: KubeObject, text: string): Patched {
  const node = parsed(text, decodingPatch);
  if (node !== null && !(node instanceof JsonArray)) throw notA("[]handlers.jsonPatchOp", node);
  const items = node === null ? [] : node.items;
  if (items.length > maxOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${items.length}`);
  }
  const operations = items.map((item) => operation(item, text));
  const strictErrors = operationProblems(node).map((problem) => `json patch ${problem}`);
  try {
    return { document: applyJsonPatch(LazyNode.parse(goJson(current)), operations), strictErrors };
  } catch (error) {
    if (error instanceof PatchDoesNotApply) {
      throw failure(422, "Invalid", "the server rejected our request due to an error in our request", {});
    }
    throw error;
  }
}

const notA = (goType: string, node: JsonNode): StatusError =>
  badRequest(`${decodingPatch}json: cannot unmarshal ${goValueName(node)} into Go value of type ${goType}`);

const operationFields = new Set(["op", "path", "from", "value"]);

function operation(node: JsonNode, text: string): Operation {
  if (node !== null && !(node instanceof JsonObject)) throw notA("handlers.jsonPatchOp", node);
  const members = new Map((node?.keys ?? []).map((key, index) => [key, node?.values[index] as JsonNode]));
  const textOf = (name: string): string | undefined => {
    const value = members.get(name);
    if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
    throw badRequest(
      `${decodingPatch}json: cannot unmarshal ${goValueName(value)} into Go struct field jsonPatchOp.${name} of type string`,
    );
  };
  const value = members.get("value");
  return {
    op: textOf("op"),
    path: textOf("path"),
    from: textOf("from"),
    value: value === undefined ? undefined : new LazyNode(value, text),
  };
}

/** Unknown and duplicate members of the operations, in document order. */
function operationProblems(node: JsonArray | null): string[] {
  return (node?.items ?? []).flatMap((item, index) => {
    if (!(item instanceof JsonObject)) return [];
    return item.keys.flatMap((key, at) => {
      const path = JSON.stringify(`[${index}].${key}`);
      if (!operationFields.has(key)) return [`unknown field ${path}`];
      const again = item.keys.indexOf(key) < at ? [`duplicate field ${path}`] : [];
      return [...again, ...duplicateFields(item.values[at] as JsonNode, `[${index}].${key}`)];
    });
  });
}

function mergePatched(current: KubeObject, text: string): Patched {
  const node = parsed(text, decodingPatch);
  if (node === null) throw badRequest("Invalid JSON Patch");
  if (!(node instanceof JsonObject)) throw notA("map[string]interface {}", node);
  const document = LazyNode.parse(goJson(current));
  applyMergePatch(document, new LazyNode(node, text));
  return { document, strictErrors: duplicateFields(node, "") };
}

/** Decodes what a JSON or merge patch made; unknown and duplicate fields are those of the patch and of the result. */
function decodePatched({ document, strictErrors }: Patched, gvk: GroupVersionKind, fieldValidation: FieldValidation): Decoded {
  const json = document.json();
  try {
    const decoded = decodeJson(json, gvk, fieldValidation !== "Ignore");
    const problems = [...strictErrors, ...decoded.strictErrors];
    if (fieldValidation === "Strict" && problems.length > 0) throw new DecodingProblem(strictProblem(problems));
    const object = { ...decoded.object, apiVersion: apiVersionOf(gvk) };
    return { object, warnings: fieldValidation === "Warn" ? problems : [] };
  } catch (error) {
    if (error instanceof DecodingProblem) throw invalidPatch(json, error.message);
    throw error;
  }
}

/** The 422 that names neither kind nor name. */
function invalidPatch(quoted: string, problem: string): StatusError {
  const message = `Invalid value: ${JSON.stringify(quoted)}: ${problem}`;
  const causes = [{ reason: "FieldValueInvalid", message, field: "patch" }];
  return failure(422, "Invalid", ` "" is invalid: patch: ${message}`, { causes });
}

function strategicallyPatched(
  gvk: GroupVersionKind,
  struct: Struct,
  current: KubeObject,
  text: string,
  fieldValidation: FieldValidation,
): Decoded {
  const node = parsed(text, "");
  if (node !== null && !(node instanceof JsonObject)) {
    throw badRequest(`json: cannot unmarshal ${goValueName(node)} into Go value of type map[string]interface {}`);
  }
  const patch = node === null ? {} : (plainValue(node, text) as Record<string, unknown>);
  const merged = strategicMerge(structuredClone(current), patch, struct);
  try {
    const { value, unknown } = fromPlain(struct, merged);
    const problems = [...(node === null ? [] : duplicateFields(node, "")), ...unknown];
    if (fieldValidation === "Strict" && problems.length > 0) throw new ConversionError(strictProblem(problems));
    const { kind: _kind, apiVersion: _apiVersion, ...members } = encodeStruct(struct, value);
    const object = { kind: gvk.kind, apiVersion: apiVersionOf(gvk), ...members };
    return { object, warnings: fieldValidation === "Warn" ? problems : [] };
  } catch (error) {
    if (error instanceof ConversionError) throw invalidPatch(goText(patch), error.message);
    throw error;
  }
}
