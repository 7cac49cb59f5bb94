/**
 * An interactive shell over exec: with a terminal a simple line editor (echo, backspace, Ctrl-C, Ctrl-D, history),
 * without one a script that is read line by line. Line feeds become CR LF where the terminal is, not here.
 */
import { hostnameOf } from "../../api/hosts-file.ts";
import { programName } from "../process.ts";
import { type CommandPlace, type CommandStreams, evaluate, hasProgram, interrupted, plainCommand, runTool, toolOf } from "./command.ts";

/** @returns the exit code of the shell: that of its last command */
export async function runShell(where: CommandPlace, shell: string, streams: CommandStreams): Promise<number> {
  const { stdin, terminal } = streams;
  if (!stdin) return 0;
  return terminal ? new TerminalShell(where, shell, streams, stdin).run() : runLines(where, shell, streams, stdin);
}

/** Lines of a pipe: no prompt, no echo. */
async function runLines(where: CommandPlace, shell: string, streams: CommandStreams, stdin: AsyncIterable<Uint8Array>): Promise<number> {
  let code = 0;
  let text = "";
  const decoder = new TextDecoder();
  const run = async (line: string): Promise<boolean> => {
    const exit = exitOf(line, code);
    if (exit !== undefined) {
      code = exit;
      return false;
    }
    if (line.trim() !== "") code = await runLine(where, shell, line, streams);
    return true;
  };
  for await (const chunk of stdin) {
    text += decoder.decode(chunk, { stream: true });
    for (let newline = text.indexOf("\n"); newline >= 0; newline = text.indexOf("\n")) {
      const line = text.slice(0, newline);
      text = text.slice(newline + 1);
      if (!(await run(line))) return code;
    }
  }
  await run(text);
  return code;
}

/** The code with which `exit` ends the shell; `undefined` for any other line. */
function exitOf(line: string, last: number): number | undefined {
  const match = /^\s*(?:exit|logout)(?:\s+(\d+))?\s*;?\s*$/.exec(line);
  return match ? (match[1] === undefined ? last : Number(match[1]) & 255) : undefined;
}

async function runLine(where: CommandPlace, shell: string, line: string, streams: CommandStreams): Promise<number> {
  const plain = plainCommand(line);
  const tool = plain && hasProgram(where, plain[0] as string) ? toolOf(where, plain[0] as string) : undefined;
  if (plain && tool) return runTool(where, tool, [programName(plain[0] as string), ...plain.slice(1)], streams);
  return evaluate(where, { script: line, shell, stdin: new Uint8Array() }, streams);
}

const keys = { interrupt: 3, endOfInput: 4, backspace: 8, lineFeed: 10, return: 13, killLine: 21, escape: 27, delete: 127 } as const;

class TerminalShell {
  readonly #where: CommandPlace;
  readonly #shell: string;
  readonly #streams: CommandStreams;
  readonly #input: AsyncIterable<Uint8Array>;
  readonly #history: string[] = [];
  readonly #lines: string[] = [];
  #historyAt = 0;
  #line = "";
  #code = 0;
  #escape = "";
  #isOver = false;
  /** Set while a command runs: Ctrl-C aborts it. */
  #running: AbortController | undefined;
  #wake: (() => void) | undefined;

  constructor(where: CommandPlace, shell: string, streams: CommandStreams, input: AsyncIterable<Uint8Array>) {
    this.#where = where;
    this.#shell = shell;
    this.#streams = streams;
    this.#input = input;
  }

  async run(): Promise<number> {
    this.#prompt();
    const reading = this.#read();
    while (await this.#nextLine()) {
      const line = this.#lines.shift() as string;
      const exit = exitOf(line, this.#code);
      if (exit !== undefined) return exit;
      await this.#runLine(line);
      this.#prompt();
    }
    await reading;
    return this.#code;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#input) {
      for (const character of decoder.decode(chunk, { stream: true })) this.#key(character);
    }
    this.#isOver = true;
    this.#wake?.();
  }

  /** @returns false when no line will come */
  async #nextLine(): Promise<boolean> {
    while (this.#lines.length === 0) {
      if (this.#isOver) return false;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  async #runLine(line: string): Promise<void> {
    if (line.trim() === "") return;
    this.#running = new AbortController();
    const signal = AbortSignal.any([this.#running.signal, this.#streams.signal]);
    try {
      this.#code = await runLine(this.#where, this.#shell, line, { ...this.#streams, signal });
      if (this.#code === interrupted) this.#echo("\n");
    } finally {
      this.#running = undefined;
    }
  }

  #key(character: string): void {
    const code = character.codePointAt(0) as number;
    if (this.#escape !== "") {
      this.#escape += character;
      if (/[A-Za-z~]$/.test(character)) {
        this.#sequence(this.#escape);
        this.#escape = "";
      }
      return;
    }
    switch (code) {
      case keys.escape:
        this.#escape = character;
        return;
      case keys.interrupt:
        this.#interrupt();
        return;
      case keys.endOfInput:
        if (this.#line !== "" || this.#running) return;
        this.#isOver = true;
        this.#wake?.();
        return;
      case keys.return:
      case keys.lineFeed:
        this.#enter();
        return;
      case keys.backspace:
      case keys.delete:
        if (this.#line === "") return;
        this.#line = [...this.#line].slice(0, -1).join("");
        this.#echo("\b \b");
        return;
      case keys.killLine:
        this.#replaceLine("");
        return;
      default:
        if (code < 32) return;
        this.#line += character;
        this.#echo(character);
    }
  }

  #interrupt(): void {
    this.#line = "";
    if (this.#running) {
      this.#echo("^C");
      this.#running.abort();
    } else {
      this.#echo("^C\n");
      this.#prompt();
    }
  }

  #enter(): void {
    this.#echo("\n");
    const line = this.#line;
    this.#line = "";
    if (line.trim() !== "" && this.#history.at(-1) !== line) this.#history.push(line);
    this.#historyAt = this.#history.length;
    this.#lines.push(line);
    this.#wake?.();
  }

  /** Cursor up and down walk through the history; the other keys do nothing. */
  #sequence(sequence: string): void {
    if (sequence === "\u001b[A" && this.#historyAt > 0) this.#historyAt -= 1;
    else if (sequence === "\u001b[B" && this.#historyAt < this.#history.length) this.#historyAt += 1;
    else return;
    this.#replaceLine(this.#history[this.#historyAt] ?? "");
  }

  #replaceLine(line: string): void {
    this.#echo("\b \b".repeat([...this.#line].length));
    this.#line = line;
    this.#echo(line);
  }

  #echo(text: string): void {
    this.#streams.out(new TextEncoder().encode(text));
  }

  /** `/ # ` as ash shows it, `root@web-1:/# ` as bash does. */
  #prompt(): void {
    const { place, cwd, env } = this.#where;
    const user = place.image.user?.name ?? "root";
    const mark = user === "root" ? "#" : "$";
    const folder = cwd === env.HOME ? "~" : cwd;
    this.#echo(this.#shell === "bash" ? `${user}@${hostnameOf(place.pod)}:${folder}${mark} ` : `${folder} ${mark} `);
  }
}
