import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { Service } from "../cluster/api/objects.ts";
import { outsideWorld } from "../cluster/api/outside-world.ts";
import { defaultOptions } from "../cluster/api/sandbox-options.ts";
import { Cluster } from "../cluster/cluster.ts";
import { applyManifest } from "../cluster/manifest.ts";
import { MemoryStorage } from "../cluster/storage/memory-storage.ts";
import { rules } from "./rules.ts";
import type { Sandbox, SandboxEnv } from "./sandbox.ts";

/** The wired cluster behind the surface. */
function surface(): { cluster: Cluster; get(path: string): Promise<Response> } {
  const at = Date.parse("2026-11-24T12:00:00Z");
  const cluster = new Cluster(
    { storage: new MemoryStorage(), upstream: outsideWorld, realTime: () => at, wakeAt: () => {} },
    defaultOptions,
  );
  const app = new Hono<SandboxEnv>();
  app.use(async (c, next) => {
    c.set("sandbox", { id: "demo", cluster } as Sandbox);
    await next();
  });
  app.route("/rules", rules());
  return { cluster, get: (path) => Promise.resolve(app.request(path)) };
}

const service = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

describe("/rules at a kept version", () => {
  it("shows the rules of that time, and what has changed since", async () => {
    const { cluster, get } = surface();
    const before = cluster.revision;
    const then = await (await get("/rules")).text();
    applyManifest(cluster, service);
    const now = await (await get("/rules")).text();
    expect(await (await get(`/rules?at=${before}`)).text()).toBe(then);
    expect(now).not.toBe(then);
    const ip = cluster.reader.get<Service>("services", "default", "web")?.spec.clusterIP;
    expect(await (await get(`/rules?diff=${before}`)).text()).toBe(
      `@@ filter KUBE-SERVICES @@\n+-A KUBE-SERVICES -d ${ip}/32 -p tcp -m comment --comment "default/web has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable\n`,
    );
    const { removed, added } = (await (await get(`/rules?at=${before}&diff=${cluster.revision}&format=json`)).json()) as any;
    expect([removed.map(({ sentence }: { sentence: string }) => sentence), added]).toEqual([
      ["Service web without endpoints: packets are rejected."],
      [],
    ]);
  });

  it.each([
    { name: "a version to come", query: "at=999999", status: 400 },
    { name: "no version", query: "diff=yesterday", status: 400 },
  ])("refuses $name", async ({ query, status }) => {
    expect((await surface().get(`/rules?${query}`)).status).toBe(status);
  });
});
