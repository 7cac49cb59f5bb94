/** Wires that are cut, slow or lossy, as `/faults` makes them. */
import { describe, expect, it } from "vitest";
import { podYaml, TestCluster } from "./test-cluster.ts";

const manifests = [
  podYaml({ name: "sleep-1", ip: "10.244.0.7", node: "node-1" }),
  podYaml({ name: "near", ip: "10.244.0.8", node: "node-1", app: "web", ports: [80] }),
  podYaml({ name: "far", ip: "10.244.1.3", node: "node-2", app: "web", ports: [80] }),
].join("");

describe("a fault of the wire between two nodes", () => {
  it("cuts what goes from node to node, and nothing else", () => {
    const cluster = new TestCluster(manifests, { wire: { split: true } });
    const { verdict, cause } = cluster.route("sleep-1", "10.244.1.3", { port: 80 });
    expect([verdict, cause]).toEqual([
      "unanswered",
      { code: "nodes-split", params: { node: "node-1", other: "node-2", ip: "10.244.1.3" } },
    ]);
    expect(cluster.route("sleep-1", "10.244.0.8", { port: 80 }).verdict).toBe("delivered");
  });

  it("costs its latency as a hop of its own", () => {
    const route = new TestCluster(manifests, { wire: { latencyMs: 50 } }).route("sleep-1", "10.244.1.3", { port: 80 });
    expect([route.verdict, route.latencyMs, route.hops.map(({ code }) => code).includes("crosses-slow-wire")]).toEqual([
      "delivered",
      50,
      true,
    ]);
  });

  it("loses about as many packets as it says, the same ones for the same seeds", () => {
    const cluster = new TestCluster(manifests, { wire: { lossChance: 0.25 } });
    const lost = (): number[] =>
      Array.from({ length: 1000 }, (_, seed) => seed).filter(
        (seed) =>
          cluster.network.route({ from: { kind: "pod", namespace: "default", pod: "sleep-1" }, to: { host: "10.244.1.3", port: 80 }, seed })
            .cause?.code === "packet-lost",
      );
    const first = lost();
    expect(Math.abs(first.length - 250)).toBeLessThan(50);
    expect(lost()).toEqual(first);
  });
});
