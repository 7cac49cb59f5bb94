/**
 * What kube-proxy reads out of EndpointSlices: the endpoints of each port, merged over the slices of a Service.
 *
 * Endpoints are found by port name and protocol; the number in a Service's `targetPort` plays no role.
 *
 * @see test/golden/proxy/README.md "which objects count"
 */
import type { ObjectRef } from "../api/network.ts";
import type { EndpointSlice } from "../api/objects.ts";
import { canonicalIP } from "./address.ts";
import type { Family } from "./rule-set.ts";

/** One address and port behind a service port. */
export interface Endpoint {
  ip: string;
  port: number;
  /** `ip:port`, for IPv6 `[ip]:port`. */
  text: string;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  /** Absent where the slice does not say; then the endpoint is local to no node. */
  node?: string;
  /** Empty without hints. */
  zoneHints: readonly string[];
  nodeHints: readonly string[];
  /** The slice, and the pod where there is one. */
  objects: readonly ObjectRef[];
}

/** Endpoints of one slice, by `portName/protocol`. */
export type SliceEndpoints = ReadonlyMap<string, readonly Endpoint[]>;

/** The Service a slice belongs to, as `namespace/name`; `undefined` for a slice that kube-proxy does not read. */
export function serviceOf(slice: EndpointSlice): string | undefined {
  const labels = slice.metadata.labels ?? {};
  const service = labels["kubernetes.io/service-name"];
  if (service === undefined || service === "" || labels["service.kubernetes.io/headless"] !== undefined) return undefined;
  return `${slice.metadata.namespace}/${service}`;
}

/** The key under which a service port finds its endpoints. */
export const endpointsKey = (portName: string, protocol: string): string => `${portName}/${protocol}`;

/** Empty for a slice of another address type. */
export function endpointsOf(slice: EndpointSlice, family: Family): SliceEndpoints {
  const byPort = new Map<string, Endpoint[]>();
  if (slice.addressType !== family) return byPort;
  for (const { name, port, protocol } of slice.ports ?? []) {
    if (name === undefined || name === null || port === undefined || port === null || port === 0) continue;
    const key = endpointsKey(name, protocol ?? "TCP");
    const endpoints = byPort.get(key) ?? [];
    for (const entry of slice.endpoints ?? []) {
      const ip = entry.addresses?.[0];
      if (ip !== undefined) endpoints.push(endpoint(slice, entry, canonicalIP(ip), port, family));
    }
    byPort.set(key, endpoints);
  }
  return byPort;
}

function endpoint(
  slice: EndpointSlice,
  entry: NonNullable<EndpointSlice["endpoints"]>[number],
  ip: string,
  port: number,
  family: Family,
): Endpoint {
  const hints = (entry.hints ?? {}) as { forZones?: { name: string }[]; forNodes?: { name: string }[] };
  const { namespace } = slice.metadata;
  const target = entry.targetRef;
  return {
    ip,
    port,
    text: family === "IPv4" ? `${ip}:${port}` : `[${ip}]:${port}`,
    ready: entry.conditions?.ready ?? true,
    serving: entry.conditions?.serving ?? true,
    terminating: entry.conditions?.terminating ?? false,
    node: entry.nodeName ?? undefined,
    zoneHints: (hints.forZones ?? []).map((zone) => zone.name),
    nodeHints: (hints.forNodes ?? []).map((node) => node.name),
    objects: [
      { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace, name: slice.metadata.name },
      ...(target?.kind === "Pod" ? [{ apiVersion: "v1", kind: "Pod", namespace: target.namespace ?? namespace, name: target.name! }] : []),
    ],
  };
}

/**
 * The endpoints of one port over all slices of a Service, in byte order of their text.
 *
 * @param slices in byte order of their names; of two endpoints with one text the first stays, unless only the second is not terminating
 */
export function mergeEndpoints(slices: Iterable<SliceEndpoints>, key: string): Endpoint[] {
  const byText = new Map<string, Endpoint>();
  for (const slice of slices) {
    for (const candidate of slice.get(key) ?? []) {
      const known = byText.get(candidate.text);
      if (known === undefined || (known.terminating && !candidate.terminating)) byText.set(candidate.text, candidate);
    }
  }
  return [...byText.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}
