import { describe, expect, it } from "vitest";
import type { Deployment } from "../api/objects.ts";
import { maxSurge, maxUnavailable, proportionalSizes } from "./deployment-rules.ts";
import { replicaSet } from "./test-objects.ts";

const deployment = (
  replicas: number,
  rollingUpdate: object = { maxSurge: "25%", maxUnavailable: "25%" },
  type = "RollingUpdate",
): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "demo", uid: "uid-web", resourceVersion: "1", creationTimestamp: "2030-01-01T00:00:00Z" },
    spec: { replicas, strategy: { type, rollingUpdate } },
    status: {},
  }) as unknown as Deployment;

describe("maxSurge and maxUnavailable", () => {
  it.each([
    { name: "1 at 25 %", of: deployment(1), want: [1, 0] },
    { name: "3 at 25 %", of: deployment(3), want: [1, 0] },
    { name: "4 at 25 %", of: deployment(4), want: [1, 1] },
    { name: "10 at 25 %", of: deployment(10), want: [3, 2] },
    { name: "both 0: one may be missing", of: deployment(3, { maxSurge: 0, maxUnavailable: 0 }), want: [0, 1] },
    { name: "never more missing than wanted", of: deployment(2, { maxSurge: 0, maxUnavailable: 5 }), want: [0, 2] },
    { name: "nothing wanted", of: deployment(0), want: [0, 0] },
    { name: "Recreate", of: deployment(4, {}, "Recreate"), want: [0, 0] },
  ])("$name", ({ of, want }) => {
    expect([maxSurge(of), maxUnavailable(of)]).toEqual(want);
  });
});

describe("proportionalSizes", () => {
  const sized = (name: string, replicas: number, max: number) => {
    const set = replicaSet(name, replicas);
    return { ...set, metadata: { ...set.metadata, annotations: { "deployment.kubernetes.io/max-replicas": String(max) } } };
  };
  const sizes = (of: Deployment, ...sets: ReturnType<typeof sized>[]) =>
    proportionalSizes(of, sets).map(([{ metadata }, size]) => [metadata.name, size]);

  it("shares growth in proportion, the rest to the largest", () => {
    expect(sizes(deployment(15, { maxSurge: 3, maxUnavailable: 2 }), sized("old", 8, 13), sized("new", 5, 13))).toEqual([
      ["old", 11],
      ["new", 7],
    ]);
  });

  it("shares shrinking the same way", () => {
    expect(sizes(deployment(5, { maxSurge: 3, maxUnavailable: 2 }), sized("old", 8, 13), sized("new", 5, 13))).toEqual([
      ["old", 5],
      ["new", 3],
    ]);
  });
});
