import { describe, expect, it } from "vitest";
import type { RouteQuery } from "../api/network.ts";
import type { KubeObject } from "../api/objects.ts";
import { outsideWorld } from "../api/outside-world.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { Cluster } from "../cluster.ts";
import { applyManifest } from "../manifest.ts";
import { MemoryStorage } from "../storage/memory-storage.ts";
import { explainRoute } from "./explain-route.ts";
import type { Patch, Why } from "./why.ts";

const deployment = (name: string, image: string, replicas: number): string => `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template: { metadata: { labels: { app: ${name} } }, spec: { containers: [{ name: main, image: ${image} }] } }
`;
const service = (selector: string, targetPort: number): string => `
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { selector: { app: ${selector} }, ports: [{ port: 80, targetPort: ${targetPort} }] }
`;

/** The wired cluster, its clock moved by hand. */
class Sandbox {
  readonly cluster: Cluster;
  #now = Date.parse("2026-11-24T12:00:00Z");

  constructor(manifest: string) {
    this.cluster = new Cluster(
      { storage: new MemoryStorage(), upstream: outsideWorld, realTime: () => this.#now, wakeAt: () => {} },
      defaultOptions,
    );
    applyManifest(this.cluster, manifest);
    this.settle();
  }

  settle(): void {
    for (let second = 0; second < 10; second += 1) {
      this.#now += 1000;
      this.cluster.tick();
    }
  }

  ask(): { verdict: string; why: Why | null } {
    const sleep = this.cluster.reader.list<KubeObject>("pods", "default").find(({ metadata }) => metadata.labels?.["app"] === "sleep-1");
    const from: RouteQuery["from"] = { kind: "pod", namespace: "default", pod: sleep?.metadata.name ?? "" };
    const { network, reader, kubelet, options } = this.cluster;
    const route = network.route({ from, to: { host: "numbers-api", port: 80 }, http: { path: "/rng" } });
    return { verdict: route.verdict, why: explainRoute(route, { reader, machines: kubelet.machines, options, now: this.#now }, "en") };
  }

  /** As a client of the Kubernetes API would send it. */
  send({ apiVersion, kind, namespace = "", name, method, contentType, body }: Patch): number {
    const response = this.cluster.handle({
      method,
      path: `${this.cluster.collectionPath(apiVersion, kind, namespace)}/${name}`,
      query: new URLSearchParams(),
      contentType,
      body: new TextEncoder().encode(JSON.stringify(body)),
      principal: { user: "learner", groups: ["system:masters"], via: "internal" },
      serverAddress: "",
    });
    this.settle();
    return "code" in response ? response.code : 0;
  }
}

describe("the patches of a fix", () => {
  const api = "kiamol/ch03-numbers-api";
  it.each([
    { name: "a selector typo", manifest: deployment("numbers-api", api, 1) + service("number-api", 80), codes: ["selector-typo"] },
    { name: "zero replicas", manifest: deployment("numbers-api", api, 0) + service("numbers-api", 80), codes: ["zero-replicas"] },
    {
      name: "a wrong targetPort",
      manifest: deployment("numbers-api", api, 1) + service("numbers-api", 8080),
      codes: ["target-port-closed"],
    },
    {
      name: "two things at once",
      manifest: deployment("numbers-api", api, 1) + service("number-api", 8080),
      codes: ["selector-typo", "target-port-closed"],
    },
  ])("make the same request arrive after $name", ({ manifest, codes }) => {
    const sandbox = new Sandbox(deployment("sleep-1", "kiamol/ch03-sleep", 1) + manifest);
    const { verdict, why } = sandbox.ask();
    const found = why === null ? [] : [why, ...why.also];
    expect({ arrived: verdict === "delivered", codes: found.map(({ code }) => code) }).toEqual({ arrived: false, codes });
    expect(found.flatMap(({ fix }) => fix.patches).map((patch) => sandbox.send(patch))).toEqual(codes.map(() => 200));
    expect(sandbox.ask()).toEqual({ verdict: "delivered", why: null });
  });
});
