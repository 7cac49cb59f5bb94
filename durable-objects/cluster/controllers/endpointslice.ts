/**
 * Keeps the EndpointSlices of every Service that has a selector: a set of slices for each IP family.
 *
 * What an endpoint says is decided here, how endpoints are spread over slices in `endpointslice-layout.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, NewObject, Reader } from "../api/controller.ts";
import {
  type EndpointPort,
  type EndpointSlice,
  type KubeObject,
  keyOf,
  type Node,
  type Pod,
  type Service,
  type SliceEndpoint,
} from "../api/objects.ts";
import { same } from "../api/same.ts";
import { headlessLabel } from "./endpoints.ts";
import { layOut } from "./endpointslice-layout.ts";
import { controllerReference, isControlledBy } from "./owner-references.ts";
import { PerCluster } from "./per-cluster.ts";
import { isReady } from "./pod-state.ts";
import { addressOf, hasEndpoint, hasSelector, hostnameFor, isHeadless, selectedPods, servicesOf, targetPort } from "./service-pods.ts";
import { isAuto, zoneHints } from "./topology-hints.ts";
import { lookAgain, TriggerTimes, triggerTimeAnnotation } from "./trigger-times.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
const managedBy = "endpointslice-controller.k8s.io";
const zoneLabel = "topology.kubernetes.io/zone";

export type SliceAction =
  | { do: "create"; slice: NewObject }
  | { do: "update"; slice: EndpointSlice }
  | { do: "delete"; slice: EndpointSlice };

/**
 * What one Service's slices need next.
 *
 * @param present the slices this controller manages for the Service
 * @param nodes by name; a pod whose node is gone is left out
 * @param triggered see `TriggerTimes`
 */
export function reconcileSlices(
  service: Service,
  pods: readonly Pod[],
  present: readonly EndpointSlice[],
  nodes: ReadonlyMap<string, Node>,
  triggered: string | undefined,
): SliceAction[] {
  const actions: SliceAction[] = [];
  const families = service.spec.ipFamilies ?? ["IPv4"];
  const labels = labelsOf(service);
  const isStale = (slice: EndpointSlice): boolean => !same(slice.metadata.labels, labels);
  for (const family of families) {
    const own = present.filter((slice) => slice.addressType === family && isControlledBy(slice, service));
    const layout = layOut(own, withZoneHints(service, endpointsByPorts(service, pods, family, nodes), nodes), isStale);
    for (const { slice, ports, endpoints } of layout.writes) {
      if (slice === undefined) actions.push({ do: "create", slice: newSlice(service, family, ports, endpoints, triggered) });
      else if (isStale(slice) || !same(slice.ports, ports) || !same(slice.endpoints, endpoints)) {
        actions.push({ do: "update", slice: rewritten(slice, labels, ports, endpoints, triggered) });
      }
    }
    for (const slice of layout.deletes) actions.push({ do: "delete", slice });
  }
  // A family the Service no longer has, or an earlier Service of the same name.
  const others = present.filter((slice) => !families.includes(slice.addressType) || !isControlledBy(slice, service));
  return [...actions, ...others.map((slice): SliceAction => ({ do: "delete", slice }))];
}

/** Pods that resolve the Service's named ports alike are together. */
function endpointsByPorts(
  service: Service,
  pods: readonly Pod[],
  family: string,
  nodes: ReadonlyMap<string, Node>,
): { ports: EndpointPort[] | null; endpoints: SliceEndpoint[] }[] {
  const groups = new Map<string, { ports: EndpointPort[] | null; endpoints: SliceEndpoint[] }>();
  for (const pod of pods) {
    const ip = hasEndpoint(pod) ? addressOf(pod, family) : undefined;
    const node = nodes.get(pod.spec.nodeName ?? "");
    if (ip === undefined || node === undefined) continue;
    const ports = portsOn(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports: ports.length === 0 ? null : ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(pod, service, ip, node));
  }
  return [...groups.keys()].sort().map((key) => groups.get(key) as { ports: EndpointPort[] | null; endpoints: SliceEndpoint[] });
}

/** `topology-mode: Auto` looks at all endpoints of a family at once. */
function withZoneHints(
  service: Service,
  groups: { ports: EndpointPort[] | null; endpoints: SliceEndpoint[] }[],
  nodes: ReadonlyMap<string, Node>,
): { ports: EndpointPort[] | null; endpoints: SliceEndpoint[] }[] {
  if (!isAuto(service)) return groups;
  const { zones } = zoneHints(
    groups.flatMap(({ endpoints }) => endpoints),
    [...nodes.values()],
  );
  const hinted = (endpoint: SliceEndpoint): SliceEndpoint => {
    const zone = zones?.get(endpoint);
    return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } };
  };
  return groups.map(({ ports, endpoints }) => ({ ports, endpoints: endpoints.map(hinted) }));
}

const portsOn = (pod: Pod, service: Service): EndpointPort[] =>
  (service.spec.ports ?? []).flatMap((wanted) => {
    const port = targetPort(pod, wanted);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = wanted;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });

function endpointOf(pod: Pod, service: Service, ip: string, node: Node): SliceEndpoint {
  const { name, namespace, uid, deletionTimestamp } = pod.metadata;
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = hostnameFor(pod, service);
  const zone = node.metadata.labels?.[zoneLabel];
  const hints = ready ? hintsFor(service, node.metadata.name, zone) : undefined;
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: "Pod", namespace, name, uid },
    nodeName: node.metadata.name,
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  };
}

/** Where clients of an endpoint should be, by the Service's trafficDistribution. */
function hintsFor(service: Service, node: string, zone: string | undefined): SliceEndpoint["hints"] {
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  switch (service.spec.trafficDistribution) {
    case "PreferClose":
    case "PreferSameZone":
      return zone === undefined ? undefined : forZones;
    case "PreferSameNode": {
      const hints: { forZones?: { name: string }[]; forNodes: { name: string }[] } = { ...forZones, forNodes: [{ name: node }] };
      return hints;
    }
    default:
      return undefined;
  }
}

function labelsOf(service: Service): Record<string, string> {
  const { [serviceNameLabel]: _, [managedByLabel]: __, [headlessLabel]: ___, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
    [managedByLabel]: managedBy,
    [serviceNameLabel]: service.metadata.name,
  };
}

function newSlice(
  service: Service,
  family: string,
  ports: EndpointPort[] | null,
  endpoints: SliceEndpoint[],
  triggered: string | undefined,
): NewObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      generateName: `${service.metadata.name}-`,
      namespace: service.metadata.namespace,
      labels: labelsOf(service),
      ...(triggered === undefined ? {} : { annotations: { [triggerTimeAnnotation]: triggered } }),
      ownerReferences: [controllerReference(service)],
    },
    addressType: family,
    endpoints,
    ports,
  };
}

function rewritten(
  slice: EndpointSlice,
  labels: Record<string, string>,
  ports: EndpointPort[] | null,
  endpoints: SliceEndpoint[],
  triggered: string | undefined,
): EndpointSlice {
  const { annotations: present, ...metadata } = slice.metadata;
  const { [triggerTimeAnnotation]: _, ...others } = present ?? {};
  const annotations = { ...others, ...(triggered === undefined ? {} : { [triggerTimeAnnotation]: triggered }) };
  return {
    ...slice,
    metadata: { ...metadata, labels, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    endpoints,
    ports,
  };
}

const slices = "endpointslices.discovery.k8s.io";
const triggers = new PerCluster(() => new TriggerTimes());
/** Services that were looked at since the last sleep. */
const lookedAt = new PerCluster(() => new Set<string>());

export const endpointSliceController: Controller = {
  name: "endpoint-slice-controller",
  watches: {
    services: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    pods: servicesOf,
    [slices]: serviceOfSlice,
  },
  wake(context) {
    lookAgain(triggers.for(context), context, (service) => managedSlices(service, context).length > 0);
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const service = context.get<Service>("services", namespace, name);
    // The slices of a Service that is gone are collected as garbage.
    if (!service) return triggers.for(context).forget(key);
    if (service.spec.type === "ExternalName" || !hasSelector(service)) return;
    const pods = selectedPods(service, context);
    const nodes = new Map(context.list<Node>("nodes").map((node) => [node.metadata.name, node]));
    const present = managedSlices(service, context);
    const isNews = present.length === 0 || lookedAt.for(context).has(key);
    lookedAt.for(context).add(key);
    const actions = reconcileSlices(service, pods, present, nodes, triggers.for(context).look(key, service, pods));
    for (const action of actions) perform(action, context);
    if (isAuto(service) && isNews) reportHints(service, pods, present, nodes, context);
    reportMissingNodes(service, pods, nodes, context);
  },
};

/** A slice whose label is changed is let go, and not replaced before the Service or its pods change. */
function* serviceOfSlice({ before, after }: Change<KubeObject>): Iterable<string> {
  const { metadata } = (after ?? before) as KubeObject;
  const service = metadata.labels?.[serviceNameLabel];
  if (service !== undefined && metadata.labels?.[managedByLabel] === managedBy) yield `${metadata.namespace}/${service}`;
}

const managedSlices = (service: Service, read: Reader): EndpointSlice[] =>
  read
    .slicesOf(service.metadata.namespace ?? "", service.metadata.name)
    .filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy && metadata.deletionTimestamp === undefined);

function perform(action: SliceAction, context: ControllerContext): void {
  switch (action.do) {
    case "create":
      context.create(slices, action.slice);
      return;
    case "update":
      context.update(slices, action.slice);
      return;
    case "delete":
      context.delete(slices, action.slice.metadata.namespace, action.slice.metadata.name);
      return;
    default:
      action satisfies never;
  }
}

/** Says whether hints could be given; not by looking again after a sleep. */
function reportHints(
  service: Service,
  pods: readonly Pod[],
  present: readonly EndpointSlice[],
  nodes: ReadonlyMap<string, Node>,
  context: ControllerContext,
): void {
  for (const family of service.spec.ipFamilies ?? ["IPv4"]) {
    const endpoints = endpointsByPorts(service, pods, family, nodes).flatMap((group) => group.endpoints);
    const hints = zoneHints(endpoints, [...nodes.values()]);
    const say = (type: "Normal" | "Warning", reason: string, what: string): void =>
      context.event(service, type, reason, `${what}, addressType: ${family}`, endpointSliceController.name);
    const had = present.some((slice) => slice.addressType === family && slice.endpoints?.some((endpoint) => endpoint.hints !== undefined));
    if (hints.zones === undefined) say("Warning", "TopologyAwareHintsDisabled", hints.why);
    else if (!had) say("Normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled");
  }
}

/** A pod on a node that is gone is left out, and the Service is told. */
function reportMissingNodes(service: Service, pods: readonly Pod[], nodes: ReadonlyMap<string, Node>, context: ControllerContext): void {
  const lost = pods.find((pod) => hasEndpoint(pod) && pod.spec.nodeName !== undefined && !nodes.has(pod.spec.nodeName));
  if (!lost) return;
  const { name, namespace } = service.metadata;
  const why = `skipping Pod ${lost.metadata.name} for Service ${namespace}/${name}: Node ${lost.spec.nodeName} Not Found`;
  const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${why}`;
  context.event(service, "Warning", "FailedToUpdateEndpointSlices", message, endpointSliceController.name);
}
