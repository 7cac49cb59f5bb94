/**
 * Server-side apply: a manager says what it wants, and owns exactly that.
 *
 * Mistakes in the configuration are 500s here, as in kube-apiserver, whatever the field validation; only keys that are
 * there twice obey it.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
import type { KubeObject } from "../../api/objects.ts";
import { badRequest, failure, type StatusError } from "../../api/status-error.ts";
import { checkSize } from "./decode.ts";
import { encodeStruct, sortedMembers } from "./encode.ts";
import { apiVersionOf, type Decoded, type FieldValidation, type GroupVersionKind } from "./field-knowledge.ts";
import { type FieldSet, printPath } from "./field-set.ts";
import { ConversionError, fromPlain } from "./from-plain.ts";
import { goValueName, JsonObject, JsonSyntaxError, parseJson } from "./go-json.ts";
import { YamlError, yamlToJson } from "./go-yaml.ts";
import { comparable, emptyObject, keepTimes, mergeTypeOfKind, resetFields } from "./managed-fields.ts";
import type { MergeType } from "./merge-type.ts";
import { type Conflict, ConflictError, type Owner, Ownership } from "./ownership.ts";
import { structOf } from "./schema.ts";
import { typeErrors } from "./type-check.ts";
import { compare, ElementError, fieldsOf } from "./typed-value.ts";

export interface Apply {
  manager: string;
  force: boolean;
  /** Where it went; absent for the resource itself. */
  subresource?: string;
  /** RFC 3339, whole seconds. */
  now: string;
  fieldValidation: FieldValidation;
  /** Of a custom resource with a schema: how its values merge (`mergeTypeOfCustom`). */
  type?: MergeType;
}

/**
 * Merges the applied configuration (JSON or YAML) into what is there. The result carries its new `managedFields`; the
 * caller fills in defaults and goes on as after a patch, but for `recordManagedFields`.
 *
 * @param current undefined: the apply creates the object
 * @throws StatusError 409 with every conflict, or the server's 400, 413, 500
 */
export function applyObject(gvk: GroupVersionKind, current: KubeObject | undefined, applied: Uint8Array, apply: Apply): Decoded {
  checkSize(applied);
  const { config, duplicates } = readConfig(applied);
  checkKind(config, gvk);
  if ((config.metadata as Partial<KubeObject["metadata"]> | undefined)?.managedFields != null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const live = current ?? emptyObject({ apiVersion: apiVersionOf(gvk), kind: gvk.kind });
  const type = apply.type ?? mergeTypeOfKind(live);
  const errors = typeErrors(type, config);
  if (errors.length > 0) throw untypable(config, gvk, errors);
  const { object, ownership } = ownedAnew(type, live, config, apply, gvk);
  const result = object === undefined ? structuredClone(live) : written(gvk, object as KubeObject);
  const entries = ownership.encode();
  if (entries === undefined) delete result.metadata.managedFields;
  else result.metadata.managedFields = entries;
  if (current !== undefined) keepTimes(current, result);
  if (apply.manager === "kubectl") renewLastApplied(result, config);
  return { object: result, warnings: duplicateProblems(duplicates, apply.fieldValidation) };
}

/** Objects that nobody applied yet may hold elements without their key; those cannot be laid over. */
function ownedAnew(type: MergeType, live: KubeObject, config: KubeObject, apply: Apply, gvk: GroupVersionKind) {
  const by: Owner = { manager: apply.manager, operation: "Apply", apiVersion: live.apiVersion, subresource: apply.subresource };
  try {
    return mergedOrRefused(ownershipOf(live, type, apply), type, live, config, by, apply);
  } catch (error) {
    if (!(error instanceof ElementError)) throw error;
    const problem = typeErrors(type, comparable(live)).find((line) => line.endsWith(error.message)) ?? error.message;
    throw failure(500, undefined, `failed to create typed live object (${described(live, gvk)}): ${problem}`);
  }
}

/** An empty document counts as an empty object, which then has no kind. */
function readConfig(applied: Uint8Array): { config: KubeObject; duplicates: string[] } {
  try {
    const { json, duplicates } = yamlToJson(new TextDecoder().decode(applied));
    const node = parseJson(json);
    if (node !== null && !(node instanceof JsonObject)) {
      const problem = `json: cannot unmarshal ${goValueName(node)} into Go value of type map[string]interface {}`;
      throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${problem}`);
    }
    return { config: JSON.parse(json) ?? {}, duplicates };
  } catch (error) {
    if (error instanceof YamlError) throw badRequest(`error decoding YAML: error converting YAML to JSON: ${error.message}`);
    if (error instanceof JsonSyntaxError) throw badRequest(`error decoding YAML: ${error.message}`);
    throw error;
  }
}

/** What is no text counts as empty, and under an `apiVersion` of three parts everything does. */
function checkKind(config: { apiVersion?: unknown; kind?: unknown }, gvk: GroupVersionKind): void {
  const [apiVersion, kind] = [textOf(config.apiVersion), textOf(config.kind)];
  if (apiVersion === apiVersionOf(gvk) && kind === gvk.kind) return;
  const parts = apiVersion.split("/");
  const [group, version] = parts.length === 1 ? ["", apiVersion] : parts;
  const found = parts.length > 2 ? "/, Kind=" : `${group}/${version}, Kind=${kind}`;
  throw badRequest(`invalid object type: ${found}`);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function untypable(config: KubeObject, gvk: GroupVersionKind, errors: readonly string[]): StatusError {
  const all = errors.length === 1 ? errors[0] : ["errors:", ...errors.map((error) => `  ${error}`)].join("\n");
  return failure(500, undefined, `failed to create typed patch object (${described(config, gvk)}): ${all}`);
}

/** `default/web; apps/v1, Kind=Deployment` */
function described({ metadata }: Partial<KubeObject>, gvk: GroupVersionKind): string {
  const { namespace = "", name = "" } = metadata ?? {};
  return `${namespace}/${name}; ${gvk.group}/${gvk.version}, Kind=${gvk.kind}`;
}

/** What was there before anybody owned anything belongs to a manager made up for it. */
function ownershipOf(live: KubeObject, type: MergeType, { subresource, now }: Apply): Ownership {
  const known = Ownership.decode(live.metadata.managedFields);
  if (known === undefined) throw failure(500, undefined, "failed to decode managed fields");
  if (!known.isEmpty) return known;
  const owner: Owner = { manager: "before-first-apply", operation: "Update", apiVersion: live.apiVersion, subresource };
  return known.afterUpdate(type, emptyObject(live), comparable(live), owner, resetFields(live.kind, subresource), now);
}

function mergedOrRefused(before: Ownership, type: MergeType, live: KubeObject, config: KubeObject, by: Owner, { force, now }: Apply) {
  const reset = resetFields(live.kind, by.subresource);
  const attempt = (forced: boolean) => before.apply(type, comparable(live), config, by, reset, forced, now);
  try {
    return attempt(force);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    if (by.manager !== "kubectl") throw conflicting(error.conflicts);
    const allowed = lastAppliedFields(type, live);
    if (allowed === undefined) throw conflicting(error.conflicts);
    const left = error.conflicts.filter(({ path }) => !allowed.has(path));
    if (left.length > 0) throw conflicting(left);
    return attempt(true);
  }
}

const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Where client-side apply left its annotation, kubectl's server-side apply keeps it true, so that one may go back. */
function renewLastApplied(result: KubeObject, config: KubeObject): void {
  const { annotations } = result.metadata;
  if (annotations?.[lastAppliedAnnotation] === undefined) return;
  const applied = structuredClone(config);
  delete applied.metadata?.annotations?.[lastAppliedAnnotation];
  result.metadata.annotations = { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(sortedMembers(applied))}\n` };
}

/**
 * What kubectl's client-side apply set and nobody changed since: kubectl takes it over when it goes on to server-side
 * apply. Undefined: it never applied, or not to this version.
 */
function lastAppliedFields(type: MergeType, live: KubeObject): FieldSet | undefined {
  const text = live.metadata.annotations?.[lastAppliedAnnotation];
  if (text === undefined || text === "") return undefined;
  let last: KubeObject;
  try {
    last = JSON.parse(text);
  } catch {
    return undefined; // somebody wrote something else into the annotation
  }
  if (last.apiVersion !== live.apiVersion || typeErrors(type, last).length > 0) return undefined;
  const { added, modified, removed } = compare(type, last, comparable(live));
  return fieldsOf(type, last).difference(modified).difference(added).difference(removed);
}

/** `"red"`, `"kubectl" with subresource "status" using v1` */
function printOwner({ manager, operation, apiVersion, subresource }: Owner): string {
  const where = subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${where}${operation === "Update" ? ` using ${apiVersion}` : ""}`;
}

function conflicting(conflicts: readonly Conflict[]): StatusError {
  const causes = conflicts.map(({ owner, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${printOwner(owner)}`,
    field: printPath(path),
  }));
  return failure(409, "Conflict", conflictMessage(conflicts), { causes });
}

function conflictMessage(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (first !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${printOwner(first.owner)}: ${printPath(first.path)}`;
  }
  const byOwner = new Map<string, string[]>();
  for (const { owner, path } of conflicts) byOwner.set(printOwner(owner), [...(byOwner.get(printOwner(owner)) ?? []), printPath(path)]);
  const lines = [...byOwner]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([owner, paths]) => [`conflicts with ${owner}:`, ...paths.map((path) => `- ${path}`)]);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}

/** The merged object as its kind's structure has it. */
function written(gvk: GroupVersionKind, object: KubeObject): KubeObject {
  const struct = structOf(gvk);
  if (struct === undefined) return object;
  try {
    const { kind: _kind, apiVersion: _apiVersion, ...members } = encodeStruct(struct, fromPlain(struct, object).value);
    return { kind: gvk.kind, apiVersion: apiVersionOf(gvk), ...members } as unknown as KubeObject;
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    throw failure(500, undefined, `failed to convert new object (${described(object, gvk)}) to proper version: ${error.message}`);
  }
}

function duplicateProblems(duplicates: readonly string[], fieldValidation: FieldValidation): string[] {
  if (duplicates.length === 0 || fieldValidation === "Ignore") return [];
  if (fieldValidation === "Warn") return [...duplicates];
  const lines = duplicates.map((duplicate) => `  ${duplicate}`).join("\n");
  throw badRequest(`error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines}`);
}
