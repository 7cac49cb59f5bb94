/** Which pods stand behind a Service, and at which address and ports. */
import type { Change } from "../api/change-tracker.ts";
import type { Reader } from "../api/controller.ts";
import { matchesLabelMap } from "../api/label-selector.ts";
import { type KubeObject, keyOf, type Pod, type Service, type ServicePort } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { isFinished, isReady } from "./pod-state.ts";

/** An absent or empty selector means that somebody else maintains the endpoints. */
export const hasSelector = ({ spec }: Service): boolean => spec.selector !== undefined && Object.keys(spec.selector).length > 0;

export const isHeadless = ({ spec }: Service): boolean =>
  spec.clusterIP === undefined || spec.clusterIP === "" || spec.clusterIP === "None";

export const selectedPods = (service: Service, read: Reader): Pod[] =>
  read.list<Pod>("pods", service.metadata.namespace).filter((pod) => matchesLabelMap(service.spec.selector, pod.metadata.labels));

/** From the moment it has an address until its phase is final. */
export const hasEndpoint = (pod: Pod): boolean => !isFinished(pod) && addressesOf(pod).length > 0;

const addressesOf = ({ status }: Pod): string[] =>
  (status.podIPs ?? [])
    .map(({ ip }) => ip ?? "")
    .concat(status.podIP ?? [])
    .filter((ip) => ip !== "");

/** Of addresses that the API has accepted already. */
export const addressOf = (pod: Pod, family: string): string | undefined =>
  addressesOf(pod).find((ip) => ip.includes(":") === (family === "IPv6"));

/** The number behind a port of the Service on this pod; `undefined`: the pod has no port of that name and protocol. */
export function targetPort(pod: Pod, { targetPort, port, protocol = "TCP" }: ServicePort): number | undefined {
  if (typeof targetPort === "number") return targetPort === 0 ? port : targetPort;
  if (targetPort === undefined || targetPort === "") return port;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...pod.spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((named) => named.name === targetPort && (named.protocol ?? "TCP") === protocol)?.containerPort;
}

/** Only a pod whose subdomain is the name of the Service has a name of its own in DNS. */
export const hostnameFor = (pod: Pod, service: Service): string | undefined =>
  pod.spec.hostname && pod.spec.subdomain === service.metadata.name && pod.metadata.namespace === service.metadata.namespace
    ? pod.spec.hostname
    : undefined;

/** The Services for which a change of a pod matters, by its labels before and after. */
export function* servicesOf(change: Change<KubeObject>, read: Reader): Iterable<string> {
  const [before, after] = [change.before as Pod | undefined, change.after as Pod | undefined];
  if (before && after && same(seenByServices(before), seenByServices(after))) return;
  const namespace = (after ?? before)?.metadata.namespace;
  for (const service of read.list<Service>("services", namespace)) {
    if (!hasSelector(service)) continue;
    const isSelected = (pod: Pod | undefined): boolean => pod !== undefined && matchesLabelMap(service.spec.selector, pod.metadata.labels);
    if (isSelected(before) || isSelected(after)) yield keyOf(service);
  }
}

/** Without an address nothing of a pod is seen, except that it is there. */
function seenByServices(pod: Pod): object {
  const { metadata, spec, status } = pod;
  if (!hasEndpoint(pod)) return { labels: metadata.labels };
  return {
    labels: metadata.labels,
    deleting: metadata.deletionTimestamp !== undefined,
    node: spec.nodeName,
    name: [spec.hostname, spec.subdomain],
    addresses: [status.podIP, status.podIPs],
    ready: isReady(pod),
  };
}
