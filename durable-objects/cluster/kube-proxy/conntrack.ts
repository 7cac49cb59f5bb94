/**
 * Which entries of the connection tracking table kube-proxy deletes after a sync.
 *
 * UDP only: a client that keeps its source port would else stay with an endpoint that is gone. Entries of TCP and SCTP,
 * and of Services without serving endpoints, are left alone.
 *
 * @see test/golden/proxy/README.md "Facts: connection tracking"
 */
import type { Change } from "../api/change-tracker.ts";
import type { EndpointSlice } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { endpointsOf, type SliceEndpoints, serviceOf } from "./endpoint-changes.ts";
import type { Family } from "./rule-set.ts";
import type { ServicePortEntry } from "./service-map.ts";

/** One tracked connection: as it was sent, and as replies to it look. */
export interface ConntrackEntry {
  protocol: "TCP" | "UDP" | "SCTP";
  src: string;
  srcPort: number;
  dst: string;
  dstPort: number;
  replySrc: string;
  replySrcPort: number;
  replyDst: string;
  replyDstPort: number;
}

/** The table has to be looked through, because UDP endpoints in a slice have changed. */
export function needsCleanup({ before, after }: Change<EndpointSlice>, family: Family): boolean {
  return !same(udpEndpoints(before, family), udpEndpoints(after, family));
}

function udpEndpoints(slice: EndpointSlice | undefined, family: Family): unknown {
  const known = slice !== undefined && serviceOf(slice) !== undefined;
  const byPort: SliceEndpoints = known ? endpointsOf(slice, family) : new Map();
  return [...byPort].filter(([key, endpoints]) => key.endsWith("/UDP") && endpoints.length > 0);
}

/** Entries to delete, in the order of the table. */
export function staleEntries(table: readonly ConntrackEntry[], entries: readonly ServicePortEntry[]): ConntrackEntry[] {
  const serving = servingByDestination(entries);
  return table.filter((entry) => {
    if (entry.protocol !== "UDP") return false;
    const endpoints = serving.get(`${entry.dst} ${entry.dstPort}`) ?? serving.get(`node port ${entry.dstPort}`);
    return endpoints !== undefined && !endpoints.has(`${entry.replySrc} ${entry.replySrcPort}`);
  });
}

/** Every destination of a UDP service port that somebody serves, with those who do. */
function servingByDestination(entries: readonly ServicePortEntry[]): Map<string, Set<string>> {
  const serving = new Map<string, Set<string>>();
  for (const { port, endpoints } of entries) {
    const those = endpoints.filter((endpoint) => endpoint.serving);
    if (port.protocol !== "UDP" || those.length === 0) continue;
    const set = new Set(those.map((endpoint) => `${endpoint.ip} ${endpoint.port}`));
    for (const ip of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs]) serving.set(`${ip} ${port.port}`, set);
    if (port.nodePort !== 0) serving.set(`node port ${port.nodePort}`, set);
  }
  return serving;
}
