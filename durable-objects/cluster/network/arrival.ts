/**
 * What happens where a packet arrives: a process takes it, or the machine refuses it.
 *
 * Ports are looked up among processes, never among rules: node ports have been rewritten before a packet gets here.
 */
import type { Reader } from "../api/controller.ts";
import type { IPFamily } from "../api/ip-address.ts";
import type { Machines, ObjectRef, Protocol, Route } from "../api/network.ts";
import type { Pod } from "../api/objects.ts";
import type { OutsideMachine } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import type { HealthCheck } from "../kube-proxy/health-check.ts";
import type { AddressBook } from "./address-book.ts";
import { endpointText, nodePlace, outsidePlace, podPlace } from "./endpoint-text.ts";
import { nodeListeners } from "./node-machine.ts";
import type { Origin } from "./origin.ts";
import type { End, HopDraft, Way } from "./way.ts";

/** How a packet came to its end, without the way to it. */
export type Ending = Pick<Way, "verdict" | "end" | "cause" | "rule" | "icmp"> & {
  at?: string;
  objects?: readonly ObjectRef[];
  /** Made only for those who want the story. */
  hop?(): HopDraft;
};

export interface ArrivalContext {
  reader: Reader;
  machines: Machines;
  options: SandboxOptions;
  book: AddressBook;
  kubeProxy: { healthChecksOf(node: string, family: IPFamily): HealthCheck[] };
}

/** A packet at the end of its way, all rewriting done. */
export interface ArrivingPacket {
  origin: Origin;
  family: IPFamily;
  protocol: Protocol;
  src: string;
  sourcePort: number | undefined;
  dst: string;
  port: number | undefined;
}

/** @param local it came from the pod itself, without passing any rule */
export function arriveAtPod(pod: Pod, packet: ArrivingPacket, context: ArrivalContext, local = false): Ending {
  const { namespace, name } = pod.metadata;
  const listeners = context.machines.listeners({ namespace, name }).filter(({ protocol }) => protocol === packet.protocol);
  const listener = listeners.find(({ port }) => port === packet.port);
  if (packet.protocol !== "ICMP" && listener === undefined) {
    const listening = listeners.map(({ port }) => String(port));
    return { ...refusedBy(name, listening, packet), at: podPlace(pod), objects: [podRef(pod)] };
  }
  const end: End = { place: podPlace(pod), backend: backendOf(packet, pod), pod, ...(listener === undefined ? {} : { listener }) };
  return delivered(end, packet, () => ({
    code: local ? "delivered-locally" : "delivered-to-pod",
    params: { pod: name, node: pod.spec.nodeName ?? "", port: packet.port ?? 0, source: packet.src, protocol: packet.protocol },
    objects: [podRef(pod)],
  }));
}

export function arriveAtNode(node: string, packet: ArrivingPacket, context: ArrivalContext): Ending {
  const found = nodeListeners(node, {
    machines: context.machines,
    options: context.options,
    hostPodsOf: (name) => context.book.hostPodsOf(name),
    healthChecksOf: (name) => context.kubeProxy.healthChecksOf(name, packet.family),
  }).find(({ listener }) => listener.protocol === packet.protocol && listener.port === packet.port);
  if (packet.protocol !== "ICMP" && found === undefined) {
    const params = { node, port: packet.port ?? 0, protocol: packet.protocol };
    return { verdict: "refused", cause: { code: "nothing-listens-on-node", params }, icmp: refusal(packet), objects: [nodeRef(node)] };
  }
  const end: End = { place: nodePlace(node), backend: { ...backendOf(packet, found?.pod), node }, ...found };
  const params = { node, port: packet.port ?? 0, source: packet.src, protocol: packet.protocol };
  return delivered(end, packet, () => ({ code: "delivered-to-node", params, objects: [nodeRef(node)] }));
}

export function arriveOutside(machine: OutsideMachine, packet: ArrivingPacket): Ending {
  const { protocol, dst: ip, port = 0 } = packet;
  const place = outsidePlace(ip);
  if (protocol !== "ICMP" && !(protocol === "TCP" && machine.tcp.includes(port))) {
    return {
      verdict: "refused",
      cause: { code: "nothing-listens-outside", params: { ip, port, protocol } },
      icmp: refusal(packet),
      at: place,
    };
  }
  const params = { ip, port, source: packet.src, protocol };
  const end: End = { place, backend: backendOf(packet, undefined), machine };
  return delivered(end, packet, () => ({ code: "delivered-outside", params, objects: [] }));
}

/** Nothing listens: in a pod, or (without a name) at a client that has no processes at all. */
export function refusedBy(pod: string, listening: string[], packet: Pick<ArrivingPacket, "protocol" | "port">): Ending {
  const params = { pod, port: packet.port ?? 0, protocol: packet.protocol, listening };
  return { verdict: "refused", cause: { code: "nothing-listens", params }, icmp: refusal(packet) };
}

function delivered(end: End, packet: ArrivingPacket, told: () => Pick<HopDraft, "code" | "params" | "objects">): Ending {
  const src = (): string => endpointText(packet.src, packet.sourcePort);
  const hop = (): HopDraft => ({ at: end.place, does: "deliver", ...told(), src: src(), dst: endpointText(packet.dst, packet.port) });
  return { verdict: "delivered", end, hop };
}

const refusal = ({ protocol }: Pick<ArrivingPacket, "protocol">): NonNullable<Route["icmp"]> =>
  protocol === "TCP" ? "tcp-reset" : "port-unreachable";

function backendOf({ dst, port = 0 }: ArrivingPacket, pod: Pod | undefined): End["backend"] {
  if (pod === undefined) return { ip: dst, port };
  const node = pod.spec.nodeName;
  return { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, ip: dst, port, ...(node ? { node } : {}) };
}

export const nodeRef = (name: string): ObjectRef => ({ apiVersion: "v1", kind: "Node", name });

export const podRef = ({ metadata: { namespace, name } }: Pod): ObjectRef => ({ apiVersion: "v1", kind: "Pod", namespace, name });
