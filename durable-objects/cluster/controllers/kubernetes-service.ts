/**
 * The Service `kubernetes`, its Endpoints and its EndpointSlice: how pods reach the API server.
 *
 * Looked at every 10 seconds, as the API server itself does: what is missing is made again, an edited Service is left.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, NewObject } from "../api/controller.ts";
import { formatIP, parseCIDR } from "../api/ip-address.ts";
import type { EndpointSlice, Endpoints, KubeObject } from "../api/objects.ts";
import { same } from "../api/same.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { msOf } from "../api/time.ts";
import { serviceNameLabel } from "./endpointslice.ts";

const everyMs = 10_000;
const namespace = "default";
const name = "kubernetes";
const port = 6443;
const slices = "endpointslices.discovery.k8s.io";

/** The first address of the service range; where there is one for each family, of the first. */
export function apiServerClusterIP(serviceCIDR: string): string {
  const range = parseCIDR(serviceCIDR.split(",")[0] ?? "");
  if (!range) throw new Error(`kubernetes-service: ${serviceCIDR} is no range of addresses`);
  return formatIP({ family: range.family, value: range.first + 1n });
}

const service = (options: SandboxOptions): NewObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace, labels: { component: "apiserver", provider: "kubernetes" } },
  spec: {
    clusterIP: apiServerClusterIP(options.serviceCIDR),
    ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
    type: "ClusterIP",
  },
});

/** The node on which the API server of an emulated cluster is said to run. */
const addressOf = (options: SandboxOptions): string => options.nodes[0]?.ip ?? "192.0.2.2";

const subsets = (options: SandboxOptions): Endpoints["subsets"] => [
  { addresses: [{ ip: addressOf(options) }], ports: [{ name: "https", port, protocol: "TCP" }] },
];

const slice = (options: SandboxOptions): NewObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace, labels: { [serviceNameLabel]: name } },
  addressType: "IPv4",
  endpoints: [{ addresses: [addressOf(options)], conditions: { ready: true } }],
  ports: [{ name: "https", port, protocol: "TCP" }],
});

export const kubernetesServiceController: Controller = {
  name: "kube-apiserver",
  watches: { services: wakes, endpoints: wakes, [slices]: wakes },
  initialKeys: () => [name],
  reconcile(key, context) {
    if (isWhole(context)) return;
    const now = context.now();
    if (now % everyMs !== 0 && !isNewborn(context)) {
      // Asked for only while something is missing, so that an idle cluster has nothing to wake up for.
      context.requeueAt(key, (Math.floor(now / everyMs) + 1) * everyMs);
      return;
    }
    const { options } = context;
    if (!context.get("services", namespace, name)) context.create("services", service(options));
    keepEndpoints(context);
    const present = context.get<EndpointSlice>(slices, namespace, name);
    const wanted = slice(options);
    if (!present) context.create(slices, wanted);
    else if (!sameSlice(present, wanted)) context.update(slices, { ...present, endpoints: wanted.endpoints, ports: wanted.ports });
  },
};

function wakes({ before, after }: Change<KubeObject>): Iterable<string> {
  const { metadata } = (after ?? before) as KubeObject;
  return metadata.name === name && metadata.namespace === namespace ? [name] : [];
}

const isWhole = (read: Pick<ControllerContext, "get" | "options">): boolean => {
  const endpoints = read.get<Endpoints>("endpoints", namespace, name);
  const present = read.get<EndpointSlice>(slices, namespace, name);
  return (
    read.get("services", namespace, name) !== undefined &&
    endpoints !== undefined &&
    same(endpoints.subsets, subsets(read.options)) &&
    present !== undefined &&
    sameSlice(present, slice(read.options))
  );
};

const sameSlice = (present: EndpointSlice, wanted: NewObject): boolean =>
  same(present.endpoints, wanted.endpoints) && same(present.ports, wanted.ports);

/** In its first second the API server makes what is missing at once. */
const isNewborn = (context: ControllerContext): boolean => {
  const born = msOf(context.get("namespaces", undefined, namespace)?.metadata.creationTimestamp);
  return born !== undefined && context.now() < born + 1000;
};

function keepEndpoints(context: ControllerContext): void {
  const present = context.get<Endpoints>("endpoints", namespace, name);
  const wanted = subsets(context.options);
  const labels = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  if (!present) {
    context.create("endpoints", { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace, labels }, subsets: wanted });
    return;
  }
  context.update("endpoints", {
    ...present,
    metadata: { ...present.metadata, labels: { ...present.metadata.labels, ...labels } },
    subsets: wanted,
  });
}
