/**
 * Reads the script of `sh -c` as far as the life of a container depends on it: how long it sleeps, whether it loops,
 * which server it ends up running, what it echoes, how it exits.
 *
 * Not a shell: what exec runs is evaluated by one (`shell/`). What is not understood here counts as done at once.
 */
import type { Process } from "./process.ts";

const shellLoop = /^(while|until|for)$/;
const keywords = new Set(["then", "else", "fi", "do", "done", "if", "{", "}", "(", ")", "set", "trap", "cd", "export", "wait"]);

interface Command {
  words: string[];
  /** How it hangs on the command before it. */
  after: ";" | "&&" | "||" | "|";
  inBackground: boolean;
}

/** @param start starts a program by name */
export function readScript(script: string, start: (argv: readonly string[]) => Process): Process {
  return new Reading(start).run(commandsOf(script));
}

class Reading {
  readonly #start: (argv: readonly string[]) => Process;
  readonly #lines: string[] = [];
  #ms = 0;
  #code = 0;
  #hasWaited = false;
  #tellsAtEnd = false;

  constructor(start: (argv: readonly string[]) => Process) {
    this.#start = start;
  }

  run(commands: readonly Command[]): Process {
    for (let at = 0; at < commands.length; at += 1) {
      const command = commands[at] as Command;
      if (command.after === "&&" && this.#code !== 0) continue;
      if (command.after === "||" && this.#code === 0) continue;
      const [first = ""] = command.words;
      if (shellLoop.test(first)) {
        const end = commands.findIndex(({ words }, index) => index > at && words[0] === "done");
        const after = end < 0 ? commands.length : end;
        const looping = this.#loop(command, commands.slice(at + 1, after));
        if (looping) return looping;
        at = after;
        continue;
      }
      if (first === "exit") return this.#exit(Number(command.words[1] ?? this.#code));
      const ended = this.#one(command);
      if (ended) return ended;
    }
    return this.#exit(this.#code);
  }

  #exit(code: number): Process {
    const exit = { does: "exit", afterMs: this.#ms, code: Number.isInteger(code) ? code & 255 : 2, lines: this.#lines } as const;
    return { ...exit, ...(this.#hasWaited ? { hasWaited: true } : {}), ...(this.#tellsAtEnd ? { tellsAtEnd: true } : {}) };
  }

  /** What the script as a whole turns into because of this command; `undefined`: it goes on. */
  #one({ words, inBackground }: Command): Process | undefined {
    const argv = withoutKeywords(words);
    if (argv.length === 0) return undefined;
    const process = this.#start(argv[0] === "exec" ? argv.slice(1) : argv);
    switch (process.does) {
      case "run":
        if (inBackground && !process.listeners) return undefined;
        return { ...process, lines: [...this.#lines, ...(process.lines ?? [])] };
      case "not-found":
        this.#lines.push(`sh: ${process.program}: not found`);
        this.#code = 127;
        return undefined;
      case "exit":
        this.#tellsAtEnd ||= process.tellsAtEnd === true;
        this.#lines.push(...(process.lines ?? []));
        if (!inBackground) this.#ms += process.afterMs;
        this.#code = process.code;
        return undefined;
      default:
        return process satisfies never;
    }
  }

  /** A loop over a list ends, any other goes on for ever; its body tells what it writes and how often. */
  #loop({ words }: Command, commands: readonly Command[]): Process | undefined {
    const body = new Reading(this.#start);
    for (const command of commands) {
      const serving = body.#one(command);
      if (serving) return serving;
    }
    if (words[0] === "for") {
      for (let turn = 0; turn < turnsOf(words); turn += 1) this.#lines.push(...body.#lines);
      this.#ms += turnsOf(words) * body.#ms;
      return undefined;
    }
    const condition = this.#condition(words);
    if (condition === "over") return undefined;
    const repeats = body.#ms > 0 && body.#lines.length > 0 ? { everyMs: body.#ms, lines: body.#lines } : undefined;
    const recheck = condition === "waits" ? { recheckMs: Math.max(shortestRecheckMs, body.#ms) } : {};
    return { does: "run", lines: this.#lines, ...(repeats ? { repeats } : {}), ...recheck };
  }

  /** `until nslookup web` and the like end with what is outside; `while true` does not. */
  #condition([keyword, ...words]: readonly string[]): "over" | "waits" | "never" {
    const isNegated = words[0] === "!";
    const argv = withoutKeywords(isNegated ? words.slice(1) : words);
    if (argv.length === 0 || argv[0] === "true" || argv[0] === ":" || argv[0] === "[" || argv[0] === "test") return "never";
    const process = this.#start(argv);
    if (process.does === "run") return "never";
    const succeeds = process.does === "exit" && (process.code === 0) !== isNegated;
    if (succeeds !== (keyword === "until")) return "waits";
    this.#hasWaited = true;
    if (process.does === "exit") {
      this.#lines.push(...(process.lines ?? []));
      this.#ms += process.afterMs;
    }
    return "over";
  }
}

/** How soon a loop that waits for something tries again, at least. */
const shortestRecheckMs = 2000;

const maxTurns = 1000;

/** How often `for x in …` runs its body. */
function turnsOf(words: readonly string[]): number {
  const list = words.slice(words.indexOf("in") + 1);
  const counts = list.map((word) => {
    const range = /^\$\(seq (?:(\d+) )?(\d+)\)$/.exec(word);
    return range ? Math.max(0, Number(range[2]) - Number(range[1] ?? 1) + 1) : 1;
  });
  return Math.min(
    maxTurns,
    counts.reduce((sum, count) => sum + count, 0),
  );
}

/** Leaves out what only structures the script, assignments before a command and redirections. */
function withoutKeywords(words: readonly string[]): string[] {
  const argv = [...words];
  while (argv.length > 0 && (keywords.has(argv[0] as string) || /^[A-Za-z_]\w*=/.test(argv[0] as string))) {
    const first = argv.shift() as string;
    if (first === "set" || first === "trap" || first === "cd" || first === "export" || first === "wait") return [];
  }
  const redirection = argv.findIndex((word) => /^\d?(>{1,2}|<)/.test(word));
  return redirection < 0 ? argv : argv.slice(0, redirection);
}

/** Splits at `;`, newlines, `&&`, `||`, `|` and `&`, with quotes and backslashes respected. */
function commandsOf(script: string): Command[] {
  const commands: Command[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let after: Command["after"] = ";";
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (next: Command["after"], inBackground = false): void => {
    endWord();
    if (words.length > 0) commands.push({ words, after, inBackground });
    if (words.length > 0 || next !== ";") after = next;
    words = [];
  };
  for (let at = 0; at < script.length; at += 1) {
    const character = script[at] as string;
    const two = script.slice(at, at + 2);
    if (character === "'" || character === '"') {
      const close = closingQuote(script, at);
      word = (word ?? "") + unquoted(script.slice(at + 1, close), character);
      at = close;
    } else if (character === "$" && two === "$(") {
      const close = script.indexOf(")", at);
      const end = close < 0 ? script.length : close;
      word = (word ?? "") + script.slice(at, end + 1);
      at = end;
    } else if (character === "\\") {
      at += 1;
      if (script[at] !== "\n") word = (word ?? "") + (script[at] ?? "");
    } else if (two === "&&" || two === "||") {
      endCommand(two);
      at += 1;
    } else if (character === "|") endCommand("|");
    else if (character === "&" && script[at - 1] !== ">") endCommand(";", true);
    else if (character === ";" || character === "\n") endCommand(";");
    else if (character === " " || character === "\t") endWord();
    else if (character === "#" && word === undefined) {
      const newline = script.indexOf("\n", at);
      at = newline < 0 ? script.length : newline - 1;
    } else {
      word = (word ?? "") + character;
      if (character === "&") endWord();
    }
  }
  endCommand(";");
  return startingWithDo(commands);
}

function closingQuote(script: string, open: number): number {
  for (let at = open + 1; at < script.length; at += 1) {
    if (script[at] === "\\" && script[open] === '"') at += 1;
    else if (script[at] === script[open]) return at;
  }
  return script.length;
}

const unquoted = (text: string, quote: string): string => (quote === '"' ? text.replace(/\\(["\\$`])/g, "$1") : text);

/** `do echo hi` begins a body: the keyword stands alone so that the body's first command is seen. */
function startingWithDo(commands: readonly Command[]): Command[] {
  return commands
    .map((command) => (command.words[0] === "do" ? { ...command, words: command.words.slice(1) } : command))
    .filter(({ words }) => words.length > 0);
}
