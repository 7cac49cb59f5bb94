/**
 * Which endpoints of a service port one node uses, and what it means when there are none.
 *
 * The only place where rules differ between nodes because of endpoints: locality, node and zone hints.
 *
 * @see https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-policies
 * @see test/golden/proxy/README.md "Choosing endpoints"
 */
import type { Endpoint } from "./endpoint-changes.ts";
import { isExternal, type ServicePort } from "./service-changes.ts";
import type { ServicePortEntry } from "./service-map.ts";

/** Where the rules are for. */
export interface Locality {
  node: string;
  /** Absent where the node has no zone label; then zone hints are not followed. */
  zone?: string;
}

/** All lists are subsets of the endpoints of the port: same order, same objects. */
export interface UsableEndpoints {
  /** For traffic that may go anywhere; empty also where no traffic of the port may. */
  cluster: readonly Endpoint[];
  /** For traffic that has to stay on this node; empty also where no traffic of the port has to. */
  local: readonly Endpoint[];
  /** Those of either list. */
  reachable: readonly Endpoint[];
  /** False: nobody can serve; rejected. */
  hasEndpoints: boolean;
  /** False with `hasEndpoints`: the internal policy is Local and this node has none; dropped. */
  hasInternal: boolean;
  /** The same for traffic from outside. */
  hasExternal: boolean;
}

/** Chooses the endpoints of one service port on one node. */
export function usableEndpoints({ port, endpoints }: ServicePortEntry, at: Locality): UsableEndpoints {
  const cluster = usesCluster(port) ? clusterEndpoints(endpoints, at) : [];
  if (!usesLocal(port)) return { cluster, local: [], reachable: cluster, ...presence(port, cluster.length > 0, 0) };
  const local = readyElseDraining(endpoints.filter((endpoint) => endpoint.node === at.node));
  const either = new Set([...cluster, ...local]);
  const reachable = endpoints.filter((endpoint) => either.has(endpoint));
  const anywhere = endpoints.some((endpoint) => endpoint.ready || isDraining(endpoint));
  return { cluster, local, reachable, ...presence(port, cluster.length > 0 || anywhere, local.length) };
}

const presence = (port: ServicePort, hasEndpoints: boolean, local: number) => ({
  hasEndpoints,
  hasInternal: hasEndpoints && (!port.internalPolicyLocal || local > 0),
  hasExternal: hasEndpoints && (!port.externalPolicyLocal || local > 0),
});

/** Under Local, too, pods and the node itself reach external addresses through all endpoints. */
const usesCluster = (port: ServicePort): boolean => !port.internalPolicyLocal || isExternal(port);

const usesLocal = (port: ServicePort): boolean => port.internalPolicyLocal || (port.externalPolicyLocal && isExternal(port));

const isDraining = (endpoint: Endpoint): boolean => endpoint.serving && endpoint.terminating;

/** Draining ones only where nothing is ready, so that a rolling update drops no connection. */
function readyElseDraining(endpoints: readonly Endpoint[]): Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter(isDraining);
}

function clusterEndpoints(endpoints: readonly Endpoint[], at: Locality): Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? hinted(ready, at) : endpoints.filter(isDraining);
}

/** Hints are followed only where every ready endpoint has some and one of them names this node, or this zone. */
function hinted(ready: Endpoint[], { node, zone }: Locality): Endpoint[] {
  if (ready.every((endpoint) => endpoint.nodeHints.length > 0)) {
    const here = ready.filter((endpoint) => endpoint.nodeHints.includes(node));
    if (here.length > 0) return here;
  }
  if (zone !== undefined && ready.every((endpoint) => endpoint.zoneHints.length > 0)) {
    const near = ready.filter((endpoint) => endpoint.zoneHints.includes(zone));
    if (near.length > 0) return near;
  }
  return ready;
}
