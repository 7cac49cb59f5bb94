/** A sandbox for tests of surfaces: a test cluster in the place of the wired one, without store and turns. */
import { Hono } from "hono";
import type { Cluster } from "../cluster/cluster.ts";
import { TestCluster, type TestClusterOptions } from "../cluster/network/test-cluster.ts";
import { Traces } from "../cluster/network/traces.ts";
import type { Sandbox, SandboxEnv } from "./sandbox.ts";

export class TestSandbox {
  readonly traces = new Traces();
  readonly #app: Hono<SandboxEnv>;

  constructor(surfaces: Record<string, () => Hono<SandboxEnv>>, manifests: string, options: TestClusterOptions = {}) {
    const of = new TestCluster(manifests, options);
    const cluster = {
      network: of.network,
      kubeProxy: of.kubeProxy,
      reader: of.reader,
      options: of.options,
      traces: this.traces,
      kubelet: { machines: of.machines },
      facts: { reader: of.reader, machines: of.machines, options: of.options, now: 0 },
      store: { oldestRevision: 0, changesSince: () => [] },
      limits: { requestBytes: 1_000_000 },
      now: () => 0,
      turn: <R>(work: () => R) => work(),
    } as unknown as Cluster;
    this.#app = new Hono<SandboxEnv>();
    this.#app.use(async (c, next) => {
      c.set("sandbox", { id: "demo", cluster } as Sandbox);
      await next();
    });
    for (const [path, surface] of Object.entries(surfaces)) this.#app.route(path, surface());
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return Promise.resolve(this.#app.request(path, { headers }));
  }

  post(path: string, body: unknown): Promise<Response> {
    return Promise.resolve(this.#app.request(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) }));
  }
}
