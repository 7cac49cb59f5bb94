/**
 * Four opinions on where packets go: the walks over the rules of the three modes, and a model that knows no rules. Over
 * generated clusters they agree, but for what the table below lists with its reason.
 *
 * `FULL=1` asks about 2,000 clusters, else a tenth. What fails prints its seed, the packet and the smallest manifest.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "../durable-objects/cluster/api/change-tracker.ts";
import type { KubeObject, Node } from "../durable-objects/cluster/api/objects.ts";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import * as iptables from "../durable-objects/cluster/kube-proxy/iptables/compile-rules.ts";
import { IptablesSync } from "../durable-objects/cluster/kube-proxy/iptables/iptables-sync.ts";
import { printState } from "../durable-objects/cluster/kube-proxy/iptables/print-rules.ts";
import * as ipvs from "../durable-objects/cluster/kube-proxy/ipvs/compile-ipvs.ts";
import { IpvsSync } from "../durable-objects/cluster/kube-proxy/ipvs/ipvs-sync.ts";
import { printState as printVirtualServers } from "../durable-objects/cluster/kube-proxy/ipvs/print-ipvs.ts";
import { KubeProxy, type KubeProxyOptions } from "../durable-objects/cluster/kube-proxy/kube-proxy.ts";
import * as nftables from "../durable-objects/cluster/kube-proxy/nftables/compile-rules.ts";
import { NftablesSync } from "../durable-objects/cluster/kube-proxy/nftables/nftables-sync.ts";
import { printState as printTable } from "../durable-objects/cluster/kube-proxy/nftables/print-rules.ts";
import { proxyOptionsFor } from "../durable-objects/cluster/kube-proxy/proxy-options.ts";
import type { Candidate, NodeRules, Packet, ProxyMode } from "../durable-objects/cluster/kube-proxy/rule-set.ts";
import { ServiceMap, type ServicePortEntry } from "../durable-objects/cluster/kube-proxy/service-map.ts";
import { type Answer, type Judgement, type NaiveEndpoint, NaiveModel, type NaiveProxyOptions } from "./naive-model.ts";
import { type Edit, type GeneratedCluster, manifestOf, packetsOn, someCluster, someEdits } from "./proxy-clusters.ts";

const modes: readonly ProxyMode[] = ["iptables", "nftables", "ipvs"];
const families = ["IPv4", "IPv6"] as const;

type Options = NaiveProxyOptions & { localhostNodePorts: boolean };

interface Departure {
  name: string;
  reason: string;
  modes: readonly ProxyMode[];
  when(judgement: Judgement, model: NaiveModel, options: Options): boolean;
  /** What the mode does instead. */
  instead(judgement: Judgement, model: NaiveModel): Judgement;
}

const nobody: NaiveEndpoint = { ip: "", port: 0, ready: true, draining: false, node: undefined, zones: [], nodes: [] };

/** Where a mode is known to do something else than the model says. All lines that fit a packet count, one after the other. */
const departures: readonly Departure[] = [
  {
    name: "a cluster address on a port that nobody serves, or pinged",
    reason: "iptables mode has no rule for it: the packet goes where the node's routes lead",
    modes: ["iptables"],
    when: ({ kind }) => kind === "unserved-cluster-ip",
    instead: (judgement) => ({ ...judgement, answer: "unchanged" }),
  },
  {
    name: "an address in the Service ranges that no Service has",
    reason: "only nftables mode knows the ServiceCIDRs; it drops what has no Service",
    modes: ["nftables"],
    when: ({ kind }) => kind === "unallocated-cluster-ip",
    instead: (judgement) => ({ ...judgement, answer: "drop" }),
  },
  {
    name: "an external or load balancer address on a port that nobody serves, or pinged",
    reason: "ipvs mode binds these addresses to the node, so it has to refuse what no virtual server takes",
    modes: ["ipvs"],
    when: ({ kind }) => kind === "unserved-external-ip" || kind === "unserved-load-balancer-ip",
    instead: (judgement) => ({ ...judgement, answer: "reject" }),
  },
  {
    name: "a node port on loopback",
    reason: "iptables mode serves it for IPv4, unless switched off or left out of nodePortAddresses; the other modes never do",
    modes: ["iptables"],
    when: ({ packet }, _model, { localhostNodePorts, nodePortAddresses }) =>
      packet.dst === "127.0.0.1" && localhostNodePorts && nodePortAddresses.every((range) => range.endsWith("/0")),
    instead: ({ packet }, model) => model.judge(packet, { asNodePort: true }),
  },
  {
    name: "a refused node port on an address that takes no node ports",
    reason: "iptables mode refuses or drops a node port without endpoints on every local address, whatever nodePortAddresses says",
    modes: ["iptables"],
    when: ({ kind, packet }, model) =>
      kind === "elsewhere" &&
      (packet.dst === "127.0.0.1" || model.ownAddresses(packet).includes(packet.dst)) &&
      isRefused(model.judge(packet, { asNodePort: true })),
    instead: ({ packet }, model) => {
      const judgement = model.judge(packet, { asNodePort: true });
      return { ...judgement, answer: judgement.lists!.any ? "drop" : "reject" };
    },
  },
  {
    name: "a node port on an address that is not the node's first",
    reason: "nodePortAddresses unset means `primary` in nftables mode and every address in the others",
    modes: ["nftables"],
    when: ({ kind, packet }, model, { nodePortAddresses }) =>
      kind === "node-port" && nodePortAddresses.length === 0 && packet.dst !== model.ownAddresses(packet)[0],
    instead: (judgement) => ({ ...judgement, kind: "elsewhere", answer: "unchanged" }),
  },
  {
    name: "a process that calls its own node on a node port where the address takes none",
    reason:
      "ipvs mode marks by the port alone, so the packet is masqueraded although no virtual server takes it; its source is the node anyhow",
    modes: ["ipvs"],
    when: ({ kind, packet }, model) =>
      kind === "elsewhere" &&
      packet.origin === "process" &&
      packet.protocol !== "SCTP" &&
      model.ownAddresses(packet).includes(packet.dst) &&
      model.judge(packet, { asNodePort: true }).port?.externalLocal === false,
    instead: ({ packet, ...judgement }) => ({
      ...judgement,
      packet,
      answer: { to: [{ ...nobody, ip: packet.dst, port: packet.destinationPort! }], asNode: true, hairpins: "all" },
    }),
  },
  {
    name: "source ranges of a Service without endpoints",
    reason: "iptables mode writes the ranges only where there are endpoints, and refuses everybody",
    modes: ["iptables"],
    when: ({ allowed, lists }) => !allowed && !lists!.any,
    instead: (judgement) => ({ ...judgement, answer: "reject" }),
  },
  {
    name: "source ranges of a Service without endpoints, seen by a process of the node",
    reason: "in ipvs mode its packets meet the virtual server, which refuses them, before the rule that would drop them",
    modes: ["ipvs"],
    when: ({ allowed, lists, packet }) => !allowed && !lists!.any && packet.origin === "process",
    instead: (judgement) => ({ ...judgement, answer: "reject" }),
  },
  {
    name: "a process of the node that calls an external or load balancer address without endpoints",
    reason: "iptables mode refuses at these addresses only what comes in or passes through; the node's own packets just leave",
    modes: ["iptables"],
    when: ({ kind, packet, lists }, model) =>
      (kind === "external-ip" || kind === "load-balancer-ip") &&
      packet.origin === "process" &&
      !lists!.any &&
      !model.ownAddresses(packet).includes(packet.dst),
    instead: (judgement) => ({ ...judgement, answer: "unchanged" }),
  },
  {
    name: "source ranges and a process that sends from the node's own address",
    reason: "in ipvs mode the kernel would send from the load balancer's address, which the node has; its rule looks for that one",
    modes: ["ipvs"],
    when: ({ allowed, packet }) => !allowed && packet.origin === "process" && packet.src !== packet.dst,
    instead: (judgement, model) => model.serve({ ...judgement, allowed: true }),
  },
  {
    name: "traffic policy Local",
    reason:
      "a virtual server has one list for all clients: the local endpoints, or every one where there is none here; under an external policy Local nobody's source is replaced",
    modes: ["ipvs"],
    when: ({ port, kind, allowed }) => allowed && port !== undefined && (kind === "cluster-ip" ? port.internalLocal : port.externalLocal),
    instead: (judgement, model) => {
      const { kind, client, lists } = judgement;
      const to = lists!.local.length > 0 ? lists!.local : lists!.cluster;
      if (to.length === 0) return { ...judgement, answer: "reject" };
      return { ...judgement, answer: { to, asNode: kind === "cluster-ip" && model.hidesSource(client), hairpins: "all" } };
    },
  },
  {
    name: "an endpoint of another node as client, sent to itself",
    reason: "nftables and ipvs mode know the endpoints of this node alone as their own clients",
    modes: ["nftables", "ipvs"],
    when: ({ answer }) => typeof answer !== "string",
    instead: ({ answer, ...judgement }) => ({ ...judgement, answer: { ...(answer as Exclude<Answer, string>), hairpins: "here" } }),
  },
];

const isRefused = ({ port, lists }: Judgement): boolean =>
  port !== undefined && (!lists!.any || (port.externalLocal && lists!.local.length === 0));

const optionsOf = ({ options }: GeneratedCluster): Options => ({
  detectLocal: { mode: "ClusterCIDR", clusterCIDRs: options.podCIDR.split(",") },
  ...(options.proxy as Omit<Options, "detectLocal">),
});

/** What a mode should do by the model and the table; with the names of the lines that counted. */
function expected(mode: ProxyMode, packet: Packet, model: NaiveModel, options: Options): { ways: string[]; departs: string[] } {
  const departs: string[] = [];
  let judgement = model.judge(packet);
  for (const departure of departures) {
    if (!departure.modes.includes(mode) || !departure.when(judgement, model, options)) continue;
    const before = model.waysOf(judgement);
    judgement = departure.instead(judgement, model);
    if (model.waysOf(judgement).join() !== before.join()) departs.push(departure.name);
  }
  return { ways: model.waysOf(judgement), departs };
}

const waysIn = (candidates: readonly Candidate[]): string[] =>
  [
    ...new Set(
      candidates.map(({ verdict, ip, port, masqueraded }) =>
        verdict === "accept" ? `accept ${ip}:${port ?? ""}${masqueraded ? " as the node" : ""}` : verdict,
      ),
    ),
  ].sort();

const full = process.env["FULL"] !== undefined;
const seed = Number(process.env["SEED"] ?? 20261124);

/** fast-check, but what fails says the seed and the smallest case, with the cluster as YAML where the message has none. */
function holdsOver<T>(numRuns: number, cases: fc.Arbitrary<T>, property: (one: T) => string | undefined): void {
  const details = fc.check(
    fc.property(cases, (one) => {
      const wrong = property(one);
      if (wrong !== undefined) throw new Error(wrong);
    }),
    { numRuns, seed },
  );
  if (!details.failed) return;
  const { message } = details.errorInstance as Error;
  throw new Error(`SEED=${details.seed} path ${details.counterexamplePath}\n${message}`);
}

function holds(numRuns: number, property: (cluster: GeneratedCluster, pick: number) => string | undefined): void {
  holdsOver(numRuns, fc.tuple(someCluster, fc.nat()), ([cluster, pick]) => {
    const wrong = property(cluster, pick);
    return wrong === undefined ? undefined : `${wrong}\n\n${manifestOf(cluster)}`;
  });
}

const changes = <T extends KubeObject>(objects: readonly T[]): Change<T>[] => objects.map((after) => ({ before: undefined, after }));

function proxyOf({ options, nodes, services, slices }: GeneratedCluster): KubeProxy {
  const proxy = new KubeProxy(options);
  proxy.apply({ nodes: changes(nodes), services: changes(services), endpointSlices: changes(slices) });
  return proxy;
}

/** A few packets of all, other ones in every cluster. */
function some<T>(all: readonly T[], count: number, pick: number): T[] {
  const random = new SeededRandom(pick);
  return all.length <= count ? [...all] : Array.from({ length: count }, () => all[random.int(all.length)]!);
}

/** Only in ipvs mode does the node itself have the address of a load balancer and send from it. */
const isBalancerHere = ({ src, dst, origin }: Packet, model: NaiveModel): boolean =>
  origin === "process" && src === dst && !src.startsWith("127.") && !model.ownAddresses({ family: familyOf(src) }).includes(src);

const familyOf = (ip: string) => (ip.includes(":") ? ("IPv6" as const) : ("IPv4" as const));

describe("three modes and a model without rules", () => {
  it("send packets the same ways, but for the listed departures", () => {
    const counted = new Map(departures.map(({ name }) => [name, 0]));
    holds(full ? 2000 : 200, (cluster, pick) => {
      const proxy = proxyOf(cluster);
      const options = optionsOf(cluster);
      const node = cluster.nodes[pick % 2]!;
      const model = new NaiveModel({ ...cluster, serviceCIDRs: cluster.options.serviceCIDR.split(","), proxy: options }, node);
      for (const packet of some(packetsOn(node, cluster), 40, pick)) {
        for (const mode of modes.filter((one) => one === "ipvs" || !isBalancerHere(packet, model))) {
          const want = expected(mode, packet, model, options);
          for (const name of want.departs) counted.set(name, counted.get(name)! + 1);
          const ways = waysIn(proxy.rulesOf(node.metadata.name, packet.family, mode).candidates(packet, { now: 0 }));
          if (ways.join() !== want.ways.join()) {
            return `${mode} on ${node.metadata.name}: ${JSON.stringify(packet)}\n  walk  ${ways.join(", ")}\n  model ${want.ways.join(", ")}`;
          }
        }
      }
      return undefined;
    });
    // A line that no packet needs any more has no business in the table.
    if (full) expect([...counted].filter(([, count]) => count === 0)).toEqual([]);
  });
});

describe("session affinity", () => {
  it("brings a client back to its endpoint in every mode until its time is over", () => {
    holds(full ? 500 : 40, (cluster, pick) => {
      const proxy = proxyOf(cluster);
      const node = cluster.nodes[pick % 2]!.metadata.name;
      for (const packet of some(packetsOn(cluster.nodes[pick % 2]!, cluster), 20, pick)) {
        for (const mode of modes) {
          const rules = proxy.rulesOf(node, packet.family, mode);
          const first = rules.walk(packet, { random: new SeededRandom(pick), now: 0 });
          const seen = new Set(first.affinity.map(({ set, client }) => `${set} ${client}`));
          const affinity = { lastSeen: (set: string, client: string) => (seen.has(`${set} ${client}`) ? 0 : undefined) };
          const others = waysIn(rules.candidates(packet, { now: 0 }));
          const soon = waysIn(rules.candidates(packet, { now: 59_000, affinity }));
          const late = waysIn(rules.candidates(packet, { now: 10_801_000, affinity }));
          const own = waysIn([{ ...first, ip: first.dst, port: first.destinationPort, probability: 1 }]);
          const wanted = seen.size === 0 ? others : own;
          if (soon.join() === wanted.join() && late.join() === others.join()) continue;
          return `${mode} on ${node}: ${JSON.stringify(packet)}\n  soon ${soon}, wanted ${wanted}\n  late ${late}, wanted ${others}`;
        }
      }
      return undefined;
    });
  });
});

interface Syncs {
  run(entries: readonly ServicePortEntry[], node: Node, options: KubeProxyOptions, changed: ReadonlySet<string> | undefined): void;
  /** Lets everything go that a kernel keeps for a while. */
  settle(entries: readonly ServicePortEntry[], node: Node, options: KubeProxyOptions): void;
  /** What the kernel holds: sorted, since chains and sets stand in the order of their making. */
  state(): string[];
}

/** An element keeps the comment it was first written with, also where its port has another name by now. */
const withoutComment = (line: string): string => (line.startsWith("add element") ? line.replace(/ comment "[^"]*"/, "") : line);

/** One node's kube-proxy in each mode, sync by sync. */
const syncs: readonly { mode: ProxyMode; make(): Syncs }[] = [
  {
    mode: "iptables",
    make: () => {
      const sync = new IptablesSync();
      const ports = new iptables.IptablesPorts();
      const run: Syncs["run"] = (entries, node, options, changed) => {
        const context = iptables.nodeContext(proxyOptionsFor(options, node), node, "IPv4");
        sync.sync(context, ports.compile(entries, context), changed);
      };
      return {
        run,
        settle: (entries, node, options) => run(entries, node, options, new Set()),
        state: () => printState(sync.tables).split("\n").sort(),
      };
    },
  },
  {
    mode: "nftables",
    make: () => {
      const sync = new NftablesSync();
      const ports = new nftables.NftablesPorts();
      let now = 0;
      const run: Syncs["run"] = (entries, node, options, changed) => {
        const context = nftables.nodeContext(proxyOptionsFor(options, node), node, "IPv4");
        now += 400;
        sync.sync(context, ports.compile(entries, context), now, changed);
      };
      const settle: Syncs["settle"] = (entries, node, options) => {
        now += 2000;
        run(entries, node, options, new Set());
      };
      return { run, settle, state: () => printTable(sync.table, "IPv4").split("\n").map(withoutComment).sort() };
    },
  },
  {
    mode: "ipvs",
    make: () => {
      const sync = new IpvsSync();
      const ports = new ipvs.IpvsPorts();
      let wanted: ipvs.IpvsState | undefined;
      const run: Syncs["run"] = (entries, node, options) => {
        const context = ipvs.nodeContext(proxyOptionsFor(options, node), node, "IPv4");
        wanted = ipvs.compileIpvs(context, ports.compile(entries, context));
        sync.sync(context, wanted, (real) => real.length % 2);
      };
      return { run, settle: () => sync.tick(() => 0), state: () => printVirtualServers(sync.state(wanted!), "IPv4").split("\n").sort() };
    },
  },
];

const podToService: Packet = {
  family: "IPv4",
  protocol: "TCP",
  src: "10.244.0.95",
  dst: "10.96.0.20",
  sourcePort: 40000,
  destinationPort: 80,
  origin: "pod",
};

/** The first thing in which two nodes' rules differ: text, or the objects behind it. */
function difference(ours: NodeRules, theirs: NodeRules): string | undefined {
  for (const format of ["kernel", "sync"] as const) {
    const [a, b] = [ours.print(format).split("\n"), theirs.print(format).split("\n")];
    const at = a.findIndex((line, index) => line !== b[index]);
    if (at !== -1 || a.length !== b.length) return `${format} line ${at + 1}: kept ${a[at]}, rebuilt ${b[at]}`;
  }
  return JSON.stringify(ours.toJSON()) === JSON.stringify(theirs.toJSON()) ? undefined : "the objects behind the rules";
}

describe("incremental state", () => {
  /** The changes that each edit makes, one after the other, to the objects of a cluster. */
  function* played(cluster: GeneratedCluster, edits: readonly Edit[]) {
    const objects = new Map<string, KubeObject>();
    const key = (object: KubeObject) => `${object.kind} ${object.metadata.name}`;
    for (const object of [...cluster.nodes, ...cluster.services, ...cluster.slices]) objects.set(key(object), object);
    for (const edit of edits) {
      const name = "set" in edit ? key(edit.set) : edit.remove;
      const change = { before: objects.get(name), after: "set" in edit ? (edit.set as KubeObject) : undefined };
      if (change.before === undefined && change.after === undefined) continue;
      if (change.after === undefined) objects.delete(name);
      else objects.set(name, change.after);
      yield { change: change as Change<never>, kind: name.split(" ")[0], objects };
    }
  }

  const ofKind = <T extends KubeObject>(objects: Iterable<KubeObject>, kind: string): T[] =>
    [...objects].filter((object): object is T => object.kind === kind);

  const rebuiltFrom = (options: GeneratedCluster["options"], objects: Iterable<KubeObject>): GeneratedCluster => {
    const all = [...objects];
    return { options, nodes: ofKind(all, "Node"), services: ofKind(all, "Service"), slices: ofKind(all, "EndpointSlice") };
  };

  it("of rules is what a rebuild from the same objects gives, in every mode", () => {
    holdsOver(full ? 1000 : 60, fc.tuple(someCluster, someEdits), ([cluster, edits]) => {
      const kept = proxyOf(cluster);
      let last = rebuiltFrom(cluster.options, [...cluster.nodes, ...cluster.services, ...cluster.slices]);
      for (const { change, kind, objects } of played(cluster, edits)) {
        for (const mode of modes) kept.rulesOf("node-1", "IPv4", mode).candidates(podToService, { now: 0 });
        kept.apply({ [kind === "Service" ? "services" : kind === "Node" ? "nodes" : "endpointSlices"]: [change] });
        last = rebuiltFrom(cluster.options, objects.values());
      }
      const rebuilt = proxyOf(last);
      for (const mode of modes) {
        for (const family of families) {
          const [ours, theirs] = [kept, rebuilt].map((proxy) => proxy.rulesOf("node-1", family, mode));
          const wrong = difference(ours!, theirs!);
          if (wrong !== undefined) return `${mode} ${family} after ${JSON.stringify(edits)}: ${wrong}\n${manifestOf(last)}`;
        }
      }
      return undefined;
    });
  });

  it("is found by the index as by trying line after line: verdict, rules and lines", () => {
    holdsOver(full ? 1000 : 60, fc.tuple(someCluster, someEdits, fc.nat()), ([cluster, edits, pick]) => {
      const proxy = proxyOf(cluster);
      let last = cluster;
      for (const { change, kind, objects } of played(cluster, edits)) {
        for (const mode of modes) proxy.rulesOf("node-1", "IPv4", mode);
        proxy.apply({ [kind === "Service" ? "services" : kind === "Node" ? "nodes" : "endpointSlices"]: [change] });
        last = rebuiltFrom(cluster.options, objects.values());
      }
      const node = last.nodes.find(({ metadata }) => metadata.name === "node-1")!;
      for (const packet of some([...packetsOn(node, last), ...packetsOn(cluster.nodes[0]!, cluster)], 30, pick)) {
        for (const mode of modes) {
          const rules = proxy.rulesOf("node-1", packet.family, mode);
          const options = () => ({ random: new SeededRandom(pick), now: 0 });
          const { unmatched: _unmatched, ...linear } = rules.walk(packet, { ...options(), detail: "full" });
          const matched = linear.matched.map(({ skipped = [], ...match }) => {
            const draws = skipped.filter(({ because }) => because === "draw");
            return { ...match, ...(draws.length === 0 ? {} : { skipped: draws }) };
          });
          const indexed = rules.walk(packet, options());
          const { matched: _matched, ...outcome } = indexed;
          const [line, found, lean] = [{ ...linear, matched }, indexed, rules.outcome(packet, options())].map((one) => JSON.stringify(one));
          if (line !== found) return `${mode} ${JSON.stringify(packet)}\n  linear  ${line}\n  indexed ${found}\n${manifestOf(last)}`;
          if (lean !== JSON.stringify(outcome)) return `${mode} ${JSON.stringify(packet)}\n  walk    ${found}\n  outcome ${lean}`;
        }
      }
      return undefined;
    });
  });

  it.each(syncs)("of a kernel after many syncs is what one full sync gives: $mode", ({ make }) => {
    holdsOver(full ? 500 : 30, fc.tuple(someCluster, someEdits), ([cluster, edits]) => {
      const family = "IPv4";
      const map = new ServiceMap(family);
      const sync = make();
      const nodeOf = (objects: Iterable<KubeObject>) => ofKind<Node>(objects, "Node").find(({ metadata }) => metadata.name === "node-1")!;
      map.apply(changes(cluster.services), changes(cluster.slices));
      let node = nodeOf(cluster.nodes);
      sync.run(map.entries(), node, cluster.options, undefined);
      for (const { change, kind, objects } of played(cluster, edits)) {
        const changed = map.apply(kind === "Service" ? [change] : [], kind === "EndpointSlice" ? [change] : []);
        node = nodeOf(objects.values());
        sync.run(map.entries(), node, cluster.options, kind === "Node" ? undefined : changed);
      }
      sync.settle(map.entries(), node, cluster.options);
      const anew = make();
      anew.run(map.entries(), node, cluster.options, undefined);
      const [ours, theirs] = [sync.state(), anew.state()];
      const wrong = ours.find((line, at) => line !== theirs[at]) ?? theirs[ours.length];
      return wrong === undefined ? undefined : `after ${JSON.stringify(edits)}: ${wrong}\n${manifestOf(cluster)}`;
    });
  });
});
