/**
 * The nftables table in one node's kernel, as `NodeRules`.
 */
import { candidatesOf, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRule, LinkedRules, NodeRules, Packet, Walk, WalkOptions } from "../rule-set.ts";
import type { NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { sortedElements } from "./element-order.ts";
import type { KernelTable } from "./kernel-table.ts";
import { NftablesSync } from "./nftables-sync.ts";
import { elementText, kernelRule, nftFamily, printKernel, printTransaction } from "./print-rules.ts";
import { walkRules } from "./walk-rules.ts";

export class NftablesRules implements NodeRules {
  readonly mode = "nftables";
  readonly node: string;
  readonly family: Family;
  /** What the kernel holds. A test that takes a rule out changes every walk. */
  readonly table: KernelTable;
  readonly #context: NodeContext;
  readonly #ports: CompiledPorts<CompiledPort>;
  readonly #host: Host;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort>) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = ports;
    this.#host = hostOf(context.options, context.localTraffic, context.family);
    const sync = new NftablesSync();
    sync.sync(context, ports, 0);
    this.table = sync.table;
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    return walkRules(this.table, this.#host, packet, { ...options, draws: randomDraws(random) });
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => walkRules(this.table, this.#host, packet, { ...options, draws }));
  }

  print(format: "kernel" | "sync"): string {
    if (format === "kernel") return printKernel(this.table, this.family);
    const { transactions } = new NftablesSync().sync(this.#context, this.#ports, 0);
    return printTransaction(transactions.flat(), this.family);
  }

  /** Elements of sets and maps stand under the name of their set, in the place of a chain. */
  toJSON(): LinkedRules {
    const table = `${nftFamily(this.family)} kube-proxy`;
    const elements = this.table
      .sets()
      .flatMap(({ definition, elements }) =>
        sortedElements(definition, [...elements.values()]).map(
          (element, at): LinkedRule => ({ table, chain: definition.name, line: at + 1, text: elementText(element), ...element.origin }),
        ),
      );
    const rules = this.table
      .chains()
      .flatMap(({ name, rules }) =>
        rules.map((rule, at): LinkedRule => ({ table, chain: name, line: at + 1, text: kernelRule(rule, this.family), ...rule.origin })),
      );
    return { mode: this.mode, node: this.node, family: this.family, rules: [...elements, ...rules] };
  }
}
