import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "../api/change-tracker.ts";
import type { EndpointSlice, Node, Service } from "../api/objects.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { KubeProxy } from "./kube-proxy.ts";
import { names, service, someService, someSlice } from "./test-clusters.ts";
import { labNodes, proxyWith, shop } from "./test-lab.ts";

describe("rulesOf", () => {
  it("hands out the same rules until something changes", () => {
    const proxy = proxyWith(shop);
    const before = proxy.rulesOf("node-1", "IPv4");
    proxy.apply({});
    expect(proxy.rulesOf("node-1", "IPv4")).toBe(before);
    proxy.apply({ services: [{ before: undefined, after: service("cache", {}) }] });
    expect(proxy.rulesOf("node-1", "IPv4")).not.toBe(before);
  });

  it("shares compiled rules between nodes that choose the same endpoints", () => {
    const proxy = proxyWith(shop);
    const rulesIn = (node: string) => {
      const rules = proxy.rulesOf(node, "IPv4") as import("./iptables/node-rules.ts").IptablesRules;
      return rules.tables.chain("nat", "KUBE-SERVICES")!.rules[0];
    };
    expect(rulesIn("node-1")).toBe(rulesIn("node-2"));
  });

  it("keeps the rules of a family that a change does not touch", () => {
    const proxy = proxyWith(shop);
    const before = proxy.rulesOf("node-1", "IPv6");
    proxy.apply({ services: [{ before: undefined, after: service("cache", {}) }] });
    expect(proxy.rulesOf("node-1", "IPv6")).toBe(before);
  });

  it("compiles anew when the node's zone changes, and not when only its status heartbeat does", () => {
    const proxy = proxyWith(shop);
    const [node] = labNodes as [Node];
    const before = proxy.rulesOf("node-1", "IPv4");
    proxy.apply({ nodes: [{ before: node, after: { ...node, status: { ...node.status, conditions: [] } } }] });
    expect(proxy.rulesOf("node-1", "IPv4")).toBe(before);
    const moved = { ...node, metadata: { ...node.metadata, labels: { "topology.kubernetes.io/zone": "zone-9" } } };
    proxy.apply({ nodes: [{ before: node, after: moved }] });
    expect(proxy.rulesOf("node-1", "IPv4")).not.toBe(before);
  });

  it("knows only nodes that exist", () => {
    const proxy = proxyWith(shop);
    proxy.apply({ nodes: [{ before: labNodes[1], after: undefined }] });
    expect(proxy.nodes()).toEqual(["node-1"]);
    expect(() => proxy.rulesOf("node-2", "IPv4")).toThrow("no node node-2 in the cluster");
  });

  it.each(["iptables", "nftables", "ipvs"] as const)("has rules of %s whatever the cluster's mode", (mode) => {
    const rules = proxyWith(shop).rulesOf("node-1", "IPv4", mode);
    expect({ mode: rules.mode, node: rules.node, family: rules.family }).toEqual({ mode, node: "node-1", family: "IPv4" });
  });

  it("links every printed rule to its objects", () => {
    const rules = proxyWith(shop).rulesOf("node-1", "IPv4");
    const printed = rules
      .print("kernel")
      .split("\n")
      .filter((line) => line.startsWith("-A"));
    expect(rules.toJSON().rules.map((rule) => rule.text)).toEqual(printed);
  });
});

type Edit = { set: Service | EndpointSlice } | { remove: string };

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    someService.map((set) => ({ set })),
    someSlice.map((set) => ({ set })),
    fc
      .constantFrom(...names.map((name) => `Service ${name}`), ...names.map((name) => `EndpointSlice ${name}-0`))
      .map((remove) => ({ remove })),
  ),
  { maxLength: 12 },
);

describe("incremental state", () => {
  it.each(["iptables", "nftables", "ipvs"] as const)("is what a rebuild from the same objects gives, on every node: %s", (mode) => {
    fc.assert(
      fc.property(edits, (steps) => {
        const kept = proxyWith("");
        const objects = new Map<string, Service | EndpointSlice>();
        for (const step of steps) {
          const key = "set" in step ? `${step.set.kind} ${step.set.metadata.name}` : step.remove;
          const change = { before: objects.get(key), after: "set" in step ? step.set : undefined };
          if (change.before === undefined && change.after === undefined) continue;
          if (change.after === undefined) objects.delete(key);
          else objects.set(key, change.after);
          applyOne(kept, change);
          kept.rulesOf("node-1", "IPv4", mode);
        }
        const rebuilt = new KubeProxy(defaultOptions);
        rebuilt.apply({ nodes: labNodes.map((after) => ({ before: undefined, after })) });
        for (const after of objects.values()) applyOne(rebuilt, { before: undefined, after });
        for (const node of ["node-1", "node-2"]) {
          const [ours, theirs] = [kept, rebuilt].map((proxy) => proxy.rulesOf(node, "IPv4", mode));
          expect(ours!.print("kernel")).toBe(theirs!.print("kernel"));
          expect(ours!.print("sync")).toBe(theirs!.print("sync"));
        }
      }),
      { numRuns: 60 },
    );
  });
});

function applyOne(proxy: KubeProxy, change: Change<Service | EndpointSlice>): void {
  const kind = (change.after ?? change.before)!.kind;
  if (kind === "Service") proxy.apply({ services: [change as Change<Service>] });
  else proxy.apply({ endpointSlices: [change as Change<EndpointSlice>] });
}
