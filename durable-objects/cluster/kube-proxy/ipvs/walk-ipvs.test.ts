import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../api/seeded-random.ts";
import type { Packet } from "../rule-set.ts";
import { podPacket, proxyWith, shop } from "../test-lab.ts";
import type { IpvsRules } from "./node-rules.ts";

const rulesOf = (yaml: string, node = "node-1") => proxyWith(yaml, { proxyMode: "ipvs" }).rulesOf(node, "IPv4") as IpvsRules;
const options = { random: new SeededRandom(1), now: 0 };
const empty = shop.replaceAll("ready: true", "ready: false, serving: false");
const guarded = shop.replace("healthCheckNodePort: 32000", 'healthCheckNodePort: 32000\n  loadBalancerSourceRanges: ["203.0.113.0/24"]');
const ping = { protocol: "ICMP", sourcePort: undefined, destinationPort: undefined } as const;
const outside: Partial<Packet> = { origin: "wire", src: "203.0.113.7" };

describe("walkIpvs", () => {
  it.each<{ name: string; yaml?: string; packet: Packet; want: object }>([
    {
      name: "answers itself for a virtual server without real servers",
      yaml: empty,
      packet: podPacket("10.96.0.20", 80),
      want: { verdict: "reject", dst: "10.96.0.20", masqueraded: false, last: "-A -t 10.96.0.20:80 -s rr" },
    },
    {
      name: "rejects a ping of a cluster address",
      packet: podPacket("10.96.0.20", 0, ping),
      want: {
        verdict: "reject",
        dst: "10.96.0.20",
        masqueraded: false,
        last: "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with icmp-port-unreachable",
      },
    },
    {
      name: "falls back to endpoints elsewhere when the policy is Local and the node has none",
      packet: podPacket("192.168.10.11", 30080, outside),
      want: {
        verdict: "accept",
        dst: "10.244.1.9",
        masqueraded: false,
        last: "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
      },
    },
    {
      name: "lets clients inside the source ranges in",
      yaml: guarded,
      packet: podPacket("192.168.10.240", 80, outside),
      want: {
        verdict: "accept",
        dst: "10.244.1.9",
        masqueraded: false,
        last: "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
      },
    },
    {
      name: "drops clients outside the source ranges",
      yaml: guarded,
      packet: podPacket("192.168.10.240", 80, { origin: "wire", src: "198.51.100.1" }),
      want: { verdict: "drop", dst: "192.168.10.240", masqueraded: false, last: "-A KUBE-SOURCE-RANGES-FIREWALL -j DROP" },
    },
    {
      name: "drops processes of a node outside the source ranges behind the virtual server",
      yaml: guarded,
      packet: podPacket("192.168.10.240", 80, { origin: "process", src: "192.168.10.240" }),
      want: {
        verdict: "drop",
        dst: "10.244.1.9",
        masqueraded: false,
        last: "-A KUBE-IPVS-OUT-FILTER -s 192.168.10.240/32 -m ipvs --vaddr 192.168.10.240 --vproto tcp --vport 80 -j DROP",
      },
    },
  ])("$name", ({ yaml = shop, packet, want }) => {
    const { verdict, dst, masqueraded, matched } = rulesOf(yaml).walk(packet, options);
    expect({ verdict, dst, masqueraded, last: matched.at(-1)!.rule.text }).toEqual(want);
  });

  it("decides by the kernel's state alone: without its mark rule an outside client is not masqueraded", () => {
    const rules = rulesOf(shop);
    const packet = podPacket("10.96.0.21", 80, outside);
    const { rule } = rules.walk(packet, options).matched.find((match) => match.role === "masquerade-off-cluster")!;
    rules.tables.chain("nat", rule.chain)!.rules.splice(rule.line - 1, 1);
    expect(rules.walk(packet, options).masqueraded).toBe(false);
  });

  it("prints virtual servers as ipvsadm lists them", () => {
    expect(rulesOf(shop).print("kernel").split("\n").slice(0, 6)).toEqual([
      "IP Virtual Server version 1.2.1 (size=4096)",
      "Prot LocalAddress:Port Scheduler Flags",
      "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
      "TCP  10.96.0.20:80 rr",
      "  -> 10.244.0.5:8080              Masq    1      0          0         ",
      "  -> 10.244.1.5:8080              Masq    1      0          0         ",
    ]);
  });
});
