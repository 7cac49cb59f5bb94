import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  milliValue,
  parseQuantity,
  quantityValue,
  roundedToMilli,
  wholeValue,
} from "./quantity.ts";

describe("canonicalQuantity", () => {
  it.each([
    ["1.5", "1500m"],
    ["0.5", "500m"],
    ["1000m", "1"],
    ["1024Mi", "1Gi"],
    ["1024Ki", "1Mi"],
    ["1536Mi", "1536Mi"],
    ["0.5Gi", "512Mi"],
    ["1e3", "1e3"],
    ["1500", "1500"],
    ["12000", "12k"],
    ["0", "0"],
    ["0Ki", "0"],
    ["-1500m", "-1500m"],
    ["1Ki", "1Ki"],
    ["10000000000000000000000", "10"],
    ["1023", "1023"],
    ["12 apples", "12 apples"],
  ])("writes %s as %s", (text, want) => {
    expect(canonicalQuantity(text)).toBe(want);
  });
});

describe("parseQuantity", () => {
  it.each(["", "1x", "1 Gi", "Gi", "1.2.3", "--1", "1e", "1KiB", "."])("does not read %j", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  it("rounds what is finer than a nano unit up", () => {
    expect(parseQuantity("0.0000000001")).toEqual({ nano: 1n, format: "DecimalSI" });
  });

  it("bounds what an exponent or a long number may cost", () => {
    const [huge, tiny] = [parseQuantity("1e999999999"), parseQuantity("1e-999999999")];
    expect([huge?.nano, tiny?.nano]).toEqual([10n ** 1009n, 1n]);
    expect(canonicalQuantity("9".repeat(1_000_000))).toBe("9223372036854775807");
    expect(canonicalQuantity(`0.${"0".repeat(1_000_000)}1`)).toBe("1n");
  });
});

describe("roundedToMilli", () => {
  it.each([
    ["1n", "1m"],
    ["1e-10", "1e-3"],
    ["5.", "5."],
    ["100m", "100m"],
  ])("turns %s into %s", (text, want) => {
    expect(roundedToMilli(text)).toBe(want);
  });
});

describe("compareQuantities", () => {
  it("compares values, not spellings", () => {
    expect(["1Gi", "1000m", "2", "1024Mi"].sort(compareQuantities)).toEqual(["1000m", "2", "1Gi", "1024Mi"]);
  });
});

describe("numbers of a quantity", () => {
  it("rounds up to the unit that is asked for", () => {
    expect([quantityValue("1500m"), milliValue("0.1"), milliValue("1u"), wholeValue("1500m"), wholeValue("1Ki")]).toEqual([
      1.5, 100, 1, 2, 1024,
    ]);
  });

  it("adds in the format of the first that is not zero", () => {
    expect([addQuantities("100m", "1"), addQuantities("0", "1Gi"), addQuantities("1Gi", "1Gi")]).toEqual(["1100m", "1Gi", "2Gi"]);
  });
});
