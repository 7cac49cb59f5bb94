/**
 * The table of an emulated kernel as a walk needs it: what each service port adds can be taken out again.
 *
 * Sets and maps are indexes already; the walk over them is the same as over `KernelTable`, which is made from all ports
 * when somebody asks. `test/proxy-differential.test.ts` shows that both say the same.
 */
import type { CompiledPorts } from "../port-cache.ts";
import { inMapOrder, type ServicePortEntry } from "../service-map.ts";
import { fixedCommands, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { KernelTable, type NftChain } from "./kernel-table.ts";
import { type Command, type Element, type SetDefinition, verdictText } from "./rule.ts";

/** What a walk asks of a table. */
export interface WalkedTable {
  chain(name: string): NftChain;
  baseChains(hook: string): readonly NftChain[];
  definition(set: string): SetDefinition;
  isEmpty(set: string): boolean;
  /** @param key the parts of the key, as text */
  element(set: string, key: readonly string[]): Element | undefined;
}

interface Claim {
  entry: ServicePortEntry;
  element: Element;
}

export class IndexedTable implements WalkedTable {
  readonly #fixed = new KernelTable();
  readonly #chains = new Map<string, NftChain>();
  readonly #definitions = new Map<string, SetDefinition>();
  /**
   * By set, then by the part of the key that tells most: the address, or else the port. Two Services may want one element;
   * then the order of the map decides.
   */
  readonly #elements = new Map<string, Map<string, readonly Claim[]>>();

  constructor(node: NodeContext, ports: CompiledPorts<CompiledPort>) {
    this.#fixed.run(fixedCommands(node, true));
    this.change([], ports);
  }

  change(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>): void {
    for (const { entry, compiled } of removed) for (const command of compiled.commands) this.#undo(entry, command);
    for (const { entry, compiled } of added) for (const command of compiled.commands) this.#do(entry, command);
  }

  chain(name: string): NftChain {
    return this.#chains.get(name) ?? this.#fixed.chain(name);
  }

  baseChains(hook: string): readonly NftChain[] {
    return this.#fixed.baseChains(hook);
  }

  definition(set: string): SetDefinition {
    return this.#definitions.get(set) ?? this.#fixed.definition(set);
  }

  isEmpty(set: string): boolean {
    return (this.#elements.get(set)?.size ?? 0) === 0 && this.#fixed.isEmpty(set);
  }

  /** An element that is there stays, unless the next one has another verdict: that is written over it. */
  element(set: string, key: readonly string[]): Element | undefined {
    const claims = this.#elements.get(set)?.get(tellingPart(key));
    if (claims === undefined) return this.#fixed.element(set, key);
    let kept: Element | undefined;
    for (let at = 0; at < claims.length; at += 1) {
      const { element } = claims[at]!;
      if (!isKey(element.key, key)) continue;
      if (kept === undefined || verdictText(kept) !== verdictText(element)) kept = element;
    }
    return kept ?? this.#fixed.element(set, key);
  }

  #do(entry: ServicePortEntry, command: Command): void {
    switch (command.do) {
      case "add-chain":
        this.#chains.set(command.chain, { name: command.chain, rules: [] });
        return;
      case "add-rule":
        this.#chains.get(command.chain)!.rules.push(command.rule);
        return;
      case "add-set":
        this.#definitions.set(command.set.name, command.set);
        return;
      case "add-element": {
        const elements = this.#elements.get(command.set.name) ?? new Map<string, readonly Claim[]>();
        this.#elements.set(command.set.name, elements);
        const key = tellingPart(command.element.key);
        const claims = elements.get(key) ?? [];
        const claim = { entry, element: command.element };
        elements.set(key, claims.length === 0 ? [claim] : [...claims, claim].sort((a, b) => inMapOrder(a.entry, b.entry)));
        return;
      }
      default:
    }
  }

  #undo(entry: ServicePortEntry, command: Command): void {
    switch (command.do) {
      case "add-chain":
        this.#chains.delete(command.chain);
        return;
      case "add-set":
        this.#definitions.delete(command.set.name);
        return;
      case "add-element": {
        const elements = this.#elements.get(command.set.name)!;
        const key = tellingPart(command.element.key);
        const left = (elements.get(key) ?? []).filter((claim) => claim.entry !== entry);
        if (left.length === 0) elements.delete(key);
        else elements.set(key, left);
        return;
      }
      default:
    }
  }
}

const tellingPart = (key: readonly string[]): string => (key.length === 2 ? key[1]! : key[0]!);

function isKey(a: readonly string[], b: readonly string[]): boolean {
  for (let at = a.length - 1; at >= 0; at -= 1) if (a[at] !== b[at]) return false;
  return true;
}
