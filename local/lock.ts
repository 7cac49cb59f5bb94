/**
 * One server for one data folder: `lock.json` names the process that holds it.
 *
 * A number alone would not do, since systems give numbers again, so the lock also holds when the process started. It names
 * workerd too: one that outlived its parent is ended before the folder is taken over.
 */
import fs from "node:fs";
import path from "node:path";
import type { ProcessTable } from "./process-identity.ts";

export interface ProcessMark {
  pid: number;
  /** As `ProcessTable.startOf` tells it; absent where the system does not say. */
  started?: string;
}

interface LockFile {
  server: ProcessMark;
  workerd?: ProcessMark;
  url?: string;
}

export interface Lock {
  /** Adds what is known only once the server runs. */
  note(workerd: number, url: string): void;
  release(): void;
}

/** The folder belongs to a server that runs. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  readonly pid: number;
  readonly url: string | undefined;
  constructor(folder: string, { server, url }: LockFile) {
    super(`${folder} is in use by process ${server.pid}${url === undefined ? "" : ` (${url})`}`);
    this.pid = server.pid;
    this.url = url;
  }
}

export function takeLock(folder: string, processes: ProcessTable, self: number = process.pid): Lock {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "lock.json");
  const mine: LockFile = { server: markOf(self, processes) };
  if (!create(file, mine)) {
    const held = read(file);
    if (held !== undefined && lives(held.server, processes)) throw new FolderInUse(folder, held);
    if (held?.workerd !== undefined && lives(held.workerd, processes)) processes.kill(held.workerd.pid);
    fs.rmSync(file, { force: true });
    // Another start may have come first; then it holds the folder.
    if (!create(file, mine)) throw new FolderInUse(folder, read(file) ?? { server: { pid: 0 } });
  }
  return {
    note: (workerd, url) => fs.writeFileSync(file, text({ ...mine, workerd: markOf(workerd, processes), url })),
    release: () => fs.rmSync(file, { force: true }),
  };
}

/** Whether it is still the same process, not a later one with its number. */
const lives = ({ pid, started }: ProcessMark, processes: ProcessTable): boolean =>
  processes.isAlive(pid) && (started === undefined || processes.startOf(pid) === started);

function markOf(pid: number, processes: ProcessTable): ProcessMark {
  const started = processes.startOf(pid);
  return started === undefined ? { pid } : { pid, started };
}

function create(file: string, content: LockFile): boolean {
  try {
    fs.writeFileSync(file, text(content), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** `undefined` for a file that was cut off while it was written: nobody holds such a lock. */
function read(file: string): LockFile | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as LockFile;
  } catch {
    return undefined;
  }
}

const text = (content: LockFile): string => `${JSON.stringify(content, null, 2)}\n`;
