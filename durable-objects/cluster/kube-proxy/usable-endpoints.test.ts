import { describe, expect, it } from "vitest";
import type { Endpoint } from "./endpoint-changes.ts";
import type { ServicePort } from "./service-changes.ts";
import { usableEndpoints } from "./usable-endpoints.ts";

const endpoint = (ip: string, node: string | undefined, change: Partial<Endpoint> = {}): Endpoint => ({
  ip,
  port: 80,
  text: `${ip}:80`,
  ready: true,
  serving: true,
  terminating: false,
  node,
  zoneHints: [],
  nodeHints: [],
  objects: [],
  ...change,
});

const port: ServicePort = {
  namespace: "shop",
  service: "cart",
  portName: "",
  protocol: "TCP",
  text: "shop/cart",
  clusterIP: "10.96.0.20",
  port: 80,
  nodePort: 0,
  externalIPs: [],
  loadBalancerIPs: [],
  sourceRanges: [],
  internalPolicyLocal: false,
  externalPolicyLocal: false,
  healthCheckNodePort: 0,
  object: { apiVersion: "v1", kind: "Service", namespace: "shop", name: "cart", field: "spec.ports[0]" },
};

const here = endpoint("10.0.0.1", "node-1");
const there = endpoint("10.0.0.2", "node-2");
const unready = { ready: false, serving: false };
const draining = { ready: false, terminating: true };

const internalLocal = { ...port, internalPolicyLocal: true };
const externalLocal = { ...port, externalPolicyLocal: true, nodePort: 30080 };

describe("usableEndpoints", () => {
  it.each([
    {
      name: "uses every ready endpoint under Cluster",
      port,
      of: [here, there, endpoint("10.0.0.3", "node-1", unready)],
      want: { cluster: [here, there], local: [], reachable: [here, there], hasEndpoints: true, hasInternal: true, hasExternal: true },
    },
    {
      name: "falls back to draining endpoints when none is ready",
      port,
      of: [endpoint("10.0.0.1", "node-1", draining), endpoint("10.0.0.2", "node-2", unready)],
      want: {
        cluster: [endpoint("10.0.0.1", "node-1", draining)],
        local: [],
        reachable: [endpoint("10.0.0.1", "node-1", draining)],
        hasEndpoints: true,
        hasInternal: true,
        hasExternal: true,
      },
    },
    {
      name: "has nothing when nobody serves",
      port,
      of: [endpoint("10.0.0.1", "node-1", unready)],
      want: { cluster: [], local: [], reachable: [], hasEndpoints: false, hasInternal: false, hasExternal: false },
    },
    {
      name: "uses only this node's endpoints under internal Local",
      port: internalLocal,
      of: [here, there],
      want: { cluster: [], local: [here], reachable: [here], hasEndpoints: true, hasInternal: true, hasExternal: true },
    },
    {
      name: "tells endpoints elsewhere from none at all under internal Local",
      port: internalLocal,
      of: [there],
      want: { cluster: [], local: [], reachable: [], hasEndpoints: true, hasInternal: false, hasExternal: true },
    },
    {
      name: "keeps both lists under external Local",
      port: externalLocal,
      of: [here, there],
      want: { cluster: [here, there], local: [here], reachable: [here, there], hasEndpoints: true, hasInternal: true, hasExternal: true },
    },
    {
      name: "decides about draining endpoints for each list by itself",
      port: externalLocal,
      of: [endpoint("10.0.0.1", "node-1", draining), there],
      want: {
        cluster: [there],
        local: [endpoint("10.0.0.1", "node-1", draining)],
        reachable: [endpoint("10.0.0.1", "node-1", draining), there],
        hasEndpoints: true,
        hasInternal: true,
        hasExternal: true,
      },
    },
    {
      name: "takes no endpoint without a node name for local",
      port: internalLocal,
      of: [endpoint("10.0.0.9", undefined)],
      want: { cluster: [], local: [], reachable: [], hasEndpoints: true, hasInternal: false, hasExternal: true },
    },
  ])("$name", ({ port, of, want }) => {
    expect(usableEndpoints({ port, endpoints: of }, { node: "node-1", zone: "zone-1" })).toEqual(want);
  });

  const near = endpoint("10.0.0.1", "node-1", { zoneHints: ["zone-1"], nodeHints: ["node-1"] });
  const far = endpoint("10.0.0.2", "node-2", { zoneHints: ["zone-2"], nodeHints: ["node-2"] });
  const sameZone = endpoint("10.0.0.3", "node-3", { zoneHints: ["zone-1"], nodeHints: ["node-3"] });

  it.each([
    { name: "follows node hints first", of: [near, far, sameZone], at: { node: "node-1", zone: "zone-1" }, want: [near] },
    {
      name: "follows zone hints where no node hint names the node",
      of: [near, far, sameZone],
      at: { node: "node-9", zone: "zone-1" },
      want: [near, sameZone],
    },
    { name: "uses all where no hint names the zone", of: [near, far], at: { node: "node-9", zone: "zone-9" }, want: [near, far] },
    { name: "uses all on a node without a zone", of: [near, far], at: { node: "node-9" }, want: [near, far] },
    {
      name: "uses all where one ready endpoint has no hints",
      of: [near, there],
      at: { node: "node-1", zone: "zone-1" },
      want: [near, there],
    },
    {
      name: "does not mind an endpoint without hints that is not ready",
      of: [near, far, endpoint("10.0.0.4", "node-4", unready)],
      at: { node: "node-9", zone: "zone-2" },
      want: [far],
    },
  ])("$name", ({ of, at, want }) => {
    expect(usableEndpoints({ port, endpoints: of }, at).cluster).toEqual(want);
  });
});
