import { beforeEach, describe, expect, it, vi } from "vitest";
import type { DirectoryShard } from "../durable-objects/directory-object.ts";
import { app } from "./app.ts";
import type { Env, Fetches, LocalMode } from "./env.ts";
import { decodeId, encodeId } from "./sandbox-id.ts";

const known = "0123456789abcdef".repeat(4);
const id = encodeId(known);
const local: LocalMode = { hosts: ["127.0.0.1:8787"], loopbackOnly: true };

/** What the object was asked. */
interface Asked {
  object: string;
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** Bindings with one object that exists, which repeats nothing and remembers everything. */
class Bindings implements Env {
  asked: Asked[] = [];
  creations = 0;
  mayCreate = true;
  LOCAL?: LocalMode;
  OPERATOR_KEY?: string;
  ASSETS: Fetches = {
    fetch: async (request) => {
      const files: Record<string, string> = {
        "/index.html": '<script type="module" src="./assets/main-abcdefgh.js"></script><link href="./mark.svg">',
        "/assets/main-abcdefgh.js": "main()",
      };
      const file = files[new URL(request.url).pathname];
      return file === undefined ? new Response(null, { status: 404 }) : new Response(file);
    },
  };
  CLUSTERS = {
    newUniqueId: () => known,
    idFromName: (name: string) => `name:${name}`,
    idFromString: (hex: string) => {
      if (hex !== known) throw new TypeError("Durable Object ID is not valid for this namespace.");
      return hex;
    },
    get: (object: { toString(): string }) => ({
      fetch: async (request: Request) => {
        const path = new URL(request.url).pathname;
        this.asked.push({ object: object.toString(), method: request.method, path, headers: Object.fromEntries(request.headers) });
        if (path === "/_/create") return Response.json({ expiresAt: "2026-11-25T12:00:00.000Z" }, { status: 201 });
        if (path === "/_/figures") return Response.json({ expiresAt: "2026-11-25T12:00:00.000Z", usage: { objects: 3 } });
        return new Response("answered");
      },
    }),
  };
  DIRECTORY = {
    idFromName: (name: string) => name,
    get: (shard: { toString(): string }) =>
      ({
        list: async () => ({ entries: shard.toString() === "directory-3" ? [{ id, madeAt: Date.now(), expiresAt: 0 }] : [] }),
        figures: async () => ({ living: 1, ended: 2 }),
        countCreation: async () => {
          this.creations += 1;
          return this.mayCreate;
        },
      }) as unknown as DirectoryShard,
  };
}

let env: Bindings;
beforeEach(() => {
  env = new Bindings();
});

const ask = (path: string, init: RequestInit = {}, origin = "https://k.example") => app.request(`${origin}${path}`, init, env);
const askLocally = (path: string, init: RequestInit = {}) => {
  env.LOCAL = local;
  return ask(path, { ...init, headers: { host: "127.0.0.1:8787", ...init.headers } }, "http://127.0.0.1:8787");
};

describe("a sandbox's addresses", () => {
  it("reach its object with its own path, and with what only the Worker may say", async () => {
    const answer = await ask(`/s/${id}/api/v1/pods?limit=5`, {
      headers: { authorization: "Bearer tok", "x-kubearium-internal": "1", "x-kubearium-local": "1", "x-kubearium-anything": "1" },
    });
    expect(await answer.text()).toBe("answered");
    expect(env.asked).toEqual([
      {
        object: known,
        method: "GET",
        path: "/api/v1/pods",
        headers: {
          authorization: "Bearer tok",
          "x-kubearium-id": id,
          "x-kubearium-base": `https://k.example/s/${id}`,
          "x-kubearium-credential": "tok",
          "x-kubearium-via": "bearer",
        },
      },
    ]);
  });

  it.each([
    { name: "an id that was never made", path: `/s/${encodeId("f".repeat(64))}/route` },
    { name: "something that is no id", path: "/s/nope/route" },
    { name: "demo where it is deployed", path: "/s/demo/route" },
    { name: "a token in the address where it is deployed", path: `/t/tok/s/${id}/route` },
  ])("answer 404 for $name, and create no object", async ({ path }) => {
    expect((await ask(path)).status).toBe(404);
    expect(env.asked).toEqual([]);
  });

  it("lead to demo in local mode", async () => {
    await askLocally("/s/demo/route");
    expect(env.asked).toMatchObject([{ object: "name:demo", path: "/route", headers: { "x-kubearium-local": "1" } }]);
  });

  it("take the token out of kubectl's form over plain http", async () => {
    await askLocally(`/t/tok/s/${id}/api/v1/pods`);
    expect(env.asked).toMatchObject([{ path: "/api/v1/pods", headers: { "x-kubearium-credential": "tok", "x-kubearium-via": "path" } }]);
  });

  it.each([
    { path: `/s/${id}`, location: `/s/${id}/ui/` },
    { path: `/s/${id}/`, location: `/s/${id}/ui/` },
    { path: `/s/${id}/ui?lang=ko`, location: `/s/${id}/ui/?lang=ko` },
  ])("redirect $path to the page", async ({ path, location }) => {
    const answer = await ask(path);
    expect({ status: answer.status, location: answer.headers.get("location") }).toEqual({ status: 302, location });
  });

  it("give the outside world no credential", async () => {
    await ask(`/s/${id}/lb/default/web/80/`, {
      method: "POST",
      headers: { authorization: "Bearer tok", cookie: "kubearium-session=tok", origin: "null" },
    });
    expect(env.asked).toEqual([
      {
        object: known,
        method: "POST",
        path: "/lb/default/web/80/",
        headers: { origin: "null", "x-kubearium-id": id, "x-kubearium-base": `https://k.example/s/${id}` },
      },
    ]);
  });

  it("refuse a write by cookie without our Origin", async () => {
    const answer = await ask(`/s/${id}/import`, { method: "POST", headers: { cookie: "kubearium-session=tok" } });
    expect({ status: answer.status, asked: env.asked }).toEqual({ status: 403, asked: [] });
  });

  it("refuse a foreign page", async () => {
    const answer = await askLocally("/s/demo/import", { method: "POST", headers: { origin: "https://evil.example" } });
    expect({ status: answer.status, asked: env.asked }).toEqual({ status: 403, asked: [] });
  });
});

describe("the page", () => {
  it.each([`/s/${id}/ui/`, `/s/${id}/ui/services/default/web`])("is served at %s with absolute references", async (path) => {
    const answer = await ask(path);
    expect(await answer.text()).toBe(
      `<script type="module" src="/s/${id}/ui/assets/main-abcdefgh.js"></script><link href="/s/${id}/ui/mark.svg">`,
    );
  });

  it("may be kept for ever where its name carries a hash", async () => {
    const answer = await ask(`/s/${id}/ui/assets/main-abcdefgh.js`);
    expect({ type: answer.headers.get("content-type"), cache: answer.headers.get("cache-control") }).toEqual({
      type: "text/javascript; charset=utf-8",
      cache: "public, max-age=31536000, immutable",
    });
  });

  it("is not served in place of a missing file", async () => {
    expect((await ask(`/s/${id}/ui/assets/gone-abcdefgh.js`)).status).toBe(404);
  });
});

describe("POST /sandboxes", () => {
  const create = (body: string) => ask("/sandboxes", { method: "POST", body });

  it("answers address, kubeconfig, two tokens and the end", async () => {
    const answer = await create('{"ttlSeconds":86400}');
    const body = (await answer.json()) as Record<string, string>;
    expect({ status: answer.status, location: answer.headers.get("location"), keys: Object.keys(body), url: body["url"] }).toEqual({
      status: 201,
      location: `https://k.example/s/${id}`,
      keys: ["id", "url", "kubeconfig", "adminToken", "viewToken", "expiresAt", "limits"],
      url: `https://k.example/s/${id}`,
    });
    expect(body["adminToken"]).toMatch(/^[\w-]{43}$/);
    expect(body["viewToken"]).not.toBe(body["adminToken"]);
    expect(body["kubeconfig"]).toContain(`token: ${body["adminToken"]}`);
    expect(decodeId(body["id"] ?? "")).toBe(known);
  });

  it("takes an empty body", async () => {
    expect((await create("")).status).toBe(201);
  });

  it.each([
    { name: "an unknown field", body: '{"colour":"red"}', status: 400 },
    { name: "no JSON", body: "nodes: 3", status: 400 },
    { name: "one byte too much", body: JSON.stringify({ manifest: "x".repeat(1_048_576 - '{"manifest":""}'.length + 1) }), status: 413 },
    { name: "just as much as allowed", body: JSON.stringify({ manifest: "x".repeat(1_048_576 - '{"manifest":""}'.length) }), status: 201 },
  ])("answers $status to $name", async ({ body, status }) => {
    expect((await create(body)).status).toBe(status);
  });

  it("counts creations for each address where it is deployed", async () => {
    env.mayCreate = false;
    expect((await create("")).status).toBe(429);
    expect(env.asked).toEqual([]);
  });

  it("does not count in local mode", async () => {
    env.mayCreate = false;
    expect((await askLocally("/sandboxes", { method: "POST" })).status).toBe(201);
  });
});

describe("the operator's rows", () => {
  it.each(["/sandboxes", "/metrics"])("answer 403 at %s without the key", async (path) => {
    env.OPERATOR_KEY = "key";
    expect((await ask(path)).status).toBe(403);
  });

  it("list sandboxes by id, age and size", async () => {
    env.OPERATOR_KEY = "key";
    const answer = await ask("/sandboxes", { headers: { authorization: "Bearer key" } });
    expect(await answer.json()).toEqual({
      items: [{ id, createdAt: expect.any(String), ageSeconds: 0, expiresAt: "2026-11-25T12:00:00.000Z", usage: { objects: 3 } }],
    });
  });

  it("add up the shards", async () => {
    const answer = await askLocally("/metrics");
    expect(await answer.text()).toBe(
      '# TYPE kubearium_sandboxes gauge\nkubearium_sandboxes{state="living"} 16\nkubearium_sandboxes{state="ended"} 32\n',
    );
  });
});

describe("the service", () => {
  it.each([
    { path: "/healthz", status: 200, type: "text/plain;charset=UTF-8" },
    { path: "/", status: 200, type: "text/html; charset=UTF-8" },
    { path: "/openapi.json", status: 200, type: "application/json" },
    { path: "/docs/", status: 200, type: "text/html; charset=utf-8" },
    { path: "/docs/none.md", status: 404, type: "application/problem+json" },
    { path: "/none", status: 404, type: "application/problem+json" },
  ])("answers $status at $path", async ({ path, status, type }) => {
    const answer = await ask(path);
    expect({ status: answer.status, type: answer.headers.get("content-type") }).toEqual({ status, type });
  });

  it("describes every operation of the hub, and the surfaces of a sandbox", async () => {
    const { paths } = (await (await ask("/openapi.json")).json()) as { paths: Record<string, Record<string, { tags: string[] }>> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { tags }]) => ({ tag: tags[0], said: `${method} ${path}` })),
    );
    const tagged = (tag: string) => operations.filter((operation) => operation.tag === tag).map(({ said }) => said);
    expect(tagged("hub")).toEqual([
      "post /sandboxes",
      "get /sandboxes",
      "get /sandboxes/{id}",
      "patch /sandboxes/{id}",
      "delete /sandboxes/{id}",
      "get /s/{id}/sandbox",
      "patch /s/{id}/sandbox",
      "delete /s/{id}/sandbox",
      "get /healthz",
      "get /metrics",
    ]);
    for (const surface of ["resolve", "route", "dns", "dns-query", "rules", "kubeconfig"])
      expect(tagged("sandbox")).toContain(`get /s/{id}/${surface}`);
  });

  it("shows no stack when something breaks, and logs one line", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    env.ASSETS = {
      fetch: async () => {
        throw new Error("secret detail");
      },
    };
    const answer = await ask(`/s/${id}/ui/`);
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).not.toMatch(/secret detail|at .*\.ts/);
    expect(log.mock.calls.map(([line]) => (JSON.parse(line) as { message: string }).message)).toEqual(["secret detail"]);
    log.mockRestore();
  });
});
