/**
 * How long does kube-proxy take to compile a large cluster, to take in one changed endpoint, and to find a packet's way;
 * how does that grow from 10 and 100 to 10,000 Services; and how much memory do its indexes hold?
 *
 * In process, without HTTP and Storage. Every Service has ten endpoints on two nodes.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EndpointSlice, Namespace, Node, Service } from "../durable-objects/cluster/api/objects.ts";
import { defaultOptions, type SandboxOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { ClusterDNS } from "../durable-objects/cluster/dns/cluster-dns.ts";
import { KubeProxy } from "../durable-objects/cluster/kube-proxy/kube-proxy.ts";
import type { NodeRules, Packet, ProxyMode } from "../durable-objects/cluster/kube-proxy/rule-set.ts";
import { measure, report, type Variant } from "./measure.ts";

const rounds = Number(process.env["ROUNDS"] ?? 6);
const modes: readonly ProxyMode[] = ["iptables", "nftables", "ipvs"];
const endpointsPerService = 10;
const options: SandboxOptions = { ...defaultOptions, podCIDR: "10.0.0.0/8", serviceCIDR: "172.16.0.0/12" };

const metadata = (name: string, namespace: string | undefined, labels?: Record<string, string>) => ({
  name,
  namespace,
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...(labels === undefined ? {} : { labels }),
});

const octets = (first: string, at: number): string => `${first}.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
const clusterIP = (at: number): string => octets("172", (20 << 16) + at);
const name = (at: number): string => `service-${at}`;

const service = (at: number): Service =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(name(at), "shop"),
    spec: {
      type: "ClusterIP",
      clusterIP: clusterIP(at),
      clusterIPs: [clusterIP(at)],
      selector: { app: name(at) },
      internalTrafficPolicy: "Cluster",
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
    },
    status: { loadBalancer: {} },
  }) as Service;

/** @param ready how many of the endpoints are */
const slice = (at: number, ready: number): EndpointSlice =>
  ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`${name(at)}-x`, "shop", { "kubernetes.io/service-name": name(at) }),
    addressType: "IPv4",
    endpoints: Array.from({ length: endpointsPerService }, (_, index) => ({
      addresses: [octets("10", at * endpointsPerService + index)],
      nodeName: `node-${(index % 2) + 1}`,
      conditions: { ready: index < ready, serving: index < ready, terminating: false },
      targetRef: { kind: "Pod", namespace: "shop", name: `${name(at)}-${index}` },
    })),
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  }) as EndpointSlice;

const nodes = [1, 2].map(
  (at): Node =>
    ({
      apiVersion: "v1",
      kind: "Node",
      metadata: metadata(`node-${at}`, undefined),
      spec: {},
      status: { addresses: [{ type: "InternalIP", address: `192.168.10.1${at}` }] },
    }) as unknown as Node,
);

const added = <T>(all: readonly T[]) => all.map((after) => ({ before: undefined, after }));

interface Objects {
  services: Service[];
  endpointSlices: EndpointSlice[];
}

const objectsOf = (count: number): Objects => ({
  services: Array.from({ length: count }, (_, at) => service(at)),
  endpointSlices: Array.from({ length: count }, (_, at) => slice(at, endpointsPerService)),
});

function proxyOf({ services, endpointSlices }: Objects): KubeProxy {
  const proxy = new KubeProxy(options);
  proxy.apply({ nodes: added(nodes), services: added(services), endpointSlices: added(endpointSlices) });
  return proxy;
}

const packetTo = (at: number): Packet => ({
  family: "IPv4",
  protocol: "TCP",
  src: "10.255.0.9",
  dst: clusterIP(at),
  sourcePort: 40000,
  destinationPort: 80,
  origin: "pod",
});

/** Of this process, garbage collection included; unlike the clock it does not count other processes on a busy machine. */
function cpuMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function milliseconds(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

const large = objectsOf(10_000);

/** `rules`: until every packet finds its way. `everyRule`: then until every rule of every chain is there, with its text and objects. */
const compile = (mode: ProxyMode): Variant => ({
  name: `compile 10,000 Services, ${mode}`,
  round: async () => {
    const proxy = proxyOf(large);
    gc();
    let rules: NodeRules | undefined;
    const began = performance.now();
    const rulesCpuMs = cpuMilliseconds(() => {
      rules = proxy.rulesOf("node-1", "IPv4", mode);
    });
    const rulesMs = performance.now() - began;
    const everyRuleCpuMs = cpuMilliseconds(() => {
      if (rules!.toJSON().rules.length < 10_000) throw new Error("the rules are not there");
    });
    return { rulesMs, rulesCpuMs, everyRuleCpuMs };
  },
});

/** One endpoint turns ready or not ready; then the rules of all modes are asked for, and each is walked once. */
function change(count: number): Variant {
  const proxy = proxyOf(objectsOf(count));
  const random = new SeededRandom(1);
  let current = new Map<number, EndpointSlice>();
  const once = () => {
    const at = random.int(count);
    const before = current.get(at) ?? slice(at, endpointsPerService);
    const ready = before.endpoints!.filter((endpoint) => endpoint.conditions!.ready).length === endpointsPerService;
    const after = slice(at, ready ? endpointsPerService - 1 : endpointsPerService);
    current.set(at, after);
    return milliseconds(() => {
      proxy.apply({ endpointSlices: [{ before, after }] });
      for (const mode of modes) proxy.rulesOf("node-1", "IPv4", mode).outcome(packetTo(at), { random, now: 0 });
    });
  };
  return {
    name: `change one endpoint of ${count.toLocaleString("en")} Services, all modes`,
    round: async () => {
      current = new Map(current);
      let times: number[] = [];
      const cpuMs = cpuMilliseconds(() => {
        times = Array.from({ length: 200 }, once).sort((a, b) => a - b);
      });
      return { medianMs: times[100]!, p99Ms: times[197]!, meanCpuMs: cpuMs / 200 };
    },
  };
}

const perRound = 200_000;

/** Packets to all Services in turn: `outcome` says where one goes, `walk` also by which rules. */
function routes(count: number, mode: ProxyMode): Variant {
  const rules = proxyOf(count === 10_000 ? large : objectsOf(count)).rulesOf("node-1", "IPv4", mode);
  const packets = Array.from({ length: count }, (_, at) => packetTo((at * 7919) % count));
  const options = { random: new SeededRandom(1), now: 0 };
  const perCpuSecond = (times: number, work: (packet: Packet) => void) => {
    const ms = cpuMilliseconds(() => {
      for (let at = 0; at < times; at += 1) work(packets[at % count]!);
    });
    return (times / ms) * 1000;
  };
  return {
    name: `route over ${count.toLocaleString("en")} Services, ${mode}`,
    round: async () => ({
      outcomesPerCpuSecond: perCpuSecond(perRound, (packet) => {
        if (rules.outcome(packet, options).verdict !== "accept") throw new Error("a packet was not delivered");
      }),
      walksPerCpuSecond: perCpuSecond(perRound / 10, (packet) => void rules.walk(packet, options)),
      candidatesPerCpuSecond: perCpuSecond(perRound / 10, (packet) => void rules.candidates(packet, { now: 0 })),
    }),
  };
}

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

function heapMiB(): number {
  gc();
  gc();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** The API objects are the Storage's and not counted. `walkedMiB`: after a packet to every Service. */
const heap = (mode: ProxyMode): Variant => ({
  name: `heap of 10,000 Services, ${mode}`,
  round: async () => {
    const before = heapMiB();
    const proxy = proxyOf(large);
    const mapMiB = heapMiB() - before;
    const dns = new ClusterDNS({ options, upstream: { dns: () => ({ rcode: "NXDOMAIN", answers: [] }), machine: () => undefined } });
    const namespaces = added([{ apiVersion: "v1", kind: "Namespace", metadata: metadata("shop", undefined) } as unknown as Namespace]);
    dns.apply({ services: added(large.services), endpointSlices: added(large.endpointSlices), namespaces, at: 0 });
    const mapAndDnsMiB = heapMiB() - before;
    const rules = proxy.rulesOf("node-1", "IPv4", mode);
    const rulesMiB = heapMiB() - before;
    const walk = { random: new SeededRandom(1), now: 0 };
    for (let at = 0; at < 10_000; at += 1) rules.outcome(packetTo(at), walk);
    const walkedMiB = heapMiB() - before;
    if (rules.mode !== mode || dns === undefined || proxy.nodes().length !== 2) throw new Error("kept alive until here");
    return { mapMiB, mapAndDnsMiB, rulesMiB, walkedMiB };
  },
});

const variants = (process.env["ONLY"] ?? "compile,change,route,heap").split(",");
const has = (what: string): boolean => variants.includes(what);
if (has("compile")) report("proxy-compile", await measure("rules of one node from the service map", modes.map(compile), rounds));
if (has("change")) report("proxy-change", await measure("one changed endpoint", [change(100), change(10_000)], rounds));
if (has("route")) {
  for (const mode of modes)
    report(`proxy-route-${mode}`, await measure(`a packet's way, ${mode}`, [routes(10, mode), routes(10_000, mode)], rounds));
}
if (has("heap")) report("proxy-heap", await measure("memory after a forced collection", modes.map(heap), rounds));
