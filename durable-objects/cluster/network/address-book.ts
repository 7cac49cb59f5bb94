/**
 * Who owns an address inside the cluster: pods, nodes, and the ranges that nodes hand out to pods.
 *
 * Knows machines only. The address of a Service belongs to no machine and is never found here; what happens to it is
 * decided by rules. Kept up to date change by change.
 */
import type { Change } from "../api/change-tracker.ts";
import type { Reader } from "../api/controller.ts";
import { type CIDR, formatIP, type IPAddress, type IPFamily, parseCIDR, parseIP } from "../api/ip-address.ts";
import { keyOf, type Node, type Pod } from "../api/objects.ts";

export type Owner =
  | { kind: "pod"; pod: Pod }
  | { kind: "node"; node: Node }
  /** An address of a node's pod range that no pod has. */
  | { kind: "unused-pod-address"; node: Node };

/** A port of a node that a pod has asked for with `hostPort`. */
interface HostPort {
  pod: Pod;
  /** Addresses of the node that it is open on; absent: all. */
  hostIP: string | undefined;
  hostPort: number;
  containerPort: number;
  protocol: string;
}

export class AddressBook {
  readonly #pods = new Map<string, Pod>();
  readonly #nodes = new Map<string, Node>();
  /** By node, in the order of names. */
  #ranges: { range: CIDR; node: Node }[] = [];
  /** By node, then by pod. */
  readonly #hostPods = new Map<string, Map<string, Pod>>();
  readonly #hostPorts = new Map<string, Map<string, HostPort[]>>();

  /** The machines there are now. */
  static of(reader: Reader): AddressBook {
    const book = new AddressBook();
    for (const after of reader.list<Node>("nodes")) book.applyNode({ before: undefined, after });
    for (const after of reader.list<Pod>("pods")) book.applyPod({ before: undefined, after });
    return book;
  }

  applyNode({ before, after }: Change<Node>): void {
    for (const ip of before === undefined ? [] : addressesOfNode(before)) this.#nodes.delete(ip);
    for (const ip of after === undefined ? [] : addressesOfNode(after)) this.#nodes.set(ip, after!);
    const name = (after ?? before)?.metadata.name;
    const others = this.#ranges.filter(({ node }) => node.metadata.name !== name);
    const own = after === undefined ? [] : rangesOf(after).map((range) => ({ range, node: after }));
    this.#ranges = [...others, ...own].sort((a, b) => (a.node.metadata.name < b.node.metadata.name ? -1 : 1));
  }

  applyPod({ before, after }: Change<Pod>): void {
    if (before !== undefined) this.#strike(before);
    if (after !== undefined && holdsItsAddress(after)) this.#enter(after);
  }

  ownerOf(ip: string): Owner | undefined {
    const pod = this.#pods.get(ip);
    if (pod !== undefined) return { kind: "pod", pod };
    const node = this.#nodes.get(ip);
    if (node !== undefined) return { kind: "node", node };
    const address = parseIP(ip);
    const inside = address && this.#ranges.find(({ range }) => holds(range, address));
    return inside === undefined ? undefined : { kind: "unused-pod-address", node: inside.node };
  }

  /** Pods that run in a node's own network, in key order. */
  hostPodsOf(node: string): readonly Pod[] {
    return inKeyOrder(this.#hostPods.get(node));
  }

  /** Where a node's port leads that a pod has asked for with `hostPort`; `undefined` where none has. */
  hostPortAt(
    node: string,
    { ip, port, protocol, family }: { ip: string; port: number | undefined; protocol: string; family: IPFamily },
  ): { pod: Pod; ip: string; port: number } | undefined {
    const taken = inKeyOrder(this.#hostPorts.get(node))
      .flat()
      .find((each) => each.hostPort === port && each.protocol === protocol && (each.hostIP === undefined || each.hostIP === ip));
    const to = taken && addressOfFamily(addressesOfPod(taken.pod), family);
    return to === undefined ? undefined : { pod: taken!.pod, ip: to, port: taken!.containerPort };
  }

  /** The highest address of the node's pod range that no pod has; `undefined` where the node has no range of that family. */
  unusedAddressOf(node: string, family: IPFamily): string | undefined {
    const own = this.#ranges.find(({ range, node: of }) => of.metadata.name === node && range.family === family)?.range;
    if (own === undefined) return undefined;
    const last = family === "IPv4" ? own.last - 1n : own.last;
    for (let value = last; value > own.first; value -= 1n) {
      const ip = formatIP({ family, value });
      if (!this.#pods.has(ip)) return ip;
    }
    return undefined;
  }

  #enter(pod: Pod): void {
    const node = pod.spec.nodeName ?? "";
    if (pod.spec.hostNetwork) {
      underNode(this.#hostPods, node).set(keyOf(pod), pod);
      return;
    }
    for (const ip of addressesOfPod(pod)) this.#pods.set(ip, pod);
    const asked = hostPortsOf(pod);
    if (asked.length > 0) underNode(this.#hostPorts, node).set(keyOf(pod), asked);
  }

  /** An address that another pod has taken over by now stays with that one. */
  #strike(pod: Pod): void {
    const key = keyOf(pod);
    const node = pod.spec.nodeName ?? "";
    this.#hostPods.get(node)?.delete(key);
    this.#hostPorts.get(node)?.delete(key);
    for (const ip of addressesOfPod(pod)) {
      const holder = this.#pods.get(ip);
      if (holder !== undefined && keyOf(holder) === key) this.#pods.delete(ip);
    }
  }
}

function underNode<T>(of: Map<string, Map<string, T>>, node: string): Map<string, T> {
  const there = of.get(node) ?? new Map<string, T>();
  of.set(node, there);
  return there;
}

const inKeyOrder = <T>(of: ReadonlyMap<string, T> | undefined): T[] =>
  of === undefined || of.size === 0 ? [] : [...of].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);

/** A finished pod has given its address back. */
const holdsItsAddress = (pod: Pod): boolean => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";

const hostPortsOf = (pod: Pod): HostPort[] =>
  pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP, containerPort, protocol = "TCP" }) => {
      if (hostPort === undefined) return [];
      const anywhere = hostIP === undefined || hostIP === "" || hostIP === "0.0.0.0" || hostIP === "::";
      return [{ pod, hostIP: anywhere ? undefined : canonical(hostIP), hostPort, containerPort, protocol }];
    }),
  );

/** In their one spelling. Objects never change, so an answer holds as long as its object. */
export function addressesOfPod(pod: Pod): readonly string[] {
  let known = ofPods.get(pod);
  if (known === undefined) {
    const all = pod.status?.podIPs?.flatMap(({ ip }) => (ip === undefined ? [] : [canonical(ip)])) ?? [];
    const first = pod.status?.podIP;
    known = all.length > 0 || first === undefined ? all : [canonical(first)];
    ofPods.set(pod, known);
  }
  return known;
}
const ofPods = new WeakMap<Pod, readonly string[]>();

export function addressesOfNode(node: Node): readonly string[] {
  let known = ofNodes.get(node);
  if (known === undefined) {
    known = (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => canonical(address));
    ofNodes.set(node, known);
  }
  return known;
}
const ofNodes = new WeakMap<Node, readonly string[]>();

/** Of what is known to be an address. */
export const familyOf = (ip: string): IPFamily => (ip.includes(":") ? "IPv6" : "IPv4");

export const addressOfFamily = (addresses: readonly string[], family: IPFamily): string | undefined =>
  addresses.find((ip) => familyOf(ip) === family);

/** @param ip in its one spelling */
export const isLoopback = (ip: string): boolean => ip.startsWith("127.") || ip === "::1";

export function contains(range: CIDR, ip: string): boolean {
  const address = parseIP(ip);
  return address !== undefined && holds(range, address);
}

const holds = (range: CIDR, { family, value }: IPAddress): boolean =>
  family === range.family && value >= range.first && value <= range.last;

/** One spelling for each address; what is no address stays as it is. */
export function canonical(ip: string): string {
  const address = parseIP(ip);
  return address === undefined ? ip : formatIP(address);
}

/** Ranges in a text of the sandbox's options, of which there are few. */
export function rangesIn(text: string): readonly CIDR[] {
  const known = knownRanges.get(text) ?? text.split(",").flatMap((part) => parseCIDR(part.trim()) ?? []);
  if (knownRanges.size < mostKnownRanges) knownRanges.set(text, known);
  return known;
}
const knownRanges = new Map<string, readonly CIDR[]>();
const mostKnownRanges = 1024;

const rangesOf = (node: Node): CIDR[] =>
  (node.spec.podCIDRs ?? (node.spec.podCIDR === undefined ? [] : [node.spec.podCIDR])).flatMap((text) => parseCIDR(text) ?? []);
