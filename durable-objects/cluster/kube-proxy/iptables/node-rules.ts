/**
 * The iptables rules in one node's kernel, as `NodeRules`.
 */
import { candidatesOf, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import type { UpdatableRules } from "../node-state.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRules, Outcome, Packet, Walk, WalkOptions } from "../rule-set.ts";
import { compileSync, ensureJumps, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { type AllPorts, IndexedTables } from "./indexed-tables.ts";
import { KernelTables } from "./kernel-tables.ts";
import { kernelOrder, kernelRule, printKernel, printRestore } from "./print-rules.ts";
import { walkRules } from "./walk-rules.ts";

export class IptablesRules implements UpdatableRules<CompiledPort> {
  readonly mode = "iptables";
  readonly node: string;
  readonly family: Family;
  readonly #context: NodeContext;
  readonly #ports: AllPorts;
  readonly #indexed: IndexedTables;
  readonly #host: Host;
  #listed: KernelTables | undefined;
  #isOpened = false;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort> | AllPorts, indexed?: IndexedTables) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = typeof ports === "function" ? ports : () => ports;
    this.#indexed = indexed ?? new IndexedTables(context, this.#ports);
    this.#host = hostOf(context.options, context.localTraffic, context.family);
  }

  changed(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>): IptablesRules {
    this.#indexed.change(removed, added);
    return new IptablesRules(this.#context, this.#ports, this.#indexed);
  }

  /**
   * What the kernel holds, chain by chain. Whoever has it may take rules out: from now on walks read it line by line. Own
   * chains of service ports are shared with other nodes.
   */
  get tables(): KernelTables {
    this.#isOpened = true;
    return this.#list();
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    const tables = this.#isOpened || options.detail === "full" ? this.#list() : this.#indexed;
    return walkRules(tables, this.#host, packet, { ...options, draws: randomDraws(random) }).walk();
  }

  outcome(packet: Packet, { random, now, affinity }: Omit<WalkOptions, "detail">): Outcome {
    return walkRules(this.#walked(), this.#host, packet, { now, affinity, draws: randomDraws(random), record: false }).outcome();
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => walkRules(this.#walked(), this.#host, packet, { ...options, draws, record: false }).outcome());
  }

  print(format: "kernel" | "sync"): string {
    return format === "sync" ? printRestore(compileSync(this.#context, this.#ports())) : printKernel(this.#list(), this.family);
  }

  toJSON(): LinkedRules {
    const rules = this.#list()
      .tables()
      .flatMap(({ name: table, chains }) =>
        kernelOrder(chains).flatMap((chain) =>
          chain.rules.map((rule, at) => ({
            table,
            chain: chain.name,
            line: at + 1,
            text: kernelRule(chain.name, rule, this.family),
            role: rule.origin.role,
            objects: rule.origin.objects,
          })),
        ),
      );
    return { mode: this.mode, node: this.node, family: this.family, rules };
  }

  #walked(): KernelTables | IndexedTables {
    return this.#isOpened ? this.#list() : this.#indexed;
  }

  /** The shared chains alone are restored; those of the service ports are adopted as they were compiled. */
  #list(): KernelTables {
    if (this.#listed === undefined) {
      const ports = this.#ports();
      this.#listed = new KernelTables();
      ensureJumps(this.#listed);
      this.#listed.restore(compileSync(this.#context, ports, nothingChanged));
      for (const { compiled } of ports) for (const chain of compiled.kernelChains) this.#listed.adopt("nat", chain);
    }
    return this.#listed;
  }
}

const nothingChanged: ReadonlySet<string> = new Set();
