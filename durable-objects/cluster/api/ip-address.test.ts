import { describe, expect, it } from "vitest";
import { cidrComplaints, containsCIDR, formatIP, ipComplaints, parseCIDR, parseIP, specialIPComplaints } from "./ip-address.ts";

describe("formatIP", () => {
  it.each([
    ["10.96.0.1", "10.96.0.1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::", "::"],
    ["1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"],
    ["fd00:0::7", "fd00::7"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
  ])("writes %s as %s", (text, want) => {
    expect(formatIP(parseIP(text) as NonNullable<ReturnType<typeof parseIP>>)).toBe(want);
  });
});

describe("ipComplaints", () => {
  it.each([
    ["192.0.2.1", []],
    ["2001:DB8::1", []],
    ["010.96.0.10", ["must not have leading 0s"]],
    ["::ffff:1.2.3.4", ["must not be an IPv4-mapped IPv6 address"]],
    ["10.0.0", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]],
    ["1::2::3", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]],
    ["", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]],
  ])("says of %j: %j", (text, want) => {
    expect(ipComplaints(text)).toEqual(want);
  });
});

describe("cidrComplaints", () => {
  it.each([
    ["10.0.0.0/8", []],
    ["10.0.0.1/8", ["must not have bits set beyond the prefix length"]],
    ["010.0.0.0/8", ["must not have leading 0s in IP or prefix length"]],
    ["10.0.0.0/33", ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"]],
  ])("says of %s: %j", (text, want) => {
    expect(cidrComplaints(text)).toEqual(want);
  });
});

describe("specialIPComplaints", () => {
  it.each([
    ["127.0.0.1", ["may not be in the loopback range (127.0.0.0/8, ::1/128)"]],
    ["169.254.1.1", ["may not be in the link-local range (169.254.0.0/16, fe80::/10)"]],
    ["ff02::1", ["may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"]],
    ["0.0.0.0", ["may not be unspecified (0.0.0.0)"]],
    ["192.0.2.1", []],
  ])("says of %s: %j", (text, want) => {
    expect(specialIPComplaints(text)).toEqual(want);
  });
});

describe("containsCIDR", () => {
  it("knows what lies within what", () => {
    const range = (text: string) => parseCIDR(text) as NonNullable<ReturnType<typeof parseCIDR>>;
    expect([
      containsCIDR(range("10.0.0.0/8"), range("10.1.0.0/16")),
      containsCIDR(range("10.1.0.0/16"), range("10.0.0.0/8")),
      containsCIDR(range("10.0.0.0/8"), range("fd00::/8")),
    ]).toEqual([true, false, false]);
  });
});
