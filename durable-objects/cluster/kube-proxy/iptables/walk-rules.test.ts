import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../api/seeded-random.ts";
import type { Packet } from "../rule-set.ts";
import { podPacket, proxyWith, shop } from "../test-lab.ts";
import type { IptablesRules } from "./node-rules.ts";

const rulesOf = (yaml: string, node = "node-1", proxy: Record<string, unknown> = {}) =>
  proxyWith(yaml, { proxy }).rulesOf(node, "IPv4") as IptablesRules;

const options = (seed = 1) => ({ random: new SeededRandom(seed), now: 0 });

const empty = shop.replaceAll("ready: true", "ready: false, serving: false");

const sticky = shop.replace("internalTrafficPolicy: Cluster\n  ports: [{ name: http", "sessionAffinity: ClientIP\n  ports: [{ name: http");

describe("walkRules", () => {
  const outside: Partial<Packet> = { origin: "wire", src: "203.0.113.7" };
  const process: Partial<Packet> = { origin: "process", src: "192.168.10.11" };

  it.each<{ name: string; yaml?: string; node?: string; proxy?: Record<string, unknown>; packet: Packet; want: object }>([
    {
      name: "leaves the source of a pod alone on the way to a cluster address",
      packet: podPacket("10.96.0.21", 80),
      want: { verdict: "accept", dst: "10.244.1.9", destinationPort: 8000, masqueraded: false, to: "interface" },
    },
    {
      name: "masquerades whoever comes to a cluster address from outside",
      packet: podPacket("10.96.0.21", 80, outside),
      want: { verdict: "accept", dst: "10.244.1.9", destinationPort: 8000, masqueraded: true, to: "interface" },
    },
    {
      name: "rejects what goes to a Service without endpoints",
      yaml: empty,
      packet: podPacket("10.96.0.20", 80),
      want: {
        verdict: "reject",
        dst: "10.96.0.20",
        destinationPort: 80,
        masqueraded: false,
        to: "interface",
        rejectWith: "port-unreachable",
      },
    },
    {
      name: "drops outside traffic on a node without an endpoint when the policy is Local",
      packet: podPacket("192.168.10.11", 30080, outside),
      want: { verdict: "drop", dst: "192.168.10.11", destinationPort: 30080, masqueraded: false, to: "process" },
    },
    {
      name: "keeps the client's address on the node that has the endpoint when the policy is Local",
      node: "node-2",
      packet: podPacket("192.168.10.12", 30080, outside),
      want: { verdict: "accept", dst: "10.244.1.9", destinationPort: 8000, masqueraded: false, to: "interface" },
    },
    {
      name: "serves a node port on loopback to a process of the node",
      packet: podPacket("127.0.0.1", 30080, { origin: "process", src: "127.0.0.1" }),
      want: { verdict: "accept", dst: "10.244.1.9", destinationPort: 8000, masqueraded: true, to: "interface" },
    },
    {
      name: "serves no node port on loopback where that is switched off",
      node: "node-2",
      proxy: { localhostNodePorts: false },
      packet: podPacket("127.0.0.1", 30080, { origin: "process", src: "127.0.0.1" }),
      want: { verdict: "accept", dst: "127.0.0.1", destinationPort: 30080, masqueraded: false, to: "process" },
    },
    {
      name: "drops packets from elsewhere that are addressed to loopback",
      packet: podPacket("127.0.0.1", 9, outside),
      want: { verdict: "drop", dst: "127.0.0.1", destinationPort: 9, masqueraded: false, to: "process" },
    },
    {
      name: "lets the health check node port in to the node",
      packet: podPacket("192.168.10.11", 32000, outside),
      want: { verdict: "accept", dst: "192.168.10.11", destinationPort: 32000, masqueraded: false, to: "process" },
    },
    {
      name: "does not know a port that no Service has",
      packet: podPacket("10.96.0.20", 81),
      want: { verdict: "accept", dst: "10.96.0.20", destinationPort: 81, masqueraded: false, to: "interface" },
    },
    {
      name: "does nothing to a ping of a cluster address",
      packet: podPacket("10.96.0.20", 80, { protocol: "ICMP", sourcePort: undefined, destinationPort: undefined }),
      want: { verdict: "accept", dst: "10.96.0.20", masqueraded: false, to: "interface" },
    },
    {
      name: "rewrites in the output hook for a process of the node",
      packet: podPacket("10.96.0.21", 80, process),
      want: { verdict: "accept", dst: "10.244.1.9", destinationPort: 8000, masqueraded: true, to: "interface" },
    },
  ])("$name", ({ yaml = shop, node, proxy, packet, want }) => {
    const { matched: _matched, affinity: _affinity, ...walk } = rulesOf(yaml, node, proxy).walk(packet, options());
    expect(walk).toEqual(want);
  });

  it("names the rules that matched, in order, as the kernel prints them", () => {
    const rules = rulesOf(shop);
    const { matched } = rules.walk(podPacket("10.96.0.21", 80), options());
    const chain = (name: string) => name.replace(/[A-Z2-7]{16}$/, "*");
    expect(
      matched.map(({ hook, role, action, rule }) => `${hook}: ${role}, ${action} in ${rule.table} ${chain(rule.chain)}:${rule.line}`),
    ).toEqual([
      "PREROUTING: jump, jump in nat PREROUTING:1",
      "PREROUTING: cluster-ip, jump in nat KUBE-SERVICES:2",
      "PREROUTING: balance, jump in nat KUBE-SVC-*:2",
      "PREROUTING: endpoint, dnat in nat KUBE-SEP-*:2",
      "FORWARD: jump, jump in filter FORWARD:1",
      "FORWARD: jump, jump in filter FORWARD:2",
      "FORWARD: jump, jump in filter FORWARD:3",
      "FORWARD: jump, jump in filter FORWARD:4",
      "POSTROUTING: jump, jump in nat POSTROUTING:1",
      "POSTROUTING: masquerade, return in nat KUBE-POSTROUTING:1",
    ]);
    const printed = rules.print("kernel").split("\n");
    for (const { rule } of matched) expect(printed).toContain(rule.text);
  });

  it("links the endpoint's rule to Service, slice and pod", () => {
    const walk = rulesOf(shop).walk(podPacket("10.96.0.20", 80), options(3));
    const endpoint = walk.matched.find((matched) => matched.role === "endpoint")!;
    const pod = walk.dst === "10.244.0.5" ? "cart-1" : "cart-2";
    expect(endpoint.objects).toEqual([
      { apiVersion: "v1", kind: "Service", namespace: "shop", name: "cart", field: "spec.ports[0]" },
      { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", namespace: "shop", name: "cart-x" },
      { apiVersion: "v1", kind: "Pod", namespace: "shop", name: pod },
    ]);
  });

  it("shows with full detail which line lost its draw", () => {
    const walks = Array.from({ length: 20 }, (_, seed) =>
      rulesOf(shop).walk(podPacket("10.96.0.20", 80), { ...options(seed), detail: "full" }),
    );
    const lost = walks.find((walk) => walk.dst === "10.244.1.5")!;
    const { draw, ...skipped } = lost.matched.find((matched) => matched.role === "balance")!.skipped!.at(-1)!;
    expect(skipped).toEqual({ line: 2, matched: false, because: "draw", below: 0.5 });
    expect(draw).toBeGreaterThanOrEqual(0.5);
  });

  it("decides by the rules alone: without its endpoint's rule a packet is not delivered", () => {
    const rules = rulesOf(shop);
    const { rule } = rules.walk(podPacket("10.96.0.21", 80), options()).matched.find((matched) => matched.role === "endpoint")!;
    rules.tables.chain("nat", rule.chain)!.rules.splice(rule.line - 1, 1);
    expect(rules.walk(podPacket("10.96.0.21", 80), options()).dst).toBe("10.96.0.21");
  });

  it("decides by the rules alone: without the reject rule a Service without endpoints does not answer", () => {
    const rules = rulesOf(empty);
    const { rule } = rules.walk(podPacket("10.96.0.20", 80), options()).matched.at(-1)!;
    rules.tables.chain("filter", rule.chain)!.rules.splice(rule.line - 1, 1);
    expect(rules.walk(podPacket("10.96.0.20", 80), options()).verdict).toBe("accept");
  });

  it("brings a client back to its endpoint until the affinity has timed out", () => {
    const rules = rulesOf(sticky);
    const first = rules.walk(podPacket("10.96.0.20", 80), options(1));
    const again = (now: number) =>
      Array.from({ length: 20 }, (_, seed) => {
        const lastSeen = (set: string) => (set === first.affinity[0]!.set ? 0 : undefined);
        return rules.walk(podPacket("10.96.0.20", 80), { random: new SeededRandom(seed), now, affinity: { lastSeen } }).dst;
      });
    expect(new Set(again(10_800_000))).toEqual(new Set([first.dst]));
    expect(new Set(again(10_800_001)).size).toBe(2);
  });
});

describe("candidates", () => {
  const three = shop.replace("- { addresses: [10.244.1.5]", "- { addresses: [10.244.1.6], nodeName: node-2 }\n- { addresses: [10.244.1.5]");

  it("gives every endpoint its share, and the hairpin its masquerading", () => {
    expect(rulesOf(three).candidates(podPacket("10.96.0.20", 80, { src: "10.244.0.5" }), { now: 0 })).toEqual([
      { verdict: "accept", ip: "10.244.0.5", port: 8080, masqueraded: true, probability: 0.3333333333 },
      { verdict: "accept", ip: "10.244.1.5", port: 8080, masqueraded: false, probability: 0.3333333333 },
      { verdict: "accept", ip: "10.244.1.6", port: 8080, masqueraded: false, probability: 0.3333333333 },
    ]);
  });

  it("holds every way that a walk takes, and adds up to one", () => {
    const rules = rulesOf(three);
    const packet = podPacket("10.96.0.20", 80);
    const ways = rules.candidates(packet, { now: 0 });
    expect(ways.reduce((sum, way) => sum + way.probability, 0)).toBeCloseTo(1, 9);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const walk = rules.walk(packet, options(seed));
        return ways.some((way) => way.ip === walk.dst && way.port === walk.destinationPort && way.masqueraded === walk.masqueraded);
      }),
      { numRuns: 50 },
    );
  });
});
