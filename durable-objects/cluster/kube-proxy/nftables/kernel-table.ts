/**
 * The table `kube-proxy` of an emulated kernel: what nft commands do to it.
 */
import { type Command, type Element, elementKey, type Hook, type NftRule, type SetDefinition } from "./rule.ts";

export interface NftChain {
  name: string;
  hook?: Hook;
  comment?: string;
  rules: NftRule[];
}

export interface NftSet {
  definition: SetDefinition;
  /** By the text of their keys, in order of insertion. */
  elements: Map<string, Element>;
}

export class KernelTable {
  readonly #chains = new Map<string, NftChain>();
  readonly #byHook = new Map<string, readonly NftChain[]>();
  readonly #sets = new Map<string, NftSet>();

  /** In the order in which they were made. */
  chains(): NftChain[] {
    return [...this.#chains.values()];
  }

  /** Sets and maps, in the order in which they were made. */
  sets(): NftSet[] {
    return [...this.#sets.values()];
  }

  chain(name: string): NftChain {
    const chain = this.#chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name} in table kube-proxy`);
    return chain;
  }

  set(name: string): NftSet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no set or map ${name} in table kube-proxy`);
    return set;
  }

  /** The chains that a hook enters, in the order of their priorities. */
  baseChains(hook: string): readonly NftChain[] {
    let chains = this.#byHook.get(hook);
    if (chains === undefined) {
      chains = this.chains()
        .filter((chain) => chain.hook?.hook === hook)
        .sort((a, b) => a.hook!.priority - b.hook!.priority);
      this.#byHook.set(hook, chains);
    }
    return chains;
  }

  definition(set: string): SetDefinition {
    return this.set(set).definition;
  }

  isEmpty(set: string): boolean {
    return this.set(set).elements.size === 0;
  }

  element(set: string, key: readonly string[]): Element | undefined {
    const { elements } = this.set(set);
    return elements.size === 0 ? undefined : elements.get(elementKey({ key }));
  }

  /** One transaction. Adding what is there changes nothing. */
  run(commands: readonly Command[]): void {
    for (const command of commands) this.#run(command);
  }

  #run(command: Command): void {
    switch (command.do) {
      case "add-table":
        return;
      case "add-chain": {
        const { chain: name, hook, comment } = command;
        if (hook !== undefined) this.#byHook.clear();
        if (!this.#chains.has(name)) this.#chains.set(name, { name, hook, comment, rules: [] });
        return;
      }
      case "flush-chain":
        this.chain(command.chain).rules = [];
        return;
      case "delete-chain":
        this.#byHook.clear();
        this.#chains.delete(command.chain);
        return;
      case "add-set":
        if (!this.#sets.has(command.set.name)) this.#sets.set(command.set.name, { definition: command.set, elements: new Map() });
        return;
      case "flush-set":
        this.set(command.set.name).elements.clear();
        return;
      case "delete-set":
        this.#sets.delete(command.set.name);
        return;
      case "add-rule":
        this.chain(command.chain).rules.push(command.rule);
        return;
      case "add-element": {
        const { elements } = this.set(command.set.name);
        if (!elements.has(elementKey(command.element))) elements.set(elementKey(command.element), command.element);
        return;
      }
      case "delete-element":
        this.set(command.set.name).elements.delete(elementKey(command.element));
        return;
      default:
        command satisfies never;
    }
  }
}
