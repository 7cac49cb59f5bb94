/**
 * The iptables rules in one node's kernel, as `NodeRules`.
 */
import { canonicalIP, parseCidr } from "../address.ts";
import { localAddresses } from "../proxy-options.ts";
import type { Candidate, Family, LinkedRules, NodeRules, Packet, Walk, WalkOptions } from "../rule-set.ts";
import { candidatesOf } from "./candidates.ts";
import { type CompiledPorts, compileSync, ensureJumps, type NodeContext } from "./compile-rules.ts";
import { KernelTables } from "./kernel-tables.ts";
import { kernelOrder, kernelRule, printKernel, printRestore } from "./print-rules.ts";
import { type Host, walkRules } from "./walk-rules.ts";

export class IptablesRules implements NodeRules {
  readonly mode = "iptables";
  readonly node: string;
  readonly family: Family;
  /** What the kernel holds. A test that takes a rule out changes every walk, also of other nodes that share the chain. */
  readonly tables = new KernelTables();
  readonly #context: NodeContext;
  readonly #ports: CompiledPorts;
  readonly #host: Host;

  constructor(context: NodeContext, ports: CompiledPorts) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.#context = context;
    this.#ports = ports;
    this.#host = hostOf(context);
    ensureJumps(this.tables);
    this.tables.restore(compileSync(context, ports, nothingChanged));
    for (const { compiled } of ports) for (const chain of compiled.kernelChains) this.tables.adopt("nat", chain);
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    return walkRules(this.tables, this.#host, packet, { ...options, draws: () => random.next() });
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf(this.tables, this.#host, packet, options);
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

/** What a walk has to know of the node. */
export function hostOf({ options, family, localTraffic }: NodeContext): Host {
  const own = new Set(localAddresses(options, family).map(canonicalIP));
  const loopback = parseCidr(family === "IPv4" ? "127.0.0.0/8" : "::1/128")!;
  const podInterface = localTraffic?.by === "interface" ? localTraffic.name.replace(/\+$/, "0") : "cni0";
  const wire = Object.keys(options.interfaces)[0] ?? "eth0";
  return {
    family,
    isLocal: (ip) => own.has(ip) || loopback.contains(ip),
    inInterface: (origin) => (origin === "pod" ? podInterface : wire),
  };
}
