/**
 * What an explanation looks up in the cluster's objects. Only to explain: what happened is already decided.
 */
import type { Reader } from "../api/controller.ts";
import { matchesLabelMap } from "../api/label-selector.ts";
import type { Machines, ObjectRef } from "../api/network.ts";
import type { EndpointSlice, KubeObject, Pod, Service } from "../api/objects.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { canonical } from "../network/address-book.ts";

export interface Facts {
  reader: Reader;
  machines: Machines;
  options: SandboxOptions;
  /** Cluster time in milliseconds. */
  now: number;
  /** The pod that last had an address and is gone; `undefined` where nobody remembers one. */
  formerPod?(ip: string): FormerPod | undefined;
}

export interface FormerPod {
  pod: Pod;
  /** Cluster time in milliseconds. */
  deletedAt: number;
}

export const refTo = (object: KubeObject, field?: string): ObjectRef => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
  name: object.metadata.name,
  ...(field === undefined ? {} : { field }),
});

export const serviceOf = (objects: readonly ObjectRef[], reader: Reader): Service | undefined => {
  const ref = objects.find(({ kind }) => kind === "Service");
  return ref && reader.get<Service>("services", ref.namespace, ref.name);
};

/** The Service that has an address: as cluster IP, external IP or at a load balancer. */
export const serviceAt = (ip: string, reader: Reader): Service | undefined =>
  reader.list<Service>("services").find((service) => addressesOf(service).includes(ip));

const addressesOf = ({ spec, status }: Service): string[] => [
  ...clusterIPsOf(spec),
  ...(spec.externalIPs ?? []).map(canonical),
  ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [canonical(ip)])),
];

export const clusterIPsOf = (spec: Service["spec"]): string[] =>
  (spec.clusterIPs ?? [spec.clusterIP ?? "None"]).filter((ip) => ip !== "None" && ip !== "").map(canonical);

export const hasSelector = ({ spec }: Service): boolean => Object.keys(spec.selector ?? {}).length > 0;

/** Pods that a selector finds, finished ones left out. */
export const podsWith = (selector: Record<string, string> | undefined, namespace: string, reader: Reader): Pod[] =>
  reader
    .list<Pod>("pods", namespace)
    .filter((pod) => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed" && matchesLabelMap(selector, pod.metadata.labels));

export const slicesOf = ({ metadata: { namespace, name } }: Service, reader: Reader): EndpointSlice[] =>
  reader
    .list<EndpointSlice>("endpointslices.discovery.k8s.io", namespace)
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name);

/** `80/TCP, 443/TCP` */
export const portsText = ({ spec }: Service): string =>
  (spec.ports ?? []).map(({ port, protocol }) => `${port}/${protocol ?? "TCP"}`).join(", ");

export const selectorText = (selector: Record<string, string> | undefined): string =>
  Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

export const isReady = (pod: Pod): boolean => pod.status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";

/** In the words of the kubelet: why a container waits, or why the Ready condition is not True. */
export function reasonNotReady(pod: Pod): string {
  const waiting = pod.status?.containerStatuses?.find(({ state }) => state?.waiting !== undefined)?.state?.waiting?.reason;
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return waiting ?? ready?.reason ?? pod.status?.phase ?? "Pending";
}
