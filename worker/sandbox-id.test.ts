import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeId, encodeId } from "./sandbox-id.ts";

const hexId = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));

describe("encodeId", () => {
  it("fits a DNS label", () => {
    fc.assert(fc.property(hexId, (hex) => void expect(encodeId(hex)).toMatch(/^[a-z2-7]{52}$/)));
  });
});

describe("decodeId", () => {
  it("is the inverse of encodeId", () => {
    fc.assert(fc.property(hexId, (hex) => void expect(decodeId(encodeId(hex))).toBe(hex)));
  });

  it.each([
    { name: "a shorter text", text: "a".repeat(51) },
    { name: "a longer text", text: "a".repeat(53) },
    { name: "a letter outside the alphabet", text: `${"a".repeat(51)}1` },
    { name: "upper case", text: "A".repeat(52) },
    { name: "another spelling of the same bytes", text: `${"a".repeat(51)}b` },
    { name: "the empty text", text: "" },
  ])("refuses $name", ({ text }) => {
    expect(decodeId(text)).toBeUndefined();
  });
});
