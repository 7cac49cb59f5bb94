import { describe, expect, it } from "vitest";
import { desiredTaints, freePodCIDRs } from "./node-lifecycle.ts";
import { toleratedMs } from "./taint-eviction.ts";
import { node, pod } from "./test-objects.ts";

const shown = (taints: { key: string; effect: string }[]) => taints.map(({ key, effect }) => `${key}:${effect}`);

describe("desiredTaints", () => {
  const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
  it.each([
    { name: "frees a node that is ready", of: node({ name: "n", taints: [notReady] }), want: [] },
    {
      name: "keeps people's own taints",
      of: node({ name: "n", taints: [{ key: "k", effect: "NoExecute" }, notReady] }),
      want: ["k:NoExecute"],
    },
    { name: "marks a cordoned node", of: node({ name: "n", unschedulable: true }), want: ["node.kubernetes.io/unschedulable:NoSchedule"] },
    {
      name: "marks a node that says it is not ready",
      of: node({ name: "n", ready: "False" }),
      want: ["node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"],
    },
    {
      name: "marks a node that fell silent",
      of: node({ name: "n", ready: "Unknown" }),
      want: ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
    },
  ])("$name", ({ of, want }) => {
    expect(shown(desiredTaints(of))).toEqual(want);
  });

  it("evicts nothing while every node is silent", () => {
    expect(shown(desiredTaints(node({ name: "n", ready: "Unknown" }), false))).toEqual(["node.kubernetes.io/unreachable:NoSchedule"]);
  });
});

describe("freePodCIDRs", () => {
  const taken = { ...node({ name: "n" }), spec: { podCIDRs: ["10.244.0.0/24", "fd00:10:244::/64"] } };
  it.each([
    { name: "the first that no node has", podCIDR: "10.244.0.0/16", want: ["10.244.1.0/24"] },
    { name: "one of each family", podCIDR: "10.244.0.0/16,fd00:10:244::/56", want: ["10.244.1.0/24", "fd00:10:244:1::/64"] },
    { name: "nothing where one family has none left", podCIDR: "10.244.0.0/24,fd00:10:244::/56", want: undefined },
  ])("gives $name", ({ podCIDR, want }) => {
    expect(freePodCIDRs(podCIDR, [taken])).toEqual(want);
  });
});

describe("toleratedMs", () => {
  const taint = { key: "k", value: "v", effect: "NoExecute" };
  const of = (tolerations: object[]) => toleratedMs(pod({ name: "p", spec: { tolerations } }), [taint]);
  it.each([
    { name: "not at all without a toleration", tolerations: [], want: 0 },
    { name: "for ever with one that has no end", tolerations: [{ key: "k", operator: "Exists" }], want: Number.POSITIVE_INFINITY },
    {
      name: "as long as the shortest says",
      tolerations: [
        { key: "k", operator: "Exists", tolerationSeconds: 9 },
        { key: "k", value: "v", tolerationSeconds: 4 },
      ],
      want: 4000,
    },
  ])("lets a pod stay $name", ({ tolerations, want }) => {
    expect(of(tolerations)).toBe(want);
  });
});
