/**
 * One node's kube-proxy in nftables mode at work: syncs one after the other, full or partial, and the table they lead to.
 */
import type { CompiledPorts } from "../port-cache.ts";
import { fixedCommands, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { KernelTable } from "./kernel-table.ts";
import { affinityPrefix, servicePrefixes } from "./names.ts";
import { type Command, type Element, elementKey, type SetDefinition, verdictText } from "./rule.ts";
import { remembered } from "./sets.ts";

/** A chain has to be unused for so long before it is deleted, because packets may still be in it. */
const deleteAfterMs = 1000;

export class NftablesSync {
  readonly table = new KernelTable();
  #synced = false;
  /** Elements written so far, by set. */
  readonly #known = new Map<string, Map<string, Element>>();
  /** Unused chains that are still there, with the time since when. */
  readonly #unused = new Map<string, number>();

  /**
   * Writes what a sync writes and applies it to the table.
   *
   * @param now milliseconds; only differences matter
   * @param changed Services (`namespace/name`) that differ since the last sync; absent asks for a full sync, and the first is always full
   * @returns one or two transactions; the first of two deletes chains
   */
  sync(
    node: NodeContext,
    ports: CompiledPorts<CompiledPort>,
    now: number,
    changed?: ReadonlySet<string>,
  ): { full: boolean; transactions: Command[][] } {
    const full = changed === undefined || !this.#synced;
    const deletions = this.#deletions(now);
    this.table.run(deletions);
    const leftOver = new Map([...this.#known].map(([set, elements]) => [set, new Map(elements)]));
    const commands: Command[] = full ? fixedCommands(node, !this.#synced) : [];
    for (const { entry, compiled } of ports) {
      const written = full || changed.has(`${entry.port.namespace}/${entry.port.service}`);
      for (const command of compiled.commands) {
        if (command.do === "add-element") commands.push(...this.#element(command.set, command.element, leftOver));
        else if (written) commands.push(command);
      }
    }
    this.table.run(commands);
    const cleanup = [...this.#unusedObjects(ports, now), ...this.#leftOver(leftOver)];
    this.table.run(cleanup);
    this.#synced = true;
    return { full, transactions: [...(deletions.length > 0 ? [deletions] : []), [...commands, ...cleanup]] };
  }

  #deletions(now: number): Command[] {
    const due = [...this.#unused].filter(([, since]) => now - since >= deleteAfterMs).map(([chain]) => chain);
    for (const chain of due) this.#unused.delete(chain);
    return due.sort().map((chain) => ({ do: "delete-chain", chain }));
  }

  /** Nothing for an element that is there already; one with another verdict is replaced. */
  #element(set: SetDefinition, element: Element, leftOver: Map<string, Map<string, Element>>): Command[] {
    const elements = this.#known.get(set.name) ?? new Map<string, Element>();
    this.#known.set(set.name, elements);
    const key = elementKey(element);
    const known = elements.get(key);
    leftOver.get(set.name)?.delete(key);
    elements.set(key, element);
    if (known !== undefined && verdictText(known) === verdictText(element)) return [];
    return [...(known === undefined ? [] : [{ do: "delete-element", set, element: known } as const]), { do: "add-element", set, element }];
  }

  #unusedObjects(ports: CompiledPorts<CompiledPort>, now: number): Command[] {
    const active = new Set(ports.flatMap(({ compiled }) => compiled.active));
    const chains = this.table
      .chains()
      .map((chain) => chain.name)
      .filter((name) => chainOfService(name) && !active.has(name))
      .sort();
    const sets = this.table
      .sets()
      .map((set) => set.definition)
      .filter(({ name }) => name.startsWith(affinityPrefix) && !active.has(name))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const name of this.#unused.keys()) if (active.has(name)) this.#unused.delete(name);
    for (const name of chains) if (!this.#unused.has(name)) this.#unused.set(name, now);
    return [...chains.map((chain): Command => ({ do: "flush-chain", chain })), ...sets.map((set): Command => ({ do: "delete-set", set }))];
  }

  #leftOver(leftOver: ReadonlyMap<string, ReadonlyMap<string, Element>>): Command[] {
    return remembered.flatMap((set) =>
      [...(leftOver.get(set.name) ?? [])]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, element]): Command => {
          this.#known.get(set.name)!.delete(key);
          return { do: "delete-element", set, element };
        }),
    );
  }
}

/** Names of service chains hold the hash and a slash; the fixed chains have neither. */
const chainOfService = (name: string): boolean => name.includes("/") && servicePrefixes.some((prefix) => name.startsWith(prefix));
