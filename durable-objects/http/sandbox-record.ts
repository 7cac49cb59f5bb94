/**
 * What a sandbox knows about itself, beside its cluster: options, token hashes, how long it lives.
 *
 * The rules of its life are here (birth, use, end); keeping the row is the object's job.
 */
import type { TokenHashes } from "../cluster/access/credentials.ts";
import type { SandboxOptions } from "../cluster/api/sandbox-options.ts";

export const hourMs = 3_600_000;
/** A sandbox that is not used for so long ends, unless `ttlSeconds` says otherwise. */
export const defaultTTLSeconds = 24 * 3600;
export const minimumTTLSeconds = 60;
/** Use prolongs a sandbox up to this age, not beyond. */
export const maximumLifeSeconds = 30 * 24 * 3600;

/** Stored once as one row. Times are milliseconds since the Unix epoch. */
export interface SandboxRow extends TokenHashes {
  /** As in its URL. */
  id: string;
  name?: string;
  options: SandboxOptions;
  createdAt: number;
  ttlSeconds: number;
  /** Moves with use; `null`: never ends by itself (`demo`). */
  expiresAt: number | null;
  /** `expiresAt` never passes this. */
  endsAt: number | null;
}

/** Implemented by the Durable Object over its SQLite, and by a plain variable in tests. */
export interface SandboxRecord {
  /** `undefined`: this object holds no sandbox. Must not write, not even an empty table. */
  read(): SandboxRow | undefined;
  write(row: SandboxRow): void;
  /** Everything of the sandbox is gone afterwards: cluster, row, alarm. */
  destroy(): void | Promise<void>;
  /** Figures for `GET /sandboxes/{id}`: stored objects, bytes. */
  usage?(): Record<string, number>;
}

/** The row of a sandbox that is born now. */
export function newRow(of: Pick<SandboxRow, "id" | "name" | "options" | "ttlSeconds"> & TokenHashes, now: number): SandboxRow {
  const endsAt = now + maximumLifeSeconds * 1000;
  return { ...of, createdAt: now, endsAt, expiresAt: Math.min(endsAt, now + of.ttlSeconds * 1000) };
}

export const isDue = (row: SandboxRow, now: number): boolean => row.expiresAt !== null && row.expiresAt <= now;

/**
 * The row after a visit. The same row as long as little has changed: an expiry is written at most once an hour, or twice
 * within a life shorter than that.
 */
export function afterVisit(row: SandboxRow, now: number): SandboxRow {
  if (row.expiresAt === null) return row;
  const expiresAt = Math.min(row.endsAt ?? Number.POSITIVE_INFINITY, now + row.ttlSeconds * 1000);
  const step = Math.min(hourMs, (row.ttlSeconds * 1000) / 2);
  return expiresAt - row.expiresAt >= step ? { ...row, expiresAt } : row;
}
