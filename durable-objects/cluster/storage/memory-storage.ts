/** The Storage port over Maps, for tests and for clusters in process. Keeps what SQLite would keep, and counts rows as SQLite does. */
import type { ObjectRow, PackRow, Storage, Tx } from "./storage.ts";

export class MemoryStorage implements Storage {
  #objects = new Map<string, string>();
  #packs = new Map<number, string>();
  #settings = new Map<string, string>();
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
    const before = { objects: new Map(this.#objects), packs: new Map(this.#packs), settings: new Map(this.#settings) };
    const write = (change: () => void): void => {
      if (this.failAfterWrites !== undefined && this.failAfterWrites-- === 0) {
        this.failAfterWrites = undefined;
        throw new Error("storage: this write was made to fail");
      }
      this.rowsWritten += 1;
      change();
    };
    const tx: Tx = {
      // Stored as text, so that nothing in memory is shared with what is "on disk".
      putObject: (row) => write(() => this.#objects.set(`${row.resource}\0${row.namespace}\0${row.name}`, JSON.stringify(row))),
      removeObject: (resource, namespace, name) => write(() => this.#objects.delete(`${resource}\0${namespace}\0${name}`)),
      putPack: (row) => write(() => this.#packs.set(row.last, JSON.stringify(row))),
      removePack: (last) => write(() => this.#packs.delete(last)),
      putSetting: (key, value) => write(() => this.#settings.set(key, value)),
      removeSetting: (key) => write(() => this.#settings.delete(key)),
    };
    try {
      return work(tx);
    } catch (error) {
      this.#objects = before.objects;
      this.#packs = before.packs;
      this.#settings = before.settings;
      throw error;
    }
  }
}
