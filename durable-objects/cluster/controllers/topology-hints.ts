/**
 * Hints of `service.kubernetes.io/topology-mode: Auto`: ready endpoints are given to zones in proportion to the zones'
 * CPUs, or to none where that cannot be done without overloading one.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
 */
import type { Node, Service, SliceEndpoint } from "../api/objects.ts";
import { milliValue } from "../api/quantity.ts";

const annotation = "service.kubernetes.io/topology-mode";
const zoneLabel = "topology.kubernetes.io/zone";
/** Nodes of the control plane carry no workload and are left out. */
const controlPlaneLabels = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
/** A zone may get this share less than its due. */
const overload = 0.2;

export const isAuto = ({ metadata }: Service): boolean => ["Auto", "auto"].includes(metadata.annotations?.[annotation] ?? "");

/** Endpoint -> zone, or why there are no hints; the sentence ends before the address type. */
export type ZoneHints = { zones: ReadonlyMap<SliceEndpoint, string> } | { zones: undefined; why: string };

/** @param endpoints of one family, in the order in which they give up their own zone where it has too many */
export function zoneHints(endpoints: readonly SliceEndpoint[], nodes: readonly Node[]): ZoneHints {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready);
  const shares = cpuShares(nodes);
  if (!shares)
    return { zones: undefined, why: "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes" };
  const count = `(${ready.length} endpoints, ${shares.size} zones)`;
  if (ready.length < shares.size) return { zones: undefined, why: `Insufficient number of endpoints ${count}` };
  const due = new Map([...shares].map(([zone, share]) => [zone, share * ready.length]));
  const least = [...due.values()].reduce((sum, amount) => sum + Math.ceil(amount / (1 + overload)), 0);
  if (least > ready.length) {
    return {
      zones: undefined,
      why: `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${count}`,
    };
  }
  if (ready.some(({ zone }) => !zone)) return { zones: undefined, why: "One or more endpoints do not have a zone specified" };
  return { zones: balanced(ready, due) };
}

/** Zones whose endpoints exceed their due give the first of them to zones that lack some. */
function balanced(ready: readonly SliceEndpoint[], due: ReadonlyMap<string, number>): Map<SliceEndpoint, string> {
  const zones = new Map(ready.map((endpoint) => [endpoint, endpoint.zone as string]));
  const have = new Map<string, number>();
  for (const zone of zones.values()) have.set(zone, (have.get(zone) ?? 0) + 1);
  const spare = new Map([...have].map(([zone, count]) => [zone, Math.floor(count - (due.get(zone) ?? 0))]));
  const lacking = [...due].flatMap(([zone, amount]) => {
    const missing = Math.max(0, Math.floor(amount - (have.get(zone) ?? 0)));
    return Array.from({ length: missing }, () => zone);
  });
  for (const [endpoint, zone] of zones) {
    const left = spare.get(zone) ?? 0;
    if (left <= 0 || lacking.length === 0) continue;
    spare.set(zone, left - 1);
    zones.set(endpoint, lacking.shift() as string);
  }
  return zones;
}

/** Zone -> its share of all CPUs; `undefined` where a node does not say, or there is only one zone. */
function cpuShares(nodes: readonly Node[]): Map<string, number> | undefined {
  const byZone = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of nodes) {
    const isReady = status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");
    if (!isReady || controlPlaneLabels.some((label) => metadata.labels?.[label] !== undefined)) continue;
    const zone = metadata.labels?.[zoneLabel];
    const cpu = milliValue(String(status.allocatable?.cpu ?? "0"));
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (byZone.size < 2) return undefined;
  return new Map([...byZone].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}
