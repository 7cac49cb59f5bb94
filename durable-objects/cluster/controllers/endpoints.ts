/**
 * Keeps the Endpoints object of every Service that has a selector.
 *
 * Left as it is where the Service has none or is an ExternalName: those are written by hand.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#endpoints
 */
import type { Controller, ControllerContext, NewObject } from "../api/controller.ts";
import { type EndpointAddress, type Endpoints, type KubeObject, keyOf, type Pod, type Service } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { PerCluster } from "./per-cluster.ts";
import { isReady } from "./pod-state.ts";
import { addressOf, hasEndpoint, hasSelector, hostnameFor, isHeadless, selectedPods, servicesOf, targetPort } from "./service-pods.ts";
import { lookAgain, TriggerTimes, triggerTimeAnnotation } from "./trigger-times.ts";

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Port = NonNullable<Subset["ports"]>[number];

export const headlessLabel = "service.kubernetes.io/headless";
const managedByLabel = "endpoints.kubernetes.io/managed-by";
const capacityAnnotation = "endpoints.kubernetes.io/over-capacity";
const capacity = 1000;

/** The addresses of the pods behind a Service, grouped by the ports they offer. */
export function subsetsOf(service: Service, pods: readonly Pod[]): Subset[] {
  const anyway = service.spec.publishNotReadyAddresses === true;
  const family = service.spec.ipFamilies?.[0] ?? "IPv4";
  const byPorts = new Map<string, { ports: Port[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of pods) {
    if (!hasEndpoint(pod) || (pod.metadata.deletionTimestamp !== undefined && !anyway)) continue;
    const ip = addressOf(pod, family);
    const ports = portsOn(pod, service);
    if (ip === undefined || ports === undefined) continue;
    const key = JSON.stringify(ports);
    const group = byPorts.get(key) ?? { ports, ready: [], notReady: [] };
    byPorts.set(key, group);
    (anyway || isReady(pod) ? group.ready : group.notReady).push(addressFor(pod, service, ip));
  }
  return [...byPorts.keys()].sort().map((key) => {
    const { ports, ready, notReady } = byPorts.get(key) as { ports: Port[]; ready: EndpointAddress[]; notReady: EndpointAddress[] };
    return {
      ...(ready.length === 0 ? {} : { addresses: byAddress(ready) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: byAddress(notReady) }),
      ...(ports.length === 0 ? {} : { ports }),
    };
  });
}

/** A pod without any of the ports takes no part, except for a headless Service that has none. */
function portsOn(pod: Pod, service: Service): Port[] | undefined {
  const wanted = service.spec.ports ?? [];
  if (wanted.length === 0) return isHeadless(service) ? [] : undefined;
  const ports = wanted.flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    const { name, protocol = "TCP", appProtocol } = port;
    return [{ ...(name ? { name } : {}), port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
  return ports.length === 0 ? undefined : ports;
}

function addressFor(pod: Pod, service: Service, ip: string): EndpointAddress {
  const { name, namespace, uid } = pod.metadata;
  const hostname = hostnameFor(pod, service);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    nodeName: pod.spec.nodeName,
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

const sortKey = ({ ip, targetRef }: EndpointAddress): string =>
  `${ip
    .split(".")
    .map((part) => part.padStart(3, "0"))
    .join(".")} ${targetRef?.uid ?? ""}`;

function byAddress(addresses: readonly EndpointAddress[]): EndpointAddress[] {
  const keyed = addresses.map((address) => ({ address, key: sortKey(address) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ address }) => address);
}

/** At most 1,000 addresses, ready ones first; each subset gives in proportion. */
export function truncated(subsets: readonly Subset[]): { subsets: Subset[]; isCut: boolean } {
  const ready = subsets.reduce((sum, { addresses = [] }) => sum + addresses.length, 0);
  const notReady = subsets.reduce((sum, { notReadyAddresses = [] }) => sum + notReadyAddresses.length, 0);
  if (ready + notReady <= capacity) return { subsets: [...subsets], isCut: false };
  const shares = (lists: EndpointAddress[][], total: number, room: number): EndpointAddress[][] => {
    let left = room;
    return lists.map((list, at) => {
      const share = at === lists.length - 1 ? left : Math.min(left, Math.trunc((list.length * room) / (total || 1)));
      const kept = list.slice(0, share);
      left -= kept.length;
      return kept;
    });
  };
  const keptReady = shares(
    subsets.map(({ addresses = [] }) => addresses),
    ready,
    Math.min(ready, capacity),
  );
  const keptNotReady = shares(
    subsets.map(({ notReadyAddresses = [] }) => notReadyAddresses),
    notReady,
    Math.max(0, capacity - ready),
  );
  const kept = subsets.map(({ ports }, at) => ({
    ...(keptReady[at]?.length ? { addresses: keptReady[at] } : {}),
    ...(keptNotReady[at]?.length ? { notReadyAddresses: keptNotReady[at] } : {}),
    ...(ports === undefined ? {} : { ports }),
  }));
  return { subsets: kept.filter(({ addresses, notReadyAddresses }) => addresses ?? notReadyAddresses), isCut: true };
}

/**
 * What the Endpoints object of a Service should be; `undefined` where the present one will do.
 *
 * @param triggered see `TriggerTimes`
 */
export function desiredEndpoints(
  service: Service,
  pods: readonly Pod[],
  present: Endpoints | undefined,
  triggered: string | undefined,
): NewObject | undefined {
  const { subsets, isCut } = truncated(subsetsOf(service, pods));
  const { [headlessLabel]: _, [managedByLabel]: __, ...compared } = present?.metadata.labels ?? {};
  const isMarked = present?.metadata.annotations?.[capacityAnnotation] === "truncated";
  if (present && same(present.subsets ?? [], subsets) && same(compared, service.metadata.labels ?? {}) && isMarked === isCut)
    return undefined;
  const { [triggerTimeAnnotation]: ___, [capacityAnnotation]: ____, ...kept } = present?.metadata.annotations ?? {};
  const annotations = {
    ...kept,
    ...(triggered === undefined ? {} : { [triggerTimeAnnotation]: triggered }),
    ...(isCut ? { [capacityAnnotation]: "truncated" } : {}),
  };
  const { annotations: _____, ...metadata } = present?.metadata ?? { name: service.metadata.name, namespace: service.metadata.namespace };
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: {
      ...metadata,
      labels: {
        ...service.metadata.labels,
        ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
        [managedByLabel]: "endpoint-controller",
      },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

const triggers = new PerCluster(() => new TriggerTimes());

export const endpointsController: Controller = {
  name: "endpoint-controller",
  watches: {
    services: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    pods: servicesOf,
    // One that was edited is put right at the next change of its Service; one that was deleted at once.
    endpoints: ({ before, after }) => (before && !after ? [keyOf(before)] : []),
  },
  wake(context) {
    const isKnown = ({ metadata }: Service): boolean => context.get("endpoints", metadata.namespace, metadata.name) !== undefined;
    lookAgain(triggers.for(context), context, isKnown);
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const service = context.get<Service>("services", namespace, name);
    if (!service) {
      triggers.for(context).forget(key);
      context.delete("endpoints", namespace, name);
      return;
    }
    if (service.spec.type === "ExternalName" || !hasSelector(service)) return;
    write(service, context);
  },
};

function write(service: Service, context: ControllerContext): void {
  const pods = selectedPods(service, context);
  const triggered = triggers.for(context).look(keyOf(service), service, pods);
  const present = context.get<Endpoints>("endpoints", service.metadata.namespace, service.metadata.name);
  const desired = desiredEndpoints(service, pods, present, triggered);
  if (!desired) return;
  if (present) context.update("endpoints", desired as unknown as Endpoints);
  else context.create("endpoints", desired);
}
