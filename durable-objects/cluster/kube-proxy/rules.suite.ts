/**
 * What rules of every backend promise. Each backend runs it; what one does differently is in its own test.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../api/seeded-random.ts";
import type { Packet, ProxyMode } from "./rule-set.ts";
import { podPacket, proxyWith, shop } from "./test-lab.ts";

const outside: Partial<Packet> = { origin: "wire", src: "203.0.113.7" };
const process: Partial<Packet> = { origin: "process", src: "192.168.10.11" };

/** A third endpoint for `cart`. */
const three = shop.replace("- { addresses: [10.244.1.5]", "- { addresses: [10.244.1.6], nodeName: node-2 }\n- { addresses: [10.244.1.5]");
const sticky = shop.replace("internalTrafficPolicy: Cluster\n  ports: [{ name: http", "sessionAffinity: ClientIP\n  ports: [{ name: http");

export function promiseRules(mode: ProxyMode): void {
  const rulesOf = (yaml: string, node = "node-1") => proxyWith(yaml, { proxyMode: mode }).rulesOf(node, "IPv4");
  const options = (seed = 1) => ({ random: new SeededRandom(seed), now: 0 });
  const to = (dst: string, destinationPort: number) => ({ verdict: "accept", dst, destinationPort });

  describe(`rules of ${mode}`, () => {
    it.each<{ name: string; node?: string; packet: Packet; want: object }>([
      {
        name: "leave the source of a pod alone on the way to a cluster address",
        packet: podPacket("10.96.0.21", 80),
        want: { ...to("10.244.1.9", 8000), masqueraded: false, to: "interface" },
      },
      {
        name: "masquerade whoever comes to a cluster address from outside",
        packet: podPacket("10.96.0.21", 80, outside),
        want: { ...to("10.244.1.9", 8000), masqueraded: true, to: "interface" },
      },
      {
        name: "masquerade a process of the node on the way to a cluster address",
        packet: podPacket("10.96.0.21", 80, process),
        want: { ...to("10.244.1.9", 8000), masqueraded: true, to: "interface" },
      },
      {
        name: "keep the client's address on a node with an endpoint when the policy is Local",
        node: "node-2",
        packet: podPacket("192.168.10.12", 30080, outside),
        want: { ...to("10.244.1.9", 8000), masqueraded: false, to: "interface" },
      },
      {
        name: "leave alone what is for a pod",
        packet: podPacket("10.244.1.9", 8000, outside),
        want: { ...to("10.244.1.9", 8000), masqueraded: false, to: "interface" },
      },
      {
        name: "let the health check node port in to the node",
        packet: podPacket("192.168.10.11", 32000, outside),
        want: { ...to("192.168.10.11", 32000), masqueraded: false, to: "process" },
      },
    ])("$name", ({ node, packet, want }) => {
      const { verdict, dst, destinationPort, masqueraded, to } = rulesOf(shop, node).walk(packet, options());
      expect({ verdict, dst, destinationPort, masqueraded, to }).toEqual(want);
    });

    it("give every endpoint its share, and the hairpin its masquerading", () => {
      expect(rulesOf(three).candidates(podPacket("10.96.0.20", 80, { src: "10.244.0.5" }), { now: 0 })).toEqual([
        { verdict: "accept", ip: "10.244.0.5", port: 8080, masqueraded: true, probability: 0.3333333333 },
        { verdict: "accept", ip: "10.244.1.5", port: 8080, masqueraded: false, probability: 0.3333333333 },
        { verdict: "accept", ip: "10.244.1.6", port: 8080, masqueraded: false, probability: 0.3333333333 },
      ]);
    });

    it("walk to every candidate and to nothing else", () => {
      const rules = rulesOf(three);
      const packet = podPacket("10.96.0.20", 80);
      const walked = Array.from({ length: 60 }, (_, seed) => rules.walk(packet, options(seed)).dst);
      expect([...new Set(walked)].sort()).toEqual(rules.candidates(packet, { now: 0 }).map((way) => way.ip));
    });

    it("draw the same for the same seed", () => {
      const rules = rulesOf(three);
      const packet = podPacket("10.96.0.20", 80);
      expect(rules.walk(packet, options(5))).toEqual(rules.walk(packet, options(5)));
    });

    it("bring a client back to its endpoint until the affinity has timed out", () => {
      const rules = rulesOf(sticky);
      const first = rules.walk(podPacket("10.96.0.20", 80), options(1));
      const again = (now: number) => {
        const lastSeen = (set: string) => (set === first.affinity[0]!.set ? 0 : undefined);
        return rules.candidates(podPacket("10.96.0.20", 80), { now, affinity: { lastSeen } }).map((way) => way.ip);
      };
      expect(again(10_799_999)).toEqual([first.dst]);
      expect(again(10_800_001)).toEqual(["10.244.0.5", "10.244.1.5"]);
    });

    it("name the rule and the objects behind every decision", () => {
      const rules = rulesOf(shop);
      const { matched } = rules.walk(podPacket("10.96.0.21", 80), options());
      const linked = rules.toJSON().rules;
      const isListed = ({ table, chain, line, text }: { table: string; chain: string; line: number; text: string }) =>
        linked.some((rule) => rule.table === table && rule.chain === chain && rule.line === line && rule.text === text);
      expect(
        matched.flatMap(({ rule, element }) => [rule, ...(element === undefined ? [] : [element])]).filter((ref) => !isListed(ref)),
      ).toEqual([]);
      const decisive = matched.find(({ dnat }) => dnat !== undefined)!;
      expect(decisive.objects).toContainEqual({
        apiVersion: "v1",
        kind: "Service",
        namespace: "shop",
        name: "front",
        field: "spec.ports[0]",
      });
      expect(decisive.objects).toContainEqual({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        namespace: "shop",
        name: "front-x",
      });
    });
  });
}
