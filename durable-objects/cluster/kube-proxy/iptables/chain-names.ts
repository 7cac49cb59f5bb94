/**
 * Names of the chains that kube-proxy makes for service ports and endpoints: a prefix and 16 letters of a hash.
 *
 * @see test/golden/proxy/README.md "Facts: iptables", Names
 */
import { sha256 } from "@noble/hashes/sha2.js";
import type { ServicePort } from "../service-changes.ts";

/** Prefixes of all chains that belong to a service port; such a chain that is no longer used is deleted. */
export const servicePrefixes = ["KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-"] as const;

export interface ServiceChains {
  /** Balances over the cluster list. */
  cluster: string;
  /** Balances over the local list. */
  local: string;
  external: string;
  firewall: string;
}

export function chainsOf(port: ServicePort): ServiceChains {
  const hash = hashOf(port.text + port.protocol.toLowerCase());
  return { cluster: `KUBE-SVC-${hash}`, local: `KUBE-SVL-${hash}`, external: `KUBE-EXT-${hash}`, firewall: `KUBE-FW-${hash}` };
}

export const endpointChain = (port: ServicePort, endpoint: { text: string }): string =>
  `KUBE-SEP-${hashOf(port.text + port.protocol.toLowerCase() + endpoint.text)}`;

const hashOf = (text: string): string => base32(sha256(new TextEncoder().encode(text)), 16);

/** RFC 4648 alphabet, upper case, the first letters only. */
export function base32(bytes: Uint8Array, letters: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  return Array.from({ length: letters }, (_, at) => {
    const bit = at * 5;
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0);
    return alphabet[(pair >> (11 - (bit & 7))) & 31];
  }).join("");
}
