/**
 * What the hub asks of one sandbox: be born, describe yourself, be renamed or prolonged, end.
 *
 * The Worker calls these under `/_/`; nobody outside reaches that path. The tokens are made by the Worker and forgotten
 * there: only their hashes arrive.
 */
import { Hono } from "hono";
import { z } from "zod";
import { authorize } from "../cluster/access/authorize.ts";
import { principalOf } from "../cluster/access/credentials.ts";
import type { Principal } from "../cluster/access/principal.ts";
import type { SandboxOptions } from "../cluster/api/sandbox-options.ts";
import { StatusError } from "../cluster/api/status-error.ts";
import type { Directory, EndReason } from "./directory.ts";
import { limits } from "./limits.ts";
import { problem, problemResponse } from "./problem.ts";
import { notAllowed, unknownVisitor } from "./refusals.ts";
import { maximumLifeSeconds, minimumTTLSeconds, newRow, type SandboxRecord, type SandboxRow } from "./sandbox-record.ts";
import { type VisitFacts, visitFacts } from "./visit-headers.ts";

/** Everything of a sandbox's life that is not its cluster. */
export interface LifePorts {
  record: SandboxRecord;
  directory: Directory;
  /** Real time, in milliseconds. */
  now(): number;
  /**
   * Makes the cluster of a sandbox that has just got its row, its `manifest` included. A `StatusError` refuses the birth,
   * and nothing of the sandbox stays.
   */
  born(row: SandboxRow): void;
}

/** Body of the internal `POST /_/create`: checked by the Worker, trusted here. */
export interface CreateOrder {
  id: string;
  name?: string;
  options: SandboxOptions;
  ttlSeconds: number;
  adminTokenHash: string;
  viewTokenHash: string;
}

/** Answer of the internal `GET /_/figures`, for the operator's list. */
export interface SandboxFigures {
  expiresAt: string | null;
  usage: Record<string, number>;
}

export const sandboxPatch = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe("What people call it."),
    ttlSeconds: z
      .number()
      .int()
      .min(minimumTTLSeconds)
      .max(maximumLifeSeconds)
      .optional()
      .describe("Ends so long after the last use; counted anew from now."),
  })
  .describe("Renames or prolongs a sandbox.");

export const sandboxDescription = z.object({
  id: z.string(),
  name: z.string().optional(),
  url: z.string(),
  createdAt: z.string(),
  ageSeconds: z.number().int(),
  expiresAt: z.string().nullable().describe("Moves with use; null: never."),
  endsAt: z.string().nullable().describe("The latest that `expiresAt` can move to."),
  ttlSeconds: z.number().int(),
  options: z.record(z.string(), z.unknown()).describe("What it was born with, without the manifest."),
  usage: z.record(z.string(), z.number()),
  limits: z.record(z.string(), z.number()),
});

type HubEnv = { Variables: { facts: VisitFacts; row: SandboxRow } };

/** The internal surface. The door has already found the row of everything but `create`. */
export function hubApp(ports: LifePorts): Hono<HubEnv> {
  const app = new Hono<HubEnv>().basePath("/_");
  // Ours to answer at the Worker, which logs it and says so in its own form.
  app.onError((error) => {
    throw error;
  });
  app.post("/create", async (c) => create(ports, await c.req.json<CreateOrder>()));
  app.get("/figures", (c) => {
    const row = livingRow(ports.record);
    return c.json({ expiresAt: timestamp(row.expiresAt), usage: ports.record.usage?.() ?? {} } satisfies SandboxFigures);
  });
  app.use("/sandbox", async (c, next) => {
    const row = livingRow(ports.record);
    c.set("row", row);
    c.set("facts", visitFacts(c.req.raw.headers));
    const refused = refuse(c.get("facts"), row, { GET: "get", HEAD: "get", PATCH: "patch", DELETE: "delete" }[c.req.method] ?? "update");
    if (refused !== undefined) return refused;
    await next();
  });
  app.get("/sandbox", (c) => c.json(describe(ports, c.get("row"), c.get("facts").baseURL)));
  app.patch("/sandbox", async (c) => {
    const patch = sandboxPatch.safeParse(await c.req.json().catch(() => undefined));
    if (!patch.success) {
      return problem(c, {
        type: "bad-sandbox-patch",
        title: "Bad change of a sandbox",
        status: 400,
        detail: z.prettifyError(patch.error),
        fix: "Send a JSON object with `name`, `ttlSeconds`, or both.",
      });
    }
    const row = changed(c.get("row"), patch.data, ports.now());
    ports.record.write(row);
    return c.json(describe(ports, row, c.get("facts").baseURL));
  });
  app.delete("/sandbox", async () => {
    await end(ports, ports.now(), "deleted");
    return new Response(null, { status: 204 });
  });
  return app;
}

/** Ends the sandbox if its time has come. For the alarm, and for a visit that comes before the alarm does. */
export async function expireIfDue(ports: Pick<LifePorts, "record" | "directory">, now: number): Promise<boolean> {
  const row = ports.record.read();
  if (row === undefined || row.expiresAt === null || row.expiresAt > now) return false;
  await end(ports, row.expiresAt, "expired");
  return true;
}

/** The directory first: if the object dies in between, the next visit or alarm ends it again. */
async function end({ record, directory }: Pick<LifePorts, "record" | "directory">, at: number, reason: EndReason): Promise<void> {
  const row = record.read();
  if (row !== undefined && row.expiresAt !== null) await directory.ended(row.id, at, reason);
  await record.destroy();
}

async function create(ports: LifePorts, order: CreateOrder): Promise<Response> {
  const { record, directory } = ports;
  if (record.read() !== undefined) throw new Error("an id is used for one sandbox only");
  const row = newRow(order, ports.now());
  try {
    record.write(row);
    ports.born(row);
    await directory.made({ id: row.id, madeAt: row.createdAt, expiresAt: row.expiresAt ?? row.createdAt });
  } catch (error) {
    await record.destroy();
    if (!(error instanceof StatusError)) throw error;
    return problemResponse({
      type: "manifest-refused",
      title: "The manifest was refused",
      status: 422,
      detail: error.message,
      fix: "Correct the manifest; `kubectl apply` in a sandbox without one gives the same message.",
    });
  }
  return Response.json({ expiresAt: timestamp(row.expiresAt) }, { status: 201 });
}

function livingRow(record: SandboxRecord): SandboxRow {
  const row = record.read();
  if (row === undefined) throw new Error("the door lets no request to an unborn sandbox through");
  return row;
}

function refuse({ credential, via }: VisitFacts, row: SandboxRow, verb: string): Response | undefined {
  const principal: Principal | undefined = principalOf(credential, via, row);
  if (principal === undefined) return unknownVisitor("/sandbox", credential !== undefined);
  const decision = authorize(principal, { verb, group: "kubearium.dev", resource: "sandboxes", name: row.id });
  return decision.allowed ? undefined : notAllowed(decision.reason);
}

function changed(row: SandboxRow, patch: z.infer<typeof sandboxPatch>, now: number): SandboxRow {
  const named = patch.name === undefined ? row : { ...row, name: patch.name };
  if (patch.ttlSeconds === undefined || row.expiresAt === null) return named;
  const expiresAt = Math.min(row.endsAt ?? Number.POSITIVE_INFINITY, now + patch.ttlSeconds * 1000);
  return { ...named, ttlSeconds: patch.ttlSeconds, expiresAt };
}

function describe(ports: LifePorts, row: SandboxRow, url: string): z.infer<typeof sandboxDescription> {
  const { manifest: _, ...options } = row.options;
  return {
    id: row.id,
    ...(row.name === undefined ? {} : { name: row.name }),
    url,
    createdAt: timestamp(row.createdAt),
    ageSeconds: Math.floor((ports.now() - row.createdAt) / 1000),
    expiresAt: timestamp(row.expiresAt),
    endsAt: timestamp(row.endsAt),
    ttlSeconds: row.ttlSeconds,
    options,
    usage: ports.record.usage?.() ?? {},
    limits,
  };
}

function timestamp(ms: number): string;
function timestamp(ms: number | null): string | null;
function timestamp(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
