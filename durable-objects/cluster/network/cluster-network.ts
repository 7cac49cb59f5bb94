/**
 * The emulated network: what a name means to a sender, and what becomes of a packet and the HTTP request it carries.
 *
 * Puts the parts of a way together: name, connection, rules, delivery, reply. Each part is a file of its own. Pure but
 * for what kernels remember: session affinity, and a count of connections that keeps draws apart.
 */

import type { Change } from "../api/change-tracker.ts";
import type { Reader } from "../api/controller.ts";
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import type { LinkFault } from "../api/faults.ts";
import type { Machines, Network, Protocol, Resolution, ResolveQuery, Route, RouteQuery, Sender } from "../api/network.ts";
import type { KubeObject, Node, Pod, Service } from "../api/objects.ts";
import type { Upstream } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { SeededRandom, seedFrom } from "../api/seeded-random.ts";
import type { ClusterDNS } from "../dns/cluster-dns.ts";
import { AddressBook, canonical, contains, familyOf, isLoopback, rangesIn } from "./address-book.ts";
import { type AffinityEntry, AffinityTable } from "./affinity-table.ts";
import { httpCause, unresolved } from "./causes.ts";
import { endpointText } from "./endpoint-text.ts";
import { exchange, requestOf } from "./http-exchange.ts";
import { FrontAddresses } from "./load-balancer.ts";
import { askServer, hopsOfLookup, lookUp, type NameLookup, silence } from "./name-lookup.ts";
import { type NoOrigin, type Origin, originOf } from "./origin.ts";
import { type RulesSource, type WayContext, type WireState, wayOf } from "./packet-way.ts";
import { RouteDraft } from "./route-draft.ts";
import { connectHop, literalOf, readHop, replyHop } from "./sender-hops.ts";
import type { Cause, Way } from "./way.ts";

export interface NetworkParts {
  kubeProxy: RulesSource;
  dns: Pick<ClusterDNS, "answer" | "answerOutside">;
  machines: Machines;
  upstream: Upstream;
  /** What is made to go wrong between two nodes. Default: nothing. */
  linkFault?(node: string, other: string): LinkFault | undefined;
  reader: Reader;
  options: SandboxOptions;
  /** Cluster time in milliseconds. */
  now(): number;
}

/** What the emulated kernels remember beyond their rules. */
export interface LivedNetwork {
  connections: number;
  affinity: AffinityEntry[];
}

/** Requests that apps send while they answer a request, one inside the other. */
const deepestNesting = 16;
const firstEphemeralPort = 32_768;
const ephemeralPorts = 28_232;

export class ClusterNetwork implements Network {
  readonly #parts: NetworkParts;
  readonly #affinity = new AffinityTable();
  #connections = 0;
  #nesting = 0;
  readonly #book = new AddressBook();
  readonly #fronts = new FrontAddresses();

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** Told about every write to pods, nodes and Services, before the next packet. */
  observe(resource: string, { before, after }: Change<KubeObject>): void {
    switch (resource) {
      case "pods":
        this.#book.applyPod({ before: before as Pod | undefined, after: after as Pod | undefined });
        break;
      case "nodes":
        this.#book.applyNode({ before: before as Node | undefined, after: after as Node | undefined });
        break;
      case "services":
        this.#fronts.apply({ before: before as Service | undefined, after: after as Service | undefined });
        break;
    }
  }

  resolve({ from, name, type }: ResolveQuery): Resolution {
    return this.lookUp({ from, name, ...(type === undefined ? {} : { type }) }).resolution;
  }

  /** As `resolve`, with the way that the last question took; a sender that cannot send asks nothing. */
  lookUp({ from, name, type, seed }: ResolveQuery & { seed?: number }): NameLookup & { failure?: NoOrigin } {
    const context = this.#context(this.#seed(seed), "brief");
    const origin = originOf(from, context);
    if ("cause" in origin) return { resolution: silence(name, type, from), failure: origin };
    return lookUp(name, type, origin, this.#parts.dns, context);
  }

  ask(from: Sender, question: DnsQuestion, server: { ip: string; port: number }): DnsMessage | "refused" | undefined {
    const context = this.#context(this.#seed(undefined), "brief");
    const origin = originOf(from, context);
    return "cause" in origin ? undefined : askServer(question, server, origin, this.#parts.dns, context).reply;
  }

  route(query: RouteQuery): Route {
    return this.#route(query, query.detail ?? "hops");
  }

  /** What becomes of the packet, without hops and candidates: for many flows. No HTTP request is sent. */
  outcome({ from, to, flow, seed: asked }: RouteQuery): Pick<Route, "verdict" | "backend" | "cause"> {
    const seed = this.#seed(asked);
    const context = this.#context(seed, "brief");
    const origin = originOf(from, context);
    if ("cause" in origin) return { verdict: "no-route", cause: origin.cause };
    const found = literalOf(to.host) ?? this.#lookUp(to.host, origin, context, seed);
    if (typeof found !== "string") return unresolvedEnd(found);
    const family = familyOf(found);
    const src = isLoopback(found) ? found : origin.addressOf(family);
    if (src === undefined) return { verdict: "no-route", cause: noAddress(family, found) };
    const protocol = to.protocol ?? "TCP";
    const sourcePort = flow?.sourcePort ?? ephemeralPort(seed);
    const { port } = to;
    const sent = { origin, protocol, src, sourcePort, dst: found, ...(port === undefined || protocol === "ICMP" ? {} : { port }) };
    const { verdict, end, cause } = wayOf(sent, context);
    return { verdict, ...(end === undefined ? {} : { backend: end.backend }), ...(cause === undefined ? {} : { cause }) };
  }

  lived(): LivedNetwork {
    return { connections: this.#connections, affinity: this.#affinity.entries() };
  }

  /** Rises with every change of what is lived. */
  get livedChanges(): number {
    return this.#connections + this.#affinity.changes;
  }

  restore({ connections, affinity }: LivedNetwork): void {
    this.#connections = connections;
    this.#affinity.restore(affinity);
  }

  #route(query: RouteQuery, detail: "hops" | "full"): Route {
    const seed = this.#seed(query.seed);
    const context = this.#context(seed, detail);
    const protocol = query.to.protocol ?? "TCP";
    const port = protocol === "ICMP" ? undefined : (query.to.port ?? (query.http === undefined ? undefined : 80));
    const draft = new RouteDraft(protocol, seed);
    const origin = originOf(query.from, context);
    draft.hop(readHop(query, origin.place, protocol, port));
    if ("cause" in origin) return draft.stop(origin.place, "no-route", origin.cause);
    const ip = this.#target(query.to.host, origin, context, draft);
    if (ip === undefined) return draft.stopped();
    return this.#connect({ query, origin, protocol, ip, ...(port === undefined ? {} : { port }) }, context, draft);
  }

  /** The address that the sender writes on the packet; `undefined` where the draft has come to its stop. */
  #target(host: string, origin: Origin, context: WayContext, draft: RouteDraft): string | undefined {
    const literal = literalOf(host);
    if (literal !== undefined) return literal;
    const found = this.#found(host, origin, context, draft.seed);
    const serviceOf = (name: string): Service | undefined => this.#serviceNamed(name);
    draft.hops(hopsOfLookup(found, origin, { serviceOf }));
    draft.resolution = found.resolution;
    const [ip] = found.resolution.addresses;
    if (ip !== undefined) return canonical(ip);
    const { verdict, cause } = unresolvedEnd(found);
    draft.stop(origin.place, verdict, cause, found.way);
    return undefined;
  }

  #found(host: string, origin: Origin, context: WayContext, seed: number): NameLookup {
    return lookUp(host, undefined, origin, this.#parts.dns, { ...context, random: chance("name", seed), detail: "brief" });
  }

  /** The address of a name; what was asked, where it has none. */
  #lookUp(host: string, origin: Origin, context: WayContext, seed: number): string | NameLookup {
    const found = this.#found(host, origin, context, seed);
    const [ip] = found.resolution.addresses;
    return ip === undefined ? found : canonical(ip);
  }

  #connect(
    to: { query: RouteQuery; origin: Origin; protocol: Protocol; ip: string; port?: number },
    context: WayContext,
    draft: RouteDraft,
  ): Route {
    const { query, origin, protocol, ip, port } = to;
    const family = familyOf(ip);
    draft.target = port === undefined ? { ip } : { ip, port };
    const src = isLoopback(ip) ? ip : origin.addressOf(family);
    if (src === undefined) {
      return draft.stop(origin.place, "no-route", noAddress(family, ip), { icmp: "net-unreachable" });
    }
    const sourcePort = query.flow?.sourcePort ?? ephemeralPort(draft.seed);
    const source = endpointText(src, protocol === "ICMP" ? undefined : sourcePort);
    draft.hop(connectHop({ origin, source, ip, protocol, port, reaches: this.#reaches(ip, context) }));
    const way = wayOf({ origin, protocol, src, sourcePort, dst: ip, ...(port === undefined ? {} : { port }) }, context);
    draft.follow(way);
    if (way.verdict !== "delivered") return draft.stop(way.at, way.verdict, way.cause!, way);
    return this.#reply({ query, origin, source, way }, draft);
  }

  #reply(of: { query: RouteQuery; origin: Origin; source: string; way: Way }, draft: RouteDraft): Route {
    const { query, origin, source, way } = of;
    const from = endpointText(way.destination.ip, way.destination.port);
    const heard = { origin, source, from, target: endpointText(draft.target!.ip, draft.target!.port) };
    if (draft.protocol === "ICMP") draft.hop(replyHop("reply-echo", heard));
    else if (query.http !== undefined) return this.#answer(query, way, heard, draft);
    else if (draft.protocol === "TCP") draft.hop(replyHop("reply-open", heard));
    return draft.delivered(way);
  }

  #answer(query: RouteQuery, way: Way, heard: Parameters<typeof replyHop>[1], draft: RouteDraft): Route {
    const { place } = way.end!;
    if (this.#nesting >= deepestNesting) {
      return draft.stop(place, "unsupported", { code: "nested-too-deep", params: { depth: deepestNesting } });
    }
    const request = requestOf(query);
    const response = this.#exchange(request, way);
    if (response === undefined) {
      draft.cause = { code: "says-nothing", params: { place } };
      return draft.delivered(way);
    }
    draft.http = { request, response };
    if (response.status >= 400) draft.cause = httpCause(request, response.status, way);
    draft.hop(replyHop("reply-http", { ...heard, status: response.status }));
    return draft.delivered(way);
  }

  #exchange(request: ReturnType<typeof requestOf>, way: Way): ReturnType<typeof exchange> {
    this.#nesting += 1;
    try {
      return exchange(request, way.end!, { ip: way.source.ip, port: way.source.port ?? 0 });
    } finally {
      this.#nesting -= 1;
    }
  }

  #context(seed: number, detail: WayContext["detail"]): WayContext {
    const { kubeProxy, reader, machines, upstream, options, now } = this.#parts;
    const random = chance("packet", seed);
    return {
      kubeProxy,
      reader,
      machines,
      upstream,
      options,
      affinity: this.#affinity,
      book: this.#book,
      fronts: this.#fronts,
      now: now(),
      random,
      wire: (node, other) => this.#wire(node, other, seed),
      detail,
    };
  }

  /** One connection after the other draws anew; the same seed draws the same. */
  #seed(asked: number | undefined): number {
    if (asked !== undefined) return asked;
    this.#connections += 1;
    return seedFrom(`connection ${this.#connections}`, this.#parts.options.seed);
  }

  /** Whether this packet gets over the wire between two nodes: another seed may have more luck. */
  #wire(node: string, other: string, seed: number): WireState {
    const fault = this.#parts.linkFault?.(node, other);
    if (fault === undefined) return { latencyMs: 0 };
    const { split = false, lossChance = 0, latencyMs = 0 } = fault;
    const isLost = lossChance > 0 && chance(`wire ${[node, other].sort().join(" ")}`, seed).next() < lossChance;
    return { latencyMs, ...(split ? { stops: "split" } : isLost ? { stops: "lost" } : {}) };
  }

  /** What stands behind an address, for the sentence of the hop: a machine, rules alone, or nobody knows. */
  #reaches(ip: string, { book, upstream }: WayContext): "machine" | "rules" | "unknown" {
    if (isLoopback(ip) || upstream.machine(ip) !== undefined) return "machine";
    const owner = book.ownerOf(ip);
    if (owner !== undefined) return owner.kind === "unused-pod-address" ? "unknown" : "machine";
    return rangesIn(this.#parts.options.serviceCIDR).some((range) => contains(range, ip)) ? "rules" : "unknown";
  }

  /** To point at it in a hop; the answer itself came from DNS. */
  #serviceNamed(name: string): Service | undefined {
    const suffix = `.svc.${this.#parts.options.clusterDomain}.`;
    const folded = name.toLowerCase();
    if (!folded.endsWith(suffix)) return undefined;
    const [service = "", namespace, ...more] = folded.slice(0, -suffix.length).split(".");
    return namespace === undefined || more.length > 0 ? undefined : this.#parts.reader.get<Service>("services", namespace, service);
  }
}

/** Each part of a route draws for itself: a given source port, or a name in place of an address, changes no other draw. */
const chance = (what: string, seed: number): SeededRandom => new SeededRandom(seedFrom(what, seed));

const ephemeralPort = (seed: number): number => firstEphemeralPort + chance("source port", seed).int(ephemeralPorts);

const noAddress = (family: string, ip: string): Cause => ({ code: "no-address-of-family", params: { family, ip } });

/** Where a route by name ends whose name gave no address. */
function unresolvedEnd(found: NameLookup): { verdict: "unsupported" | "name-not-found"; cause: Cause } {
  if (found.way?.verdict === "unsupported") return { verdict: "unsupported", cause: found.way.cause! };
  return { verdict: "name-not-found", cause: unresolved(found) };
}
