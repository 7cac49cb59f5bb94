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
  if (bytes.length === 4) return cidrOfIPv4(network, prefix);
  return {
    family: "IPv6",
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

/** Every walk asks these, so they compare numbers. */
function cidrOfIPv4(network: readonly number[], prefix: number): Cidr {
  const mask = prefix === 0 ? 0 : -1 << (32 - prefix);
  const value = network.reduce((sum, byte) => (sum << 8) | byte, 0);
  return {
    family: "IPv4",
    text: `${network.join(".")}/${prefix}`,
    prefix,
    contains: (ip) => {
      const other = numberOfIPv4(ip);
      return other !== undefined && (other & mask) === value;
    },
  };
}

/** Four decimal numbers as one of 32 bits; `undefined` for every other text. */
function numberOfIPv4(ip: string): number | undefined {
  let value = 0;
  let byte = -1;
  let dots = 0;
  for (let at = 0; at < ip.length; at += 1) {
    const code = ip.charCodeAt(at);
    if (code === 46) {
      if (byte < 0) return undefined;
      value = (value << 8) | byte;
      byte = -1;
      dots += 1;
    } else {
      if (code < 48 || code > 57) return undefined;
      byte = (byte < 0 ? 0 : byte * 10) + code - 48;
      if (byte > 255) return undefined;
    }
  }
  return dots === 3 && byte >= 0 ? (value << 8) | byte : undefined;
}

const maskByte = (bits: number): number => (bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff);

function bytesOf(ip: string): number[] | undefined {
  return ipaddr.isValid(ip) ? ipaddr.parse(ip).toByteArray() : undefined;
}

/** One spelling for each address: IPv6 in the short form of RFC 5952. What is no address stays as it is. */
export const canonicalIP = (ip: string): string => (ip.includes(":") && ipaddr.isValid(ip) ? ipaddr.parse(ip).toString() : ip);
