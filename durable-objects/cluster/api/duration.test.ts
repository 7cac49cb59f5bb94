import { describe, expect, it } from "vitest";
import { age, humanDuration } from "./duration.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

describe("humanDuration", () => {
  it.each([
    [-5 * second, "<invalid>"],
    [-1 * second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [3 * minute + 12 * second, "3m12s"],
    [10 * minute + 5 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 5 * minute, "3h5m"],
    [8 * hour + 5 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [2 * day + 3 * hour, "2d3h"],
    [8 * day + 3 * hour, "8d"],
    [729 * day, "729d"],
    [2 * year, "2y"],
    [3 * year + 40 * day, "3y40d"],
    [9 * year + 40 * day, "9y"],
  ])("writes %i ms as %s", (ms, want) => {
    expect(humanDuration(ms)).toBe(want);
  });
});

describe("age", () => {
  it("is unknown without a time", () => {
    expect([age(undefined, 0), age(null, 0), age("2026-01-01T00:00:00Z", Date.parse("2026-01-01T00:00:07Z"))]).toEqual([
      "<unknown>",
      "<unknown>",
      "7s",
    ]);
  });
});
