/**
 * The iptables rules in one node's kernel, as `NodeRules`.
 */
import { candidatesOf, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRules, NodeRules, Packet, Walk, WalkOptions } from "../rule-set.ts";
import { compileSync, ensureJumps, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { KernelTables } from "./kernel-tables.ts";
import { kernelOrder, kernelRule, printKernel, printRestore } from "./print-rules.ts";
import { walkRules } from "./walk-rules.ts";

export class IptablesRules implements NodeRules {
  readonly mode = "iptables";
  readonly node: string;
  readonly family: Family;
  /** What the kernel holds. A test that takes a rule out changes every walk, also of other nodes that share the chain. */
  readonly tables = new KernelTables();
  readonly #context: NodeContext;
  readonly #ports: CompiledPorts<CompiledPort>;
  readonly #host: Host;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort>) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = ports;
    this.#host = hostOf(context.options, context.localTraffic, context.family);
    ensureJumps(this.tables);
    this.tables.restore(compileSync(context, ports, nothingChanged));
    for (const { compiled } of ports) for (const chain of compiled.kernelChains) this.tables.adopt("nat", chain);
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    return walkRules(this.tables, this.#host, packet, { ...options, draws: randomDraws(random) });
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => walkRules(this.tables, this.#host, packet, { ...options, draws }));
  }

  print(format: "kernel" | "sync"): string {
    return format === "sync" ? printRestore(compileSync(this.#context, this.#ports)) : printKernel(this.tables, this.family);
  }

  toJSON(): LinkedRules {
    const rules = this.tables.tables().flatMap(({ name: table, chains }) =>
      kernelOrder(chains).flatMap((chain) =>
        chain.rules.map((rule, at) => ({
          table,
          chain: chain.name,
          line: at + 1,
          text: kernelRule(chain.name, rule, this.family),
          ...rule.origin,
        })),
      ),
    );
    return { mode: this.mode, node: this.node, family: this.family, rules };
  }
}

/** The shared chains alone are restored; those of the service ports are adopted as they were compiled. */
const nothingChanged: ReadonlySet<string> = new Set();
