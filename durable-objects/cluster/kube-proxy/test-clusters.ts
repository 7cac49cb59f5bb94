/**
 * Generated Services and EndpointSlices for property tests: few names and addresses, so that they meet each other.
 */
import fc from "fast-check";
import type { EndpointSlice, Service } from "../api/objects.ts";

/** Names of the Services; the third sorts between the parts of the others. */
export const names = ["a", "b", "a-b"];

export function service(name: string, change: Partial<Service["spec"]>, ingress: string[] = []): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop", uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      type: "ClusterIP",
      clusterIP: `10.96.0.${10 + names.indexOf(name)}`,
      clusterIPs: [`10.96.0.${10 + names.indexOf(name)}`],
      ports: [{ name: "http", port: 80, protocol: "TCP" }],
      ...change,
    },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  };
}

export const someService = fc
  .record({
    name: fc.constantFrom(...names),
    type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
    external: fc.constantFrom("Cluster", "Local"),
    internal: fc.constantFrom("Cluster", "Local"),
    ports: fc.uniqueArray(fc.constantFrom("http", "admin"), { minLength: 1 }),
    affinity: fc.constantFrom("None", "ClientIP"),
    port: fc.constantFrom(80, 81),
  })
  .map(({ name, type, external, internal, ports, affinity, port }) =>
    service(
      name,
      {
        type,
        externalTrafficPolicy: external,
        internalTrafficPolicy: internal,
        sessionAffinity: affinity,
        ports: ports.map((portName, at) => ({
          name: portName,
          port: port + at * 10,
          protocol: "TCP",
          ...(type === "ClusterIP" ? {} : { nodePort: 30000 + names.indexOf(name) * 10 + at }),
        })),
      },
      type === "LoadBalancer" ? [`192.168.10.24${names.indexOf(name)}`] : [],
    ),
  );

export const someSlice = fc
  .record({
    of: fc.constantFrom(...names),
    index: fc.nat(1),
    endpoints: fc.uniqueArray(
      fc.record({
        ip: fc.integer({ min: 1, max: 4 }),
        ready: fc.boolean(),
        terminating: fc.boolean(),
      }),
      { selector: (endpoint) => endpoint.ip, maxLength: 3 },
    ),
    port: fc.constantFrom("http", "admin"),
  })
  .map(
    ({ of, index, endpoints, port }): EndpointSlice => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${of}-${index}`,
        namespace: "shop",
        uid: `${of}-${index}`,
        resourceVersion: "1",
        creationTimestamp: "2026-01-01T00:00:00Z",
        labels: { "kubernetes.io/service-name": of },
      },
      addressType: "IPv4",
      endpoints: endpoints.map(({ ip, ready, terminating }) => ({
        addresses: [ip <= 2 ? `10.244.0.${ip}` : `10.244.1.${ip}`],
        nodeName: ip <= 2 ? "node-1" : "node-2",
        conditions: { ready, serving: true, terminating },
      })),
      ports: [{ name: port, port: 8080, protocol: "TCP" }],
    }),
  );
