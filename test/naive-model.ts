/**
 * What a Kubernetes network does with a packet to a Service, told without rules: the fourth opinion beside the walks over
 * iptables, nftables and ipvs rules.
 *
 * Written from the facts in `test/golden/proxy/README.md` alone; it reads API objects and shares no code with
 * `kube-proxy/`. It gives the one answer that Kubernetes promises; where a mode is known to answer otherwise, the table
 * in `proxy-differential.test.ts` says so. Written to be read, not to be fast.
 */
import ipaddr from "ipaddr.js";
import type { EndpointSlice, Node, Service } from "../durable-objects/cluster/api/objects.ts";
import type { Packet } from "../durable-objects/cluster/kube-proxy/rule-set.ts";

export interface NaiveCluster {
  services: readonly Service[];
  slices: readonly EndpointSlice[];
  nodes: readonly Node[];
  serviceCIDRs: readonly string[];
  proxy: NaiveProxyOptions;
}

export interface NaiveProxyOptions {
  detectLocal: { mode: "ClusterCIDR" | "NodeCIDR" | "InterfaceNamePrefix" | "None"; clusterCIDRs?: string[] };
  masqueradeAll: boolean;
  nodePortAddresses: readonly string[];
}

/** An endpoint as slices tell it, with defaults filled in. */
export interface NaiveEndpoint {
  ip: string;
  port: number;
  ready: boolean;
  draining: boolean;
  node: string | undefined;
  zones: readonly string[];
  nodes: readonly string[];
}

/** What becomes of a packet: refused, dropped, left as it is, or sent to one of the endpoints. */
export type Answer =
  | "reject"
  | "drop"
  | "unchanged"
  /** `asNode`: the source becomes the node's. An endpoint that is sent to itself takes it anyhow: all, or those on the node. */
  | { to: readonly NaiveEndpoint[]; asNode: boolean; hairpins: "all" | "here" };

/** What a packet is addressed to. */
export type Kind =
  | "cluster-ip"
  | "external-ip"
  | "load-balancer-ip"
  | "node-port"
  /** A cluster address with a port that no Service has there, or without a port. */
  | "unserved-cluster-ip"
  | "unserved-external-ip"
  | "unserved-load-balancer-ip"
  /** In the ranges of Services, but nobody's. */
  | "unallocated-cluster-ip"
  | "elsewhere";

/** Everything the model found out on its way to an answer. */
export interface Judgement {
  kind: Kind;
  packet: Packet;
  /** The packet's sender: a pod of the cluster as far as kube-proxy can tell, the node itself, or anybody else. */
  client: "pod" | "node" | "other";
  /** With a served address. */
  port?: NaivePort;
  lists?: EndpointLists;
  /** False: source ranges keep the client away. */
  allowed: boolean;
  answer: Answer;
}

/** A port of a Service in one family. */
export interface NaivePort {
  service: Service;
  name: string;
  protocol: string;
  number: number;
  nodePort: number | undefined;
  internalLocal: boolean;
  externalLocal: boolean;
  /** Addresses or node ports that clients outside can use. */
  isExternal: boolean;
}

export interface EndpointLists {
  cluster: readonly NaiveEndpoint[];
  local: readonly NaiveEndpoint[];
  /** Somebody, somewhere, could serve. */
  any: boolean;
}

export class NaiveModel {
  readonly #cluster: NaiveCluster;
  readonly #node: Node;

  /** @param node the machine that the packet is on */
  constructor(cluster: NaiveCluster, node: Node) {
    this.#cluster = cluster;
    this.#node = node;
  }

  /** @param asNodePort every address of the node takes node ports, whatever the options say */
  judge(packet: Packet, { asNodePort = false } = {}): Judgement {
    const found = this.#find(packet, asNodePort);
    const known = { kind: found.kind, packet, client: this.#clientOf(packet) };
    if (found.port === undefined) {
      return { ...known, allowed: true, answer: found.kind === "unserved-cluster-ip" ? "reject" : "unchanged" };
    }
    const { port } = found;
    const allowed = found.kind !== "load-balancer-ip" || this.#isAllowed(port.service, packet);
    const served = this.serve({ ...known, port, lists: this.#lists(port, packet.family), allowed, answer: "drop" });
    return allowed ? served : { ...served, answer: "drop" };
  }

  /** The promise to clients that source ranges let through. */
  serve(judgement: Judgement): Judgement {
    const { kind, client, port, lists } = judgement;
    const answer = (to: readonly NaiveEndpoint[], asNode: boolean): Judgement => ({
      ...judgement,
      answer: to.length === 0 ? "drop" : { to, asNode, hairpins: "all" },
    });
    if (!lists!.any) return { ...judgement, answer: "reject" };
    if (kind === "cluster-ip") return answer(port!.internalLocal ? lists!.local : lists!.cluster, this.hidesSource(client));
    if (!port!.externalLocal) return answer(lists!.cluster, true);
    if (client !== "other") return answer(lists!.cluster, client === "node");
    return answer(lists!.local, false);
  }

  /** To a cluster address, whoever is no pod of the cluster takes the node's address, so that answers find their way. */
  hidesSource(client: Judgement["client"]): boolean {
    const { masqueradeAll, detectLocal } = this.#cluster.proxy;
    return masqueradeAll || (detectLocal.mode !== "None" && client !== "pod");
  }

  /** `accept 10.244.0.5:8080`, with ` as the node` where the source is replaced; `reject`; `drop`. Sorted. */
  waysOf({ answer, packet }: Judgement): string[] {
    if (answer === "unchanged") return [`accept ${packet.dst}:${packet.destinationPort ?? ""}`];
    if (typeof answer === "string") return [answer];
    const own = this.ownAddresses(packet);
    // What comes in by an interface and is for the node itself does not leave it any more, and keeps its source.
    const stays = ({ ip }: NaiveEndpoint) => packet.origin !== "process" && own.includes(ip);
    const isHairpin = ({ ip, node }: NaiveEndpoint) =>
      ip === packet.src && (answer.hairpins === "all" || node === this.#node.metadata.name);
    const ways = answer.to.map((one) => {
      const replaced = (answer.asNode || isHairpin(one)) && !stays(one);
      return `accept ${one.ip}:${one.port}${replaced ? " as the node" : ""}`;
    });
    return [...new Set(ways)].sort();
  }

  #clientOf(packet: Packet): Judgement["client"] {
    if (this.#isPodTraffic(packet)) return "pod";
    return this.ownAddresses(packet).includes(packet.src) || packet.src.startsWith("127.") ? "node" : "other";
  }

  #isPodTraffic({ src, origin, family }: Packet): boolean {
    const { mode, clusterCIDRs = [] } = this.#cluster.proxy.detectLocal;
    if (mode === "None") return false;
    if (mode === "InterfaceNamePrefix") return origin === "pod";
    const ranges = mode === "ClusterCIDR" ? clusterCIDRs : (this.#node.spec.podCIDRs ?? []);
    const [range] = ranges.filter((text) => isOf(family, text));
    return range !== undefined && isWithin(src, range);
  }

  /** The node's addresses in the packet's family, the primary one first. */
  ownAddresses({ family }: Pick<Packet, "family">): string[] {
    return this.#node.status.addresses!.map(({ address }) => address).filter((address) => isOf(family, address));
  }

  #find(packet: Packet, asNodePort: boolean): { kind: Kind; port?: NaivePort } {
    const portsHere = this.#cluster.services.flatMap((service) => portsOf(service, packet.family));
    const matches = (port: NaivePort) => port.protocol === packet.protocol && port.number === packet.destinationPort;
    const addressed = portsHere.flatMap((port) => addressesOf(port.service, packet.family).map((address) => ({ port, ...address })));
    const toAddress = addressed.filter(({ ip }) => ip === packet.dst);
    const served = toAddress.find(({ port }) => matches(port));
    if (served !== undefined) return { kind: served.kind, port: served.port };
    if (toAddress.length > 0) {
      if (!this.ownAddresses(packet).includes(packet.dst)) return { kind: `unserved-${toAddress[0]!.kind}` };
    } else if (this.#cluster.serviceCIDRs.some((range) => isWithin(packet.dst, range))) return { kind: "unallocated-cluster-ip" };
    if (!asNodePort && !this.#takesNodePorts(packet)) return { kind: "elsewhere" };
    const port = portsHere.find(
      ({ nodePort, protocol }) => nodePort !== undefined && nodePort === packet.destinationPort && protocol === packet.protocol,
    );
    return port === undefined ? { kind: "elsewhere" } : { kind: "node-port", port };
  }

  #takesNodePorts(packet: Packet): boolean {
    const own = this.ownAddresses(packet);
    if (!own.includes(packet.dst)) return false;
    const { nodePortAddresses } = this.#cluster.proxy;
    if (nodePortAddresses.length === 0) return true;
    return nodePortAddresses.some((text) => (text === "primary" ? packet.dst === own[0] : isWithin(packet.dst, text)));
  }

  /** The node's own load balancer addresses count as the node, where its address is in a range. */
  #isAllowed(service: Service, packet: Packet): boolean {
    const ranges = (service.spec.loadBalancerSourceRanges ?? []).filter((range) => isOf(packet.family, range));
    if (ranges.length === 0 || ranges.some((range) => range.endsWith("/0"))) return true;
    if (ranges.some((range) => isWithin(packet.src, range))) return true;
    const nodeIsIn = ranges.some((range) => isWithin(this.ownAddresses(packet)[0] ?? "", range));
    const balancers = addressesOf(service, packet.family).filter(({ kind }) => kind === "load-balancer-ip");
    return nodeIsIn && balancers.some(({ ip }) => ip === packet.src);
  }

  #lists(port: NaivePort, family: Packet["family"]): EndpointLists {
    const endpoints = endpointsOf(this.#cluster.slices, port, family);
    const ready = endpoints.filter((endpoint) => endpoint.ready);
    const makesCluster = !port.internalLocal || port.isExternal;
    const makesLocal = port.internalLocal || (port.externalLocal && port.isExternal);
    const cluster = makesCluster ? readyElseDraining(this.#near(ready), endpoints) : [];
    const here = endpoints.filter((endpoint) => endpoint.node === this.#node.metadata.name);
    const local = makesLocal
      ? readyElseDraining(
          here.filter((endpoint) => endpoint.ready),
          here,
        )
      : [];
    return { cluster, local, any: cluster.length > 0 || (makesLocal && endpoints.some((one) => one.ready || one.draining)) };
  }

  /** Hints count only where every ready endpoint has them and one of them names this place. */
  #near(ready: readonly NaiveEndpoint[]): readonly NaiveEndpoint[] {
    const { name, labels } = this.#node.metadata;
    const zone = labels?.["topology.kubernetes.io/zone"];
    const forNode = ready.filter(({ nodes }) => nodes.includes(name));
    if (forNode.length > 0 && ready.every(({ nodes }) => nodes.length > 0)) return forNode;
    const forZone = ready.filter(({ zones }) => zone !== undefined && zones.includes(zone));
    return forZone.length > 0 && ready.every(({ zones }) => zones.length > 0) ? forZone : ready;
  }
}

const readyElseDraining = (ready: readonly NaiveEndpoint[], all: readonly NaiveEndpoint[]): readonly NaiveEndpoint[] =>
  ready.length > 0 ? ready : all.filter(({ draining }) => draining);

function portsOf(service: Service, family: Packet["family"]): NaivePort[] {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName" || metadata.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined) return [];
  if (!(spec.clusterIPs ?? []).some((ip) => ip !== "None" && isOf(family, ip))) return [];
  const beyond = addressesOf(service, family).some(({ kind }) => kind !== "cluster-ip");
  const policyCounts = spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.externalIPs ?? []).length > 0;
  return spec.ports!.map(({ name = "", protocol = "TCP", port: number, nodePort }) => ({
    service,
    name,
    protocol,
    number,
    nodePort,
    internalLocal: spec.internalTrafficPolicy === "Local",
    externalLocal: spec.externalTrafficPolicy === "Local" && policyCounts,
    isExternal: beyond || nodePort !== undefined,
  }));
}

function addressesOf({ spec, status }: Service, family: Packet["family"]) {
  const ingress = (status.loadBalancer?.ingress ?? []).filter(({ ipMode = "VIP" }) => ipMode === "VIP");
  return [
    ...(spec.clusterIPs ?? []).map((ip) => ({ kind: "cluster-ip", ip }) as const),
    ...(spec.externalIPs ?? []).map((ip) => ({ kind: "external-ip", ip }) as const),
    ...ingress.flatMap(({ ip }) => (ip === undefined ? [] : [{ kind: "load-balancer-ip", ip } as const])),
  ].filter(({ ip }) => isOf(family, ip));
}

/** Of two that share address and port the one that is not terminating counts, else the first. */
function endpointsOf(slices: readonly EndpointSlice[], port: NaivePort, family: Packet["family"]): NaiveEndpoint[] {
  const { name, namespace } = port.service.metadata;
  const own = slices.filter(
    ({ metadata, addressType }) =>
      metadata.namespace === namespace &&
      metadata.labels?.["kubernetes.io/service-name"] === name &&
      metadata.labels?.["service.kubernetes.io/headless"] === undefined &&
      addressType === family,
  );
  const found = own
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((slice) =>
      (slice.ports ?? [])
        .filter((one) => one.name === port.name && (one.protocol ?? "TCP") === port.protocol)
        .flatMap((one) => (slice.endpoints ?? []).map((endpoint) => ({ endpoint, number: one.port! }))),
    );
  const kept = new Map<string, { terminating: boolean; endpoint: NaiveEndpoint }>();
  for (const { endpoint, number } of found) {
    const { ready = true, serving = true, terminating = false } = endpoint.conditions ?? {};
    const [ip] = endpoint.addresses as [string];
    const before = kept.get(`${ip} ${number}`);
    if (before !== undefined && !(before.terminating && !terminating)) continue;
    kept.set(`${ip} ${number}`, {
      terminating,
      endpoint: {
        ip,
        port: number,
        ready,
        draining: serving && terminating,
        node: endpoint.nodeName,
        zones: (endpoint.hints?.forZones ?? []).map((zone) => zone.name),
        nodes: ((endpoint.hints as { forNodes?: { name: string }[] } | undefined)?.forNodes ?? []).map((node) => node.name),
      },
    });
  }
  return [...kept.values()].map(({ endpoint }) => endpoint);
}

const isOf = (family: Packet["family"], text: string): boolean => text.includes(":") === (family === "IPv6");

function isWithin(ip: string, range: string): boolean {
  if (ip.includes(":") !== range.includes(":") || ip === "") return false;
  const [network, prefix] = ipaddr.parseCIDR(range);
  return ipaddr.parse(ip).match(network as ipaddr.IPv4, prefix);
}
