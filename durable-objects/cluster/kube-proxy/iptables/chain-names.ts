/**
 * Names of the chains that kube-proxy makes for service ports and endpoints: a prefix and 16 letters of a hash.
 *
 * @see test/golden/proxy/README.md "Facts: iptables", Names
 */
import { nameHash } from "../name-hash.ts";
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

const hashOf = (text: string): string => nameHash(text, 16);
