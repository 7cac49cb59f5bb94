/**
 * What a container's command turns into: a process that runs and may listen, one that ends by itself, or none because
 * the program is not in the image. Decided from the words alone, so that it is the same after every wake.
 */
import type { Listener, Network } from "../api/network.ts";
import type { Container, Pod } from "../api/objects.ts";
import type { Random } from "../api/ports.ts";
import type { ImageReference } from "./image-reference.ts";

/** Reads a file of the container; `undefined` where there is none. */
export type ReadFile = (path: string) => Uint8Array | undefined;

/** A program as it is started. `argv[0]` is the program as it was written. */
export interface Invocation {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  reference: ImageReference | undefined;
  container: Container;
  readFile: ReadFile;
  /** Runs a tool of the image to its end. */
  runTool: RunTool;
  /** Starts another program in the same container. */
  start(argv: readonly string[]): Process;
}

/** @returns undefined where there is no such tool among ours */
export type RunTool = (argv: readonly string[]) => Exits | undefined;

/** What a running program may use. */
export interface RunningContainer extends Omit<Invocation, "runTool" | "start"> {
  pod: Pod;
  now(): number;
  /** Goes on from request to request. */
  random: Random;
  network: Network;
  /** Writes a line to the container's log. */
  log(line: string): void;
}

export interface Runs {
  does: "run";
  /** Written when it starts. */
  lines?: readonly string[];
  /** What a loop writes again and again. `$(date)` stands for the time of the line. */
  repeats?: { everyMs: number; lines: readonly string[] };
  /** It waits for something outside it and ends once that is there: look again after so long. */
  recheckMs?: number;
  listeners?(container: RunningContainer): Listener[];
}

export interface Exits {
  does: "exit";
  afterMs: number;
  code: number;
  lines?: readonly string[];
  /** Its lines are what a tool found: written when it ends, not when it starts. */
  tellsAtEnd?: boolean;
  /** It waited for something outside it, which is there now: it ends when that is seen. */
  hasWaited?: boolean;
  /** What the runtime calls the end, where it is not just `Completed` or `Error`. */
  reason?: string;
}

export type Process = Runs | Exits | { does: "not-found"; program: string };

export type Program = (invocation: Invocation) => Process;

export const exits = (code: number, lines: readonly string[] = [], afterMs = 0): Exits => ({ does: "exit", afterMs, code, lines });

/** The name of a program without its folder: `/bin/sh` is `sh`. */
export const programName = (word: string): string => word.slice(word.lastIndexOf("/") + 1);

/** The value of `--name=value` or `--name value`, whichever way it was written; one dash will do, as in Go programs. */
export function flagValue(argv: readonly string[], name: string): string | undefined {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] as string;
    if (!word.startsWith("-")) continue;
    const bare = word.replace(/^--?/, "");
    if (bare === name) return argv[at + 1];
    if (bare.startsWith(`${name}=`)) return bare.slice(name.length + 1);
  }
  return undefined;
}
