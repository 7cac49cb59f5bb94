import { describe, expect, it } from "vitest";
import type { Route, RouteQuery, Sender } from "../api/network.ts";
import type { Upstream } from "../api/ports.ts";
import { podYaml, TestCluster, type TestClusterOptions } from "../network/test-cluster.ts";
import { hopSentence } from "./hop-sentence.ts";
import { languages } from "./messages/catalogue.ts";
import { en } from "./messages/en.ts";
import { ruleSentence } from "./rule-sentence.ts";

const service = (name: string, spec: string, rest = ""): string => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { ${spec} }
${rest}
`;
const manifests = [
  podYaml({ name: "sleep-1", ip: "10.244.0.7", node: "node-1" }),
  podYaml({ name: "web-a", ip: "10.244.0.8", node: "node-1", app: "web", ports: [80] }),
  podYaml({ name: "web-b", ip: "10.244.1.3", node: "node-2", app: "web", ports: [80] }),
  podYaml({ name: "lone", ip: "10.244.0.9", node: "node-1", app: "lone", ports: [80] }).replace(
    "containerPort: 80",
    "containerPort: 80, hostPort: 8088",
  ),
  service("web", "clusterIP: 10.96.1.1, selector: { app: web }, ports: [{ port: 80 }]"),
  service("lone", "clusterIP: 10.96.1.2, selector: { app: lone }, ports: [{ port: 80 }]"),
  service("empty", "clusterIP: 10.96.1.3, selector: { app: empty }, ports: [{ port: 80 }]"),
  service("headless", "clusterIP: None, selector: { app: web }, ports: [{ port: 80 }]"),
  service("alias", "type: ExternalName, externalName: example.com"),
  service("dangling", "type: ExternalName, externalName: missing.default.svc.cluster.local"),
  service(
    "sticky",
    "clusterIP: 10.96.1.4, selector: { app: web }, sessionAffinity: ClientIP, sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } }, ports: [{ port: 80 }]",
  ),
  service(
    "local",
    "type: NodePort, externalTrafficPolicy: Local, clusterIP: 10.96.1.5, selector: { app: lone }, ports: [{ port: 80, nodePort: 30080 }]",
  ),
  service(
    "balanced",
    "type: LoadBalancer, clusterIP: 10.96.1.6, selector: { app: web }, ports: [{ port: 80, nodePort: 31080 }]",
    "status: { loadBalancer: { ingress: [{ ip: 203.0.113.10 }] } }",
  ),
  service("external", "clusterIP: 10.96.1.7, selector: { app: web }, externalIPs: [203.0.113.20], ports: [{ port: 80 }]"),
].join("");

const upstream: Upstream = {
  dns: (name, type) => {
    if (name.startsWith("broken.")) return { rcode: "SERVFAIL", answers: [] };
    if (!name.startsWith("example.com")) return { rcode: "NXDOMAIN", answers: [] };
    return { rcode: "NOERROR", answers: type === "A" && !name.includes("nothing") ? [{ name, type, ttl: 60, data: "198.51.100.80" }] : [] };
  },
  machine: (ip) => (ip === "198.51.100.80" ? { tcp: [80], http: () => ({ status: 200, headers: [], body: new Uint8Array() }) } : undefined),
};
const browser: Sender = { kind: "outside", ip: "198.51.100.77" };
const node: Sender = { kind: "node", node: "node-1" };
const policy = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: strict }
spec: { podSelector: {}, policyTypes: [Ingress] }
`;

type Send = [
  from: string | Sender,
  host: string,
  query?: Partial<RouteQuery["to"]> & { http?: RouteQuery["http"] },
  extra?: string,
  options?: TestClusterOptions,
];
const sends: Send[] = [
  ["sleep-1", "web", { http: {} }],
  ["sleep-1", "lone.default.svc.cluster.local.", {}],
  ["sleep-1", "empty"],
  ["sleep-1", "headless"],
  ["sleep-1", "alias", { http: {} }],
  ["sleep-1", "example.com"],
  ["sleep-1", "dangling.default.svc.cluster.local."],
  ["sleep-1", "nobody"],
  ["sleep-1", "broken.org"],
  ["sleep-1", "web", { protocol: "ICMP" }],
  ["sleep-1", "10.244.1.3", { protocol: "ICMP" }],
  ["sleep-1", "10.244.1.3", { port: 81 }],
  ["sleep-1", "10.244.1.99"],
  ["sleep-1", "web", {}, policy],
  ["sleep-1", "web", {}, policy.replace("policyTypes: [Ingress]", "ingress: [{}]")],
  [browser, "192.168.10.11", { port: 8088 }],
  ["sleep-1", "10.244.1.3", {}, "", { wire: { latencyMs: 50 } }],
  ["sleep-1", "web", {}, "", { listeners: { "kube-system/coredns-1": [] } }],
  ["lone", "lone"],
  ["lone", "127.0.0.1"],
  [node, "example.com"],
  [node, "kubernetes"],
  [browser, "192.168.10.12", { port: 30080 }],
  [browser, "192.168.10.12", { port: 6443 }],
  [browser, "192.168.10.11", { port: 6443 }],
  [browser, "203.0.113.10"],
  [browser, "203.0.113.20"],
  [browser, "10.96.1.1"],
  [browser, "example.com", { port: 80 }],
  ["sleep-1", "web", { http: {} }, "", { options: { proxyMode: "nftables" } }],
  ["sleep-1", "web", { http: {} }, "", { options: { proxyMode: "ipvs" } }],
];

const routes = (): Route[] => {
  const all = sends.map(([from, host, query = {}, extra = "", options = {}]) =>
    new TestCluster(manifests + extra, { upstream, ...options }).route(from, host, { port: 80, ...query }),
  );
  const sticky = new TestCluster(manifests);
  const direct = new TestCluster(
    manifests
      .replace("name: sleep-1, ", "name: direct, ")
      .replace("  containers: [", "  dnsPolicy: None\n  dnsConfig: { nameservers: [10.244.0.2] }\n  containers: ["),
  );
  return [
    ...all,
    sticky.route("sleep-1", "sticky"),
    sticky.route("sleep-1", "sticky", { port: 80 }),
    sticky.route("sleep-1", "sticky", { port: 80 }),
    direct.route("direct", "web.default.svc.cluster.local", { port: 80 }),
  ];
};

/** A mode that masquerades without rewriting the destination, which iptables never does; apps that call each other without end. */
const notHere = ["rewrite-source", "stop-unsupported"];

describe("hopSentence", () => {
  it("has a sentence for every hop, in each language, with nothing left open", () => {
    const hops = routes().flatMap((route) => route.hops);
    const open = hops
      .flatMap((hop) => languages.map((language) => hopSentence(hop, language)))
      .filter((text) => /undefined|NaN|\[object/.test(text));
    expect(open).toEqual([]);
  });

  it("says every sentence of the catalogue on some way", () => {
    const said = new Set(routes().flatMap(({ hops }) => hops.map(({ code }) => code)));
    expect(Object.keys(en.hop).filter((code) => !said.has(code))).toEqual(notHere);
  });
});

describe("hopSentence of the rule that chose", () => {
  it.each([
    {
      proxyMode: "iptables",
      want: "Line 2 was skipped (draw 0.74, needs < 0.500). Line 3 matched: the last line needs no draw. Over many requests each of the 2 pods gets one in two.",
    },
    { proxyMode: "nftables", want: "A random number modulo 2 was 1; entry 1 is 10.244.1.3:80." },
    { proxyMode: "ipvs", want: "Round robin: it was the turn of 10.244.1.3:80 (2 of 2)." },
  ] as const)("is told as mode $proxyMode chooses", ({ proxyMode, want }) => {
    const { hops } = new TestCluster(manifests, { options: { proxyMode } }).route("sleep-1", "web", { port: 80 });
    expect(hops.filter(({ does }) => does === "match").map((hop) => hopSentence(hop, "en"))).toEqual([want]);
  });
});

describe("ruleSentence", () => {
  it("has a complete sentence for every rule of a node", () => {
    const modes = ["iptables", "nftables", "ipvs"] as const;
    const { kubeProxy } = new TestCluster(manifests);
    const rules = modes.flatMap((mode) => kubeProxy.rulesOf("node-1", "IPv4", mode).toJSON().rules);
    const sentences = rules.flatMap((rule) => languages.map((language) => ruleSentence(rule, language)));
    expect(sentences.filter((text) => /undefined|NaN|\[object| {2}| \.|: \.|\bto \.$/.test(text))).toEqual([]);
    expect(sentences).toContain("Service empty without endpoints: packets are rejected.");
  });
});
