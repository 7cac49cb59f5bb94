/**
 * Copies hand-written Endpoints into EndpointSlices, so that everything that reads slices sees them.
 *
 * Only for a Service of the same name without selector; Endpoints that say so themselves are left out.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#endpointslice-mirroring
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, NewObject, Reader } from "../api/controller.ts";
import { parseIP } from "../api/ip-address.ts";
import {
  type EndpointAddress,
  type EndpointPort,
  type EndpointSlice,
  type Endpoints,
  type KubeObject,
  keyOf,
  type Service,
  type SliceEndpoint,
} from "../api/objects.ts";
import { same } from "../api/same.ts";
import { managedByLabel, serviceNameLabel } from "./endpointslice.ts";
import { layOut } from "./endpointslice-layout.ts";
import { controllerReference } from "./owner-references.ts";
import { hasSelector } from "./service-pods.ts";
import { triggerTimeAnnotation } from "./trigger-times.ts";

const managedBy = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** Addresses of one subset; all of a subset's go into one slice. */
const maxAddresses = 1000;

export function isMirrored(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (!endpoints || !service || hasSelector(service)) return false;
  const { labels = {}, annotations = {} } = endpoints.metadata;
  return labels[skipLabel] !== "true" && annotations[leaderAnnotation] === undefined;
}

interface MirrorGroup {
  family: "IPv4" | "IPv6";
  ports: EndpointPort[];
  endpoints: SliceEndpoint[];
}

/** The endpoints of each subset and family. `skipped`: addresses beyond the limit. */
export function mirrorGroups(endpoints: Endpoints): { groups: MirrorGroup[]; skipped: number } {
  const groups = new Map<string, MirrorGroup>();
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const all = [
      ...addresses.map((address) => ({ address, ready: true })),
      ...notReadyAddresses.map((address) => ({ address, ready: false })),
    ];
    skipped += Math.max(0, all.length - maxAddresses);
    for (const { address, ready } of all.slice(0, maxAddresses)) {
      const family = parseIP(address.ip, true)?.family;
      if (!family) continue;
      const key = JSON.stringify([family, ports]);
      const group = groups.get(key) ?? { family, ports: ports.map(portOf), endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpointOf(address, ready));
    }
  }
  // The first subset keeps the slice there is: see `reuseDeleted` of the layout.
  return { groups: [...groups.values()].reverse(), skipped };
}

const portOf = ({ name = "", port, protocol = "TCP", appProtocol }: EndpointPort): EndpointPort => ({
  name,
  ...(port === undefined ? {} : { port }),
  protocol,
  ...(appProtocol === undefined ? {} : { appProtocol }),
});

const endpointOf = ({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): SliceEndpoint => ({
  addresses: [ip],
  conditions: { ready },
  ...(hostname ? { hostname } : {}),
  ...(targetRef === undefined ? {} : { targetRef }),
  ...(nodeName === undefined ? {} : { nodeName }),
});

const slices = "endpointslices.discovery.k8s.io";

export const endpointSliceMirroringController: Controller = {
  name: "endpoint-slice-mirroring-controller",
  watches: {
    services: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    endpoints: ({ before, after }) => [keyOf((after ?? before) as KubeObject)],
    [slices]: endpointsOfSlice,
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const endpoints = context.get<Endpoints>("endpoints", namespace, name);
    const present = mirrors(namespace, name, context);
    if (!endpoints || !isMirrored(endpoints, context.get<Service>("services", namespace, name))) {
      for (const slice of present) context.delete(slices, namespace, slice.metadata.name);
      return;
    }
    mirror(endpoints, present, context);
  },
};

function* endpointsOfSlice({ before, after }: Change<KubeObject>): Iterable<string> {
  for (const slice of [before, after]) {
    const name = slice?.metadata.labels?.[serviceNameLabel];
    if (slice && name !== undefined && slice.metadata.labels?.[managedByLabel] === managedBy) yield `${slice.metadata.namespace}/${name}`;
  }
}

const mirrors = (namespace: string, name: string, read: Reader): EndpointSlice[] =>
  read.slicesOf(namespace, name).filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy);

function mirror(endpoints: Endpoints, present: readonly EndpointSlice[], context: ControllerContext): void {
  const { groups, skipped } = mirrorGroups(endpoints);
  if (skipped > 0) {
    const message = `A max of ${maxAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
    context.event(endpoints, "Warning", "TooManyAddressesToMirror", message, endpointSliceMirroringController.name);
  }
  const metadata = sliceMetadata(endpoints);
  const isStale = (slice: EndpointSlice): boolean =>
    !same(slice.metadata.labels, metadata.labels) || !same(slice.metadata.annotations ?? {}, metadata.annotations ?? {});
  for (const family of ["IPv4", "IPv6"] as const) {
    const own = present.filter(({ addressType }) => addressType === family);
    const layout = layOut(
      own,
      groups.filter((group) => group.family === family),
      isStale,
      maxAddresses,
      "may-be-none",
    );
    for (const { slice, ports, endpoints: mirrored } of layout.writes) {
      if (slice === undefined)
        context.create(slices, {
          ...blank(endpoints),
          metadata: { ...metadata, generateName: `${endpoints.metadata.name}-` },
          addressType: family,
          endpoints: mirrored,
          ports,
        });
      else {
        const kept = isStale(slice) ? { ...withoutGenerated(slice), ...metadata } : slice.metadata;
        context.update(slices, { ...slice, metadata: kept, endpoints: mirrored, ports });
      }
    }
    for (const slice of layout.deletes) context.delete(slices, slice.metadata.namespace, slice.metadata.name);
  }
}

const blank = (endpoints: Endpoints): NewObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { namespace: endpoints.metadata.namespace },
});

/** A slice whose labels or annotations are rewritten loses where its name came from, too. */
function withoutGenerated(slice: EndpointSlice): EndpointSlice["metadata"] {
  const { annotations: _, generateName: __, ...metadata } = slice.metadata;
  return metadata;
}

/** What a slice takes over from the Endpoints. */
function sliceMetadata(endpoints: Endpoints): NewObject["metadata"] {
  const { [lastAppliedAnnotation]: _, [triggerTimeAnnotation]: __, ...annotations } = endpoints.metadata.annotations ?? {};
  return {
    namespace: endpoints.metadata.namespace,
    labels: { ...endpoints.metadata.labels, [managedByLabel]: managedBy, [serviceNameLabel]: endpoints.metadata.name },
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ownerReferences: [controllerReference(endpoints)],
  };
}
