/**
 * Why a route ended as it did. Starts from the cause that the network found and looks at the objects for what is behind
 * it; a cause without a case here does not compile into a silent "unknown", it throws.
 */
import { matchesLabelMap } from "../api/label-selector.ts";
import type { ObjectRef, Protocol, Resolution, Route } from "../api/network.ts";
import type { Pod, Service } from "../api/objects.ts";
import { canonical, contains, rangesIn } from "../network/address-book.ts";
import { portByHand } from "./by-hand-findings.ts";
import { clusterIPsOf, type Facts, hasSelector, refTo, serviceAt, serviceOf, slicesOf } from "./facts.ts";
import type { Language } from "./messages/catalogue.ts";
import type { PolicyParams } from "./messages/en.ts";
import { adviceOnLookup, unresolvedName } from "./name-findings.ts";
import { destinationOf, type StoppedPacket, stoppedByPolicies, stoppedPacket } from "./policy-findings.ts";
import { sourceNotAllowed, withoutEndpoints, withoutLocalEndpoints } from "./service-findings.ts";
import { externalIPTypo, nodePortTypo, unmatched } from "./service-port-findings.ts";
import { closedTargetPort, meantPort, protocolOfListener } from "./target-port-findings.ts";
import { type Finding, finding, fix, type Why, whyOf } from "./why.ts";

/** `null` where the packet arrived and, with HTTP, the answer is no failure. */
export const explainRoute = (route: Route, facts: Facts, language: Language): Why | null => whyOf(findingsOfRoute(route, facts), language);

/** `null` where the name has an address. */
export const explainResolution = (resolution: Resolution, facts: Facts, language: Language): Why | null =>
  whyOf(unresolvedName(resolution, facts), language);

/** What could be better about a lookup that succeeded; `null`: nothing. */
export function adviseOnResolution(resolution: Resolution, facts: Facts, language: Language): Why | null {
  const advice = adviceOnLookup(resolution, facts);
  return advice === undefined ? null : whyOf([advice], language);
}

/** What `explainRoute` says, before it is said in a language: the first thing met on the way, then what else is wrong. */
export function findingsOfRoute(route: Route, facts: Facts): Finding[] {
  const { cause } = route;
  if (cause === undefined) return [];
  const text = (key: string): string => String(cause.params[key] ?? "");
  const number = (key: string): number => Number(cause.params[key] ?? 0);
  const objects = route.hops.at(-1)?.objects ?? [];
  const one = (found: Finding): Finding[] => [found];
  switch (cause.code) {
    case "no-such-name":
    case "dns-failed":
      return route.resolution === undefined ? [] : unresolvedName(route.resolution, facts);
    case "dns-unreachable": {
      const named = route.resolution === undefined ? [] : unresolvedName(route.resolution, facts);
      const direction = text("because") === "policy-egress" ? "Egress" : text("because") === "policy-ingress" ? "Ingress" : undefined;
      return direction === undefined || route.resolution === undefined
        ? named
        : dnsBehindPolicy(route, stoppedPacket(direction, cause.params), facts);
    }
    case "policy-ingress":
      return behindPolicy(route, stoppedPacket("Ingress", cause.params), facts);
    case "policy-egress":
      return behindPolicy(route, stoppedPacket("Egress", cause.params), facts);
    case "nobody-has-address":
      return [unanswered(route, text("ip"), facts)];
    case "nothing-listens":
      return refusedByPod(route, objects, facts);
    case "nothing-listens-on-node":
      return one(
        nodePortTypo(text("node"), number("port"), route.protocol, facts) ??
          finding("nothing-listens-on-node", { node: text("node"), port: number("port") }, objects, fix("check-address", {})),
      );
    case "nothing-listens-outside":
      return one(refusedOutside(route, objects, facts));
    case "only-inside":
      return one(onlyInside(text("ip"), text("kind"), facts));
    case "node-down":
      return one(nodeDown(text("node"), text("pod"), objects));
    case "nodes-split":
    case "packet-lost":
      return one(finding(cause.code, { node: text("node"), other: text("other") }, objects, fix("remove-fault", {})));
    case "no-node-up":
      return one(finding("no-node-up", { ip: text("ip") }, objects, fix("bring-nodes-back", {})));
    case "load-balancer-without-node": {
      const params = { ip: text("ip"), svc: text("service") };
      return one(finding("load-balancer-without-node", params, objects, fix("look-at-endpoints", { svc: text("service") })));
    }
    case "host-not-served":
      return one(wrongHost(route, facts));
    case "http-status": {
      const params = { status: number("status"), place: placeName(text("place")), path: text("path") };
      return one(finding("http-status", params, objectAt(text("place")), fix("read-answer", {})));
    }
    case "says-nothing":
      return one(finding("says-nothing", { place: placeName(text("place")) }, objectAt(text("place")), fix("read-answer", {})));
    case "sender-missing": {
      const name = [text("namespace"), text("name")].filter((part) => part !== "").join("/");
      return one(finding("sender-missing", { name }, [], fix("check-sender", {})));
    }
    case "sender-not-running":
      return one(finding("sender-not-running", { pod: text("pod"), phase: text("phase") }, [], fix("check-sender", {})));
    case "sender-node-down":
      return one(
        finding("sender-node-down", { node: text("node") }, [nodeRef(text("node"))], fix("bring-node-back", { node: text("node") })),
      );
    case "no-address-of-family": {
      const params = { family: text("family"), ip: text("ip") };
      return one(finding("no-address-of-family", params, [], fix("use-family", { family: text("family") })));
    }
    case "nested-too-deep":
      return one(finding("nested-too-deep", { depth: number("depth") }, [], fix("remove-not-emulated", {})));
    case "loop":
      return one(finding("loop", { ip: text("ip") }, objects, fix("check-address", {})));
    default:
      return endedByRule(route, cause.code, objects, facts);
  }
}

/** The question never reached DNS: said as the name's trouble first, then what the policy would stop after the answer. */
function dnsBehindPolicy(route: Route, stopped: StoppedPacket, facts: Facts): Finding[] {
  const { name, from, search } = route.resolution!;
  const found = stoppedByPolicies(stopped, facts).map((each, at) =>
    at > 0 ? each : finding("dns-policy", { ...(each.params as PolicyParams), name }, each.because, each.fix),
  );
  const service = serviceMeant(name, from.namespace, search, facts);
  const port = service?.spec.ports?.[0];
  const slice = service && slicesOf(service, facts.reader).find(({ endpoints }) => (endpoints ?? []).length > 0);
  const [ip] = slice?.endpoints?.[0]?.addresses ?? [];
  const number = slice?.ports?.find((each) => (each.name ?? "") === (port?.name ?? ""))?.port;
  if (stopped.direction === "Ingress" || ip === undefined || number === undefined) return found;
  return [...found, ...stoppedByPolicies({ ...stopped, ip, port: number, protocol: (port?.protocol ?? "TCP") as Protocol }, facts)];
}

/** The Service that the name would have meant. */
const serviceMeant = (
  name: string,
  namespace: string | undefined,
  search: readonly string[],
  { reader, options }: Facts,
): Service | undefined => {
  const tries = [name, ...search.map((suffix) => `${name}.${suffix}`)].map((each) => each.replace(/\.$/, ""));
  const suffix = `.svc.${options.clusterDomain}`;
  return reader
    .list<Service>("services")
    .filter(({ metadata }) => tries.includes(`${metadata.name}.${metadata.namespace}${suffix}`))
    .sort((a) => (a.metadata.namespace === namespace ? -1 : 1))[0];
};

function endedByRule(route: Route, code: string, objects: readonly ObjectRef[], facts: Facts): Finding[] {
  if (!code.startsWith("rule-")) throw new Error(`explain: no case for the cause ${code}`);
  const { node = "", destination = "" } = route.cause!.params as { node?: string; destination?: string };
  const service = serviceOf(objects, facts.reader);
  if (service !== undefined) {
    switch (code) {
      case "rule-no-endpoints":
        return withoutEndpoints(service, node, facts, portIndex(objects));
      case "rule-no-local-endpoints":
        return [withoutLocalEndpoints(service, node, clusterIPsOf(service.spec).includes(route.target?.ip ?? ""), facts)];
      case "rule-source-range-drop":
        return [sourceNotAllowed(service, node, sourceOf(route))];
    }
  }
  const at = code === "rule-unserved-cluster-ip" && route.target !== undefined ? serviceAt(route.target.ip, facts.reader) : undefined;
  if (at !== undefined) return [unservedClusterIP(at, route, node, facts)];
  const params = { node, destination };
  const kind = route.verdict === "rejected" ? "rejected-by-rule" : "dropped-by-rule";
  return [finding(kind, params, objects, fix("check-address", {}))];
}

function unservedClusterIP(service: Service, route: Route, node: string, facts: Facts): Finding {
  const ip = route.target!.ip;
  const found = unmatched(service, { ip, port: route.target!.port, protocol: route.protocol, node }, facts);
  if (found.code !== "icmp-to-service") return found;
  if (route.cause?.params["mode"] === "ipvs") return finding("icmp-to-service-ipvs", { node, ip }, found.because, found.fix);
  const ports = (service.spec.ports ?? []).map(({ protocol = "TCP", port }) => ({ protocol, port }));
  return finding("icmp-to-service-nftables", { node, ip, ports }, found.because, found.fix);
}

/** Nobody has the address that came out of the rules. */
function unanswered(route: Route, ip: string, facts: Facts): Finding {
  const { reader, options } = facts;
  const port = route.target?.port;
  const ports = route.cause?.params["ports"];
  const at = serviceAt(ip, reader);
  if (Array.isArray(ports)) {
    const listed = ports.join(", ");
    return finding(
      "load-balancer-port",
      { ip, port: port ?? 0, ports: listed },
      at ? [refTo(at, "spec.ports")] : [],
      fix("use-port", { ports: listed }),
    );
  }
  const rewritten = route.hops.find(({ does, dstAfter }) => does === "rewrite" && dstAfter !== undefined);
  const through = rewritten && serviceOf(rewritten.objects, reader);
  if (through !== undefined && !hasSelector(through)) return wrongEndpoints(through, ip, facts);
  if (at !== undefined) return unmatched(at, { ip, port, protocol: route.protocol, node: nodeOf(route) }, facts);
  const former = facts.formerPod?.(ip);
  if (former !== undefined) {
    const seconds = Math.max(0, Math.floor((facts.now - former.deletedAt) / 1000));
    const { namespace, labels } = former.pod.metadata;
    const service = reader
      .list<Service>("services", namespace)
      .find((each) => hasSelector(each) && matchesLabelMap(each.spec.selector, labels));
    const repair = service === undefined ? fix("look-up-pod", {}) : fix("use-service", { name: service.metadata.name });
    return finding("old-pod-address", { ip, seconds }, [refTo(former.pod)], repair);
  }
  const node = reader
    .list("nodes")
    .find(({ spec }) => rangesIn(spec?.podCIDRs?.join(",") ?? spec?.podCIDR ?? "").some((range) => contains(range, ip)));
  if (node !== undefined) {
    return finding("unused-pod-address", { ip, node: node.metadata.name }, [refTo(node, "spec.podCIDR")], fix("look-up-pod", {}));
  }
  if (rangesIn(options.serviceCIDR).some((range) => contains(range, ip)))
    return finding("unused-cluster-ip", { ip }, [], fix("check-address", {}));
  return externalIPTypo(ip, facts) ?? finding("nobody-has-address", { ip }, [], fix("check-address", {}));
}

/** Endpoints made by hand point to where nothing is. */
function wrongEndpoints(service: Service, ip: string, { reader }: Facts): Finding {
  const { namespace, name: svc } = service.metadata;
  const byHand = reader.get("endpoints", namespace, svc);
  const slice = reader
    .list("endpointslices.discovery.k8s.io", namespace)
    .find((each) => each["endpoints"]?.some(({ addresses }: { addresses: string[] }) => addresses.map(canonical).includes(ip)));
  const source = byHand ?? slice;
  const because = [refTo(service), ...(source === undefined ? [] : [refTo(source, byHand === undefined ? "endpoints" : "subsets")])];
  return finding(
    "endpoint-without-machine",
    { ip, svc, kind: byHand === undefined ? "endpoints" : "Endpoints" },
    because,
    fix("correct-endpoints", { svc, ip }),
  );
}

function refusedByPod(route: Route, objects: readonly ObjectRef[], facts: Facts): Finding[] {
  const { pod: name = "", port = 0, listening = [] } = route.cause!.params as { pod?: string; port?: number; listening?: string[] };
  const pod = objects.find(({ kind }) => kind === "Pod") ?? { apiVersion: "v1", kind: "Pod", name };
  const { service, at } = chosenPort(route, facts);
  const namespace = pod.namespace ?? "";
  const spoken = protocolOfListener({ namespace, name: pod.name }, port, facts);
  if (spoken !== undefined) {
    const params = { pod: name, port, protocol: route.protocol, has: spoken };
    const because = [...(service === undefined ? [] : [refTo(service, `spec.ports[${at}].protocol`)]), pod];
    return [finding("nothing-listens-protocol", params, because, fix("use-protocol", { has: spoken }))];
  }
  const refusal = { pod, port, listening: listening.map(Number), object: facts.reader.get<Pod>("pods", namespace, pod.name) };
  const meant = service && meantPort(refusal, service, at);
  const source = sourceOf(route);
  // The port that is open may be one that a policy keeps closed.
  const then =
    meant === undefined || source === ""
      ? []
      : stoppedByPolicies({ direction: "Ingress", namespace, pod: pod.name, ip: source, port: meant, protocol: route.protocol }, facts);
  return [closedTargetPort(refusal, service, at), ...then];
}

/** Where endpoints by hand lead, the port among them may be what is wrong. */
function refusedOutside(route: Route, objects: readonly ObjectRef[], facts: Facts): Finding {
  const { ip = "", port = 0 } = route.cause!.params as { ip?: string; port?: number };
  const { service, at } = chosenPort(route, facts);
  const patches = service === undefined ? [] : portByHand(service, at, port, facts);
  const repair =
    patches.length === 0 || service === undefined
      ? fix("check-address", {})
      : fix("correct-endpoints", { svc: service.metadata.name, ip: `${ip}:${port}` }, patches);
  return finding(
    "nothing-listens-outside",
    { ip, port },
    [...(service === undefined ? [] : [refTo(service, `spec.ports[${at}]`)]), ...objects],
    repair,
  );
}

/** The Service that sent the packet on, and which of its ports. */
function chosenPort({ hops }: Route, { reader }: Facts): { service: Service | undefined; at: number } {
  const chosen = hops.findLast(({ does, rule }) => does === "rewrite" && rule !== undefined)?.objects ?? [];
  return { service: serviceOf(chosen, reader), at: portIndex(chosen) };
}

/** `spec.ports[1]` -> 1 */
const portIndex = (objects: readonly ObjectRef[]): number =>
  Number(/\d+/.exec(objects.find(({ kind }) => kind === "Service")?.field ?? "0")?.[0] ?? 0);

/**
 * What a policy stopped may have been wrong before: a Service port that nobody serves, a target port that nobody
 * listens on. Then that comes first, for no policy has to allow it.
 */
function behindPolicy(route: Route, stopped: StoppedPacket, facts: Facts): Finding[] {
  const policies = stoppedByPolicies(stopped, facts);
  const at = route.protocol === "ICMP" ? undefined : serviceAt(stopped.ip, facts.reader);
  if (stopped.direction === "Egress" && at !== undefined) {
    return [unmatched(at, { ip: stopped.ip, port: stopped.port, protocol: route.protocol, node: nodeOf(route) }, facts)];
  }
  const { service, at: index } = chosenPort(route, facts);
  const pod = destinationOf(stopped, facts);
  if (service === undefined || pod === undefined || route.protocol === "ICMP") return policies;
  const { namespace, name } = pod.metadata;
  const open = facts.machines.listeners({ namespace, name }).filter(({ protocol }) => protocol === route.protocol);
  if (open.some(({ port }) => port === stopped.port)) return policies;
  const refusal = { pod: refTo(pod), port: stopped.port, listening: open.map(({ port }) => port), object: pod };
  const meant = meantPort(refusal, service, index);
  const then = meant === undefined ? policies : stoppedByPolicies({ ...stopped, port: meant }, facts);
  return [closedTargetPort(refusal, service, index), ...then];
}

function onlyInside(ip: string, kind: string, { reader }: Facts): Finding {
  if (kind === "pod") return finding("pod-from-outside", { ip }, [], fix("send-from-inside", {}));
  const service = serviceAt(ip, reader);
  if (service === undefined) return finding("range-from-outside", { ip }, [], fix("check-address", {}));
  const svc = service.metadata.name;
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  if (service.spec.type === "LoadBalancer" && ingress.length === 0) {
    return finding("load-balancer-pending", { svc }, [refTo(service, "status.loadBalancer")], fix("wait-for-load-balancer", { svc }));
  }
  const [first] = ingress;
  const external = first?.ip ?? first?.hostname;
  const repair = external === undefined ? fix("expose-service", { svc }) : fix("use-external-address", { address: external });
  return finding("cluster-ip-from-outside", { ip, svc }, [refTo(service, "spec.clusterIP")], repair);
}

function nodeDown(node: string, pod: string, objects: readonly ObjectRef[]): Finding {
  const repair = fix("bring-node-back", { node });
  return pod === "" ? finding("node-down", { node }, objects, repair) : finding("node-down-with-pod", { node, pod }, objects, repair);
}

/** The server does not know the name in the Host header; behind an ExternalName that is the Service's own name. */
function wrongHost(route: Route, { reader }: Facts): Finding {
  const {
    status = 0,
    host = "",
    expected = [],
    target = "",
  } = route.cause!.params as { status?: number; host?: string; expected?: string[]; target?: string };
  const alias = route.hops.find(({ code }) => code === "answer-external-name");
  const service = alias && serviceOf(alias.objects, reader);
  const repair = fix("send-host", { host: expected[0] ?? "" });
  if (service === undefined) return finding("host-not-served", { status, target, host, expected: expected.join(", ") }, [], repair);
  const because = [refTo(service, "spec.externalName")];
  return finding("external-name-host", { status, target: service.spec.externalName ?? target, svc: host }, because, repair);
}

/** The node whose rules the packet met last. */
const nodeOf = ({ hops }: Route): string => hops.findLast(({ at }) => at.startsWith("node/"))?.at.slice("node/".length) ?? "";

const sourceOf = ({ hops }: Route): string => {
  const src = hops.findLast(({ does }) => does === "connect")?.src ?? "";
  return src.startsWith("[") ? src.slice(1, src.indexOf("]")) : (src.split(":")[0] ?? "");
};

const nodeRef = (name: string): ObjectRef => ({ apiVersion: "v1", kind: "Node", name });

/** `pod/default/web-1` -> `web-1` */
const placeName = (place: string): string => place.split("/").at(-1) ?? place;

function objectAt(place: string): ObjectRef[] {
  const [kind, ...path] = place.split("/");
  const [namespace = "", name = ""] = path;
  if (kind === "pod") return [{ apiVersion: "v1", kind: "Pod", namespace, name }];
  return kind === "node" ? [nodeRef(namespace)] : [];
}
