/**
 * Every sentence that the emulator says about a way, in English. `ko.ts` has the same keys, checked by type.
 *
 * Sentences of `why` follow the design word for word; tests pin them.
 */

const words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
const inWords = (count: number): string => words[count] ?? String(count);
const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
const rounded = (draw: number, digits: number): string => draw.toFixed(digits);

export interface DrawnLine {
  line: number;
  draw: number;
  below: number;
}

const skipped = (lines: readonly DrawnLine[]): string =>
  lines.map(({ line, draw, below }) => `Line ${line} was skipped (draw ${rounded(draw, 2)}, needs < ${rounded(below, 3)}). `).join("");

const shares = (choices: number): string =>
  choices < 2 ? "" : ` Over many requests each of the ${choices} pods gets one in ${inWords(choices)}.`;

const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds} s` : seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;

export interface ServicePortText {
  protocol: string;
  port: number;
}

const portList = (ports: readonly ServicePortText[]): string => ports.map(({ protocol, port }) => `${protocol} port ${port}`).join(" and ");

/** What the sender's socket is told. */
const told = (icmp: string): string => (icmp === "tcp-reset" ? "a TCP reset" : icmp === "" ? "nothing" : `ICMP ${icmp.replace("-", " ")}`);

export interface PolicyParams {
  /** Names of the policies that select the pod, separated by commas. */
  policies: string;
  n: number;
  pod: string;
  /** `namespace/name`, or an address. */
  peer: string;
  /** `TCP port 80` */
  port: string;
  /** What the rule that comes nearest lacks. */
  lacks: "rule" | "peer" | "port" | "both" | "spelling";
}

const isolatedBy = ({ policies, n }: PolicyParams): string =>
  n === 1 ? `NetworkPolicy ${policies} isolates it` : `NetworkPolicies ${policies} isolate it`;

/** Why none of them lets the packet through. `side`: `from` or `to`. */
function lacking({ peer, port, lacks, n }: PolicyParams, side: string): string {
  switch (lacks) {
    case "rule":
      return `${n === 1 ? "it has" : "they have"} no rule at all`;
    case "port":
      return `the rule for traffic ${side} ${peer} does not have ${port}`;
    case "peer":
      return `the rule for ${port} does not have ${peer}`;
    case "spelling":
      return `the rule for traffic ${side} ${peer} on ${port} is misspelled`;
    case "both":
      return `no rule has traffic ${side} ${peer} on ${port}`;
  }
}

export interface RuleParams {
  /** Empty: the rule is for more than one Service. */
  service: string;
  /** Pods or addresses, separated by commas; empty where the rule names none. */
  endpoint: string;
  /** The chain, set or map it goes on to; empty where it decides by itself. */
  target: string;
  probability?: number;
  /** All of `endpoint` with the same chance. */
  evenly: boolean;
}

const service = (p: RuleParams): string => (p.service === "" ? "a Service" : `Service ${p.service}`);
const sentenceCase = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const addressedTo = (p: RuleParams, what: string): string =>
  p.target === "" ? `For packets to ${what} of ${service(p)}.` : `Packets to ${what} of ${service(p)} continue in ${p.target}.`;

export type DnsDownCause = "no-service" | "no-deployment" | "zero-replicas" | "corefile" | "no-ready-pods";

type DnsDownParams = { server: string; object: string; detail: string };

const dnsDownCauses: Record<DnsDownCause, (params: DnsDownParams) => string> = {
  "no-service": ({ server, object }) => `No Service has its address ${server}: ${object} in kube-system is gone.`,
  "no-deployment": ({ object }) => `There are no DNS pods, and no Deployment ${object} in kube-system that would make them.`,
  "zero-replicas": ({ object }) => `${object} in kube-system has 0 replicas.`,
  corefile: ({ detail }) => `CoreDNS does not start with its Corefile: ${detail}.`,
  "no-ready-pods": ({ object, detail }) =>
    detail === "" ? `Service ${object} has no ready endpoints.` : `Pod ${object} is not ready (${detail}).`,
};

export const en = {
  hop: {
    "read-url": ({ host, port, literal }: { host: string; port: number; literal: boolean }) =>
      `The target is ${host}, port ${port}. ${literal ? "The host is an address, so nothing has to be looked up." : "The host is a name, not an address, so it has to be looked up."}`,
    "read-name": ({ host, literal }: { host: string; literal: boolean }) =>
      `The target is ${host}. ping uses ICMP, which has no ports.${literal ? "" : " The name has to be looked up."}`,
    "search-list": ({ dots, ndots, first }: { dots: number; ndots: number; first: string }) =>
      dots < ndots
        ? `The name has ${plural(dots, "dot")} and ndots is ${ndots}, so the sender tries its search list first: ${first}`
        : `The name has ${plural(dots, "dot")} and ndots is ${ndots}, so it is tried as written first, then with the search list.`,
    "ask-through-rules": ({ server, node, pod, reached }: { server: string; node: string; pod: string; reached: string }) =>
      `The DNS server ${server} is a Service too: a rule on ${node} sends the query on to ${pod === "" ? reached : `pod ${pod} at ${reached}`}.`,
    "ask-directly": ({ server }: { server: string }) => `The query goes straight to ${server}.`,
    "ask-outside": ({ server }: { server: string }) => `The query goes to ${server}, a resolver outside the cluster.`,
    "ask-lost": ({ server }: { server: string }) => `The query was sent to ${server}, but it did not reach a DNS server.`,
    "answer-cluster-ip": ({ service, answer }: { service: string; answer: string }) =>
      `CoreDNS answers from its list of Services: ${answer}. That is the cluster IP of Service ${service}, never a pod.`,
    "answer-headless": ({ service, answer }: { service: string; answer: string }) =>
      `Service ${service} is headless, so DNS answers with the addresses of its ready pods: ${answer}.`,
    "answer-external-name": ({ service, answer }: { service: string; answer: string }) =>
      `Service ${service} is only an alias in DNS. The answer is another name and its addresses: ${answer}.`,
    "answer-address": ({ query, answer }: { query: string; answer: string }) => `${query} means ${answer}.`,
    "answer-no-such-name": ({ tries }: { tries: number }) => `No such name: NXDOMAIN after ${plural(tries, "try", "tries")}.`,
    "answer-empty": ({ query }: { query: string }) => `${query} exists, but it has no address.`,
    "answer-failure": ({ rcode }: { rcode: string }) => `The DNS server could not find out: it answered ${rcode}.`,
    "connect-rules": ({ src, dst }: { src: string; dst: string }) =>
      `A connection is opened from ${src} to ${dst}. No machine has this address. It exists only as rules, on every node.`,
    "connect-machine": ({ src, dst }: { src: string; dst: string }) => `A connection is opened from ${src} to ${dst}.`,
    "connect-unknown": ({ src, dst }: { src: string; dst: string }) =>
      `A connection is opened from ${src} to ${dst}. No machine in the cluster has this address.`,
    "connect-echo": ({ src, dst, node }: { src: string; dst: string; node: string }) =>
      `An echo request is sent from ${src} to ${dst}.${node === "" ? "" : ` It reaches the rules of ${node}.`}`,
    "load-balancer-picks": ({ ip, node, nodes }: { ip: string; node: string; nodes: number }) =>
      `The load balancer at ${ip} sends the connection to ${node}, ${nodes === 1 ? "the only node" : `one of ${nodes} nodes`} fit to take it.`,
    "router-picks": ({ ip, node }: { ip: string; node: string }) => `The network outside brings ${ip} to ${node}.`,
    "rule-draws": (p: { line: number; draw: number; below: number; choices: number; skipped: readonly DrawnLine[] }) =>
      `${skipped(p.skipped)}Line ${p.line} matched (draw ${rounded(p.draw, 2)}, needs < ${rounded(p.below, 3)}).${shares(p.choices)}`,
    "rule-number": ({ number, choices, sends }: { number: number; choices: number; sends: string }) =>
      `A random number modulo ${choices} was ${number}; entry ${number} is ${sends}.`,
    "rule-turn": ({ scheduler, turn, choices, sends }: { scheduler: string; turn: number; choices: number; sends: string }) =>
      scheduler === "rr"
        ? `Round robin: it was the turn of ${sends} (${turn} of ${choices}).`
        : `The scheduler ${scheduler} chose ${sends} (${turn} of ${choices}).`,
    "rule-matches": (p: { line: number; sends: string; choices: number; skipped: readonly DrawnLine[] }) =>
      p.choices > 1
        ? `${skipped(p.skipped)}Line ${p.line} matched: the last line needs no draw.${shares(p.choices)}`
        : `Line ${p.line} matched and sends to ${p.sends}, the only endpoint.`,
    "rule-remembers": ({ line, sends }: { line: number; sends: string }) =>
      `Line ${line} matched: the Service keeps this client at the endpoint it had before, ${sends}.`,
    "rule-rejects": ({ line, chain, destination }: { line: number; chain: string; destination: string }) =>
      `Line ${line} of ${chain} matches ${destination} and rejects it.`,
    "rule-drops": ({ line, chain, destination }: { line: number; chain: string; destination: string }) =>
      `Line ${line} of ${chain} matches ${destination} and drops it.`,
    "rewrite-destination": ({
      node,
      dst,
      dstAfter,
      port,
      portAfter,
    }: {
      node: string;
      dst: string;
      dstAfter: string;
      port: number;
      portAfter: number;
    }) =>
      `DNAT: ${dst} becomes ${dstAfter}.${port === portAfter ? "" : ` Port ${port} becomes targetPort ${portAfter}.`} ${node} remembers the change for the reply.`,
    "rewrite-both": ({ node, dst, dstAfter, srcAfter }: { node: string; dst: string; dstAfter: string; srcAfter: string }) =>
      `DNAT: ${dst} becomes ${dstAfter}. The source becomes ${srcAfter}, so that the reply comes back through ${node}.`,
    "rewrite-source": ({ node, src, srcAfter }: { node: string; src: string; srcAfter: string }) =>
      `${node} replaces the source ${src} by its own address: ${srcAfter}.`,
    "rewrite-source-by-pod-network": ({ node, src, srcAfter }: { node: string; src: string; srcAfter: string }) =>
      `Pod addresses mean nothing beyond the pod network, so ${node} replaces the source ${src} by its own address: ${srcAfter}.`,
    "rewrite-host-port": ({ node, pod, dst, dstAfter }: { node: string; pod: string; dst: string; dstAfter: string }) =>
      `Pod ${pod} has asked for this port of ${node} with hostPort, so ${dst} becomes ${dstAfter}.`,
    "policy-allows": (p: { policies: string; direction: string; pod: string; peer: string }) =>
      `NetworkPolicy ${p.policies} lets this ${p.direction === "ingress" ? `in to ${p.pod} from` : `out of ${p.pod} to`} ${p.peer}.`,
    "policy-drops": (p: { policies: string; direction: string; pod: string; peer: string }) =>
      `No rule of NetworkPolicy ${p.policies} lets this ${p.direction === "ingress" ? `in to ${p.pod} from` : `out of ${p.pod} to`} ${p.peer}.`,
    "crosses-slow-wire": ({ node, other, ms }: { node: string; other: string; ms: number }) =>
      `The wire from ${node} to ${other} takes ${ms} ms, by a fault.`,
    "delivered-to-pod": (p: { pod: string; node: string; port: number; source: string; protocol: string }) =>
      `Pod ${p.pod} on ${p.node} takes it${p.protocol === "ICMP" ? "" : ` on port ${p.port}`}. It sees the caller as ${p.source}.`,
    "delivered-locally": ({ pod, port, protocol }: { pod: string; port: number; protocol: string }) =>
      `It never leaves pod ${pod}${protocol === "ICMP" ? "." : `, which listens on ${port} itself.`}`,
    "delivered-to-node": ({ node, port, source, protocol }: { node: string; port: number; source: string; protocol: string }) =>
      `${node} itself takes it${protocol === "ICMP" ? "" : ` on port ${port}`}. It sees the caller as ${source}.`,
    "delivered-outside": ({ ip, port, source, protocol }: { ip: string; port: number; source: string; protocol: string }) =>
      `The machine at ${ip}, outside the cluster, takes it${protocol === "ICMP" ? "" : ` on port ${port}`}. It sees the caller as ${source}.`,
    "reply-http": ({ status, rewritten, address }: { status: number; rewritten: boolean; address: string }) =>
      `The answer is ${status}.${rewritten ? ` ${address} is put back as its source, so the sender never learns who answered.` : ""}`,
    "reply-echo": ({ from }: { from: string }) => `${from} answers the echo request.`,
    "reply-open": ({ rewritten, address }: { rewritten: boolean; address: string }) =>
      `The connection is open.${rewritten ? ` ${address} is put back as the source of every reply.` : ""}`,
    "stop-unanswered": (_: object) => "It ends here: no answer ever comes back, and the sender waits for its timeout.",
    "stop-rejected": ({ icmp }: { icmp: string }) =>
      `The answer does not come from a pod: the rule itself tells the sender ${told(icmp)}, which programs show as "connection refused".`,
    "stop-dropped": ({ cause }: { cause: string }) =>
      `The ${cause.startsWith("policy-") ? "pod network" : "rule"} swallows the packet. The sender hears nothing and waits for its timeout.`,
    "stop-refused": ({ icmp }: { icmp: string }) =>
      `The machine is there, but nothing listens on that port: it answers with ${told(icmp)}.`,
    "stop-no-route": (_: object) => "The packet cannot be sent: there is no way from here to that address.",
    "stop-name-not-found": (_: object) => "Without an address there is nothing to connect to.",
    "stop-unsupported": (_: object) => "What comes next is not emulated, so nothing is claimed about it.",
  },
  why: {
    "no-endpoints": ({ node, svc }: { node: string; svc: string }) =>
      `Refused on ${node}: Service ${svc} has no ready endpoints, so its rule is REJECT.`,
    "selector-typo": ({ k, v, near, n }: { k: string; v: string; near: string; n: number }) =>
      `No endpoints: selector ${k}=${v} matches 0 pods. ${k}=${near} would match ${n}.`,
    "selector-key-typo": ({ wrong, near, n }: { wrong: string; near: string; n: number }) =>
      `No endpoints: selector ${wrong} matches 0 pods. ${near} would match ${n}.`,
    "pod-label-missing": ({ selector, missing, n }: { selector: string; missing: string; n: number }) =>
      `No endpoints: selector ${selector} matches 0 pods. ${plural(n, "pod has", "pods have")} everything but ${missing}.`,
    "selector-other-namespace": ({ selector, ns, other, n }: { selector: string; ns: string; other: string; n: number }) =>
      `No endpoints: selector ${selector} matches 0 pods in ${ns}. It would match ${n} in ${other}, but a Service selects in its own namespace only.`,
    "selector-matches-nothing": ({ selector }: { selector: string }) => `No endpoints: selector ${selector} matches 0 pods.`,
    "pod-not-ready": ({ pod, reason }: { pod: string; reason: string }) => `${pod} was left out: it is running but not ready (${reason}).`,
    "pod-unschedulable": ({ pod, reason }: { pod: string; reason: string }) => `${pod} was left out: no node takes it (${reason}).`,
    "pods-terminating": ({ svc, n }: { svc: string; n: number }) =>
      `No endpoints: ${n === 1 ? "the only pod" : `all ${n} pods`} of Service ${svc} ${n === 1 ? "is" : "are"} terminating.`,
    "probe-port-closed": ({ pod, probe, port, real }: { pod: string; probe: string; port: string; real: string }) =>
      `${pod} was left out: its ${probe} asks port ${port}, and the container listens on ${real === "" ? "none" : real}.`,
    "zero-replicas": ({ node, svc, workload }: { node: string; svc: string; workload: string }) =>
      `Refused on ${node}: Service ${svc} has no ready endpoints, so its rule is REJECT. ${workload} has 0 replicas.`,
    "endpoints-missing": ({ node, svc }: { node: string; svc: string }) =>
      `Refused on ${node}: Service ${svc} has no ready endpoints, so its rule is REJECT. It has no selector, and nobody has given it endpoints by hand.`,
    "target-port-name-unknown": ({ svc, port, pod }: { svc: string; port: string; pod: string }) =>
      `No endpoints: Service ${svc} sends to the port named ${port}, and pod ${pod} has no container port of that name.`,
    "target-port-protocol": ({ svc, port, wants, pod, has }: { svc: string; port: string; wants: string; pod: string; has: string }) =>
      `No endpoints: Service ${svc} sends ${wants} to the port named ${port}, and pod ${pod} has that name for ${has}.`,
    "endpoints-port": ({ svc, kind, name, port, has }: { svc: string; kind: string; name: string; port: string; has: string }) =>
      `No endpoints: port ${port} of Service ${svc} is not among those of ${kind} ${name}${has === "" ? ", which has none" : ` (${has})`}.`,
    "endpoints-not-ready": ({ svc, name }: { svc: string; name: string }) =>
      `No endpoints: EndpointSlice ${name} says of every endpoint of Service ${svc} that it is not ready.`,
    "slice-label": ({ svc, name, label }: { svc: string; name: string; label: string }) =>
      `No endpoints: EndpointSlice ${name} ${label === "" ? "has no label kubernetes.io/service-name" : `belongs to a Service ${label}, which does not exist`}, so Service ${svc} does not have it.`,
    "endpoints-name": ({ svc, name }: { svc: string; name: string }) =>
      `No endpoints: there are Endpoints named ${name}, but those of Service ${svc} must be named ${svc}.`,
    "icmp-to-service": ({ ip, ports }: { ip: string; ports: readonly ServicePortText[]; packet: string; rule: string }) =>
      `No reply: ${ip} exists only as rules for ${portList(ports)}. ICMP matches none of them, and nothing else owns the address.`,
    "icmp-to-service-nftables": ({ node, ip, ports }: { node: string; ip: string; ports: readonly ServicePortText[] }) =>
      `Refused on ${node}: ${ip} has rules only for ${portList(ports)}; everything else to a ClusterIP is rejected.`,
    "icmp-to-service-ipvs": ({ node, ip }: { node: string; ip: string }) =>
      `Refused on ${node}: ${ip} is bound on this node, and anything but its Service ports is rejected.`,
    "service-port-missing": ({ ip, port, svc, ports }: { ip: string; port: number; svc: string; ports: string }) =>
      `No rule for ${ip}:${port}. Service ${svc} has ${ports}.`,
    "service-port-protocol": ({ ip, port, protocol, svc, has }: { ip: string; port: number; protocol: string; svc: string; has: string }) =>
      `No rule for ${protocol} to ${ip}:${port}. Service ${svc} has that port for ${has} only.`,
    "nothing-listens-protocol": ({ pod, port, protocol, has }: { pod: string; port: number; protocol: string; has: string }) =>
      `Refused by pod ${pod}: on ${port} it listens for ${has}, not for ${protocol}.`,
    "node-port-typo": ({ node, port, svc, near }: { node: string; port: number; svc: string; near: number }) =>
      `Refused by ${node}: no Service has node port ${port}. Service ${svc} has ${near}.`,
    "external-ip-typo": ({ ip, svc, near }: { ip: string; svc: string; near: string }) =>
      `No reply from ${ip}: no machine and no Service has this address. Service ${svc} has the external IP ${near}.`,
    "target-port-closed": ({ pod, port, real }: { pod: string; port: number; real: string }) =>
      `Refused by pod ${pod}: nothing listens on ${port}. The container listens on ${real}.`,
    "nothing-listens": ({ pod, port }: { pod: string; port: number }) =>
      `Refused by pod ${pod}: nothing listens on ${port}, or on any other port.`,
    "external-name-host": ({ status, target, svc }: { status: number; target: string; svc: string }) =>
      `${status} from ${target}: DNS sent you there, but the request still says Host: ${svc}.`,
    "host-not-served": ({ status, target, host, expected }: { status: number; target: string; host: string; expected: string }) =>
      `${status} from ${target}: the request says Host: ${host}, and the server knows only ${expected}.`,
    "wrong-namespace": ({ name, svc, ns, other }: { name: string; svc: string; ns: string; other: string }) =>
      `Could not resolve ${name}: there is no Service ${svc} in ${ns}. There is one in ${other}; use ${svc}.${other}.`,
    "name-typo": ({ name, n, near }: { name: string; n: number; near: string }) =>
      `Could not resolve ${name} (NXDOMAIN after ${n} tries). Closest name: ${near}.`,
    "no-such-name": ({ name, n }: { name: string; n: number }) =>
      `Could not resolve ${name} (NXDOMAIN after ${plural(n, "try", "tries")}). No Service has a name like that.`,
    "name-from-outside": ({ name, svc }: { name: string; svc: string }) =>
      `Could not resolve ${name}: Service ${svc} has that name only inside the cluster; resolvers outside do not know it.`,
    "headless-without-pods": ({ name, svc }: { name: string; svc: string }) =>
      `Could not resolve ${name}: Service ${svc} is headless, and with no ready endpoint its name does not exist.`,
    "external-name-unresolved": ({ name, svc, target }: { name: string; svc: string; target: string }) =>
      `Could not resolve ${name}: Service ${svc} only points to ${target}, and that name has no address.`,
    "no-address": ({ name }: { name: string }) => `${name} exists, but it has no address that the sender could use.`,
    "dns-unreachable": ({ name, server }: { name: string; server: string }) =>
      `Could not resolve ${name}: no answer came from the DNS server ${server}.`,
    "dns-down": (p: { name: string; server: string; cause: DnsDownCause; object: string; detail: string }) =>
      `${p.name} not found: DNS is down. ${dnsDownCauses[p.cause](p)}`,
    "upstream-unreachable": ({ name, targets }: { name: string; targets: string }) =>
      `${name} not found: it lies outside the cluster, and the resolver that CoreDNS asks there does not answer${targets === "" ? "" : ` (forward . ${targets})`}.`,
    "other-resolver": ({ name, svc, server }: { name: string; svc: string; server: string }) =>
      `${name} not found: the sender asks ${server}, which does not know the cluster's names. Service ${svc} is one of them.`,
    "incomplete-name": ({ name, full }: { name: string; full: string }) =>
      `${name} not found: it was never completed by the search list. The Service's whole name is ${full}.`,
    "srv-port-missing": (p: { name: string; svc: string; port: string; protocol: string; ports: string }) =>
      `${p.name} not found: Service ${p.svc} has no ${p.protocol} port named ${p.port}. ${p.ports === "" ? "None of its ports has a name." : `Its named ports: ${p.ports}.`}`,
    "label-too-long": ({ label, n }: { label: string; n: number }) => `Not asked: the label ${label} has ${n} characters; DNS allows 63.`,
    "name-too-long": ({ n }: { n: number }) => `Not asked: the name has ${n} characters; DNS allows 253.`,
    "wasted-queries": ({ name, n, dots, ndots }: { name: string; n: number; dots: number; ndots: number }) =>
      `${name} was found, but only after ${plural(n, "question", "questions")} in vain: it has ${plural(dots, "dot")} and ndots is ${ndots}, so the search list came first.`,
    "dns-failed": ({ name, server, rcode }: { name: string; server: string; rcode: string }) =>
      `Could not resolve ${name}: the DNS server ${server} answered ${rcode}.`,
    "external-policy-local": ({ node, svc }: { node: string; svc: string }) =>
      `Dropped on ${node}: the policy is Local and no ready pod of ${svc} runs on this node.`,
    "internal-policy-local": ({ node, svc }: { node: string; svc: string }) =>
      `Dropped on ${node}: internalTrafficPolicy is Local and no ready pod of ${svc} runs on this node.`,
    "source-not-allowed": ({ node, svc, source, ranges }: { node: string; svc: string; source: string; ranges: string }) =>
      `Dropped on ${node}: Service ${svc} lets in only ${ranges}, and ${source} is not among them.`,
    "old-pod-address": ({ ip, seconds }: { ip: string; seconds: number }) =>
      `No reply from ${ip}: the pod that had it was deleted ${duration(seconds)} ago.`,
    "unused-pod-address": ({ ip, node }: { ip: string; node: string }) =>
      `No reply from ${ip}: it belongs to the pod range of ${node}, but no pod has it.`,
    "endpoint-without-machine": ({ ip, svc, kind }: { ip: string; svc: string; kind: string }) =>
      `No reply from ${ip}: the ${kind} of Service ${svc} name this address, and no machine has it.`,
    "nobody-has-address": ({ ip }: { ip: string }) => `No reply from ${ip}: no machine has this address, and no rule rewrites it.`,
    "unused-cluster-ip": ({ ip }: { ip: string }) => `No reply from ${ip}: it lies in the Service range, but no Service has it.`,
    "missing-rule": ({ ip, port, svc, node }: { ip: string; port: number; svc: string; node: string }) =>
      `No reply from ${ip}:${port}: Service ${svc} has it, but ${node} has no rule for it.`,
    "load-balancer-port": ({ ip, port, ports }: { ip: string; port: number; ports: string }) =>
      `No reply from ${ip}:${port}: the load balancer listens there only on ${ports}.`,
    "load-balancer-without-node": ({ svc, ip }: { svc: string; ip: string }) =>
      `No reply from ${ip}: no node passes the load balancer's health check for Service ${svc}.`,
    "load-balancer-pending": ({ svc }: { svc: string }) =>
      `No way in from outside: Service ${svc} is of type LoadBalancer, but its external address is still pending.`,
    "cluster-ip-from-outside": ({ ip, svc }: { ip: string; svc: string }) =>
      `No route to ${ip}: it is the cluster IP of Service ${svc}, which exists only as rules on the nodes.`,
    "pod-from-outside": ({ ip }: { ip: string }) => `No route to ${ip}: pod addresses are known only inside the cluster.`,
    "range-from-outside": ({ ip }: { ip: string }) => `No route to ${ip}: the Service range is known only inside the cluster.`,
    "node-down": ({ node }: { node: string }) => `No reply: ${node} is down.`,
    "node-down-with-pod": ({ node, pod }: { node: string; pod: string }) => `No reply: pod ${pod} runs on ${node}, and ${node} is down.`,
    "nodes-split": ({ node, other }: { node: string; other: string }) =>
      `No reply: a fault cuts the wire between ${node} and ${other}; both are up.`,
    "packet-lost": ({ node, other }: { node: string; other: string }) =>
      `No reply: the packet was lost between ${node} and ${other}, where a fault drops some.`,
    "no-node-up": ({ ip }: { ip: string }) => `No reply from ${ip}: no node is up to take it.`,
    "nothing-listens-on-node": ({ node, port }: { node: string; port: number }) =>
      `Refused by ${node}: nothing listens on port ${port}, and no Service has it as node port.`,
    "nothing-listens-outside": ({ ip, port }: { ip: string; port: number }) => `Refused by ${ip}: nothing listens on port ${port} there.`,
    "sender-missing": ({ name }: { name: string }) => `Nothing was sent: there is no ${name}.`,
    "sender-not-running": ({ pod, phase }: { pod: string; phase: string }) => `Nothing was sent: pod ${pod} is not running (${phase}).`,
    "sender-node-down": ({ node }: { node: string }) => `Nothing was sent: ${node}, where the sender runs, is down.`,
    "no-address-of-family": ({ family, ip }: { family: string; ip: string }) => `No route to ${ip}: the sender has no ${family} address.`,
    "policy-ingress": (p: PolicyParams) => `Dropped before pod ${p.pod}: ${isolatedBy(p)}, and ${lacking(p, "from")}.`,
    "policy-egress": (p: PolicyParams) => `Dropped as it left pod ${p.pod}: ${isolatedBy(p)}, and ${lacking(p, "to")}.`,
    "dns-policy": (p: PolicyParams & { name: string }) =>
      `Could not resolve ${p.name}: the question to DNS was dropped at pod ${p.pod}. ${isolatedBy(p).replace(" it", " the pod")}, and ${lacking(p, "with")}.`,
    "nested-too-deep": ({ depth }: { depth: number }) => `Not decided: the apps called each other more than ${depth} times in a row.`,
    loop: ({ ip }: { ip: string }) => `No reply from ${ip}: the packet goes round between machines until its time to live is spent.`,
    "rejected-by-rule": ({ node, destination }: { node: string; destination: string }) =>
      `Refused on ${node}: a rule rejects ${destination}.`,
    "dropped-by-rule": ({ node, destination }: { node: string; destination: string }) =>
      `Dropped on ${node}: a rule swallows ${destination}.`,
    "http-status": ({ status, place, path }: { status: number; place: string; path: string }) =>
      `Delivered, but the app answered ${status} to ${path}: ${place} had the request and objected to it.`,
    "says-nothing": ({ place }: { place: string }) => `${place} accepted the connection, but does not speak HTTP: no answer comes.`,
  },
  fix: {
    "use-selector": ({ k, near }: { k: string; near: string }) => `Set the selector to ${k}: ${near}.`,
    "add-label": ({ name, label }: { name: string; label: string }) => `Give the pods of ${name} the label ${label}.`,
    "join-namespaces": ({ svc, ns, other }: { svc: string; ns: string; other: string }) =>
      `Run the pods in ${ns}, or create Service ${svc} in ${other}.`,
    "wait-for-pods": ({ svc }: { svc: string }) => `Wait for the new pods of ${svc}, or scale their workload up.`,
    "make-room": ({ pod }: { pod: string }) => `See which condition no node meets: kubectl describe pod ${pod}.`,
    "use-node-selector": ({ wrong, near }: { wrong: string; near: string }) => `Change ${wrong} to ${near} in nodeSelector.`,
    "use-probe-port": ({ probe, real }: { probe: string; real: string }) => `Set the port of ${probe} to ${real}.`,
    "speak-protocol": ({ port, protocol }: { port: string; protocol: string }) =>
      `Set the protocol of the container port ${port} to ${protocol}.`,
    "name-container-port": ({ port, number }: { port: string; number: number }) => `Name the container port ${number} ${port}.`,
    "match-ports": ({ kind, name }: { kind: string; name: string }) => `Give ${kind} ${name} the port as the Service has it.`,
    "look-at-slice": ({ name }: { name: string }) => `Set the ready condition in EndpointSlice ${name} once something answers there.`,
    "label-slice": ({ name, svc }: { name: string; svc: string }) =>
      `Give EndpointSlice ${name} the label kubernetes.io/service-name=${svc}.`,
    "name-endpoints": ({ svc }: { svc: string }) => `Create the same Endpoints under the name ${svc}.`,
    "use-protocol": ({ has }: { has: string }) => `Send ${has}, and let the Service's port have protocol ${has}.`,
    "use-node-port": ({ near, port }: { near: number; port: number }) => `Send to node port ${near}, or let the Service have ${port}, too.`,
    "use-external-ip": ({ near, ip }: { near: string; ip: string }) => `Send to ${near}, or add ${ip} to externalIPs.`,
    "check-selector": ({ svc, selector }: { svc: string; selector: string }) =>
      `Give pods the label ${selector}, or change spec.selector of Service ${svc} to labels that pods have.`,
    "look-at-probe": ({ pod }: { pod: string }) => `Find out why: kubectl describe pod ${pod} shows its probes and events.`,
    "look-at-endpoints": ({ svc }: { svc: string }) =>
      `Find out which pods are ready: kubectl get endpointslices -l kubernetes.io/service-name=${svc}.`,
    "scale-up": ({ workload }: { workload: string }) => `Scale ${workload} to 1 replica.`,
    "make-endpoints": ({ svc }: { svc: string }) => `Create an EndpointSlice for Service ${svc}, or give the Service a selector.`,
    "use-target-port": ({ real }: { real: string }) => `Set targetPort to ${real}.`,
    "start-listener": ({ pod, port }: { pod: string; port: number }) => `Start something in pod ${pod} that listens on port ${port}.`,
    "name-the-port": ({ port }: { port: string }) => `Name a container port ${port}, or use its number as targetPort.`,
    "use-tcp": ({ url }: { url: string }) => `Try the Service on its port instead: ${url}.`,
    "use-port": ({ ports }: { ports: string }) => `Send to ${ports}.`,
    "send-host": ({ host }: { host: string }) => `Send the header Host: ${host}.`,
    "use-name": ({ name }: { name: string }) => `Use the name ${name}.`,
    "create-service": ({ name }: { name: string }) => `Create a Service named ${name}, or correct the name.`,
    "use-service": ({ name }: { name: string }) => `Use the Service ${name}: its address stays when pods change.`,
    "look-up-pod": (_: object) => "Look up the pod's address again, or put a Service in front of it.",
    "scale-dns": ({ workload, n }: { workload: string; n: number }) => `Scale ${workload} to ${n} replicas.`,
    "restore-dns-service": ({ svc }: { svc: string }) => `Create the Service ${svc} in kube-system again, with the same address.`,
    "restore-dns-pods": ({ workload }: { workload: string }) => `Create the Deployment ${workload} in kube-system again.`,
    "restore-corefile": (_: object) =>
      "Correct the Corefile in the ConfigMap coredns (the patch puts back the one that kubeadm writes), and delete the crashed pods so that they start at once.",
    "check-upstream": (_: object) => "Nothing in the cluster is wrong: the resolver outside has to answer.",
    "use-node-resolver": (_: object) => "Let CoreDNS ask the nodes' own resolver: forward . /etc/resolv.conf.",
    "use-cluster-dns": (_: object) => "Give the pod dnsPolicy: ClusterFirst (with hostNetwork: ClusterFirstWithHostNet).",
    "name-service-port": ({ svc, port }: { svc: string; port: string }) => `Name a port of Service ${svc} ${port}.`,
    "shorten-name": (_: object) => "Shorten the name.",
    "use-final-dot": ({ name }: { name: string }) => `Write ${name} with a dot at the end, or give the pod dnsConfig with ndots: 1.`,
    "repair-dns": (_: object) => "Make the DNS pods run again: kubectl get pods -n kube-system -l k8s-app=kube-dns.",
    "check-external-name": ({ target }: { target: string }) => `Set externalName to a name that exists outside; ${target} does not.`,
    "use-node": ({ nodes, policy }: { nodes: string; policy: string }) =>
      `Send to a node that has one: ${nodes}; or set ${policy} to Cluster, and pods see a node as source.`,
    "run-pod-here": ({ svc, node, policy }: { svc: string; node: string; policy: string }) =>
      `Run a ready pod of ${svc} on ${node}, or set ${policy} to Cluster.`,
    "allow-source": ({ source }: { source: string }) => `Add ${source} to loadBalancerSourceRanges.`,
    "allow-in-policy": ({ policy, what }: { policy: string; what: string }) => `Add ${what} to NetworkPolicy ${policy}.`,
    "correct-policy": ({ policy, wrong, near }: { policy: string; wrong: string; near: string }) =>
      `Change ${wrong} to ${near} in NetworkPolicy ${policy}.`,
    "policy-knows-no-icmp": ({ policy }: { policy: string }) =>
      `NetworkPolicy ${policy} names ports, and ICMP has none: try a port instead.`,
    "check-policy": ({ policy }: { policy: string }) => `Compare the packet with the rules of NetworkPolicy ${policy}.`,
    "expose-service": ({ svc }: { svc: string }) =>
      `Make Service ${svc} a NodePort or LoadBalancer Service, or send from inside the cluster.`,
    "use-external-address": ({ address }: { address: string }) => `Send to ${address}, which is meant for the outside.`,
    "send-from-inside": (_: object) => "Send from inside the cluster, or put a NodePort or LoadBalancer Service in front of the pods.",
    "wait-for-load-balancer": ({ svc }: { svc: string }) =>
      `See why with kubectl describe service ${svc}; until then a node port may be used.`,
    "bring-node-back": ({ node }: { node: string }) => `Bring ${node} back, or send through another node.`,
    "remove-fault": (_: object) => "Remove the fault: GET /faults lists them, and nodes may carry the annotation kubearium.dev/fault.",
    "bring-nodes-back": (_: object) => "Bring a node back.",
    "correct-endpoints": ({ svc, ip }: { svc: string; ip: string }) => `Correct the endpoints of Service ${svc}: ${ip} answers nothing.`,
    "check-address": (_: object) => "Check the address.",
    "check-sender": (_: object) => "Choose a sender that runs: kubectl get pods -o wide.",
    "use-family": ({ family }: { family: string }) => `Send from a pod with an ${family} address, or to an address of the sender's family.`,
    "remove-not-emulated": (_: object) => "This is a limit of the emulator, not a fault of the cluster.",
    "read-answer": (_: object) => "Read the answer's body and the app's log; the network did its part.",
  },
  rule: {
    jump: (p: RuleParams) =>
      p.target === "" ? "Every packet of this hook begins here." : `Packets of this hook are tried against ${p.target}.`,
    "cluster-ip": (p: RuleParams) => addressedTo(p, "the cluster IP"),
    "external-ip": (p: RuleParams) => addressedTo(p, "an external IP"),
    "load-balancer-ip": (p: RuleParams) => addressedTo(p, "the load balancer address"),
    "node-port": (p: RuleParams) => addressedTo(p, "the node port"),
    "node-ports": (p: RuleParams) =>
      p.target === ""
        ? "For what is addressed to this node itself."
        : `What is addressed to this node itself is tried against the node ports in ${p.target}.`,
    "health-check": (p: RuleParams) => `Load balancers may ask this node whether it has pods of ${service(p)}.`,
    "no-endpoints": (p: RuleParams) => `${sentenceCase(service(p))} without endpoints: packets are rejected.`,
    "no-local-endpoints": (p: RuleParams) =>
      `${sentenceCase(service(p))} without an endpoint on this node, under policy Local: packets are dropped.`,
    "source-range": (p: RuleParams) => `This source range may use the load balancer address of ${service(p)}.`,
    "source-range-drop": (p: RuleParams) => `Sources outside the allowed ranges of ${service(p)} are dropped.`,
    "masquerade-off-cluster": (p: RuleParams) => `What reaches ${service(p)} from outside the pod range gets the node's address as source.`,
    "masquerade-all": (p: RuleParams) => `Everything that reaches ${service(p)} gets the node's address as source.`,
    "masquerade-external": (p: RuleParams) => `What comes to ${service(p)} from outside gets the node's address as source.`,
    "masquerade-local": (p: RuleParams) => `What this node itself sends to ${service(p)} gets the node's address as source.`,
    "masquerade-hairpin": (p: RuleParams) =>
      `A packet that ${p.endpoint || "an endpoint"} sends to itself gets the node's address as source.`,
    "pod-shortcut": (p: RuleParams) => `Pods may use every endpoint of ${service(p)}, whatever the policy.`,
    "node-shortcut": (p: RuleParams) => `This node may use every endpoint of ${service(p)}, whatever the policy.`,
    "external-policy": (p: RuleParams) =>
      p.target === "" ? `For external traffic of ${service(p)}.` : `External traffic of ${service(p)} continues in ${p.target}.`,
    affinity: (p: RuleParams) => `A client that used ${p.endpoint || "an endpoint"} before is sent there again.`,
    balance: (p: RuleParams) => {
      if (p.evenly) return `One of these, drawn evenly: ${p.endpoint}.`;
      return p.probability === undefined
        ? `What is left goes to ${p.endpoint}.`
        : `With a chance of ${rounded(p.probability, 3)}, continue to ${p.endpoint}.`;
    },
    endpoint: (p: RuleParams) => `The destination becomes ${p.endpoint || "the endpoint"}.`,
    mark: (_: RuleParams) => "Marks the packet, so that its source is replaced on the way out.",
    masquerade: (_: RuleParams) => "Replaces the source of marked packets by an address of the node.",
    forward: (_: RuleParams) => "Lets through what Services have sent on their way.",
    invalid: (_: RuleParams) => "Drops packets that belong to no known connection.",
    "loopback-guard": (_: RuleParams) => "Keeps strangers away from services that listen on the node's loopback address.",
    "unserved-cluster-ip": (_: RuleParams) => "Rejects what is addressed to a cluster IP but to none of its Service ports.",
  },
} as const;
