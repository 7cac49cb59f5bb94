/**
 * What happened in containers and is not in any object: counts of draws, kept log lines, written files, how last runs
 * ended. Bounded (1 MiB of files, 512 KiB of logs), so that it can be saved as one row and taken up after a sleep.
 */
import { decodeBase64, encodeBase64 } from "./base64.ts";
import type { LogLine } from "./container-logs.ts";
import type { ProbeAnswer } from "./probe-history.ts";
import type { Process } from "./process.ts";
import type { WrittenFile } from "./written-files.ts";

/** Plain JSON. */
export interface LivedKubelet {
  draws: [name: string, draws: number][];
  logs: [container: string, lines: readonly LogLine[]][];
  files: [container: string, files: SavedFile[]][];
  ended: [container: string, process: Process][];
  probes: [probe: string, answer: ProbeAnswer][];
}

export interface SavedFile {
  path: string;
  /** Base64; absent: the file was removed. */
  content?: string;
  mode: number;
  mtimeMs: number;
  isDirectory: boolean;
}

export const savedFile = (path: string, { content, mode, mtimeMs, isDirectory }: WrittenFile): SavedFile => ({
  path,
  ...(content === undefined ? {} : { content: encodeBase64(content) }),
  mode,
  mtimeMs,
  isDirectory,
});

export const writtenFile = ({ content, mode, mtimeMs, isDirectory }: SavedFile): WrittenFile => ({
  content: content === undefined ? undefined : decodeBase64(content),
  mode,
  mtimeMs,
  isDirectory,
});
