/** Traces that were kept: the last 200, to be looked at again in any language. */
import { Hono } from "hono";
import { z } from "zod";
import { timeOf } from "../cluster/api/time.ts";
import { type RouteTrace, routeAnswer } from "../cluster/explain/kept-route.ts";
import { mostTraces, type Trace } from "../cluster/network/traces.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { problem } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";

const query = z.object({ lang: z.enum(["en", "ko"]).optional() });

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/traces",
    summary: "The traces that are kept, newest first",
    tag: "sandbox",
    query,
    responses: { 200: { description: "A line for each", schema: z.object({ traces: z.array(z.record(z.string(), z.unknown())) }) } },
  },
  {
    method: "get",
    path: "/s/{id}/traces/{trace}",
    summary: "A kept trace, as /route answered it",
    tag: "sandbox",
    query,
    responses: { 200: { description: "The trace", schema: z.record(z.string(), z.unknown()) } },
  },
];

export const traces = () =>
  new Hono<SandboxEnv>()
    .get("/", (c) => {
      const kept = c.get("sandbox").cluster.traces.list() as Trace<RouteTrace>[];
      return c.json({ traces: kept.reverse().map(lineOf) });
    })
    .get("/:trace", (c) => {
      const id = c.req.param("trace");
      const found = c.get("sandbox").cluster.traces.get(id) as Trace<RouteTrace> | undefined;
      if (found === undefined) {
        return problem(c, {
          type: "no-such-trace",
          title: "No such trace",
          status: 404,
          detail: `There is no trace ${id}. The last ${mostTraces} are kept.`,
          fix: "Send the request again: POST /route answers with a new trace.",
        });
      }
      const { at, content } = found;
      const { from, to, path } = content;
      const asked = { from, to, ...(path === undefined ? {} : { path }) };
      return c.json({ ...routeAnswer(content.kept, id, languageOf(c), true), at: timeOf(at), asked }, 200, { vary: "accept-language" });
    });

const lineOf = ({ id, at, content: { from, to, kept } }: Trace<RouteTrace>): object => ({
  trace: id,
  at: timeOf(at),
  from,
  to,
  verdict: kept.route.verdict,
  ...(kept.http === undefined ? {} : { status: kept.http.status }),
  hops: kept.route.hops.length,
});
