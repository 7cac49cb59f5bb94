/**
 * The file system of a container, as the shell and the tools see it: what the container started with, under what
 * commands wrote. Symbolic links are not emulated (`ln` copies).
 */
import type { IFileSystem } from "just-bash/browser";
import type { Files } from "../container-files.ts";
import type { WrittenFile, WrittenFiles } from "../written-files.ts";

import { isSocketPath } from "./dev-tcp.ts";

export interface ContainerFSParts {
  /** What the container started with. */
  files: Files;
  /** Names of the programs in `/bin`. */
  programs: Iterable<string>;
  written: WrittenFiles;
  /** Names the run of the container whose layer is written. */
  id: string;
  now(): number;
}

type Entry = { kind: "file"; content: Uint8Array; mode: number; mtimeMs: number } | { kind: "directory"; mode: number; mtimeMs: number };

const defaultMode = { file: 0o644, directory: 0o755, program: 0o755 } as const;
/** Folders that every image has, also empty ones. */
const folders = [
  "/",
  "/bin",
  "/dev",
  "/etc",
  "/home",
  "/proc",
  "/root",
  "/sys",
  "/tmp",
  "/usr",
  "/usr/bin",
  "/var",
  "/var/run",
  "/var/log",
];
const devices = new Set(["/dev/null", "/dev/zero", "/dev/tty", "/dev/stdout", "/dev/stderr"]);

/** A failed call, in the words of Node, which the shell's commands read. */
const errno = (code: string, text: string, path: string): Error => Object.assign(new Error(`${code}: ${text}, '${path}'`), { code });
const noEntry = (path: string): Error => errno("ENOENT", "no such file or directory", path);

export class ContainerFS implements IFileSystem {
  readonly #parts: ContainerFSParts;
  readonly #base = new Map<string, Entry>();

  /** What a redirection to `/dev/tcp` does, where the shell is bash. Throws bash's complaint. */
  openSocket: ((path: string) => Promise<void>) | undefined;

  constructor(parts: ContainerFSParts) {
    this.#parts = parts;
    const mtimeMs = parts.now();
    for (const path of folders) this.#base.set(path, { kind: "directory", mode: defaultMode.directory, mtimeMs });
    for (const name of parts.programs) {
      this.#base.set(`/bin/${name}`, { kind: "file", content: new Uint8Array(), mode: defaultMode.program, mtimeMs });
    }
    for (const [path, text] of Object.entries(parts.files)) {
      for (const folder of foldersAbove(path)) this.#base.set(folder, { kind: "directory", mode: defaultMode.directory, mtimeMs });
      this.#base.set(path, { kind: "file", content: new TextEncoder().encode(text), mode: defaultMode.file, mtimeMs });
    }
  }

  // ---- synchronous, for our own tools

  /** `undefined` where there is no such file. */
  read(path: string): Uint8Array | undefined {
    if (devices.has(path)) return new Uint8Array();
    const entry = this.#entry(path);
    return entry?.kind === "file" ? entry.content : undefined;
  }

  has(path: string): boolean {
    return devices.has(path) || this.#entry(path) !== undefined;
  }

  /** @throws NoSpaceError */
  write(path: string, content: Uint8Array): void {
    if (devices.has(path)) return;
    const before = this.#entry(path);
    if (before?.kind === "directory") throw errno("EISDIR", "illegal operation on a directory", path);
    if (this.#entry(parentOf(path))?.kind !== "directory") throw noEntry(path);
    this.#put(path, { content, mode: before?.mode ?? defaultMode.file, isDirectory: false });
  }

  isFolder(path: string): boolean {
    return this.#entry(path)?.kind === "directory";
  }

  /** Names in a folder, in order. */
  namesIn(path: string): string[] {
    const prefix = path === "/" ? "/" : `${path}/`;
    const names = this.getAllPaths().filter((each) => each.startsWith(prefix) && each !== path);
    return [...new Set(names.map((each) => each.slice(prefix.length).split("/")[0] as string))].filter((name) => name !== "").sort();
  }

  /** With those above it. @throws where a file is in the way */
  makeFolder(path: string): void {
    if (this.isFolder(path)) return;
    if (this.has(path)) throw errno("EEXIST", "file already exists", path);
    this.makeFolder(parentOf(path));
    this.#put(path, { content: new Uint8Array(), mode: defaultMode.directory, isDirectory: true });
  }

  // ---- for the shell

  async readFile(path: string): Promise<string> {
    return new TextDecoder().decode(this.#content(path));
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return this.#content(path);
  }

  async writeFile(path: string, content: string | Uint8Array): Promise<void> {
    if (this.openSocket && isSocketPath(path)) return this.openSocket(path);
    this.write(path, bytesOf(content));
  }

  async appendFile(path: string, content: string | Uint8Array): Promise<void> {
    const before = this.read(path) ?? new Uint8Array();
    const added = bytesOf(content);
    const joined = new Uint8Array(before.length + added.length);
    joined.set(before);
    joined.set(added, before.length);
    this.write(path, joined);
  }

  async exists(path: string): Promise<boolean> {
    return this.has(path);
  }

  async stat(path: string): ReturnType<IFileSystem["stat"]> {
    const isDevice = devices.has(path);
    const entry = isDevice
      ? { kind: "file" as const, content: new Uint8Array(), mode: 0o666, mtimeMs: this.#parts.now() }
      : this.#entry(path);
    if (!entry) throw noEntry(path);
    return {
      isFile: entry.kind === "file",
      isDirectory: entry.kind === "directory",
      isSymbolicLink: false,
      mode: entry.mode,
      size: entry.kind === "file" ? entry.content.length : 4096,
      mtime: new Date(entry.mtimeMs),
    };
  }

  lstat(path: string): ReturnType<IFileSystem["stat"]> {
    return this.stat(path);
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    if (this.has(path)) {
      if (options?.recursive) return;
      throw errno("EEXIST", "file already exists", path);
    }
    const parent = parentOf(path);
    if (!this.has(parent)) {
      if (!options?.recursive) throw noEntry(path);
      await this.mkdir(parent, options);
    }
    this.#put(path, { content: new Uint8Array(), mode: defaultMode.directory, isDirectory: true });
  }

  async readdir(path: string): Promise<string[]> {
    const entry = this.#entry(path);
    if (!entry) throw noEntry(path);
    if (entry.kind !== "directory") throw errno("ENOTDIR", "not a directory", path);
    return this.namesIn(path);
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    const entry = this.#entry(path);
    if (!entry) {
      if (options?.force) return;
      throw noEntry(path);
    }
    if (entry.kind === "directory") {
      const names = await this.readdir(path);
      if (names.length > 0 && !options?.recursive) throw errno("ENOTEMPTY", "directory not empty", path);
      for (const name of names) await this.rm(join(path, name), options);
    }
    this.#put(path, { content: undefined, mode: 0, isDirectory: false });
  }

  async cp(from: string, to: string, options?: { recursive?: boolean }): Promise<void> {
    const entry = this.#entry(from);
    if (!entry) throw noEntry(from);
    if (entry.kind === "file") {
      this.write(to, entry.content);
      return;
    }
    if (!options?.recursive) throw errno("EISDIR", "illegal operation on a directory", from);
    await this.mkdir(to, { recursive: true });
    for (const name of await this.readdir(from)) await this.cp(join(from, name), join(to, name), options);
  }

  async mv(from: string, to: string): Promise<void> {
    await this.cp(from, to, { recursive: true });
    await this.rm(from, { recursive: true });
  }

  resolvePath(base: string, path: string): string {
    const parts: string[] = [];
    for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
  }

  getAllPaths(): string[] {
    const written = this.#parts.written.layer(this.#parts.id);
    const base = [...this.#base.keys()].filter((path) => written.get(path)?.content !== undefined || !written.has(path));
    const added = [...written].filter(([path, file]) => file.content !== undefined && !this.#base.has(path)).map(([path]) => path);
    return [...base, ...added];
  }

  async chmod(path: string, mode: number): Promise<void> {
    const entry = this.#entry(path);
    if (!entry) throw noEntry(path);
    this.#put(path, { content: entry.kind === "file" ? entry.content : new Uint8Array(), mode, isDirectory: entry.kind === "directory" });
  }

  symlink(target: string, path: string): Promise<void> {
    return this.cp(this.resolvePath(parentOf(path), target), path, { recursive: true });
  }

  link(existing: string, path: string): Promise<void> {
    return this.cp(existing, path);
  }

  async readlink(path: string): Promise<string> {
    throw errno("EINVAL", "invalid argument", path);
  }

  async realpath(path: string): Promise<string> {
    if (!this.has(path)) throw noEntry(path);
    return path;
  }

  async utimes(path: string): Promise<void> {
    if (!this.has(path)) throw noEntry(path);
  }

  #content(path: string): Uint8Array {
    const content = this.read(path);
    if (content) return content;
    throw this.has(path) ? errno("EISDIR", "illegal operation on a directory", path) : noEntry(path);
  }

  #entry(path: string): Entry | undefined {
    const written = this.#parts.written.layer(this.#parts.id).get(path);
    if (!written) return this.#base.get(path);
    if (written.content === undefined) return undefined;
    const { mode, mtimeMs } = written;
    return written.isDirectory ? { kind: "directory", mode, mtimeMs } : { kind: "file", content: written.content, mode, mtimeMs };
  }

  #put(path: string, file: Omit<WrittenFile, "mtimeMs">): void {
    this.#parts.written.put(this.#parts.id, path, { ...file, mtimeMs: this.#parts.now() });
  }
}

const bytesOf = (content: string | Uint8Array): Uint8Array => (typeof content === "string" ? new TextEncoder().encode(content) : content);

const join = (folder: string, name: string): string => (folder === "/" ? `/${name}` : `${folder}/${name}`);

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

function foldersAbove(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`);
}
