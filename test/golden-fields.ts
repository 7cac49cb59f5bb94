/**
 * How much of the captured API behaviour the room `apiserver/fields` reproduces on its own: decoding and strict errors of
 * `create.jsonl`, and patch application of `patch.jsonl`. Prints shares; `-v` also what differs.
 *
 *     npx esbuild test/golden-fields.ts --bundle --platform=node --packages=external --format=esm --outfile=test/.cache/golden-fields.mjs && node test/.cache/golden-fields.mjs [-v]
 */
import { readFileSync } from "node:fs";
import type { KubeObject, ManagedFieldsEntry } from "../durable-objects/cluster/api/objects.ts";
import { StatusError } from "../durable-objects/cluster/api/status-error.ts";
import { apiResources } from "../durable-objects/cluster/apiserver/discovery/resources.generated.ts";
import { applyObject } from "../durable-objects/cluster/apiserver/fields/apply.ts";
import { decodeObject } from "../durable-objects/cluster/apiserver/fields/decode.ts";
import { applySchemaDefaults } from "../durable-objects/cluster/apiserver/fields/defaults.ts";
import type { FieldValidation, GroupVersionKind } from "../durable-objects/cluster/apiserver/fields/field-knowledge.ts";
import { recordManagedFields } from "../durable-objects/cluster/apiserver/fields/managed-fields.ts";
import { mergeTypeOfCustom } from "../durable-objects/cluster/apiserver/fields/merge-type.ts";
import { patchObject } from "../durable-objects/cluster/apiserver/fields/patch.ts";
import { resources } from "../durable-objects/cluster/apiserver/registry.ts";

interface Call {
  method: string;
  path: string;
  query?: string;
  contentType?: string;
  body?: unknown;
  bodyText?: string;
}
interface Case {
  id: string;
  kind: string;
  what: string;
  request: Call;
  existing?: { kind: string; apiVersion: string; metadata: any };
  response: { code: number; warnings?: string[]; body?: { message?: string } & Record<string, unknown> };
}

const verbose = process.argv.includes("-v");
const golden = process.env.GOLDEN ?? "test/golden";
const cases = (file: string): Case[] =>
  readFileSync(`${golden}/corpus/${file}`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line.replaceAll(/<time( of step \d+)?>/g, "2026-01-01T00:00:00Z").replaceAll('"<node-port>"', "30000")));

const bodyOf = (request: Call): Uint8Array =>
  new TextEncoder().encode(request.bodyText ?? (request.body === undefined ? "" : JSON.stringify(request.body)));

/** What a path is about: `/apis/apps/v1/namespaces/x/deployments` -> apps/v1 Deployment. */
function kindAt(path: string): GroupVersionKind | undefined {
  const [, root, ...parts] = path.split("/");
  const [group, version] = root === "api" ? ["", parts.shift()] : [parts.shift(), parts.shift()];
  if (parts[0] === "namespaces" && parts.length > 2) parts.splice(0, 2);
  const name = parts.length > 2 ? `${parts[0]}/${parts[2]}` : parts[0];
  const resource = apiResources[root === "api" ? `api/${version}` : `apis/${group}/${version}`]?.find((entry) => entry.name === name);
  if (resource === undefined) return undefined;
  return { group: resource.group ?? group ?? "", version: resource.version ?? version ?? "", kind: resource.kind };
}

interface Outcome {
  code: number;
  message: string;
  warnings: string[];
  object?: Record<string, unknown>;
}

function attempt(work: () => { warnings: string[]; object: Record<string, unknown> }): Outcome {
  try {
    return { code: 200, message: "", ...work() };
  } catch (error) {
    if (error instanceof StatusError) return { code: error.status.code, message: error.status.message ?? "", warnings: [] };
    return { code: 500, message: `OUR BUG ${(error as Error).stack}`, warnings: [] };
  }
}

function report(title: string, results: { id: string; ok: boolean; detail: string }[]): void {
  const good = results.filter(({ ok }) => ok).length;
  console.log(`${title}: ${good}/${results.length}`);
  if (verbose) for (const { id, ok, detail } of results) if (!ok) console.log(`  ${id}\n${detail}`);
}

const decodingErrors = / cannot be handled as a | is unrecognized | unknown format | does not match the expected API version /;

/** Answers of the decoder must be given by it, and it must let everything else pass, with the same warnings about fields. */
function checkDecoding(): void {
  const results = cases("create.jsonl").flatMap((record) => {
    const expected = kindAt(record.request.path);
    if (expected === undefined || record.request.method !== "POST") return [];
    const query = new URLSearchParams(record.request.query);
    const validation = (query.get("fieldValidation") || "Warn") as FieldValidation;
    if (!["Strict", "Warn", "Ignore"].includes(validation)) return [];
    const message = record.response.body?.message ?? "";
    const isDecoderAnswer = record.response.code >= 400 && decodingErrors.test(` ${message}`);
    const ours = attempt(() =>
      decodeObject(bodyOf(record.request), record.request.contentType ?? "application/json", expected, validation),
    );
    const warnings = (record.response.warnings ?? []).filter((text) => /^(unknown|duplicate) field|already set in map/.test(text));
    const ok = isDecoderAnswer
      ? ours.code === record.response.code && ours.message === message
      : ours.code === 200 && JSON.stringify(ours.warnings) === JSON.stringify(warnings);
    const detail = `    want ${record.response.code} ${isDecoderAnswer ? message : JSON.stringify(warnings)}\n    got  ${ours.code} ${ours.message || JSON.stringify(ours.warnings)}\n    body ${new TextDecoder().decode(bodyOf(record.request)).slice(0, 300)}`;
    return [{ id: record.id, ok, detail, isDecoderAnswer }];
  });
  report(
    "decoding errors of create.jsonl",
    results.filter(({ isDecoderAnswer }) => isDecoderAnswer),
  );
  report(
    "bodies of create.jsonl that decode, with their warnings",
    results.filter(({ isDecoderAnswer }) => !isDecoderAnswer),
  );
}

/** Errors of the patch itself, as opposed to those that the patched object meets later. */
function isPatchError({ code, body }: Case["response"]): boolean {
  const message = body?.message ?? "";
  if (code === 500 || code === 415 || message.startsWith(' "" is invalid: patch') || message.startsWith("the server rejected our request"))
    return true;
  return code === 400 && !/URL/.test(message);
}

/** The quoted document without `managedFields`, which the corpus leaves out of the existing object. */
function comparable(message: string): string {
  const match = /^ "" is invalid: patch: Invalid value: ("\{.*\}"): (.*)$/s.exec(message);
  if (match === null) return message;
  const document = JSON.parse(JSON.parse(match[1] as string));
  return `${JSON.stringify(document, (key, value) => (key === "managedFields" ? undefined : value))}: ${match[2]}`;
}

/** What the server sets by itself afterwards. */
const later = new Set([
  "metadata.generation",
  "metadata.resourceVersion",
  "metadata.managedFields",
  "metadata.uid",
  "metadata.creationTimestamp",
]);

/** The first path of `part` whose value `whole` does not have. */
function missing(part: unknown, whole: unknown, path = ""): string | undefined {
  if (later.has(path)) return undefined;
  if (typeof part !== "object" || part === null)
    return part === whole ? undefined : `${path}: ${JSON.stringify(part)} is ${JSON.stringify(whole)}`;
  if (Array.isArray(part) && (!Array.isArray(whole) || whole.length !== part.length))
    return `${path}: ${JSON.stringify(part)} is ${JSON.stringify(whole)}`;
  for (const [key, value] of Object.entries(part)) {
    const found = missing(value, (whole as Record<string, unknown> | undefined)?.[key], path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkPatches(): void {
  const results = cases("patch.jsonl").flatMap((record) => {
    const { request, response, existing } = record;
    const isScale = /\/scale$/.test(request.path);
    if (existing === undefined || isScale || request.contentType?.includes("apply") || /\/nope/.test(request.path)) return [];
    const [group, version] = existing.apiVersion.includes("/") ? existing.apiVersion.split("/") : ["", existing.apiVersion];
    const gvk = { group: group as string, version: version as string, kind: existing.kind };
    const validation = (new URLSearchParams(request.query).get("fieldValidation") || "Warn") as FieldValidation;
    if (!["Strict", "Warn", "Ignore"].includes(validation)) return [];
    const ours = attempt(() => patchObject(gvk, existing, bodyOf(request), request.contentType ?? "application/json", validation));
    const isError = isPatchError(response);
    const warnings = (response.warnings ?? []).filter((text) => /(unknown|duplicate) field/.test(text));
    let difference = "";
    if (isError) {
      if (ours.code !== response.code || comparable(ours.message) !== comparable(response.body?.message ?? "")) difference = "error";
    } else if (ours.code !== 200) difference = "error";
    else if (response.code === 200) {
      if (record.kind !== "Widget" && JSON.stringify(ours.warnings) !== JSON.stringify(warnings)) difference = "warnings";
      difference ||= request.path.endsWith("/status") ? "" : (missing(ours.object, response.body) ?? "");
    }
    const detail = `    ${difference}\n    want ${response.code} ${comparable(response.body?.message ?? "")} ${JSON.stringify(warnings)}\n    got  ${ours.code} ${comparable(ours.message)} ${JSON.stringify(ours.warnings)}\n    patch ${new TextDecoder().decode(bodyOf(request)).slice(0, 300)}`;
    return [{ id: record.id, ok: difference === "", detail, isError }];
  });
  report(
    "errors of the patch itself in patch.jsonl",
    results.filter(({ isError }) => isError),
  );
  report(
    "patches of patch.jsonl that apply, and what they make",
    results.filter(({ isError }) => !isError),
  );
}

interface Sequence {
  id: string;
  kind: string;
  steps: { what: string; request: Call; response: { code: number; warnings?: string[]; body?: any } }[];
}

const fixtures = readFileSync(`${golden}/corpus/list-fixtures.json`, "utf8");
const crd = (JSON.parse(fixtures) as any[])
  .map((entry) => entry.body ?? entry.request?.body)
  .find((body) => body?.kind === "CustomResourceDefinition");
const widgetType = mergeTypeOfCustom(crd.spec.versions[0].schema.openAPIV3Schema);
const widget: GroupVersionKind = { group: "corpus.example.com", version: "v1", kind: "Widget" };

/** Entries without their times, in one order; whether there is a time stays. */
const entriesOf = (entries: ManagedFieldsEntry[] | undefined): string[] =>
  (entries ?? []).map(({ time, ...entry }) => JSON.stringify({ ...entry, hasTime: time !== undefined }, sortedKeys)).sort();
const sortedKeys = (_: string, value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/**
 * Each request of a sequence by itself, on what the captured server left behind before it: the owners afterwards, or the
 * refusal. What strategies add (allocated fields, refusals of validation) is not looked at.
 */
function checkApplies(): void {
  const results: { id: string; ok: boolean; detail: string; isApply: boolean }[] = [];
  for (const sequence of cases("apply.jsonl") as unknown as Sequence[]) {
    let current: KubeObject | undefined;
    for (const [index, { request, response }] of sequence.steps.entries()) {
      const previous = current;
      if (response.code === 200 || response.code === 201)
        current = response.body?.metadata?.deletionTimestamp === undefined ? response.body : undefined;
      if (request.method === "DELETE" && response.code === 200) current = undefined;
      if (request.method === "GET" || request.method === "DELETE" || request.path.endsWith("/scale")) {
        if (request.path.endsWith("/scale")) break; // the rest of the sequence depends on what we do not see
        continue;
      }
      const gvk = request.path.includes("/widgets") ? widget : kindAt(request.path.replace(/\/status$/, ""));
      const isLater =
        response.code === 422 ||
        (response.code >= 400 && /URL|namespace|not found|modified|uid mismatch/.test(response.body?.message ?? ""));
      if (gvk === undefined || isLater) continue;
      const ours = attempt(() => ({ warnings: [], object: step(gvk, previous, request) as unknown as Record<string, unknown> }));
      let difference = "";
      const wanted = entriesOf(response.body?.metadata?.managedFields);
      const found = entriesOf((ours.object as unknown as KubeObject | undefined)?.metadata.managedFields);
      if (response.code >= 400) {
        if (ours.code !== response.code || sortedLines(ours.message) !== sortedLines(response.body?.message ?? ""))
          difference = `want ${response.body?.message}\n    got  ${ours.message}`;
      } else if (ours.code !== 200) difference = `want success\n    got  ${ours.code} ${ours.message}`;
      else if (wanted.join() !== found.join()) difference = `want ${wanted.join("\n         ")}\n    got  ${found.join("\n         ")}`;
      const detail = `    ${difference}\n    ${request.method} ${request.path} ${request.query ?? ""} ${new TextDecoder().decode(bodyOf(request)).slice(0, 400)}`;
      results.push({
        id: `${sequence.id} step ${index}`,
        ok: difference === "",
        detail,
        isApply: request.contentType?.includes("apply") ?? false,
      });
    }
  }
  report(
    "applies of apply.jsonl: owners, conflicts and refusals",
    results.filter(({ isApply }) => isApply),
  );
  report(
    "other writes of apply.jsonl: owners",
    results.filter(({ isApply }) => !isApply),
  );
}

/** Conflicts of one message come in no fixed order between managers. */
const sortedLines = (message: string): string => message.split("\n").sort().join("\n");

function step(gvk: GroupVersionKind, current: KubeObject | undefined, request: Call): KubeObject {
  const query = new URLSearchParams(request.query);
  const type = gvk.kind === "Widget" ? { type: widgetType } : {};
  const subresource = request.path.endsWith("/status") ? { subresource: "status" } : {};
  const fieldValidation = (query.get("fieldValidation") || "Warn") as FieldValidation;
  const now = "2026-01-01T00:00:00Z";
  if (request.contentType === "application/apply-patch+yaml") {
    const force = query.has("force") && !["0", "false"].includes(query.get("force") as string);
    return applyObject(gvk, current, bodyOf(request), {
      manager: query.get("fieldManager") ?? "",
      force,
      fieldValidation,
      now,
      ...subresource,
      ...type,
    }).object as unknown as KubeObject;
  }
  const { object } =
    request.method === "PATCH"
      ? patchObject(gvk, current as KubeObject, bodyOf(request), request.contentType as string, fieldValidation)
      : decodeObject(bodyOf(request), request.contentType ?? "application/json", gvk, fieldValidation);
  const next = object as unknown as KubeObject;
  applySchemaDefaults(gvk, next);
  resources.find((of) => of.group === gvk.group && of.kind === gvk.kind)?.applyDefaults?.(next);
  const manager = query.get("fieldManager") || "corpus";
  recordManagedFields(request.method === "POST" ? undefined : current, next, {
    manager,
    operation: "Update",
    now,
    ...subresource,
    ...type,
  });
  return next;
}

checkDecoding();
checkPatches();
checkApplies();
