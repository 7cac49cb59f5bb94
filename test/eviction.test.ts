/**
 * An object without requests loses its memory. Every scenario runs twice, once with an eviction between any two requests,
 * and must give the same answers; and what is derived from a random history equals what is derived from the store anew.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Container, Pod } from "../durable-objects/cluster/api/objects.ts";
import type { Kubelet } from "../durable-objects/cluster/kubelet/kubelet.ts";
import { commandPlace, runCommand } from "../durable-objects/cluster/kubelet/shell/command.ts";
import { type Answer, Laboratory } from "./laboratory.ts";

const deployment = (name: string, replicas: number, image = "kiamol/ch03-numbers-api"): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image, ports: [{ containerPort: 80 }] }] } },
  },
});

const service = (name: string, extra: object = {}): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 80 }], ...extra },
});

const namespaced = "/api/v1/namespaces/default";
const apps = "/apis/apps/v1/namespaces/default";

/** The chapter as requests; each step's answer is compared. */
const chapter: ((laboratory: Laboratory) => unknown)[] = [
  (l) => l.send("POST", `${apps}/deployments`, deployment("sleep-1", 1, "kiamol/ch03-sleep")),
  (l) => l.send("POST", `${apps}/deployments`, deployment("sleep-2", 2, "kiamol/ch03-sleep")),
  (l) => l.wait(1500),
  (l) => l.send("GET", `${namespaced}/pods`),
  (l) => l.send("POST", `${namespaced}/services`, service("sleep-2")),
  (l) => l.send("GET", `${namespaced}/endpoints/sleep-2`),
  (l) => l.send("DELETE", `${namespaced}/pods?labelSelector=app=sleep-2`),
  (l) => l.wait(2000),
  (l) => l.send("GET", `${namespaced}/pods`),
  (l) => l.send("POST", `${apps}/deployments`, deployment("numbers-api", 3)),
  (l) => l.send("POST", `${namespaced}/services`, service("numbers-api", { type: "LoadBalancer" })),
  (l) => l.wait(1500),
  (l) => l.cluster.kubeProxy.rulesOf("node-1", "IPv4").print("kernel"),
  (l) =>
    l.cluster.network.route({
      from: { kind: "client", namespace: "default" },
      to: { host: "numbers-api", port: 80 },
      http: { path: "/rng" },
      seed: 3,
    }),
  (l) => l.send("PATCH", `${apps}/deployments/numbers-api`, { spec: { replicas: 1 } }, { contentType: "application/merge-patch+json" }),
  (l) => l.wait(2000),
  (l) => l.send("GET", `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`),
  (l) =>
    l.send(
      "PATCH",
      `${apps}/deployments/numbers-api`,
      { spec: { template: { metadata: { annotations: { v: "2" } } } } },
      { contentType: "application/merge-patch+json" },
    ),
  (l) => l.wait(5000),
  (l) => l.send("GET", `${apps}/replicasets`),
  (l) => l.send("GET", `${namespaced}/events`),
  (l) => l.send("DELETE", `${namespaced}/services`),
  (l) => l.wait(12_000),
  (l) => l.send("GET", `${namespaced}/services`),
  (l) => l.send("GET", `${namespaced}/services?watch=1&resourceVersion=201`),
  (l) => l.cluster.dns.zoneFile(),
];

describe("an eviction between any two requests", () => {
  it("changes no answer of the chapter", () => {
    const steady = new Laboratory();
    const evicted = new Laboratory();
    chapter.forEach((step, at) => {
      const wanted = step(steady);
      evicted.evict();
      expect([at, step(evicted)]).toEqual([at, wanted]);
    });
  });
});

const shell = (l: Laboratory, argv: string[]): unknown => {
  const pod = l.cluster.reader.list<Pod>("pods", "default").find(({ metadata }) => metadata.labels?.app === "web");
  return exec(l.cluster.kubelet, pod as Pod, argv);
};
async function exec(kubelet: Kubelet, pod: Pod, argv: string[]): Promise<unknown> {
  let output = "";
  const write = (data: Uint8Array): void => {
    output += new TextDecoder().decode(data);
  };
  const streams = { out: write, err: write, delay: () => Promise.resolve(), signal: new AbortController().signal };
  const place = kubelet.place(pod, pod.spec.containers[0] as Container);
  return { result: await runCommand(commandPlace(kubelet, place), argv, streams), output };
}
const ask = (l: Laboratory, host: string): unknown =>
  l.cluster.network.route({ from: { kind: "client", namespace: "default" }, to: { host, port: 80 }, http: { path: "/rng" } });

/** What is in no object: files, logs, draws, session affinity, traces. */
const lived: ((laboratory: Laboratory) => unknown)[] = [
  (l) => l.send("POST", `${apps}/deployments`, deployment("web", 1, "nginx")),
  (l) => l.send("POST", `${apps}/deployments`, deployment("numbers-api", 3)),
  (l) => l.send("POST", `${namespaced}/services`, service("web")),
  (l) => l.send("POST", `${namespaced}/services`, service("numbers-api")),
  (l) =>
    l.send("POST", `${namespaced}/services`, { ...service("sticky", { selector: { app: "numbers-api" }, sessionAffinity: "ClientIP" }) }),
  (l) => l.wait(2000),
  (l) => shell(l, ["sh", "-c", "mkdir -p /data; echo one > /data/x; rm /etc/nginx/nginx.conf; wget -qO- http://numbers-api/rng"]),
  (l) => shell(l, ["sh", "-c", "echo two >> /data/x; cat /data/x; ls /etc/nginx"]),
  ...Array.from({ length: 6 }, () => (l: Laboratory) => ask(l, "numbers-api")),
  ...Array.from({ length: 6 }, () => (l: Laboratory) => ask(l, "sticky")),
  (l) => ask(l, "web"),
  (l) => l.wait(60_000),
  (l) => ask(l, "sticky"),
  (l) => l.cluster.traces.list(),
  (l) => {
    const pod = l.cluster.reader.list<Pod>("pods", "default").find(({ metadata }) => metadata.labels?.app === "web") as Pod;
    return l.cluster.kubelet.logOf(pod, pod.spec.containers[0]!, false);
  },
  (l) => shell(l, ["cat", "/data/x"]),
];

describe("what is lived", () => {
  it("survives an eviction between any two requests", async () => {
    const steady = new Laboratory();
    const evicted = new Laboratory();
    for (const [at, step] of lived.entries()) {
      const wanted = await step(steady);
      evicted.evict();
      expect([at, await step(evicted)]).toEqual([at, wanted]);
    }
  });

  it("costs no row until two seconds after the last change, then few, and none while it stays the same", () => {
    const laboratory = new Laboratory();
    for (const step of lived.slice(0, 6)) step(laboratory);
    laboratory.wait(5_000);
    const before = laboratory.storage.rowsWritten;
    for (let requests = 0; requests < 100; requests += 1) ask(laboratory, "numbers-api");
    expect([laboratory.storage.rowsWritten - before, laboratory.wakeAt]).toEqual([0, laboratory.realTime + 2_000]);
    laboratory.wait(2_000);
    const saved = laboratory.storage.rowsWritten - before;
    expect([saved > 0, saved <= 4]).toEqual([true, true]);
    laboratory.wait(2_000);
    laboratory.wait(60_000);
    expect(laboratory.storage.rowsWritten - before).toBe(saved);
  });
});

describe("a turn that fails", () => {
  it("costs the cluster its memory only where something was written", () => {
    const laboratory = new Laboratory();
    const { cluster } = laboratory;
    const failing = (work: () => void) => () =>
      cluster.turn(() => {
        work();
        throw new Error("cannot be answered");
      });
    expect(failing(() => {})).toThrow("cannot be answered");
    expect(cluster.failed).toBe(false);
    expect(failing(() => laboratory.send("DELETE", "/api/v1/namespaces/default/services/kubernetes"))).toThrow("cannot be answered");
    expect(cluster.failed).toBe(true);
  });
});

describe("rows", () => {
  it("stay at 1.2 for each resourceVersion over the chapter", () => {
    const laboratory = new Laboratory();
    for (const step of chapter) step(laboratory);
    expect(laboratory.storage.rowsWritten / laboratory.cluster.revision).toBeLessThanOrEqual(1.2);
  });
});

/** Everything that is derived, in a form that two clusters can be compared by. */
function derivedOf({ cluster }: Laboratory): object {
  return {
    rules: ["node-1", "node-2"].map((node) => cluster.kubeProxy.rulesOf(node, "IPv4").print("kernel").split("\n").sort()),
    // Serial and TTLs of the zone follow the clock, not the history.
    zone: cluster.dns
      .zoneFile()
      .split("\n")
      .filter((line) => !line.includes("SOA"))
      .sort(),
  };
}

type Act =
  | { do: "service"; name: string; type: string }
  | { do: "deployment"; name: string; replicas: number }
  | { do: "delete"; what: string; name: string }
  | { do: "wait"; ms: number }
  | { do: "label"; name: string; app: string };

const names = fc.constantFrom("a", "b", "c");
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    do: fc.constant("service" as const),
    name: names,
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "Headless", "ExternalName"),
  }),
  fc.record({ do: fc.constant("deployment" as const), name: names, replicas: fc.integer({ min: 0, max: 4 }) }),
  fc.record({
    do: fc.constant("delete" as const),
    what: fc.constantFrom("services", "pods", "deployments", "endpointslices"),
    name: names,
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 15_000 }) }),
  fc.record({ do: fc.constant("label" as const), name: names, app: names }),
);

function perform(laboratory: Laboratory, act: Act): Answer | undefined {
  switch (act.do) {
    case "wait":
      laboratory.wait(act.ms);
      return undefined;
    case "deployment": {
      const made = laboratory.send("POST", `${apps}/deployments`, deployment(act.name, act.replicas));
      return made.code === 201
        ? made
        : laboratory.send(
            "PATCH",
            `${apps}/deployments/${act.name}/scale`,
            { spec: { replicas: act.replicas } },
            { contentType: "application/merge-patch+json" },
          );
    }
    case "service": {
      const spec =
        act.type === "Headless"
          ? { clusterIP: "None" }
          : act.type === "ExternalName"
            ? { type: "ExternalName", externalName: "example.com", ports: [] }
            : { type: act.type };
      return laboratory.send("POST", `${namespaced}/services`, service(act.name, spec));
    }
    case "label":
      return laboratory.send(
        "PATCH",
        `${namespaced}/services/${act.name}`,
        { spec: { selector: { app: act.app } } },
        { contentType: "application/merge-patch+json" },
      );
    case "delete":
      if (act.what === "deployments") return laboratory.send("DELETE", `${apps}/deployments/${act.name}`);
      if (act.what === "services") return laboratory.send("DELETE", `${namespaced}/services/${act.name}`);
      if (act.what === "pods") return laboratory.send("DELETE", `${namespaced}/pods?labelSelector=app=${act.name}`);
      return laboratory.send(
        "DELETE",
        `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=${act.name}`,
      );
    default:
      return act satisfies never;
  }
}

describe("derived state", () => {
  it("equals a rebuild from the store after any sequence of writes", () => {
    fc.assert(
      fc.property(fc.array(acts, { minLength: 3, maxLength: 14 }), (sequence) => {
        const laboratory = new Laboratory();
        for (const act of sequence) {
          const answer = perform(laboratory, act);
          if (answer) expect(answer.code).toBeLessThan(500);
        }
        const kept = derivedOf(laboratory);
        laboratory.evict();
        expect(derivedOf(laboratory)).toEqual(kept);
      }),
      { numRuns: process.env.FULL ? 500 : 40, seed: 20261124 },
    );
  });
});
