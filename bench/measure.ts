/**
 * How every benchmark here is run: variants take turns within a round, the order is turned round by round (A B, B A, …),
 * every raw value is kept, and the answer is the median with its spread.
 *
 * Nothing here passes or fails; a result is a file with the machine, the runtime and the revision it belongs to.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

export interface Variant {
  name: string;
  /** One round: does its work once and says what it measured, by unit (`requestsPerSecond`, `medianMs`). */
  round(): Promise<Record<string, number>>;
}

export interface Summary {
  median: number;
  min: number;
  max: number;
  /** Half of the values lie within this, around the median. */
  interquartileRange: number;
  raw: number[];
}

export interface Result {
  question: string;
  takenAt: string;
  revision: string;
  machine: { cpu: string; cores: number; memoryGiB: number; system: string };
  runtime: Record<string, string>;
  rounds: number;
  /** By variant, then by what was measured. */
  variants: Record<string, Record<string, Summary>>;
}

/** Runs all variants for `rounds` rounds after one that is thrown away. */
export async function measure(question: string, variants: readonly Variant[], rounds: number): Promise<Result> {
  const values: Record<string, Record<string, number[]>> = {};
  for (const variant of variants) await variant.round();
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? variants : [...variants].reverse();
    for (const variant of order) {
      const measured = await variant.round();
      for (const [unit, value] of Object.entries(measured)) {
        const kept = values[variant.name] ?? {};
        values[variant.name] = { ...kept, [unit]: [...(kept[unit] ?? []), value] };
      }
    }
  }
  return {
    question,
    takenAt: new Date().toISOString(),
    revision: revision(),
    machine: machine(),
    runtime: { node: process.version, workerd: packageVersion("workerd"), miniflare: packageVersion("miniflare") },
    rounds,
    variants: Object.fromEntries(variants.map(({ name }) => [name, mapValues(values[name] ?? {}, summarize)])),
  };
}

/** Writes `bench/results/{day}-{name}.json` and prints the medians. */
export function report(name: string, result: Result): void {
  const folder = path.join(process.cwd(), "bench", "results");
  const file = path.join(folder, `${result.takenAt.slice(0, 10)}-${name}.json`);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(result.question);
  for (const [variant, units] of Object.entries(result.variants)) {
    for (const [unit, { median, min, max }] of Object.entries(units)) {
      console.log(`  ${variant}: ${unit} ${round3(median)} (${round3(min)} to ${round3(max)})`);
    }
  }
  console.log(path.relative(process.cwd(), file));
}

export function summarize(raw: readonly number[]): Summary {
  const sorted = [...raw].sort((a, b) => a - b);
  const at = (share: number) => {
    const position = (sorted.length - 1) * share;
    const low = sorted[Math.floor(position)] ?? Number.NaN;
    const high = sorted[Math.ceil(position)] ?? Number.NaN;
    return low + (high - low) * (position - Math.floor(position));
  };
  return { median: at(0.5), min: at(0), max: at(1), interquartileRange: at(0.75) - at(0.25), raw: [...raw] };
}

const round3 = (value: number): number => Number(value.toPrecision(3));

const mapValues = <T, R>(of: Record<string, T>, change: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));

function revision(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  return (
    git("rev-parse", "--short", "HEAD") +
    (git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/bench/results") === "" ? "" : " with changes")
  );
}

const machine = (): Result["machine"] => ({
  cpu: os.cpus()[0]?.model ?? "unknown",
  cores: os.cpus().length,
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  system: `${os.type()} ${os.release()}`,
});

function packageVersion(name: string): string {
  const require = createRequire(path.join(process.cwd(), "package.json"));
  return (require(`${name}/package.json`) as { version: string }).version;
}
