/** The cluster's clock: hold it, let it pass at once, change its speed. Waits of minutes become one request. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { timeOf } from "../cluster/api/time.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { clockLimits } from "../cluster/cluster-clock.ts";
import type { Passage } from "../cluster/turn.ts";
import { answerProblem, badInput, jsonBody, ProblemError } from "./bad-input.ts";
import type { Operation } from "./operation.ts";
import type { SandboxEnv } from "./sandbox.ts";

const forms =
  'POST one of {"hold": true}, {"hold": "2030-01-01T00:00:00Z"}, {"advance": 300}, {"advance": "5m"}, {"release": true}, {"speed": 10}.';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** `300`, `"300s"`, `"1h30m"` -> milliseconds; `undefined` where it is no duration. */
function durationMs(text: string | number): number | undefined {
  if (typeof text === "number") return Math.round(text * 1000);
  if (!/^(\d+(\.\d+)?[dhms])+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([dhms])/g)];
  return Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit as keyof typeof unitMs], 0));
}

const advance = z
  .union([z.number(), z.string().max(40)])
  .transform((text) => durationMs(text))
  .refine((ms): ms is number => ms !== undefined && Number.isFinite(ms), "expected seconds, or a duration such as 90s, 5m or 1h30m")
  .refine((ms) => ms > 0, "expected a time that is still to come: the clock never goes back")
  .refine((ms) => ms <= clockLimits.longestAdvanceMs, `expected at most ${clockLimits.longestAdvanceMs / unitMs.d} days`);

const clockBody = z
  .strictObject({
    hold: z
      .union([z.literal(true), z.iso.datetime()])
      .optional()
      .describe("From now on it stands; or from that later time on."),
    advance: advance.optional().describe("Seconds, or a duration: everything due until then happens, each at its own time."),
    release: z.literal(true).optional().describe("It runs on from where it stands."),
    speed: z
      .number()
      .min(clockLimits.slowest)
      .max(clockLimits.fastest)
      .optional()
      .describe("Cluster seconds in a real second; a clock that is held stays held."),
  })
  .refine(
    (body) => Object.values(body).filter((value) => value !== undefined).length === 1,
    "expected exactly one of hold, advance, release, speed",
  );

const answer = z.object({
  now: z.string().describe("Cluster time."),
  held: z.boolean(),
  speed: z.number(),
  nextDueAt: z.string().nullable().describe("When something will happen by itself; null: nothing is due."),
  passed: z
    .object({
      events: z.number().describe("Due times that were worked off."),
      writes: z.number().describe("Objects written meanwhile."),
      skipped: z
        .object({ keys: z.number(), from: z.string(), detail: z.string() })
        .optional()
        .describe("What one request does not work off: looked at once, at the end."),
    })
    .optional(),
});

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/clock",
    summary: "Cluster time, and how it runs",
    tag: "sandbox",
    responses: { 200: { description: "The clock", schema: answer } },
  },
  {
    method: "post",
    path: "/s/{id}/clock",
    summary: "Holds the clock, lets time pass at once, releases it or changes its speed",
    tag: "sandbox",
    body: clockBody,
    responses: { 200: { description: "The clock as it is now", schema: answer } },
  },
];

export const clock = () =>
  new Hono<SandboxEnv>()
    .get("/", (c) => {
      c.get("sandbox").cluster.tick();
      return shown(c);
    })
    .post("/", async (c) => {
      try {
        const body = clockBody.safeParse(await jsonBody(c, forms));
        if (!body.success) return badInput(c, "clock", body.error, forms);
        return shown(c, changed(c.get("sandbox").cluster, body.data));
      } catch (error) {
        return answerProblem(error);
      }
    });

function changed(cluster: Cluster, { hold, advance, release, speed }: z.output<typeof clockBody>): Passage | undefined {
  if (advance !== undefined) return cluster.advanceClock(advance);
  if (typeof hold === "string") return heldAt(cluster, hold);
  if (hold) cluster.setClock({ held: true });
  else if (release) cluster.setClock({ held: false });
  else if (speed !== undefined) cluster.setClock({ speed });
  return undefined;
}

function heldAt(cluster: Cluster, time: string): Passage {
  cluster.tick();
  const ms = Date.parse(time) - cluster.now();
  if (ms < 0) throw backwards(time, cluster.now());
  return cluster.turn(() => {
    cluster.setClock({ held: true });
    return cluster.advanceClock(ms);
  });
}

const backwards = (asked: string, now: number): ProblemError =>
  new ProblemError({
    type: "bad-request",
    title: "Bad clock",
    status: 400,
    detail: `hold: ${asked} is over: it is ${timeOf(now)}, and the clock never goes back.`,
    fix: forms,
  });

function shown(c: Context<SandboxEnv>, passage?: Passage): Response {
  const { cluster } = c.get("sandbox");
  const { held, speed, nextDueAt } = cluster.clock;
  return c.json({
    now: preciseTime(cluster.now()),
    held,
    speed,
    nextDueAt: nextDueAt === undefined ? null : preciseTime(nextDueAt),
    ...(passage === undefined ? {} : { passed: passedOf(passage) }),
  });
}

function passedOf({ events, writes, skipped }: Passage): object {
  if (skipped === undefined) return { events, writes };
  const from = preciseTime(skipped.fromMs);
  const detail = `This was more than one request works off. From ${from} on, time jumped: ${skipped.keys} things that were due were looked at once, at the end.`;
  return { events, writes, skipped: { keys: skipped.keys, from, detail } };
}

const preciseTime = (ms: number): string => new Date(ms).toISOString();
