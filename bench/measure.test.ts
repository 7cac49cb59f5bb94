import { describe, expect, it } from "vitest";
import { measure, summarize, type Variant } from "./measure.ts";

describe("summarize", () => {
  it.each([
    { name: "an odd number of values", raw: [3, 1, 2], want: { median: 2, min: 1, max: 3, interquartileRange: 1, raw: [3, 1, 2] } },
    {
      name: "an even number of values",
      raw: [4, 1, 2, 3],
      want: { median: 2.5, min: 1, max: 4, interquartileRange: 1.5, raw: [4, 1, 2, 3] },
    },
    { name: "one value", raw: [7], want: { median: 7, min: 7, max: 7, interquartileRange: 0, raw: [7] } },
  ])("finds the middle of $name", ({ raw, want }) => {
    expect(summarize(raw)).toEqual(want);
  });
});

describe("measure", () => {
  it("turns the order every round, throws the first round away and keeps every value", async () => {
    const ran: string[] = [];
    const variant = (name: string): Variant => ({
      name,
      round: async () => {
        ran.push(name);
        return { turn: ran.length };
      },
    });
    const { variants, rounds } = await measure("order", [variant("A"), variant("B")], 3);
    expect(ran.join("")).toBe("AB" + "AB" + "BA" + "AB");
    expect({ rounds, A: variants["A"]?.["turn"]?.raw, B: variants["B"]?.["turn"]?.raw }).toEqual({ rounds: 3, A: [3, 6, 7], B: [4, 5, 8] });
  });
});
