/**
 * The Service `kubernetes`, its Endpoints and its EndpointSlice: how pods reach the API server.
 *
 * Looked at every 10 seconds, as the API server itself does: what is missing is made again, an edited Service is left.
 *
 * @see https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
 */
import type { Controller, ControllerContext, NewObject } from "../api/controller.ts";
import { formatIP, parseCIDR } from "../api/ip-address.ts";
import type { EndpointSlice, Endpoints } from "../api/objects.ts";
import { same } from "../api/same.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { serviceNameLabel } from "./endpointslice.ts";

const everyMs = 10_000;
const namespace = "default";
const name = "kubernetes";
const port = 6443;
const slices = "endpointslices.discovery.k8s.io";

/** The first address of the service range. */
export function apiServerClusterIP(serviceCIDR: string): string {
  const range = parseCIDR(serviceCIDR);
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
  watches: {},
  initialKeys: () => [name],
  reconcile(key, context) {
    const { options } = context;
    if (!context.get("services", namespace, name)) context.create("services", service(options));
    keepEndpoints(context);
    const present = context.get<EndpointSlice>(slices, namespace, name);
    const wanted = slice(options);
    if (!present) context.create(slices, wanted);
    else if (!same(present.endpoints, wanted.endpoints) || !same(present.ports, wanted.ports)) {
      context.update(slices, { ...present, endpoints: wanted.endpoints, ports: wanted.ports });
    }
    context.requeueAt(key, (Math.floor(context.now() / everyMs) + 1) * everyMs);
  },
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
