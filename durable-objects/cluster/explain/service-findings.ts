/**
 * What is wrong with a Service whose packets do not arrive: no endpoints, none on this node, or the wrong port.
 */

import { matchesLabelMap } from "../api/label-selector.ts";
import type { ObjectRef } from "../api/network.ts";
import type { KubeObject, Pod, Service } from "../api/objects.ts";
import { type Facts, hasSelector, isReady, podsWith, portsText, reasonNotReady, refTo, selectorText, slicesOf } from "./facts.ts";
import type { ServicePortText } from "./messages/en.ts";
import { nearest } from "./near.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import { type Finding, finding, fix } from "./why.ts";

/** Why no endpoint is ready, the deepest cause that can be told, and what would fail after it. */
export function withoutEndpoints(service: Service, node: string, facts: Facts): Finding[] {
  const { namespace, name: svc } = service.metadata;
  if (!hasSelector(service)) {
    return [finding("endpoints-missing", { node, svc }, [refTo(service, "spec.selector")], fix("make-endpoints", { svc }))];
  }
  const pods = podsWith(service.spec.selector, namespace, facts.reader);
  if (pods.length === 0) return withoutPods(service, node, facts);
  const ready = pods.filter(isReady);
  if (ready.length === 0) {
    const [pod] = pods as [Pod, ...Pod[]];
    const params = { pod: pod.metadata.name, reason: reasonNotReady(pod) };
    return [
      finding("pod-not-ready", params, [refTo(service), refTo(pod, "status.conditions")], fix("look-at-probe", { pod: pod.metadata.name })),
    ];
  }
  const named = service.spec.ports?.findIndex(({ targetPort }) => typeof targetPort === "string") ?? -1;
  const port = service.spec.ports?.[named]?.targetPort;
  const [pod] = ready as [Pod, ...Pod[]];
  if (typeof port === "string" && !declares(pod, port)) {
    const because = [refTo(service, `spec.ports[${named}].targetPort`), refTo(pod, "spec.containers[].ports")];
    return [finding("target-port-name-unknown", { svc, port, pod: pod.metadata.name }, because, fix("name-the-port", { port }))];
  }
  return [
    finding("no-endpoints", { node, svc }, [refTo(service)], fix("check-selector", { svc, selector: selectorText(service.spec.selector) })),
  ];
}

const declares = (pod: Pod, portName: string): boolean =>
  pod.spec.containers.some(({ ports }) => ports?.some(({ name }) => name === portName));

function withoutPods(service: Service, node: string, facts: Facts): Finding[] {
  const { namespace, name: svc } = service.metadata;
  const idle = idleWorkload(service, facts);
  if (idle !== undefined) {
    const workload = `${idle.kind.toLowerCase()}/${idle.metadata.name}`;
    const patches = [mergePatch(idle, { spec: { replicas: 1 } })];
    return [
      finding(
        "zero-replicas",
        { node, svc, workload },
        [refTo(service), refTo(idle, "spec.replicas")],
        fix("scale-up", { workload }, patches),
      ),
    ];
  }
  const typo = selectorTypo(service, facts);
  if (typo === undefined) {
    const selector = selectorText(service.spec.selector);
    return [finding("selector-matches-nothing", { selector }, [refTo(service, "spec.selector")], fix("check-selector", { svc, selector }))];
  }
  const { k, near } = typo;
  const repair = fix("use-selector", { k, near }, [mergePatch(service, { spec: { selector: { [k]: near } } })]);
  const pods = podsWith({ ...service.spec.selector, [k]: near }, namespace, facts.reader);
  return [
    finding("selector-typo", { ...typo, n: pods.length }, [refTo(service, `spec.selector.${k}`)], repair),
    ...closedPorts(service, pods, facts),
  ];
}

/** A Deployment, StatefulSet or ReplicaSet that would make such pods, scaled to nothing. */
function idleWorkload(service: Service, { reader }: Facts): KubeObject | undefined {
  return ["deployments.apps", "statefulsets.apps", "replicasets.apps"]
    .flatMap((resource) => reader.list<KubeObject>(resource, service.metadata.namespace))
    .find(
      ({ spec, metadata }) =>
        spec?.replicas === 0 &&
        !metadata.ownerReferences?.some(({ controller }) => controller) &&
        matchesLabelMap(service.spec.selector, spec?.template?.metadata?.labels),
    );
}

/** The one label of the selector that, spelled as some pods have it, would find them. */
function selectorTypo({ spec, metadata: { namespace } }: Service, { reader }: Facts): { k: string; v: string; near: string } | undefined {
  const pods = podsWith(undefined, namespace, reader);
  for (const [k, v] of Object.entries(spec.selector ?? {})) {
    const fitting = pods.filter(
      ({ metadata: { labels = {} } }) => labels[k] !== undefined && matchesLabelMap({ ...spec.selector, [k]: labels[k] }, labels),
    );
    const near = nearest(
      v,
      fitting.map(({ metadata }) => metadata.labels![k]!),
    );
    if (near !== undefined) return { k, v, near };
  }
  return undefined;
}

/** Ports of the Service at which none of the pods listens. */
function closedPorts(service: Service, pods: readonly Pod[], facts: Facts): Finding[] {
  const [pod] = pods;
  if (pod === undefined) return [];
  const { namespace, name } = pod.metadata;
  return (service.spec.ports ?? []).flatMap(({ port, targetPort = port, protocol = "TCP" }, at) => {
    const listening = facts.machines.listeners({ namespace, name }).filter((each) => each.protocol === protocol);
    const wanted = typeof targetPort === "string" ? containerPort(pod, targetPort) : targetPort;
    if (wanted === undefined || listening.some((each) => each.port === wanted)) return [];
    return [closedTargetPort({ pod: refTo(pod), port: wanted, listening: listening.map((each) => String(each.port)) }, service, at)];
  });
}

const containerPort = (pod: Pod, portName: string): number | undefined =>
  pod.spec.containers.flatMap(({ ports }) => ports ?? []).find(({ name }) => name === portName)?.containerPort;

/** A pod refused: nothing listens there. Through a Service, its targetPort is what is wrong. */
export function closedTargetPort(
  of: { pod: ObjectRef; port: number; listening: readonly string[] },
  service: Service | undefined,
  at: number,
): Finding {
  const { pod, port, listening } = of;
  const because = [...(service === undefined ? [] : [refTo(service, `spec.ports[${at}].targetPort`)]), pod];
  if (listening.length === 0) {
    return finding("nothing-listens", { pod: pod.name, port }, because, fix("start-listener", { pod: pod.name, port }));
  }
  const real = listening.join(", ");
  const params = { pod: pod.name, port, real };
  if (service === undefined) return finding("target-port-closed", params, because, fix("use-port", { ports: real }));
  const [only] = listening;
  const patches =
    listening.length === 1 ? [jsonPatch(service, [{ op: "add", path: `/spec/ports/${at}/targetPort`, value: Number(only) }])] : [];
  return finding("target-port-closed", params, because, fix("use-target-port", { real }, patches));
}

/** The policy is Local and the node has no endpoint. */
export function withoutLocalEndpoints(service: Service, node: string, internal: boolean, facts: Facts): Finding {
  const svc = service.metadata.name;
  const nodes = nodesWithEndpoints(service, facts);
  const repair = internal || nodes.length === 0 ? fix("run-pod-here", { svc, node }) : fix("use-node", { nodes: nodes.join(", ") });
  const field = internal ? "spec.internalTrafficPolicy" : "spec.externalTrafficPolicy";
  return finding(internal ? "internal-policy-local" : "external-policy-local", { node, svc }, [refTo(service, field)], repair);
}

const nodesWithEndpoints = (service: Service, { reader }: Facts): string[] => [
  ...new Set(
    slicesOf(service, reader)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .flatMap(({ nodeName, conditions }) => (nodeName === undefined || conditions?.ready === false ? [] : [nodeName])),
  ),
];

/** A packet to one of the Service's addresses that none of its rules matches. */
export function unmatched(service: Service, packet: { ip: string; port: number | undefined; node: string }): Finding {
  const { ip, port, node } = packet;
  const svc = service.metadata.name;
  const ports: ServicePortText[] = (service.spec.ports ?? []).map((each) => ({ protocol: each.protocol ?? "TCP", port: each.port }));
  const because = [refTo(service, "spec.ports")];
  if (port === undefined) {
    const rule = ports.map((each) => `${each.protocol.toLowerCase()}, port ${each.port}`).join("; ");
    const [first] = ports;
    const url = `http://${svc}${first === undefined || first.port === 80 ? "" : `:${first.port}`}`;
    return finding("icmp-to-service", { ip, ports, packet: "icmp, echo request", rule }, because, fix("use-tcp", { url }));
  }
  if (ports.some((each) => each.port === port)) {
    return finding("missing-rule", { ip, port, svc, node }, [refTo(service)], fix("check-address", {}));
  }
  return finding(
    "service-port-missing",
    { ip, port, svc, ports: portsText(service) },
    because,
    fix("use-port", { ports: portsText(service) }),
  );
}

export function sourceNotAllowed(service: Service, node: string, source: string): Finding {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  const range = `${source}/${source.includes(":") ? 128 : 32}`;
  const params = { node, svc: service.metadata.name, source, ranges: ranges.join(", ") };
  const patches = [jsonPatch(service, [{ op: "add", path: "/spec/loadBalancerSourceRanges/-", value: range }])];
  return finding(
    "source-not-allowed",
    params,
    [refTo(service, "spec.loadBalancerSourceRanges")],
    fix("allow-source", { source: range }, patches),
  );
}
