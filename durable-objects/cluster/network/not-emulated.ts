/**
 * Stored fields on a packet's way whose effect is not emulated yet. Where one applies, the verdict is `unsupported`,
 * never a guess.
 */
import type { Reader } from "../api/controller.ts";
import { type LabelSelector, matchesLabelSelector } from "../api/label-selector.ts";
import type { ObjectRef, Protocol } from "../api/network.ts";
import type { KubeObject, Pod } from "../api/objects.ts";

export interface NotEmulated {
  code: "network-policy" | "host-port";
  params: Record<string, string | number>;
  object: ObjectRef;
}

interface NetworkPolicy extends KubeObject {
  spec?: { podSelector?: LabelSelector; policyTypes?: string[]; egress?: unknown[] };
}

/** The first NetworkPolicy that isolates a pod in a direction. Pods in the node's own network are not subject to policies. */
export function policyOn(reader: Reader, pod: Pod | undefined, direction: "Ingress" | "Egress"): NotEmulated | undefined {
  if (pod === undefined || pod.spec.hostNetwork) return undefined;
  const { namespace, name } = pod.metadata;
  const policy = reader
    .list<NetworkPolicy>("networkpolicies.networking.k8s.io", namespace)
    .find((each) => directionsOf(each).includes(direction) && matchesLabelSelector(each.spec?.podSelector ?? {}, pod.metadata.labels));
  if (policy === undefined) return undefined;
  const object = { apiVersion: policy.apiVersion, kind: policy.kind, namespace, name: policy.metadata.name, field: "spec.podSelector" };
  return {
    code: "network-policy",
    params: { policy: policy.metadata.name, namespace, pod: name, direction: direction.toLowerCase() },
    object,
  };
}

const directionsOf = ({ spec }: NetworkPolicy): string[] =>
  spec?.policyTypes ?? ["Ingress", ...(spec?.egress === undefined ? [] : ["Egress"])];

/** A pod on the node that asks for this port of the node with `hostPort`. */
export function hostPortOn(reader: Reader, node: string, port: number | undefined, protocol: Protocol): NotEmulated | undefined {
  for (const pod of reader.list<Pod>("pods")) {
    if (pod.spec.nodeName !== node || pod.spec.hostNetwork) continue;
    const taken = pod.spec.containers.some(({ ports }) =>
      ports?.some((each) => each.hostPort !== undefined && each.hostPort === port && (each.protocol ?? "TCP") === protocol),
    );
    if (!taken) continue;
    const { namespace, name } = pod.metadata;
    return {
      code: "host-port",
      params: { pod: name, node, port: port ?? 0 },
      object: { apiVersion: "v1", kind: "Pod", namespace, name, field: "spec.containers[].ports[].hostPort" },
    };
  }
  return undefined;
}
