import { describe, expect, it } from "vitest";
import { type ConntrackEntry, staleEntries } from "./conntrack.ts";
import type { ServicePortEntry } from "./service-map.ts";
import { ServiceMap } from "./service-map.ts";
import { added, manifests } from "./test-lab.ts";

const dns = `
kind: Service
metadata: { name: dns, namespace: net }
spec:
  type: NodePort
  clusterIP: 10.96.0.53
  clusterIPs: [10.96.0.53]
  ports: [{ name: dns, port: 53, protocol: UDP, nodePort: 30053 }]
---
kind: EndpointSlice
metadata: { name: dns-x, namespace: net, labels: { kubernetes.io/service-name: dns } }
addressType: IPv4
endpoints:
- { addresses: [10.244.0.5], conditions: { ready: true } }
- { addresses: [10.244.0.6], conditions: { ready: false, serving: false } }
ports: [{ name: dns, port: 5353, protocol: UDP }]
`;

const entriesOf = (yaml: string): readonly ServicePortEntry[] => {
  const map = new ServiceMap("IPv4");
  const objects = manifests(yaml);
  map.apply(added(objects, "Service"), added(objects, "EndpointSlice"));
  return map.entries();
};

const to = (dst: string, dstPort: number, replySrc: string, change: Partial<ConntrackEntry> = {}): ConntrackEntry => ({
  protocol: "UDP",
  src: "10.244.1.9",
  srcPort: 4000,
  dst,
  dstPort,
  replySrc,
  replySrcPort: 5353,
  replyDst: "10.244.1.9",
  replyDstPort: 4000,
  ...change,
});

describe("staleEntries", () => {
  it.each([
    { name: "keeps what goes to a serving endpoint", entry: to("10.96.0.53", 53, "10.244.0.5"), stale: false },
    { name: "deletes what goes to an endpoint that does not serve", entry: to("10.96.0.53", 53, "10.244.0.6"), stale: true },
    { name: "deletes what goes to an address that is no endpoint", entry: to("10.96.0.53", 53, "10.244.0.7"), stale: true },
    { name: "deletes what came in by the node port", entry: to("192.168.10.11", 30053, "10.244.0.7"), stale: true },
    { name: "keeps TCP", entry: to("10.96.0.53", 53, "10.244.0.7", { protocol: "TCP" }), stale: false },
    { name: "keeps what goes to no Service", entry: to("10.96.0.99", 53, "10.244.0.7"), stale: false },
  ])("$name", ({ entry, stale }) => {
    expect(staleEntries([entry], entriesOf(dns))).toEqual(stale ? [entry] : []);
  });

  it("keeps everything of a Service without serving endpoints", () => {
    const none = dns.replace("ready: true", "ready: false, serving: false");
    expect(staleEntries([to("10.96.0.53", 53, "10.244.0.7")], entriesOf(none))).toEqual([]);
  });
});
