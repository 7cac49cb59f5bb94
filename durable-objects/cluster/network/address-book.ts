/**
 * Who owns an address inside the cluster: pods, nodes, and the ranges that nodes hand out to pods.
 *
 * Knows machines only. The address of a Service belongs to no machine and is never found here; what happens to it is
 * decided by rules.
 */
import type { Reader } from "../api/controller.ts";
import { type CIDR, formatIP, type IPFamily, parseCIDR, parseIP } from "../api/ip-address.ts";
import type { Node, Pod } from "../api/objects.ts";

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
  readonly #ranges: { range: CIDR; node: Node }[] = [];
  readonly #hostPods = new Map<string, Pod[]>();
  readonly #hostPorts = new Map<string, HostPort[]>();

  constructor(reader: Reader) {
    for (const node of reader.list<Node>("nodes")) {
      for (const ip of addressesOfNode(node)) this.#nodes.set(ip, node);
      for (const range of rangesOf(node)) this.#ranges.push({ range, node });
    }
    for (const pod of reader.list<Pod>("pods")) this.#enter(pod);
  }

  ownerOf(ip: string): Owner | undefined {
    const pod = this.#pods.get(ip);
    if (pod !== undefined) return { kind: "pod", pod };
    const node = this.#nodes.get(ip);
    if (node !== undefined) return { kind: "node", node };
    const inside = this.#ranges.find(({ range }) => contains(range, ip));
    return inside === undefined ? undefined : { kind: "unused-pod-address", node: inside.node };
  }

  /** Pods that run in a node's own network, in key order. */
  hostPodsOf(node: string): readonly Pod[] {
    return this.#hostPods.get(node) ?? [];
  }

  /** Where a node's port leads that a pod has asked for with `hostPort`; `undefined` where none has. */
  hostPortAt(
    node: string,
    { ip, port, protocol, family }: { ip: string; port: number | undefined; protocol: string; family: IPFamily },
  ): { pod: Pod; ip: string; port: number } | undefined {
    const taken = this.#hostPorts
      .get(node)
      ?.find((each) => each.hostPort === port && each.protocol === protocol && (each.hostIP === undefined || each.hostIP === ip));
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
    if (!holdsItsAddress(pod)) return;
    if (pod.spec.hostNetwork) {
      const node = pod.spec.nodeName ?? "";
      this.#hostPods.set(node, [...(this.#hostPods.get(node) ?? []), pod]);
      return;
    }
    for (const ip of addressesOfPod(pod)) this.#pods.set(ip, pod);
    const asked = hostPortsOf(pod);
    const node = pod.spec.nodeName ?? "";
    if (asked.length > 0) this.#hostPorts.set(node, [...(this.#hostPorts.get(node) ?? []), ...asked]);
  }
}

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

export function addressesOfPod(pod: Pod): string[] {
  const all = pod.status?.podIPs?.flatMap(({ ip }) => (ip === undefined ? [] : [canonical(ip)])) ?? [];
  const first = pod.status?.podIP;
  return all.length > 0 || first === undefined ? all : [canonical(first)];
}

export const addressesOfNode = (node: Node): string[] =>
  (node.status?.addresses ?? []).filter(({ type }) => type === "InternalIP").map(({ address }) => canonical(address));

export const addressOfFamily = (addresses: readonly string[], family: IPFamily): string | undefined =>
  addresses.find((ip) => parseIP(ip)?.family === family);

export function contains(range: CIDR, ip: string): boolean {
  const address = parseIP(ip);
  return address !== undefined && address.family === range.family && address.value >= range.first && address.value <= range.last;
}

/** One spelling for each address; what is no address stays as it is. */
export function canonical(ip: string): string {
  const address = parseIP(ip);
  return address === undefined ? ip : formatIP(address);
}

export const rangesIn = (text: string): CIDR[] => text.split(",").flatMap((part) => parseCIDR(part.trim()) ?? []);

const rangesOf = (node: Node): CIDR[] =>
  (node.spec.podCIDRs ?? (node.spec.podCIDR === undefined ? [] : [node.spec.podCIDR])).flatMap((text) => parseCIDR(text) ?? []);
