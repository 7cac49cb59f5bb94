/** The Storage port over Maps, for tests and for clusters in process. Keeps what SQLite would keep, and counts rows as SQLite does. */
import type { ObjectRow, PackRow, Storage, Tx } from "./storage.ts";

export class MemoryStorage implements Storage {
  readonly #objects = new Map<string, string>();
  readonly #packs = new Map<number, string>();
  readonly #settings = new Map<string, string>();
  /** Rows written or removed since the start. */
  rowsWritten = 0;
  /** Set by fault tests: the nth write from now fails. */
  failAfterWrites: number | undefined;

  load(): { objects: ObjectRow[]; packs: PackRow[]; settings: Map<string, string> } {
    return {
      objects: [...this.#objects.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => JSON.parse(row) as ObjectRow),
      packs: [...this.#packs.values()].map((row) => JSON.parse(row) as PackRow),
      settings: new Map(this.#settings),
    };
  }

  transaction<R>(work: (tx: Tx) => R extends PromiseLike<unknown> ? never : R): R {
    const undo: (() => void)[] = [];
    const write = <K, V>(map: Map<K, V>, key: K, value: V | undefined): void => {
      if (this.failAfterWrites !== undefined && this.failAfterWrites-- === 0) {
        this.failAfterWrites = undefined;
        throw new Error("storage: this write was made to fail");
      }
      this.rowsWritten += 1;
      const before = map.get(key);
      undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
      if (value === undefined) map.delete(key);
      else map.set(key, value);
    };
    const tx: Tx = {
      // Stored as text, so that nothing in memory is shared with what is "on disk".
      putObject: (row) => write(this.#objects, `${row.resource}\0${row.namespace}\0${row.name}`, JSON.stringify(row)),
      removeObject: (resource, namespace, name) => write(this.#objects, `${resource}\0${namespace}\0${name}`, undefined),
      putPack: (row) => write(this.#packs, row.last, JSON.stringify(row)),
      removePack: (last) => write(this.#packs, last, undefined),
      putSetting: (key, value) => write(this.#settings, key, value),
      removeSetting: (key) => write(this.#settings, key, undefined),
    };
    try {
      return work(tx);
    } catch (error) {
      for (const change of undo.reverse()) change();
      throw error;
    }
  }
}
