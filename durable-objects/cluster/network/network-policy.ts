/**
 * What NetworkPolicies say about one packet: which of them isolate a pod in a direction, and whether one lets it through.
 *
 * Pure: objects in, a judgement out. Where on the way it is asked is `policy-check.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
import { parseCIDR } from "../api/ip-address.ts";
import { type LabelSelector, type Labels, matchesLabelSelector } from "../api/label-selector.ts";
import type { Protocol } from "../api/network.ts";
import type { KubeObject, Pod } from "../api/objects.ts";
import { contains } from "./address-book.ts";

export type Direction = "Ingress" | "Egress";

export interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

export interface PolicyPeer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr: string; except?: string[] };
}

/** An absent or empty list of ports or peers stands for all of them. */
export interface PolicyRule {
  ports?: PolicyPort[];
  from?: PolicyPeer[];
  to?: PolicyPeer[];
}

export interface NetworkPolicy extends KubeObject {
  spec: { podSelector?: LabelSelector; ingress?: PolicyRule[]; egress?: PolicyRule[]; policyTypes?: string[] };
}

/** The other side of an isolated pod, as its address tells: a pod of the pod network, or just an address. */
export interface OtherSide {
  ip: string;
  pod?: Pod;
  /** Of the pod's namespace. */
  namespaceLabels?: Labels;
}

export interface JudgedPacket {
  direction: Direction;
  other: OtherSide;
  protocol: Protocol;
  /** At the destination, all rewriting done; absent for ICMP. */
  port?: number;
  /** The pod at the destination, whose container ports give named ports their numbers. */
  destination?: Pod;
}

/** The policies of a pod's namespace that select it in a direction; none: everything may pass. */
export const isolating = (policies: readonly NetworkPolicy[], pod: Pod, direction: Direction): NetworkPolicy[] =>
  policies.filter(
    (policy) => directionsOf(policy).includes(direction) && matchesLabelSelector(policy.spec?.podSelector ?? {}, pod.metadata.labels),
  );

/** What `policyTypes` says; without it Ingress, and Egress where the policy has egress rules. */
export function directionsOf({ spec }: NetworkPolicy): string[] {
  if (spec?.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes;
  return (spec?.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

export const rulesOf = ({ spec }: NetworkPolicy, direction: Direction): readonly PolicyRule[] =>
  (direction === "Ingress" ? spec?.ingress : spec?.egress) ?? [];

export const peersOf = (rule: PolicyRule, direction: Direction): readonly PolicyPeer[] =>
  (direction === "Ingress" ? rule.from : rule.to) ?? [];

/** True where one rule of the policy has both the other side and the port. */
export const lets = (policy: NetworkPolicy, packet: JudgedPacket): boolean =>
  rulesOf(policy, packet.direction).some((rule) => hasPeer(rule, policy, packet) && hasPort(rule, packet));

export function hasPeer(rule: PolicyRule, policy: NetworkPolicy, { direction, other }: JudgedPacket): boolean {
  const peers = peersOf(rule, direction);
  return peers.length === 0 || peers.some((peer) => isPeer(peer, policy.metadata.namespace, other));
}

export function isPeer({ ipBlock, podSelector, namespaceSelector }: PolicyPeer, namespace: string | undefined, other: OtherSide): boolean {
  if (ipBlock !== undefined) return isIn(ipBlock.cidr, other.ip) && !(ipBlock.except ?? []).some((range) => isIn(range, other.ip));
  if (other.pod === undefined) return false;
  const inNamespace =
    namespaceSelector === undefined
      ? other.pod.metadata.namespace === namespace
      : matchesLabelSelector(namespaceSelector, other.namespaceLabels);
  return inNamespace && (podSelector === undefined || matchesLabelSelector(podSelector, other.pod.metadata.labels));
}

export function hasPort({ ports = [] }: PolicyRule, packet: JudgedPacket): boolean {
  return ports.length === 0 || ports.some((each) => isPort(each, packet));
}

/** A packet without a port (ICMP) is none of those that a list of ports can name. */
function isPort({ protocol = "TCP", port, endPort }: PolicyPort, packet: JudgedPacket): boolean {
  if (protocol !== packet.protocol) return false;
  if (port === undefined) return true;
  if (packet.port === undefined) return false;
  if (typeof port === "number") return packet.port >= port && packet.port <= (endPort ?? port);
  return namedPorts(packet.destination, port, protocol).includes(packet.port);
}

function namedPorts(pod: Pod | undefined, portName: string, protocol: string): number[] {
  if (pod === undefined) return [];
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...pod.spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports
      .filter(({ name, protocol: spoken = "TCP" }) => name === portName && spoken === protocol)
      .map(({ containerPort }) => containerPort),
  );
}

function isIn(text: string, ip: string): boolean {
  const range = parseCIDR(text);
  return range !== undefined && contains(range, ip);
}
