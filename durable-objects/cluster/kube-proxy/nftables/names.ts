/**
 * Names of the chains and sets that kube-proxy makes for service ports and endpoints: a hash, and the text it is made of.
 *
 * @see test/golden/proxy/README.md "Facts: nftables", Names
 */
import { nameHash } from "../name-hash.ts";
import type { ServicePort } from "../service-changes.ts";

/** Prefixes of all chains that belong to a service port; such a chain that is no longer used is deleted. */
export const servicePrefixes = ["service-", "local-", "external-", "firewall-", "endpoint-"] as const;

export const affinityPrefix = "affinity-";

export interface ServiceNames {
  /** Balances over the cluster list. */
  cluster: string;
  /** Balances over the local list. */
  local: string;
  external: string;
  firewall: string;
}

export function namesOf(port: ServicePort): ServiceNames {
  const name = withHash(portText(port));
  return { cluster: `service-${name}`, local: `local-${name}`, external: `external-${name}`, firewall: `firewall-${name}` };
}

export interface EndpointNames {
  chain: string;
  affinity: string;
}

export function endpointNames(port: ServicePort, endpoint: { ip: string; port: number }): EndpointNames {
  const name = withHash(`${portText(port)}__${endpoint.ip.replaceAll(":", ".")}/${endpoint.port}`);
  return { chain: `endpoint-${name}`, affinity: `${affinityPrefix}${name}` };
}

const portText = ({ namespace, service, protocol, portName }: ServicePort): string =>
  `${namespace}/${service}/${protocol.toLowerCase()}/${portName}`;

const longest = 240;

function withHash(text: string): string {
  const name = `${nameHash(text, 8)}-${text}`;
  return name.length > longest ? `${name.slice(0, longest - 3)}...` : name;
}
