import { describe, expect, it } from "vitest";
import { rankForDeletion } from "./pod-victims.ts";
import { at, type PodParts, pod } from "./test-objects.ts";

const cost = (value: string) => ({ annotations: { "controller.kubernetes.io/pod-deletion-cost": value } });

describe("rankForDeletion", () => {
  it.each<{ name: string; first: Partial<PodParts>; second: Partial<PodParts> }>([
    { name: "takes a pod without node before one with a node", first: { node: "", ready: false }, second: {} },
    { name: "takes a pending pod before a running one", first: { phase: "Pending", ready: false }, second: { ready: false } },
    { name: "takes a pod that is not ready before a ready one", first: { ready: false }, second: {} },
    { name: "takes the lower cost first", first: cost("-5"), second: {} },
    {
      name: "takes a pod that is not ready before a ready one of lower cost",
      first: { ready: false, ...cost("100") },
      second: cost("-10"),
    },
    { name: "counts a cost that is no whole number as 0", first: cost("high"), second: cost("1") },
    { name: "takes the one that is ready for a much shorter time", first: { readyFor: 5 }, second: { readyFor: 500 } },
    { name: "takes the one with more restarts", first: { restarts: 3 }, second: { restarts: 1 } },
  ])("$name", ({ first, second }) => {
    const pods = [pod({ name: "a-second", ...second }), pod({ name: "b-first", ...first })];
    expect(rankForDeletion(pods, [], at).map(({ metadata }) => metadata.name)).toEqual(["b-first", "a-second"]);
  });

  it("takes from the node that has more pods of the same Deployment, counted before the first is gone", () => {
    const pods = [pod({ name: "a", node: "node-1" }), pod({ name: "b", node: "node-2" }), pod({ name: "c", node: "node-2" })];
    expect(rankForDeletion(pods, pods, at).map(({ metadata }) => metadata.name)).toEqual(["b", "c", "a"]);
  });
});
