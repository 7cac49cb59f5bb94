/**
 * The kube-proxies of all nodes: one service map for the cluster and family, rules for each node compiled when asked for.
 *
 * Takes drained changes and keeps no API objects but nodes. The emulated kernel always holds what a full sync would have
 * written: delays between syncs are not modelled here.
 */
import type { Change } from "../api/change-tracker.ts";
import { type EndpointSlice, keyOf, type Node, type Service } from "../api/objects.ts";
import { same } from "../api/same.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { type HealthCheck, healthChecks } from "./health-check.ts";
import * as iptables from "./iptables/compile-rules.ts";
import { IptablesRules } from "./iptables/node-rules.ts";
import * as ipvs from "./ipvs/compile-ipvs.ts";
import { IpvsRules } from "./ipvs/node-rules.ts";
import * as nftables from "./nftables/compile-rules.ts";
import { NftablesRules } from "./nftables/node-rules.ts";
import { NodeState } from "./node-state.ts";
import { type ProxyOptions, proxyOptionsFor } from "./proxy-options.ts";
import type { Family, NodeRules, ProxyMode } from "./rule-set.ts";
import { ServiceMap, type ServicePortEntry } from "./service-map.ts";

export interface ProxyChanges {
  services?: Iterable<Change<Service>>;
  endpointSlices?: Iterable<Change<EndpointSlice>>;
  nodes?: Iterable<Change<Node>>;
}

export type KubeProxyOptions = Pick<SandboxOptions, "podCIDR" | "serviceCIDR" | "proxy" | "proxyMode">;

/** What is kept for one node, family and mode. */
interface Held {
  node: string;
  family: Family;
  /** Whether the cluster was large when it was compiled: that changes the rules of every Service. */
  isLarge: boolean;
  state: AnyState;
}

/** Modes compile to different things; from here on only the rules matter. */
type AnyState = Pick<NodeState<unknown>, "note" | "rules">;

export class KubeProxy {
  readonly #options: KubeProxyOptions;
  readonly #nodes = new Map<string, { node: Node; options: ProxyOptions }>();
  readonly #maps = { IPv4: new ServiceMap("IPv4"), IPv6: new ServiceMap("IPv6") };
  readonly #iptables = new iptables.IptablesPorts();
  readonly #ipvs = new ipvs.IpvsPorts();
  readonly #nftables = new nftables.NftablesPorts();
  readonly #states = new Map<string, Held>();

  constructor(options: KubeProxyOptions) {
    this.#options = options;
  }

  /** Brings the service maps up to date. Rules are compiled when the next one asks for them. */
  apply({ services = [], endpointSlices = [], nodes = [] }: ProxyChanges): void {
    const serviceChanges = [...services];
    const sliceChanges = [...endpointSlices];
    for (const family of ["IPv4", "IPv6"] as const) {
      const map = this.#maps[family];
      const changed = map.apply(serviceChanges, sliceChanges);
      if (changed.size === 0) continue;
      for (const held of this.#states.values()) {
        if (held.family === family) for (const service of changed) held.state.note(service, map.entriesBefore(service));
      }
    }
    for (const change of nodes) this.#applyNode(change);
  }

  /** Names of the nodes that exist, in byte order. */
  nodes(): string[] {
    return [...this.#nodes.keys()].sort();
  }

  /** How the node's kube-proxy is configured. */
  optionsOf(node: string): ProxyOptions {
    return this.#existing(node).options;
  }

  /** What stands behind each health check node port of a node, in the order of the service map. */
  healthChecksOf(node: string, family: Family): HealthCheck[] {
    return healthChecks(this.#maps[family].entries(), node);
  }

  /**
   * The rules in one node's kernel, as of the last `apply`. The same object until something changes.
   *
   * @param mode default: the cluster's
   * @throws a plain Error for a node that does not exist
   */
  rulesOf(node: string, family: Family, mode: ProxyMode = this.#options.proxyMode): NodeRules {
    const key = `${mode} ${family} ${node}`;
    const isLarge = iptables.isLargeCluster(this.#maps[family].endpointCount());
    let held = this.#states.get(key);
    if (held === undefined || (mode === "iptables" && held.isLarge !== isLarge)) {
      held = { node, family, isLarge, state: this.#compile(node, family, mode) };
      this.#states.set(key, held);
    }
    return held.state.rules();
  }

  #compile(name: string, family: Family, mode: ProxyMode): AnyState {
    const { node, options } = this.#existing(name);
    const map = this.#maps[family];
    switch (mode) {
      case "iptables": {
        const context = iptables.nodeContext(options, node, family);
        const compile = (entries: readonly ServicePortEntry[]) => this.#iptables.compile(entries, context, map.endpointCount());
        return new NodeState(map, compile, (ports) => new IptablesRules(context, ports));
      }
      case "nftables": {
        const context = nftables.nodeContext(options, node, family);
        const compile = (entries: readonly ServicePortEntry[]) => this.#nftables.compile(entries, context);
        return new NodeState(map, compile, (ports) => new NftablesRules(context, ports));
      }
      case "ipvs": {
        const context = ipvs.nodeContext(options, node, family);
        const compile = (entries: readonly ServicePortEntry[]) => this.#ipvs.compile(entries, context);
        return new NodeState(map, compile, (ports) => new IpvsRules(context, ports));
      }
      default:
        return mode satisfies never;
    }
  }

  #applyNode({ before, after }: Change<Node>): void {
    const name = keyOf((after ?? before)!);
    if (after === undefined) {
      this.#nodes.delete(name);
      this.#forget(name);
      return;
    }
    const options = proxyOptionsFor(this.#options, after);
    const known = this.#nodes.get(name);
    this.#nodes.set(name, { node: after, options });
    const alike =
      known !== undefined &&
      same(known.options, options) &&
      same(known.node.spec, after.spec) &&
      same(known.node.metadata.labels, after.metadata.labels);
    if (!alike) this.#forget(name);
  }

  #existing(name: string): { node: Node; options: ProxyOptions } {
    const known = this.#nodes.get(name);
    if (known === undefined) throw new Error(`no node ${name} in the cluster`);
    return known;
  }

  #forget(node: string): void {
    for (const [key, held] of this.#states) if (held.node === node) this.#states.delete(key);
  }
}
