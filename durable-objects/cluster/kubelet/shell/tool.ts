/** A command of our own that exec can run: what it gets, and the words in which it reads its options. */
import type { Listener, Network, Sender } from "../../api/network.ts";
import type { Random } from "../../api/ports.ts";
import type { ContainerPlace } from "../kubelet.ts";
import type { ContainerFS } from "./container-fs.ts";

export interface ToolContext {
  /** The program's name first, without folder. */
  argv: readonly string[];
  place: ContainerPlace;
  sender: Sender;
  network: Network;
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** What was piped in. */
  stdin: Uint8Array;
  files: ContainerFS;
  /** Size of the terminal, where stdout is one. */
  terminal: { columns: number; rows: number } | undefined;
  now(): number;
  random: Random;
  out(data: string | Uint8Array): void;
  err(text: string): void;
  /** What is written from here on comes so much later. For tools that are not `Pausing`. */
  wait(ms: number): void;
  /** What listens in the pod. */
  listeners(): readonly Listener[];
  nodeIP(node: string): string | undefined;
}

/**
 * A program that lets time pass: yields how many milliseconds to wait, gets false once it was interrupted, and returns
 * its exit code. Who runs it decides whether to wait.
 */
export type Pausing = Generator<number, number, boolean>;

/** @returns the exit code */
export type Tool = (context: ToolContext) => number | Pausing;

/** Runs a tool whose time nobody watches. */
export function runAtOnce(run: number | Pausing): number {
  if (typeof run === "number") return run;
  let step = run.next();
  while (!step.done) step = run.next(true);
  return step.value;
}

export interface OptionSpec {
  /** As for getopt: a colon behind a letter that takes a value. */
  short: string;
  /** Long names; `name:` takes a value. */
  long?: readonly string[];
}

export interface Options {
  /** In order; short and long names without dashes. */
  given: { name: string; value: string }[];
  operands: string[];
  problem?: { kind: "unknown" | "no-value"; name: string; isLong: boolean };
}

/** Reads options as getopt_long does, operands and options mixed. */
export function readOptions(words: readonly string[], { short, long = [] }: OptionSpec): Options {
  const given: Options["given"] = [];
  const operands: string[] = [];
  const takesValue = (letter: string): boolean => short[short.indexOf(letter) + 1] === ":";
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word === "--") {
      operands.push(...words.slice(at + 1));
      break;
    }
    if (word.startsWith("--")) {
      const [name = "", inline] = splitOnce(word.slice(2), "=");
      const isFlag = long.includes(name);
      if (!isFlag && !long.includes(`${name}:`)) return { given, operands, problem: { kind: "unknown", name, isLong: true } };
      if (isFlag) given.push({ name, value: "" });
      else {
        const value = inline ?? words[++at];
        if (value === undefined) return { given, operands, problem: { kind: "no-value", name, isLong: true } };
        given.push({ name, value });
      }
    } else if (word.startsWith("-") && word.length > 1) {
      for (let letter = 1; letter < word.length; letter += 1) {
        const name = word[letter] as string;
        if (name === ":" || !short.includes(name)) return { given, operands, problem: { kind: "unknown", name, isLong: false } };
        if (!takesValue(name)) {
          given.push({ name, value: "" });
          continue;
        }
        const value = letter + 1 < word.length ? word.slice(letter + 1) : words[++at];
        if (value === undefined) return { given, operands, problem: { kind: "no-value", name, isLong: false } };
        given.push({ name, value });
        break;
      }
    } else operands.push(word);
  }
  return { given, operands };
}

const splitOnce = (text: string, at: string): [string, string | undefined] => {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
};

/** The last value of an option under any of its names. */
export const optionValue = ({ given }: Options, ...names: string[]): string | undefined =>
  given.findLast(({ name }) => names.includes(name))?.value;

export const hasOption = (options: Options, ...names: string[]): boolean => optionValue(options, ...names) !== undefined;
