/**
 * The faults there are, how a person writes one as an annotation, and which container, node or wire it concerns.
 *
 * Pure: which faults stand, and since when, is `faults.ts`.
 */
import type { Reader } from "../api/controller.ts";
import type { ContainerFault, LinkFault, ProbeName } from "../api/faults.ts";
import type { KubeObject, Pod } from "../api/objects.ts";
import { dnsNamespace, dnsPodLabels } from "../dns/cluster-dns-objects.ts";

/** A pod, or every pod of a workload, those to come included. */
export interface PodTarget {
  namespace: string;
  /** `pods`, `deployments.apps`, … */
  resource: string;
  name: string;
  /** Default: every container. */
  container?: string;
}

export type Fault =
  | { fault: "node-down"; node: string }
  | { fault: "split"; between: [string, string] }
  | { fault: "latency"; between: [string, string]; ms: number }
  | { fault: "loss"; between: [string, string]; percent: number }
  | { fault: "pod-crash" | "oom"; of: PodTarget }
  | { fault: "slow-start"; of: PodTarget; seconds: number }
  | { fault: "failing-probe"; of: PodTarget; probe: ProbeName }
  | { fault: "dns-down" }
  | { fault: "image-missing"; image: string };

export const faultLimits = { standing: 200, latencyMs: 60_000, slowStartSeconds: 3_600 } as const;

export const faultAnnotation = "kubearium.dev/fault";

/** Words by which people name a kind of workload -> the resource. */
export const workloadWords: Readonly<Record<string, string>> = {
  pod: "pods",
  deploy: "deployments.apps",
  deployment: "deployments.apps",
  rs: "replicasets.apps",
  replicaset: "replicasets.apps",
  sts: "statefulsets.apps",
  statefulset: "statefulsets.apps",
  ds: "daemonsets.apps",
  daemonset: "daemonsets.apps",
  job: "jobs.batch",
};
export const workloads: ReadonlySet<string> = new Set(Object.values(workloadWords));

/** The pod itself and what owns it, up to its Deployment. */
export function* ownersOf(pod: Pod, reader: Reader): Iterable<{ resource: string; object: KubeObject }> {
  let at: { resource: string; object: KubeObject } | undefined = { resource: "pods", object: pod };
  for (let depth = 0; at !== undefined && depth < 4; depth += 1) {
    yield at;
    const owner: { kind: string; name: string } | undefined = at.object.metadata.ownerReferences?.find(({ controller }) => controller);
    const resource: string | undefined = owner && workloadWords[owner.kind.toLowerCase()];
    const object: KubeObject | undefined =
      owner && resource ? reader.get<KubeObject>(resource, pod.metadata.namespace, owner.name) : undefined;
    at = resource && object ? { resource, object } : undefined;
  }
}

const isOf = (pod: Pod, container: string, of: PodTarget, reader: Reader): boolean => {
  if (of.namespace !== pod.metadata.namespace || (of.container !== undefined && of.container !== container)) return false;
  for (const { resource, object } of ownersOf(pod, reader)) if (resource === of.resource && object.metadata.name === of.name) return true;
  return false;
};

const isDnsPod = ({ metadata: { namespace, labels } }: Pod): boolean =>
  namespace === dnsNamespace && Object.entries(dnsPodLabels).every(([key, value]) => labels?.[key] === value);

/** What a fault does to one container; `undefined`: nothing. */
export function onContainer(
  fault: Fault,
  pod: Pod,
  container: { name: string; image?: string },
  reader: Reader,
): ContainerFault | undefined {
  switch (fault.fault) {
    case "pod-crash":
      return isOf(pod, container.name, fault.of, reader) ? { ends: "crash" } : undefined;
    case "oom":
      return isOf(pod, container.name, fault.of, reader) ? { ends: "oom" } : undefined;
    case "slow-start":
      return isOf(pod, container.name, fault.of, reader) ? { listensAfterMs: fault.seconds * 1000 } : undefined;
    case "failing-probe":
      return isOf(pod, container.name, fault.of, reader) ? { failingProbes: [fault.probe] } : undefined;
    case "dns-down":
      return isDnsPod(pod) ? { ends: "crash" } : undefined;
    case "image-missing":
      return fault.image === container.image ? { imageMissing: true } : undefined;
    default:
      return undefined;
  }
}

export function onLink(fault: Fault, node: string, other: string): LinkFault | undefined {
  if (!("between" in fault) || !fault.between.includes(node) || !fault.between.includes(other)) return undefined;
  if (fault.fault === "split") return { split: true };
  return fault.fault === "latency" ? { latencyMs: fault.ms } : { lossChance: fault.percent / 100 };
}

/** Whether the object's end ends the fault. */
export function concerns(fault: Fault, resource: string, { metadata: { namespace, name } }: KubeObject): boolean {
  if (resource === "nodes") return "node" in fault ? fault.node === name : "between" in fault && fault.between.includes(name);
  return "of" in fault && fault.of.resource === resource && fault.of.name === name && fault.of.namespace === namespace;
}

/**
 * Reads an annotation: `pod-crash`, `oom`, `slow-start 20s`, `failing-probe readiness`, `image-missing` on pods and
 * workloads, `node-down`, `split node-2`, `latency node-2 50ms`, `loss node-2 10%` on nodes; several with commas between.
 *
 * @returns words that are no fault of such an object as text
 */
export function faultsInAnnotation(text: string, resource: string, object: KubeObject): (Fault | string)[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const words = part.split(/\s+/);
      const found = resource === "nodes" ? nodeFault(words, object.metadata.name) : podFault(words, resource, object);
      return found ?? part;
    });
}

function nodeFault([fault, other, amount]: string[], node: string): Fault | undefined {
  if (fault === "node-down") return { fault, node };
  if (other === undefined || other === node) return undefined;
  const between: [string, string] = [node, other];
  if (fault === "split") return { fault, between };
  const number = Number.parseFloat(amount ?? "");
  if (fault === "latency" && /^\d+(ms)?$/.test(amount ?? "") && number <= faultLimits.latencyMs) return { fault, between, ms: number };
  if (fault === "loss" && /^\d+(\.\d+)?%?$/.test(amount ?? "") && number <= 100) return { fault, between, percent: number };
  return undefined;
}

function podFault([fault, word]: string[], resource: string, { metadata, spec }: KubeObject): Fault | undefined {
  const of: PodTarget = { namespace: metadata.namespace ?? "", resource, name: metadata.name };
  if (fault === "pod-crash" || fault === "oom") return { fault, of };
  if (fault === "slow-start" && /^\d+s?$/.test(word ?? "")) {
    const seconds = Number.parseInt(word ?? "", 10);
    return seconds <= faultLimits.slowStartSeconds ? { fault, of, seconds } : undefined;
  }
  if (fault === "failing-probe" && (word === "startup" || word === "readiness" || word === "liveness")) return { fault, of, probe: word };
  const image = (spec.template?.spec ?? spec).containers?.[0]?.image as string | undefined;
  return fault === "image-missing" && image !== undefined ? { fault, image } : undefined;
}
