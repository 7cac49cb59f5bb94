/**
 * Generated clusters for the tests of kube-proxy: everything a Service, a slice, a node and kube-proxy's options can say
 * about a packet's way, in combinations that an API server would accept (no two Services share an address and port).
 *
 * Few names and addresses, so that senders, Services and endpoints meet each other often.
 */
import fc from "fast-check";
import { stringify } from "yaml";
import type { EndpointSlice, Node, Service } from "../durable-objects/cluster/api/objects.ts";
import type { KubeProxyOptions } from "../durable-objects/cluster/kube-proxy/kube-proxy.ts";
import type { Family, Packet } from "../durable-objects/cluster/kube-proxy/rule-set.ts";

export interface GeneratedCluster {
  options: KubeProxyOptions;
  nodes: Node[];
  services: Service[];
  slices: EndpointSlice[];
}

const families: readonly Family[] = ["IPv4", "IPv6"];
const names = ["a", "b", "a-b"];

/** The addresses of the lab, by family; `at` tells Services, nodes and endpoints apart. */
const lab = {
  IPv4: {
    cluster: (at: number) => `10.96.0.${20 + at}`,
    external: (at: number) => `198.51.100.${20 + at}`,
    balancer: (at: number) => `192.168.10.${240 + at}`,
    replaced: (at: number) => `192.168.10.${230 + at}`,
    node: (at: number) => `192.168.10.${11 + at}`,
    second: (at: number) => `172.20.0.${11 + at}`,
    podRange: (at: number) => `10.244.${at}.0/24`,
    pod: (node: number, at: number) => `10.244.${node}.${5 + at}`,
    client: (at: number) => `203.0.113.${7 + at}`,
    unallocated: "10.96.3.3",
    ranges: ["203.0.113.0/28", "192.168.10.0/25", "10.244.0.0/16", "0.0.0.0/0"],
  },
  IPv6: {
    cluster: (at: number) => `fd00:96::${20 + at}`,
    external: (at: number) => `2001:db8:51::${20 + at}`,
    balancer: (at: number) => `fd00:10::${240 + at}`,
    replaced: (at: number) => `fd00:10::${230 + at}`,
    node: (at: number) => `fd00:10::${11 + at}`,
    second: (at: number) => `fd00:20::${11 + at}`,
    podRange: (at: number) => `fd00:244:0:${at}::/64`,
    pod: (node: number, at: number) => (node === 0 ? `fd00:244::${5 + at}` : `fd00:244:0:${node}::${5 + at}`),
    client: (at: number) => `2001:db8:113::${7 + at}`,
    unallocated: "fd00:96::3:3",
    ranges: ["2001:db8:113::/124", "fd00:10::/64", "fd00:244::/48", "::/0"],
  },
} as const;

const metadata = (name: string, more: object = {}) => ({
  name,
  namespace: "shop",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});

const somePorts = fc.constantFrom<{ name?: string; port: number; protocol: string }[]>(
  [{ name: "http", port: 80, protocol: "TCP" }],
  [{ port: 80, protocol: "TCP" }],
  [{ name: "dns", port: 53, protocol: "UDP" }],
  [{ name: "signal", port: 99, protocol: "SCTP" }],
  [
    { name: "http", port: 80, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ],
);

const rarely = (weight: number): fc.Arbitrary<boolean> => fc.integer({ min: 0, max: weight }).map((drawn) => drawn === weight);

const someService = (at: number): fc.Arbitrary<Service> =>
  fc
    .record({
      type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
      ipFamilies: fc.constantFrom<Family[]>(["IPv4"], ["IPv6"], ["IPv4", "IPv6"]),
      external: fc.constantFrom("Cluster", "Local"),
      internal: fc.constantFrom("Cluster", "Cluster", "Local"),
      affinity: fc.constantFrom(undefined, undefined, 10800, 60),
      ports: somePorts,
      externalIPs: fc.constantFrom<("external" | "own")[]>([], [], ["external"], ["own"]),
      ingress: fc.subarray(["balancer", "replaced", "hostname"] as const),
      ranges: fc.constantFrom<number[]>([], [], [0], [1], [2], [0, 1], [0, 3]),
      nodePorts: rarely(4).map((without) => !without),
      odd: fc.constantFrom("", "", "", "", "", "foreign", "headless", "external-name"),
    })
    .map((of) => {
      const { type, ipFamilies, ports, odd } = of;
      const isBalancer = type === "LoadBalancer";
      const hasNodePorts = type === "NodePort" || (isBalancer && of.nodePorts);
      const externalIPs = of.externalIPs.flatMap((kind) =>
        ipFamilies.map((family) => (kind === "own" ? lab[family].second(0) : lab[family].external(at))),
      );
      // An address of the node itself stands in one Service only: two would share address and port.
      const own = at === 0 ? externalIPs : externalIPs.filter((ip) => !families.some((family) => ip === lab[family].second(0)));
      const clusterIPs = odd === "headless" ? ["None"] : ipFamilies.map((family) => lab[family].cluster(at));
      const isLocal = of.external === "Local" && (type !== "ClusterIP" || own.length > 0);
      return {
        apiVersion: "v1",
        kind: "Service",
        metadata: metadata(names[at]!, odd === "foreign" ? { labels: { "service.kubernetes.io/service-proxy-name": "other" } } : {}),
        spec:
          odd === "external-name"
            ? { type: "ExternalName", externalName: "example.com", ports: [] }
            : {
                type,
                clusterIP: clusterIPs[0],
                clusterIPs,
                ipFamilies,
                internalTrafficPolicy: of.internal,
                ...(type === "ClusterIP" && own.length === 0 ? {} : { externalTrafficPolicy: of.external }),
                ...(isBalancer && isLocal ? { healthCheckNodePort: 31900 + at } : {}),
                ...(of.affinity === undefined
                  ? {}
                  : { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: of.affinity } } }),
                ...(own.length === 0 ? {} : { externalIPs: own }),
                ...(isBalancer && of.ranges.length > 0
                  ? { loadBalancerSourceRanges: ipFamilies.flatMap((family) => of.ranges.map((range) => lab[family].ranges[range]!)) }
                  : {}),
                ports: ports.map((port, index) => ({ ...port, ...(hasNodePorts ? { nodePort: 30000 + at * 10 + index } : {}) })),
              },
        status: {
          loadBalancer: isBalancer
            ? {
                ingress: of.ingress.flatMap<object>((kind) =>
                  kind === "hostname"
                    ? [{ hostname: "lb.example" }]
                    : ipFamilies.map((family) => ({ ip: lab[family][kind](at), ipMode: kind === "replaced" ? "Proxy" : "VIP" })),
                ),
              }
            : {},
        },
      } as unknown as Service;
    });

const someEndpoint = (family: Family) =>
  fc
    .record({
      at: fc.nat(3),
      node: fc.constantFrom(0, 0, 1),
      where: fc.constantFrom("pod", "pod", "pod", "pod", "host", "no-node"),
      state: fc.constantFrom("ready", "ready", "ready", "unset", "not-ready", "draining", "gone"),
      zones: fc.constantFrom<string[]>([], ["zone-1"], ["zone-2"], ["zone-1", "zone-2"]),
      hinted: fc.constantFrom("", "zone", "both"),
    })
    .map(({ at, node, where, state, zones, hinted }) => ({
      addresses: [where === "host" ? lab[family].node(node) : where === "no-node" ? lab[family].client(5) : lab[family].pod(node, at)],
      ...(where === "no-node" ? {} : { nodeName: `node-${node + 1}` }),
      ...(state === "unset" ? {} : { conditions: conditionsOf[state] }),
      ...(hinted === ""
        ? {}
        : {
            hints: {
              forZones: zones.map((name) => ({ name })),
              ...(hinted === "both" ? { forNodes: [{ name: `node-${node + 1}` }] } : {}),
            },
          }),
    }));

const conditionsOf = {
  ready: { ready: true, serving: true, terminating: false },
  "not-ready": { ready: false, serving: false, terminating: false },
  draining: { ready: false, serving: true, terminating: true },
  gone: { ready: false, serving: false, terminating: true },
};

const someSlice = (at: number, index: number, family: Family): fc.Arbitrary<EndpointSlice> =>
  fc
    .record({
      endpoints: fc.uniqueArray(someEndpoint(family), { selector: ({ addresses }) => addresses[0], maxLength: 4 }),
      ports: fc.constantFrom(
        [{ name: "http", port: 8080, protocol: "TCP" }],
        [{ name: "", port: 8000, protocol: "TCP" }],
        [
          { name: "dns", port: 53, protocol: "UDP" },
          { name: "dns-tcp", port: 53, protocol: "TCP" },
          { name: "http", port: 8080, protocol: "TCP" },
          { name: "", port: 8080, protocol: "TCP" },
          { name: "signal", port: 99, protocol: "SCTP" },
        ],
      ),
      headless: rarely(9),
    })
    .map(
      ({ endpoints, ports, headless }) =>
        ({
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: metadata(`${names[at]}-${family.toLowerCase()}-${index}`, {
            labels: { "kubernetes.io/service-name": names[at]!, ...(headless ? { "service.kubernetes.io/headless": "" } : {}) },
          }),
          addressType: family,
          endpoints,
          ports,
        }) as unknown as EndpointSlice,
    );

const someNode = (at: number): fc.Arbitrary<Node> =>
  fc.record({ zone: fc.boolean(), second: fc.boolean() }).map(
    ({ zone, second }) =>
      ({
        apiVersion: "v1",
        kind: "Node",
        metadata: {
          ...metadata(`node-${at + 1}`, zone ? { labels: { "topology.kubernetes.io/zone": `zone-${at + 1}` } } : {}),
          namespace: undefined,
        },
        spec: { podCIDR: lab.IPv4.podRange(at), podCIDRs: families.map((family) => lab[family].podRange(at)) },
        status: {
          addresses: families.flatMap((family) => [
            { type: "InternalIP", address: lab[family].node(at) },
            ...(second ? [{ type: "InternalIP", address: lab[family].second(at) }] : []),
          ]),
        },
      }) as unknown as Node,
  );

const someOptions: fc.Arbitrary<KubeProxyOptions> = fc
  .record({
    detect: fc.constantFrom("default", "default", "NodeCIDR", "InterfaceNamePrefix", "None"),
    masqueradeAll: rarely(5),
    nodePortAddresses: fc.constantFrom<string[]>([], [], ["primary"], ["172.20.0.0/16", "fd00:20::/64"], ["0.0.0.0/0", "::/0"]),
    localhostNodePorts: fc.boolean(),
  })
  .map(({ detect, ...proxy }) => ({
    podCIDR: "10.244.0.0/16,fd00:244::/48",
    serviceCIDR: "10.96.0.0/12,fd00:96::/112",
    proxyMode: "iptables",
    proxy: {
      ...proxy,
      ...(detect === "default"
        ? {}
        : { detectLocal: { mode: detect, ...(detect === "InterfaceNamePrefix" ? { interfaceNamePrefix: "veth" } : {}) } }),
    },
  }));

const everyService = names.map((_, at) => at);

export const someCluster: fc.Arbitrary<GeneratedCluster> = fc.record({
  options: someOptions,
  nodes: fc.tuple(someNode(0), someNode(1)),
  services: fc.tuple(...everyService.map((at) => fc.option(someService(at), { nil: undefined }))).map(present),
  slices: fc
    .tuple(
      ...everyService.flatMap((at) =>
        families.flatMap((family) =>
          [0, 1].map((index) => fc.option(someSlice(at, index, family), { nil: undefined, freq: index === 0 ? 4 : 1 })),
        ),
      ),
    )
    .map(present),
});

/** One object of a cluster as it is written, or the name of one that goes. */
export type Edit = { set: Service | EndpointSlice | Node } | { remove: string };

export const someEdits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    ...everyService.flatMap((at) => [
      someService(at).map((set): Edit => ({ set })),
      someSlice(at, 0, "IPv4").map((set): Edit => ({ set })),
      someSlice(at, 0, "IPv6").map((set): Edit => ({ set })),
      fc.constantFrom(`Service ${names[at]}`, `EndpointSlice ${names[at]}-ipv4-0`).map((remove): Edit => ({ remove })),
    ]),
    someNode(0).map((set): Edit => ({ set })),
  ),
  { maxLength: 8 },
);

function present<T>(all: readonly (T | undefined)[]): T[] {
  return all.filter((one) => one !== undefined);
}

/** As somebody would write the cluster, to look at what went wrong. */
export const manifestOf = ({ options, nodes, services, slices }: GeneratedCluster): string =>
  [options, ...nodes, ...services, ...slices].map((document) => stringify(document)).join("---\n");

/** From everybody who can send to everything that has an address, as the node meets the packet. */
export function packetsOn(node: Node, { nodes, services, slices }: GeneratedCluster): Packet[] {
  return families.flatMap((family) => {
    const senders = sendersOn(node, family, slices);
    const targets = targetsOf(family, nodes, services);
    return targets.flatMap((target) =>
      senders.filter((sender) => canSend(sender, target)).map((sender) => ({ family, ...target, ...sender })),
    );
  });
}

type Sender = Pick<Packet, "src" | "origin" | "sourcePort">;
type Target = Pick<Packet, "dst" | "protocol" | "destinationPort">;

function sendersOn(node: Node, family: Family, slices: readonly EndpointSlice[]): Sender[] {
  const at = node.metadata.name === "node-1" ? 0 : 1;
  const endpoints = slices
    .filter(({ addressType }) => addressType === family)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(
      ({ addresses, nodeName }) => nodeName !== undefined && !families.some((one) => [0, 1].some((n) => addresses[0] === lab[one].node(n))),
    );
  const calling = new Map(endpoints.map(({ addresses, nodeName }) => [addresses[0]!, nodeName === node.metadata.name]));
  return [
    { src: lab[family].pod(at, 90), origin: "pod" as const },
    ...[...calling].map(([src, here]) => ({ src, origin: here ? ("pod" as const) : ("wire" as const) })),
    { src: lab[family].node(at), origin: "process" as const },
    ...(family === "IPv4" ? [{ src: "127.0.0.1", origin: "process" as const }] : []),
    ...[0, 1, 2].map((one) => ({ src: lab[family].balancer(one), origin: "process" as const })),
    { src: lab[family].pod(1 - at, 90), origin: "wire" as const },
    { src: lab[family].node(1 - at), origin: "wire" as const },
    { src: lab[family].client(0), origin: "wire" as const },
    { src: lab[family].client(90), origin: "wire" as const },
  ].map((sender) => ({ ...sender, sourcePort: 40000 }));
}

function targetsOf(family: Family, nodes: readonly Node[], services: readonly Service[]): Target[] {
  const own = nodes
    .flatMap(({ status }) => status.addresses!.map(({ address }) => address))
    .filter((ip) => ip.includes(":") === (family === "IPv6"));
  const loopback = family === "IPv4" ? ["127.0.0.1"] : [];
  const targets = services.flatMap(({ spec, status }) => {
    const addresses = [
      ...(spec.clusterIPs ?? []),
      ...(spec.externalIPs ?? []),
      ...(status.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? ""),
    ].filter((ip) => ip.includes(family === "IPv6" ? ":" : "."));
    const served = addresses.flatMap((dst) => (spec.ports ?? []).map(({ port, protocol }) => ({ dst, protocol, destinationPort: port })));
    const unserved = addresses.flatMap((dst) => [
      { dst, protocol: "TCP", destinationPort: 9 },
      { dst, protocol: "ICMP" },
    ]);
    const nodePorts = (spec.ports ?? []).flatMap(({ nodePort, protocol }) =>
      nodePort === undefined ? [] : [...own, ...loopback].map((dst) => ({ dst, protocol, destinationPort: nodePort })),
    );
    const health =
      spec.healthCheckNodePort === undefined ? [] : [{ dst: own[0]!, protocol: "TCP", destinationPort: spec.healthCheckNodePort }];
    return [...served, ...unserved, ...nodePorts, ...health];
  });
  const others = [
    { dst: lab[family].unallocated, protocol: "TCP", destinationPort: 80 },
    { dst: lab[family].pod(1, 0), protocol: "TCP", destinationPort: 8080 },
    { dst: own[0]!, protocol: "TCP", destinationPort: 22 },
  ];
  return [...targets, ...others] as Target[];
}

/** A loopback address talks to loopback only; the node takes a load balancer's address only towards that address. */
function canSend({ src, origin }: Sender, { dst }: Target): boolean {
  if (src.startsWith("127.") || dst.startsWith("127.")) return src.startsWith("127.") && dst.startsWith("127.");
  if (src === dst) return origin === "process";
  return !(origin === "process" && families.some((family) => [0, 1, 2].some((at) => src === lab[family].balancer(at))));
}
