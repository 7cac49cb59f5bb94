/**
 * The quality of service class of a pod, from the requests and limits of its containers.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 */
import type { PodSpec } from "../../api/objects.ts";
import { addQuantities, compareQuantities } from "../../api/quantity.ts";

type Lists = { limits?: Record<string, string>; requests?: Record<string, string> };

const counted = ["cpu", "memory"];

export function qosClassOf(spec: PodSpec): "Guaranteed" | "Burstable" | "BestEffort" {
  const own = (spec as { resources?: Lists }).resources;
  const parts: Lists[] = own
    ? [own]
    : [...spec.containers, ...(spec.initContainers ?? [])].map((container) => (container?.resources ?? {}) as Lists);
  const requests = totals(parts, "requests");
  const limits = totals(parts, "limits");
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return "BestEffort";
  const isLimited = parts.every(({ limits: list }) => counted.every((name) => isPositive(list?.[name])));
  const isEqual = counted.every((name) => requests[name] !== undefined && compareQuantities(requests[name], limits[name] ?? "0") === 0);
  return isLimited && isEqual ? "Guaranteed" : "Burstable";
}

const isPositive = (quantity: string | undefined): boolean => quantity !== undefined && compareQuantities(quantity, "0") > 0;

function totals(parts: readonly Lists[], list: keyof Lists): Record<string, string> {
  const sums: Record<string, string> = {};
  for (const part of parts) {
    for (const name of counted) {
      const quantity = part[list]?.[name];
      if (quantity !== undefined && isPositive(quantity))
        sums[name] = sums[name] === undefined ? quantity : addQuantities(sums[name], quantity);
    }
  }
  return sums;
}
