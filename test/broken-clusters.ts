/**
 * Clusters that work, with the flows that prove it: what `generated-breaks.ts` breaks. Each shows other fields that a
 * packet's way depends on. Senders are bare pods, so that their names stay.
 */
import type { RouteQuery } from "../durable-objects/cluster/api/network.ts";

export interface WorkingCluster {
  name: string;
  manifest: string;
  flows: (RouteQuery & { name: string })[];
}

const app = (of: { name: string; labels?: string; replicas?: number; container: string; pod?: string; namespace?: string }): string => `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${of.name}, namespace: ${of.namespace ?? "default"} }
spec:
  replicas: ${of.replicas ?? 2}
  selector: { matchLabels: { app: ${of.name} } }
  template:
    metadata: { labels: { app: ${of.name}${of.labels === undefined ? "" : `, ${of.labels}`} } }
    spec: { ${of.pod === undefined ? "" : `${of.pod}, `}containers: [{ name: main, ${of.container} }] }
`;

const sender = (name: string, labels = "role: client", namespace = "default"): string => `
---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { ${labels} } }
spec: { nodeName: node-1, terminationGracePeriodSeconds: 0, containers: [{ name: main, image: kiamol/ch03-sleep }] }
`;

const service = (name: string, spec: string, namespace = "default"): string => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
`;

const namespace = (name: string, labels = ""): string => `
---
apiVersion: v1
kind: Namespace
metadata: { name: ${name}, labels: { ${labels} } }
`;

const policy = (name: string, spec: string, of = "default"): string => `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: ${of} }
spec: { ${spec} }
`;

const outside: RouteQuery["from"] = { kind: "outside", ip: "198.51.100.77" };
const pod = (name: string, of = "default"): RouteQuery["from"] => ({ kind: "pod", namespace: of, pod: name });
const flow = (name: string, from: RouteQuery["from"], host: string, port: number, rest: object = {}): WorkingCluster["flows"][number] => ({
  name,
  from,
  to: { host, port, ...(rest as { protocol?: "UDP" }) },
});
const http = (
  name: string,
  from: RouteQuery["from"],
  host: string,
  port: number,
  path = "/",
  headers: [string, string][] = [],
): WorkingCluster["flows"][number] => ({ name, from, to: { host, port }, http: { path, headers } });

export const workingClusters: readonly WorkingCluster[] = [
  {
    name: "chapter",
    manifest:
      sender("sleep-1") +
      app({ name: "numbers-api", container: "image: kiamol/ch03-numbers-api" }) +
      app({ name: "numbers-web", container: "image: kiamol/ch03-numbers-web, ports: [{ containerPort: 80, name: web }]" }) +
      service("numbers-api", "selector: { app: numbers-api }, ports: [{ port: 80 }]") +
      service(
        "numbers-web",
        "type: LoadBalancer, selector: { app: numbers-web }, ports: [{ port: 8080, targetPort: web, nodePort: 30808 }]",
      ),
    flows: [
      http("pod to api", pod("sleep-1"), "numbers-api", 80, "/rng"),
      http("pod to web", pod("sleep-1"), "numbers-web.default", 8080),
      http("browser to node port", outside, "192.168.10.12", 30808),
    ],
  },
  {
    name: "named ports",
    manifest:
      sender("client") +
      app({
        name: "shop",
        labels: "tier: front",
        container: `image: example/shop:1, ports: [{ containerPort: 8080, name: http }, { containerPort: 9090, name: metrics }, { containerPort: 5353, name: lookup, protocol: UDP }]`,
      }) +
      service(
        "shop",
        "selector: { app: shop, tier: front }, ports: [{ name: web, port: 80, targetPort: http }, { name: stats, port: 9000, targetPort: metrics }, { name: names, port: 53, targetPort: lookup, protocol: UDP }]",
      ) +
      service("shop-numbers", "selector: { app: shop }, ports: [{ port: 8000, targetPort: 8080 }]"),
    flows: [
      http("web", pod("client"), "shop", 80),
      http("stats", pod("client"), "shop.default.svc.cluster.local", 9000),
      flow("names", pod("client"), "shop", 53, { protocol: "UDP" }),
      http("numbers", pod("client"), "shop-numbers", 8000),
    ],
  },
  {
    name: "outside",
    manifest:
      sender("client") +
      app({ name: "entry", replicas: 1, pod: "nodeName: node-2", container: "image: example/entry:1, ports: [{ containerPort: 8080 }]" }) +
      service(
        "entry-local",
        "type: NodePort, externalTrafficPolicy: Local, selector: { app: entry }, ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }]",
      ) +
      service(
        "entry-ranges",
        "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24], selector: { app: entry }, ports: [{ port: 8081, targetPort: 8080, nodePort: 30081 }]",
      ) +
      service("entry-external", "externalIPs: [203.0.113.99], selector: { app: entry }, ports: [{ port: 8082, targetPort: 8080 }]") +
      app({ name: "near", replicas: 1, pod: "nodeName: node-1", container: "image: example/near:1, ports: [{ containerPort: 8080 }]" }) +
      service("near", "internalTrafficPolicy: Local, selector: { app: near }, ports: [{ port: 80, targetPort: 8080 }]"),
    flows: [
      http("node port, Local", outside, "192.168.10.12", 30080),
      http("node port, ranges", outside, "192.168.10.11", 30081),
      http("external IP", outside, "203.0.113.99", 8082),
      http("internal, Local", pod("client"), "near", 80),
    ],
  },
  {
    name: "headless and by hand",
    manifest:
      sender("client") +
      app({ name: "db", container: "image: example/db:1, ports: [{ containerPort: 5432 }]" }) +
      service("db", "clusterIP: None, selector: { app: db }, ports: [{ port: 5432 }]") +
      service("elsewhere", "ports: [{ name: web, port: 8080, targetPort: 80 }]") +
      `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: elsewhere-1, namespace: default, labels: { kubernetes.io/service-name: elsewhere } }
addressType: IPv4
endpoints: [{ addresses: [198.51.100.80], conditions: { ready: true } }]
ports: [{ name: web, port: 80, protocol: TCP }]
` +
      service("old", "ports: [{ port: 80 }]") +
      `
---
apiVersion: v1
kind: Endpoints
metadata: { name: old, namespace: default }
subsets: [{ addresses: [{ ip: 198.51.100.80 }], ports: [{ port: 80 }] }]
` +
      service("alias", "type: ExternalName, externalName: example.com"),
    flows: [
      flow("headless", pod("client"), "db", 5432),
      http("slice by hand", pod("client"), "elsewhere", 8080, "/", [["Host", "example.com"]]),
      http("Endpoints by hand", pod("client"), "old", 80, "/", [["Host", "example.com"]]),
      http("alias", pod("client"), "alias", 80, "/", [["Host", "example.com"]]),
    ],
  },
  {
    name: "policies",
    manifest:
      namespace("shop", "team: shop") +
      sender("client", "role: client") +
      sender("buyer", "role: buyer", "shop") +
      app({ name: "api", container: "image: example/api:1, ports: [{ containerPort: 8080, name: http }, { containerPort: 9090 }]" }) +
      service("api", "selector: { app: api }, ports: [{ name: web, port: 80, targetPort: http }, { name: stats, port: 9090 }]") +
      policy("deny", "podSelector: {}, policyTypes: [Ingress]") +
      policy(
        "api",
        "podSelector: { matchLabels: { app: api } }, ingress: [{ from: [{ podSelector: { matchLabels: { role: client } } }], ports: [{ port: http, protocol: TCP }, { port: 9000, endPort: 9099, protocol: TCP }] }, { from: [{ namespaceSelector: { matchLabels: { team: shop } }, podSelector: { matchLabels: { role: buyer } } }], ports: [{ port: 8080, protocol: TCP }] }]",
      ) +
      policy(
        "client",
        "podSelector: { matchLabels: { role: client } }, policyTypes: [Egress], egress: [{ to: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: kube-system } }, podSelector: { matchLabels: { k8s-app: kube-dns } } }], ports: [{ port: 53, protocol: UDP }] }, { to: [{ podSelector: { matchLabels: { app: api } } }] }, { to: [{ ipBlock: { cidr: 198.51.100.0/24, except: [198.51.100.8/32] } }], ports: [{ port: 80, protocol: TCP }] }]",
      ),
    flows: [
      http("client to api", pod("client"), "api", 80),
      http("client to stats", pod("client"), "api", 9090),
      http("buyer to api", pod("buyer", "shop"), "api.default", 80),
      http("client to the outside", pod("client"), "example.com", 80),
    ],
  },
  {
    name: "probes and places",
    manifest:
      sender("client") +
      app({
        name: "slow",
        container:
          "image: kiamol/ch03-numbers-api, ports: [{ containerPort: 80, name: http }], readinessProbe: { httpGet: { path: /health, port: http } }, livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 }",
      }) +
      service("slow", "selector: { app: slow }, sessionAffinity: ClientIP, ports: [{ port: 80, targetPort: http }]") +
      app({
        name: "placed",
        replicas: 1,
        pod: "nodeSelector: { topology.kubernetes.io/zone: zone-a }",
        container: "image: example/placed:1, ports: [{ containerPort: 8080 }], resources: { requests: { cpu: 100m } }",
      }) +
      service("placed", "trafficDistribution: PreferClose, selector: { app: placed }, ports: [{ port: 80, targetPort: 8080 }]") +
      `
---
apiVersion: v1
kind: Node
metadata: { name: node-1, labels: { topology.kubernetes.io/zone: zone-a } }
`,
    flows: [http("probed", pod("client"), "slow", 80, "/rng"), http("placed", pod("client"), "placed", 80)],
  },
];
