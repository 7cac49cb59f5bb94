import { describe, expect, it } from "vitest";
import type { Route, Sender } from "../api/network.ts";
import { podYaml, TestCluster } from "./test-cluster.ts";

const namespaces = `
---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { team: shop, kubernetes.io/metadata.name: shop } }
`;
const ports = (pod: string, list: string) => pod.replace(/ports: \[.*\]/, `ports: [${list}]`);
const web = ports(
  podYaml({ name: "web", ip: "10.244.1.3", node: "node-2" }),
  "{ containerPort: 8080, name: http }, { containerPort: 9090, name: admin }",
);
const client = podYaml({ name: "client", ip: "10.244.0.7", node: "node-1" });
const near = podYaml({ name: "near", ip: "10.244.1.7", node: "node-2" });
const buyer = podYaml({ name: "buyer", ip: "10.244.0.9", node: "node-1", namespace: "shop" });
const service = `
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, clusterIP: 10.96.1.1, selector: { app: web }, ports: [{ name: a, port: 80, targetPort: 8080, nodePort: 30080 }] }
`;
const all = namespaces + web + client + near + buyer + service;
const policy = (spec: string, name = "strict") => `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name} }
spec: ${spec}
`;
const toWeb = (ingress: string) => policy(`{ podSelector: { matchLabels: { app: web } }, ingress: ${ingress} }`);
const ofClient = (egress: string) => policy(`{ podSelector: { matchLabels: { app: client } }, policyTypes: [Egress], egress: ${egress} }`);

const browser: Sender = { kind: "outside", ip: "198.51.100.77" };
const pod = (name: string, namespace = "default"): Sender => ({ kind: "pod", namespace, pod: name });
const said = ({ verdict, cause }: Route): string => (cause === undefined ? verdict : `${verdict} ${cause.code}`);

describe("NetworkPolicy, ingress", () => {
  const dropped = "dropped policy-ingress";
  const ofShop = "{ matchLabels: { team: shop } }";
  it.each([
    { name: "without a policy everything passes", spec: "", from: "client", want: "delivered" },
    { name: "an empty list lets nothing in", spec: toWeb("[]"), from: "client", want: dropped },
    { name: "an empty rule lets everything in", spec: toWeb("[{}]"), from: "client", want: "delivered" },
    {
      name: "a pod of the policy's namespace",
      spec: toWeb("[{ from: [{ podSelector: { matchLabels: { app: client } } }] }]"),
      from: "client",
      want: "delivered",
    },
    { name: "no other pod", spec: toWeb("[{ from: [{ podSelector: { matchLabels: { app: client } } }] }]"), from: "near", want: dropped },
    {
      name: "a podSelector alone means no other namespace",
      spec: toWeb("[{ from: [{ podSelector: {} }] }]"),
      from: "shop/buyer",
      want: dropped,
    },
    {
      name: "a namespaceSelector means all its pods",
      spec: toWeb(`[{ from: [{ namespaceSelector: ${ofShop} }] }]`),
      from: "shop/buyer",
      want: "delivered",
    },
    {
      name: "both in one peer must hold",
      spec: toWeb(`[{ from: [{ namespaceSelector: ${ofShop}, podSelector: { matchLabels: { app: client } } }] }]`),
      from: "shop/buyer",
      want: dropped,
    },
    {
      name: "two peers are an or",
      spec: toWeb(`[{ from: [{ namespaceSelector: ${ofShop} }, { podSelector: { matchLabels: { app: client } } }] }]`),
      from: "client",
      want: "delivered",
    },
    {
      name: "expressions count",
      spec: toWeb("[{ from: [{ podSelector: { matchExpressions: [{ key: app, operator: NotIn, values: [client] }] } }] }]"),
      from: "client",
      want: dropped,
    },
    { name: "an ipBlock", spec: toWeb("[{ from: [{ ipBlock: { cidr: 10.244.0.0/24 } }] }]"), from: "client", want: "delivered" },
    {
      name: "what an ipBlock excepts",
      spec: toWeb("[{ from: [{ ipBlock: { cidr: 10.244.0.0/24, except: [10.244.0.7/32] } }] }]"),
      from: "client",
      want: dropped,
    },
    { name: "the port after the Service, not before", spec: toWeb("[{ ports: [{ port: 8080 }] }]"), from: "client", want: "delivered" },
    { name: "the Service's port counts for nothing", spec: toWeb("[{ ports: [{ port: 80 }] }]"), from: "client", want: dropped },
    { name: "a named port of the pod", spec: toWeb("[{ ports: [{ port: http }] }]"), from: "client", want: "delivered" },
    { name: "another named port", spec: toWeb("[{ ports: [{ port: admin }] }]"), from: "client", want: dropped },
    { name: "a range of ports", spec: toWeb("[{ ports: [{ port: 8000, endPort: 8080 }] }]"), from: "client", want: "delivered" },
    { name: "beyond the range", spec: toWeb("[{ ports: [{ port: 8000, endPort: 8079 }] }]"), from: "client", want: dropped },
    { name: "another protocol", spec: toWeb("[{ ports: [{ port: 8080, protocol: UDP }] }]"), from: "client", want: dropped },
    { name: "a protocol without a port", spec: toWeb("[{ ports: [{ protocol: TCP }] }]"), from: "client", want: "delivered" },
    {
      name: "one of several policies is enough",
      spec: toWeb("[]") + policy("{ podSelector: {}, ingress: [{}] }", "open"),
      from: "client",
      want: "delivered",
    },
    {
      name: "policyTypes leave a direction out",
      spec: policy("{ podSelector: {}, policyTypes: [Egress], ingress: [], egress: [{}] }"),
      from: "client",
      want: "delivered",
    },
    { name: "a policy of other pods", spec: policy("{ podSelector: { matchLabels: { app: other } } }"), from: "client", want: "delivered" },
  ])("$name", ({ spec, from, want }) => {
    const [name = "", namespace = "default"] = from.split("/").reverse();
    const route = new TestCluster(all + spec).route(pod(name, namespace), "web.default", { port: 80 });
    expect(said(route)).toBe(want);
  });

  it.each([
    { name: "the pod's own node is never kept out", from: { kind: "node", node: "node-2" } as const, spec: toWeb("[]"), want: "delivered" },
    { name: "another node is", from: { kind: "node", node: "node-1" } as const, spec: toWeb("[]"), want: dropped },
    { name: "the pod reaches itself", from: pod("web"), spec: toWeb("[]"), want: "delivered" },
    {
      name: "a client without a pod has no labels",
      from: { kind: "client", namespace: "default" } as const,
      spec: toWeb("[{ from: [{ podSelector: {} }] }]"),
      want: dropped,
    },
  ])("$name", ({ from, spec, want }) => {
    expect(said(new TestCluster(all + spec).route(from, "10.96.1.1", { port: 80 }))).toBe(want);
  });

  it("sees the source that the pod sees: a node's, where kube-proxy has replaced it", () => {
    const byNode = toWeb("[{ from: [{ ipBlock: { cidr: 192.168.10.11/32 } }] }]");
    const byClient = toWeb("[{ from: [{ ipBlock: { cidr: 198.51.100.77/32 } }] }]");
    const ask = (spec: string) => said(new TestCluster(all + spec).route(browser, "192.168.10.11", { port: 30080 }));
    expect([ask(byNode), ask(byClient)]).toEqual(["delivered", dropped]);
  });

  it("lets ICMP through rules without ports only", () => {
    const ping = (spec: string) => said(new TestCluster(all + spec).route("client", "10.244.1.3", { protocol: "ICMP" }));
    expect([ping(toWeb("[{}]")), ping(toWeb("[{ ports: [{ protocol: TCP }] }]"))]).toEqual(["delivered", dropped]);
  });
});

describe("NetworkPolicy, egress", () => {
  const dropped = "dropped policy-egress";
  const dns =
    "{ to: [{ namespaceSelector: {}, podSelector: { matchLabels: { k8s-app: kube-dns } } }], ports: [{ protocol: UDP, port: 53 }] }";
  it.each([
    { name: "an empty list lets nothing out", spec: ofClient("[]"), host: "10.96.1.1", want: dropped },
    {
      name: "the pod behind the Service counts",
      spec: ofClient("[{ to: [{ podSelector: { matchLabels: { app: web } } }] }]"),
      host: "10.96.1.1",
      want: "delivered",
    },
    {
      name: "the address of the Service does not",
      spec: ofClient("[{ to: [{ ipBlock: { cidr: 10.96.0.0/12 } }] }]"),
      host: "10.96.1.1",
      want: dropped,
    },
    { name: "named ports are the destination's", spec: ofClient("[{ ports: [{ port: http }] }]"), host: "10.96.1.1", want: "delivered" },
    {
      name: "a question to DNS is a packet too",
      spec: ofClient("[{ to: [{ podSelector: { matchLabels: { app: web } } }] }]"),
      host: "web",
      want: "name-not-found dns-unreachable",
    },
    {
      name: "with DNS allowed the name resolves",
      spec: ofClient(`[${dns}, { to: [{ podSelector: {} }] }]`),
      host: "web",
      want: "delivered",
    },
    {
      name: "egress rules alone isolate egress, too",
      spec: policy("{ podSelector: { matchLabels: { app: client } }, egress: [{ ports: [{ port: 1 }] }] }"),
      host: "10.96.1.1",
      want: dropped,
    },
    { name: "the pod's own node is always reached", spec: ofClient("[]"), host: "192.168.10.11", port: 10250, want: "delivered" },
    { name: "another node is not", spec: ofClient("[]"), host: "192.168.10.12", port: 10250, want: dropped },
  ])("$name", ({ spec, host, port = 80, want }) => {
    expect(said(new TestCluster(all + spec).route("client", host, { port }))).toBe(want);
  });

  it("is shown as a hop at the pod, whatever it says", () => {
    const hops = (spec: string) =>
      new TestCluster(all + spec).route("client", "10.96.1.1", { port: 80 }).hops.map(({ at, code }) => `${at} ${code}`);
    expect(hops(ofClient("[]")).slice(-2)).toEqual(["pod/default/client policy-drops", "pod/default/client stop-dropped"]);
    expect(hops(ofClient("[{}]"))).toContain("pod/default/client policy-allows");
  });
});
