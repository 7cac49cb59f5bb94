import { describe, expect, it } from "vitest";
import { joinedRanges } from "./element-order.ts";

describe("joinedRanges", () => {
  it.each([
    { name: "sorts", of: ["203.0.113.0/24", "192.168.40.0/24"], want: ["192.168.40.0/24", "203.0.113.0/24"] },
    { name: "joins neighbours", of: ["192.168.200.21", "192.168.200.22"], want: ["192.168.200.21-192.168.200.22"] },
    { name: "joins halves of a range into the range", of: ["10.0.1.0/24", "10.0.0.0/24"], want: ["10.0.0.0/23"] },
    { name: "swallows what is inside another", of: ["10.0.0.0/8", "10.1.2.3"], want: ["10.0.0.0/8"] },
    { name: "keeps apart what is apart", of: ["10.0.0.1", "10.0.0.3"], want: ["10.0.0.1", "10.0.0.3"] },
    { name: "reads IPv6", of: ["fd00:200::50", "2001:db8:5::/48"], want: ["2001:db8:5::/48", "fd00:200::50"] },
  ])("$name", ({ of, want }) => {
    expect(joinedRanges(of)).toEqual(want);
  });
});
