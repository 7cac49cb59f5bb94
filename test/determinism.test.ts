/** The same seed and the same calls lead to the same state: in Node and in workerd, with and without evictions. The clock is held, so that no wall clock plays a part. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "./e2e/server.ts";
import { Laboratory } from "./laboratory.ts";

type Send = (method: string, path: string, body?: unknown) => Promise<any>;

const heldAt = "2030-01-01T00:00:00Z";
const core = "/api/v1/namespaces/default";
const apps = "/apis/apps/v1/namespaces/default";
const container = {
  name: "c",
  image: "kiamol/ch03-numbers-api",
  ports: [{ containerPort: 80 }],
  readinessProbe: { httpGet: { path: "/healthz", port: 80 } },
};
const deployment = (name: string, replicas: number): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
  },
});
const service = (name: string, type: string): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { type, selector: { app: name }, ports: [{ port: 80 }] },
});

/** A day in a cluster's life: rollouts, faults, an eviction by taint, requests with and without a seed. */
const calls: [method: string, path: string, body?: unknown][] = [
  ["POST", `${apps}/deployments`, deployment("web", 3)],
  ["POST", `${apps}/deployments`, deployment("api", 2)],
  ["POST", `${core}/services`, service("web", "LoadBalancer")],
  ["POST", `${core}/services`, service("api", "NodePort")],
  ["POST", "/clock", { advance: "30s" }],
  ["POST", "/route", { from: "default/deploy/web", to: { host: "api", port: 80 }, http: { path: "/rng" } }],
  ["POST", "/faults", { fault: "pod-crash", of: "default/deploy/api" }],
  ["POST", "/clock", { advance: "2m" }],
  ["POST", "/route", { from: "default/deploy/web", to: { host: "web", port: 80 }, http: { path: "/rng" } }],
  ["DELETE", "/faults"],
  ["POST", "/faults", { fault: "node-down", node: "node-1" }],
  ["POST", "/clock", { advance: "7m" }],
  ["DELETE", "/faults"],
  ["POST", "/clock", { advance: "1m" }],
  ["DELETE", `${core}/pods?labelSelector=app=web`],
  ["POST", "/clock", { advance: "1h" }],
  ["POST", "/route", { from: "default/deploy/web", to: { host: "api", port: 80 }, http: { path: "/rng" } }],
];
const collections = [
  "/api/v1/nodes",
  "/api/v1/namespaces",
  "/api/v1/pods",
  "/api/v1/services",
  "/api/v1/endpoints",
  "/api/v1/configmaps",
  "/apis/apps/v1/deployments",
  "/apis/apps/v1/replicasets",
  "/apis/discovery.k8s.io/v1/endpointslices",
];

/** What was before the clock was held happened at another wall-clock time in each run. */
const withoutEarlierTimes = (text: string): string =>
  text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => (Date.parse(time) < Date.parse(heldAt) ? "earlier" : time));

/**
 * The one thing that an eviction may change: which of two changes within the same second gave Endpoints their
 * trigger time is remembered in memory (`docs/differences.md`).
 */
function withoutTriggerTime(object: any): any {
  const { managedFields, annotations, ...metadata } = object.metadata;
  const { "endpoints.kubernetes.io/last-change-trigger-time": time, ...others } = annotations ?? {};
  const isTriggered = /^Endpoint/.test(object.kind ?? "") || metadata.labels?.["endpoints.kubernetes.io/managed-by"] || time !== undefined;
  return isTriggered ? { ...object, metadata: { ...metadata, annotations: others } } : object;
}

async function stateAfter(send: Send, between: () => void = () => {}): Promise<{ hash: string; routes: string[] }> {
  await send("POST", "/clock", { hold: heldAt });
  const routes: string[] = [];
  for (const [method, path, body] of calls) {
    between();
    const answer = await send(method, path, body);
    if (path === "/route") routes.push(`${answer.verdict} ${answer.seed} ${answer.backend?.pod}`);
  }
  const hash = createHash("sha256");
  for (const path of collections) {
    const items = ((await send("GET", path)).items as any[]).map(withoutTriggerTime);
    hash.update(withoutEarlierTimes(JSON.stringify(items)));
  }
  for (const node of ["node-1", "node-2"]) hash.update(await send("GET", `/rules?node=${node}`));
  const zone: string = await send("GET", "/dns?format=zone");
  // The serial is the time at which the server last read its records.
  hash.update(zone.replace(/^.* SOA .*$/m, ""));
  return { hash: hash.digest("hex"), routes };
}

const inNode = (evicts: boolean): Promise<{ hash: string; routes: string[] }> => {
  const laboratory = new Laboratory({ seed: 7 });
  laboratory.wait(5_000);
  return stateAfter(
    async (method, path, body) => (await laboratory.http(method, path, body)).body,
    () => {
      if (evicts) laboratory.evict();
    },
  );
};

describe("the same seed and calls", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  const inWorkerd = async (): Promise<{ hash: string; routes: string[] }> => {
    const created: any = await (await fetch(`${server.url}/sandboxes`, { method: "POST", body: JSON.stringify({ seed: 7 }) })).json();
    // Its own pods are up before the clock is held, as in the other runs.
    await fetch(`${created.url}/clock`, {
      method: "POST",
      headers: { authorization: `Bearer ${created.adminToken}` },
      body: JSON.stringify({ advance: 5 }),
    });
    return stateAfter(async (method, path, body) => {
      const headers = { authorization: `Bearer ${created.adminToken}`, "content-type": "application/json", "user-agent": "laboratory/1" };
      const response = await fetch(`${created.url}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return (response.headers.get("content-type") ?? "").includes("json") ? JSON.parse(text) : text;
    });
  };

  it("lead to the same state twice in Node, with and without evictions, and twice in workerd", async () => {
    const first = await inNode(false);
    expect(first.routes.filter((route) => !route.startsWith("delivered "))).toEqual([]);
    expect(await inNode(false)).toEqual(first);
    expect(await inNode(true)).toEqual(first);
    expect(await inWorkerd()).toEqual(first);
    expect(await inWorkerd()).toEqual(first);
  });

  it("lead to another state with another seed", async () => {
    const laboratory = new Laboratory({ seed: 8 });
    laboratory.wait(5_000);
    const other = await stateAfter(async (method, path, body) => (await laboratory.http(method, path, body)).body);
    expect(other.hash).not.toBe((await inNode(false)).hash);
  });
});
