import { beforeEach, describe, expect, it } from "vitest";
import { hashToken } from "../cluster/access/credentials.ts";
import { defaultOptions } from "../cluster/api/sandbox-options.ts";
import { badRequest } from "../cluster/api/status-error.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";
import { type DoorPorts, door, type Visit } from "./door.ts";
import { type CreateOrder, expireIfDue } from "./hub.ts";
import { hourMs, maximumLifeSeconds, type SandboxRow } from "./sandbox-record.ts";
import { visitHeaders } from "./visit-headers.ts";

const birth = Date.UTC(2026, 10, 24, 12);
const dayMs = 24 * hourMs;

/** An object with a clock moved by hand, a directory of one entry, and surfaces that repeat what they were told. */
class Stage implements DoorPorts {
  time = birth;
  row: SandboxRow | undefined;
  rowsWritten = 0;
  asked = 0;
  entries = new Map<string, DirectoryEntry>();
  refuseBirth = false;
  served: { path: string; visit: Visit; headers: Record<string, string> }[] = [];
  readonly enter = door(this);

  now(): number {
    return this.time;
  }
  record = {
    read: () => this.row,
    write: (row: SandboxRow) => {
      this.row = row;
      this.rowsWritten += 1;
    },
    destroy: () => {
      this.row = undefined;
    },
    usage: () => ({ objects: 3 }),
  };
  directory: Directory = {
    made: async (entry) => void this.entries.set(entry.id, entry),
    ended: async (id, at, reason) => {
      const entry = this.entries.get(id);
      if (entry !== undefined) entry.ended = { at, reason };
    },
    find: async (id) => {
      this.asked += 1;
      return this.entries.get(id);
    },
  };
  born(): void {
    if (this.refuseBirth) throw badRequest("no such kind");
  }
  serve(request: Request, visit: Visit): Response {
    this.served.push({ path: new URL(request.url).pathname, visit, headers: Object.fromEntries(request.headers) });
    return new Response("served");
  }

  visit(
    path: string,
    { token, method, headers, body, id = "abc" }: { token?: string; method?: string; headers?: object; body?: string; id?: string } = {},
  ) {
    return this.enter(
      new Request(`https://k.example${path}`, {
        method,
        body,
        headers: {
          [visitHeaders.id]: id,
          [visitHeaders.base]: `https://k.example/s/${id}`,
          ...(token === undefined ? {} : { [visitHeaders.credential]: token, [visitHeaders.via]: "bearer" }),
          ...headers,
        },
      }),
    );
  }

  hub(path: string, init: { token?: string; method?: string; body?: string } = {}) {
    return this.visit(`/_${path}`, { ...init, headers: { [visitHeaders.internal]: "1" } });
  }

  create(order: Partial<CreateOrder> = {}) {
    const body: CreateOrder = {
      id: "abc",
      options: { ...defaultOptions, manifest: "kind: Secret" },
      ttlSeconds: 86_400,
      adminTokenHash: hashToken("admin"),
      viewTokenHash: hashToken("view"),
      ...order,
    };
    return this.hub("/create", { method: "POST", body: JSON.stringify(body) });
  }
}

const statusAndBody = async (answer: Response) => ({ status: answer.status, body: await answer.json() });

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

describe("door of an empty object", () => {
  it("answers 404 for what was never made, asks the directory once and writes nothing", async () => {
    expect((await stage.visit("/route")).status).toBe(404);
    expect((await stage.visit("/route")).status).toBe(404);
    expect({ asked: stage.asked, written: stage.rowsWritten }).toEqual({ asked: 1, written: 0 });
  });

  it("answers 410 with time and reason for what has ended", async () => {
    stage.entries.set("abc", { id: "abc", madeAt: birth, expiresAt: birth + dayMs, ended: { at: birth + dayMs, reason: "expired" } });
    expect(await statusAndBody(await stage.visit("/route", { token: "admin" }))).toEqual({
      status: 410,
      body: {
        type: "https://kubearium.dev/problems/sandbox-ended",
        title: "Sandbox expired",
        status: 410,
        detail: "This sandbox expired at 2026-11-25T12:00:00.000Z.",
        fix: "Make a new sandbox: POST /sandboxes. A larger ttlSeconds keeps it longer while nobody uses it.",
      },
    });
  });

  it("answers a Status on the paths of the Kubernetes API", async () => {
    expect(await statusAndBody(await stage.visit("/api/v1/pods"))).toEqual({
      status: 404,
      body: {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: "There is no sandbox at this address.",
        reason: "NotFound",
        details: {},
        code: 404,
      },
    });
  });

  it("gives birth to demo in local mode, open and without an end", async () => {
    const answer = await stage.visit("/api", { id: "demo", headers: { [visitHeaders.local]: "1" } });
    expect(await answer.text()).toBe("served");
    expect(stage.row).toEqual({
      id: "demo",
      name: "demo",
      options: defaultOptions,
      createdAt: birth,
      ttlSeconds: 0,
      expiresAt: null,
      endsAt: null,
    });
    expect(stage.served[0]?.visit.principal.groups).toContain("system:masters");
  });

  it("has no demo where it is deployed", async () => {
    expect((await stage.visit("/api", { id: "demo" })).status).toBe(404);
  });

  it("takes back a birth whose manifest is refused", async () => {
    stage.refuseBirth = true;
    expect(await statusAndBody(await stage.create())).toMatchObject({ status: 422, body: { detail: "no such kind" } });
    expect({ row: stage.row, listed: stage.entries.size }).toEqual({ row: undefined, listed: 0 });
  });
});

describe("door of a living sandbox", () => {
  beforeEach(async () => {
    await stage.create();
    stage.rowsWritten = 0;
  });

  it.each([
    { name: "no token", token: undefined, path: "/route", status: 401 },
    { name: "another sandbox's token", token: "other", path: "/route", status: 401 },
    { name: "the hash of a token", token: hashToken("admin"), path: "/route", status: 401 },
    { name: "the admin token", token: "admin", path: "/route", status: 200 },
    { name: "the view token", token: "view", path: "/route", status: 200 },
    { name: "no token at the load balancer", token: undefined, path: "/lb/default/web/80/", status: 200 },
    { name: "no token at a node port", token: undefined, path: "/node/node-1/30080/", status: 200 },
  ])("answers $status to $name", async ({ token, path, status }) => {
    expect((await stage.visit(path, { token })).status).toBe(status);
  });

  it("answers 401 with the Status of kube-apiserver on its paths", async () => {
    expect(await statusAndBody(await stage.visit("/api/v1/pods", { token: "wrong" }))).toMatchObject({
      status: 401,
      body: { kind: "Status", message: "Unauthorized", reason: "Unauthorized" },
    });
  });

  it("tells the surfaces who asks and how the sandbox is addressed", async () => {
    await stage.visit("/rules", { token: "view" });
    expect(stage.served).toMatchObject([
      { path: "/rules", visit: { principal: { user: "viewer", via: "bearer" }, baseURL: "https://k.example/s/abc", row: { id: "abc" } } },
    ]);
  });

  it("shows an emulated app nothing that the Worker wrote", async () => {
    await stage.visit("/lb/default/web/80/", { headers: { "x-own": "1" } });
    expect(stage.served[0]?.headers).toEqual({ "x-own": "1" });
    expect(stage.served[0]?.visit.principal).toEqual({ user: "system:anonymous", groups: ["system:unauthenticated"], via: "anonymous" });
  });

  it("does not let an outsider reach the hub's calls", async () => {
    await stage.visit("/_/sandbox", { token: "admin", method: "DELETE" });
    expect(stage.row?.id).toBe("abc");
  });

  it("moves its end with use, and writes that at most once an hour", async () => {
    for (const minutes of [10, 30, 59, 60, 61, 119, 121]) {
      stage.time = birth + minutes * 60_000;
      await stage.visit("/route", { token: "view" });
    }
    expect({ written: stage.rowsWritten, expiresAt: stage.row?.expiresAt }).toEqual({
      written: 2,
      expiresAt: birth + 121 * 60_000 + dayMs,
    });
  });

  it("does not live longer for a visitor who is refused", async () => {
    stage.time = birth + 2 * hourMs;
    await stage.visit("/route", { token: "wrong" });
    expect(stage.rowsWritten).toBe(0);
  });

  it("never passes its maximum life", async () => {
    for (let hours = 20; hours < 30 * 24; hours += 20) {
      stage.time = birth + hours * hourMs;
      await stage.visit("/route", { token: "view" });
    }
    expect(stage.row?.expiresAt).toBe(birth + maximumLifeSeconds * 1000);
  });

  it("ends a sandbox that is due before its alarm comes", async () => {
    stage.time = birth + dayMs;
    expect((await stage.visit("/route", { token: "admin" })).status).toBe(410);
    expect({ row: stage.row, ended: stage.entries.get("abc")?.ended }).toEqual({
      row: undefined,
      ended: { at: birth + dayMs, reason: "expired" },
    });
  });
});

describe("expireIfDue", () => {
  it("does nothing one millisecond too early, and nothing the second time", async () => {
    await stage.create();
    expect(await expireIfDue(stage, birth + dayMs - 1)).toBe(false);
    expect(await expireIfDue(stage, birth + dayMs)).toBe(true);
    expect(await expireIfDue(stage, birth + dayMs)).toBe(false);
  });
});

describe("the hub's calls", () => {
  beforeEach(() => stage.create());

  it("describe the sandbox, without its manifest", async () => {
    stage.time = birth + 90_500;
    const { manifest: _, ...options } = defaultOptions;
    expect(await (await stage.hub("/sandbox", { token: "view" })).json()).toEqual({
      id: "abc",
      url: "https://k.example/s/abc",
      createdAt: "2026-11-24T12:00:00.000Z",
      ageSeconds: 90,
      expiresAt: "2026-11-25T12:00:00.000Z",
      endsAt: "2026-12-24T12:00:00.000Z",
      ttlSeconds: 86_400,
      options,
      usage: { objects: 3 },
      limits: { nodes: 100, createBodyBytes: 1_048_576, minimumTTLSeconds: 60, maximumLifeSeconds: 2_592_000 },
    });
  });

  it("rename and prolong", async () => {
    const answer = await stage.hub("/sandbox", { token: "admin", method: "PATCH", body: '{"name":"mine","ttlSeconds":172800}' });
    expect(await statusAndBody(answer)).toMatchObject({
      status: 200,
      body: { name: "mine", ttlSeconds: 172_800, expiresAt: "2026-11-26T12:00:00.000Z" },
    });
  });

  it.each([
    { name: "a field nobody knows", body: '{"colour":"red"}' },
    { name: "no JSON", body: "name: x" },
    { name: "too short a life", body: '{"ttlSeconds":59}' },
  ])("refuse $name with 400", async ({ body }) => {
    expect((await stage.hub("/sandbox", { token: "admin", method: "PATCH", body })).status).toBe(400);
  });

  it.each([
    { method: "GET", token: undefined, status: 401 },
    { method: "PATCH", token: "view", status: 403 },
    { method: "DELETE", token: "view", status: 403 },
    { method: "DELETE", token: "other", status: 401 },
  ])("answer $status to $method with the token $token", async ({ method, token, status }) => {
    const body = method === "PATCH" ? "{}" : undefined;
    expect((await stage.hub("/sandbox", { token, method, body })).status).toBe(status);
    expect(stage.row?.id).toBe("abc");
  });

  it("delete: afterwards it has ended, deleted", async () => {
    stage.time = birth + 5000;
    expect((await stage.hub("/sandbox", { token: "admin", method: "DELETE" })).status).toBe(204);
    expect(await statusAndBody(await stage.hub("/sandbox", { token: "admin" }))).toMatchObject({
      status: 410,
      body: { detail: "This sandbox was deleted at 2026-11-24T12:00:05.000Z." },
    });
  });
});

describe("session", () => {
  beforeEach(() => stage.create());
  const cookie = "Path=/s/abc/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure";

  it.each([
    { name: "a token in the body", init: { body: '{"token":"view"}' }, status: 204, set: `kubearium-session=view; ${cookie}` },
    { name: "the token of the request", init: { token: "admin" }, status: 204, set: `kubearium-session=admin; ${cookie}` },
    { name: "a wrong token", init: { body: '{"token":"other"}' }, status: 401, set: null },
    { name: "no token", init: {}, status: 401, set: null },
    { name: "something else", init: { body: "token" }, status: 400, set: null },
  ])("answers $status to $name", async ({ init, status, set }) => {
    const answer = await stage.visit("/session", { method: "POST", ...init });
    expect({ status: answer.status, set: answer.headers.get("set-cookie") }).toEqual({ status, set });
  });

  it("is removed by DELETE", async () => {
    const answer = await stage.visit("/session", { method: "DELETE" });
    expect(answer.headers.get("set-cookie")).toBe("kubearium-session=; Path=/s/abc/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
  });
});

describe("kubeconfig", () => {
  beforeEach(() => stage.create());

  it("carries the credential with which it was asked for", async () => {
    const answer = await stage.visit("/kubeconfig", { token: "view" });
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="kubearium-abc.yaml"');
    expect(await answer.text()).toContain("token: view\n");
  });

  it("is not given to strangers", async () => {
    expect((await stage.visit("/kubeconfig")).status).toBe(401);
  });
});
