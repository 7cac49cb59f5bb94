import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EndpointSlice, Service } from "../api/objects.ts";
import { promiseRules } from "./rules.suite.ts";
import { someService, someSlice } from "./test-clusters.ts";
import { added, podPacket, proxyWith } from "./test-lab.ts";

promiseRules("iptables");
promiseRules("nftables");
promiseRules("ipvs");

const someCluster = fc.tuple(
  fc.uniqueArray(someService, { selector: (service) => service.metadata.name }),
  fc.uniqueArray(someSlice, { selector: (slice) => slice.metadata.name }),
);

/** From a pod on the node, from one elsewhere, from outside; to every address of every Service that the node answers on. */
function packetsTo(service: Service) {
  const senders = [
    { src: "10.244.0.200", origin: "pod" },
    { src: "10.244.0.1", origin: "pod" },
    { src: "10.244.1.200", origin: "wire" },
    { src: "203.0.113.7", origin: "wire" },
  ] as const;
  const ingress = service.status.loadBalancer?.ingress?.map(({ ip }) => ip!) ?? [];
  const sockets = service.spec.ports!.flatMap(({ port, nodePort }) => [
    ...[service.spec.clusterIP!, ...ingress].map((ip) => ({ ip, port })),
    ...(nodePort === undefined ? [] : [{ ip: "192.168.10.11", port: nodePort }]),
  ]);
  return sockets.flatMap(({ ip, port }) => senders.map((sender) => podPacket(ip, port, sender)));
}

describe("backends", () => {
  it("send every packet to a Service's addresses the same ways", () => {
    fc.assert(
      fc.property(someCluster, ([services, slices]) => {
        const proxy = proxyWith("");
        proxy.apply({ services: added<Service>(services, "Service"), endpointSlices: added<EndpointSlice>(slices, "EndpointSlice") });
        const [iptables, nftables] = (["iptables", "nftables"] as const).map((mode) => proxy.rulesOf("node-1", "IPv4", mode));
        for (const packet of services.flatMap(packetsTo)) {
          expect({ packet, ways: nftables!.candidates(packet, { now: 0 }) }).toEqual({
            packet,
            ways: iptables!.candidates(packet, { now: 0 }),
          });
        }
      }),
      { numRuns: 50 },
    );
  });
});
