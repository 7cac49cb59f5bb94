/**
 * Requests that no sane client sends, and many that one does: 20,000 of them with `FULL=1`, a tenth otherwise.
 *
 * A failure prints the request and its number; the run is replayed by the same seed (`SEED=…` for another one).
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { resources } from "../durable-objects/cluster/apiserver/registry.ts";
import { type FuzzRequest, fuzzRequest, inhabitants } from "./fuzz-requests.ts";
import { type Answer, Laboratory } from "./laboratory.ts";
import { schemaProblems } from "./schema-check.ts";

const seed = Number(process.env.SEED ?? 20261124);
const total = process.env.FULL ? 20_000 : 2_000;
/** Requests to one cluster before the next is made: what fills it would slow the rest down. */
const perCluster = 250;

/** Answers of 500 and above that a real kube-apiserver gives too, as seen in the captures. */
const serverErrorsAsInReality: readonly { message: RegExp; reason: string }[] = [
  { message: /^Timeout: Too large resource version/, reason: "504: the server waits for a revision that is yet to come, in vain" },
  { message: /strconv\.ParseUint: parsing .*: invalid syntax/, reason: "500: a resourceVersion that is no number, on GET, watch and PUT" },
  { message: /^resourceVersion should not be set on objects to be created$/, reason: "500: the storage refuses it, not the validation" },
  { message: /^failed to (create typed|convert new object)/, reason: "500: an apply whose configuration or object does not type-check" },
  { message: /^unknown patch type: /, reason: "500: a strategic merge patch with a `$patch` that does not exist" },
  { message: /does not contain declared merge key: /, reason: "500: a strategic merge patch whose list element lacks its key" },
  { message: /^list element types are not identical: /, reason: "500: a strategic merge patch that mixes types in a list" },
];

describe("the Kubernetes API under fuzz", () => {
  const random = new SeededRandom(seed);
  const rounds = Array.from({ length: total / perCluster }, (_, round) => ({ round }));
  it.each(rounds)(`answers requests of round $round (seed ${seed}) as a server does`, ({ round }) => {
    const laboratory = inhabited();
    const failures: string[] = [];
    for (let at = 0; at < perCluster; at += 1) {
      const request = fuzzRequest(random, resources);
      const wrong = answered(laboratory, request);
      if (wrong.length > 0) failures.push(`${round * perCluster + at}: ${described(request)}\n  ${wrong.join("\n  ")}`);
      // A cluster that failed is dropped and woken again, as its owner does.
      if (laboratory.cluster.failed) laboratory.evict();
      if (at % 50 === 49) laboratory.wait(1_000);
    }
    expect(failures).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

/** A cluster with a few things to find. */
function inhabited(): Laboratory {
  const laboratory = new Laboratory({ startDelayMs: 0, seed });
  laboratory.send("POST", "/api/v1/namespaces", { metadata: { name: "space" } });
  for (const { path, body } of inhabitants(resources)) laboratory.send("POST", path, body);
  settle(laboratory);
  return laboratory;
}

/** Lets controllers come to rest, so that only a request changes the revision. */
function settle(laboratory: Laboratory): void {
  for (let turns = 0; turns < 50; turns += 1) {
    const before = laboratory.cluster.revision;
    laboratory.wait(0);
    if (laboratory.cluster.revision === before) return;
  }
}

/** Sends a request and says what is wrong with its answer, and with what it left behind. */
function answered(laboratory: Laboratory, request: FuzzRequest): string[] {
  settle(laboratory);
  const before = laboratory.cluster.revision;
  let answer: Answer;
  try {
    answer = laboratory.sendRaw(request);
  } catch (error) {
    return [`throws ${error instanceof Error ? error.stack : String(error)}`];
  }
  const { code, body } = answer;
  const changed = laboratory.cluster.revision !== before;
  const parsed: unknown = typeof body === "string" || body instanceof Uint8Array ? undefined : JSON.parse(JSON.stringify(body) ?? "null");
  const wrong: string[] = [];
  if (code >= 500 && !serverErrorsAsInReality.some(({ message }) => message.test(body.message))) wrong.push(`${code}: ${body.message}`);
  if (changed && code >= 400) wrong.push(`refused with ${code} (${body.message}), and yet something was written`);
  // A DELETE with a body takes its options from there alone.
  const triesOnly =
    new URLSearchParams(request.query).getAll("dryRun").includes("All") && !(request.method === "DELETE" && request.body.length > 0);
  if (changed && triesOnly && code < 400) wrong.push("a dry run wrote");
  if (changed && (request.method === "GET" || request.method === "HEAD")) wrong.push("a read wrote");
  // Streams are opened at the edge; texts are health, logs and paths that nobody serves.
  if (code === 101 || parsed === undefined) return wrong;
  const documents = Array.isArray(parsed) ? parsed.map(({ object }: { object: unknown }) => object) : [parsed];
  for (const document of documents) wrong.push(...schemaProblems(document).map((problem) => `${code}: ${problem}`));
  return wrong;
}

function described({ method, path, query, contentType, accept, body }: FuzzRequest): string {
  const text = new TextDecoder().decode(body);
  const shown = text.length > 1_500 ? `${text.slice(0, 1_500)}… (${text.length})` : text;
  return `${method} ${path}${query === "" ? "" : `?${query}`} [${contentType ?? "-"}${accept === undefined ? "" : `, accept ${accept}`}] ${shown}`;
}
