/**
 * Which sandboxes exist, as an object asks: a port, and the choice of the shard behind it.
 *
 * Only birth, end and the operator touch the directory, never a request to a living sandbox.
 */
import type { DirectoryShard } from "../directory-object.ts";

export interface DirectoryEntry {
  id: string;
  madeAt: number;
  /** As planned at birth; use moves the real one, which only the sandbox knows. */
  expiresAt: number;
  ended?: { at: number; reason: EndReason };
}

export type EndReason = "deleted" | "expired";

export interface Directory {
  made(entry: { id: string; madeAt: number; expiresAt: number }): Promise<void>;
  ended(id: string, at: number, reason: EndReason): Promise<void>;
  /** `undefined`: never made, or ended so long ago that it is forgotten. */
  find(id: string): Promise<DirectoryEntry | undefined>;
}

/** How many Durable Objects share the directory. Fixed: changing it loses entries. */
export const directoryShards = 16;

/** Chooses the shard of an id or an address: FNV-1a over its UTF-16 units. */
export function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193) >>> 0;
  return hash % directoryShards;
}

const shardName = (shard: number): string => `directory-${shard}`;

/** The binding `DIRECTORY`, as far as it is used. */
export interface DirectoryNamespace {
  idFromName(name: string): { toString(): string };
  get(id: { toString(): string }): DirectoryShard;
}

export const shard = (namespace: DirectoryNamespace, number: number): DirectoryShard =>
  namespace.get(namespace.idFromName(shardName(number)));
