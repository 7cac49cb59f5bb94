/**
 * The rules of one node, family and mode between changes: what is compiled for it, and which Services have changed since.
 *
 * A change is noted for every node and worked in when somebody asks for that node's rules; then only the changed
 * Services are compiled.
 */
import type { CompiledPorts } from "./port-cache.ts";
import type { NodeRules } from "./rule-set.ts";
import type { ServiceMap, ServicePortEntry } from "./service-map.ts";

/** Rules that take service ports out and in without looking at the others. */
export interface UpdatableRules<Compiled> extends NodeRules {
  /** The rules with the change; these here must not be asked any more. */
  changed(removed: CompiledPorts<Compiled>, added: CompiledPorts<Compiled>): UpdatableRules<Compiled>;
}

export class NodeState<Compiled> {
  readonly #map: ServiceMap;
  readonly #compile: (entries: readonly ServicePortEntry[]) => CompiledPorts<Compiled>;
  readonly #compiled = new Map<ServicePortEntry, Compiled>();
  /** Changed Services (`namespace/name`) with the entries that the rules know. */
  readonly #changed = new Map<string, readonly ServicePortEntry[]>();
  #rules: UpdatableRules<Compiled>;

  /** @param make makes the rules; it gets all ports in the order of the map, whenever it asks */
  constructor(
    map: ServiceMap,
    compile: (entries: readonly ServicePortEntry[]) => CompiledPorts<Compiled>,
    make: (ports: () => CompiledPorts<Compiled>) => UpdatableRules<Compiled>,
  ) {
    this.#map = map;
    this.#compile = compile;
    for (const { entry, compiled } of compile(map.entries())) this.#compiled.set(entry, compiled);
    this.#rules = make(() => this.#map.entries().map((entry) => ({ entry, compiled: this.#compiled.get(entry)! })));
  }

  /** @param before the Service's entries before the change */
  note(service: string, before: readonly ServicePortEntry[]): void {
    if (!this.#changed.has(service)) this.#changed.set(service, before);
  }

  /** The same object until something changed. */
  rules(): NodeRules {
    if (this.#changed.size > 0) this.#update();
    return this.#rules;
  }

  #update(): void {
    const removed: ServicePortEntry[] = [];
    const added: ServicePortEntry[] = [];
    for (const [service, before] of this.#changed) {
      const after = this.#map.entriesOf(service);
      removed.push(...before.filter((entry) => !after.includes(entry)));
      added.push(...after.filter((entry) => !before.includes(entry)));
    }
    this.#changed.clear();
    const gone = removed.map((entry) => ({ entry, compiled: this.#compiled.get(entry)! }));
    for (const entry of removed) this.#compiled.delete(entry);
    const fresh = this.#compile(added);
    for (const { entry, compiled } of fresh) this.#compiled.set(entry, compiled);
    this.#rules = this.#rules.changed(gone, fresh);
  }
}
