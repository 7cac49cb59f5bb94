/**
 * The tables of an emulated kernel: what `iptables-restore --noflush` and single rules do to them.
 */
import type { RestoreInput, Rule, TableName } from "./rule.ts";

export interface Chain {
  name: string;
  builtIn: boolean;
  rules: Rule[];
}

const builtInChains: Record<TableName, readonly string[]> = {
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
};

export class KernelTables {
  readonly #tables = new Map<TableName, Map<string, Chain>>();

  constructor() {
    for (const name of ["filter", "nat"] as const) {
      this.#tables.set(name, new Map(builtInChains[name].map((chain) => [chain, { name: chain, builtIn: true, rules: [] }])));
    }
  }

  /** Filter, then nat; chains in the order in which they were made, built-in ones first. */
  tables(): { name: TableName; chains: Chain[] }[] {
    return [...this.#tables].map(([name, chains]) => ({ name, chains: [...chains.values()] }));
  }

  chain(table: TableName, name: string): Chain | undefined {
    return this.#tables.get(table)!.get(name);
  }

  ensureChain(table: TableName, name: string): Chain {
    const chains = this.#tables.get(table)!;
    let chain = chains.get(name);
    if (chain === undefined) {
      chain = { name, builtIn: false, rules: [] };
      chains.set(name, chain);
    }
    return chain;
  }

  /** Takes in a chain with its rules as it is. It may be shared: only `restore` with its chain line would change it. */
  adopt(table: TableName, chain: Chain): void {
    this.#tables.get(table)!.set(chain.name, chain);
  }

  /** Applies one input: chains with a chain line are made or emptied, all others stay. */
  restore(input: RestoreInput): void {
    for (const { table, chains, lines } of input) {
      for (const name of chains) this.ensureChain(table, name).rules = [];
      for (const line of lines) {
        if (line.do === "append") this.#existing(table, line.chain).rules.push(line.rule);
        else this.#tables.get(table)!.delete(line.chain);
      }
    }
  }

  #existing(table: TableName, name: string): Chain {
    const chain = this.chain(table, name);
    if (chain === undefined) throw new Error(`no chain ${name} in table ${table}`);
    return chain;
  }
}
