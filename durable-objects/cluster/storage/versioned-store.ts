/**
 * The cluster's objects in memory, each write with a revision of its own, and the recent past for watches.
 *
 * Writes change memory at once and reach the Storage port together in `commit()`, at the end of a turn: a Service and
 * what controllers made of it are one transaction. When a commit fails, memory is ahead of the storage; the owner
 * throws this store away and loads another one.
 */
import type { Reader } from "../api/controller.ts";
import { type EndpointSlice, type KubeObject, keyOf } from "../api/objects.ts";
import { gone } from "../api/status-error.ts";
import type { ObjectRow, Storage, StoredVersion, VersionType } from "./storage.ts";

/** One write, as watchers and derived state see it. */
export interface StoreChange {
  revision: number;
  /** Cluster time in ms. */
  at: number;
  type: "ADDED" | "MODIFIED" | "DELETED";
  resource: string;
  /** After the write; for DELETED the last state, with the revision of the deletion. */
  object: KubeObject;
  previous: KubeObject | undefined;
}

interface Entry {
  object: KubeObject;
  at: number;
  type: VersionType;
  past: StoredVersion[];
  pastBytes: number;
  /** The object's text, once it was needed. */
  json?: string;
}

/** Bounds of the past. Versions older than an hour, or beyond the newest 10,000, may be forgotten; a watch from before them gets 410. */
export const historyLimits = {
  changes: 10_000,
  ageMs: 3_600_000,
  versionsInRow: 24,
  bytesInRow: 256 * 1024,
  packBytes: 512 * 1024,
} as const;

const separator = "\0";

/** Revisions begin here, as those of a control plane that has just come up: what was before it nobody can watch. */
const firstRevision = 200;

export class VersionedStore implements Reader {
  readonly #storage: Storage;
  readonly #resources = new Map<string, Map<string, Entry>>();
  /** Sorted keys of a resource, made when first asked for and kept in order from then on. */
  readonly #sortedKeys = new Map<string, string[]>();
  /** Answers of `list` by resource and namespace, until something of the resource changes. */
  readonly #lists = new Map<string, Map<string, readonly KubeObject[]>>();
  /** By resource and an owner's uid, or a namespace and the value of an indexed label. */
  readonly #index = new Map<string, Map<string, KubeObject>>();
  /** Tombstones by resource, then key. */
  readonly #tombstones = new Map<string, Map<string, Entry>>();
  #history: StoreChange[] = [];
  /** The revision before the oldest change in `#history`: a watch may start here or later. */
  #forgottenRevision: number = firstRevision;
  #revision: number = firstRevision;
  readonly #dirty = new Map<string, { resource: string; key: string }>();
  readonly #settings: Map<string, string>;
  readonly #dirtySettings = new Set<string>();
  readonly #packs: { last: number; at: number }[] = [];
  #unpublished: StoreChange[] = [];
  /** Called for every write, at once, before the next one. Set by `cluster.ts`. */
  onChange: (change: StoreChange) => void = () => {};

  /** Reads everything back: objects, the past for watches, and the revision, which never goes back. */
  constructor(storage: Storage) {
    this.#storage = storage;
    const { objects, packs, settings } = storage.load();
    this.#settings = settings;
    const versions: { resource: string; version: StoredVersion }[] = [];
    for (const pack of packs) {
      this.#packs.push({ last: pack.last, at: pack.at });
      this.#revision = Math.max(this.#revision, pack.last);
      for (const { resource, version } of pack.versions) versions.push({ resource, version });
    }
    for (const row of objects) {
      const [revision, at, type, json] = row.current;
      const object = JSON.parse(json) as KubeObject;
      const entry: Entry = { object, at, type, past: [...row.past], pastBytes: sizeOf(row.past) };
      this.#revision = Math.max(this.#revision, revision);
      for (const version of row.past) versions.push({ resource: row.resource, version });
      versions.push({ resource: row.resource, version: row.current });
      const key = keyOf(object);
      if (type === "D") mapOf(this.#tombstones, row.resource).set(key, entry);
      else {
        mapOf(this.#resources, row.resource).set(key, entry);
        this.#reindex(row.resource, key, undefined, object);
      }
    }
    this.#restoreHistory(versions);
  }

  /** The newest revision given out. */
  get revision(): number {
    return this.#revision;
  }

  // ---- reads

  get<T extends KubeObject>(resource: string, namespace: string | undefined, name: string): T | undefined {
    const key = namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
    return this.#resources.get(resource)?.get(key)?.object as T | undefined;
  }

  list<T extends KubeObject>(resource: string, namespace?: string): readonly T[] {
    const entries = this.#resources.get(resource);
    if (!entries) return [];
    const lists = mapOf(this.#lists, resource);
    let objects = lists.get(namespace ?? "");
    if (!objects) {
      objects = keysWithin(this.#keysOf(resource, entries), namespace ?? "").map((key) => entries.get(key)?.object as T);
      lists.set(namespace ?? "", objects);
    }
    return objects as readonly T[];
  }

  ownedBy<T extends KubeObject>(uid: string, resource: string): readonly T[] {
    return this.#indexed(`${resource}${separator}${uid}`);
  }

  slicesOf(namespace: string, service: string): readonly EndpointSlice[] {
    return this.#indexed(`${endpointSlices}${separator}${namespace}/${service}`);
  }

  /** Resources that hold at least one object. */
  resourcesInUse(): string[] {
    return [...this.#resources.entries()]
      .filter(([, entries]) => entries.size > 0)
      .map(([resource]) => resource)
      .sort();
  }

  count(resource: string): number {
    return this.#resources.get(resource)?.size ?? 0;
  }

  // ---- writes

  /** The revision the next write will carry: for objects that need to know theirs before they are stored. */
  nextRevision(): string {
    return String(this.#revision + 1);
  }

  /** Stores an object as added or modified, under a new revision, which it returns in the object. */
  put<T extends KubeObject>(resource: string, object: T, at: number): T {
    const key = keyOf(object);
    const entries = mapOf(this.#resources, resource);
    const previous = entries.get(key);
    const stored = this.#stamped(object);
    const type: VersionType = previous ? "M" : "A";
    const carried = previous ?? this.#tombstones.get(resource)?.get(key);
    entries.set(key, { ...pastOf(carried), object: stored, at, type });
    if (!previous) {
      this.#tombstones.get(resource)?.delete(key);
      const keys = this.#sortedKeys.get(resource);
      keys?.splice(lowerBound(keys, key), 0, key);
    }
    this.#lists.delete(resource);
    this.#reindex(resource, key, previous?.object, stored);
    this.#record({
      revision: this.#revision,
      at,
      type: previous ? "MODIFIED" : "ADDED",
      resource,
      object: stored,
      previous: previous?.object,
    });
    this.#dirty.set(`${resource}${separator}${key}`, { resource, key });
    return stored;
  }

  /** Removes an object; a tombstone with its own revision stays. Returns the last state under that revision. */
  remove(resource: string, object: KubeObject, at: number): KubeObject {
    const key = keyOf(object);
    const previous = this.#resources.get(resource)?.get(key);
    if (!previous) throw new Error(`store: ${resource} ${key} is to be removed but not there`);
    const last = this.#stamped(object);
    this.#resources.get(resource)?.delete(key);
    const keys = this.#sortedKeys.get(resource);
    keys?.splice(lowerBound(keys, key), 1);
    this.#lists.delete(resource);
    mapOf(this.#tombstones, resource).set(key, { ...pastOf(previous), object: last, at, type: "D" });
    this.#reindex(resource, key, previous.object, undefined);
    this.#record({ revision: this.#revision, at, type: "DELETED", resource, object: last, previous: previous.object });
    this.#dirty.set(`${resource}${separator}${key}`, { resource, key });
    return last;
  }

  setting(key: string): string | undefined {
    return this.#settings.get(key);
  }

  /** Names of settings that begin so, sorted. */
  settingKeys(prefix: string): string[] {
    return [...this.#settings.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  /** `undefined` removes it. Written with the next commit. */
  putSetting(key: string, value: string | undefined): void {
    if (this.#settings.get(key) === value) return;
    if (value === undefined) this.#settings.delete(key);
    else this.#settings.set(key, value);
    this.#dirtySettings.add(key);
  }

  /** True where a commit would write something. */
  get hasUncommitted(): boolean {
    return this.#dirty.size > 0;
  }

  /** Writes everything since the last commit in one transaction, and hands over the changes for watchers. */
  commit(): readonly StoreChange[] {
    const changes = this.#unpublished;
    if (this.#dirty.size === 0 && this.#dirtySettings.size === 0) {
      this.#unpublished = [];
      return changes;
    }
    this.#storage.transaction((tx) => {
      const packing = this.#rowsToPack();
      if (packing.length > 0) {
        const versions = packing.flatMap(({ row }) =>
          row.past.map((version) => ({ resource: row.resource, namespace: row.namespace, name: row.name, version })),
        );
        const last = Math.max(...versions.map(({ version }) => version[0]));
        const at = Math.max(...versions.map(({ version }) => version[1]));
        tx.putPack({ last, at, versions });
        this.#packs.push({ last, at });
        for (const { entry } of packing) {
          entry.past = [];
          entry.pastBytes = 0;
        }
      }
      for (const { resource, key } of this.#dirty.values()) {
        const entry = this.#resources.get(resource)?.get(key) ?? this.#tombstones.get(resource)?.get(key);
        if (entry) tx.putObject(rowOf(resource, entry));
      }
      for (const { row } of packing) {
        if (!this.#dirty.has(`${row.resource}${separator}${row.namespace === "" ? row.name : `${row.namespace}/${row.name}`}`))
          tx.putObject({ ...row, past: [] });
      }
      for (const key of this.#dirtySettings) {
        const value = this.#settings.get(key);
        if (value === undefined) tx.removeSetting(key);
        else tx.putSetting(key, value);
      }
    });
    this.#dirty.clear();
    this.#dirtySettings.clear();
    this.#unpublished = [];
    return changes;
  }

  /** Drops tombstones and packs nobody may ask for any more. The newest tombstone stays, because the revision must not go back. */
  forgetOlderThan(at: number): void {
    const expired = this.#packs.filter((pack) => pack.at < at && pack.last < this.#revision);
    const old: { resource: string; key: string; entry: Entry }[] = [];
    for (const [resource, entries] of this.#tombstones) {
      for (const [key, entry] of entries) {
        if (entry.at < at && Number(entry.object.metadata.resourceVersion) < this.#revision) old.push({ resource, key, entry });
      }
    }
    if (expired.length === 0 && old.length === 0) return;
    this.#storage.transaction((tx) => {
      for (const { last } of expired) tx.removePack(last);
      for (const { resource, entry } of old) tx.removeObject(resource, entry.object.metadata.namespace ?? "", entry.object.metadata.name);
    });
    for (const pack of expired) this.#packs.splice(this.#packs.indexOf(pack), 1);
    for (const { resource, key } of old) this.#tombstones.get(resource)?.delete(key);
    const keep = this.#history.findIndex((change) => change.at >= at);
    this.#forget(keep < 0 ? this.#history.length : keep);
  }

  /** Cluster time in ms at which the current version of an object was written. */
  writtenAt(resource: string, namespace: string | undefined, name: string): number | undefined {
    return this.#resources.get(resource)?.get(namespace === undefined || namespace === "" ? name : `${namespace}/${name}`)?.at;
  }

  // ---- the past

  /** Cluster time of the newest stored change; `undefined` where nothing was ever stored. */
  newestChangeAt(): number | undefined {
    return this.#history.at(-1)?.at;
  }

  /** The oldest revision a watch may resume after. */
  get oldestRevision(): number {
    return this.#forgottenRevision;
  }

  /**
   * Changes after a revision, oldest first, of one resource or of all.
   *
   * @throws StatusError 410 where the past no longer reaches that far
   */
  changesSince(revision: number, resource?: string): StoreChange[] {
    if (revision < this.#forgottenRevision) throw gone(`too old resource version: ${revision} (${this.#forgottenRevision})`);
    const from = lowerBoundBy(this.#history, revision + 1);
    const changes: StoreChange[] = [];
    for (let at = from; at < this.#history.length; at += 1) {
      const change = this.#history[at] as StoreChange;
      if (resource === undefined || change.resource === resource) changes.push(change);
    }
    return changes;
  }

  // ---- inside

  #stamped<T extends KubeObject>(object: T): T {
    this.#revision += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } };
  }

  #record(change: StoreChange): void {
    this.#history.push(change);
    if (this.#history.length > historyLimits.changes * 1.1) this.#forget(this.#history.length - historyLimits.changes);
    this.#unpublished.push(change);
    this.onChange(change);
  }

  #forget(count: number): void {
    if (count <= 0) return;
    this.#forgottenRevision = (this.#history[count - 1] as StoreChange).revision;
    this.#history = this.#history.slice(count);
  }

  /** Rows whose own past has grown long, with others that have some, as many as one pack row holds. */
  #rowsToPack(): { row: ObjectRow; entry: Entry }[] {
    const isFull = (entry: Entry): boolean =>
      entry.past.length >= historyLimits.versionsInRow || entry.pastBytes >= historyLimits.bytesInRow;
    let due = false;
    for (const { resource, key } of this.#dirty.values()) {
      const entry = this.#resources.get(resource)?.get(key) ?? this.#tombstones.get(resource)?.get(key);
      if (entry && isFull(entry)) due = true;
    }
    if (!due) return [];
    const rows: { row: ObjectRow; entry: Entry }[] = [];
    let bytes = 0;
    for (const map of [this.#resources, this.#tombstones]) {
      for (const [resource, entries] of map) {
        for (const entry of entries.values()) {
          const worthIt = isFull(entry) || entry.past.length >= historyLimits.versionsInRow / 2;
          if (!worthIt || (bytes > 0 && bytes + entry.pastBytes > historyLimits.packBytes)) continue;
          bytes += entry.pastBytes;
          rows.push({ row: rowOf(resource, entry), entry });
        }
      }
    }
    return rows;
  }

  #restoreHistory(versions: { resource: string; version: StoredVersion }[]): void {
    versions.sort((a, b) => a.version[0] - b.version[0]);
    const latest = new Map<string, KubeObject>();
    for (const { resource, version } of versions) {
      const [revision, at, type, json] = version;
      const object = JSON.parse(json) as KubeObject;
      const key = `${resource}${separator}${keyOf(object)}`;
      const previous = latest.get(key);
      // Where the version before was dropped with an old pack, a modification cannot be told: a watch may only start behind it.
      if (type !== "A" && !previous) this.#forgottenRevision = revision;
      this.#history.push({ revision, at, type: typeNames[type], resource, object, previous });
      if (type === "D") latest.delete(key);
      else latest.set(key, object);
    }
    const unusable = lowerBoundBy(this.#history, this.#forgottenRevision + 1);
    if (unusable > 0) this.#forget(unusable);
    if (this.#history.length > historyLimits.changes) this.#forget(this.#history.length - historyLimits.changes);
    if (this.#history.length === 0) this.#forgottenRevision = this.#revision;
  }

  #keysOf(resource: string, entries: Map<string, Entry>): string[] {
    let keys = this.#sortedKeys.get(resource);
    if (!keys) {
      keys = [...entries.keys()].sort();
      this.#sortedKeys.set(resource, keys);
    }
    return keys;
  }

  #reindex(resource: string, key: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    for (const name of before ? indexNames(resource, before) : []) {
      const objects = this.#index.get(name);
      objects?.delete(key);
      if (objects?.size === 0) this.#index.delete(name);
    }
    for (const name of after ? indexNames(resource, after) : []) mapOf(this.#index, name).set(key, after as KubeObject);
  }

  #indexed<T extends KubeObject>(name: string): readonly T[] {
    const objects = this.#index.get(name);
    if (!objects) return [];
    return [...objects.keys()].sort().map((key) => objects.get(key) as T);
  }
}

const endpointSlices = "endpointslices.discovery.k8s.io";
const serviceNameLabel = "kubernetes.io/service-name";

/** Under which names an object is found again: its owners', and a slice's Service. A uid holds no slash. */
function indexNames(resource: string, { metadata }: KubeObject): string[] {
  const names = (metadata.ownerReferences ?? []).map(({ uid }) => `${resource}${separator}${uid}`);
  const service = resource === endpointSlices ? metadata.labels?.[serviceNameLabel] : undefined;
  if (service !== undefined) names.push(`${resource}${separator}${metadata.namespace}/${service}`);
  return names;
}

/** The part of sorted keys that lies in a namespace; empty: all. */
function keysWithin(keys: readonly string[], namespace: string): readonly string[] {
  if (namespace === "") return keys;
  const prefix = `${namespace}/`;
  const from = lowerBound(keys, prefix);
  let to = from;
  while (to < keys.length && (keys[to] as string).startsWith(prefix)) to += 1;
  return keys.slice(from, to);
}

const typeNames = { A: "ADDED", M: "MODIFIED", D: "DELETED" } as const;

/** What a row carries along when its object gets a new version: its past, now with the version that was current. */
function pastOf(entry: Entry | undefined): { past: StoredVersion[]; pastBytes: number } {
  if (!entry) return { past: [], pastBytes: 0 };
  const version = versionOf(entry);
  const past = [...entry.past, version];
  return { past, pastBytes: entry.pastBytes + version[3].length };
}

function versionOf(entry: Entry): StoredVersion {
  entry.json ??= JSON.stringify(entry.object);
  return [Number(entry.object.metadata.resourceVersion), entry.at, entry.type, entry.json];
}

const rowOf = (resource: string, entry: Entry): ObjectRow => ({
  resource,
  namespace: entry.object.metadata.namespace ?? "",
  name: entry.object.metadata.name,
  current: versionOf(entry),
  past: entry.past,
});

const sizeOf = (past: readonly StoredVersion[]): number => past.reduce((bytes, version) => bytes + version[3].length, 0);

function mapOf<V>(maps: Map<string, Map<string, V>>, key: string): Map<string, V> {
  let map = maps.get(key);
  if (!map) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}

/** First position whose key is not below the wanted one. */
function lowerBound(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lowerBoundBy(history: readonly StoreChange[], revision: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((history[middle] as StoreChange).revision < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
