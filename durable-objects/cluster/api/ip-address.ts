/**
 * IP addresses and ranges as numbers, read as strictly as the API reads new ones, and what it says about bad ones.
 */

export type IPFamily = "IPv4" | "IPv6";

export interface IPAddress {
  family: IPFamily;
  value: bigint;
}

export interface CIDR {
  family: IPFamily;
  /** The first address, bits beyond the prefix cleared. */
  first: bigint;
  last: bigint;
  prefix: number;
  /** The address as it was written. */
  address: bigint;
}

const bitsOf = (family: IPFamily): number => (family === "IPv4" ? 32 : 128);

/** Reads an address in its usual spelling. With `leadingZeros`, also `010.0.0.1`, which old clients stored. */
export function parseIP(text: string, leadingZeros = false): IPAddress | undefined {
  if (text.includes(":")) return parseIPv6(text, leadingZeros);
  const value = parseIPv4(text, leadingZeros);
  return value === undefined ? undefined : { family: "IPv4", value };
}

function parseIPv4(text: string, leadingZeros: boolean): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^\d{1,}$/.test(part)) return undefined;
    if (part.length > 1 && part.startsWith("0") && !leadingZeros) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256n + BigInt(octet);
  }
  return value;
}

function parseIPv6(text: string, leadingZeros: boolean): IPAddress | undefined {
  let hex = text;
  const tail = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (tail) {
    const v4 = parseIPv4(tail[1] as string, leadingZeros);
    if (v4 === undefined) return undefined;
    hex = `${text.slice(0, tail.index + 1)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
  }
  const halves = hex.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [before = [], after = []] = groups;
  const missing = 8 - before.length - after.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  let value = 0n;
  for (const group of [...before, ...Array.from({ length: missing }, () => "0"), ...after]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = value * 65536n + BigInt(`0x${group}`);
  }
  return { family: "IPv6", value };
}

/** The canonical spelling: IPv6 in lower case, the longest run of zeros as `::` (RFC 5952). */
export function formatIP({ family, value }: IPAddress): string {
  if (family === "IPv4") return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt((7 - at) * 16)) & 0xffffn).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at += 1) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === "0") length += 1;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}

export const isIPv4Mapped = ({ family, value }: IPAddress): boolean => family === "IPv6" && value >> 32n === 0xffffn;

/** Reads `10.0.0.0/8`; bits beyond the prefix are allowed here. */
export function parseCIDR(text: string, leadingZeros = false): CIDR | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const address = parseIP(text.slice(0, slash), leadingZeros);
  const length = text.slice(slash + 1);
  if (!address || !/^\d+$/.test(length)) return undefined;
  if (length.length > 1 && length.startsWith("0") && !leadingZeros) return undefined;
  const bits = bitsOf(address.family);
  const prefix = Number(length);
  if (prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const first = address.value - (address.value % size);
  return { family: address.family, first, last: first + size - 1n, prefix, address: address.value };
}

/** True where `inner` is within `outer`, or equal to it. */
export const containsCIDR = (outer: CIDR, inner: CIDR): boolean =>
  outer.family === inner.family && inner.first >= outer.first && inner.last <= outer.last;

const validIP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const validCIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const notMapped = "must not be an IPv4-mapped IPv6 address";

/** What the API says about an address that it reads strictly; none where it is fine. */
export function ipComplaints(text: string): string[] {
  const strict = parseIP(text);
  if (strict) return isIPv4Mapped(strict) ? [notMapped] : [];
  const sloppy = parseIP(text, true);
  if (!sloppy) return [validIP];
  return ["must not have leading 0s", ...(isIPv4Mapped(sloppy) ? [notMapped] : [])];
}

/** The same for a range. */
export function cidrComplaints(text: string): string[] {
  const strict = parseCIDR(text);
  const cidr = strict ?? parseCIDR(text, true);
  if (!cidr) return [validCIDR];
  const complaints: string[] = [];
  if (!strict) complaints.push("must not have leading 0s in IP or prefix length");
  if (isIPv4Mapped({ family: cidr.family, value: cidr.address })) complaints.push("must not have an IPv4-mapped IPv6 address");
  else if (cidr.address !== cidr.first) complaints.push("must not have bits set beyond the prefix length");
  return complaints;
}

const parsedRanges = (of: readonly string[]): CIDR[] => of.map((range) => parseCIDR(range) as CIDR);
const loopback = parsedRanges(["127.0.0.0/8", "::1/128"]);
const linkLocal = parsedRanges(["169.254.0.0/16", "fe80::/10"]);
const linkLocalMulticast = parsedRanges(["224.0.0.0/24", "ff02::/16"]);

const within = (ip: IPAddress, of: readonly CIDR[]): boolean =>
  of.some(({ family, first, last }) => family === ip.family && ip.value >= first && ip.value <= last);

/** Why an address cannot be that of an endpoint: it means something else on every machine. */
export function specialIPComplaints(text: string): string[] {
  const ip = parseIP(text, true);
  if (!ip) return ["must be a valid IP address"];
  const complaints: string[] = [];
  if (ip.value === 0n) complaints.push(`may not be unspecified (${text})`);
  if (within(ip, loopback)) complaints.push("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (within(ip, linkLocal)) complaints.push("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  if (within(ip, linkLocalMulticast)) complaints.push("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  return complaints;
}
