/**
 * Addresses as DNS sees them: which family a text is, its canonical spelling, and its name in the reverse zones.
 */
import ipaddr from "ipaddr.js";
import { foldCase, labelsOf } from "./names.ts";

export interface Address {
  family: "IPv4" | "IPv6";
  /** Canonical: dotted decimal, or RFC 5952 (`fd00:10:96::66`). */
  text: string;
}

const dottedDecimal = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/;

/** Parses strictly: four decimal octets without leading zeros, or IPv6 without a zone. IPv4-mapped addresses count as IPv4. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValid(text)) return dottedDecimal.test(text) ? { family: "IPv4", text } : undefined;
  if (text.includes("%") || !text.includes(":") || !ipaddr.IPv6.isValid(text)) return undefined;
  const parsed = ipaddr.IPv6.parse(text);
  if (parsed.isIPv4MappedAddress()) return { family: "IPv4", text: parsed.toIPv4Address().toString() };
  return { family: "IPv6", text: parsed.toRFC5952String() };
}

/** `10.96.44.7` -> `7.44.96.10.in-addr.arpa.` */
export function reverseName(address: Address): string {
  if (address.family === "IPv4") return `${address.text.split(".").reverse().join(".")}.in-addr.arpa.`;
  const hex = ipaddr.IPv6.parse(address.text)
    .toByteArray()
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join("");
  return `${[...hex].reverse().join(".")}.ip6.arpa.`;
}

/** The address that a complete reverse name stands for. */
export function addressOfReverseName(name: string): Address | undefined {
  const labels = labelsOf(foldCase(name)).reverse();
  if (labels[0] !== "arpa") return undefined;
  if (labels[1] === "in-addr") return parseAddress(labels.slice(2).join("."));
  const nibbles = labels.slice(2);
  if (labels[1] !== "ip6" || nibbles.length !== 32 || !nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return parseAddress((nibbles.join("").match(/.{4}/g) ?? []).join(":"));
}
