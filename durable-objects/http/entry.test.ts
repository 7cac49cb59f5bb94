import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "./streams/test-server.ts";

const manifests = [
  deployment("numbers-web", "kiamol/ch03-numbers-web"),
  deployment("bin", "kennethreitz/httpbin"),
  service("numbers-web", { type: "LoadBalancer", ports: [{ port: 8080, targetPort: 80 }], selector: { app: "numbers-web" } }),
  service("bin", { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }], selector: { app: "bin" } }),
  service("empty", { type: "LoadBalancer", ports: [{ port: 80 }], selector: { app: "nobody" } }),
  service("inside", { ports: [{ port: 80 }], selector: { app: "bin" } }),
];

function deployment(name: string, image: string) {
  const labels = { app: name };
  return {
    path: "/apis/apps/v1/namespaces/default/deployments",
    body: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: "c", image }] } } },
    },
  };
}

function service(name: string, spec: object) {
  return { path: "/api/v1/namespaces/default/services", body: { apiVersion: "v1", kind: "Service", metadata: { name }, spec } };
}

let server: TestServer;
const ask = (path: string, init: RequestInit = {}) => fetch(`${server.url}${path}`, { redirect: "manual", ...init });

beforeAll(async () => {
  server = await startTestServer({ startDelayMs: 0 });
  for (const { path, body } of manifests) {
    const response = await ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    expect(response.status).toBe(201);
  }
});
afterAll(() => server.stop());

describe("entries from outside", () => {
  it("shows the app's page without our origin's rights", async () => {
    const response = await ask("/lb/default/numbers-web/8080/");
    expect([response.status, response.headers.get("content-type"), response.headers.get("content-security-policy")]).toEqual([
      200,
      "text/html; charset=utf-8",
      "sandbox allow-scripts allow-forms",
    ]);
    expect(await response.text()).toContain("<title>KIAMOL Random Number Generator</title>");
  });

  it("takes a form from a page that has no origin", async () => {
    const response = await ask("/lb/default/numbers-web/8080/", {
      method: "POST",
      headers: { origin: "null" },
      body: new URLSearchParams({ go: "1" }),
    });
    expect(await response.text()).toContain("RNG service unavailable!");
  });

  it("adds the slash that relative links need", async () => {
    const response = await ask("/lb/default/numbers-web/8080?x=1");
    expect([response.status, response.headers.get("location")]).toEqual([308, "/lb/default/numbers-web/8080/?x=1"]);
  });

  it("removes our credentials and keeps the app's own cookies", async () => {
    const response = await ask("/node/node-2/30080/headers", {
      headers: { authorization: "Bearer secret", cookie: "kubearium-session=secret; visited=1", "x-own": "kept" },
    });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    expect([headers["Authorization"], headers["Cookie"], headers["X-Own"], headers["Host"]]).toEqual([
      undefined,
      "visited=1",
      "kept",
      "192.168.10.12:30080",
    ]);
  });

  it("hands over method, path, query and body", async () => {
    const response = await ask("/node/node-1/30080/anything?a=1", {
      method: "PUT",
      headers: { "content-type": "text/plain" },
      body: "hello",
    });
    expect(await response.json()).toMatchObject({ method: "PUT", data: "hello", args: { a: "1" } });
  });

  it.each([
    { name: "a Service without endpoints refuses", path: "/lb/default/empty/80/", status: 502, type: "route-rejected" },
    { name: "a Service of another type has no address", path: "/lb/default/inside/80/", status: 502, type: "no-external-address" },
    { name: "a Service that is not there is not found", path: "/lb/default/nope/80/", status: 404, type: "no-such-service" },
    { name: "a node that is not there is not found", path: "/node/node-9/30080/", status: 404, type: "no-such-node" },
    { name: "a port nobody has is refused", path: "/node/node-1/31999/", status: 502, type: "route-refused" },
  ])("$name", async ({ path, status, type }) => {
    const response = await ask(path);
    const problem = (await response.json()) as { type: string; detail: string; fix?: string };
    expect([response.status, problem.type]).toEqual([status, `https://kubearium.dev/problems/${type}`]);
    expect([problem.detail, problem.fix]).not.toContain("");
  });

  it("shows a browser a page that says why", async () => {
    const response = await ask("/lb/default/empty/80/", { headers: { accept: "text/html", "accept-language": "ko" } });
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toMatch(/^<!doctype html>\n<html lang="ko">/);
  });
});
