/**
 * The emulator's own rules in a real kernel: what the emulator prints is loaded into network namespaces, real TCP, UDP
 * and ICMP packets are sent, and verdicts, backends and their shares are compared with what the walk says.
 *
 * Skipped where the machine cannot do it; the title says why. How to run it: `docs/how-to/kernel-test.md`.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { EndpointSlice, KubeObject, Node, Service } from "../durable-objects/cluster/api/objects.ts";
import { defaultOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { KubeProxy } from "../durable-objects/cluster/kube-proxy/kube-proxy.ts";
import type { Candidate, NodeRules, Packet } from "../durable-objects/cluster/kube-proxy/rule-set.ts";
import { KernelLab, type Machine, type Server, whyNot } from "./kernel-lab.ts";

const senders: readonly { machine: Machine; src: string; origin: Packet["origin"] }[] = [
  { machine: "client", src: "10.244.0.200", origin: "pod" },
  { machine: "pod-1", src: "10.244.0.5", origin: "pod" },
  { machine: "node", src: "192.168.10.11", origin: "process" },
  { machine: "outside", src: "203.0.113.7", origin: "wire" },
  { machine: "partner", src: "203.0.113.99", origin: "wire" },
];

const endpointAddresses = { "pod-1": ["10.244.0.5"], "pod-2": ["10.244.0.6"], far: ["10.244.1.5", "10.244.1.6", "10.244.1.7"] };

/** Everybody that the emulator takes for an endpoint listens, and whoever gets a packet that no rule touched. */
const servers: Partial<Record<Machine, Server[]>> = {
  ...Object.fromEntries(
    Object.entries(endpointAddresses).map(([machine, addresses]) => [
      machine,
      addresses.flatMap((ip): Server[] => [
        { protocol: "TCP", ip, port: 8080 },
        { protocol: "UDP", ip, port: 5353 },
      ]),
    ]),
  ),
  beyond: [80, 9].map((port) => ({ protocol: "TCP", ip: "0.0.0.0", port })),
  node: [30080, 22].map((port) => ({ protocol: "TCP", ip: "0.0.0.0", port })),
};

const service = (name: string, spec: string, ingress = "") => `
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: 10.96.0.20, clusterIPs: [10.96.0.20], ports: [{ name: http, port: 80, protocol: TCP, targetPort: 8080, nodePort: 30080 }], ${spec} }
status: { loadBalancer: { ingress: [${ingress}] } }
`;

const slice = (...endpoints: [ip: string, node: string][]) => `
---
kind: EndpointSlice
metadata: { name: x, namespace: shop, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
endpoints: [${endpoints.map(([ip, node]) => `{ addresses: [${ip}], nodeName: ${node}, conditions: { ready: true } }`).join(", ")}]
ports: [{ name: http, port: 8080, protocol: TCP }, { name: dns, port: 5353, protocol: UDP }]
`;

const here: [string, string] = ["10.244.0.5", "node-1"];
const there: [string, string] = ["10.244.1.5", "node-2"];
const three = slice(here, there, ["10.244.1.6", "node-2"]);
const balancer = "{ ip: 192.168.10.240 }";
const ports = (list: string) => `ports: [${list}]`;

interface Case {
  name: string;
  yaml: string;
  to: readonly { protocol: Packet["protocol"]; dst: string; port?: number }[];
}

const tcp = (dst: string, port: number) => ({ protocol: "TCP", dst, port }) as const;
const clusterIP = tcp("10.96.0.20", 80);
const nodePort = tcp("192.168.10.11", 30080);
const balancerIP = tcp("192.168.10.240", 80);

const cases: readonly Case[] = [
  {
    name: "a cluster address with three endpoints, one of them the sender",
    yaml: service("web", "type: NodePort") + three,
    to: [clusterIP, tcp("10.96.0.20", 9), { protocol: "ICMP", dst: "10.96.0.20" }, nodePort, tcp("192.168.10.11", 22)],
  },
  {
    name: "a Service without endpoints",
    yaml: service("web", "type: LoadBalancer", balancer),
    to: [clusterIP, nodePort, balancerIP],
  },
  {
    name: "external traffic policy Local with a local endpoint",
    yaml: service("web", "type: LoadBalancer, externalTrafficPolicy: Local", balancer) + three,
    to: [clusterIP, nodePort, balancerIP, { protocol: "ICMP", dst: "192.168.10.240" }],
  },
  {
    name: "external traffic policy Local without a local endpoint",
    yaml: service("web", "type: LoadBalancer, externalTrafficPolicy: Local", balancer) + slice(there),
    to: [clusterIP, nodePort, balancerIP],
  },
  {
    name: "internal traffic policy Local without a local endpoint",
    yaml: service("web", "type: NodePort, internalTrafficPolicy: Local") + slice(there),
    to: [clusterIP, nodePort],
  },
  {
    name: "source ranges that let one client in",
    yaml: service("web", "type: LoadBalancer, loadBalancerSourceRanges: [203.0.113.0/28]", balancer) + three,
    to: [balancerIP, clusterIP],
  },
  {
    name: "UDP and an external address",
    yaml:
      service("web", `type: ClusterIP, externalIPs: [198.51.100.7], ${ports("{ name: dns, port: 53, protocol: UDP }")}`) +
      slice(here, ["10.244.0.6", "node-1"], there),
    to: [
      { protocol: "UDP", dst: "10.96.0.20", port: 53 },
      { protocol: "UDP", dst: "198.51.100.7", port: 53 },
    ],
  },
  {
    name: "session affinity",
    yaml: service("web", "type: NodePort, sessionAffinity: ClientIP") + three,
    to: [clusterIP, nodePort],
  },
  {
    name: "five endpoints",
    yaml:
      service("web", "type: NodePort") + slice(here, ["10.244.0.6", "node-1"], there, ["10.244.1.6", "node-2"], ["10.244.1.7", "node-2"]),
    to: [clusterIP, nodePort],
  },
];

const nodes = [1, 2].map((at) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: `node-${at}`, uid: "", resourceVersion: "1", creationTimestamp: "" },
  spec: { podCIDR: `10.244.${at - 1}.0/24`, podCIDRs: [`10.244.${at - 1}.0/24`] },
  status: { addresses: [{ type: "InternalIP", address: `192.168.10.1${at}` }] },
})) as unknown as Node[];

function rulesOf(yaml: string, mode: "iptables" | "nftables"): NodeRules {
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as KubeObject);
  const of = <T extends KubeObject>(kind: string) =>
    objects.filter((one): one is T => one.kind === kind).map((after) => ({ before: undefined, after }));
  const proxy = new KubeProxy(defaultOptions);
  const services = of<Service>("Service").map(({ after }) => ({ before: undefined, after: withoutNodePort(after) }));
  proxy.apply({
    services,
    endpointSlices: of<EndpointSlice>("EndpointSlice"),
    nodes: nodes.map((after) => ({ before: undefined, after })),
  });
  return proxy.rulesOf("node-1", "IPv4", mode);
}

/** The builder above writes a node port everywhere; a ClusterIP Service has none. */
const withoutNodePort = (one: Service): Service =>
  one.spec.type === "ClusterIP"
    ? { ...one, spec: { ...one.spec, ports: one.spec.ports!.map(({ nodePort: _nodePort, ...port }) => port) } }
    : one;

/** What the other side says where the packet comes out: the address reached, and the one seen. */
const sayingOf = ({ verdict, ip, port, masqueraded }: Candidate, { src, protocol }: Packet): string => {
  if (verdict !== "accept") return verdict;
  if (protocol === "ICMP") return "answered";
  return `${ip}:${port} sees ${masqueraded && src !== "192.168.10.11" ? "the node" : "the sender"}`;
};

function heardOf(answer: string, { src, protocol, dst }: Packet): string {
  if (answer === "refused") return "reject";
  if (answer === "silence") return "drop";
  if (protocol === "ICMP") return answer === `${dst}: ` ? "answered" : answer;
  const [reached, seen] = answer.split(" ");
  return `${reached} sees ${seen === src ? "the sender" : "the node"}`;
}

/** Chi-square that even shares exceed once in 100,000 runs, by degrees of freedom. */
const chiSquareBound = [0, 19.5, 23.0, 25.9, 28.5];

function chiSquare(heard: readonly string[], expected: ReadonlyMap<string, number>): number {
  return [...expected].reduce((sum, [saying, share]) => {
    const wanted = share * heard.length;
    const seen = heard.filter((one) => one === saying).length;
    return sum + (seen - wanted) ** 2 / wanted;
  }, 0);
}

const reason = whyNot();

describe.skipIf(reason !== undefined)(`rules in a real kernel${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  const lab = new KernelLab();
  beforeAll(() => lab.open(servers));
  afterAll(() => lab.close());

  describe.each(["iptables", "nftables"] as const)("of %s", (mode) => {
    it.each(cases)("do what the walk says: $name", async ({ yaml, to }) => {
      const rules = rulesOf(yaml, mode);
      lab.load(mode, rules.print(mode === "iptables" ? "kernel" : "sync"));
      const probes = senders.flatMap((sender) => to.map((target) => probe(lab, rules, sender, target, 6)));
      const wrong = (await Promise.all(probes)).filter(({ differs }) => differs);
      expect(wrong).toEqual([]);
    });

    it.each(["a cluster address with three endpoints, one of them the sender", "five endpoints"])(
      "share connections evenly: %s",
      async (name) => {
        const { yaml, to } = cases.find((one) => one.name === name)!;
        const rules = rulesOf(yaml, mode);
        lab.load(mode, rules.print(mode === "iptables" ? "kernel" : "sync"));
        const { expected, heard } = await probe(lab, rules, senders[0]!, to[0]!, 400);
        expect(heard).toHaveLength(400);
        expect(chiSquare(heard, expected)).toBeLessThan(chiSquareBound[expected.size - 1]!);
      },
    );
  });
});

async function probe(
  lab: KernelLab,
  rules: NodeRules,
  { machine, ...sender }: (typeof senders)[number],
  { protocol, dst, port }: Case["to"][number],
  count: number,
) {
  const packet: Packet = {
    family: "IPv4",
    protocol,
    dst,
    sourcePort: 40000,
    ...(port === undefined ? {} : { destinationPort: port }),
    ...sender,
  };
  const candidates = rules.candidates(packet, { now: 0 });
  const expected = new Map<string, number>();
  for (const way of candidates) expected.set(sayingOf(way, packet), (expected.get(sayingOf(way, packet)) ?? 0) + way.probability);
  // Silence is waited for briefly where it is expected; an answer gets all the time that a busy machine may need.
  const waitMs = candidates.every(({ verdict }) => verdict === "drop") ? 300 : 4000;
  const times = protocol === "ICMP" || expected.has("drop") ? 1 : count;
  const answers = await lab.send(machine, { protocol, dst, count: times, waitMs, ...(port === undefined ? {} : { port }) });
  const heard = answers.map((answer) => heardOf(answer, packet));
  const isSticky = rules.walk(packet, { random: new SeededRandom(1), now: 0 }).affinity.length > 0;
  const differs = heard.some((one) => !expected.has(one)) || (isSticky && new Set(heard).size > 1);
  return { differs, from: machine, to: `${protocol} ${dst} ${port ?? ""}`, expected, heard };
}
