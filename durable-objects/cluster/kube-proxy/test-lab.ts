/**
 * A small cluster for tests of kube-proxy and the network: two nodes, and the manifests of the test as YAML.
 */
import { parseAllDocuments } from "yaml";
import type { Change } from "../api/change-tracker.ts";
import type { EndpointSlice, KubeObject, Node, Service } from "../api/objects.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { KubeProxy, type KubeProxyOptions } from "./kube-proxy.ts";
import type { Packet } from "./rule-set.ts";

/** Every document of a YAML text. */
export const manifests = (yaml: string): KubeObject[] => parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject);

/** `node-1` at 192.168.10.11 with pods in 10.244.0.0/24 (zone-1), `node-2` at .12 with 10.244.1.0/24 (zone-2). */
export const labNodes: Node[] = [1, 2].map((at) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: `node-${at}`,
    uid: `node-${at}`,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { "topology.kubernetes.io/zone": `zone-${at}` },
  },
  spec: { podCIDR: `10.244.${at - 1}.0/24`, podCIDRs: [`10.244.${at - 1}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `192.168.10.1${at}` }] },
}));

/** Additions of all objects of one kind. */
export const added = <T extends KubeObject>(objects: readonly KubeObject[], kind: string): Change<T>[] =>
  objects.filter((object) => object.kind === kind).map((after) => ({ before: undefined, after: after as T }));

/** A cluster's kube-proxy with both nodes and the given manifests. */
export function proxyWith(yaml: string, options: Partial<KubeProxyOptions> = {}): KubeProxy {
  const proxy = new KubeProxy({ ...defaultOptions, ...options });
  const objects = yaml.trim() === "" ? [] : manifests(yaml);
  proxy.apply({
    services: added<Service>(objects, "Service"),
    endpointSlices: added<EndpointSlice>(objects, "EndpointSlice"),
    nodes: labNodes.map((after) => ({ before: undefined, after })),
  });
  return proxy;
}

/** A TCP packet of a pod on node-1. */
export const podPacket = (dst: string, destinationPort: number, change: Partial<Packet> = {}): Packet => ({
  family: "IPv4",
  protocol: "TCP",
  src: "10.244.0.200",
  dst,
  sourcePort: 40000,
  destinationPort,
  origin: "pod",
  ...change,
});

/** The shop: a ClusterIP Service `cart` with two endpoints, and a LoadBalancer Service `front` that keeps client addresses. */
export const shop = `
kind: Service
metadata: { name: cart, namespace: shop }
spec:
  type: ClusterIP
  clusterIP: 10.96.0.20
  clusterIPs: [10.96.0.20]
  internalTrafficPolicy: Cluster
  ports: [{ name: http, port: 80, protocol: TCP, targetPort: 8080 }]
---
kind: EndpointSlice
metadata: { name: cart-x, namespace: shop, labels: { kubernetes.io/service-name: cart } }
addressType: IPv4
endpoints:
- { addresses: [10.244.0.5], nodeName: node-1, conditions: { ready: true }, targetRef: { kind: Pod, namespace: shop, name: cart-1 } }
- { addresses: [10.244.1.5], nodeName: node-2, conditions: { ready: true }, targetRef: { kind: Pod, namespace: shop, name: cart-2 } }
ports: [{ name: http, port: 8080, protocol: TCP }]
---
kind: Service
metadata: { name: front, namespace: shop }
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.21
  clusterIPs: [10.96.0.21]
  externalTrafficPolicy: Local
  internalTrafficPolicy: Cluster
  healthCheckNodePort: 32000
  ports: [{ name: web, port: 80, protocol: TCP, nodePort: 30080 }]
status: { loadBalancer: { ingress: [{ ip: 192.168.10.240 }] } }
---
kind: EndpointSlice
metadata: { name: front-x, namespace: shop, labels: { kubernetes.io/service-name: front } }
addressType: IPv4
endpoints:
- { addresses: [10.244.1.9], nodeName: node-2, conditions: { ready: true } }
ports: [{ name: web, port: 8000, protocol: TCP }]
`;
