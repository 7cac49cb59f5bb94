import { describe, expect, it } from "vitest";
import type { Route, Sender } from "../api/network.ts";
import type { Upstream } from "../api/ports.ts";
import { IptablesRules } from "../kube-proxy/iptables/node-rules.ts";
import { outsideServer, podYaml, TestCluster } from "./test-cluster.ts";

const sleep = podYaml({ name: "sleep-1", ip: "10.244.0.7", node: "node-1" });
const sleep2 = podYaml({ name: "sleep-2", ip: "10.244.1.7", node: "node-2" });
const apiA = podYaml({ name: "api-a", ip: "10.244.0.8", node: "node-1", app: "numbers-api", ports: [80] });
const apiB = podYaml({ name: "api-b", ip: "10.244.1.3", node: "node-2", app: "numbers-api", ports: [80] });
const apiService = `
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { clusterIP: 10.96.71.4, selector: { app: numbers-api }, ports: [{ port: 80 }] }
`;
const numbers = sleep + apiA + apiB + apiService;

const nodePortService = (policy = "Cluster") => `
---
apiVersion: v1
kind: Service
metadata: { name: web-node }
spec:
  type: NodePort
  clusterIP: 10.96.5.5
  externalTrafficPolicy: ${policy}
  selector: { app: numbers-api }
  ports: [{ port: 8080, targetPort: 80, nodePort: 30080 }]
`;
const loadBalancerService = (policy = "Cluster") => `
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  type: LoadBalancer
  clusterIP: 10.96.6.6
  externalTrafficPolicy: ${policy}
  ${policy === "Local" ? "healthCheckNodePort: 32000" : ""}
  selector: { app: numbers-api }
  ports: [{ port: 8080, targetPort: 80, nodePort: 31080 }]
status: { loadBalancer: { ingress: [{ ip: 203.0.113.10, ipMode: VIP }] } }
`;

const browser: Sender = { kind: "outside", ip: "198.51.100.77" };
const get = { port: 80, http: {} };

const story = ({ hops }: Route): string[] => hops.map(({ n, at, does, code }) => `${n} ${at} ${does} ${code}`);
const outcome = ({ verdict, cause, icmp, backend }: Route) => ({ verdict, cause: cause?.code, icmp, backend: backend?.pod ?? backend?.ip });
const body = ({ http }: Route): string | undefined => http && new TextDecoder().decode(http.response.body);

describe("ClusterNetwork.route, the chapter's scenes", () => {
  it("takes a request by name through nine hops", () => {
    const route = new TestCluster(numbers).route("sleep-1", "numbers-api", get);
    expect(story(route)).toEqual([
      "1 pod/default/sleep-1 read read-url",
      "2 pod/default/sleep-1 search search-list",
      "3 pod/default/sleep-1 ask ask-through-rules",
      "4 pod/kube-system/coredns-1 answer answer-cluster-ip",
      "5 pod/default/sleep-1 connect connect-rules",
      "6 node/node-1 match rule-matches",
      "7 node/node-1 rewrite rewrite-destination",
      "8 pod/default/api-b deliver delivered-to-pod",
      "9 pod/default/sleep-1 reply reply-http",
    ]);
    expect(outcome(route)).toEqual({ verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-b" });
    expect(body(route)).toBe("api-b");
    expect(route.candidates).toEqual([
      { ip: "10.244.0.8", port: 80, probability: 0.5 },
      { ip: "10.244.1.3", port: 80, probability: 0.5 },
    ]);
    expect(route.sourceSeenByBackend).toBe("10.244.0.7");
  });

  it("shows the rule as a line of the node's own dump", () => {
    const cluster = new TestCluster(numbers);
    const { hops } = cluster.route("sleep-1", "numbers-api", get);
    const dump = cluster.kubeProxy.rulesOf("node-1", "IPv4").print("kernel").split("\n");
    const lines = hops.flatMap(({ rule }) => (rule === undefined ? [] : [rule.text]));
    expect(lines.length).toBe(2);
    expect(lines.filter((line) => !dump.includes(line))).toEqual([]);
  });

  it("has no DNS hops for an address", () => {
    expect(story(new TestCluster(numbers).route("sleep-1", "10.96.71.4", get)).map((hop) => hop.split(" ")[2])).toEqual([
      "read",
      "connect",
      "match",
      "rewrite",
      "deliver",
      "reply",
    ]);
  });

  it("answers a ping to a pod's address", () => {
    const route = new TestCluster(numbers).route("sleep-1", "10.244.1.3", { protocol: "ICMP" });
    expect(outcome(route)).toEqual({ verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-b" });
    expect(route.hops.at(-1)?.code).toBe("reply-echo");
  });

  it("loses a ping to a Service: no rule matches and nobody has the address", () => {
    const route = new TestCluster(numbers).route("sleep-1", "numbers-api", { protocol: "ICMP" });
    expect(story(route)).toEqual([
      "1 pod/default/sleep-1 read read-name",
      "2 pod/default/sleep-1 search search-list",
      "3 pod/default/sleep-1 ask ask-through-rules",
      "4 pod/kube-system/coredns-1 answer answer-cluster-ip",
      "5 pod/default/sleep-1 connect connect-echo",
      "6 node/node-1 stop stop-unanswered",
    ]);
  });

  it("is rejected by the rule of a Service without endpoints", () => {
    const route = new TestCluster(sleep + apiService).route("sleep-1", "numbers-api", get);
    expect(outcome(route)).toEqual({ verdict: "rejected", cause: "rule-no-endpoints", icmp: "port-unreachable", backend: undefined });
    expect(route.rule?.text).toBe(
      '-A KUBE-SERVICES -d 10.96.71.4/32 -p tcp -m comment --comment "default/numbers-api has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
    );
  });

  it("does not find a name that no Service has", () => {
    const route = new TestCluster(sleep).route("sleep-1", "numbers-api", get);
    expect(outcome(route)).toEqual({ verdict: "name-not-found", cause: "no-such-name", icmp: undefined, backend: undefined });
    expect(route.cause?.params).toEqual({ name: "numbers-api", rcode: "NXDOMAIN", tries: 4 });
  });

  it("gets nothing from an address that no pod has any more", () => {
    expect(outcome(new TestCluster(numbers).route("sleep-1", "10.244.1.99", { protocol: "ICMP" }))).toEqual({
      verdict: "unanswered",
      cause: "nobody-has-address",
      icmp: undefined,
      backend: undefined,
    });
  });

  const externalName = `
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { type: ExternalName, externalName: raw.githubusercontent.com }
`;
  const outside: Upstream = {
    dns: (name, type) =>
      name === "raw.githubusercontent.com." && type === "A"
        ? { rcode: "NOERROR", answers: [{ name, type, ttl: 300, data: "198.51.100.8" }] }
        : { rcode: "NOERROR", answers: [] },
    machine: outsideServer("198.51.100.8", ["raw.githubusercontent.com"], "42"),
  };

  it("reaches an ExternalName with the wrong Host header, which is a 404", () => {
    const route = new TestCluster(sleep + externalName, { upstream: outside }).route("sleep-1", "numbers-api", get);
    expect(outcome(route)).toEqual({ verdict: "delivered", cause: "host-not-served", icmp: undefined, backend: "198.51.100.8" });
    expect(route.http?.response.status).toBe(404);
    expect(route.cause?.params).toEqual({
      status: 404,
      host: "numbers-api",
      expected: ["raw.githubusercontent.com"],
      target: "198.51.100.8:80",
    });
    expect(route.sourceSeenByBackend).toBe("192.168.10.11");
  });

  it("works with the Host header that the outside server knows", () => {
    const http = { headers: [["Host", "raw.githubusercontent.com"]] as const };
    const route = new TestCluster(sleep + externalName, { upstream: outside }).route("sleep-1", "numbers-api", { port: 80, http });
    expect(body(route)).toBe("42");
  });

  it("sends to endpoints made by hand, where nobody answers", () => {
    const byHand = `
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { clusterIP: 10.96.71.4, ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: numbers-api-x, labels: { kubernetes.io/service-name: numbers-api } }
addressType: IPv4
endpoints: [{ addresses: [192.168.123.234], conditions: {} }]
ports: [{ name: "", port: 80, protocol: TCP }]
`;
    const route = new TestCluster(sleep + byHand).route("sleep-1", "numbers-api", get);
    expect(outcome(route)).toEqual({ verdict: "unanswered", cause: "nobody-has-address", icmp: undefined, backend: undefined });
    expect(route.hops.find(({ does }) => does === "rewrite")?.dstAfter).toBe("192.168.123.234:80");
  });

  it("finds a Service of another namespace by name and namespace", () => {
    const other = apiService.replace("name: numbers-api", "name: numbers-api, namespace: kube-system");
    const route = new TestCluster(sleep + other).route("sleep-1", "numbers-api.kube-system", get);
    expect(route.hops.filter(({ does }) => does === "ask" || does === "answer").map(({ query }) => query)).toEqual([
      "numbers-api.kube-system.svc.cluster.local.",
      "numbers-api.kube-system.svc.cluster.local.",
    ]);
    expect(outcome(route).cause).toBe("rule-no-endpoints");
  });
});

describe("ClusterNetwork.route, what only rules decide", () => {
  it("fails once a rule is taken out of the kernel by hand", () => {
    const cluster = new TestCluster(numbers);
    const rules = cluster.kubeProxy.rulesOf("node-1", "IPv4");
    if (!(rules instanceof IptablesRules)) throw new Error("expected iptables rules");
    const services = rules.tables.chain("nat", "KUBE-SERVICES")!;
    services.rules = services.rules.filter(({ origin }) => !origin.objects.some(({ name }) => name === "numbers-api"));
    expect(outcome(cluster.route("sleep-1", "numbers-api", get))).toEqual({
      verdict: "unanswered",
      cause: "nobody-has-address",
      icmp: undefined,
      backend: undefined,
    });
  });

  it("cannot resolve once the rule of the DNS Service is gone", () => {
    const cluster = new TestCluster(numbers);
    const rules = cluster.kubeProxy.rulesOf("node-1", "IPv4") as IptablesRules;
    const services = rules.tables.chain("nat", "KUBE-SERVICES")!;
    services.rules = services.rules.filter(({ origin }) => !origin.objects.some(({ name }) => name === "kube-dns"));
    const route = cluster.route("sleep-1", "numbers-api", get);
    expect({ verdict: route.verdict, cause: route.cause }).toEqual({
      verdict: "name-not-found",
      cause: {
        code: "dns-unreachable",
        params: { name: "numbers-api", server: "10.96.0.10", verdict: "unanswered", because: "nobody-has-address" },
      },
    });
  });

  it("gives every endpoint its share over many flows", () => {
    const cluster = new TestCluster(numbers);
    const seen = Array.from({ length: 300 }, (_, seed) => cluster.route("sleep-1", "10.96.71.4", { port: 80, seed }).backend?.pod);
    const shares = ["default/api-a", "default/api-b"].map((pod) => seen.filter((each) => each === pod).length / 300);
    expect(shares.every((share) => share > 0.4 && share < 0.6)).toBe(true);
  });

  it.each<{ name: string; manifests: string; from: Sender | string; to: { host: string; port?: number; protocol?: "ICMP" } }>([
    { name: "delivered", manifests: numbers, from: "sleep-1", to: { host: "numbers-api", port: 80 } },
    { name: "rejected", manifests: sleep + apiService, from: "sleep-1", to: { host: "numbers-api", port: 80 } },
    { name: "dropped", manifests: apiA + nodePortService("Local"), from: browser, to: { host: "192.168.10.12", port: 30080 } },
    { name: "refused", manifests: numbers, from: "sleep-1", to: { host: "10.244.1.3", port: 81 } },
    { name: "unanswered", manifests: numbers, from: "sleep-1", to: { host: "10.96.71.4", protocol: "ICMP" } },
    { name: "no-route", manifests: numbers, from: browser, to: { host: "10.96.71.4", port: 80 } },
    { name: "name-not-found", manifests: numbers, from: "sleep-1", to: { host: "nobody", port: 80 } },
  ])("comes to the same outcome without the story: $name", ({ name, manifests, from, to }) => {
    const sender: Sender = typeof from === "string" ? { kind: "pod", namespace: "default", pod: from } : from;
    for (let seed = 0; seed < 8; seed += 1) {
      const query = { from: sender, to, seed };
      const { verdict, backend, cause } = new TestCluster(manifests).network.route(query);
      expect(verdict).toBe(name);
      const told = { verdict, ...(backend === undefined ? {} : { backend }), ...(cause === undefined ? {} : { cause }) };
      expect(new TestCluster(manifests).network.outcome(query)).toEqual(told);
    }
  });

  it("draws the same for the same seed, and anew without one", () => {
    const cluster = new TestCluster(numbers);
    const again = (): Route => cluster.route("sleep-1", "10.96.71.4", get);
    expect(again()).toEqual(again());
    const from: Sender = { kind: "pod", namespace: "default", pod: "sleep-1" };
    const backends = new Set(
      Array.from({ length: 40 }, () => cluster.network.route({ from, to: { host: "10.96.71.4", port: 80 } }).backend?.pod),
    );
    expect([...backends].sort()).toEqual(["default/api-a", "default/api-b"]);
  });

  it("keeps a client at its endpoint under sessionAffinity ClientIP", () => {
    const sticky = apiService.replace(
      "ports:",
      "sessionAffinity: ClientIP, sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } }, ports:",
    );
    const cluster = new TestCluster(sleep + apiA + apiB + sticky);
    const seen = Array.from({ length: 20 }, (_, seed) => cluster.route("sleep-1", "numbers-api", { port: 80, seed }).backend?.pod);
    expect(new Set(seen).size).toBe(1);
    const woken = new TestCluster(sleep + apiA + apiB + sticky);
    woken.network.restore(JSON.parse(JSON.stringify(cluster.network.lived())));
    expect(woken.route("sleep-1", "numbers-api", { port: 80, seed: 99 }).backend?.pod).toBe(seen[0]);
  });
});

describe("ClusterNetwork.route, senders and targets", () => {
  const rows: {
    name: string;
    from: string | Sender;
    to: string;
    port?: number;
    manifests?: string;
    want: ReturnType<typeof outcome> & { source?: string };
  }[] = [
    {
      name: "a pod that calls its own Service is masqueraded, so that the reply comes back through the node",
      from: "api-a",
      to: "10.96.71.4",
      manifests: apiA + apiService,
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "192.168.10.11" },
    },
    {
      name: "a pod reaches itself without any rule",
      from: "api-a",
      to: "127.0.0.1",
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "127.0.0.1" },
    },
    {
      name: "a pod refuses a port nobody listens on",
      from: "sleep-1",
      to: "10.244.0.8",
      port: 8080,
      want: { verdict: "refused", cause: "nothing-listens", icmp: "tcp-reset", backend: undefined },
    },
    {
      name: "a pod of another node reaches the API server under its node's address",
      from: "sleep-2",
      to: "kubernetes",
      port: 443,
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "192.168.10.11", source: "192.168.10.12" },
    },
    {
      name: "a node reaches a Service",
      from: { kind: "node", node: "node-2" },
      to: "10.96.71.4",
      manifests: apiA + apiService,
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "192.168.10.12" },
    },
    {
      name: "a client without a pod has an unused address of the first node",
      from: { kind: "client", namespace: "default" },
      to: "numbers-api",
      manifests: apiB + apiService,
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-b", source: "10.244.0.254" },
    },
    {
      name: "outside reaches a node port through a node without a pod",
      from: browser,
      to: "192.168.10.12",
      port: 30080,
      manifests: apiA + nodePortService(),
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "192.168.10.12" },
    },
    {
      name: "under policy Local a node without a pod drops",
      from: browser,
      to: "192.168.10.12",
      port: 30080,
      manifests: apiA + nodePortService("Local"),
      want: { verdict: "dropped", cause: "rule-no-local-endpoints", icmp: undefined, backend: undefined },
    },
    {
      name: "under policy Local the source address is kept",
      from: browser,
      to: "192.168.10.11",
      port: 30080,
      manifests: apiA + nodePortService("Local"),
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "198.51.100.77" },
    },
    {
      name: "a pod reaches another node's node port under its own node's address",
      from: "sleep-1",
      to: "192.168.10.12",
      port: 30080,
      manifests: sleep + apiB + nodePortService(),
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-b", source: "192.168.10.12" },
    },
    {
      name: "outside reaches a load balancer's address",
      from: browser,
      to: "203.0.113.10",
      port: 8080,
      manifests: apiA + loadBalancerService(),
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "192.168.10.12" },
    },
    {
      name: "a load balancer under policy Local picks a node with a pod",
      from: browser,
      to: "203.0.113.10",
      port: 8080,
      manifests: apiA + loadBalancerService("Local"),
      want: { verdict: "delivered", cause: undefined, icmp: undefined, backend: "default/api-a", source: "198.51.100.77" },
    },
    {
      name: "a load balancer does not listen on other ports",
      from: browser,
      to: "203.0.113.10",
      port: 80,
      manifests: apiA + loadBalancerService(),
      want: { verdict: "unanswered", cause: "nobody-has-address", icmp: undefined, backend: undefined },
    },
    {
      name: "outside has no route to a cluster IP",
      from: browser,
      to: "10.96.71.4",
      want: { verdict: "no-route", cause: "only-inside", icmp: "net-unreachable", backend: undefined },
    },
    {
      name: "outside has no route to a pod",
      from: browser,
      to: "10.244.0.8",
      want: { verdict: "no-route", cause: "only-inside", icmp: "net-unreachable", backend: undefined },
    },
    {
      name: "outside does not know the cluster's names",
      from: browser,
      to: "numbers-api",
      want: { verdict: "name-not-found", cause: "no-such-name", icmp: undefined, backend: undefined },
    },
    {
      name: "a port that the Service does not have matches no rule",
      from: "sleep-1",
      to: "numbers-api",
      port: 8080,
      want: { verdict: "unanswered", cause: "nobody-has-address", icmp: undefined, backend: undefined },
    },
    {
      name: "a pod that does not exist sends nothing",
      from: "nobody",
      to: "numbers-api",
      want: { verdict: "no-route", cause: "sender-missing", icmp: undefined, backend: undefined },
    },
  ];
  it.each(rows)("$name", ({ from, to, port = 80, manifests = sleep2 + numbers, want }) => {
    const route = new TestCluster(manifests).route(from, to, { port });
    const source = route.sourceSeenByBackend;
    expect({ ...outcome(route), ...(source === undefined ? {} : { source }) }).toEqual(want);
  });

  it("loses what goes to a node that is down, and a load balancer passes it by", () => {
    const down = new TestCluster(apiB + loadBalancerService() + nodePortService(), { nodesDown: ["node-1"] });
    expect(outcome(down.route(browser, "192.168.10.11", { port: 30080 }))).toMatchObject({ verdict: "unanswered", cause: "node-down" });
    expect(outcome(down.route(browser, "192.168.10.12", { port: 30080 }))).toMatchObject({ verdict: "delivered" });
    expect(outcome(down.route(browser, "203.0.113.10", { port: 8080 }))).toMatchObject({ verdict: "delivered" });
  });

  it("cannot resolve while no process answers in the DNS pod", () => {
    const route = new TestCluster(numbers, { listeners: { "kube-system/coredns-1": [] } }).route("sleep-1", "numbers-api", get);
    expect({ verdict: route.verdict, cause: route.cause }).toEqual({
      verdict: "name-not-found",
      cause: {
        code: "dns-unreachable",
        params: { name: "numbers-api", server: "10.96.0.10", verdict: "refused", because: "nothing-listens" },
      },
    });
  });
});

describe("ClusterNetwork.route, hostPort", () => {
  const pod = (hostPort: string) => apiA.replace("{ containerPort: 80 }", `{ containerPort: 80, ${hostPort} }`);
  it.each([
    { name: "leads to the pod that asked for it", asked: "hostPort: 8088", port: 8088, want: "delivered" },
    { name: "is open on the address it was asked for", asked: "hostPort: 8088, hostIP: 192.168.10.11", port: 8088, want: "delivered" },
    { name: "is closed on the node's other addresses", asked: "hostPort: 8088, hostIP: 127.0.0.1", port: 8088, want: "refused" },
    { name: "has its own protocol", asked: "hostPort: 8088, protocol: UDP", port: 8088, want: "refused" },
    { name: "opens no other port", asked: "hostPort: 8088", port: 8089, want: "refused" },
  ])("$name", ({ asked, port, want }) => {
    expect(new TestCluster(pod(asked)).route(browser, "192.168.10.11", { port }).verdict).toBe(want);
  });

  it("keeps the source, and is told as a hop of the node", () => {
    const route = new TestCluster(pod("hostPort: 8088")).route(browser, "192.168.10.11", { port: 8088, http: {} });
    expect(story(route).slice(2)).toEqual([
      "3 node/node-1 rewrite rewrite-host-port",
      "4 pod/default/api-a deliver delivered-to-pod",
      "5 outside/198.51.100.77 reply reply-http",
    ]);
    expect(route.sourceSeenByBackend).toBe("198.51.100.77");
  });
});

describe("ClusterNetwork.resolve", () => {
  it("keeps every question, sent through the rules to a DNS pod", () => {
    const { rcode, addresses, trace } = new TestCluster(numbers).network.resolve({
      from: { kind: "pod", namespace: "default", pod: "sleep-1" },
      name: "kube-dns.kube-system",
      type: "A",
    });
    expect({ rcode, addresses, trace: trace.map(({ query, rcode: each }) => `${query} ${each}`) }).toEqual({
      rcode: "NOERROR",
      addresses: ["10.96.0.10"],
      trace: ["kube-dns.kube-system.default.svc.cluster.local. NXDOMAIN", "kube-dns.kube-system.svc.cluster.local. NOERROR"],
    });
  });
});
