/**
 * The Storage port over the SQLite of a Durable Object.
 *
 * `WITHOUT ROWID` and no second index: a write of an object is one row written, and the platform bills rows.
 * The schema version is a table, because Durable Objects refuse `PRAGMA user_version`.
 */
import type { ObjectRow, PackRow, Storage, StoredVersion, Tx, VersionType } from "./cluster/storage/storage.ts";

const schemaVersion = 1;

export class SqliteStorage implements Storage {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #prepared = false;
  /** Rows written since this object woke, as SQLite counts them. */
  rowsWritten = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
  }

  /** True where nothing was ever stored: such an object belongs to no sandbox. Reads only. */
  isEmpty(): boolean {
    return this.#sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'objects'").toArray().length === 0;
  }

  load(): { objects: ObjectRow[]; packs: PackRow[]; settings: Map<string, string> } {
    if (this.isEmpty()) return { objects: [], packs: [], settings: new Map() };
    this.#refuseNewerSchema();
    const objects: ObjectRow[] = [];
    for (const row of this.#sql.exec("SELECT resource, namespace, name, revision, at, type, object, past FROM objects")) {
      const current: StoredVersion = [row.revision as number, row.at as number, row.type as VersionType, row.object as string];
      const past = row.past === null ? [] : (JSON.parse(row.past as string) as StoredVersion[]);
      objects.push({ resource: row.resource as string, namespace: row.namespace as string, name: row.name as string, current, past });
    }
    const packs = [...this.#sql.exec("SELECT last, at, versions FROM packs ORDER BY last")].map((row) => ({
      last: row.last as number,
      at: row.at as number,
      versions: JSON.parse(row.versions as string) as PackRow["versions"],
    }));
    const settings = new Map([...this.#sql.exec("SELECT key, value FROM settings")].map((row) => [row.key as string, row.value as string]));
    return { objects, packs, settings };
  }

  transaction<R>(work: (tx: Tx) => R extends PromiseLike<unknown> ? never : R): R {
    this.#prepare();
    return this.#storage.transactionSync(() => work(this.#tx));
  }

  /** A row of no cluster: the sandbox's own record (owner hashes, expiry). */
  readSetting(key: string): string | undefined {
    if (this.isEmpty()) return undefined;
    return this.#sql.exec("SELECT value FROM settings WHERE key = ?", key).toArray()[0]?.value as string | undefined;
  }

  /** After everything was deleted: the tables are gone and the next write makes them again. */
  forgetPrepared(): void {
    this.#prepared = false;
  }

  readonly #tx: Tx = {
    putObject: ({ resource, namespace, name, current: [revision, at, type, object], past }) =>
      this.#write(
        "INSERT OR REPLACE INTO objects (resource, namespace, name, revision, at, type, object, past) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [resource, namespace, name, revision, at, type, object, past.length === 0 ? null : JSON.stringify(past)],
      ),
    removeObject: (resource, namespace, name) =>
      this.#write("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", [resource, namespace, name]),
    putPack: ({ last, at, versions }) =>
      this.#write("INSERT OR REPLACE INTO packs (last, at, versions) VALUES (?, ?, ?)", [last, at, JSON.stringify(versions)]),
    removePack: (last) => this.#write("DELETE FROM packs WHERE last = ?", [last]),
    putSetting: (key, value) => this.#write("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", [key, value]),
    removeSetting: (key) => this.#write("DELETE FROM settings WHERE key = ?", [key]),
  };

  #write(statement: string, values: (string | number | null)[]): void {
    this.rowsWritten += this.#sql.exec(statement, ...values).rowsWritten;
  }

  #prepare(): void {
    if (this.#prepared) return;
    if (this.isEmpty()) {
      this.#sql.exec(`
        CREATE TABLE schema_version (version INTEGER PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE objects (
          resource TEXT, namespace TEXT, name TEXT, revision INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL,
          object TEXT NOT NULL, past TEXT, PRIMARY KEY (resource, namespace, name)
        ) WITHOUT ROWID;
        CREATE TABLE packs (last INTEGER PRIMARY KEY, at INTEGER NOT NULL, versions TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
      `);
      this.#sql.exec("INSERT INTO schema_version (version) VALUES (?)", schemaVersion);
    } else this.#refuseNewerSchema();
    this.#prepared = true;
  }

  #refuseNewerSchema(): void {
    const version = this.#sql.exec("SELECT max(version) AS version FROM schema_version").one().version as number;
    if (version > schemaVersion) throw new Error(`storage: schema version ${version} is newer than this release knows (${schemaVersion})`);
  }
}
