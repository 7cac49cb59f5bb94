/**
 * How much of the captured API behaviour the room `apiserver/fields` reproduces on its own: decoding and strict errors of
 * `create.jsonl`, and patch application of `patch.jsonl`. Prints shares; `-v` also what differs.
 *
 *     npx esbuild test/golden-fields.ts --bundle --platform=node --packages=external --format=esm --outfile=test/.cache/golden-fields.mjs && node test/.cache/golden-fields.mjs [-v]
 */
import { readFileSync } from "node:fs";
import { StatusError } from "../durable-objects/cluster/api/status-error.ts";
import { apiResources } from "../durable-objects/cluster/apiserver/discovery/resources.generated.ts";
import { decodeObject } from "../durable-objects/cluster/apiserver/fields/decode.ts";
import type { FieldValidation, GroupVersionKind } from "../durable-objects/cluster/apiserver/fields/field-knowledge.ts";

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
  existing?: Record<string, unknown>;
  response: { code: number; warnings?: string[]; body?: { message?: string } };
}

const verbose = process.argv.includes("-v");
const golden = process.env.GOLDEN ?? "test/golden";
const cases = (file: string): Case[] =>
  readFileSync(`${golden}/corpus/${file}`, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

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
}

function attempt(work: () => { warnings: string[] }): Outcome {
  try {
    return { code: 200, message: "", warnings: work().warnings };
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

checkDecoding();
