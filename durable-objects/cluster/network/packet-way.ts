/**
 * The way of one packet: from its sender through the rules of every node it meets, to whoever owns the address that
 * comes out.
 *
 * What a Service does is decided by the compiled rules alone (`NodeRules.walk`); this file only knows machines and the
 * wires between them. The pod network is a routed one: pods reach each other unchanged, and what leaves the pod range
 * takes the address of its node.
 */
import type { Reader } from "../api/controller.ts";
import type { IPFamily } from "../api/ip-address.ts";
import type { Machines, ObjectRef, Protocol, Route } from "../api/network.ts";
import type { Node, Pod } from "../api/objects.ts";
import type { Random, Upstream } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import type { HealthCheck } from "../kube-proxy/health-check.ts";
import type { NodeRules, Outcome, Packet, Walk } from "../kube-proxy/rule-set.ts";
import { type AddressBook, addressesOfNode, addressOfFamily, contains, familyOf, isLoopback, rangesIn } from "./address-book.ts";
import type { AffinityTable } from "./affinity-table.ts";
import { type ArrivingPacket, arriveAtNode, arriveAtPod, arriveOutside, type Ending, nodeRef, podRef, refusedBy } from "./arrival.ts";
import { endpointText, nodePlace, outsidePlace } from "./endpoint-text.ts";
import { type FrontAddresses, healthyNodes, type LoadBalancerEntry } from "./load-balancer.ts";
import type { Origin } from "./origin.ts";
import { checkEgress, checkIngress, type PolicyJudgement } from "./policy-check.ts";
import { type Endpoints, endingRule, hopsOfWalk, hostPortHop, sourceHop } from "./rule-hops.ts";
import type { Cause, HopDraft, Way } from "./way.ts";

/** The rules in the nodes' kernels, as the network asks for them. */
export interface RulesSource {
  rulesOf(node: string, family: IPFamily): NodeRules;
  healthChecksOf(node: string, family: IPFamily): HealthCheck[];
  nodes(): string[];
}

/** What the wire between two nodes does to one packet. */
export interface WireState {
  stops?: "split" | "lost";
  /** One way. */
  latencyMs: number;
}

export interface WayContext {
  kubeProxy: RulesSource;
  reader: Reader;
  book: AddressBook;
  fronts: FrontAddresses;
  machines: Machines;
  upstream: Upstream;
  options: SandboxOptions;
  affinity: AffinityTable;
  now: number;
  random: Random;
  wire(node: string, other: string): WireState;
  /** `brief`: the outcome only, no hops and no candidates. */
  detail: "brief" | "hops" | "full";
}

export interface Flow {
  origin: Origin;
  protocol: Protocol;
  src: string;
  sourcePort?: number;
  dst: string;
  port?: number;
}

/** Machines a packet may meet before its time to live is taken for spent. */
const mostMachines = 8;

type Enters = Packet["origin"];

export const wayOf = (flow: Flow, context: WayContext): Way => new PacketWay(flow, context).run();

class PacketWay {
  readonly #context: WayContext;
  readonly #origin: Origin;
  readonly #protocol: Protocol;
  readonly #family: IPFamily;
  readonly #sourcePort: number | undefined;
  readonly #hops: HopDraft[] = [];
  #candidates: Route["candidates"] = [];
  /** Nodes at which a packet from outside may enter, each with its chance; until the first rule has chosen. */
  #entries: { node: string; chance: number }[] = [];
  #src: string;
  #dst: string;
  #port: number | undefined;
  #machines = 0;
  #latencyMs = 0;
  /** The last machine the packet was at. */
  #place: string;

  constructor({ origin, protocol, src, sourcePort, dst, port }: Flow, context: WayContext) {
    this.#context = context;
    this.#origin = origin;
    this.#protocol = protocol;
    this.#family = familyOf(dst);
    this.#src = src;
    this.#sourcePort = protocol === "ICMP" ? undefined : sourcePort;
    this.#dst = dst;
    this.#port = protocol === "ICMP" ? undefined : port;
    this.#place = origin.place;
  }

  run(): Way {
    const { verdict, end, cause, rule, icmp, at, objects, hop } = this.#start();
    const way: Way = {
      verdict,
      at: at ?? end?.place ?? this.#place,
      objects: objects ?? [],
      hops: hop === undefined || this.#context.detail === "brief" ? this.#hops : [...this.#hops, hop()],
      source: this.#sourcePort === undefined ? { ip: this.#src } : { ip: this.#src, port: this.#sourcePort },
      destination: this.#port === undefined ? { ip: this.#dst } : { ip: this.#dst, port: this.#port },
      candidates: this.#candidates,
      latencyMs: this.#latencyMs,
    };
    if (end !== undefined) way.end = end;
    if (cause !== undefined) way.cause = cause;
    if (rule !== undefined) way.rule = rule;
    if (icmp !== undefined) way.icmp = icmp;
    return way;
  }

  #start(): Ending {
    const { enters, node, pod } = this.#origin;
    if (enters === "outside") return this.#fromOutside();
    if (enters === "pod" && this.#staysInside()) {
      return pod === undefined ? refusedBy("", [], this.#packetHere()) : arriveAtPod(pod, this.#packetHere(), this.#context, true);
    }
    return this.#throughNode(node!, enters);
  }

  /** Loopback and the sender's own address never leave its network namespace. */
  #staysInside(): boolean {
    const own = this.#origin.addressOf(this.#family);
    return this.#dst === own || isLoopback(this.#dst);
  }

  // ---- on a node

  #throughNode(node: string, enters: Enters): Ending {
    this.#machines += 1;
    this.#place = nodePlace(node);
    if (this.#machines > mostMachines) return { verdict: "unanswered", cause: { code: "loop", params: { node, ip: this.#dst } } };
    const walk = this.#context.detail === "brief" ? this.#pass(node, enters) : this.#walk(node, enters);
    if (walk.verdict !== "accept") return this.#endedByRule(node, enters, walk);
    this.#dst = walk.dst;
    this.#port = walk.destinationPort;
    if (walk.to === "process") this.#takeHostPort(node);
    const stopped = enters === "pod" ? this.#stoppedBy(checkEgress(this.#packetHere(), this.#context)) : undefined;
    if (stopped !== undefined) return stopped;
    const isHere = walk.to === "process" && this.#dst === walk.dst;
    return isHere ? arriveAtNode(node, this.#packetHere(), this.#context) : this.#onward(node, enters);
  }

  /** The port mapping of the pod network: what is sent to a pod's `hostPort` goes on to the pod. */
  #takeHostPort(node: string): void {
    const taken = this.#context.book.hostPortAt(node, { ip: this.#dst, port: this.#port, protocol: this.#protocol, family: this.#family });
    if (taken === undefined) return;
    const before = this.#endpoints();
    // Sent to a loopback address, or by the pod itself: the reply must find its way back.
    if (isLoopback(this.#dst) || this.#src === taken.ip) this.#src = this.#addressOf(node);
    this.#dst = taken.ip;
    this.#port = taken.port;
    if (this.#context.detail !== "brief") this.#hops.push(hostPortHop({ node, before, after: this.#endpoints(), pod: taken.pod }));
  }

  #atPod(pod: Pod): Ending {
    return this.#stoppedBy(checkIngress(pod, this.#packetHere(), this.#context)) ?? arriveAtPod(pod, this.#packetHere(), this.#context);
  }

  /** `undefined`: the packet goes on. */
  #stoppedBy(judgement: PolicyJudgement | undefined): Ending | undefined {
    if (judgement === undefined) return undefined;
    const { allowed, at, hop, cause, objects } = judgement;
    if (!allowed) return { verdict: "dropped", at, cause, objects, hop };
    if (this.#context.detail !== "brief") this.#hops.push(hop());
    return undefined;
  }

  /** What the rules make of the packet, without the story. */
  #pass(node: string, enters: Enters): Outcome {
    const { kubeProxy, random, now, affinity } = this.#context;
    const outcome = kubeProxy.rulesOf(node, this.#family).outcome(this.#packet(enters), { random, now, affinity: affinity.of(node) });
    this.#remember(node, outcome);
    if (outcome.masqueraded) this.#src = this.#addressOf(node);
    return outcome;
  }

  #walk(node: string, enters: Enters): Walk {
    const { kubeProxy, random, now, affinity, detail, book } = this.#context;
    const packet = this.#packet(enters);
    const rules = kubeProxy.rulesOf(node, this.#family);
    const walk = rules.walk(packet, { random, now, affinity: affinity.of(node), ...(detail === "full" ? { detail } : {}) });
    const rewritten = walk.dst !== packet.dst || walk.destinationPort !== packet.destinationPort;
    if (rewritten) this.#candidates = this.#candidatesOf(node, packet);
    this.#remember(node, walk);
    const srcAfter = walk.masqueraded ? this.#addressOf(node) : this.#src;
    const owner = book.ownerOf(walk.dst);
    const pod = owner?.kind === "pod" ? owner.pod.metadata.name : undefined;
    const choices = rewritten ? this.#candidates.length : 0;
    const rewriting = { node, mode: rules.mode, before: this.#endpoints(), srcAfter, choices, pod };
    this.#hops.push(...hopsOfWalk(walk, rewriting, detail === "full" ? detail : undefined));
    this.#src = srcAfter;
    return walk;
  }

  #remember(node: string, { affinity: seen }: Pick<Outcome, "affinity">): void {
    const { affinity, now } = this.#context;
    for (const each of seen) affinity.remember({ node, ...each, at: now });
  }

  #packet(enters: Enters): Packet {
    return {
      family: this.#family,
      protocol: this.#protocol,
      src: this.#src,
      dst: this.#dst,
      ...(this.#sourcePort === undefined ? {} : { sourcePort: this.#sourcePort }),
      ...(this.#port === undefined ? {} : { destinationPort: this.#port }),
      origin: enters,
    };
  }

  /** @param ended as it came out; without the story, the rule is looked up by a second walk, which no draw decides */
  #endedByRule(node: string, enters: Enters, ended: Outcome | Walk): Ending {
    const { kubeProxy, random, now } = this.#context;
    const rules = kubeProxy.rulesOf(node, this.#family);
    const walk = "matched" in ended ? ended : rules.walk(this.#packet(enters), { random, now });
    const { role, rule, objects } = endingRule(walk)!;
    const params = { node, mode: rules.mode, role, destination: endpointText(this.#dst, this.#port) };
    const cause: Cause = { code: `rule-${role}`, params };
    if (walk.verdict === "drop") return { verdict: "dropped", rule, objects, cause };
    return { verdict: "rejected", rule, objects, cause, icmp: walk.rejectWith ?? "port-unreachable" };
  }

  // ---- between machines

  #onward(node: string, enters: Enters): Ending {
    const { book, upstream, fronts } = this.#context;
    const owner = book.ownerOf(this.#dst);
    switch (owner?.kind) {
      case "pod": {
        const home = owner.pod.spec.nodeName ?? "";
        if (home === node) return this.#atPod(owner.pod);
        if (!this.#isUp(home)) return this.#nodeDown(home, owner.pod);
        return this.#stoppedOnWire(node, home) ?? this.#throughNode(home, "wire");
      }
      case "node":
        this.#leavePodNetwork(node, enters);
        return this.#stoppedOnWire(node, owner.node.metadata.name) ?? this.#intoNode(owner.node);
      case "unused-pod-address":
        return this.#nobody();
      case undefined: {
        const balancer = fronts.loadBalancerAt(this.#dst, this.#port, this.#protocol);
        const machine = upstream.machine(this.#dst);
        if (balancer.kind !== "entry" && machine === undefined) return this.#nobody();
        this.#leavePodNetwork(node, enters);
        return balancer.kind === "entry" ? this.#throughLoadBalancer(balancer.entry) : arriveOutside(machine!, this.#packetHere());
      }
      default:
        return owner satisfies never;
    }
  }

  /** `undefined`: the packet comes through. */
  #stoppedOnWire(node: string, other: string): Ending | undefined {
    if (node === other) return undefined;
    const { stops, latencyMs } = this.#context.wire(node, other);
    if (stops !== undefined) {
      const code = stops === "split" ? "nodes-split" : "packet-lost";
      return { verdict: "unanswered", cause: { code, params: { node, other, ip: this.#dst } }, objects: [nodeRef(node), nodeRef(other)] };
    }
    if (latencyMs === 0) return undefined;
    this.#latencyMs += latencyMs;
    if (this.#context.detail === "brief") return undefined;
    this.#hops.push({
      at: nodePlace(node),
      does: "connect",
      code: "crosses-slow-wire",
      params: { node, other, ms: latencyMs },
      objects: [nodeRef(node), nodeRef(other)],
      src: endpointText(this.#src, this.#sourcePort),
      dst: endpointText(this.#dst, this.#port),
    });
    return undefined;
  }

  /** The pod network lets only its own range see pod addresses: what a pod sends elsewhere takes its node's address. */
  #leavePodNetwork(node: string, enters: Enters): void {
    if (enters !== "pod" || this.#src !== this.#origin.addressOf(this.#family)) return;
    if (rangesIn(this.#context.options.podCIDR).some((range) => contains(range, this.#dst))) return;
    const srcAfter = this.#addressOf(node);
    if (srcAfter === this.#src) return;
    if (this.#context.detail !== "brief") this.#hops.push(sourceHop({ node, before: this.#endpoints(), srcAfter }, undefined));
    this.#src = srcAfter;
  }

  #intoNode(node: Node): Ending {
    const { name } = node.metadata;
    return this.#isUp(name) ? this.#throughNode(name, "wire") : this.#nodeDown(name, undefined);
  }

  #fromOutside(): Ending {
    const { book, fronts, options, upstream } = this.#context;
    const balancer = fronts.loadBalancerAt(this.#dst, this.#port, this.#protocol);
    if (balancer.kind === "entry") return this.#throughLoadBalancer(balancer.entry);
    const owner = book.ownerOf(this.#dst);
    if (owner?.kind === "node") return this.#intoNode(owner.node);
    if (fronts.isExternalIP(this.#dst)) return this.#throughRouter();
    if (balancer.kind === "not-listening") return this.#nobody({ ports: balancer.ports });
    if (owner !== undefined || this.#isIn(options.podCIDR)) return this.#noRoute("pod");
    if (this.#isIn(options.serviceCIDR)) return this.#noRoute("cluster-ip");
    const machine = upstream.machine(this.#dst);
    return machine === undefined ? this.#nobody() : arriveOutside(machine, this.#packetHere());
  }

  #throughLoadBalancer(entry: LoadBalancerEntry): Ending {
    const up = this.#nodesUp();
    const fit = healthyNodes(entry, up, (node) => this.#context.kubeProxy.healthChecksOf(node, this.#family));
    const node = this.#pick(fit);
    const { namespace, name } = entry.service;
    const service: ObjectRef = { apiVersion: "v1", kind: "Service", namespace, name };
    if (node === undefined) {
      const params = { ip: this.#dst, service: name, namespace, up: up.length };
      return { verdict: "unanswered", cause: { code: "load-balancer-without-node", params }, objects: [service] };
    }
    const address = this.#dst;
    if (entry.mode === "Proxy" && entry.nodePort !== undefined) {
      this.#dst = this.#addressOf(node);
      this.#port = entry.nodePort;
    }
    this.#hops.push({
      at: outsidePlace(address),
      does: "connect",
      code: "load-balancer-picks",
      params: { ip: address, node, nodes: fit.length, service: name },
      objects: [service],
      src: endpointText(this.#src, this.#sourcePort),
      dst: endpointText(this.#dst, this.#port),
    });
    return this.#throughNode(node, "wire");
  }

  #throughRouter(): Ending {
    const up = this.#nodesUp();
    const node = this.#pick(up);
    if (node === undefined) return { verdict: "unanswered", cause: { code: "no-node-up", params: { ip: this.#dst } } };
    this.#hops.push({
      at: outsidePlace(this.#dst),
      does: "connect",
      code: "router-picks",
      params: { ip: this.#dst, node, nodes: up.length },
      objects: [],
      src: endpointText(this.#src, this.#sourcePort),
      dst: endpointText(this.#dst, this.#port),
    });
    return this.#throughNode(node, "wire");
  }

  #pick(nodes: readonly string[]): string | undefined {
    this.#entries = nodes.map((node) => ({ node, chance: 1 / nodes.length }));
    return nodes.length === 0 ? undefined : nodes[this.#context.random.int(nodes.length)];
  }

  // ---- endings

  #packetHere(): ArrivingPacket {
    return {
      origin: this.#origin,
      family: this.#family,
      protocol: this.#protocol,
      src: this.#src,
      sourcePort: this.#sourcePort,
      dst: this.#dst,
      port: this.#port,
    };
  }

  #endpoints(): Endpoints {
    return {
      src: this.#src,
      dst: this.#dst,
      ...(this.#sourcePort === undefined ? {} : { sourcePort: this.#sourcePort }),
      ...(this.#port === undefined ? {} : { port: this.#port }),
    };
  }

  #nobody(params: Cause["params"] = {}): Ending {
    return { verdict: "unanswered", cause: { code: "nobody-has-address", params: { ip: this.#dst, port: this.#port ?? 0, ...params } } };
  }

  #noRoute(kind: "pod" | "cluster-ip"): Ending {
    return { verdict: "no-route", cause: { code: "only-inside", params: { ip: this.#dst, kind } }, icmp: "net-unreachable" };
  }

  #nodeDown(node: string, pod: Pod | undefined): Ending {
    const params = { node, pod: pod?.metadata.name ?? "", ip: this.#dst };
    return {
      verdict: "unanswered",
      at: nodePlace(node),
      cause: { code: "node-down", params },
      objects: [nodeRef(node), ...(pod === undefined ? [] : [podRef(pod)])],
    };
  }

  // ---- facts

  #addressOf(node: string): string {
    const object = this.#context.reader.get<Node>("nodes", undefined, node);
    return (object && addressOfFamily(addressesOfNode(object), this.#family)) ?? this.#src;
  }

  #isUp(node: string): boolean {
    return this.#context.reader.get("nodes", undefined, node) !== undefined && this.#context.machines.nodeUp(node);
  }

  #nodesUp(): string[] {
    return this.#context.kubeProxy.nodes().filter((node) => this.#isUp(node));
  }

  #isIn(ranges: string): boolean {
    return rangesIn(ranges).some((range) => contains(range, this.#dst));
  }

  /** Where the rules could send the packet, with the exact chance of each, over all nodes at which it could have entered. */
  #candidatesOf(node: string, packet: Packet): Route["candidates"] {
    const { kubeProxy, now, affinity } = this.#context;
    const at = this.#entries.some((entry) => entry.node === node) ? this.#entries : [{ node, chance: 1 }];
    const sums = new Map<string, Route["candidates"][number]>();
    for (const { node: each, chance } of at) {
      for (const way of kubeProxy.rulesOf(each, this.#family).candidates(packet, { now, affinity: affinity.of(each) })) {
        if (way.verdict !== "accept" || (way.ip === packet.dst && way.port === packet.destinationPort)) continue;
        const known = sums.get(endpointText(way.ip, way.port));
        const probability = rounded((known?.probability ?? 0) + way.probability * chance);
        sums.set(endpointText(way.ip, way.port), { ip: way.ip, port: way.port ?? 0, probability });
      }
    }
    return [...sums.values()].sort((a, b) => b.probability - a.probability || (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : a.port - b.port));
  }
}

/** As many decimals as kube-proxy writes. */
const rounded = (probability: number): number => Number(probability.toFixed(10));
