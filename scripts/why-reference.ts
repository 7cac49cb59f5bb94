/**
 * Writes `docs/reference/why.md`: every code of `why` with its cause, an example in the catalogue's words, and the repair.
 * A code without an entry here does not compile; a page that is not this one fails `test/why-reference.test.ts`.
 *
 *   npx tsx scripts/why-reference.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  catalogueOf,
  type FixCode,
  type FixParams,
  type WhyCode,
  type WhyParams,
} from "../durable-objects/cluster/explain/messages/catalogue.ts";

type Repair = { [Code in FixCode]: readonly [Code, FixParams<Code>] }[FixCode];

interface Entry<Code extends WhyCode> {
  cause: string;
  example: WhyParams<Code>;
  repair: Repair;
  /** What the patches change; absent: a person has to decide, and there are none. */
  patch?: string;
}

type Entries<Codes extends WhyCode> = { [Code in Codes]: Entry<Code> };

const svc = "numbers-api";
const node = "node-1";
const ip = "10.96.71.4";
const ports = [{ protocol: "TCP", port: 80 }];
const policy = { policies: "api", n: 1, pod: "api-5d9", peer: "default/client", port: "TCP port 8080" } as const;

const names = {
  "name-typo": {
    cause: "No Service has the name; one is a slip of the fingers away.",
    example: { name: "numbres-api", n: 4, near: svc },
    repair: ["use-name", { name: svc }],
  },
  "wrong-namespace": {
    cause: "A Service of that name exists, but in another namespace than the name says.",
    example: { name: svc, svc, ns: "default", other: "shop" },
    repair: ["use-name", { name: `${svc}.shop` }],
  },
  "no-such-name": {
    cause: "No Service has a name like that, and nothing outside either.",
    example: { name: "billing", n: 4 },
    repair: ["create-service", { name: "billing" }],
  },
  "name-from-outside": {
    cause: "Names of Services mean something inside the cluster only.",
    example: { name: `${svc}.default.svc.cluster.local`, svc },
    repair: ["expose-service", { svc }],
  },
  "headless-without-pods": {
    cause: "A headless Service has no address of its own: its name holds the addresses of ready pods, and there are none.",
    example: { name: "db", svc: "db" },
    repair: ["use-selector", { k: "app", near: "db" }],
    patch: "what keeps the pods away, as for any Service without endpoints",
  },
  "external-name-unresolved": {
    cause: "An ExternalName Service points to a name that has no address.",
    example: { name: "mirror", svc: "mirror", target: "exmaple.com" },
    repair: ["check-external-name", { target: "exmaple.com" }],
  },
  "no-address": {
    cause: "The name exists, but not with an address of the family that the sender uses.",
    example: { name: svc },
    repair: ["use-name", { name: svc }],
  },
  "dns-down": {
    cause: "The cluster's DNS is missing a part: its Service, its Deployment, its pods or a Corefile it can read.",
    example: { name: svc, server: "10.96.0.10", cause: "zero-replicas", object: "deployment/coredns", detail: "" },
    repair: ["scale-dns", { workload: "deployment/coredns", n: 2 }],
    patch: "the part that is missing",
  },
  "dns-unreachable": {
    cause: "Questions are sent, and no answer comes.",
    example: { name: svc, server: "10.96.0.10" },
    repair: ["repair-dns", {}],
  },
  "dns-policy": {
    cause: "A NetworkPolicy isolates the sender and does not let its questions reach DNS.",
    example: {
      ...policy,
      policies: "client",
      pod: "client",
      peer: "kube-system/coredns-6f4",
      port: "UDP port 53",
      lacks: "both",
      name: svc,
    },
    repair: ["allow-in-policy", { policy: "client", what: "k8s-app=kube-dns (kube-system), UDP port 53" }],
    patch: "adds the rule to the policy",
  },
  "dns-failed": {
    cause: "The DNS server answered, but could not find out.",
    example: { name: "example.org", server: "10.96.0.10", rcode: "SERVFAIL" },
    repair: ["check-address", {}],
  },
  "upstream-unreachable": {
    cause: "The name lies outside, and the resolver that the Corefile names does not answer.",
    example: { name: "example.com", targets: "192.0.2.1" },
    repair: ["use-node-resolver", {}],
    patch: "the Corefile's forward line",
  },
  "other-resolver": {
    cause: "The pod's DNS settings name a resolver that is not the cluster's.",
    example: { name: svc, svc, server: "192.168.10.1" },
    repair: ["use-cluster-dns", {}],
  },
  "incomplete-name": {
    cause: "The search list was not applied: a final dot, or too many dots for ndots.",
    example: { name: "numbers-api.", full: `${svc}.default.svc.cluster.local` },
    repair: ["use-name", { name: `${svc}.default.svc.cluster.local` }],
  },
  "srv-port-missing": {
    cause: "SRV records exist for named ports only, and the Service has no such name.",
    example: { name: "_web._tcp.numbers-api", svc, port: "web", protocol: "TCP", ports: "http/TCP" },
    repair: ["name-service-port", { svc, port: "web" }],
  },
  "label-too-long": {
    cause: "A part of a name between two dots has at most 63 characters.",
    example: { label: "a".repeat(8), n: 64 },
    repair: ["shorten-name", {}],
  },
  "name-too-long": { cause: "A name has at most 253 characters.", example: { n: 260 }, repair: ["shorten-name", {}] },
  "wasted-queries": {
    cause: "Nothing is wrong, but the search list was tried in vain first (`advice`, not `why`).",
    example: { name: "example.com", n: 6, dots: 1, ndots: 5 },
    repair: ["use-final-dot", { name: "example.com" }],
  },
} as const satisfies Partial<Entries<WhyCode>>;

const endpoints = {
  "selector-typo": {
    cause: "The selector's value nearly is one that pods have.",
    example: { k: "app", v: "number-api", near: svc, n: 2 },
    repair: ["use-selector", { k: "app", near: svc }],
    patch: "spec.selector of the Service",
  },
  "selector-key-typo": {
    cause: "The selector's key nearly is one that pods have.",
    example: { wrong: "ap=web", near: "app=web", n: 2 },
    repair: ["use-selector", { k: "app", near: "web" }],
    patch: "spec.selector of the Service",
  },
  "pod-label-missing": {
    cause: "Pods have all labels of the selector but one.",
    example: { selector: "app=shop,tier=front", missing: "tier=front", n: 2 },
    repair: ["add-label", { name: "deployment/shop", label: "tier=front" }],
    patch: "the labels of the pod template, or of a bare pod",
  },
  "selector-other-namespace": {
    cause: "The pods that the selector means run in another namespace.",
    example: { selector: "app=web", ns: "default", other: "shop", n: 3 },
    repair: ["join-namespaces", { svc: "web", ns: "default", other: "shop" }],
  },
  "selector-matches-nothing": {
    cause: "No pod has the labels, and none nearly has.",
    example: { selector: "app=web" },
    repair: ["check-selector", { svc: "web", selector: "app=web" }],
  },
  "zero-replicas": {
    cause: "The workload that makes such pods is scaled to nothing.",
    example: { node, svc, workload: `deployment/${svc}` },
    repair: ["scale-up", { workload: `deployment/${svc}` }],
    patch: "spec.replicas",
  },
  "pod-not-ready": {
    cause: "Pods run, but their Ready condition is not True.",
    example: { pod: "api-5d9", reason: "ContainersNotReady" },
    repair: ["look-at-probe", { pod: "api-5d9" }],
  },
  "probe-port-closed": {
    cause: "A probe asks a port at which the container does not listen.",
    example: { pod: "api-5d9", probe: "readinessProbe", port: "8080", real: "80" },
    repair: ["use-probe-port", { probe: "readinessProbe", real: "80" }],
    patch: "the probe in the pod template",
  },
  "pod-unschedulable": {
    cause: "No node takes the pod.",
    example: { pod: "api-5d9", reason: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector." },
    repair: ["use-node-selector", { wrong: "zone=a1", near: "zone=a" }],
    patch: "nodeSelector, where it misses a node by one slip",
  },
  "pods-terminating": {
    cause: "All pods are on their way out, and none is new.",
    example: { svc, n: 2 },
    repair: ["wait-for-pods", { svc }],
  },
  "endpoints-missing": {
    cause: "A Service without selector has only the endpoints that somebody gives it, and nobody has.",
    example: { node, svc: "legacy" },
    repair: ["make-endpoints", { svc: "legacy" }],
  },
  "endpoints-name": {
    cause: "Endpoints belong to the Service of the same name, and these are named a little differently.",
    example: { svc: "legacy", name: "legcy" },
    repair: ["name-endpoints", { svc: "legacy" }],
    patch: "creates them under the Service's name",
  },
  "slice-label": {
    cause: "An EndpointSlice belongs to the Service in its label, and the label is missing or misspelled.",
    example: { svc: "legacy", name: "legacy-1", label: "legcy" },
    repair: ["label-slice", { name: "legacy-1", svc: "legacy" }],
    patch: "the label of the EndpointSlice",
  },
  "endpoints-port": {
    cause: "Endpoints by hand have no port of the name and protocol of the Service's port.",
    example: { svc: "legacy", kind: "EndpointSlice", name: "legacy-1", port: "web/TCP", has: "http/TCP" },
    repair: ["match-ports", { kind: "EndpointSlice", name: "legacy-1" }],
    patch: "the ports of the EndpointSlice or the Endpoints",
  },
  "endpoints-not-ready": {
    cause: "Whoever made the EndpointSlice says that its endpoints are not ready.",
    example: { svc: "legacy", name: "legacy-1" },
    repair: ["look-at-slice", { name: "legacy-1" }],
  },
  "endpoint-without-machine": {
    cause: "Endpoints by hand name an address that no machine has.",
    example: { ip: "198.51.100.9", svc: "legacy", kind: "Endpoints" },
    repair: ["correct-endpoints", { svc: "legacy", ip: "198.51.100.9" }],
  },
  "no-endpoints": {
    cause: "No endpoint is ready, and nothing in the objects says why; usually one moment later there is one.",
    example: { node, svc },
    repair: ["check-selector", { svc, selector: `app=${svc}` }],
  },
  "external-policy-local": {
    cause: "`externalTrafficPolicy: Local`, and the node that was asked has no ready pod.",
    example: { node: "node-2", svc },
    repair: ["use-node", { nodes: node, policy: "externalTrafficPolicy" }],
    patch: "the policy",
  },
  "internal-policy-local": {
    cause: "`internalTrafficPolicy: Local`, and the sender's node has no ready pod.",
    example: { node, svc },
    repair: ["run-pod-here", { svc, node, policy: "internalTrafficPolicy" }],
    patch: "the policy",
  },
} as const satisfies Partial<Entries<WhyCode>>;

const portCodes = {
  "service-port-missing": {
    cause: "The Service has the address, but not this port.",
    example: { ip, port: 8080, svc, ports: "80/TCP" },
    repair: ["use-port", { ports: "80/TCP" }],
    patch: "adds the port to the Service, leading to where the port leads that was probably meant",
  },
  "service-port-protocol": {
    cause: "The Service has the port for another protocol.",
    example: { ip, port: 53, protocol: "UDP", svc: "names", has: "TCP" },
    repair: ["use-port", { ports: "53/TCP" }],
    patch: "adds the port in that protocol",
  },
  "target-port-closed": {
    cause: "The packet reached a pod, and nothing listens on the targetPort.",
    example: { pod: "api-5d9", port: 8080, real: "80" },
    repair: ["use-target-port", { real: "80" }],
    patch: "targetPort, where it is clear which one is meant",
  },
  "target-port-name-unknown": {
    cause: "targetPort is a name that no container port of the pods has.",
    example: { svc, port: "htpp", pod: "api-5d9" },
    repair: ["use-target-port", { real: "http" }],
    patch: "targetPort, or the name of the container port where policies or other Services know it by that name",
  },
  "target-port-protocol": {
    cause: "The container port of that name is declared for another protocol.",
    example: { svc: "names", port: "lookup", wants: "UDP", pod: "dns-7f2", has: "TCP" },
    repair: ["speak-protocol", { port: "lookup", protocol: "UDP" }],
    patch: "protocol of the container port",
  },
  "nothing-listens-protocol": {
    cause: "Something listens on the port, but in another protocol.",
    example: { pod: "dns-7f2", port: 53, protocol: "TCP", has: "UDP" },
    repair: ["use-protocol", { has: "UDP" }],
  },
  "nothing-listens": {
    cause: "The pod is there, and no process in it listens at all.",
    example: { pod: "sleep-1", port: 80 },
    repair: ["start-listener", { pod: "sleep-1", port: 80 }],
  },
  "nothing-listens-on-node": {
    cause: "Nothing on the node listens on the port, and no Service has it as node port.",
    example: { node, port: 30123 },
    repair: ["check-address", {}],
  },
  "node-port-typo": {
    cause: "No Service has the node port; one has a number that is a slip away.",
    example: { node, port: 30808, svc: "numbers-web", near: 30809 },
    repair: ["use-node-port", { near: 30809, port: 30808 }],
    patch: "gives the Service the other node port, too",
  },
  "nothing-listens-outside": {
    cause: "The machine outside is there, and nothing listens on the port.",
    example: { ip: "198.51.100.80", port: 81 },
    repair: ["correct-endpoints", { svc: "legacy", ip: "198.51.100.80:81" }],
    patch: "the port of endpoints by hand, where the Service's targetPort says another",
  },
  "icmp-to-service": {
    cause: "A ping to a cluster IP in mode iptables: it is rules for ports, and ICMP has none.",
    example: { ip, ports, packet: "icmp, echo request", rule: "tcp, port 80" },
    repair: ["use-tcp", { url: `http://${svc}` }],
  },
  "icmp-to-service-nftables": {
    cause: "The same in mode nftables, which rejects it.",
    example: { node, ip, ports },
    repair: ["use-tcp", { url: `http://${svc}` }],
  },
  "icmp-to-service-ipvs": {
    cause: "The same in mode ipvs, where the node has the address itself.",
    example: { node, ip },
    repair: ["use-tcp", { url: `http://${svc}` }],
  },
} as const satisfies Partial<Entries<WhyCode>>;

const outside = {
  "cluster-ip-from-outside": {
    cause: "A cluster IP is rules on the nodes; no router knows it.",
    example: { ip, svc },
    repair: ["expose-service", { svc }],
  },
  "load-balancer-pending": {
    cause: "A LoadBalancer Service has no external address yet.",
    example: { svc: "web" },
    repair: ["wait-for-load-balancer", { svc: "web" }],
  },
  "pod-from-outside": {
    cause: "Pod addresses are known inside the cluster only.",
    example: { ip: "10.244.1.3" },
    repair: ["send-from-inside", {}],
  },
  "range-from-outside": {
    cause: "The Service range is known inside the cluster only.",
    example: { ip: "10.96.9.9" },
    repair: ["check-address", {}],
  },
  "source-not-allowed": {
    cause: "`loadBalancerSourceRanges` does not have the sender.",
    example: { node, svc: "web", source: "198.51.100.77", ranges: "203.0.113.0/24" },
    repair: ["allow-source", { source: "198.51.100.77/32" }],
    patch: "adds the sender's address to the ranges",
  },
  "load-balancer-port": {
    cause: "The load balancer has the address, but does not listen on the port.",
    example: { ip: "203.0.113.10", port: 80, ports: "8080/TCP" },
    repair: ["use-port", { ports: "8080/TCP" }],
  },
  "load-balancer-without-node": {
    cause: "No node passes the load balancer's health check: under policy Local none has a ready pod.",
    example: { svc: "web", ip: "203.0.113.10" },
    repair: ["look-at-endpoints", { svc: "web" }],
  },
  "external-ip-typo": {
    cause: "Nobody has the address; the external IP of a Service is a slip away.",
    example: { ip: "203.0.113.98", svc: "web", near: "203.0.113.99" },
    repair: ["use-external-ip", { near: "203.0.113.99", ip: "203.0.113.98" }],
    patch: "adds the address to externalIPs",
  },
  "external-name-host": {
    cause: "DNS led to a server outside, and the request still carries the Service's name as Host.",
    example: { status: 404, target: "raw.githubusercontent.com", svc: "numbers" },
    repair: ["send-host", { host: "raw.githubusercontent.com" }],
  },
  "host-not-served": {
    cause: "The server outside does not know the name in the Host header.",
    example: { status: 404, target: "198.51.100.80:80", host: "198.51.100.80", expected: "example.com" },
    repair: ["send-host", { host: "example.com" }],
  },
} as const satisfies Partial<Entries<WhyCode>>;

const policies = {
  "policy-egress": {
    cause: "A NetworkPolicy isolates the sender, and no rule has the destination and port as they are after the Service.",
    example: { ...policy, policies: "client", pod: "client", peer: "default/api-5d9", lacks: "port" },
    repair: ["allow-in-policy", { policy: "client", what: "TCP port 8080" }],
    patch: "adds the port, the peer or a rule; corrects a misspelled label or port name",
  },
  "policy-ingress": {
    cause: "A NetworkPolicy isolates the receiver, and no rule has the source and port.",
    example: { ...policy, lacks: "peer" },
    repair: ["allow-in-policy", { policy: "api", what: "role=client (default)" }],
    patch: "the same",
  },
} as const satisfies Partial<Entries<WhyCode>>;

const machines = {
  "node-down": { cause: "The node that was asked is down.", example: { node }, repair: ["bring-node-back", { node }] },
  "node-down-with-pod": {
    cause: "The pod that the rules chose runs on a node that is down.",
    example: { node: "node-2", pod: "api-5d9" },
    repair: ["bring-node-back", { node: "node-2" }],
  },
  "nodes-split": {
    cause: "A fault cuts the wire between two nodes that are both up.",
    example: { node, other: "node-2" },
    repair: ["remove-fault", {}],
  },
  "packet-lost": {
    cause: "A fault makes the wire between two nodes lose some of the packets, and this was one of them.",
    example: { node, other: "node-2" },
    repair: ["remove-fault", {}],
  },
  "no-node-up": { cause: "Every node is down.", example: { ip: "203.0.113.20" }, repair: ["bring-nodes-back", {}] },
  "sender-missing": { cause: "The sender does not exist.", example: { name: "default/sleep-1" }, repair: ["check-sender", {}] },
  "sender-not-running": {
    cause: "The sender is a pod that does not run, or has no address yet.",
    example: { pod: "sleep-1", phase: "Pending" },
    repair: ["check-sender", {}],
  },
  "sender-node-down": { cause: "The sender's node is down.", example: { node }, repair: ["bring-node-back", { node }] },
  "no-address-of-family": {
    cause: "The sender has no address of the family that the target has.",
    example: { family: "IPv6", ip: "fd00::10" },
    repair: ["use-family", { family: "IPv6" }],
  },
  "old-pod-address": {
    cause: "A pod had the address and is gone.",
    example: { ip: "10.244.1.99", seconds: 40 },
    repair: ["use-service", { name: svc }],
  },
  "unused-pod-address": {
    cause: "The address belongs to a node's pod range, and no pod has it.",
    example: { ip: "10.244.1.99", node: "node-2" },
    repair: ["look-up-pod", {}],
  },
  "unused-cluster-ip": {
    cause: "The address lies in the Service range, and no Service has it.",
    example: { ip: "10.96.9.9" },
    repair: ["check-address", {}],
  },
  "nobody-has-address": {
    cause: "No machine and no rule has the address.",
    example: { ip: "203.0.113.200" },
    repair: ["check-address", {}],
  },
  "missing-rule": {
    cause: "A Service has address and port, and the node's rules do not: they were taken out by hand.",
    example: { ip, port: 80, svc, node },
    repair: ["check-address", {}],
  },
  "rejected-by-rule": {
    cause: "A rule rejects the packet that belongs to no Service.",
    example: { node, destination: `${ip}:80` },
    repair: ["check-address", {}],
  },
  "dropped-by-rule": {
    cause: "A rule swallows the packet that belongs to no Service.",
    example: { node, destination: `${ip}:80` },
    repair: ["check-address", {}],
  },
  loop: { cause: "Machines send the packet to each other without end.", example: { ip: "203.0.113.20" }, repair: ["check-address", {}] },
} as const satisfies Partial<Entries<WhyCode>>;

const apps = {
  "http-status": {
    cause: "The network did its part; the app answered with a failure.",
    example: { status: 404, place: "api-5d9", path: "/nothing" },
    repair: ["read-answer", {}],
  },
  "says-nothing": { cause: "The connection is accepted, and no HTTP comes back.", example: { place: "db-1" }, repair: ["read-answer", {}] },
  "nested-too-deep": { cause: "Apps call each other in a circle.", example: { depth: 16 }, repair: ["remove-not-emulated", {}] },
} as const satisfies Partial<Entries<WhyCode>>;

const sections: readonly [title: string, entries: Partial<Entries<WhyCode>>][] = [
  ["Names", names],
  ["Endpoints", endpoints],
  ["Ports and protocols", portCodes],
  ["From outside", outside],
  ["NetworkPolicy", policies],
  ["Machines and addresses", machines],
  ["Apps, and limits of the emulator", apps],
];

/** Does not compile while a code has no entry. */
({ ...names, ...endpoints, ...portCodes, ...outside, ...policies, ...machines, ...apps }) satisfies Entries<WhyCode>;

export function whyReference(): string {
  const { why, fix } = catalogueOf("en");
  const lines = [
    "# Why not: every code of `why`",
    "",
    "`/route` and `/resolve` say why a packet or a question did not arrive: `why.code` is stable, `message` and `fix.text` follow the",
    "language, `fix.patches` is what to send to the Kubernetes API where the repair is mechanical. `also` holds what else is wrong on the",
    "same way. Written by `scripts/why-reference.ts` from the catalogue of sentences.",
  ];
  for (const [title, entries] of sections) {
    lines.push("", `## ${title}`);
    for (const [code, { cause, example, repair, patch }] of Object.entries(entries) as [WhyCode, Entry<WhyCode>][]) {
      const message = (why[code] as (params: object) => string)(example);
      const [fixCode, params] = repair;
      const text = (fix[fixCode] as (params: object) => string)(params);
      lines.push("", `### ${code}`, "", cause, "", `> ${message}`, "", `**Repair.** ${text}`);
      if (patch !== undefined) lines.push("", `**Patches.** They change: ${patch}.`);
    }
  }
  return `${lines.join("\n")}\n`;
}

export const whyReferencePath = fileURLToPath(new URL("../docs/reference/why.md", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(dirname(whyReferencePath), { recursive: true });
  writeFileSync(whyReferencePath, whyReference());
}
