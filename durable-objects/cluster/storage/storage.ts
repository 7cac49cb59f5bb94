/**
 * The Storage port: rows in, rows out, no meaning. SQLite in the Durable Object, a Map in tests.
 *
 * One row holds an object, together with its own past versions since the last packing, so that a write costs one row.
 * A deleted object stays as a tombstone row. Packs hold the past of many objects in one row each.
 *
 * @see ../../../docs/architecture.md, "Rows"
 */

/** What kind of change made a version: added, modified, deleted. */
export type VersionType = "A" | "M" | "D";

/** One version of an object as it is stored: the revision, cluster time in ms, how it came to be, and the object's JSON. */
export type StoredVersion = readonly [revision: number, at: number, type: VersionType, json: string];

export interface ObjectRow {
  /** `services`, `deployments.apps` */
  resource: string;
  /** Empty for objects without a namespace. */
  namespace: string;
  name: string;
  current: StoredVersion;
  /** Older versions since the last packing, oldest first. */
  past: readonly StoredVersion[];
}

/** The past of many objects between two revisions. */
export interface PackRow {
  /** Highest revision in the pack; the key. */
  last: number;
  /** Cluster time in ms of the newest version in it: when it is old enough, the row is dropped whole. */
  at: number;
  versions: readonly { resource: string; namespace: string; name: string; version: StoredVersion }[];
}

type Sync<R> = R extends PromiseLike<unknown> ? never : R;

export interface Storage {
  /** Everything stored, read once on wake. */
  load(): { objects: ObjectRow[]; packs: PackRow[]; settings: Map<string, string> };
  /** All writes of `work` land, or none; `work` cannot await, so nothing can come in between. */
  transaction<R>(work: (tx: Tx) => Sync<R>): R;
}

export interface Tx {
  putObject(row: ObjectRow): void;
  removeObject(resource: string, namespace: string, name: string): void;
  putPack(row: PackRow): void;
  removePack(last: number): void;
  /** Small values beside the objects: the sandbox's options, a held clock, faults, saved lived state. */
  putSetting(key: string, value: string): void;
  removeSetting(key: string): void;
}
