/**
 * Compiles one service port into iptables rules. Pure; what comes out depends on the port, the endpoints chosen for it
 * and the few facts about the node in `PortContext`, so that nodes which choose alike share one result.
 *
 * @see test/golden/proxy/README.md "Facts: iptables"
 */
import type { Endpoint } from "../endpoint-changes.ts";
import type { LocalTraffic } from "../local-traffic.ts";
import type { NodeFacts } from "../port-cache.ts";
import { PortOrigin } from "../port-origin.ts";
import type { RuleRole } from "../rule-set.ts";
import { isExternal, type ServicePort } from "../service-changes.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { UsableEndpoints } from "../usable-endpoints.ts";
import { chainsOf, endpointChain, type ServiceChains } from "./chain-names.ts";
import type { Chain } from "./kernel-tables.ts";
import { alone, append, comment, jump, type Match, type RestoreLine, type Target } from "./rule.ts";

/** What of a node matters to the rules of a service port, besides the choice of endpoints. */
export interface PortContext {
  localTraffic: LocalTraffic | undefined;
  masqueradeAll: boolean;
  /** An extra rule counts node port traffic over loopback. */
  countLoopbackNodePorts: boolean;
  /** False in a large cluster: the rules of single endpoints go without. */
  endpointComments: boolean;
}

/** The rules of one service port. Its own chains are made when the first packet, print or sync comes to them. */
export class CompiledPort {
  /** Written in every sync. */
  readonly filter: readonly RestoreLine[];
  /** The jumps in the shared nat chains; written in every sync. */
  readonly portals: readonly RestoreLine[];
  /** Chains that `portals` can lead to. */
  readonly entrances: readonly string[];
  readonly #compiler: PortCompiler;
  #kernelChains: readonly Chain[] | undefined;

  constructor(compiler: PortCompiler) {
    this.#compiler = compiler;
    this.filter = compiler.filter();
    this.portals = compiler.portals();
    this.entrances = compiler.entrances();
  }

  /** The port's own chains, and their rules; left out of a partial sync while nothing about the Service changed. */
  get chains(): readonly string[] {
    return this.#compiler.usedChains();
  }

  get rules(): readonly RestoreLine[] {
    return this.#compiler.chainRules();
  }

  /** The same chains as they end up in the kernel. Every node whose choice this is holds these very objects. */
  get kernelChains(): readonly Chain[] {
    this.#kernelChains ??= inKernel(this.chains, this.rules);
    return this.#kernelChains;
  }
}

export const compilePort = ({ port }: ServicePortEntry, use: UsableEndpoints, context: PortContext & NodeFacts): CompiledPort =>
  new CompiledPort(new PortCompiler(port, use, context));

function inKernel(chains: readonly string[], lines: readonly RestoreLine[]): Chain[] {
  const byName = new Map(chains.map((name): [string, Chain] => [name, { name, builtIn: false, rules: [] }]));
  for (const line of lines) if (line.do === "append") byName.get(line.chain)!.rules.push(line.rule);
  return [...byName.values()];
}

class PortCompiler {
  readonly #port: ServicePort;
  readonly #use: UsableEndpoints;
  readonly #context: PortContext & NodeFacts;
  readonly #names: ServiceChains;
  #endpointChains: ReadonlyMap<Endpoint, string> | undefined;
  readonly #usesExternal: boolean;
  readonly #usesFirewall: boolean;

  constructor(port: ServicePort, use: UsableEndpoints, context: PortContext & NodeFacts) {
    this.#port = port;
    this.#use = use;
    this.#context = context;
    this.#names = chainsOf(port);
    this.#usesExternal = use.hasEndpoints && isExternal(port);
    this.#usesFirewall = use.hasEndpoints && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0;
  }

  entrances(): string[] {
    return [
      ...(this.#usesExternal ? [this.#names.external] : []),
      ...(this.#usesFirewall ? [this.#names.firewall] : []),
      ...(this.#use.cluster.length > 0 ? [this.#names.cluster] : []),
      ...(this.#use.local.length > 0 ? [this.#names.local] : []),
    ];
  }

  usedChains(): string[] {
    return [...this.entrances(), ...this.#chainsOfEndpoints().values()];
  }

  #chainsOfEndpoints(): ReadonlyMap<Endpoint, string> {
    this.#endpointChains ??= new Map(this.#use.reachable.map((endpoint) => [endpoint, endpointChain(this.#port, endpoint)]));
    return this.#endpointChains;
  }

  /** What is refused, dropped or let in before any rewriting is of use. */
  filter(): RestoreLine[] {
    const { clusterIP, externalIPs, loadBalancerIPs, nodePort, healthCheckNodePort } = this.#port;
    const { hasInternal, hasExternal } = this.#use;
    const local: Match[] = [{ match: "address-type", of: "dst", type: "LOCAL" }];
    return [
      ...(hasInternal ? [] : [this.#refusal("KUBE-SERVICES", this.#to(clusterIP))]),
      ...(hasExternal ? [] : externalIPs.map((ip) => this.#refusal("KUBE-EXTERNAL-SERVICES", this.#to(ip)))),
      ...(this.#usesFirewall ? loadBalancerIPs.map((ip) => this.#firewallDrop(ip)) : []),
      ...(hasExternal ? [] : loadBalancerIPs.map((ip) => this.#refusal("KUBE-EXTERNAL-SERVICES", this.#to(ip)))),
      ...(hasExternal || nodePort === 0 ? [] : [this.#refusal("KUBE-EXTERNAL-SERVICES", [...local, ...this.#toPort(nodePort)])]),
      ...(healthCheckNodePort === 0 ? [] : [this.#healthCheck(healthCheckNodePort)]),
    ];
  }

  /** Where traffic to each address of the port goes. */
  portals(): RestoreLine[] {
    const { clusterIP, externalIPs, loadBalancerIPs, nodePort, internalPolicyLocal, text } = this.#port;
    const { external, firewall, cluster, local } = this.#names;
    const portal = (role: RuleRole, kind: string, ip: string, chain: string): RestoreLine =>
      this.#line("KUBE-SERVICES", role, [comment(`${text} ${kind}`), ...this.#to(ip)], jump(chain));
    const lines = this.#use.hasInternal ? [portal("cluster-ip", "cluster IP", clusterIP, internalPolicyLocal ? local : cluster)] : [];
    if (!this.#use.hasEndpoints) return lines;
    lines.push(...externalIPs.map((ip) => portal("external-ip", "external IP", ip, external)));
    lines.push(...loadBalancerIPs.map((ip) => portal("load-balancer-ip", "loadbalancer IP", ip, this.#usesFirewall ? firewall : external)));
    if (nodePort !== 0) lines.push(...this.#nodePort(nodePort));
    return lines;
  }

  /** The rules in the port's own chains. */
  chainRules(): RestoreLine[] {
    const { cluster, local } = this.#names;
    return [
      ...(this.#use.hasInternal ? this.#masqueradeInternal() : []),
      ...(this.#usesExternal ? this.#external() : []),
      ...(this.#usesFirewall ? this.#firewall() : []),
      ...this.#balance(cluster, this.#use.cluster),
      ...this.#balance(local, this.#use.local),
      ...this.#use.reachable.flatMap((endpoint) => this.#endpoint(endpoint)),
    ];
  }

  #refusal(chain: string, to: Match[]): RestoreLine {
    const none = !this.#use.hasEndpoints;
    const text = comment(`${this.#port.text} has no ${none ? "" : "local "}endpoints`);
    return this.#line(chain, none ? "no-endpoints" : "no-local-endpoints", [text, ...to], { target: none ? "reject" : "drop" });
  }

  #firewallDrop(ip: string): RestoreLine {
    const text = comment(`${this.#port.text} traffic not accepted by ${this.#names.firewall}`);
    return this.#line("KUBE-PROXY-FIREWALL", "source-range-drop", [text, ...this.#to(ip)], { target: "drop" });
  }

  #healthCheck(port: number): RestoreLine {
    const matches: Match[] = [
      comment(`${this.#port.text} health check node port`),
      { match: "protocol", protocol: "tcp" },
      { match: "destination-port", port },
    ];
    return this.#line("KUBE-NODEPORTS", "health-check", matches, { target: "accept" });
  }

  #nodePort(nodePort: number): RestoreLine[] {
    const text = comment(this.#port.text);
    const line = (matches: Match[]) => this.#line("KUBE-NODEPORTS", "node-port", [text, ...matches], jump(this.#names.external));
    const counted: Match[] = [
      this.#protocol(),
      { match: "destination", range: "127.0.0.0/8" },
      { match: "destination-port", port: nodePort },
      { match: "counter", name: "localhost_nps_accepted_pkts" },
    ];
    return [...(this.#context.countLoopbackNodePorts ? [line(counted)] : []), line(this.#toPort(nodePort))];
  }

  #masqueradeInternal(): RestoreLine[] {
    const { masqueradeAll, localTraffic } = this.#context;
    if (!masqueradeAll && localTraffic === undefined) return [];
    const chain = this.#port.internalPolicyLocal ? this.#names.local : this.#names.cluster;
    const matches = [comment(`${this.#port.text} cluster IP`), ...this.#to(this.#port.clusterIP)];
    if (masqueradeAll) return [this.#line(chain, "masquerade-all", matches, markMasq)];
    return [this.#line(chain, "masquerade-off-cluster", [...matches, fromLocal(localTraffic!, true)], markMasq)];
  }

  #external(): RestoreLine[] {
    const chain = this.#names.external;
    const { externalPolicyLocal, text } = this.#port;
    const policy = externalPolicyLocal ? this.#names.local : this.#names.cluster;
    return [
      ...(externalPolicyLocal ? this.#externalShortcuts(chain, text) : [this.#masqueradeExternal(chain, text)]),
      ...(this.#use.hasExternal ? [this.#line(chain, "external-policy", [], jump(policy))] : []),
    ];
  }

  #masqueradeExternal(chain: string, text: string): RestoreLine {
    return this.#line(chain, "masquerade-external", [comment(`masquerade traffic for ${text} external destinations`)], markMasq);
  }

  /** Under Local, pods and the node itself still reach every endpoint; only they may. */
  #externalShortcuts(chain: string, text: string): RestoreLine[] {
    const { localTraffic } = this.#context;
    const all = jump(this.#names.cluster);
    const fromNode: Match = { match: "address-type", of: "src", type: "LOCAL" };
    const about = (what: string) => comment(`${what} traffic for ${text} external destinations`);
    return [
      ...(localTraffic === undefined ? [] : [this.#line(chain, "pod-shortcut", [about("pod"), fromLocal(localTraffic, false)], all)]),
      this.#line(chain, "masquerade-local", [about("masquerade LOCAL"), fromNode], markMasq),
      this.#line(chain, "node-shortcut", [about("route LOCAL"), fromNode], all),
    ];
  }

  #firewall(): RestoreLine[] {
    const { sourceRanges, loadBalancerIPs, text } = this.#port;
    const allowed = [...sourceRanges, ...(this.#context.nodeInSourceRanges ? loadBalancerIPs : [])];
    const chain = this.#names.firewall;
    return [
      ...allowed.map((range) =>
        this.#line(chain, "source-range", [comment(`${text} loadbalancer IP`), { match: "source", range }], jump(this.#names.external)),
      ),
      this.#line(chain, "source-range-drop", [comment(`other traffic to ${text} will be dropped by KUBE-PROXY-FIREWALL`)]),
    ];
  }

  #balance(chain: string, endpoints: readonly Endpoint[]): RestoreLine[] {
    const { affinitySeconds } = this.#port;
    const line = (endpoint: Endpoint, role: RuleRole, matches: Match[]) => {
      const own = this.#chainsOfEndpoints().get(endpoint)!;
      const text = this.#endpointComment(`${this.#port.text} -> ${endpoint.text}`);
      return this.#line(chain, role, [...text, ...matches], jump(own), [endpoint]);
    };
    const sticky = (endpoint: Endpoint, seconds: number): Match => ({
      match: "recently-seen",
      list: this.#chainsOfEndpoints().get(endpoint)!,
      seconds,
    });
    return [
      ...(affinitySeconds === undefined
        ? []
        : endpoints.map((endpoint) => line(endpoint, "affinity", [sticky(endpoint, affinitySeconds)]))),
      ...endpoints.map((endpoint, at) => {
        const left = endpoints.length - at;
        return line(endpoint, "balance", left > 1 ? [draw(left)] : []);
      }),
    ];
  }

  #endpoint(endpoint: Endpoint): RestoreLine[] {
    const chain = this.#chainsOfEndpoints().get(endpoint)!;
    const text = this.#endpointComment(this.#port.text);
    const remember: Match[] = this.#port.affinitySeconds === undefined ? [] : [{ match: "remember", list: chain }];
    const { ip, port } = endpoint;
    const alone = [endpoint];
    return [
      this.#line(chain, "masquerade-hairpin", [...text, { match: "source", range: ip }], markMasq, alone),
      this.#line(chain, "endpoint", [...text, ...remember, this.#protocol()], { target: "dnat", ip, port }, alone),
    ];
  }

  #endpointComment(text: string): Match[] {
    return this.#context.endpointComments ? [comment(text)] : [];
  }

  #protocol(): Match {
    return protocolMatch[this.#port.protocol];
  }

  #to(ip: string): Match[] {
    return [this.#protocol(), { match: "destination", range: ip }, { match: "destination-port", port: this.#port.port }];
  }

  #toPort(port: number): Match[] {
    return [this.#protocol(), { match: "destination-port", port }];
  }

  #line(chain: string, role: RuleRole, matches: Match[], target?: Target, endpoints?: readonly Endpoint[]): RestoreLine {
    const [only] = matches;
    const kept = only !== undefined && matches.length === 1 ? alone(only) : matches;
    return append(chain, { matches: kept, target, origin: new PortOrigin(role, this.#port, endpoints), tried: undefined });
  }
}

const markMasq = jump("KUBE-MARK-MASQ");

const protocolMatch: Record<ServicePort["protocol"], Match> = {
  TCP: { match: "protocol", protocol: "tcp" },
  UDP: { match: "protocol", protocol: "udp" },
  SCTP: { match: "protocol", protocol: "sctp" },
};

/** One object for all Services: what every walk looks at stays near. */
function draw(of: number): Match {
  const match: Match = draws.get(of) ?? { match: "draw", of };
  draws.set(of, match);
  return match;
}
const draws = new Map<number, Match>();

function fromLocal(local: LocalTraffic, not: boolean): Match {
  return local.by === "range"
    ? { match: "source", range: local.range, ...(not ? { not } : {}) }
    : { match: "in-interface", name: local.name, ...(not ? { not } : {}) };
}
