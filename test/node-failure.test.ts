/** A node fails: what happens when, what its pods' names and addresses do, and how it comes back. Times as in `golden/controllers/node-failure-defaults.json`. */
import { describe, expect, it } from "vitest";
import { Laboratory } from "./laboratory.ts";

const core = "/api/v1/namespaces/default";
const start = Date.parse("2026-11-24T12:00:00Z");

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, nodePort: 30080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: lb }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] }
`;

async function drill(): Promise<Laboratory> {
  const laboratory = new Laboratory();
  await laboratory.http("POST", "/clock", { hold: true });
  laboratory.create(manifest);
  await advance(laboratory, 60);
  return laboratory;
}
const advance = async (laboratory: Laboratory, time: number | string): Promise<void> => {
  expect((await laboratory.http("POST", "/clock", { advance: time })).status).toBe(200);
};
const fail = (laboratory: Laboratory, node = "node-1"): Promise<{ status: number }> =>
  laboratory.http("POST", "/faults", { fault: "node-down", node });
const podsOf = (laboratory: Laboratory): any[] => laboratory.send("GET", `${core}/pods`).body.items;
const on = (laboratory: Laboratory, node: string): any[] => podsOf(laboratory).filter(({ spec }) => spec.nodeName === node);
const nodeOf = (laboratory: Laboratory, name = "node-1"): any => laboratory.send("GET", `/api/v1/nodes/${name}`).body;
const readyOf = (node: any): string => node.status.conditions.find(({ type }: any) => type === "Ready").status;
const taintsOf = (node: any): string[] => (node.spec.taints ?? []).map(({ key, effect }: any) => `${key}:${effect}`);
const endpointsOf = (laboratory: Laboratory): number =>
  laboratory.send("GET", `${core}/endpoints/web`).body.subsets?.[0]?.addresses?.length ?? 0;
const verdict = (laboratory: Laboratory, host: string, port: number): string =>
  laboratory.cluster.network.route({ from: { kind: "outside", ip: "198.51.100.200" }, to: { host, port }, http: {}, seed: 2 }).verdict;
const secondsAfterFault = (time: string): number => (Date.parse(time) - start) / 1000 - 60;

describe("a node that fails", () => {
  it("is NotReady once 50 s have passed at a look, not before, and its pods leave the endpoints", async () => {
    const laboratory = await drill();
    expect([on(laboratory, "node-1").length, on(laboratory, "node-2").length]).toEqual([1, 1]);
    await fail(laboratory);
    await advance(laboratory, 50);
    expect([readyOf(nodeOf(laboratory)), endpointsOf(laboratory)]).toEqual(["True", 2]);
    await advance(laboratory, 5);
    const node = nodeOf(laboratory);
    expect([readyOf(node), taintsOf(node), endpointsOf(laboratory)]).toEqual([
      "Unknown",
      ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
      1,
    ]);
    expect(node.status.conditions.map(({ reason }: any) => reason)).toEqual(node.status.conditions.map(() => "NodeStatusUnknown"));
    expect(secondsAfterFault(node.status.conditions[0].lastTransitionTime)).toBe(55);
  });

  it("loses its pods 300 s after the taint; others take their place elsewhere, under lasting names and cluster IPs", async () => {
    const laboratory = await drill();
    const clusterIP = laboratory.send("GET", `${core}/services/web`).body.spec.clusterIP;
    const [lost] = on(laboratory, "node-1");
    await fail(laboratory);
    await advance(laboratory, 354);
    expect(podsOf(laboratory).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined, undefined]);
    await advance(laboratory, 6);
    const stuck = on(laboratory, "node-1");
    expect(stuck.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined])).toEqual([[lost.metadata.name, true]]);
    expect(stuck[0].status.conditions.find(({ type }: any) => type === "DisruptionTarget").reason).toBe("DeletionByTaintManager");
    expect(secondsAfterFault(stuck[0].status.conditions.find(({ type }: any) => type === "DisruptionTarget").lastTransitionTime)).toBe(355);
    expect([on(laboratory, "node-2").length, endpointsOf(laboratory)]).toEqual([2, 2]);
    expect(laboratory.send("GET", `${core}/services/web`).body.spec.clusterIP).toBe(clusterIP);
    const client = { kind: "client", namespace: "default", node: "node-2" } as const;
    expect(laboratory.cluster.network.route({ from: client, to: { host: "web", port: 80 }, http: {}, seed: 1 })).toMatchObject({
      verdict: "delivered",
      target: { ip: clusterIP },
      backend: { node: "node-2" },
    });
  });

  it("does not answer on its node port, while the other node and the load balancer do", async () => {
    const laboratory = await drill();
    const balancer = laboratory.send("GET", `${core}/services/lb`).body.status.loadBalancer.ingress[0].ip;
    expect([verdict(laboratory, "192.168.10.11", 30080), verdict(laboratory, "192.168.10.12", 30080)]).toEqual(["delivered", "delivered"]);
    await fail(laboratory);
    await advance(laboratory, "2m");
    expect([
      verdict(laboratory, "192.168.10.11", 30080),
      verdict(laboratory, "192.168.10.12", 30080),
      verdict(laboratory, balancer, 80),
    ]).toEqual(["unanswered", "delivered", "delivered"]);
  });

  it("keeps its pods when it returns in time", async () => {
    const laboratory = await drill();
    const before = podsOf(laboratory).map(({ metadata }) => metadata.uid);
    await fail(laboratory);
    await advance(laboratory, 200);
    await laboratory.http("DELETE", "/faults");
    await advance(laboratory, 10);
    const node = nodeOf(laboratory);
    expect([readyOf(node), taintsOf(node), endpointsOf(laboratory)]).toEqual(["True", [], 2]);
    await advance(laboratory, "10m");
    expect(podsOf(laboratory).map(({ metadata }) => metadata.uid)).toEqual(before);
  });

  it("ends the pods that were to go when it returns later", async () => {
    const laboratory = await drill();
    await fail(laboratory);
    await advance(laboratory, "7m");
    await laboratory.http("DELETE", "/faults");
    await advance(laboratory, 10);
    expect([on(laboratory, "node-1"), on(laboratory, "node-2").length, taintsOf(nodeOf(laboratory))]).toEqual([[], 2, []]);
  });

  it("evicts nothing while every node is silent", async () => {
    const laboratory = await drill();
    await fail(laboratory, "node-1");
    await fail(laboratory, "node-2");
    await advance(laboratory, "10m");
    expect(podsOf(laboratory).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined, undefined]);
    expect(taintsOf(nodeOf(laboratory))).toEqual(["node.kubernetes.io/unreachable:NoSchedule"]);
  });

  it("is down by its annotation too, and goes the same way with evictions in between", async () => {
    const laboratory = await drill();
    const annotate = (value: string | null): void => {
      const patch = { metadata: { annotations: { "kubearium.dev/fault": value } } };
      laboratory.send("PATCH", "/api/v1/nodes/node-1", patch, { contentType: "application/merge-patch+json" });
    };
    annotate("node-down");
    for (let minute = 0; minute < 7; minute += 1) {
      laboratory.evict();
      await advance(laboratory, "1m");
    }
    expect([on(laboratory, "node-2").length, readyOf(nodeOf(laboratory))]).toEqual([2, "Unknown"]);
    annotate(null);
    laboratory.evict();
    await advance(laboratory, 10);
    expect([on(laboratory, "node-1"), readyOf(nodeOf(laboratory))]).toEqual([[], "True"]);
  });
});
