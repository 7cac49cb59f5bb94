/**
 * The hub: makes sandboxes and passes on what is asked about one. Stateless; what it must know is in the objects.
 *
 * Tokens are made here, answered once, and forgotten: the object gets their hashes.
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import { hashToken } from "../durable-objects/cluster/access/credentials.ts";
import { type DirectoryEntry, directoryShards, shard, shardOf } from "../durable-objects/http/directory.ts";
import { demoId } from "../durable-objects/http/door.ts";
import type { CreateOrder, SandboxFigures } from "../durable-objects/http/hub.ts";
import { kubeconfigFor } from "../durable-objects/http/kubeconfig.ts";
import { createBodyBytes, limits } from "../durable-objects/http/limits.ts";
import { problem } from "../durable-objects/http/problem.ts";
import { unknownSandbox } from "../durable-objects/http/refusals.ts";
import { stripVisitHeaders, visitHeaders } from "../durable-objects/http/visit-headers.ts";
import { type Credential, credentialOf, publicOrigin, refuseCookie, refuseStranger } from "./access.ts";
import { createBody, sandboxOptions } from "./create-body.ts";
import type { Env, Fetches } from "./env.ts";
import { decodeId, encodeId } from "./sandbox-id.ts";

const tokenBytes = 32;
const operatorPageSize = 50;

type HubEnv = { Bindings: Env };

/** `/sandboxes…`, for everybody and for the operator. */
export const sandboxes = new Hono<HubEnv>();

sandboxes.post(
  "/",
  bodyLimit({
    maxSize: createBodyBytes,
    onError: (c) =>
      problem(c, {
        type: "body-too-large",
        title: "Body too large",
        status: 413,
        detail: `A sandbox's options and manifest may take ${createBodyBytes} bytes.`,
        fix: "Make the sandbox first and `kubectl apply` the rest.",
      }),
  }),
  async (c) => {
    const text = await c.req.text();
    const body = createBody.safeParse(text.trim() === "" ? {} : parseJSON(text));
    if (!body.success) {
      return problem(c, {
        type: "bad-sandbox-options",
        title: "Bad sandbox options",
        status: 400,
        detail: z.prettifyError(body.error),
        fix: "All options are optional: send {} first, then add one at a time. /openapi.json lists them.",
      });
    }
    if (c.env.LOCAL === undefined && !(await mayCreate(c.env, c.req.header("cf-connecting-ip") ?? "unknown"))) {
      return problem(c, {
        type: "too-many-sandboxes",
        title: "Too many sandboxes",
        status: 429,
        detail: "This address has made as many sandboxes as it may within an hour.",
        fix: "Use one of them again (POST /s/{id}/reset), or wait an hour.",
      });
    }
    const objectId = c.env.CLUSTERS.newUniqueId();
    const id = encodeId(objectId.toString());
    const adminToken = randomToken();
    const viewToken = randomToken();
    const order: CreateOrder = {
      id,
      ...(body.data.name === undefined ? {} : { name: body.data.name }),
      options: sandboxOptions(body.data, randomSeed()),
      ttlSeconds: body.data.ttlSeconds,
      adminTokenHash: hashToken(adminToken),
      viewTokenHash: hashToken(viewToken),
    };
    const made = await c.env.CLUSTERS.get(objectId).fetch(
      new Request("https://sandbox/_/create", {
        method: "POST",
        headers: { [visitHeaders.internal]: "1", [visitHeaders.id]: id, "content-type": "application/json" },
        body: JSON.stringify(order),
      }),
    );
    if (made.status !== 201) return made;
    const { expiresAt } = await made.json<{ expiresAt: string }>();
    const url = `${publicOrigin(c.req.raw, c.env.LOCAL)}/s/${id}`;
    const kubeconfig = kubeconfigFor({ id, baseURL: url, credential: adminToken, certificateAuthority: c.env.LOCAL?.certificateAuthority });
    return c.json({ id, url, kubeconfig, adminToken, viewToken, expiresAt, limits }, 201, { location: url, "cache-control": "no-store" });
  },
);

/** The operator's list: ids, ages and sizes, no content. */
sandboxes.get("/", async (c) => {
  const refused = refuseStranger(c.req.raw, c.env);
  if (refused !== undefined) return refused;
  const query = listQuery.safeParse(c.req.query());
  if (!query.success) {
    return problem(c, {
      type: "bad-list-query",
      title: "Bad list query",
      status: 400,
      detail: z.prettifyError(query.error),
      fix: "Use `?continue=` with the value of the page before, or nothing.",
    });
  }
  const { entries, next } = await listPage(c.env, query.data.continue);
  const items = await Promise.all(entries.map((entry) => listItem(c.env, entry)));
  return c.json({ items: items.filter((item) => item !== undefined), ...(next === undefined ? {} : { continue: next }) });
});

sandboxes.all("/:id", (c) => askAboutSandbox(c.req.raw, c.env, c.req.param("id"), credentialOf(c.req.raw, undefined)));

const listQuery = z.object({
  continue: z
    .string()
    .regex(/^(?:\d|1[0-5]):[a-z2-7]{0,52}$/)
    .default("0:"),
});

/** Living sandboxes, shard after shard, until a page is full. `from` is `shard:last id`. */
async function listPage(env: Env, from: string): Promise<{ entries: DirectoryEntry[]; next?: string }> {
  const [first, last] = from.split(":", 2) as [string, string];
  const entries: DirectoryEntry[] = [];
  let after = last;
  for (let number = Number(first); number < directoryShards; number++) {
    const page = await shard(env.DIRECTORY, number).list(after, operatorPageSize - entries.length);
    entries.push(...page.entries);
    if (page.next !== undefined) return { entries, next: `${number}:${page.next}` };
    if (entries.length === operatorPageSize && number + 1 < directoryShards) return { entries, next: `${number + 1}:` };
    after = "";
  }
  return { entries };
}

/** `undefined`: it ended while the page was made. */
async function listItem(env: Env, { id, madeAt }: DirectoryEntry): Promise<object | undefined> {
  const answer = await objectOf(env, id)?.fetch(
    new Request("https://sandbox/_/figures", { headers: { [visitHeaders.internal]: "1", [visitHeaders.id]: id } }),
  );
  if (answer?.ok !== true) return undefined;
  const figures = await answer.json<SandboxFigures>();
  return { id, createdAt: new Date(madeAt).toISOString(), ageSeconds: Math.floor((Date.now() - madeAt) / 1000), ...figures };
}

/** `GET`, `PATCH` and `DELETE` of one sandbox, by either of its addresses. */
export async function askAboutSandbox(request: Request, env: Env, id: string, credential: Credential | undefined): Promise<Response> {
  const refused = refuseCookie(request, credential);
  if (refused !== undefined) return refused;
  const object = objectOf(env, id);
  if (object === undefined) return unknownSandbox("/sandbox");
  return object.fetch(visit(request, env, id, "/_/sandbox", credential, true));
}

/** The object of a sandbox; `undefined` where the id was never made, so that no object comes into being. */
export function objectOf(env: Env, id: string): Fetches | undefined {
  if (id === demoId) return env.LOCAL === undefined ? undefined : env.CLUSTERS.get(env.CLUSTERS.idFromName(demoId));
  const hex = decodeId(id);
  if (hex === undefined) return undefined;
  try {
    return env.CLUSTERS.get(env.CLUSTERS.idFromString(hex));
  } catch {
    return undefined; // not an id of this namespace: the platform can tell
  }
}

/** The request as the object gets it: the sandbox's own path, and what only the Worker may say about the visitor. */
export function visit(request: Request, env: Env, id: string, path: string, credential: Credential | undefined, internal = false): Request {
  const url = new URL(request.url);
  const baseURL = `${publicOrigin(request, env.LOCAL)}/s/${id}`;
  url.pathname = path;
  const asked = new Request(url.toString(), request);
  const { headers } = asked;
  stripVisitHeaders(headers);
  headers.set(visitHeaders.id, id);
  headers.set(visitHeaders.base, baseURL);
  if (credential !== undefined) {
    headers.set(visitHeaders.credential, credential.token);
    headers.set(visitHeaders.via, credential.via);
  }
  if (env.LOCAL !== undefined) headers.set(visitHeaders.local, "1");
  if (env.LOCAL?.certificateAuthority !== undefined && path === "/kubeconfig") headers.set(visitHeaders.ca, env.LOCAL.certificateAuthority);
  if (internal) headers.set(visitHeaders.internal, "1");
  return asked;
}

const mayCreate = (env: Env, address: string): Promise<boolean> =>
  shard(env.DIRECTORY, shardOf(address)).countCreation(address, Date.now());

/** 256 random bits, fit for a URL path. */
function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(tokenBytes));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

const randomSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return "not JSON"; // refused by the schema: expected an object
  }
}
