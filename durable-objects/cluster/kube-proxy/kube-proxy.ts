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
import { type ProxyOptions, proxyOptionsFor } from "./proxy-options.ts";
import type { Family, NodeRules, ProxyMode } from "./rule-set.ts";
import { ServiceMap } from "./service-map.ts";

export interface ProxyChanges {
  services?: Iterable<Change<Service>>;
  endpointSlices?: Iterable<Change<EndpointSlice>>;
  nodes?: Iterable<Change<Node>>;
}

export type KubeProxyOptions = Pick<SandboxOptions, "podCIDR" | "serviceCIDR" | "proxy" | "proxyMode">;

export class KubeProxy {
  readonly #options: KubeProxyOptions;
  readonly #nodes = new Map<string, { node: Node; options: ProxyOptions }>();
  readonly #maps = { IPv4: new ServiceMap("IPv4"), IPv6: new ServiceMap("IPv6") };
  readonly #iptables = new iptables.IptablesPorts();
  readonly #ipvs = new ipvs.IpvsPorts();
  readonly #nftables = new nftables.NftablesPorts();
  readonly #rules = new Map<string, NodeRules>();

  constructor(options: KubeProxyOptions) {
    this.#options = options;
  }

  /** Brings the service maps up to date. Rules are compiled when the next one asks for them. */
  apply({ services = [], endpointSlices = [], nodes = [] }: ProxyChanges): void {
    const serviceChanges = [...services];
    const sliceChanges = [...endpointSlices];
    for (const family of ["IPv4", "IPv6"] as const) {
      const changed = this.#maps[family].apply(serviceChanges, sliceChanges);
      if (changed.size > 0) this.#forget((rules) => rules.family === family);
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
    const rules = this.#rules.get(key) ?? this.#compile(node, family, mode);
    this.#rules.set(key, rules);
    return rules;
  }

  #compile(name: string, family: Family, mode: ProxyMode): NodeRules {
    const { node, options } = this.#existing(name);
    const entries = this.#maps[family].entries();
    switch (mode) {
      case "iptables": {
        const context = iptables.nodeContext(options, node, family);
        return new IptablesRules(context, this.#iptables.compile(entries, context));
      }
      case "nftables": {
        const context = nftables.nodeContext(options, node, family);
        return new NftablesRules(context, this.#nftables.compile(entries, context));
      }
      case "ipvs": {
        const context = ipvs.nodeContext(options, node, family);
        return new IpvsRules(context, this.#ipvs.compile(entries, context));
      }
      default:
        return mode satisfies never;
    }
  }

  #applyNode({ before, after }: Change<Node>): void {
    const name = keyOf((after ?? before)!);
    if (after === undefined) {
      this.#nodes.delete(name);
      this.#forget((rules) => rules.node === name);
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
    if (!alike) this.#forget((rules) => rules.node === name);
  }

  #existing(name: string): { node: Node; options: ProxyOptions } {
    const known = this.#nodes.get(name);
    if (known === undefined) throw new Error(`no node ${name} in the cluster`);
    return known;
  }

  #forget(which: (rules: NodeRules) => boolean): void {
    for (const [key, rules] of this.#rules) if (which(rules)) this.#rules.delete(key);
  }
}
