/**
 * A cluster for tests: manifests in, a network with the real kube-proxy and DNS rooms behind it. Slices are made from
 * selectors here, as the controllers would; a running pod listens on the container ports it declares.
 */
import { parseAllDocuments } from "yaml";
import type { Reader } from "../api/controller.ts";
import type { LinkFault } from "../api/faults.ts";
import { matchesLabelMap } from "../api/label-selector.ts";
import type { Listener, Machines, Route, RouteQuery, Sender } from "../api/network.ts";
import { type EndpointSlice, type KubeObject, keyOf, type Namespace, type Node, type Pod, type Service } from "../api/objects.ts";
import type { HttpRequest, OutsideMachine, Upstream } from "../api/ports.ts";
import { defaultOptions, type SandboxOptions } from "../api/sandbox-options.ts";
import { ClusterDNS } from "../dns/cluster-dns.ts";
import { KubeProxy } from "../kube-proxy/kube-proxy.ts";
import { ClusterNetwork } from "./cluster-network.ts";

const resources: Record<string, string> = {
  Namespace: "namespaces",
  Node: "nodes",
  Pod: "pods",
  Service: "services",
  Endpoints: "endpoints",
  EndpointSlice: "endpointslices.discovery.k8s.io",
  NetworkPolicy: "networkpolicies.networking.k8s.io",
  Deployment: "deployments.apps",
};

const fixedPart = `
apiVersion: v1
kind: Namespace
metadata: { name: default }
---
apiVersion: v1
kind: Namespace
metadata: { name: kube-system }
---
apiVersion: v1
kind: Node
metadata: { name: node-1 }
spec: { podCIDR: 10.244.0.0/24, podCIDRs: [10.244.0.0/24] }
status: { addresses: [{ type: InternalIP, address: 192.168.10.11 }] }
---
apiVersion: v1
kind: Node
metadata: { name: node-2 }
spec: { podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24] }
status: { addresses: [{ type: InternalIP, address: 192.168.10.12 }] }
---
apiVersion: v1
kind: Service
metadata: { name: kubernetes, namespace: default }
spec:
  type: ClusterIP
  clusterIP: 10.96.0.1
  ports: [{ name: https, port: 443, targetPort: 6443 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: kubernetes, namespace: default, labels: { kubernetes.io/service-name: kubernetes } }
addressType: IPv4
endpoints: [{ addresses: [192.168.10.11], conditions: { ready: true } }]
ports: [{ name: https, port: 6443, protocol: TCP }]
---
apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system }
spec:
  type: ClusterIP
  clusterIP: 10.96.0.10
  selector: { k8s-app: kube-dns }
  ports:
    - { name: dns, port: 53, targetPort: 53, protocol: UDP }
    - { name: dns-tcp, port: 53, targetPort: 53, protocol: TCP }
---
apiVersion: v1
kind: Pod
metadata: { name: coredns-1, namespace: kube-system, labels: { k8s-app: kube-dns } }
spec:
  nodeName: node-1
  containers: [{ name: coredns, image: registry.k8s.io/coredns/coredns:v1.13.1, ports: [{ containerPort: 53, protocol: UDP }, { containerPort: 53 }] }]
status: { podIP: 10.244.0.2 }
`;

export interface TestClusterOptions {
  options?: Partial<SandboxOptions>;
  upstream?: Upstream;
  /** Listeners instead of the declared ports, by `namespace/name`. */
  listeners?: Record<string, readonly Listener[]>;
  nodesDown?: readonly string[];
  /** Between any two nodes. */
  wire?: LinkFault;
  now?: number;
}

export class TestCluster {
  readonly network: ClusterNetwork;
  readonly kubeProxy: KubeProxy;
  readonly options: SandboxOptions;
  readonly upstream: Upstream;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners: Record<string, readonly Listener[]>;
  readonly #down: Set<string>;
  readonly #now: number;

  constructor(
    manifests: string,
    { options = {}, upstream = nothingOutside, listeners = {}, nodesDown = [], wire, now = 0 }: TestClusterOptions = {},
  ) {
    this.options = { ...defaultOptions, ...options };
    this.upstream = upstream;
    this.#listeners = listeners;
    this.#down = new Set(nodesDown);
    this.#now = now;
    for (const object of [...objectsIn(fixedPart), ...objectsIn(manifests)]) this.#put(withDefaults(object));
    for (const service of this.reader.list<Service>("services")) this.#slice(service);
    this.kubeProxy = new KubeProxy(this.options);
    const dns = new ClusterDNS({ options: this.options, upstream });
    const services = this.reader.list<Service>("services").map((after) => ({ before: undefined, after }));
    const endpointSlices = this.reader.list<EndpointSlice>(resources["EndpointSlice"]!).map((after) => ({ before: undefined, after }));
    const nodes = this.reader.list<Node>("nodes").map((after) => ({ before: undefined, after }));
    const namespaces = this.reader.list<Namespace>("namespaces").map((after) => ({ before: undefined, after }));
    this.kubeProxy.apply({ services, endpointSlices, nodes });
    dns.apply({ services, endpointSlices, namespaces, at: this.#now });
    this.network = new ClusterNetwork({
      kubeProxy: this.kubeProxy,
      dns,
      machines: this.machines,
      upstream,
      reader: this.reader,
      options: this.options,
      now: () => this.#now,
      ...(wire === undefined ? {} : { linkFault: () => wire }),
    });
    for (const resource of ["pods", "nodes", "services"]) {
      for (const after of this.reader.list(resource)) this.network.observe(resource, { before: undefined, after });
    }
  }

  readonly reader: Reader = {
    get: <T extends KubeObject>(resource: string, namespace: string | undefined, name: string) =>
      this.#objects.get(resource)?.get(namespace === undefined ? name : `${namespace}/${name}`) as T | undefined,
    list: <T extends KubeObject>(resource: string, namespace?: string) =>
      [...(this.#objects.get(resource)?.entries() ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object as T)
        .filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    ownedBy: () => [],
    slicesOf: () => [],
  };

  readonly machines: Machines = {
    listeners: ({ namespace, name }) => {
      const pod = this.reader.get<Pod>("pods", namespace, name);
      return this.#listeners[`${namespace}/${name}`] ?? (pod === undefined ? [] : declaredPorts(pod));
    },
    nodeUp: (node) => !this.#down.has(node),
  };

  /** A route from a pod of the default namespace, unless said otherwise. */
  route(from: string | Sender, host: string, query: Partial<RouteQuery["to"]> & Omit<Partial<RouteQuery>, "from" | "to"> = {}): Route {
    const { port, protocol, ...rest } = query;
    const sender: Sender = typeof from === "string" ? { kind: "pod", namespace: "default", pod: from } : from;
    const to = { host, ...(port === undefined ? {} : { port }), ...(protocol === undefined ? {} : { protocol }) };
    return this.network.route({ from: sender, to, seed: 7, ...rest });
  }

  #put(object: KubeObject): void {
    const resource = resources[object.kind];
    if (resource === undefined) throw new Error(`test cluster: no resource for kind ${object.kind}`);
    const of = this.#objects.get(resource) ?? new Map<string, KubeObject>();
    this.#objects.set(resource, of.set(keyOf(object), object));
  }

  /** What the endpoint slice controller makes of a selector. */
  #slice(service: Service): void {
    const { namespace, name } = service.metadata;
    if (service.spec.selector === undefined || service.spec.type === "ExternalName") return;
    const pods = this.reader
      .list<Pod>("pods", namespace)
      .filter((pod) => matchesLabelMap(service.spec.selector, pod.metadata.labels) && pod.status.podIP !== undefined);
    this.#put({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${name}-1`,
        namespace,
        uid: "",
        resourceVersion: "1",
        creationTimestamp: "",
        labels: {
          "kubernetes.io/service-name": name,
          ...(service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {}),
        },
      },
      addressType: "IPv4",
      endpoints: pods.map((pod) => ({
        addresses: [pod.status.podIP!],
        nodeName: pod.spec.nodeName,
        conditions: { ready: isReady(pod), serving: isReady(pod), terminating: false },
        targetRef: { kind: "Pod", namespace, name: pod.metadata.name },
      })),
      ports: (service.spec.ports ?? []).map((port) => ({
        name: port.name ?? "",
        port: Number(port.targetPort ?? port.port),
        protocol: port.protocol ?? "TCP",
      })),
    });
  }
}

const nothingOutside: Upstream = { dns: () => ({ rcode: "NXDOMAIN", answers: [] }), machine: () => undefined };

/** A pod in one line. */
export const podYaml = (of: {
  name: string;
  ip: string;
  node: string;
  app?: string;
  ports?: readonly number[];
  namespace?: string;
  ready?: boolean;
}): string => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${of.name}, namespace: ${of.namespace ?? "default"}, labels: { app: ${of.app ?? of.name} } }
spec:
  nodeName: ${of.node}
  containers: [{ name: main, image: nginx, ports: [${(of.ports ?? []).map((port) => `{ containerPort: ${port} }`).join(", ")}] }]
status: { podIP: ${of.ip}, conditions: [{ type: Ready, status: "${of.ready === false ? "False" : "True"}" }] }
`;

/** What the machine at an address outside answers, under the names it knows. */
export const outsideServer = (ip: string, hosts: readonly string[], body: string): ((asked: string) => OutsideMachine | undefined) => {
  const answer = (request: HttpRequest) => {
    const host = request.headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "";
    const known = hosts.includes(host);
    return { status: known ? 200 : 404, headers: [], body: new TextEncoder().encode(known ? body : "Not Found") };
  };
  return (asked) => (asked === ip ? { tcp: [80, 443], hosts, http: answer } : undefined);
};

function objectsIn(manifests: string): KubeObject[] {
  return parseAllDocuments(manifests).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);
}

function withDefaults(object: KubeObject): KubeObject {
  const namespaced = !["Namespace", "Node"].includes(object.kind);
  const given: Partial<KubeObject["metadata"]> = object.metadata;
  const metadata = {
    uid: "",
    resourceVersion: "1",
    creationTimestamp: "",
    ...(namespaced ? { namespace: "default" } : {}),
    ...given,
  } as KubeObject["metadata"];
  if (object.kind === "Pod") {
    const ready = { type: "Ready", status: "True" };
    return { ...object, metadata, status: { phase: "Running", conditions: [ready], ...object["status"] } };
  }
  if (object.kind !== "Service") return { ...object, metadata };
  const { clusterIP, ports = [], ...spec } = object["spec"] as Service["spec"];
  const withProtocol = ports.map((port) => ({ protocol: "TCP", targetPort: port.port, ...port }));
  const addresses = clusterIP === undefined ? {} : { clusterIP, clusterIPs: [clusterIP] };
  return {
    ...object,
    metadata,
    spec: {
      type: "ClusterIP",
      sessionAffinity: "None",
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ...spec,
      ...addresses,
      ports: withProtocol,
    },
    status: { loadBalancer: {}, ...object["status"] },
  };
}

const isReady = (pod: Pod): boolean => pod.status.conditions?.find(({ type }) => type === "Ready")?.status === "True";

const declaredPorts = (pod: Pod): Listener[] =>
  pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort: port, protocol }) =>
      protocol === "UDP"
        ? { protocol: "UDP" as const, port }
        : { protocol: "TCP" as const, port, http: () => ({ status: 200, headers: [], body: new TextEncoder().encode(pod.metadata.name) }) },
    ),
  );
