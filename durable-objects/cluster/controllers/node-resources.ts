/**
 * What pods ask of a node and what a node has: CPU in thousandths, memory in bytes, everything else by its own name.
 *
 * @see https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
 */
import type { Node, Pod } from "../api/objects.ts";
import { milliValue, wholeValue } from "../api/quantity.ts";

/** Resource -> amount. */
export type Amounts = ReadonlyMap<string, number>;

/** What scoring assumes for a container that asks for nothing. */
const assumed = { cpu: 100, memory: 200 * 1024 * 1024 } as const;

const amountOf = (resource: string, quantity: string): number => (resource === "cpu" ? milliValue(quantity) : wholeValue(quantity));

export function allocatable(node: Node): Amounts {
  const amounts = new Map<string, number>();
  for (const [resource, quantity] of Object.entries(node.status.allocatable ?? node.status.capacity ?? {})) {
    amounts.set(resource, amountOf(resource, String(quantity)));
  }
  return amounts;
}

/** Stored pods are never changed in place, and the scheduler asks about each of them for every pod it places. */
function oncePerPod(of: (pod: Pod) => Amounts): (pod: Pod) => Amounts {
  const known = new WeakMap<Pod, Amounts>();
  return (pod) => {
    const amounts = known.get(pod) ?? of(pod);
    known.set(pod, amounts);
    return amounts;
  };
}

/** The sum of the containers, or one init container where that is more, and the overhead. */
export const requests = oncePerPod((pod) =>
  summed(pod, (resource, requested) => (requested === undefined ? 0 : amountOf(resource, requested))),
);

/** The same with CPU and memory assumed for containers that do not name them. */
export const scoredRequests = oncePerPod((pod) =>
  summed(pod, (resource, requested) =>
    requested === undefined ? (assumed[resource as keyof typeof assumed] ?? 0) : amountOf(resource, requested),
  ),
);

export const add = (a: Amounts, b: Amounts): Amounts => {
  const sum = new Map(a);
  for (const [resource, amount] of b) sum.set(resource, (sum.get(resource) ?? 0) + amount);
  return sum;
};

function summed(pod: Pod, amount: (resource: string, requested: string | undefined) => number): Amounts {
  const { containers, initContainers = [], overhead = {} } = pod.spec;
  const of = (container: { resources?: { requests?: Record<string, unknown> } }): Map<string, number> => {
    const requested = container.resources?.requests ?? {};
    const resources = new Set(["cpu", "memory", ...Object.keys(requested)]);
    return new Map(
      [...resources].map((resource) => [
        resource,
        amount(resource, requested[resource] === undefined ? undefined : String(requested[resource])),
      ]),
    );
  };
  let total: Amounts = new Map();
  let sidecars: Amounts = new Map();
  for (const container of containers) total = add(total, of(container));
  for (const container of initContainers) {
    // A sidecar runs beside everything after it; any other init container runs alone with the sidecars before it.
    if (container.restartPolicy === "Always") {
      sidecars = add(sidecars, of(container));
      total = add(total, of(container));
    } else total = larger(total, add(sidecars, of(container)));
  }
  return add(total, new Map(Object.entries(overhead).map(([resource, quantity]) => [resource, amountOf(resource, String(quantity))])));
}

function larger(a: Amounts, b: Amounts): Amounts {
  const most = new Map(a);
  for (const [resource, amount] of b) most.set(resource, Math.max(most.get(resource) ?? 0, amount));
  return most;
}
