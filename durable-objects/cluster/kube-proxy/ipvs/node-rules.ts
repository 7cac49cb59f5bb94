/**
 * What one node's kernel holds in ipvs mode, as `NodeRules`.
 */
import { candidatesOf, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import type { KernelTables } from "../iptables/kernel-tables.ts";
import { kernelOrder, kernelRule } from "../iptables/print-rules.ts";
import type { UpdatableRules } from "../node-state.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRule, LinkedRules, Outcome, Packet, RuleOrigin, Walk, WalkOptions } from "../rule-set.ts";
import { compileIpvs, type NodeContext } from "./compile-ipvs.ts";
import type { CompiledPort } from "./compile-service.ts";
import { IndexedIpvs, ListedIpvs } from "./indexed-ipvs.ts";
import { kernelSetName, setNames } from "./ip-sets.ts";
import { printBlocks, printKernelTools } from "./print-ipvs.ts";
import { inListingOrder, realServerText, serverKey, serverText } from "./virtual-server.ts";
import { type IpvsKernel, ipvsTable, walkIpvs } from "./walk-ipvs.ts";

/** All ports of the node in the order of the service map. */
type AllPorts = () => CompiledPorts<CompiledPort>;

export class IpvsRules implements UpdatableRules<CompiledPort> {
  readonly mode = "ipvs";
  readonly node: string;
  readonly family: Family;
  readonly #context: NodeContext;
  readonly #ports: AllPorts;
  readonly #indexed: IndexedIpvs;
  readonly #host: Host;
  #listed: ListedIpvs | undefined;
  #isOpened = false;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort> | AllPorts, indexed?: IndexedIpvs) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = typeof ports === "function" ? ports : () => ports;
    this.#indexed = indexed ?? new IndexedIpvs(context, this.#ports);
    this.#host = this.#hostWith(this.#indexed);
  }

  changed(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>): IpvsRules {
    this.#indexed.change(removed, added);
    return new IpvsRules(this.#context, this.#ports, this.#indexed);
  }

  /** What the kernel holds of iptables. Whoever has it may take rules out: from now on walks read it line by line. */
  get tables(): KernelTables {
    this.#isOpened = true;
    return this.#list().tables;
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    const kernel = options.detail === "full" ? this.#list() : this.#kernel();
    const host = kernel === this.#indexed ? this.#host : this.#hostWith(kernel);
    return walkIpvs(kernel, host, packet, { ...options, draws: randomDraws(random) }).walk();
  }

  outcome(packet: Packet, { random, now, affinity }: Omit<WalkOptions, "detail">): Outcome {
    return walkIpvs(this.#kernel(), this.#host, packet, { now, affinity, draws: randomDraws(random), record: false }).outcome();
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => walkIpvs(this.#kernel(), this.#host, packet, { ...options, draws, record: false }).outcome());
  }

  #kernel(): IpvsKernel {
    return this.#isOpened ? this.#list() : this.#indexed;
  }

  #hostWith(kernel: IpvsKernel): Host {
    const host = hostOf(this.#context.options, this.#context.localTraffic, this.family);
    return { ...host, isLocal: (ip) => kernel.isBound(ip) || host.isLocal(ip) };
  }

  #list(): ListedIpvs {
    this.#listed ??= new ListedIpvs(compileIpvs(this.#context, this.#ports()));
    return this.#listed;
  }

  print(format: "kernel" | "sync"): string {
    return format === "sync"
      ? printBlocks(this.#list().state, this.family)
      : printKernelTools(this.#list().state, this.#list().tables, this.family);
  }

  /** Virtual servers (their lines are the server and its real servers), then ip sets, then iptables rules. */
  toJSON(): LinkedRules {
    return { mode: this.mode, node: this.node, family: this.family, rules: [...this.#servers(), ...this.#sets(), ...this.#iptables()] };
  }

  #servers(): LinkedRule[] {
    return inListingOrder(this.#list().state.servers.values()).flatMap((server) => {
      const at = { table: ipvsTable, chain: serverKey(server) };
      const reals = server.realServers.map((real, index): LinkedRule => {
        const objects = [...partsOf(server.origin).objects, ...real.objects];
        return { ...at, line: index + 2, text: `-a ${realServerText(server, real)}`, role: "endpoint", objects };
      });
      return [{ ...at, line: 1, text: `-A ${serverText(server)}`, ...partsOf(server.origin) }, ...reals];
    });
  }

  #sets(): LinkedRule[] {
    return setNames.flatMap((set) => {
      const chain = kernelSetName(set, this.family);
      return this.#list()
        .state.sets.entries(set)
        .map(({ text, origin }, at) => ({ table: "ipset", chain, line: at + 1, text: `add ${chain} ${text}`, ...partsOf(origin) }));
    });
  }

  #iptables(): LinkedRule[] {
    return this.#list()
      .tables.tables()
      .flatMap(({ name: table, chains }) =>
        kernelOrder(chains).flatMap((chain) =>
          chain.rules.map((rule, at) => ({
            table,
            chain: chain.name,
            line: at + 1,
            text: kernelRule(chain.name, rule, this.family),
            ...partsOf(rule.origin),
          })),
        ),
      );
  }
}

const partsOf = ({ role, objects }: RuleOrigin): RuleOrigin => ({ role, objects });
