/**
 * Addresses and ranges as kube-proxy and the kernel read them: families, membership, and the range's own text.
 */
import ipaddr from "ipaddr.js";
import type { Family } from "./rule-set.ts";

/** A range, parsed once. */
export interface Cidr {
  family: Family;
  /** With the bits behind the prefix cleared: `10.1.2.3/24` reads `10.1.2.0/24`. */
  text: string;
  prefix: number;
  contains(ip: string): boolean;
}

/** The family an address or range is written in; tells it by the colon. */
export const familyOf = (text: string): Family => (text.includes(":") ? "IPv6" : "IPv4");

/** Reads `a.b.c.d/n`, or an address as the range of itself. `undefined` where the text is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const [address, length] = text.trim().split("/");
  if (address === undefined || !ipaddr.isValid(address)) return undefined;
  const bytes = ipaddr.parse(address).toByteArray();
  const prefix = length === undefined ? bytes.length * 8 : /^\d+$/.test(length) ? Number(length) : -1;
  if (prefix < 0 || prefix > bytes.length * 8) return undefined;
  const network = bytes.map((byte, at) => byte & maskByte(prefix - at * 8));
  return {
    family: bytes.length === 4 ? "IPv4" : "IPv6",
    text: `${ipaddr.fromByteArray(network).toString()}/${prefix}`,
    prefix,
    contains: (ip) => {
      const other = bytesOf(ip);
      return (
        other !== undefined &&
        other.length === network.length &&
        network.every((byte, at) => ((other[at]! ^ byte) & maskByte(prefix - at * 8)) === 0)
      );
    },
  };
}

const maskByte = (bits: number): number => (bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff);

function bytesOf(ip: string): number[] | undefined {
  return ipaddr.isValid(ip) ? ipaddr.parse(ip).toByteArray() : undefined;
}

/** One spelling for each address: IPv6 in the short form of RFC 5952. What is no address stays as it is. */
export const canonicalIP = (ip: string): string => (ip.includes(":") && ipaddr.isValid(ip) ? ipaddr.parse(ip).toString() : ip);
