/**
 * How endpoints are spread over slices: at most 100 in each, removal never moves others, and as few slices are written
 * as will do.
 *
 * Knows nothing of Services: it is given what is there and what should be.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#distribution-of-endpointslices
 */
import type { EndpointPort, EndpointSlice, SliceEndpoint } from "../api/objects.ts";
import { same } from "../api/same.ts";

export const maxEndpointsPerSlice = 100;

/** What is written: slices without `slice` are new. */
export interface SliceWrite {
  slice: EndpointSlice | undefined;
  ports: EndpointPort[] | null;
  endpoints: SliceEndpoint[];
}

export interface SliceLayout {
  writes: SliceWrite[];
  deletes: EndpointSlice[];
}

/** The same endpoint, whatever its conditions. */
const identityOf = ({ addresses, hostname, targetRef }: SliceEndpoint): string =>
  JSON.stringify([
    [...addresses].sort(),
    hostname ?? "",
    targetRef?.kind ?? "",
    targetRef?.namespace ?? "",
    targetRef?.name ?? "",
    targetRef?.uid ?? "",
  ]);

/**
 * Lays out one family of a Service's endpoints.
 *
 * @param present slices of that family that belong to the Service
 * @param desired endpoints grouped by the ports they offer
 * @param isStale says that a slice has to be written for other reasons (its labels)
 * @param capacity endpoints in a slice
 * @param whenEmpty whether one slice stays where there is nothing to put into it
 */
export function layOut(
  present: readonly EndpointSlice[],
  desired: readonly { ports: EndpointPort[] | null; endpoints: readonly SliceEndpoint[] }[],
  isStale: (slice: EndpointSlice) => boolean,
  capacity = maxEndpointsPerSlice,
  whenEmpty: "placeholder" | "may-be-none" = "placeholder",
): SliceLayout {
  const layout: SliceLayout = { writes: [], deletes: [] };
  const left = new Set(present);
  for (const { ports, endpoints } of desired) {
    const own = present.filter((slice) => left.has(slice) && samePorts(slice.ports, ports));
    for (const slice of own) left.delete(slice);
    layOutPorts(layout, own, ports, endpoints, isStale, capacity);
  }
  layout.deletes.push(...left);
  if (whenEmpty === "placeholder") keepPlaceholder(layout, present, isStale);
  reuseDeleted(layout);
  return layout;
}

const samePorts = (a: EndpointPort[] | null, b: EndpointPort[] | null): boolean => same(sortedPorts(a), sortedPorts(b));
const sortedPorts = (ports: EndpointPort[] | null): string[] =>
  (ports ?? []).map(({ name = "", protocol = "TCP", port, appProtocol = "" }) => `${name} ${protocol} ${port} ${appProtocol}`).sort();

function layOutPorts(
  layout: SliceLayout,
  present: readonly EndpointSlice[],
  ports: EndpointPort[] | null,
  endpoints: readonly SliceEndpoint[],
  isStale: (slice: EndpointSlice) => boolean,
  capacity: number,
): void {
  const missing = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const changed: SliceWrite[] = [];
  const unchanged: SliceWrite[] = [];
  for (const slice of present) {
    const before = slice.endpoints ?? [];
    const kept = before.flatMap((endpoint) => takeOut(missing, identityOf(endpoint)) ?? []);
    const write = { slice, ports: slice.ports, endpoints: kept };
    if (same(before, kept)) (isStale(slice) ? changed : unchanged).push(write);
    else if (kept.length === 0) layout.deletes.push(slice);
    else changed.push(write);
  }
  const rest = [...missing.values()];
  // First into slices that are written anyway, the fullest first.
  for (const write of [...changed].sort((a, b) => b.endpoints.length - a.endpoints.length)) fill(write, rest, capacity);
  while (rest.length > 0) {
    const roomy = rest.length < capacity ? fullestWithRoom(unchanged, rest.length, capacity) : undefined;
    const write = roomy ?? { slice: undefined, ports, endpoints: [] };
    if (roomy) unchanged.splice(unchanged.indexOf(roomy), 1);
    fill(write, rest, capacity);
    changed.push(write);
  }
  layout.writes.push(...changed);
}

function takeOut<K, V>(from: Map<K, V>, key: K): V | undefined {
  const value = from.get(key);
  from.delete(key);
  return value;
}

function fill(write: SliceWrite, rest: SliceEndpoint[], capacity: number): void {
  write.endpoints = [...write.endpoints, ...rest.splice(0, capacity - write.endpoints.length)];
}

function fullestWithRoom(writes: readonly SliceWrite[], count: number, capacity: number): SliceWrite | undefined {
  let best: SliceWrite | undefined;
  for (const write of writes) {
    const fits = write.endpoints.length + count <= capacity;
    if (fits && (best === undefined || write.endpoints.length > best.endpoints.length)) best = write;
  }
  return best;
}

/** There is always one slice, if need be without ports and endpoints. */
function keepPlaceholder(layout: SliceLayout, present: readonly EndpointSlice[], isStale: (slice: EndpointSlice) => boolean): void {
  if (layout.writes.length > 0 || layout.deletes.length < present.length) return;
  const [only] = layout.deletes;
  const isPlaceholder = layout.deletes.length === 1 && only && (only.ports ?? []).length + (only.endpoints ?? []).length === 0;
  if (isPlaceholder && !isStale(only)) layout.deletes = [];
  else layout.writes.push({ slice: undefined, ports: null, endpoints: [] });
}

/** A new slice takes the place of one that would go. */
function reuseDeleted(layout: SliceLayout): void {
  for (const write of [...layout.writes].reverse()) {
    if (write.slice === undefined && layout.deletes.length > 0) write.slice = layout.deletes.shift();
  }
}
