/**
 * Runs one command in a container, as the runtime does for exec: a tool of ours directly, anything else through the
 * shell's evaluator, an interactive shell line by line.
 *
 * The evaluator works in batches: its output comes when all is over. A plain command is therefore run without it, so
 * that `ping` shows each reply when it comes.
 */
import type { Bash, CommandName, CustomCommand } from "just-bash/browser";
import type { Sender } from "../../api/network.ts";
import type { Node } from "../../api/objects.ts";
import { containerFiles } from "../container-files.ts";
import type { ContainerPlace, Kubelet } from "../kubelet.ts";
import { type Exits, programName } from "../process.ts";
import { ContainerFS } from "./container-fs.ts";
import { openSocket } from "./dev-tcp.ts";
import { limitWords, shellLimits } from "./endless.ts";
import { followedTail } from "./tail-follow.ts";
import { limitedCommand, runLimited } from "./timeout.ts";
import { type Pausing, runAtOnce, type Tool, type ToolContext } from "./tool.ts";
import { tools } from "./tools.ts";

/** What a command is connected to. */
export interface CommandStreams {
  /** Absent: an empty input. Ends when the client closes it. */
  stdin?: AsyncIterable<Uint8Array>;
  out(data: Uint8Array): void;
  err(data: Uint8Array): void;
  /** Where the client asked for a terminal; changes when it is resized. */
  terminal?: { columns: number; rows: number };
  /** Real time. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
}

/** `failed`: the runtime could not start the program; its words. */
export type CommandResult = { exitCode: number } | { failed: string };

/** Work is limited by counts: the deployed clock stands still within a turn. */
const limits = {
  maxCommandCount: shellLimits.commands,
  maxLoopIterations: shellLimits.iterations,
  maxCallDepth: shellLimits.depth,
  maxOutputSize: shellLimits.bytes,
  maxStringLength: shellLimits.bytes,
} as const;

/** The exit code of a program that Ctrl-C ended. */
export const interrupted = 130;

/** Where a command runs; shell state outlives single lines. */
export interface CommandPlace {
  kubelet: Kubelet;
  place: ContainerPlace;
  files: ContainerFS;
  env: Record<string, string>;
  cwd: string;
}

export function commandPlace(kubelet: Kubelet, place: ContainerPlace): CommandPlace {
  const { pod, container, image } = place;
  const { reader, options } = kubelet;
  const files = new ContainerFS({
    files: containerFiles({ pod, container, image, reader, options }),
    programs: image.userland.tools,
    written: kubelet.writtenFiles,
    id: place.id,
    now: () => kubelet.now(),
  });
  return { kubelet, place, files, env: { ...place.env }, cwd: container.workingDir ?? image.workingDir ?? "/" };
}

const shells = new Set(["sh", "ash", "bash", "zsh"]);

/** True where the program is in the image. */
export function hasProgram({ place: { image }, files }: CommandPlace, word: string): boolean {
  const name = programName(word);
  return image.userland.tools.has(name) || image.programs?.[name] !== undefined || (word.includes("/") && files.read(word) !== undefined);
}

/** What the runtime says of a program that it cannot start. */
const cannotStart = (
  word: string,
  why: string = word.includes("/") ? `stat ${word}: no such file or directory` : "executable file not found in $PATH",
): string => `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(word)}: ${why}: unknown`;

async function isExecutable({ files, cwd, place: { image } }: CommandPlace, word: string): Promise<boolean> {
  const path = files.resolvePath(cwd, word);
  if (!files.has(path)) return image.programs?.[programName(word)] !== undefined || image.userland.tools.has(programName(word));
  const { isFile, mode } = await files.stat(path);
  return isFile && (mode & 0o111) !== 0;
}

export async function runCommand(where: CommandPlace, argv: readonly string[], streams: CommandStreams): Promise<CommandResult> {
  const [word = ""] = argv;
  if (!hasProgram(where, word)) return { failed: cannotStart(word) };
  if (word.includes("/") && !(await isExecutable(where, word))) return { failed: cannotStart(word, "permission denied") };
  const name = programName(word);
  const limited = name === "timeout" ? limitedCommand(argv, where.place.image.userland.tools.has("busybox")) : undefined;
  if (limited) return runLimited(limited, streams, (inner) => runCommand(where, limited.argv, inner));
  if (shells.has(name) && argv.length === 1 && streams.stdin) {
    const { runShell } = await import("./interactive-shell.ts");
    return { exitCode: await runShell(where, name, streams) };
  }
  const script = shells.has(name) && argv[1] === "-c" ? argv[2] : undefined;
  const plain = script === undefined ? [...argv] : argv.length === 3 ? plainCommand(script) : undefined;
  const tool = plain && ((programName(plain[0] ?? "") === "tail" && followedTail(plain)) || toolOf(where, plain[0] ?? ""));
  if (plain && tool)
    return { exitCode: await runTool(where, tool, [programName(plain[0] as string), ...plain.slice(1)], interruptible(streams)) };
  const stdin = streams.stdin && !streams.terminal ? await readAll(streams.stdin) : new Uint8Array();
  return { exitCode: await evaluate(where, { argv: [name, ...argv.slice(1)], shell: name, stdin }, streams) };
}

/** On a terminal Ctrl-C comes as a character of the input. */
function interruptible(streams: CommandStreams): CommandStreams {
  const { stdin, terminal, out } = streams;
  if (!stdin || !terminal) return streams;
  const pressed = new AbortController();
  const watch = async (): Promise<void> => {
    for await (const chunk of stdin) {
      if (!chunk.includes(3)) continue;
      out(new TextEncoder().encode("^C"));
      pressed.abort();
      return;
    }
  };
  // Ends with the input, which nobody else reads.
  void watch();
  return { ...streams, signal: AbortSignal.any([streams.signal, pressed.signal]) };
}

export const toolOf = ({ place: { image } }: CommandPlace, word: string): Tool | undefined => {
  const name = programName(word);
  return image.userland.tools.has(name) && Object.hasOwn(tools, name) ? tools[name] : undefined;
};

/** The words of a script that is one command without anything for a shell to do. */
export function plainCommand(script: string): string[] | undefined {
  const text = script.trim();
  return /^[\w./:@,%+=-]+(?:[ \t]+[\w./:@,%+=-]+)*$/.test(text) && !/^\w+=/.test(text) ? text.split(/[ \t]+/) : undefined;
}

/** Runs a tool with its output going out as it comes. */
export async function runTool(where: CommandPlace, tool: Tool, argv: readonly string[], streams: CommandStreams): Promise<number> {
  const reads = argv[0] === "nc" || argv[0] === "tar" || argv.includes("@-");
  const stdin = reads && streams.stdin && !streams.terminal ? await readAll(streams.stdin) : new Uint8Array();
  const later = new Later(toolContext(where, argv, stdin, streams));
  const run = tool(later.context);
  const code = await pausing(run, streams);
  if (!(await later.play(streams))) return interrupted;
  return streams.signal.aborted && code !== 0 && argv[0] !== "ping" ? interrupted : code;
}

/** Holds back what a tool writes after a wait, so that a tool may be a plain function and still take its time. */
class Later {
  readonly context: ToolContext;
  readonly #steps: (number | (() => void))[] = [];

  constructor(inner: ToolContext) {
    const put = (write: () => void): void => {
      if (this.#steps.length === 0) write();
      else this.#steps.push(write);
    };
    this.context = {
      ...inner,
      out: (data) => put(() => inner.out(data)),
      err: (text) => put(() => inner.err(text)),
      wait: (ms) => void this.#steps.push(ms),
    };
  }

  /** @returns false where the client went away or pressed Ctrl-C meanwhile */
  async play({ delay, signal }: CommandStreams): Promise<boolean> {
    for (const step of this.#steps) {
      if (typeof step !== "number") step();
      else {
        await delay(step, signal);
        if (signal.aborted) return false;
      }
    }
    return true;
  }
}

async function pausing(run: number | Pausing, { delay, signal }: CommandStreams): Promise<number> {
  if (typeof run === "number") return run;
  let step = run.next();
  while (!step.done) {
    await delay(step.value, signal);
    step = run.next(!signal.aborted);
  }
  return step.value;
}

/** Runs a tool as a container's first process: at once, its output becomes lines of the log. */
export function ranTool(where: CommandPlace, tool: Tool, argv: readonly string[], afterMs: number): Exits {
  const written: Uint8Array[] = [];
  const write = (data: Uint8Array): void => void written.push(data);
  const streams = { out: write, err: write, delay: async () => {}, signal: new AbortController().signal };
  const code = runAtOnce(tool(toolContext(where, [programName(argv[0] as string), ...argv.slice(1)], new Uint8Array(), streams)));
  const text = written.map((data) => new TextDecoder().decode(data)).join("");
  return { does: "exit", afterMs, code, tellsAtEnd: true, lines: text === "" ? [] : text.replace(/\n$/, "").split("\n") };
}

function toolContext(where: CommandPlace, argv: readonly string[], stdin: Uint8Array, streams: CommandStreams): ToolContext {
  const { kubelet, place, files, env, cwd } = where;
  return {
    argv,
    place,
    sender: senderOf(place),
    network: kubelet.network,
    env,
    cwd,
    stdin,
    files,
    terminal: streams.terminal,
    now: () => kubelet.now(),
    random: kubelet.randomOf(`${place.id}/exec`),
    out: (data) => streams.out(typeof data === "string" ? new TextEncoder().encode(data) : data),
    err: (text) => streams.err(new TextEncoder().encode(text)),
    wait: () => {},
    listeners: () => kubelet.machines.listeners({ namespace: place.pod.metadata.namespace, name: place.pod.metadata.name }),
    nodeIP: (name) => {
      const node = kubelet.reader.get<Node>("nodes", undefined, name);
      return node?.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
    },
  };
}

const senderOf = ({ pod }: ContainerPlace): Sender => ({ kind: "pod", namespace: pod.metadata.namespace, pod: pod.metadata.name });

export async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const fromLatin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

interface Evaluation {
  /** Either a command's words, whose first is a program, or a script. */
  argv?: readonly string[];
  script?: string;
  /** Which shell speaks. */
  shell: string;
  stdin: Uint8Array;
}

/** Lets the shell's evaluator run it; what it leaves in variables and folder stays in `where`. */
export async function evaluate(where: CommandPlace, { argv, script, shell, stdin }: Evaluation, streams: CommandStreams): Promise<number> {
  const bash = await newBash(where, streams);
  const result = await bash.exec(script ?? `${argv?.[0]}`, {
    stdin: latin1(stdin),
    stdinKind: "bytes",
    rawScript: true,
    signal: streams.signal,
    ...(argv ? { args: argv.slice(1) } : {}),
  });
  const stdout =
    result.stdoutKind === "bytes" || result.stdoutEncoding === "binary"
      ? fromLatin1(result.stdout)
      : new TextEncoder().encode(result.stdout);
  if (stdout.length > 0) streams.out(stdout);
  const stderr = limitWords(inWordsOf(where.place, shell, result.stderr));
  if (stderr !== "") streams.err(new TextEncoder().encode(stderr));
  if (script !== undefined) {
    where.env = result.env;
    where.cwd = result.env.PWD ?? where.cwd;
  }
  return result.exitCode;
}

async function newBash(where: CommandPlace, streams: CommandStreams): Promise<Bash> {
  const { Bash: Evaluator, defineCommand, getCommandNames } = await import("just-bash/browser");
  const { userland } = where.place.image;
  where.files.openSocket = userland.tools.has("bash")
    ? async (path) => {
        const { complaint, ms } = openSocket(toolContext(where, ["bash"], new Uint8Array(), streams), path);
        if (ms > 0) await streams.delay(ms, streams.signal);
        if (complaint !== undefined) throw new Error(complaint);
      }
    : undefined;
  const ours: CustomCommand[] = Object.entries(tools)
    .filter(([name]) => userland.tools.has(name))
    .map(([name, tool]) =>
      defineCommand(name, async (args, command) => {
        const out: Uint8Array[] = [];
        let err = "";
        let waitedMs = 0;
        const inner: CommandPlace = { ...where, cwd: command.cwd };
        const context = toolContext(inner, [name, ...args], fromLatin1(command.stdin as unknown as string), streams);
        const run = tool({
          ...context,
          terminal: undefined,
          out: (data) => out.push(typeof data === "string" ? new TextEncoder().encode(data) : data),
          err: (text) => {
            err += text;
          },
          wait: (ms) => {
            waitedMs += ms;
          },
        });
        const exitCode = await pausing(run, streams);
        if (waitedMs > 0) await streams.delay(waitedMs, streams.signal);
        return { stdout: out.map(latin1).join(""), stdoutKind: "bytes", stderr: err, exitCode };
      }),
    );
  const builtIn = getCommandNames().filter((name) => userland.tools.has(name) && !Object.hasOwn(tools, name));
  return new Evaluator({
    fs: where.files,
    env: where.env,
    cwd: where.cwd,
    commands: builtIn as CommandName[],
    customCommands: ours,
    executionLimits: limits,
    sleep: (ms) => streams.delay(ms, streams.signal),
    defenseInDepth: false,
  });
}

/** The evaluator complains as bash does; the image's shell has words of its own. */
function inWordsOf({ image }: ContainerPlace, shell: string, stderr: string): string {
  if (shell === "bash") return stderr.replace(/^bash: (.+): command not found$/gm, "bash: line 1: $1: command not found");
  const isBusybox = image.userland.tools.has("busybox");
  return stderr
    .replace(/^bash: (.+): command not found$/gm, isBusybox ? "sh: $1: not found" : "sh: 1: $1: not found")
    .replace(/^bash: /gm, "sh: ");
}
