import { describe, expect, it } from "vitest";
import { podYaml, TestCluster } from "../network/test-cluster.ts";
import { explainRoute } from "./explain-route.ts";

const web = podYaml({ name: "web", ip: "10.244.1.3", node: "node-2", ports: [8080] }).replace(
  "containerPort: 8080",
  "containerPort: 8080, name: http",
);
const client = podYaml({ name: "client", ip: "10.244.0.7", node: "node-1" });
const service = `
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: 10.96.1.1, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
`;
const policy = (name: string, spec: string) => `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name} }
spec: ${spec}
`;
const toWeb = (ingress: string) => policy("web-in", `{ podSelector: { matchLabels: { app: web } }, ingress: ${ingress} }`);
const ofClient = (egress: string) =>
  policy("client-out", `{ podSelector: { matchLabels: { app: client } }, policyTypes: [Egress], egress: ${egress} }`);

function why(manifests: string, host = "10.96.1.1") {
  const cluster = new TestCluster(web + client + service + manifests);
  const { reader, machines, options } = cluster;
  return explainRoute(cluster.route("client", host, { port: 80 }), { reader, machines, options, now: 0 }, "en");
}

const peer = { podSelector: { matchLabels: { app: "client" } } };
const port = { protocol: "TCP", port: 8080 };

describe("explainRoute, policies", () => {
  it.each([
    {
      name: "adds the port to the rule that has the peer",
      spec: toWeb("[{ from: [{ podSelector: {} }], ports: [{ port: 80, protocol: TCP }] }]"),
      message:
        "Dropped before pod web: NetworkPolicy web-in isolates it, and the rule for traffic from default/client does not have TCP port 8080.",
      fix: "Add TCP port 8080 to NetworkPolicy web-in.",
      edit: { op: "add", path: "/spec/ingress/0/ports/-", value: port },
    },
    {
      name: "adds the peer to the rule that has the port",
      spec: toWeb("[{ from: [{ podSelector: { matchLabels: { role: shop } } }], ports: [{ port: 8080 }] }]"),
      message: "Dropped before pod web: NetworkPolicy web-in isolates it, and the rule for TCP port 8080 does not have default/client.",
      fix: "Add app=client (default) to NetworkPolicy web-in.",
      edit: { op: "add", path: "/spec/ingress/0/from/-", value: peer },
    },
    {
      name: "adds a rule for both where none comes near",
      spec: toWeb("[]"),
      message: "Dropped before pod web: NetworkPolicy web-in isolates it, and it has no rule at all.",
      fix: "Add app=client (default), TCP port 8080 to NetworkPolicy web-in.",
      edit: { op: "add", path: "/spec/ingress/-", value: { from: [peer], ports: [port] } },
    },
    {
      name: "corrects a label that means no pod",
      spec: toWeb("[{ from: [{ podSelector: { matchLabels: { app: cleint } } }] }]"),
      message:
        "Dropped before pod web: NetworkPolicy web-in isolates it, and the rule for traffic from default/client on TCP port 8080 is misspelled.",
      fix: "Change app=cleint to app=client in NetworkPolicy web-in.",
      edit: { op: "replace", path: "/spec/ingress/0/from/0/podSelector/matchLabels", value: { app: "client" } },
    },
    {
      name: "corrects a named port",
      spec: toWeb("[{ ports: [{ port: htp }] }]"),
      message:
        "Dropped before pod web: NetworkPolicy web-in isolates it, and the rule for traffic from default/client on TCP port 8080 is misspelled.",
      fix: "Change htp to http in NetworkPolicy web-in.",
      edit: { op: "replace", path: "/spec/ingress/0/ports/0/port", value: "http" },
    },
    {
      name: "repairs egress in the sender's policy",
      spec: ofClient("[{ to: [{ podSelector: { matchLabels: { app: web } } }], ports: [{ port: 80, protocol: TCP }] }]"),
      message:
        "Dropped as it left pod client: NetworkPolicy client-out isolates it, and the rule for traffic to default/web does not have TCP port 8080.",
      fix: "Add TCP port 8080 to NetworkPolicy client-out.",
      edit: { op: "add", path: "/spec/egress/0/ports/-", value: port },
    },
  ])("$name", ({ spec, message, fix, edit }) => {
    const found = why(spec);
    expect({ message: found?.message, fix: found?.fix.text, edits: found?.fix.patches.map(({ body }) => body) }).toEqual({
      message,
      fix,
      edits: [[edit]],
    });
  });

  it("names the policies of both sides, the sender's first", () => {
    const found = why(ofClient("[]") + toWeb("[]"));
    expect([found, ...(found?.also ?? [])].map((each) => each?.code)).toEqual(["policy-egress", "policy-ingress"]);
  });

  it("says that a policy keeps questions from DNS, and repairs that", () => {
    const found = why(ofClient("[]"), "web");
    expect({ code: found?.code, message: found?.message, fix: found?.fix.text }).toEqual({
      code: "dns-policy",
      message:
        "Could not resolve web: the question to DNS was dropped at pod client. NetworkPolicy client-out isolates the pod, and it has no rule at all.",
      fix: "Add k8s-app=kube-dns (kube-system), UDP port 53 to NetworkPolicy client-out.",
    });
  });

  it("never opens everything for a ping, which no port can name", () => {
    const cluster = new TestCluster(web + client + toWeb("[]"));
    const { reader, machines, options } = cluster;
    const found = explainRoute(cluster.route("client", "10.244.1.3", { protocol: "ICMP" }), { reader, machines, options, now: 0 }, "en");
    expect({ text: found?.fix.text, patches: found?.fix.patches }).toEqual({
      text: "NetworkPolicy web-in names ports, and ICMP has none: try a port instead.",
      patches: [],
    });
  });
});
