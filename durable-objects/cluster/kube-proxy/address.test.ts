import { describe, expect, it } from "vitest";
import { canonicalIP, parseCidr } from "./address.ts";

describe("parseCidr", () => {
  it.each([
    { name: "clears the bits behind the prefix", text: "10.1.2.3/20", want: "10.1.0.0/20", inside: "10.1.15.255", outside: "10.1.16.0" },
    { name: "trims", text: " 10.1.2.0/24 ", want: "10.1.2.0/24", inside: "10.1.2.7", outside: "10.1.3.7" },
    { name: "takes an address for the range of itself", text: "10.1.2.3", want: "10.1.2.3/32", inside: "10.1.2.3", outside: "10.1.2.4" },
    { name: "reads IPv6", text: "fd00:1:2:3::5/48", want: "fd00:1:2::/48", inside: "fd00:1:2:ffff::1", outside: "fd00:1:3::1" },
    { name: "keeps the families apart", text: "0.0.0.0/0", want: "0.0.0.0/0", inside: "1.2.3.4", outside: "::1" },
  ])("$name", ({ text, want, inside, outside }) => {
    const range = parseCidr(text)!;
    expect({ text: range.text, inside: range.contains(inside), outside: range.contains(outside) }).toEqual({
      text: want,
      inside: true,
      outside: false,
    });
  });

  it.each(["", "10.1.2.3/33", "10.1.2.3/-1", "ten", "10.1.2.3/x", "10.1.2.3/"])("knows that %j is no range", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

describe("canonicalIP", () => {
  it.each([
    ["fd00:244:0:0::130", "fd00:244::130"],
    ["FD00:0:0:1::A", "fd00:0:0:1::a"],
    ["10.0.0.1", "10.0.0.1"],
  ])("spells %s as %s", (text, want) => {
    expect(canonicalIP(text)).toBe(want);
  });
});
