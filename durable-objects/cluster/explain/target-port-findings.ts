/**
 * Where a Service sends, compared with where its pods listen: a closed targetPort, a name that no container port has,
 * and the wrong protocol.
 */
import type { ObjectRef, Protocol } from "../api/network.ts";
import type { Pod, Service, ServicePort } from "../api/objects.ts";
import { type Facts, refTo } from "./facts.ts";
import { nearest, nearestPort } from "./near.ts";
import { jsonPatch } from "./patches.ts";
import { type Finding, finding, fix } from "./why.ts";
import { editSpec, type PodSource, sourceOf } from "./workload.ts";

/** A pod that refused: what was tried, and where its containers listen in that protocol. */
export interface Refusal {
  pod: ObjectRef;
  port: number;
  listening: readonly number[];
  /** The pod itself, for the names of its ports. */
  object?: Pod | undefined;
}

/** Nothing listens there. Through a Service, its targetPort is what is wrong. @param at of its ports */
export function closedTargetPort(of: Refusal, service: Service | undefined, at: number): Finding {
  const { pod, port, listening } = of;
  const because = [...(service === undefined ? [] : [refTo(service, `spec.ports[${at}].targetPort`)]), pod];
  if (listening.length === 0) {
    return finding("nothing-listens", { pod: pod.name, port }, because, fix("start-listener", { pod: pod.name, port }));
  }
  const real = listening.join(", ");
  const params = { pod: pod.name, port, real };
  if (service === undefined) return finding("target-port-closed", params, because, fix("use-port", { ports: real }));
  const meant = meantPort(of, service, at);
  if (meant === undefined) return finding("target-port-closed", params, because, fix("use-target-port", { real }));
  return finding(
    "target-port-closed",
    params,
    because,
    fix("use-target-port", { real: String(meant) }, [setTargetPort(service, at, meant)]),
  );
}

/** The only port that is open, the one a slip away, or the only one that no other port of the Service leads to. */
export function meantPort({ port, listening, object }: Refusal, service: Service, at: number): number | undefined {
  if (listening.length === 1) return listening[0];
  const near = nearestPort(port, listening);
  if (near !== undefined) return near;
  const taken = targetsBeside(service, at, object);
  const left = listening.filter((each) => !taken.includes(each));
  return left.length === 1 ? left[0] : undefined;
}

/** Port numbers that the other ports of the Service lead to. */
const targetsBeside = (service: Service, at: number, pod: Pod | undefined): number[] =>
  (service.spec.ports ?? []).flatMap(({ port, targetPort = port }, each) => {
    if (each === at) return [];
    if (typeof targetPort === "number") return [targetPort];
    return pod === undefined ? [] : containerPorts(pod).flatMap(({ name, port: number }) => (name === targetPort ? [number] : []));
  });

/** What is spoken at a port of a pod, where it is not what was asked for; `undefined` where nothing listens at all. */
export function protocolOfListener(pod: { namespace: string; name: string }, port: number, { machines }: Facts): Protocol | undefined {
  return machines.listeners(pod).find((each) => each.port === port)?.protocol;
}

const setTargetPort = (service: Service, at: number, value: number | string) =>
  jsonPatch(service, [{ op: "add", path: `/spec/ports/${at}/targetPort`, value }]);

/** Ports of the Service at which none of the pods listens. */
export function closedPorts(service: Service, pods: readonly Pod[], facts: Facts): Finding[] {
  const [pod] = pods;
  if (pod === undefined) return [];
  const { namespace, name } = pod.metadata;
  return (service.spec.ports ?? []).flatMap(({ port, targetPort = port, protocol = "TCP" }, at) => {
    const listening = facts.machines.listeners({ namespace, name }).filter((each) => each.protocol === protocol);
    const wanted = typeof targetPort === "string" ? declared(pod, targetPort, protocol as Protocol)?.port : targetPort;
    if (wanted === undefined || listening.some((each) => each.port === wanted)) return [];
    return [closedTargetPort({ pod: refTo(pod), port: wanted, listening: listening.map((each) => each.port), object: pod }, service, at)];
  });
}

/** The named targetPort of a Service port that no container port of the pod answers to; `undefined` where one does. */
export function unknownPortName(service: Service, at: number, pod: Pod, facts: Facts): Finding | undefined {
  const { targetPort: port, protocol = "TCP" } = service.spec.ports?.[at] ?? ({} as ServicePort);
  if (typeof port !== "string" || declared(pod, port, protocol as Protocol) !== undefined) return undefined;
  const svc = service.metadata.name;
  const because = [refTo(service, `spec.ports[${at}].targetPort`), refTo(pod, "spec.containers[].ports")];
  const source = sourceOf(pod, facts.reader);
  const spoken = containerPorts(pod).find(({ name }) => name === port);
  if (spoken !== undefined) {
    const params = { svc, port, wants: protocol, pod: pod.metadata.name, has: spoken.protocol };
    const repair = fix("speak-protocol", { port, protocol }, editSpec(source, "add", `${spoken.path}/protocol`, protocol));
    return finding("target-port-protocol", params, because, repair);
  }
  return finding(
    "target-port-name-unknown",
    { svc, port, pod: pod.metadata.name },
    because,
    nameRepair(service, at, port, pod, source, facts),
  );
}

/** Says the name as the container has it; or names the container's port, where others know it by that name too. */
function nameRepair(service: Service, at: number, port: string, pod: Pod, source: PodSource, facts: Facts): Finding["fix"] {
  const protocol = service.spec.ports?.[at]?.protocol ?? "TCP";
  const ports = containerPorts(pod).filter((each) => each.protocol === protocol);
  const near = nearest(
    port,
    ports.flatMap(({ name }) => name ?? []),
  );
  const taken = targetsBeside(service, at, pod);
  const unnamed = ports.filter(({ name, port: number }) => name === undefined && !taken.includes(number));
  const meant = near === undefined ? (unnamed.length === 1 ? unnamed[0] : undefined) : ports.find(({ name }) => name === near);
  if (meant !== undefined && source.path !== "" && isKnownByName(port, service, facts)) {
    return fix("name-container-port", { port, number: meant.port }, editSpec(source, "add", `${meant.path}/name`, port));
  }
  if (near !== undefined) return fix("use-target-port", { real: near }, [setTargetPort(service, at, near)]);
  const { namespace, name } = pod.metadata;
  const open = facts.machines.listeners({ namespace, name }).filter((each) => each.protocol === protocol);
  const only = meant?.port ?? (open.length === 1 ? open[0]?.port : undefined);
  if (only === undefined) return fix("name-the-port", { port });
  return fix("use-target-port", { real: String(only) }, [setTargetPort(service, at, only)]);
}

/** Policies and other Services name the port as this Service does, so the container is what differs. */
function isKnownByName(port: string, service: Service, { reader }: Facts): boolean {
  const { namespace, name } = service.metadata;
  const inPolicy = reader
    .list("networkpolicies.networking.k8s.io", namespace)
    .some(({ spec }) =>
      [...(spec?.ingress ?? []), ...(spec?.egress ?? [])].some((rule: { ports?: { port?: unknown }[] }) =>
        rule.ports?.some((each) => each.port === port),
      ),
    );
  const inService = reader
    .list<Service>("services", namespace)
    .some(({ metadata, spec }) => metadata.name !== name && spec.ports?.some(({ targetPort }) => targetPort === port));
  return inPolicy || inService;
}

interface ContainerPort {
  name: string | undefined;
  port: number;
  protocol: string;
  /** Below the pod's spec. */
  path: string;
}

export const containerPorts = (pod: Pod): ContainerPort[] =>
  pod.spec.containers.flatMap(({ ports = [] }, container) =>
    ports.map(({ name, containerPort, protocol = "TCP" }, at) => ({
      name,
      port: containerPort,
      protocol,
      path: `/containers/${container}/ports/${at}`,
    })),
  );

const declared = (pod: Pod, portName: string, protocol: Protocol): ContainerPort | undefined =>
  containerPorts(pod).find(({ name, protocol: spoken }) => name === portName && spoken === protocol);
