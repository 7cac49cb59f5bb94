import { describe, expect, it } from "vitest";
import { emulated } from "../durable-objects/cluster/apiserver/registry.ts";
import { compareKinds } from "./golden-kinds.ts";

/** Part of the captured creates and updates of a kind that must be answered as captured. */
const share = 0.95;
const kinds = new Set(emulated.map(({ kind }) => kind));

describe("the kinds", () => {
  it("answer the captured creates and updates as the real server does", async () => {
    const below = (await compareKinds("test/golden", (kind) => kinds.has(kind)))
      .filter(({ matched, total }) => matched / total < share)
      .map(({ kind, matched, total, failures }) => ({ kind, matched, total, first: failures[0] }));
    expect(below).toEqual([]);
  });
});
