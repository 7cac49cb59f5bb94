import { describe, expect, it } from "vitest";
import type { Namespace } from "../api/objects.ts";
import { deletionConditions, nextLookMs } from "./namespace.ts";
import { at, pod } from "./test-objects.ts";

const namespace = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "demo", uid: "u", resourceVersion: "1", creationTimestamp: "2030-01-01T00:00:00Z" },
  spec: { finalizers: ["kubernetes"] },
  status: { phase: "Terminating" },
} as Namespace;

const held = { ...pod({ name: "held" }), metadata: { ...pod({ name: "held" }).metadata, finalizers: ["example.org/hold"] } };

describe("deletionConditions", () => {
  it("names what is left and the finalizers that hold it", () => {
    const conditions = deletionConditions(namespace, [{ resource: "configmaps", objects: [held] }], at);
    expect(conditions.map(({ type, status, message }) => [type, status, message])).toEqual([
      ["NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered"],
      ["NamespaceDeletionGroupVersionParsingFailure", "False", "All legacy kube types successfully parsed"],
      ["NamespaceDeletionContentFailure", "False", "All content successfully deleted, may be waiting on finalization"],
      ["NamespaceContentRemaining", "True", "Some resources are remaining: configmaps has 1 resource instances"],
      [
        "NamespaceFinalizersRemaining",
        "True",
        "Some content in the namespace has finalizers remaining: example.org/hold in 1 resource instances",
      ],
    ]);
  });
});

describe("nextLookMs", () => {
  it.each([
    {
      name: "after half the grace of a pod",
      remaining: [{ resource: "pods", objects: [pod({ name: "p", spec: { terminationGracePeriodSeconds: 30 } })] }],
      want: 16_000,
    },
    { name: "after half of what finalizers take", remaining: [{ resource: "configmaps", objects: [held] }], want: 8_000 },
  ])("looks again $name", ({ remaining, want }) => {
    expect(nextLookMs(remaining)).toBe(want);
  });
});
