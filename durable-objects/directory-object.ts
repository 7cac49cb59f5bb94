/**
 * Which sandboxes exist, in sixteen shards: made, planned expiry, ended and why; and how many an address has made lately.
 *
 * An ended sandbox is remembered for 30 days. Content never comes here.
 */
import { DurableObject } from "cloudflare:workers";
import { type Directory, type DirectoryEntry, type DirectoryNamespace, type EndReason, shard, shardOf } from "./http/directory.ts";
import { creationsPerWindow, creationWindowMs } from "./http/limits.ts";

const rememberEndedMs = 30 * 24 * 3600_000;
const maximumPage = 200;

export interface DirectoryPage {
  entries: DirectoryEntry[];
  /** Where the next page begins; absent on the last one. */
  next?: string;
}

export interface DirectoryFigures {
  living: number;
  ended: number;
}

/** What a shard answers. Every call carries the time, so that the shard has no clock of its own. */
export interface DirectoryShard {
  made(entry: { id: string; madeAt: number; expiresAt: number }): Promise<void>;
  ended(id: string, at: number, reason: EndReason): Promise<void>;
  find(id: string, now: number): Promise<DirectoryEntry | undefined>;
  list(after: string, limit: number): Promise<DirectoryPage>;
  figures(): Promise<DirectoryFigures>;
  /** Counts one creation; `false`: the address has used up its window, and this one was not counted. */
  countCreation(address: string, now: number): Promise<boolean>;
}

type Row = { id: string; made_at: number; expires_at: number; ended_at: number | null; reason: EndReason | null };

export class DirectoryObject extends DurableObject implements DirectoryShard {
  readonly #sql = this.ctx.storage.sql;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS sandboxes (
         id TEXT PRIMARY KEY, made_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended_at INTEGER, reason TEXT
       ) WITHOUT ROWID;
       CREATE TABLE IF NOT EXISTS creations (
         address TEXT PRIMARY KEY, window_start INTEGER NOT NULL, count INTEGER NOT NULL
       ) WITHOUT ROWID;`,
    );
  }

  async made({ id, madeAt, expiresAt }: { id: string; madeAt: number; expiresAt: number }): Promise<void> {
    this.#sql.exec("INSERT OR REPLACE INTO sandboxes (id, made_at, expires_at) VALUES (?, ?, ?)", id, madeAt, expiresAt);
    this.#forget(madeAt);
  }

  async ended(id: string, at: number, reason: EndReason): Promise<void> {
    this.#sql.exec("UPDATE sandboxes SET ended_at = ?, reason = ? WHERE id = ? AND ended_at IS NULL", at, reason, id);
    this.#forget(at);
  }

  async find(id: string, now: number): Promise<DirectoryEntry | undefined> {
    const [row] = this.#sql.exec<Row>("SELECT * FROM sandboxes WHERE id = ?", id).toArray();
    if (row === undefined || (row.ended_at !== null && row.ended_at < now - rememberEndedMs)) return undefined;
    return entryOf(row);
  }

  async list(after: string, limit: number): Promise<DirectoryPage> {
    const size = Math.min(limit, maximumPage);
    const rows = this.#sql
      .exec<Row>("SELECT * FROM sandboxes WHERE ended_at IS NULL AND id > ? ORDER BY id LIMIT ?", after, size + 1)
      .toArray();
    const entries = rows.slice(0, size).map(entryOf);
    const last = entries.at(-1);
    return rows.length > size && last !== undefined ? { entries, next: last.id } : { entries };
  }

  async figures(): Promise<DirectoryFigures> {
    return this.#sql
      .exec<{ living: number; ended: number }>("SELECT count(*) - count(ended_at) AS living, count(ended_at) AS ended FROM sandboxes")
      .one();
  }

  async countCreation(address: string, now: number): Promise<boolean> {
    const [row] = this.#sql
      .exec<{ window_start: number; count: number }>("SELECT window_start, count FROM creations WHERE address = ?", address)
      .toArray();
    const open = row !== undefined && row.window_start > now - creationWindowMs;
    if (open && row.count >= creationsPerWindow) return false;
    this.#sql.exec(
      "INSERT OR REPLACE INTO creations (address, window_start, count) VALUES (?, ?, ?)",
      address,
      open ? row.window_start : now,
      open ? row.count + 1 : 1,
    );
    return true;
  }

  /** Birth and end are rare enough to sweep on each of them. */
  #forget(now: number): void {
    this.#sql.exec("DELETE FROM sandboxes WHERE ended_at < ?", now - rememberEndedMs);
    this.#sql.exec("DELETE FROM creations WHERE window_start < ?", now - creationWindowMs);
  }
}

/** The directory as the objects see it, behind the binding `DIRECTORY`. */
export class DirectoryStub implements Directory {
  readonly #namespace: DirectoryNamespace;

  constructor(namespace: DurableObjectNamespace) {
    // The stubs of a binding carry the methods of its class; the platform's type does not say so.
    this.#namespace = namespace as unknown as DirectoryNamespace;
  }

  made(entry: { id: string; madeAt: number; expiresAt: number }): Promise<void> {
    return this.#shardOf(entry.id).made(entry);
  }

  ended(id: string, at: number, reason: EndReason): Promise<void> {
    return this.#shardOf(id).ended(id, at, reason);
  }

  find(id: string): Promise<DirectoryEntry | undefined> {
    return this.#shardOf(id).find(id, Date.now());
  }

  #shardOf(id: string): DirectoryShard {
    return shard(this.#namespace, shardOf(id));
  }
}

const entryOf = (row: Row): DirectoryEntry => ({
  id: row.id,
  madeAt: row.made_at,
  expiresAt: row.expires_at,
  ...(row.ended_at === null || row.reason === null ? {} : { ended: { at: row.ended_at, reason: row.reason } }),
});
