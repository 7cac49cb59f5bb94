/** POST to a pod's `binding` and `eviction`. */
import { badRequest, conflict, type Status } from "../api/status-error.ts";
import type { ResourceStore, WriteOptions } from "./resource-store.ts";
import type { ResourceStrategy } from "./resource-strategy.ts";

const success: Omit<Status, "code"> & { code: number } = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };

/** Gives a pod its node, as the scheduler does. @throws StatusError 409 where it has one */
export function bindPod(
  resources: ResourceStore,
  of: ResourceStrategy,
  namespace: string,
  name: string,
  binding: Record<string, unknown>,
  options: WriteOptions,
): object {
  refuseOtherName(binding, name, "Binding");
  const target = (binding.target ?? {}) as { kind?: string; name?: string };
  if (target.kind !== undefined && target.kind !== "" && target.kind !== "Node")
    throw badRequest(`invalid binding: target.kind: Unsupported value: ${JSON.stringify(target.kind)}`);
  const pod = resources.get(of, namespace, name);
  const gr = { group: "", resource: "pods/binding" };
  if (pod.metadata.deletionTimestamp !== undefined) throw conflict(gr, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) throw conflict(gr, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  resources.bind(of, pod, target.name ?? "", options);
  return success;
}

/** Asks for a pod's deletion through its disruption budgets; there are none before order 7, so it is a deletion. */
export function evictPod(
  resources: ResourceStore,
  of: ResourceStrategy,
  namespace: string,
  name: string,
  eviction: Record<string, unknown>,
  options: WriteOptions,
): object {
  refuseOtherName(eviction, name, "Eviction");
  const asked = (eviction.deleteOptions ?? {}) as {
    gracePeriodSeconds?: number;
    preconditions?: { uid?: string; resourceVersion?: string };
    dryRun?: string[];
  };
  resources.delete(of, namespace, name, {
    ...(asked.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: asked.gracePeriodSeconds }),
    ...(asked.preconditions?.uid === undefined ? {} : { uid: asked.preconditions.uid }),
    dryRun: options.dryRun === true || (asked.dryRun ?? []).includes("All"),
  });
  return success;
}

function refuseOtherName(object: Record<string, unknown>, name: string, kind: string): void {
  const named = (object.metadata as { name?: string } | undefined)?.name;
  if (named !== undefined && named !== "" && named !== name) throw badRequest(`name in URL does not match name in ${kind} object`);
}
