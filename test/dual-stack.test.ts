/** A cluster with both families, from the addresses of pods to the packets that reach them. */
import { beforeAll, describe, expect, it } from "vitest";
import type { EndpointSlice, Node, Pod, Service } from "../durable-objects/cluster/api/objects.ts";
import { createBody, sandboxOptions } from "../worker/create-body.ts";
import { Laboratory } from "./laboratory.ts";

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: both }
spec: { selector: { app: web }, ipFamilyPolicy: PreferDualStack, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: six }
spec: { selector: { app: web }, ipFamilies: [IPv6], ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: four }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

let lab: Laboratory;
beforeAll(() => {
  lab = new Laboratory(sandboxOptions(createBody.parse({ ipFamilies: ["IPv4", "IPv6"] }), 1));
  lab.create(manifest);
  lab.wait(2000);
});

const families = (addresses: readonly (string | undefined)[]): string[] =>
  addresses.map((ip) => (ip?.startsWith("fd00:10:244:") ? "pod 6" : ip?.startsWith("fd00:10:96::") ? "service 6" : ip ? "4" : "none"));
const service = (name: string): Service => lab.send("GET", `/api/v1/namespaces/default/services/${name}`).body;
const pods = (): Pod[] => lab.send("GET", "/api/v1/namespaces/default/pods").body.items;

describe("a cluster with two families", () => {
  it("gives each node a range of each", () => {
    const nodes: Node[] = lab.send("GET", "/api/v1/nodes").body.items;
    expect(nodes.map(({ spec }) => spec.podCIDRs)).toEqual([
      ["10.244.0.0/24", "fd00:10:244::/64"],
      ["10.244.1.0/24", "fd00:10:244:1::/64"],
    ]);
  });

  it("gives each pod an address of each", () => {
    expect(pods().map(({ status }) => families((status.podIPs ?? []).map(({ ip }) => ip)))).toEqual([
      ["4", "pod 6"],
      ["4", "pod 6"],
    ]);
  });

  it.each([
    { name: "both", clusterIPs: ["4", "service 6"], slices: { IPv4: 2, IPv6: 2 } },
    { name: "six", clusterIPs: ["service 6"], slices: { IPv6: 2 } },
    { name: "four", clusterIPs: ["4"], slices: { IPv4: 2 } },
  ])("gives the Service $name its addresses, and a slice for each", ({ name, clusterIPs, slices }) => {
    expect(families(service(name).spec.clusterIPs ?? [])).toEqual(clusterIPs);
    const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=${name}`;
    const found: EndpointSlice[] = lab.send("GET", path).body.items;
    expect(Object.fromEntries(found.map(({ addressType, endpoints }) => [addressType, endpoints?.length]))).toEqual(slices);
  });

  it.each([
    { name: "both", type: "AAAA" },
    { name: "both", type: "A" },
    { name: "six", type: "AAAA" },
  ])("answers $type of $name", ({ name, type }) => {
    const { answers } = lab.cluster.network.resolve({ from: { kind: "client", namespace: "default" }, name, type });
    const wanted = service(name).spec.clusterIPs?.find((ip) => ip.includes(":") === (type === "AAAA"));
    expect(answers.map(({ data }) => data)).toEqual([wanted]);
  });

  it.each(["iptables", "nftables", "ipvs"] as const)("brings a packet to an IPv6 Service with the rules of %s", (proxyMode) => {
    const own = new Laboratory(sandboxOptions(createBody.parse({ ipFamilies: ["IPv4", "IPv6"], proxyMode }), 1));
    own.create(manifest);
    own.wait(2000);
    const [pod] = own.send("GET", "/api/v1/namespaces/default/pods").body.items as [Pod];
    const ip = (own.send("GET", "/api/v1/namespaces/default/services/six").body as Service).spec.clusterIP as string;
    const from = { kind: "pod", namespace: "default", pod: pod.metadata.name } as const;
    const { verdict, backend } = own.cluster.network.route({ from, to: { host: ip, port: 80, protocol: "TCP" } });
    expect([verdict, families([backend?.ip])]).toEqual(["delivered", ["pod 6"]]);
  });

  it("shows the IPv6 rules of a node", async () => {
    const { body } = await lab.http("GET", "/rules?node=node-1&family=IPv6");
    expect(body).toContain(service("six").spec.clusterIP);
  });
});
