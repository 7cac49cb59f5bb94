/**
 * Where NetworkPolicies stop a packet: when it leaves a pod, with the destination it has after the Service rules, and
 * when it reaches one, with the source that the pod would see. Nothing is checked between a pod and itself, between a
 * pod and its own node, or for pods in their node's network. Replies belong to their connection and always pass.
 */
import type { Reader } from "../api/controller.ts";
import type { ObjectRef } from "../api/network.ts";
import type { KubeObject, Pod } from "../api/objects.ts";
import type { AddressBook } from "./address-book.ts";
import type { ArrivingPacket } from "./arrival.ts";
import { endpointText, podPlace } from "./endpoint-text.ts";
import { type Direction, isolating, type JudgedPacket, lets, type NetworkPolicy, type OtherSide } from "./network-policy.ts";
import type { Cause, HopDraft } from "./way.ts";

export interface PolicyJudgement {
  allowed: boolean;
  /** The pod's place. */
  at: string;
  hop(): HopDraft;
  cause: Cause;
  objects: ObjectRef[];
}

interface CheckContext {
  reader: Reader;
  book: AddressBook;
}

const resource = "networkpolicies.networking.k8s.io";

/** What the policies of the sending pod say; `undefined` where none of them is asked. */
export function checkEgress(packet: ArrivingPacket, context: CheckContext): PolicyJudgement | undefined {
  const { pod } = packet.origin;
  if (pod === undefined) return undefined;
  const to = context.book.ownerOf(packet.dst);
  if (to?.kind === "pod" && isSame(to.pod, pod)) return undefined;
  if (to?.kind === "node" && to.node.metadata.name === pod.spec.nodeName) return undefined;
  return judge(pod, "Egress", packet.dst, packet, context);
}

/** What the policies of the receiving pod say; `undefined` where none of them is asked. */
export function checkIngress(pod: Pod, packet: ArrivingPacket, context: CheckContext): PolicyJudgement | undefined {
  const { origin } = packet;
  if (origin.enters === "process" && origin.node === pod.spec.nodeName) return undefined;
  if (origin.pod !== undefined && isSame(origin.pod, pod)) return undefined;
  return judge(pod, "Ingress", packet.src, packet, context);
}

function judge(
  pod: Pod,
  direction: Direction,
  ip: string,
  packet: ArrivingPacket,
  { reader, book }: CheckContext,
): PolicyJudgement | undefined {
  const { namespace, name } = pod.metadata;
  if (pod.spec.hostNetwork) return undefined;
  const policies = isolating(reader.list<NetworkPolicy>(resource, namespace), pod, direction);
  if (policies.length === 0) return undefined;
  const judged = judgedPacket(direction, ip, packet, { reader, book });
  const allowing = policies.filter((policy) => lets(policy, judged));
  const told = allowing.length > 0 ? allowing : policies;
  const objects = told.map((policy) => refToRules(policy, direction));
  const peer = judged.other.pod === undefined ? ip : `${judged.other.pod.metadata.namespace}/${judged.other.pod.metadata.name}`;
  const params = { pod: name, namespace, peer, ip, port: packet.port ?? 0, protocol: packet.protocol };
  return {
    allowed: allowing.length > 0,
    objects,
    cause: { code: `policy-${direction === "Ingress" ? "ingress" : "egress"}`, params },
    at: podPlace(pod),
    hop: () => ({
      at: podPlace(pod),
      does: "match",
      code: allowing.length > 0 ? "policy-allows" : "policy-drops",
      params: { ...params, direction: direction.toLowerCase(), policies: told.map(({ metadata }) => metadata.name).join(", ") },
      objects,
      src: endpointText(packet.src, packet.sourcePort),
      dst: endpointText(packet.dst, packet.port),
    }),
  };
}

/** The packet as the policies of one of its two pods see it. @param ip the address of the other side */
export function judgedPacket(
  direction: Direction,
  ip: string,
  { protocol, port, dst }: Pick<ArrivingPacket, "protocol" | "port" | "dst">,
  { reader, book }: CheckContext,
): JudgedPacket {
  const destination = book.ownerOf(dst);
  return {
    direction,
    other: otherSide(ip, { reader, book }),
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(destination?.kind === "pod" ? { destination: destination.pod } : {}),
  };
}

function otherSide(ip: string, { reader, book }: CheckContext): OtherSide {
  const owner = book.ownerOf(ip);
  if (owner?.kind !== "pod") return { ip };
  const namespace = reader.get<KubeObject>("namespaces", undefined, owner.pod.metadata.namespace);
  return { ip, pod: owner.pod, namespaceLabels: namespace?.metadata.labels ?? {} };
}

export const refToRules = ({ apiVersion, kind, metadata: { namespace, name } }: NetworkPolicy, direction: Direction): ObjectRef => ({
  apiVersion,
  kind,
  ...(namespace === undefined ? {} : { namespace }),
  name,
  field: direction === "Ingress" ? "spec.ingress" : "spec.egress",
});

const isSame = (a: Pod, b: Pod): boolean => a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;
