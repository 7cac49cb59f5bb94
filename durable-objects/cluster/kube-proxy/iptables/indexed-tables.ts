/**
 * The tables of an emulated kernel as a walk needs them, without a list of all Services: shared chains are indexed by
 * destination, and what a service port adds can be taken out again.
 *
 * Stands in for the linear walk over `KernelTables`; `test/proxy-differential.test.ts` shows that both say the same, down
 * to rule and line. Chains as lists are made from all ports when somebody asks.
 */
import type { CompiledPorts } from "../port-cache.ts";
import { inMapOrder, type ServicePortEntry } from "../service-map.ts";
import { compileSync, ensureJumps, type NodeContext } from "./compile-rules.ts";
import type { CompiledPort } from "./compile-service.ts";
import { type Chain, KernelTables } from "./kernel-tables.ts";
import type { RestoreLine, Rule, TableName } from "./rule.ts";

/** All ports of the node in the order of the service map. */
export type AllPorts = () => CompiledPorts<CompiledPort>;

/** A chain that a walk goes through. */
export interface WalkedChain {
  name: string;
  readonly rules: readonly Rule[];
  /** Absent: all rules have to be tried. */
  index?: {
    /** The rules that can match a packet to this destination, in their order; nothing is said about other conditions. */
    rulesFor(dst: string, port: number | undefined): readonly Rule[];
    /** From 1. */
    lineOf(rule: Rule): number;
  };
}

export class IndexedTables {
  readonly #fixed = new KernelTables();
  readonly #shared: Record<TableName, Map<string, SharedChain>>;
  /** Chains of service ports that are reached from shared ones. */
  readonly #entrances = new Map<string, CompiledPort>();
  /** Chains of service ports that a walk has come to. */
  readonly #own = new Map<string, Chain>();
  #ports: AllPorts;

  constructor(node: NodeContext, ports: AllPorts) {
    this.#ports = ports;
    ensureJumps(this.#fixed);
    this.#fixed.restore(compileSync(node, []));
    this.#shared = { filter: new Map(), nat: new Map() };
    for (const { table, chain, linesOf } of sharedChains) {
      const { rules } = this.#fixed.chain(table, chain)!;
      this.#shared[table].set(chain, new SharedChain(chain, rules, linesOf, () => this.#ports()));
    }
    this.change([], ports());
  }

  /** Takes ports out and in; the rest of the tables is not touched. */
  change(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>, ports: AllPorts = this.#ports): void {
    this.#ports = ports;
    for (const { entry, compiled } of removed) {
      for (const chains of Object.values(this.#shared)) for (const chain of chains.values()) chain.remove(entry, compiled);
      for (const name of compiled.entrances) {
        this.#entrances.delete(name);
        if (this.#own.has(name)) for (const own of compiled.kernelChains) this.#own.delete(own.name);
      }
    }
    for (const { entry, compiled } of added) {
      for (const chains of Object.values(this.#shared)) for (const chain of chains.values()) chain.add(entry, compiled);
      for (const name of compiled.entrances) this.#entrances.set(name, compiled);
    }
  }

  chain(table: TableName, name: string): WalkedChain | undefined {
    return (
      (table === "nat" ? this.#own.get(name) : undefined) ??
      this.#shared[table].get(name) ??
      this.#fixed.chain(table, name) ??
      this.#enter(name)
    );
  }

  #enter(name: string): Chain | undefined {
    const compiled = this.#entrances.get(name);
    if (compiled === undefined) return undefined;
    for (const chain of compiled.kernelChains) this.#own.set(chain.name, chain);
    return this.#own.get(name);
  }
}

const sharedChains: readonly { table: TableName; chain: string; linesOf: (compiled: CompiledPort) => readonly RestoreLine[] }[] = [
  ...["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"].map(
    (chain) => ({ table: "filter", chain, linesOf: ({ filter }: CompiledPort) => filter }) as const,
  ),
  ...["KUBE-SERVICES", "KUBE-NODEPORTS"].map(
    (chain) => ({ table: "nat", chain, linesOf: ({ portals }: CompiledPort) => portals }) as const,
  ),
];

/** The rules found by one address or port. */
interface Bucket {
  items: readonly Item[];
  /** In the order of the chain, with what always stands behind; made when first asked for. */
  rules?: readonly Rule[];
}

interface Item {
  entry: ServicePortEntry;
  /** Where the rule stands among those of its entry. */
  at: number;
  rule: Rule;
}

/** A chain in which every service port may have rules, in front of a few that are always there. */
class SharedChain implements WalkedChain {
  readonly name: string;
  readonly #tail: readonly Rule[];
  readonly #linesOf: (compiled: CompiledPort) => readonly RestoreLine[];
  readonly #ports: AllPorts;
  readonly #byAddress = new Map<string, Bucket>();
  /** Rules that name no address, by port. */
  readonly #byPort = new Map<number, Bucket>();
  #rules: readonly Rule[] | undefined;
  #lines: ReadonlyMap<Rule, number> | undefined;

  constructor(name: string, tail: readonly Rule[], linesOf: (compiled: CompiledPort) => readonly RestoreLine[], ports: AllPorts) {
    this.name = name;
    this.#tail = tail;
    this.#linesOf = linesOf;
    this.#ports = ports;
  }

  get rules(): readonly Rule[] {
    this.#rules ??= [...this.#ports().flatMap(({ compiled }) => this.#rulesOf(compiled)), ...this.#tail];
    return this.#rules;
  }

  get index(): this {
    return this;
  }

  rulesFor(dst: string, port: number | undefined): readonly Rule[] {
    const addressed = this.#byAddress.get(dst);
    const numbered = port === undefined || this.#byPort.size === 0 ? undefined : this.#byPort.get(port);
    if (addressed === undefined) return numbered === undefined ? this.#tail : this.#rulesIn(numbered);
    return numbered === undefined ? this.#rulesIn(addressed) : this.#inOrder([...addressed.items, ...numbered.items]);
  }

  lineOf(rule: Rule): number {
    this.#lines ??= new Map(this.rules.map((one, at) => [one, at + 1]));
    return this.#lines.get(rule)!;
  }

  add(entry: ServicePortEntry, compiled: CompiledPort): void {
    for (const [at, rule] of this.#rulesOf(compiled).entries()) {
      const { address, port } = destinationOf(rule);
      if (address === undefined) put(this.#byPort, port!, { entry, at, rule });
      else put(this.#byAddress, address, { entry, at, rule });
      this.#forget();
    }
  }

  remove(entry: ServicePortEntry, compiled: CompiledPort): void {
    for (const rule of this.#rulesOf(compiled)) {
      const { address, port } = destinationOf(rule);
      if (address === undefined) take(this.#byPort, port!, entry);
      else take(this.#byAddress, address, entry);
      this.#forget();
    }
  }

  #rulesIn(bucket: Bucket): readonly Rule[] {
    bucket.rules ??= this.#inOrder(bucket.items);
    return bucket.rules;
  }

  #inOrder(items: readonly Item[]): readonly Rule[] {
    const ordered = [...items].sort((a, b) => inMapOrder(a.entry, b.entry) || a.at - b.at);
    return [...ordered.map(({ rule }) => rule), ...this.#tail];
  }

  #rulesOf(compiled: CompiledPort): Rule[] {
    return this.#linesOf(compiled).flatMap((line) => (line.do === "append" && line.chain === this.name ? [line.rule] : []));
  }

  #forget(): void {
    this.#rules = undefined;
    this.#lines = undefined;
  }
}

function put<K>(buckets: Map<K, Bucket>, key: K, item: Item): void {
  buckets.set(key, { items: [...(buckets.get(key)?.items ?? []), item] });
}

function take<K>(buckets: Map<K, Bucket>, key: K, entry: ServicePortEntry): void {
  const items = (buckets.get(key)?.items ?? []).filter((item) => item.entry !== entry);
  if (items.length === 0) buckets.delete(key);
  else buckets.set(key, { items });
}

/** By what a rule is found: the address it names, else the port. Every rule of a service port names one of them. */
function destinationOf({ matches }: Rule): { address?: string; port?: number } {
  let address: string | undefined;
  let port: number | undefined;
  for (const match of matches) {
    if (match.match === "destination" && !match.not && !match.range.includes("/")) address = match.range;
    if (match.match === "destination-port") port = match.port;
  }
  return { address, port };
}
