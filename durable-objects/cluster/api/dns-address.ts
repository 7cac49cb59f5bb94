/**
 * Addresses as DNS sees them: which family a text is, its canonical spelling, and its name in the reverse zones.
 */
import { foldCase, labelsOf } from "./domain-names.ts";
import { formatIP, type IPFamily, isIPv4Mapped, parseIP } from "./ip-address.ts";

export interface DnsAddress {
  family: IPFamily;
  /** Canonical: dotted decimal, or RFC 5952 (`fd00:10:96::66`). */
  text: string;
}

/** The usual spelling, which needs no parser. */
const dottedDecimal = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}(?<!\.)$/;
const ipv4Mask = 0xffff_ffffn;

/** Parses strictly: no leading zeros, no zone. IPv4-mapped addresses count as IPv4. */
export function parseAddress(text: string): DnsAddress | undefined {
  const ip = parseIP(text);
  if (ip === undefined) return undefined;
  const plain = isIPv4Mapped(ip) ? ({ family: "IPv4", value: ip.value & ipv4Mask } as const) : ip;
  return { family: plain.family, text: formatIP(plain) };
}

/** The octets of an address, four or sixteen. */
export function addressOctets(text: string): number[] {
  if (dottedDecimal.test(text)) return text.split(".").map(Number);
  const ip = parseIP(text);
  if (ip === undefined) throw new Error(`an address record holds ${JSON.stringify(text)}, which is no address`);
  const length = ip.family === "IPv4" ? 4 : 16;
  return Array.from({ length }, (_, index) => Number((ip.value >> BigInt((length - 1 - index) * 8)) & 0xffn));
}

/** `10.96.44.7` -> `7.44.96.10.in-addr.arpa.` */
export function reverseName(address: DnsAddress): string {
  const octets = addressOctets(address.text).reverse();
  if (address.family === "IPv4") return `${octets.join(".")}.in-addr.arpa.`;
  const nibbles = octets.flatMap((octet) => [octet & 15, octet >> 4].map((nibble) => nibble.toString(16)));
  return `${nibbles.join(".")}.ip6.arpa.`;
}

/** The address that a complete reverse name stands for. */
export function addressOfReverseName(name: string): DnsAddress | undefined {
  const labels = labelsOf(foldCase(name)).reverse();
  if (labels[0] !== "arpa") return undefined;
  if (labels[1] === "in-addr") return parseAddress(labels.slice(2).join("."));
  const nibbles = labels.slice(2);
  if (labels[1] !== "ip6" || nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return parseAddress((nibbles.join("").match(/.{4}/g) ?? []).join(":"));
}
