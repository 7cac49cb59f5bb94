/**
 * Why NetworkPolicies stop a packet: which of them isolate the pod, what the rule that comes nearest lacks, and the
 * smallest addition that lets this packet through. Never offered: taking a policy away, or a rule for everything.
 */
import type { LabelSelector, Labels } from "../api/label-selector.ts";
import type { Protocol } from "../api/network.ts";
import type { KubeObject, Pod } from "../api/objects.ts";
import { AddressBook, addressesOfPod } from "../network/address-book.ts";
import {
  type Direction,
  hasPeer,
  hasPort,
  isolating,
  isPeer,
  type JudgedPacket,
  lets,
  type NetworkPolicy,
  type OtherSide,
  type PolicyPeer,
  type PolicyRule,
  peersOf,
  rulesOf,
} from "../network/network-policy.ts";
import { judgedPacket, refToRules } from "../network/policy-check.ts";
import { type Facts, refTo } from "./facts.ts";
import { labelSlip } from "./label-slip.ts";
import { nearest } from "./near.ts";
import { jsonPatch } from "./patches.ts";
import { type Finding, finding, fix } from "./why.ts";

/** What the network said about the packet that a policy stopped. */
export interface StoppedPacket {
  direction: Direction;
  namespace: string;
  pod: string;
  /** Address of the other side. */
  ip: string;
  port: number;
  protocol: Protocol;
}

export const stoppedPacket = (direction: Direction, params: Record<string, unknown>): StoppedPacket => ({
  direction,
  namespace: String(params["namespace"] ?? ""),
  pod: String(params["pod"] ?? ""),
  ip: String(params["ip"] ?? ""),
  port: Number(params["port"] ?? 0),
  protocol: String(params["protocol"] ?? "TCP") as Protocol,
});

/** The policies in the way of one packet: those of the pod that stopped it, then those that would stop it at the other pod. */
export function stoppedByPolicies(stopped: StoppedPacket, facts: Facts): Finding[] {
  const book = AddressBook.of(facts.reader);
  const here = oneSide(stopped, book, facts);
  const other = book.ownerOf(stopped.ip);
  const pod = facts.reader.get<Pod>("pods", stopped.namespace, stopped.pod);
  const [source] = pod === undefined ? [] : addressesOfPod(pod);
  if (stopped.direction === "Ingress" || other?.kind !== "pod" || source === undefined) return here;
  const { namespace, name } = other.pod.metadata;
  return [...here, ...oneSide({ ...stopped, direction: "Ingress", namespace, pod: name, ip: source }, book, facts)];
}

/** The pod that the packet was to reach; `undefined` where that is none. */
export function destinationOf({ direction, namespace, pod, ip }: StoppedPacket, { reader }: Facts): Pod | undefined {
  if (direction === "Ingress") return reader.get<Pod>("pods", namespace, pod);
  const owner = AddressBook.of(reader).ownerOf(ip);
  return owner?.kind === "pod" ? owner.pod : undefined;
}

function oneSide({ direction, namespace, pod: name, ip, port, protocol }: StoppedPacket, book: AddressBook, { reader }: Facts): Finding[] {
  const pod = reader.get<Pod>("pods", namespace, name);
  if (pod === undefined) return [];
  const policies = isolating(reader.list<NetworkPolicy>("networkpolicies.networking.k8s.io", namespace), pod, direction);
  const dst = direction === "Egress" ? ip : (addressesOfPod(pod)[0] ?? "");
  const packet = judgedPacket(direction, ip, { protocol, port: protocol === "ICMP" ? undefined : port, dst }, { reader, book });
  if (policies.length === 0 || policies.some((policy) => lets(policy, packet))) return [];
  const [repair] = policies.flatMap((policy) => repairsOf(policy, packet, reader.list<Pod>("pods"))).sort((a, b) => a.size - b.size);
  const params = {
    policies: policies.map(({ metadata }) => metadata.name).join(", "),
    n: policies.length,
    pod: name,
    peer: nameOf(packet.other),
    port: portText(packet),
    lacks: repair?.lacks ?? "rule",
  };
  const because = [refTo(pod), ...policies.map((policy) => refToRules(policy, direction))];
  const code = direction === "Ingress" ? "policy-ingress" : "policy-egress";
  return [finding(code, params, because, repair?.fix ?? fix("check-policy", { policy: params.policies }))];
}

/** What a policy lacks to let a packet through: its own rules nearly have it, or none does. */
export type Lacks = "rule" | "peer" | "port" | "both" | "spelling";

interface Repair {
  /** The smaller, the nearer to what the policy says already. */
  size: number;
  lacks: Lacks;
  fix: Finding["fix"];
}

function repairsOf(policy: NetworkPolicy, packet: JudgedPacket, pods: readonly Pod[]): Repair[] {
  const rules = rulesOf(policy, packet.direction);
  return [...rules.flatMap((rule, at) => repairsOfRule(policy, rule, at, packet, pods)), newRule(policy, packet, rules.length)];
}

function repairsOfRule(policy: NetworkPolicy, rule: PolicyRule, at: number, packet: JudgedPacket, pods: readonly Pod[]): Repair[] {
  const path = `/spec/${listOf(packet.direction)}/${at}`;
  const name = policy.metadata.name;
  if (hasPeer(rule, policy, packet)) {
    if (packet.port === undefined) return [{ size: 1, lacks: "port", fix: fix("policy-knows-no-icmp", { policy: name }) }];
    const slip = portSlip(rule, packet);
    if (slip !== undefined) {
      const patches = [jsonPatch(policy, [{ op: "replace", path: `${path}/ports/${slip.at}/port`, value: slip.near }])];
      return [{ size: 0, lacks: "spelling", fix: fix("correct-policy", { policy: name, wrong: slip.wrong, near: slip.near }, patches) }];
    }
    const patches = [jsonPatch(policy, [{ op: "add", path: `${path}/ports/-`, value: portOf(packet) }])];
    return [{ size: 1, lacks: "port", fix: fix("allow-in-policy", { policy: name, what: portText(packet) }, patches) }];
  }
  if (!hasPort(rule, packet)) return [];
  const slip = peerSlip(policy, rule, packet, pods);
  if (slip !== undefined) {
    const { wrong, near } = slip;
    const patches = [jsonPatch(policy, slip.edits(`${path}/${sideOf(packet.direction)}`))];
    return [{ size: 0, lacks: "spelling", fix: fix("correct-policy", { policy: name, wrong, near }, patches) }];
  }
  const peer = peerFor(policy, packet.other);
  const patches = [jsonPatch(policy, [{ op: "add", path: `${path}/${sideOf(packet.direction)}/-`, value: peer }])];
  return [{ size: 2, lacks: "peer", fix: fix("allow-in-policy", { policy: name, what: peerText(peer, packet.other) }, patches) }];
}

function newRule(policy: NetworkPolicy, packet: JudgedPacket, rules: number): Repair {
  const lacks: Lacks = rules === 0 ? "rule" : "both";
  const { name } = policy.metadata;
  if (packet.port === undefined) return { size: 3, lacks, fix: fix("policy-knows-no-icmp", { policy: name }) };
  const peer = peerFor(policy, packet.other);
  const rule = { [sideOf(packet.direction)]: [peer], ports: [portOf(packet)] };
  const list = listOf(packet.direction);
  const edit =
    policy.spec[list] === undefined
      ? { op: "add", path: `/spec/${list}`, value: [rule] }
      : { op: "add", path: `/spec/${list}/-`, value: rule };
  const what = `${peerText(peer, packet.other)}, ${portText(packet)}`;
  return { size: 3, lacks, fix: fix("allow-in-policy", { policy: name, what }, [jsonPatch(policy, [edit])]) };
}

/** A named port that the destination nearly has. */
function portSlip({ ports = [] }: PolicyRule, packet: JudgedPacket): { at: number; wrong: string; near: string } | undefined {
  const declared = (packet.destination?.spec.containers ?? [])
    .flatMap(({ ports: all = [] }) => all)
    .filter(
      ({ name, containerPort, protocol = "TCP" }) => name !== undefined && containerPort === packet.port && protocol === packet.protocol,
    )
    .map(({ name }) => name as string);
  for (const [at, { port, protocol = "TCP" }] of ports.entries()) {
    const near = typeof port === "string" && protocol === packet.protocol ? nearest(port, declared) : undefined;
    if (near !== undefined) return { at, wrong: String(port), near };
  }
  return undefined;
}

interface PeerSlip {
  wrong: string;
  near: string;
  edits(path: string): object[];
}

/** A label of a peer that is spelled nearly as the other side's; only where no pod is meant by the spelling that stands there. */
function peerSlip(policy: NetworkPolicy, rule: PolicyRule, packet: JudgedPacket, pods: readonly Pod[]): PeerSlip | undefined {
  const { other } = packet;
  if (other.pod === undefined) return undefined;
  for (const [at, peer] of peersOf(rule, packet.direction).entries()) {
    for (const selector of ["podSelector", "namespaceSelector"] as const) {
      const labels: Labels = selector === "podSelector" ? other.pod.metadata.labels : other.namespaceLabels;
      const slip = labelSlip(peer[selector]?.matchLabels, labels);
      if (slip === undefined || !isPeer(withLabels(peer, selector, slip.corrected), policy.metadata.namespace, other)) continue;
      if (
        selector === "podSelector" &&
        pods.some((pod) => isPeer({ podSelector: peer.podSelector! }, pod.metadata.namespace, { ip: "", pod }))
      )
        continue;
      return {
        wrong: slip.wrong,
        near: slip.near,
        edits: (path) => [{ op: "replace", path: `${path}/${at}/${selector}/matchLabels`, value: slip.corrected }],
      };
    }
  }
  return undefined;
}

const withLabels = (peer: PolicyPeer, selector: "podSelector" | "namespaceSelector", matchLabels: Record<string, string>): PolicyPeer => ({
  ...peer,
  [selector]: { ...peer[selector], matchLabels } satisfies LabelSelector,
});

/** The labels that a pod keeps when its workload makes a new one; where it has none, only its address can be named. */
function peerFor(policy: NetworkPolicy, { ip, pod }: OtherSide): PolicyPeer {
  const matchLabels = lastingLabels(pod);
  if (pod === undefined || Object.keys(matchLabels).length === 0) return { ipBlock: { cidr: `${ip}/${ip.includes(":") ? 128 : 32}` } };
  const { namespace } = pod.metadata;
  if (namespace === policy.metadata.namespace) return { podSelector: { matchLabels } };
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } }, podSelector: { matchLabels } };
}

const madeByControllers =
  /^(pod-template-hash|controller-revision-hash|pod-template-generation|statefulset\.|apps\.|batch\.|job-name|controller-uid)/;

const lastingLabels = (pod: KubeObject | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(pod?.metadata.labels ?? {}).filter(([key]) => !madeByControllers.test(key)));

const portOf = ({ protocol, port }: JudgedPacket): object => ({ protocol, port });

/** `TCP port 80`; ICMP has none. */
const portText = ({ protocol, port }: JudgedPacket): string => (port === undefined ? protocol : `${protocol} port ${port}`);

const nameOf = ({ ip, pod }: OtherSide): string => (pod === undefined ? ip : `${pod.metadata.namespace}/${pod.metadata.name}`);

function peerText({ podSelector, ipBlock }: PolicyPeer, other: OtherSide): string {
  if (ipBlock !== undefined) return ipBlock.cidr;
  const labels = Object.entries(podSelector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return `${labels.join(",")} (${other.pod?.metadata.namespace})`;
}

const listOf = (direction: Direction): "ingress" | "egress" => (direction === "Ingress" ? "ingress" : "egress");
const sideOf = (direction: Direction): "from" | "to" => (direction === "Ingress" ? "from" : "to");
