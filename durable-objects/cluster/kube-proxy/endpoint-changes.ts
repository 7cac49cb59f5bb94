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
  const { namespace, name: sliceName } = slice.metadata;
  const ref: ObjectRef = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace, name: sliceName };
  for (const { name, port, protocol } of slice.ports ?? []) {
    if (name === undefined || name === null || port === undefined || port === null || port === 0) continue;
    const key = endpointsKey(name, protocol ?? "TCP");
    const endpoints = byPort.get(key) ?? [];
    for (const entry of slice.endpoints ?? []) {
      const ip = entry.addresses?.[0];
      if (ip !== undefined) endpoints.push(new SliceEndpoint(ref, entry, canonicalIP(ip), port));
    }
    byPort.set(key, endpoints);
  }
  return byPort;
}

/** There are many, so they share what they can: the slice's reference and empty lists, and references to pods are made when asked for. */
class SliceEndpoint implements Endpoint {
  readonly ip: string;
  readonly port: number;
  readonly text: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly node: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  readonly slice: ObjectRef;
  readonly target: { kind?: string; namespace?: string; name?: string } | undefined;

  constructor(slice: ObjectRef, entry: SliceEntry, ip: string, port: number) {
    const hints = (entry.hints ?? {}) as { forZones?: { name: string }[]; forNodes?: { name: string }[] };
    this.ip = ip;
    this.port = port;
    this.text = ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
    this.ready = entry.conditions?.ready ?? true;
    this.serving = entry.conditions?.serving ?? true;
    this.terminating = entry.conditions?.terminating ?? false;
    this.node = entry.nodeName ?? undefined;
    this.zoneHints = hints.forZones === undefined ? none : hints.forZones.map((zone) => zone.name);
    this.nodeHints = hints.forNodes === undefined ? none : hints.forNodes.map((node) => node.name);
    this.slice = slice;
    this.target = entry.targetRef ?? undefined;
  }

  get objects(): ObjectRef[] {
    if (this.target?.kind !== "Pod") return [this.slice];
    const { namespace = this.slice.namespace, name } = this.target;
    return [this.slice, { apiVersion: "v1", kind: "Pod", namespace, name: name! }];
  }
}

type SliceEntry = NonNullable<EndpointSlice["endpoints"]>[number];

const none: readonly string[] = [];

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
