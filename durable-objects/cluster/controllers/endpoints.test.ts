import { describe, expect, it } from "vitest";
import { subsetsOf, truncated } from "./endpoints.ts";
import { type PodParts, pod, service } from "./test-objects.ts";

const address = (name: string, ip: string, node = "node-1") => ({
  ip,
  nodeName: node,
  targetRef: { kind: "Pod", namespace: "demo", name, uid: `uid-${name}` },
});
const ports = [{ port: 8080, protocol: "TCP" }];

describe("subsetsOf", () => {
  it.each<{ name: string; pods: PodParts[]; spec?: object; want: object[] }>([
    {
      name: "lists ready and not ready pods apart, by address",
      pods: [
        { name: "b", ip: "10.244.0.10" },
        { name: "a", ip: "10.244.0.9" },
        { name: "c", ip: "10.244.0.11", ready: false },
      ],
      want: [
        { addresses: [address("a", "10.244.0.9"), address("b", "10.244.0.10")], notReadyAddresses: [address("c", "10.244.0.11")], ports },
      ],
    },
    {
      name: "leaves out pods without address, finished and terminating ones",
      pods: [{ name: "a" }, { name: "b", ip: "10.244.0.9", phase: "Failed" }, { name: "c", ip: "10.244.0.10", deleting: true }],
      want: [],
    },
    {
      name: "takes every pod where the Service publishes them anyway",
      pods: [{ name: "a", ip: "10.244.0.9", ready: false, deleting: true }],
      spec: { publishNotReadyAddresses: true },
      want: [{ addresses: [address("a", "10.244.0.9")], ports }],
    },
    {
      name: "leaves out a pod that lacks the named port",
      pods: [{ name: "a", ip: "10.244.0.9" }],
      spec: { ports: [{ port: 80, targetPort: "http" }] },
      want: [],
    },
    {
      name: "names a pod whose subdomain is the Service",
      pods: [{ name: "a", ip: "10.244.0.9", spec: { hostname: "db-0", subdomain: "web" } }],
      spec: { clusterIP: "None" },
      want: [{ addresses: [{ ...address("a", "10.244.0.9"), hostname: "db-0" }], ports }],
    },
  ])("$name", ({ pods, spec, want }) => {
    expect(subsetsOf(service("web", spec), pods.map(pod))).toEqual(want);
  });
});

describe("truncated", () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ ip: `10.0.${at >> 8}.${at & 255}` }));

  it("keeps up to 1,000 addresses", () => {
    const subsets = [{ addresses: many(1000), ports }];
    expect(truncated(subsets)).toEqual({ subsets, isCut: false });
  });

  it("cuts what is not ready first", () => {
    const { subsets, isCut } = truncated([{ addresses: many(990), notReadyAddresses: many(20), ports }]);
    expect([isCut, subsets.map(({ addresses, notReadyAddresses }) => [addresses?.length, notReadyAddresses?.length])]).toEqual([
      true,
      [[990, 10]],
    ]);
  });
});
