/**
 * Compiles one service port into nftables commands. Pure; nodes which choose alike share one result.
 *
 * @see test/golden/proxy/README.md "Facts: nftables"
 */
import type { Endpoint } from "../endpoint-changes.ts";
import type { LocalTraffic } from "../local-traffic.ts";
import type { NodeFacts } from "../port-cache.ts";
import { PortOrigin } from "../port-origin.ts";
import type { RuleOrigin, RuleRole } from "../rule-set.ts";
import { isExternal, type ServicePort } from "../service-changes.ts";
import type { ServicePortEntry } from "../service-map.ts";
import type { UsableEndpoints } from "../usable-endpoints.ts";
import { type EndpointNames, endpointNames, namesOf, type ServiceNames } from "./names.ts";
import { addRule, type Command, freshChain, type Part, type SetDefinition, type Verdict, type WireProtocol } from "./rule.ts";
import {
  clusterIPs,
  firewallIPs,
  hairpinConnections,
  noEndpointNodePorts,
  noEndpointServices,
  serviceIPs,
  serviceNodePorts,
} from "./sets.ts";

/** What of a node matters to the rules of a service port, besides the choice of endpoints. */
export interface PortContext {
  localTraffic: LocalTraffic | undefined;
  /** The mark that asks for masquerading. */
  mark: number;
}

/** The commands of one service port. */
export interface CompiledPort {
  /**
   * In order of writing. Elements are compared with those known in every sync; everything else is left out of a partial
   * sync while nothing about the Service changed.
   */
  commands: readonly Command[];
  /** Chains and affinity sets in use. */
  active: readonly string[];
}

export function compilePort({ port }: ServicePortEntry, use: UsableEndpoints, context: PortContext & NodeFacts): CompiledPort {
  const compiler = new PortCompiler(port, use, context);
  const commands = [...compiler.endpointChains(), ...compiler.chains(), ...compiler.elements(), ...compiler.rules()];
  const active = commands.flatMap((command) =>
    command.do === "add-chain" ? [command.chain] : command.do === "add-set" ? [command.set.name] : [],
  );
  return { commands, active };
}

class PortCompiler {
  readonly #port: ServicePort;
  readonly #use: UsableEndpoints;
  readonly #context: PortContext & NodeFacts;
  readonly #names: ServiceNames;
  readonly #endpointNames: ReadonlyMap<Endpoint, EndpointNames>;
  readonly #protocol: WireProtocol;
  readonly #usesExternal: boolean;
  readonly #usesFirewall: boolean;

  constructor(port: ServicePort, use: UsableEndpoints, context: PortContext & NodeFacts) {
    this.#port = port;
    this.#use = use;
    this.#context = context;
    this.#names = namesOf(port);
    this.#endpointNames = new Map(this.#sticky ? use.reachable.map((endpoint) => [endpoint, endpointNames(port, endpoint)]) : []);
    this.#protocol = port.protocol.toLowerCase() as WireProtocol;
    this.#usesExternal = use.hasEndpoints && isExternal(port);
    this.#usesFirewall = port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0;
  }

  /** Endpoints have chains of their own only where affinity asks for them; local ones are hairpin connections. */
  endpointChains(): Command[] {
    return this.#use.reachable.flatMap((endpoint) => {
      const { ip, port } = endpoint;
      const key = [ip, ip, this.#protocol, String(port)];
      return [
        ...(this.#sticky ? freshChain(this.#namesOf(endpoint).chain) : []),
        ...(this.#context.isHere(endpoint) ? [this.#element(hairpinConnections, "masquerade-hairpin", key, undefined, [endpoint])] : []),
      ];
    });
  }

  chains(): Command[] {
    const { cluster, local, external } = this.#names;
    return [
      ...(this.#use.cluster.length > 0 ? freshChain(cluster) : []),
      ...(this.#use.local.length > 0 ? freshChain(local) : []),
      ...(this.#usesExternal ? freshChain(external) : []),
    ];
  }

  /** Where traffic to each address of the port goes, and what is refused. */
  elements(): Command[] {
    const { clusterIP, externalIPs, loadBalancerIPs, nodePort, internalPolicyLocal } = this.#port;
    const { hasEndpoints, hasInternal, hasExternal } = this.#use;
    const { external, firewall, cluster, local } = this.#names;
    const to = (ip: string) => [ip, this.#protocol, String(this.#port.port)];
    const refused = (ip: string) => (hasExternal ? [] : [this.#refusal(noEndpointServices, to(ip))]);
    const entered = (role: RuleRole, ip: string) => (hasEndpoints ? [this.#element(serviceIPs, role, to(ip), external)] : []);
    return [
      this.#element(clusterIPs, "cluster-ip", [clusterIP]),
      hasInternal
        ? this.#element(serviceIPs, "cluster-ip", to(clusterIP), internalPolicyLocal ? local : cluster)
        : this.#refusal(noEndpointServices, to(clusterIP)),
      ...externalIPs.flatMap((ip) => [...entered("external-ip", ip), ...refused(ip)]),
      ...(this.#usesFirewall ? freshChain(firewall) : []),
      ...loadBalancerIPs.flatMap((ip) => [
        ...entered("load-balancer-ip", ip),
        ...(this.#usesFirewall ? [this.#element(firewallIPs, "source-range-drop", to(ip), firewall)] : []),
      ]),
      ...loadBalancerIPs.flatMap(refused),
      ...(nodePort === 0 ? [] : this.#nodePort([this.#protocol, String(nodePort)])),
    ];
  }

  rules(): Command[] {
    const { cluster, local } = this.#names;
    return [
      ...(this.#usesExternal ? this.#external() : []),
      ...(this.#usesFirewall ? [this.#firewall()] : []),
      ...(this.#sticky ? this.#use.reachable.map((endpoint) => this.#affinitySet(endpoint)) : []),
      ...this.#balance(cluster, this.#use.cluster),
      ...this.#balance(local, this.#use.local),
      ...(this.#sticky ? this.#use.reachable.flatMap((endpoint) => this.#endpoint(endpoint)) : []),
    ];
  }

  /** Only under affinity do endpoints have names. */
  #namesOf(endpoint: Endpoint): EndpointNames {
    return this.#endpointNames.get(endpoint)!;
  }

  get #sticky(): boolean {
    return this.#port.affinitySeconds !== undefined;
  }

  #nodePort(key: string[]): Command[] {
    return [
      ...(this.#use.hasEndpoints ? [this.#element(serviceNodePorts, "node-port", key, this.#names.external)] : []),
      ...(this.#use.hasExternal ? [] : [this.#refusal(noEndpointNodePorts, key)]),
    ];
  }

  #external(): Command[] {
    const { external, cluster, local } = this.#names;
    const { externalPolicyLocal } = this.#port;
    const mark: Part = { part: "set-mark", mark: this.#context.mark };
    return [
      ...(externalPolicyLocal ? this.#externalShortcuts(mark) : [this.#rule(external, "masquerade-external", [mark], "masquerade")]),
      ...(this.#use.hasExternal
        ? [this.#rule(external, "external-policy", [{ part: "goto", chain: externalPolicyLocal ? local : cluster }])]
        : []),
    ];
  }

  /** Under Local, pods and the node itself still reach every endpoint; only they may. */
  #externalShortcuts(mark: Part): Command[] {
    const { external, cluster } = this.#names;
    const { localTraffic } = this.#context;
    const all: Part = { part: "goto", chain: cluster };
    const fromNode: Part = { part: "source-local" };
    return [
      ...(localTraffic === undefined
        ? []
        : [this.#rule(external, "pod-shortcut", [fromLocal(localTraffic, false), all], "short-circuit pod traffic")]),
      this.#rule(external, "masquerade-local", [fromNode, mark], "masquerade local traffic"),
      this.#rule(external, "node-shortcut", [fromNode, all], "short-circuit local traffic"),
    ];
  }

  #firewall(): Command {
    const { sourceRanges, loadBalancerIPs } = this.#port;
    const ranges = [...sourceRanges, ...(this.#context.nodeInSourceRanges ? loadBalancerIPs : [])];
    return this.#rule(this.#names.firewall, "source-range-drop", [{ part: "source-outside", ranges }, { part: "drop" }]);
  }

  #affinitySet(endpoint: Endpoint): Command {
    const name = this.#namesOf(endpoint).affinity;
    return { do: "add-set", set: { name, kind: "set", key: ["addr"], timeoutSeconds: this.#port.affinitySeconds! } };
  }

  #balance(chain: string, endpoints: readonly Endpoint[]): Command[] {
    if (endpoints.length === 0) return [];
    if (!this.#sticky) {
      const to: Part = { part: "dnat-to-one-of", endpoints: endpoints.map(({ ip, port }) => ({ ip, port })) };
      return [this.#rule(chain, "balance", [{ part: "protocol", protocol: this.#protocol }, to], undefined, endpoints)];
    }
    const names = endpoints.map((endpoint) => ({ endpoint, ...this.#namesOf(endpoint) }));
    return [
      ...names.map(({ endpoint, chain: own, affinity }) =>
        this.#rule(
          chain,
          "affinity",
          [
            { part: "source-in", set: affinity },
            { part: "goto", chain: own },
          ],
          undefined,
          [endpoint],
        ),
      ),
      this.#rule(chain, "balance", [{ part: "goto-one-of", chains: names.map(({ chain: own }) => own) }], undefined, endpoints),
    ];
  }

  #endpoint(endpoint: Endpoint): Command[] {
    const { chain, affinity } = this.#namesOf(endpoint);
    const to: Part[] = [
      { part: "protocol", protocol: this.#protocol },
      { part: "dnat", ip: endpoint.ip, port: endpoint.port },
    ];
    return [
      this.#rule(chain, "affinity", [{ part: "remember-source", set: affinity }], undefined, [endpoint]),
      this.#rule(chain, "endpoint", to, undefined, [endpoint]),
    ];
  }

  #refusal(set: SetDefinition, key: string[]): Command {
    const none = !this.#use.hasEndpoints;
    const value: Verdict = none ? { verdict: "goto", chain: "reject-chain" } : { verdict: "drop" };
    const origin = this.#origin(none ? "no-endpoints" : "no-local-endpoints");
    return { do: "add-element", set, element: { key, comment: this.#port.text, value, origin } };
  }

  #element(set: SetDefinition, role: RuleRole, key: string[], goto?: string, endpoints?: readonly Endpoint[]): Command {
    const value: { value?: Verdict } = goto === undefined ? {} : { value: { verdict: "goto", chain: goto } };
    return { do: "add-element", set, element: { key, ...value, origin: this.#origin(role, endpoints) } };
  }

  #rule(chain: string, role: RuleRole, parts: Part[], comment?: string, endpoints?: readonly Endpoint[]): Command {
    return addRule(chain, { parts, ...(comment === undefined ? {} : { comment }), origin: this.#origin(role, endpoints) });
  }

  #origin(role: RuleRole, endpoints?: readonly Endpoint[]): RuleOrigin {
    return new PortOrigin(role, this.#port, endpoints);
  }
}

/** Traffic of this node's pods, or, with `not`, all other. */
export function fromLocal(local: LocalTraffic, not: boolean): Part {
  const negated = not ? { not } : {};
  return local.by === "range"
    ? { part: "source", range: local.range, ...negated }
    : { part: "in-interface", name: local.name.replace(/\+$/, "*"), ...negated };
}
