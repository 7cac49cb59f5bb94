/** The hub over the built Worker in workerd: what access rules are worth when everything is real. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { creationsPerWindow } from "../../durable-objects/http/limits.ts";
import { type RunningServer, startServer } from "../../local/server.ts";

const dist = join(import.meta.dirname, "..", "..", "dist");

interface Made {
  id: string;
  url: string;
  kubeconfig: string;
  adminToken: string;
  viewToken: string;
}

const make = async (server: RunningServer, options: object = {}): Promise<Made> =>
  (await (await fetch(`${server.url}/sandboxes`, { method: "POST", body: JSON.stringify(options) })).json()) as Made;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const status = async (url: string, init: RequestInit = {}) => (await fetch(url, init)).status;

describe("the hub on this machine", () => {
  const stateFolder = mkdtempSync(join(tmpdir(), "kubearium-hub-"));
  const start = () => startServer({ dist, host: "127.0.0.1", port: 0, stateFolder });
  let server: RunningServer;
  let one: Made;
  let other: Made;

  beforeAll(async () => {
    server = await start();
    one = await make(server, { name: "one" });
    other = await make(server);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(stateFolder, { recursive: true, force: true });
  });

  it("has an open demo, which refuses a wrong token all the same", async () => {
    expect(await status(`${server.url}/s/demo/sandbox`)).toBe(200);
    expect(await status(`${server.url}/s/demo/sandbox`, { headers: { authorization: "Bearer " } })).toBe(200);
    expect(await status(`${server.url}/s/demo/sandbox`, { headers: bearer("wrong") })).toBe(401);
  });

  it("knows each sandbox's own tokens only", async () => {
    const asked = [undefined, one.adminToken, one.viewToken, other.adminToken, "wrong"];
    const answers = await Promise.all(
      asked.map((token) => status(`${one.url}/sandbox`, token === undefined ? {} : { headers: bearer(token) })),
    );
    expect(answers).toEqual([401, 200, 200, 401, 401]);
  });

  it("lets the view token look at the sandbox and change nothing of it", async () => {
    const rename = (token: string) => status(`${one.url}/sandbox`, { method: "PATCH", headers: bearer(token), body: '{"name":"two"}' });
    expect(await rename(one.viewToken)).toBe(403);
    expect(await rename(one.adminToken)).toBe(200);
    expect(await (await fetch(`${server.url}/sandboxes/${one.id}`, { headers: bearer(one.viewToken) })).json()).toMatchObject({
      id: one.id,
      name: "two",
    });
  });

  it("answers strangers on the paths of the Kubernetes API with its Status", async () => {
    const answer = await fetch(`${one.url}/api/v1/namespaces/default/pods`);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 401,
      body: { kind: "Status", message: "Unauthorized", code: 401 },
    });
  });

  it("lets the view token list pods, and says about Secrets what kube-apiserver says", async () => {
    const list = (what: string) => fetch(`${one.url}/api/v1/namespaces/default/${what}`, { headers: bearer(one.viewToken) });
    expect((await list("pods")).status).toBe(200);
    const refused = await list("secrets");
    expect({ status: refused.status, body: await refused.json() }).toMatchObject({
      status: 403,
      body: {
        message: 'secrets is forbidden: User "viewer" cannot list resource "secrets" in API group "" in the namespace "default"',
        reason: "Forbidden",
        details: { kind: "secrets" },
      },
    });
  });

  it("takes the token out of the address, as kubectl needs it over plain http", async () => {
    const base = `${server.url}/t/${one.adminToken}/s/${one.id}`;
    expect(one.kubeconfig).toContain(`server: ${base}\n`);
    expect(await status(`${base}/sandbox`)).toBe(200);
    expect(await (await fetch(`${base}/kubeconfig`)).text()).toBe(one.kubeconfig);
  });

  it("exchanges a token for a cookie, which writes only with our own Origin", async () => {
    const session = await fetch(`${one.url}/session`, { method: "POST", body: JSON.stringify({ token: one.adminToken }) });
    const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? "";
    const rename = (headers: Record<string, string>) =>
      status(`${one.url}/sandbox`, { method: "PATCH", headers: { cookie, ...headers }, body: '{"name":"three"}' });
    expect(await status(`${one.url}/sandbox`, { headers: { cookie } })).toBe(200);
    expect(await rename({})).toBe(403);
    expect(await rename({ origin: "https://evil.example" })).toBe(403);
    expect(await rename({ origin: server.url })).toBe(200);
  });

  it.each([
    { name: "its token as a subprotocol", token: () => one.adminToken, want: "open" },
    { name: "another sandbox's token", token: () => other.adminToken, want: "401" },
  ])("answers a socket with $name: $want", async ({ token, want }) => {
    const protocol = `base64url.bearer.authorization.k8s.io.${Buffer.from(token()).toString("base64url")}`;
    expect(await openSocket(`${one.url.replace("http", "ws")}/stream`, [protocol])).toBe(want);
  });

  it("answers 404 for an id that was never made, and makes no object", async () => {
    const before = filesUnder(stateFolder);
    expect(await status(`${server.url}/s/${"a".repeat(52)}/sandbox`)).toBe(404);
    expect(await status(`${server.url}/s/nope/api/v1/pods`)).toBe(404);
    expect(filesUnder(stateFolder)).toEqual(before);
  });

  it("keeps sandboxes over a restart, and remembers which ones ended", async () => {
    const gone = await make(server);
    const asGone = { headers: bearer(gone.adminToken) };
    expect(await status(`${gone.url}/sandbox`, { method: "DELETE", ...asGone })).toBe(204);
    await server.stop();
    server = await start();
    const now = (made: Made) => `${server.url}/s/${made.id}/sandbox`;
    expect(await status(now(one), { headers: bearer(one.adminToken) })).toBe(200);
    const answer = await fetch(now(gone), asGone);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({ status: 410, body: { title: "Sandbox deleted" } });
  });

  it("lists sandboxes for whoever sits at this machine", async () => {
    const { items } = (await (await fetch(`${server.url}/sandboxes`)).json()) as { items: { id: string; usage: object }[] };
    expect(items.map(({ id }) => id).sort()).toEqual([one.id, other.id].sort());
  });
});

describe("the hub as it is deployed", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ dist, host: "127.0.0.1", port: 0, local: false, operatorKey: "key" });
  });
  afterAll(() => server.stop());

  it("has no demo and no tokens in addresses", async () => {
    const { id, adminToken } = await make(server);
    expect(await status(`${server.url}/s/demo/sandbox`)).toBe(404);
    expect(await status(`${server.url}/t/${adminToken}/s/${id}/sandbox`)).toBe(404);
  });

  it("shows its operator's rows to the key alone", async () => {
    expect(await status(`${server.url}/sandboxes`)).toBe(403);
    expect(await status(`${server.url}/sandboxes`, { headers: bearer("key") })).toBe(200);
  });

  it("lets one address make so many sandboxes within an hour", async () => {
    const create = (address: string) => status(`${server.url}/sandboxes`, { method: "POST", headers: { "cf-connecting-ip": address } });
    const answers: number[] = [];
    for (let i = 0; i <= creationsPerWindow; i++) answers.push(await create("203.0.113.7"));
    expect(answers).toEqual([...Array.from({ length: creationsPerWindow }, () => 201), 429]);
    expect(await create("203.0.113.8")).toBe(201);
  });
});

/** `open`, or the status with which the upgrade was refused. */
function openSocket(url: string, protocols: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols);
    socket.once("open", () => {
      resolve("open");
      socket.terminate();
    });
    socket.once("unexpected-response", (request, response) => {
      resolve(String(response.statusCode));
      request.destroy();
    });
    socket.once("error", reject);
  });
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".sqlite"))
    .sort();
