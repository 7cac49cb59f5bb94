/**
 * tar, as `kubectl cp` uses it and as people look into an archive: create, extract and list in the ustar format, plain
 * files and folders only.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar interchange format)
 */

import { joined } from "../http-message.ts";
import { NoSpaceError } from "../written-files.ts";
import type { Tool, ToolContext } from "./tool.ts";

interface Member {
  /** Without a slash in front. */
  name: string;
  isFolder: boolean;
  content: Uint8Array;
}

const blockBytes = 512;

interface Request {
  mode: "c" | "x" | "t";
  /** `-`: standard input or output. */
  file: string;
  folder: string | undefined;
  isVerbose: boolean;
  operands: string[];
}

export const tar: Tool = (context) => {
  const request = requestOf(context.argv.slice(1));
  if (typeof request === "string") return complain(context, request, 2);
  const { mode, file } = request;
  const cwd = request.folder === undefined ? context.cwd : context.files.resolvePath(context.cwd, request.folder);
  if (!context.files.isFolder(cwd)) return complain(context, `can't change directory to '${request.folder}': No such file or directory`, 1);
  if (mode === "c") return create(context, request, cwd);
  const archive = file === "-" ? context.stdin : context.files.read(context.files.resolvePath(context.cwd, file));
  if (!archive) return complain(context, `can't open '${file}': No such file or directory`, 1);
  const members = membersOf(archive);
  if (members === undefined) return complain(context, "invalid tar magic", 1);
  const asked = members.filter(({ name }) => request.operands.length === 0 || request.operands.some((word) => isWithin(name, word)));
  if (mode === "t" || request.isVerbose) context.out(asked.map(({ name, isFolder }) => `${name}${isFolder ? "/" : ""}\n`).join(""));
  return mode === "t" ? 0 : extract(context, asked, cwd);
};

/** Dashes in front of the letters are optional; `f` and `C` take the next words. */
function requestOf(words: readonly string[]): Request | string {
  const request: Partial<Request> & { operands: string[] } = { operands: [] };
  const rest = [...words];
  for (let at = 0; rest.length > 0; at += 1) {
    const word = rest.shift() as string;
    const isLetters = word === "-" ? false : /^-[a-zA-Z]/.test(word) || (at === 0 && /^[a-zA-Z]+$/.test(word));
    if (word.startsWith("--") || !isLetters) {
      if (!word.startsWith("--")) request.operands.push(word);
      continue;
    }
    for (const letter of word.replace(/^-/, "")) {
      if (letter === "c" || letter === "x" || letter === "t") request.mode = letter;
      else if (letter === "v") request.isVerbose = true;
      else if (letter === "f") request.file = rest.shift() ?? "-";
      else if (letter === "C") request.folder = rest.shift() ?? ".";
      else if (letter === "z" || letter === "j" || letter === "J") return "compressed archives are not emulated";
    }
  }
  if (!request.mode) return "must specify one -c, -x or -t";
  return {
    mode: request.mode,
    file: request.file ?? "-",
    folder: request.folder,
    isVerbose: request.isVerbose ?? false,
    operands: request.operands,
  };
}

const isWithin = (name: string, word: string): boolean => {
  const bare = word.replace(/^\/+/, "").replace(/\/$/, "");
  return name === bare || name.startsWith(`${bare}/`);
};

function complain({ err }: ToolContext, text: string, code: number): number {
  err(`tar: ${text}\n`);
  return code;
}

// ---- writing

function create(context: ToolContext, { file, operands, isVerbose }: Request, cwd: string): number {
  const { files } = context;
  const blocks: Uint8Array[] = [];
  const tell = (name: string): void => (file === "-" ? context.err(`${name}\n`) : context.out(`${name}\n`));
  let code = 0;
  if (operands.some((word) => word.startsWith("/"))) context.err(leadingSlash(context));
  for (const word of operands) {
    const path = files.resolvePath(cwd, word);
    if (!files.has(path)) {
      const isBusybox = context.place.image.userland.tools.has("busybox");
      context.err(isBusybox ? `tar: ${word}: No such file or directory\n` : `tar: ${word}: Cannot stat: No such file or directory\n`);
      code = isBusybox ? 1 : 2;
      continue;
    }
    addTo(context, blocks, path, word.replace(/^\/+/, "").replace(/\/$/, "") || ".", isVerbose ? tell : () => {});
  }
  if (code === 2) context.err("tar: Exiting with failure status due to previous errors\n");
  else if (code === 1) context.err("tar: error exit delayed from previous errors\n");
  blocks.push(new Uint8Array(2 * blockBytes));
  const archive = joined(blocks);
  if (file === "-") context.out(archive);
  else files.write(files.resolvePath(context.cwd, file), archive);
  return code;
}

const leadingSlash = ({ place }: ToolContext): string =>
  place.image.userland.tools.has("busybox")
    ? "tar: removing leading '/' from member names\n"
    : "tar: Removing leading `/' from member names\n";

function addTo(context: ToolContext, blocks: Uint8Array[], path: string, name: string, tell: (name: string) => void): void {
  const { files } = context;
  const isFolder = files.isFolder(path);
  const content = isFolder ? new Uint8Array() : (files.read(path) ?? new Uint8Array());
  tell(isFolder ? `${name}/` : name);
  blocks.push(header(isFolder ? `${name}/` : name, content.length, isFolder, context.now()), content, padding(content.length));
  if (isFolder)
    for (const child of files.namesIn(path)) addTo(context, blocks, `${path === "/" ? "" : path}/${child}`, `${name}/${child}`, tell);
}

const padding = (length: number): Uint8Array => new Uint8Array((blockBytes - (length % blockBytes)) % blockBytes);

function header(name: string, size: number, isFolder: boolean, nowMs: number): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  const [prefix, base] = splitName(name);
  put(0, base);
  put(100, octal(isFolder ? 0o755 : 0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(Math.floor(nowMs / 1000), 11));
  put(148, "        ");
  put(156, isFolder ? "5" : "0");
  put(257, "ustar\0");
  put(263, "00");
  put(265, "root");
  put(297, "root");
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** A name of more than a hundred bytes is split at a slash. */
function splitName(name: string): [prefix: string, base: string] {
  if (name.length <= 100) return ["", name];
  const at = name.indexOf("/", name.length - 101);
  return at < 0 ? ["", name.slice(0, 100)] : [name.slice(0, at).slice(0, 155), name.slice(at + 1)];
}

// ---- reading

function membersOf(archive: Uint8Array): Member[] | undefined {
  const members: Member[] = [];
  const text = (at: number, length: number): string =>
    new TextDecoder().decode(archive.subarray(at, at + length)).replace(/\0[\s\S]*$/, "");
  let longName: string | undefined;
  for (let at = 0; at + blockBytes <= archive.length; ) {
    if (archive[at] === 0) break;
    if (text(at + 257, 5) !== "ustar") return undefined;
    const size = Number.parseInt(text(at + 124, 12).trim() || "0", 8);
    if (!Number.isFinite(size) || size < 0) return undefined;
    const type = String.fromCharCode(archive[at + 156] ?? 0);
    const content = archive.subarray(at + blockBytes, at + blockBytes + size);
    const prefix = text(at + 345, 155);
    const name = longName ?? `${prefix === "" ? "" : `${prefix}/`}${text(at, 100)}`;
    longName = undefined;
    // A pax header may carry a name that is too long for the block, GNU's L record always does.
    if (type === "L") longName = new TextDecoder().decode(content).replace(/\0+$/, "");
    else if (type === "x") longName = /\d+ path=([^\n]*)\n/.exec(new TextDecoder().decode(content))?.[1];
    else if (type === "0" || type === "\0" || type === "5")
      members.push({ name: name.replace(/^\/+/, "").replace(/\/+$/, ""), isFolder: type === "5", content: content.slice() });
    at += blockBytes * (1 + Math.ceil(size / blockBytes));
  }
  return members;
}

function extract(context: ToolContext, members: readonly Member[], cwd: string): number {
  const { files } = context;
  let code = 0;
  for (const { name, isFolder, content } of members) {
    const path = files.resolvePath(cwd, name);
    const fail = (why: string): void => {
      context.err(`tar: can't open '${name}': ${why}\n`);
      code = 1;
    };
    try {
      if (isFolder) files.makeFolder(path);
      else {
        files.makeFolder(path.slice(0, path.lastIndexOf("/")) || "/");
        files.write(path, content);
      }
    } catch (error) {
      fail(error instanceof NoSpaceError ? "No space left on device" : "Is a directory");
    }
  }
  return code;
}
