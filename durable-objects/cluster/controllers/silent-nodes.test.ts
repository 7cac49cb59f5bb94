import { describe, expect, it } from "vitest";
import { defaultMonitoring, takenForDeadAt, unknownConditions } from "./silent-nodes.ts";
import { node } from "./test-objects.ts";

describe("takenForDeadAt", () => {
  it.each([
    { name: "looks on a period", since: 1_000, want: 55_000 },
    { name: "does not count the grace as over at its last moment", since: 0, want: 55_000 },
    { name: "is at most a period late", since: 4_999, want: 55_000 },
  ])("$name", ({ since, want }) => {
    expect(takenForDeadAt(since, defaultMonitoring)).toBe(want);
  });
});

describe("unknownConditions", () => {
  it("says of each condition whether it stopped or was never posted", () => {
    const conditions = unknownConditions(node({ name: "n", ready: "True" }), Date.parse("2030-01-01T00:00:00Z"));
    expect(conditions.map((condition) => `${condition.type} ${condition.status} ${condition.reason}`)).toEqual([
      "Ready Unknown NodeStatusUnknown",
      "MemoryPressure Unknown NodeStatusNeverUpdated",
      "DiskPressure Unknown NodeStatusNeverUpdated",
      "PIDPressure Unknown NodeStatusNeverUpdated",
    ]);
  });
});
