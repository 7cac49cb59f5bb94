import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../api/seeded-random.ts";
import type { Packet } from "../rule-set.ts";
import { podPacket, proxyWith, shop } from "../test-lab.ts";
import type { NftablesRules } from "./node-rules.ts";

const rulesOf = (yaml: string, node = "node-1", proxy: Record<string, unknown> = {}) =>
  proxyWith(yaml, { proxyMode: "nftables", proxy }).rulesOf(node, "IPv4") as NftablesRules;
const options = { random: new SeededRandom(1), now: 0 };
const empty = shop.replaceAll("ready: true", "ready: false, serving: false");
const ping = { protocol: "ICMP", sourcePort: undefined, destinationPort: undefined } as const;

describe("walkRules of nftables", () => {
  it.each<{ name: string; yaml?: string; packet: Packet; verdict: string; last: string }>([
    { name: "rejects a Service without endpoints", yaml: empty, packet: podPacket("10.96.0.20", 80), verdict: "reject", last: "reject" },
    {
      name: "rejects a port of a cluster address that no Service has",
      packet: podPacket("10.96.0.20", 81),
      verdict: "reject",
      last: 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
    },
    {
      name: "rejects a ping of a cluster address",
      packet: podPacket("10.96.0.20", 0, ping),
      verdict: "reject",
      last: 'ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"',
    },
    {
      name: "drops what goes to an address of the service range that nobody has",
      packet: podPacket("10.96.0.99", 80),
      verdict: "drop",
      last: 'ip daddr 10.96.0.0/12 drop comment "Drop traffic to unallocated ClusterIPs"',
    },
    {
      name: "drops outside traffic on a node without an endpoint when the policy is Local",
      packet: podPacket("192.168.10.11", 30080, { origin: "wire", src: "203.0.113.7" }),
      verdict: "drop",
      last: "ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports",
    },
  ])("$name", ({ yaml = shop, packet, verdict, last }) => {
    const walk = rulesOf(yaml).walk(packet, options);
    expect({ verdict: walk.verdict, last: walk.matched.at(-1)!.rule.text }).toEqual({ verdict, last });
  });

  it.each([
    { name: "by default", proxy: {} },
    { name: "where node ports answer on all addresses", proxy: { nodePortAddresses: ["0.0.0.0/0"] } },
  ])("serves node ports on the node's address and never on loopback $name", ({ proxy }) => {
    const rules = rulesOf(shop, "node-2", proxy);
    const toNode = rules.walk(podPacket("192.168.10.12", 30080, { origin: "wire", src: "203.0.113.7" }), options);
    const toLoopback = rules.walk(podPacket("127.0.0.1", 30080, { origin: "process", src: "127.0.0.1" }), options);
    expect([toNode.dst, toLoopback.dst]).toEqual(["10.244.1.9", "127.0.0.1"]);
  });

  it("names the element that decided", () => {
    const { matched } = rulesOf(shop).walk(podPacket("10.96.0.21", 80), options);
    const { element, to } = matched.find((match) => match.role === "cluster-ip")!;
    expect({ element, to: to!.replace(/-[A-Z2-7]{8}-/, "-*-") }).toEqual({
      element: { table: "ip kube-proxy", chain: "service-ips", line: 2, text: `10.96.0.21 . tcp . 80 : goto ${to}` },
      to: "service-*-shop/front/tcp/web",
    });
  });

  it("decides by the table alone: without its element a packet is rejected, without its rule not rewritten", () => {
    const rules = rulesOf(shop);
    const packet = podPacket("10.96.0.21", 80);
    const { rule } = rules.walk(packet, options).matched.find((match) => match.action === "dnat")!;
    rules.table.chain(rule.chain).rules.splice(rule.line - 1, 1);
    expect(rules.walk(packet, options).verdict).toBe("reject");
    expect(rules.walk(packet, options).matched.map((match) => match.role)).toContain("cluster-ip");
    rules.table.set("service-ips").elements.delete("10.96.0.21 . tcp . 80");
    expect(rules.walk(packet, options).matched.map((match) => match.role)).not.toContain("cluster-ip");
  });
});
