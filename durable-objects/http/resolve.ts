/** What a name means to a sender: its answers, every question asked on the way, and why there is none. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { nameProblem } from "../cluster/api/domain-names.ts";
import type { ObjectRef, Resolution, Route, Sender } from "../cluster/api/network.ts";
import type { Service } from "../cluster/api/objects.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { adviseOnResolution, explainResolution, explainRoute } from "../cluster/explain/explain-route.ts";
import { type Language, languages } from "../cluster/explain/messages/catalogue.ts";
import { unresolved } from "../cluster/network/causes.ts";
import { answerProblem, badInput, jsonBody, ProblemError } from "./bad-input.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { routeLimits, senderSchema } from "./route-input.ts";
import type { SandboxEnv } from "./sandbox.ts";
import { senderFrom } from "./sender.ts";

const forms = "GET /resolve?name=numbers-api&type=A&from=default/sleep-1, or POST {name, type, from}.";

/** What cannot be written into a question; a name with an empty label can be typed, and is an answer. */
const name = z
  .string()
  .min(1)
  .max(1024)
  .refine((text) => nameProblem(text) !== "label-too-long", "a label of a name has at most 63 characters")
  .refine((text) => nameProblem(text) !== "name-too-long", "a name has at most 253 characters");
const type = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.string().regex(/^[A-Z][A-Z0-9]{0,15}$/, "must be a record type such as A, AAAA, SRV, CNAME, PTR or TXT"))
  .default("A");
const lang = z.enum(languages as ["en", "ko"]).optional();
const seed = z.number().int().min(0).max(0xffff_ffff).optional();

const query = z.strictObject({
  name,
  type,
  from: z.string().min(1).optional(),
  lang,
  seed: z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(z.number().max(0xffff_ffff)).optional(),
});
const resolveBody = z.strictObject({ name, type, from: senderSchema.optional(), lang, seed });
type ResolveBody = z.infer<typeof resolveBody>;

const answerSchema = z.record(z.string(), z.unknown());

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/resolve",
    summary: "What a name means to a pod, a node or the outside",
    tag: "sandbox",
    query,
    responses: { 200: { description: "The answer; a name that does not resolve is one, too", schema: answerSchema } },
  },
  {
    method: "post",
    path: "/s/{id}/resolve",
    summary: "The same as JSON; an array of up to 1,000 is answered as an array",
    tag: "sandbox",
    body: z.union([resolveBody, z.array(resolveBody).max(routeLimits.queries)]),
    responses: { 200: { description: "The answer, or the answers", schema: z.union([answerSchema, z.array(answerSchema)]) } },
  },
];

export const resolve = () =>
  new Hono<SandboxEnv>()
    .get("/", (c) => {
      const parsed = query.safeParse(c.req.query());
      return parsed.success ? respond(c, [parsed.data], false) : badInput(c, "resolve query", parsed.error, forms);
    })
    .post("/", async (c) => {
      try {
        const body = await jsonBody(c, forms);
        const sent: unknown[] = Array.isArray(body) ? body : [body];
        if (sent.length > routeLimits.queries) throw tooMany(sent.length);
        const bodies: ResolveBody[] = [];
        for (const [at, each] of sent.entries()) {
          const parsed = resolveBody.safeParse(each);
          if (!parsed.success) return badInput(c, "resolve query", parsed.error, forms, Array.isArray(body) ? `[${at}]` : "");
          bodies.push(parsed.data);
        }
        return respond(c, bodies, Array.isArray(body));
      } catch (error) {
        return answerProblem(error);
      }
    });

function respond(c: Context<SandboxEnv>, bodies: readonly ResolveBody[], asArray: boolean): Response {
  const { cluster } = c.get("sandbox");
  try {
    const answers = cluster.turn(() => bodies.map((body) => answerOf(cluster, body, languageOf(c, body.lang))));
    return c.json(asArray ? answers : answers[0]!, 200, { vary: "accept-language" });
  } catch (error) {
    return answerProblem(error);
  }
}

function answerOf(cluster: Cluster, body: ResolveBody, language: Language): object {
  const from = senderFrom(body.from, cluster.reader);
  const { resolution, failure, way } = cluster.network.lookUp({
    from,
    name: body.name,
    type: body.type,
    ...(body.seed === undefined ? {} : { seed: body.seed }),
  });
  const { name: asked, type: of, rcode, answers, trace } = resolution;
  const facts = cluster.facts;
  const lost = way?.cause?.code.startsWith("policy-") ? unresolved({ resolution, way }) : undefined;
  const why =
    failure !== undefined || lost !== undefined || way?.verdict === "unsupported"
      ? explainRoute({ ...unsent(failure?.cause ?? lost ?? way?.cause, way?.objects ?? []), resolution }, facts, language)
      : explainResolution(resolution, facts, language);
  const advice = why === null ? adviseOnResolution(resolution, facts, language) : null;
  return {
    name: asked,
    type: of,
    rcode,
    from: fromOf(resolution, from),
    answers,
    service: serviceOf(resolution, cluster),
    trace: trace.map(({ answers: _answers, ...step }) => step),
    why,
    ...(advice === null ? {} : { advice }),
  };
}

/** A question that could not be sent, or of which nobody can say what became of it: told as the route of its packet. */
const unsent = (cause: Route["cause"], objects: readonly ObjectRef[]): Route => ({
  verdict: "unsupported",
  protocol: "UDP",
  hops: [{ n: 1, at: "", does: "stop", code: "stop-unsupported", params: {}, objects: [...objects] }],
  candidates: [],
  ...(cause === undefined ? {} : { cause }),
});

const fromOf = ({ from }: Resolution, sender: Sender): object => (sender.kind === "outside" ? { outside: sender.ip } : from);

/** The Service that the name stands for: the one that the first answer is about. */
function serviceOf({ answers, trace }: Resolution, { reader, options }: Cluster): object | null {
  const owner = (answers[0]?.name ?? trace.at(-1)?.query ?? "").toLowerCase();
  const suffix = `.svc.${options.clusterDomain}.`;
  if (!owner.endsWith(suffix)) return null;
  const [namespace = "", service = ""] = owner.slice(0, -suffix.length).split(".").reverse();
  const found = reader.get<Service>("services", namespace, service);
  if (found === undefined) return null;
  const { type: kind, clusterIP, externalName } = found.spec;
  return {
    namespace,
    name: service,
    type: kind,
    ...(clusterIP ? { clusterIP } : {}),
    ...(externalName === undefined ? {} : { externalName }),
  };
}

const tooMany = (sent: number): ProblemError =>
  new ProblemError({
    type: "too-many",
    title: "Too many at once",
    status: 400,
    detail: `${sent} queries were sent; one request takes at most ${routeLimits.queries}.`,
    fix: "Split them over several requests.",
  });
