/**
 * The nftables table in one node's kernel, as `NodeRules`.
 */
import { candidatesOf, type Draws, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import type { UpdatableRules } from "../node-state.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRule, LinkedRules, Outcome, Packet, RuleOrigin, Walk, WalkOptions } from "../rule-set.ts";
import type { NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { sortedElements } from "./element-order.ts";
import { IndexedTable } from "./indexed-table.ts";
import type { KernelTable } from "./kernel-table.ts";
import { NftablesSync } from "./nftables-sync.ts";
import { elementText, kernelRule, nftFamily, printKernel, printTransaction } from "./print-rules.ts";
import { walkRules } from "./walk-rules.ts";

/** All ports of the node in the order of the service map. */
type AllPorts = () => CompiledPorts<CompiledPort>;

export class NftablesRules implements UpdatableRules<CompiledPort> {
  readonly mode = "nftables";
  readonly node: string;
  readonly family: Family;
  readonly #context: NodeContext;
  readonly #ports: AllPorts;
  readonly #indexed: IndexedTable;
  readonly #host: Host;
  #listed: KernelTable | undefined;
  #isOpened = false;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort> | AllPorts, indexed?: IndexedTable) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = typeof ports === "function" ? ports : () => ports;
    this.#indexed = indexed ?? new IndexedTable(context, this.#ports());
    this.#host = hostOf(context.options, context.localTraffic, context.family);
  }

  changed(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>): NftablesRules {
    this.#indexed.change(removed, added);
    return new NftablesRules(this.#context, this.#ports, this.#indexed);
  }

  /** What the kernel holds. Whoever has it may take rules and elements out: from now on walks read it. */
  get table(): KernelTable {
    this.#isOpened = true;
    return this.#list();
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    const table = this.#isOpened || options.detail === "full" ? this.#list() : this.#indexed;
    return walkRules(table, () => this.#list(), this.#host, packet, { ...options, draws: randomDraws(random) }).walk();
  }

  outcome(packet: Packet, { random, now, affinity }: Omit<WalkOptions, "detail">): Outcome {
    return this.#unrecorded(packet, { now, affinity, draws: randomDraws(random) });
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => this.#unrecorded(packet, { ...options, draws }));
  }

  #unrecorded(packet: Packet, options: Omit<WalkOptions, "random"> & { draws: Draws }): Outcome {
    const table = this.#isOpened ? this.#list() : this.#indexed;
    return walkRules(table, () => this.#list(), this.#host, packet, { ...options, record: false }).outcome();
  }

  #list(): KernelTable {
    if (this.#listed === undefined) {
      const sync = new NftablesSync();
      sync.sync(this.#context, this.#ports(), 0);
      this.#listed = sync.table;
    }
    return this.#listed;
  }

  print(format: "kernel" | "sync"): string {
    if (format === "kernel") return printKernel(this.#list(), this.family);
    const { transactions } = new NftablesSync().sync(this.#context, this.#ports(), 0);
    return printTransaction(transactions.flat(), this.family);
  }

  /** Elements of sets and maps stand under the name of their set, in the place of a chain. */
  toJSON(): LinkedRules {
    const table = `${nftFamily(this.family)} kube-proxy`;
    const listed = this.#list();
    const elements = listed.sets().flatMap(({ definition, elements }) =>
      sortedElements(definition, [...elements.values()]).map(
        (element, at): LinkedRule => ({
          table,
          chain: definition.name,
          line: at + 1,
          text: elementText(element),
          ...partsOf(element.origin),
        }),
      ),
    );
    const rules = listed
      .chains()
      .flatMap(({ name, rules }) =>
        rules.map(
          (rule, at): LinkedRule => ({ table, chain: name, line: at + 1, text: kernelRule(rule, this.family), ...partsOf(rule.origin) }),
        ),
      );
    return { mode: this.mode, node: this.node, family: this.family, rules: [...elements, ...rules] };
  }
}

const partsOf = ({ role, objects }: RuleOrigin): RuleOrigin => ({ role, objects });
