/** `timeout SECONDS COMMAND`: runs a command with so much time and no more. Counts what it waits, not a clock. */
import type { CommandResult, CommandStreams } from "./command.ts";

export interface Limited {
  ms: number;
  argv: readonly string[];
  /** The code of a command that was ended, where the shell does not keep its own. */
  exitCode: number;
}

/** @returns undefined where the words say something else, for the shell's own to judge */
export function limitedCommand(argv: readonly string[], isBusybox: boolean): Limited | undefined {
  const words = argv.slice(1);
  while (words[0] === "-k" || words[0] === "-s") words.splice(0, 2);
  if (words[0] === "-t") words.shift();
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(words[0] ?? "") ?? [];
  if (number === undefined || words.length < 2) return undefined;
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit as "s"] * Number(number);
  return { ms: seconds * 1000, argv: words.slice(1), exitCode: isBusybox ? 143 : 124 };
}

export async function runLimited(
  { ms, exitCode }: Limited,
  streams: CommandStreams,
  run: (streams: CommandStreams) => Promise<CommandResult>,
): Promise<CommandResult> {
  const over = new AbortController();
  let left = ms;
  const write = (to: (data: Uint8Array) => void) => (data: Uint8Array) => {
    if (!over.signal.aborted) to(data);
  };
  const delay = async (wanted: number, signal?: AbortSignal): Promise<void> => {
    await streams.delay(Math.min(wanted, left), signal);
    left -= wanted;
    if (left <= 0) over.abort();
  };
  const signal = AbortSignal.any([streams.signal, over.signal]);
  const result = await run({ ...streams, out: write(streams.out), err: write(streams.err), delay, signal });
  return over.signal.aborted ? { exitCode } : result;
}
