/**
 * One node's kube-proxy at work: syncs one after the other, full or partial, and the kernel tables they lead to.
 *
 * The cluster itself shows what a full sync leads to (`node-rules.ts`); this is how a real one gets there.
 */

import type { CompiledPorts } from "../port-cache.ts";
import { servicePrefixes } from "./chain-names.ts";
import { compileSync, ensureJumps, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { KernelTables } from "./kernel-tables.ts";
import type { RestoreInput } from "./rule.ts";

export class IptablesSync {
  readonly tables = new KernelTables();
  #synced = false;

  /**
   * Writes what a sync writes and applies it to the tables.
   *
   * @param changed Services (`namespace/name`) that differ since the last sync; absent asks for a full sync, and the first is always full
   */
  sync(node: NodeContext, ports: CompiledPorts<CompiledPort>, changed?: ReadonlySet<string>): { full: boolean; input: RestoreInput } {
    const full = changed === undefined || !this.#synced;
    if (full) ensureJumps(this.tables);
    const input = compileSync(node, ports, full ? undefined : changed, this.#staleChains(ports));
    this.tables.restore(input);
    this.#synced = true;
    return { full, input };
  }

  /** Chains of service ports that no port uses any more, by name. */
  #staleChains(ports: CompiledPorts<CompiledPort>): string[] {
    const active = new Set(ports.flatMap(({ compiled }) => compiled.chains));
    const nat = this.tables.tables().find((table) => table.name === "nat")!;
    return nat.chains
      .map((chain) => chain.name)
      .filter((name) => servicePrefixes.some((prefix) => name.startsWith(prefix)) && !active.has(name))
      .sort();
  }
}
