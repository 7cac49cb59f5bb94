import { describe, expect, it } from "vitest";
import { SeededRandom } from "../api/seeded-random.ts";
import { placePod } from "./scheduler.ts";
import { nodeInfos } from "./scheduler-nodes.ts";
import { type NodeParts, node, type PodParts, pod } from "./test-objects.ts";

const place = (of: Partial<PodParts>, nodes: NodeParts[], pods: PodParts[] = [], spread?: object) =>
  placePod(
    pod({ name: "p", node: "", ready: false, ...of }),
    { nodes: nodeInfos(nodes.map(node), pods.map(pod)), namespaces: [] },
    spread,
    new SeededRandom(1),
  );

const asks = (requests: Record<string, string>) => ({ containers: [{ name: "c", image: "web:1", resources: { requests } }] });
const away = (key = "kubernetes.io/hostname") => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { app: "a" } }, topologyKey: key }],
    },
  },
});
const three = ["node-1", "node-2", "node-3"].map((name) => ({ name }));

describe("placePod", () => {
  it.each<{ name: string; nodes: NodeParts[]; of: Partial<PodParts>; pods?: PodParts[]; message: string }>([
    { name: "there is no node", nodes: [], of: {}, message: "no nodes available to schedule pods" },
    {
      name: "each node has another reason",
      nodes: [
        { name: "node-1", taints: [{ key: "a", value: "1", effect: "NoSchedule" }] },
        { name: "node-2", allocatable: { cpu: "1" } },
        { name: "node-3", unschedulable: true },
      ],
      of: { spec: asks({ cpu: "2" }) },
      message:
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    },
    {
      name: "a host port is taken",
      nodes: [{ name: "node-1" }],
      of: { spec: { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] } },
      pods: [{ name: "h", spec: { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: 8080 }] }] } }],
      message:
        "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    },
    {
      name: "another pod wants to be alone",
      nodes: [{ name: "node-1" }],
      of: { labels: { app: "a" } },
      pods: [{ name: "loner", labels: { app: "a" }, spec: away() }],
      message:
        "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    },
  ])("says why when $name", ({ nodes, of, pods, message }) => {
    expect(place(of, nodes, pods)).toEqual({ verdict: "none", message });
  });

  it("pushes out the least important pods that make room", () => {
    const busy = (name: string, priority: number): PodParts => ({ name, spec: { ...asks({ cpu: "2" }), priority } });
    expect(place({ spec: { ...asks({ cpu: "2" }), priority: 1000 } }, [{ name: "node-1" }], [busy("some", 10), busy("less", 5)])).toEqual({
      verdict: "preempt",
      message: "0/1 nodes are available: 1 Insufficient cpu.",
      preemption: { node: "node-1", victims: [pod(busy("less", 5))] },
    });
  });

  it.each<{ name: string; of: Partial<PodParts>; nodes?: NodeParts[]; pods?: PodParts[]; spread?: object; want: string }>([
    { name: "goes where its node selector says", of: { spec: { nodeSelector: { "kubernetes.io/hostname": "node-2" } } }, want: "node-2" },
    {
      name: "tolerates a taint",
      of: { spec: { tolerations: [{ key: "a", operator: "Exists" }] } },
      nodes: [{ name: "node-1", taints: [{ key: "a", effect: "NoSchedule" }] }],
      want: "node-1",
    },
    {
      name: "avoids a node that only prefers to be left alone",
      of: {},
      nodes: [{ name: "node-1", taints: [{ key: "a", effect: "PreferNoSchedule" }] }, { name: "node-2" }],
      want: "node-2",
    },
    {
      name: "goes where fewest of its kind are",
      of: { labels: { app: "web" } },
      pods: [
        { name: "a", node: "node-1", labels: { app: "web" } },
        { name: "b", node: "node-2", labels: { app: "web" } },
      ],
      spread: { matchLabels: { app: "web" } },
      want: "node-3",
    },
    {
      name: "keeps the skew over zones",
      of: {
        labels: { app: "s" },
        spec: {
          topologySpreadConstraints: [
            { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "s" } } },
          ],
        },
      },
      nodes: [
        { name: "node-1", labels: { zone: "a" } },
        { name: "node-2", labels: { zone: "b" } },
      ],
      pods: [{ name: "s1", node: "node-1", labels: { app: "s" } }],
      want: "node-2",
    },
    {
      name: "is away from pods it wants to be away from",
      of: { spec: away() },
      pods: [
        { name: "a", labels: { app: "a" } },
        { name: "b", node: "node-3", labels: { app: "a" } },
      ],
      want: "node-2",
    },
  ])("$name", ({ of, nodes = three, pods, spread, want }) => {
    expect(place(of, nodes, pods, spread)).toEqual({ verdict: "node", node: want });
  });
});
