/** Where a packet or an HTTP request goes: one, up to a thousand, or many flows of one as a histogram. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { answerProblem, badInput, jsonBody, ProblemError } from "./bad-input.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { histogram, routeAnswer } from "./route-answer.ts";
import { bodyOfQueryString, type RouteBody, routeBody, routeLimits, routeQueryOf, routeQueryString } from "./route-input.ts";
import type { SandboxEnv } from "./sandbox.ts";

const forms =
  "GET /route?from=default/deploy/sleep-1&to=http://numbers-api/rng, or POST {from, to: {host, port, protocol}, http, flow, seed}.";

const answerSchema = z.record(z.string(), z.unknown());

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/route",
    summary: "Where a packet or an HTTP request goes",
    tag: "sandbox",
    query: routeQueryString,
    responses: { 200: { description: "The way, hop by hop, and its verdict", schema: answerSchema } },
  },
  {
    method: "post",
    path: "/s/{id}/route",
    summary: "The same as JSON; an array of up to 1,000 is answered as an array",
    tag: "sandbox",
    body: z.union([routeBody, z.array(routeBody).max(routeLimits.queries)]),
    responses: { 200: { description: "The way, or the ways", schema: z.union([answerSchema, z.array(answerSchema)]) } },
  },
];

export const routes = () =>
  new Hono<SandboxEnv>()
    .get("/", (c) => {
      const query = routeQueryString.safeParse(c.req.query());
      if (!query.success) return badInput(c, "route query", query.error, forms);
      return respond(c, () => answers(c, [bodyOfQueryString(query.data)])[0]);
    })
    .post("/", async (c) => {
      try {
        const body = await jsonBody(c, forms);
        const sent: unknown[] = Array.isArray(body) ? body : [body];
        if (sent.length > routeLimits.queries) throw tooMany(`${sent.length} queries`, `at most ${routeLimits.queries} queries`);
        const bodies: RouteBody[] = [];
        for (const [at, each] of sent.entries()) {
          const parsed = routeBody.safeParse(each);
          if (!parsed.success) return badInput(c, "route query", parsed.error, forms, Array.isArray(body) ? `[${at}]` : "");
          bodies.push(parsed.data);
        }
        return respond(c, () => (Array.isArray(body) ? answers(c, bodies) : answers(c, bodies)[0]));
      } catch (error) {
        return answerProblem(error);
      }
    });

function respond(c: Context<SandboxEnv>, work: () => unknown): Response {
  try {
    return c.json(c.get("sandbox").cluster.turn(work), 200, { vary: "accept-language" });
  } catch (error) {
    return answerProblem(error);
  }
}

function answers(c: Context<SandboxEnv>, bodies: readonly RouteBody[]): object[] {
  const { cluster } = c.get("sandbox");
  const flows = bodies.reduce((sum, { count }) => sum + (count ?? 1), 0);
  if (flows > routeLimits.flows) throw tooMany(`${flows} flows`, `at most ${routeLimits.flows} flows`);
  const queries = bodies.map((body) => ({ body, query: routeQueryOf(body, cluster.reader) }));
  return queries.map(({ body, query }) => {
    if (body.count !== undefined) return histogram(cluster, query, body.count);
    return chosen(routeAnswer(cluster, query, languageOf(c, body.lang)), body.fields);
  });
}

const chosen = (answer: object, fields: readonly string[] | undefined): object =>
  fields === undefined ? answer : Object.fromEntries(Object.entries(answer).filter(([field]) => fields.includes(field)));

const tooMany = (sent: string, most: string): ProblemError =>
  new ProblemError({
    type: "too-many",
    title: "Too many at once",
    status: 400,
    detail: `${sent} were sent; one request takes ${most}.`,
    fix: "Split them over several requests.",
  });
