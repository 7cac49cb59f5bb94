/**
 * On which addresses of a node its node ports answer.
 */
import { type Cidr, familyOf, parseCidr } from "./address.ts";
import { localAddresses, type ProxyOptions, primaryAddress } from "./proxy-options.ts";
import type { Family } from "./rule-set.ts";

/** `all`: every local address; else the addresses of the node that were asked for, in byte order, loopback included. */
export type NodePortAddresses = { all: true } | { all: false; addresses: string[] };

export function nodePortAddresses(options: ProxyOptions, family: Family): NodePortAddresses {
  const ranges = rangesOf(options, family);
  if (options.nodePortAddresses.length === 0 || ranges.some((range) => range.prefix === 0)) return { all: true };
  const addresses = localAddresses(options, family).filter((ip) => ranges.some((range) => range.contains(ip)));
  return { all: false, addresses: addresses.sort() };
}

/** The same for nftables: the primary address where nothing is asked for, and never loopback. */
export function nodePortAddressesOfNftables(options: ProxyOptions, family: Family): NodePortAddresses {
  const asked = options.nodePortAddresses.length === 0 ? { ...options, nodePortAddresses: ["primary"] } : options;
  const addresses = nodePortAddresses(asked, family);
  return addresses.all ? addresses : { all: false, addresses: addresses.addresses.filter((ip) => !isLoopback(ip)) };
}

export const isLoopback = (ip: string): boolean => ip === "::1" || ip.startsWith("127.");

/** Node ports on 127.0.0.1 work: for IPv4 only, where wanted, and where the ranges leave loopback in. */
export function servesLoopback(options: ProxyOptions, family: Family): boolean {
  if (family === "IPv6" || !options.localhostNodePorts) return false;
  return options.nodePortAddresses.length === 0 || rangesOf(options, family).some((range) => range.contains("127.0.0.1"));
}

function rangesOf(options: ProxyOptions, family: Family): Cidr[] {
  return options.nodePortAddresses
    .map((text) => (text === "primary" ? (primaryAddress(options, family) ?? "") : text))
    .filter((text) => text !== "" && familyOf(text) === family)
    .flatMap((text) => parseCidr(text) ?? []);
}
