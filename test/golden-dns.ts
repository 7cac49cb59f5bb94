/**
 * Compares the DNS room with what the real programs said: every line of every capture in `golden/dns`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Case, compareCase } from "./golden-dns/cases.ts";
import type { Failure } from "./golden-dns/comparison.ts";
import { compareDoh, type DohRow } from "./golden-dns/doh.ts";
import { compareResolver, type ResolverRow } from "./golden-dns/resolver.ts";
import { compareTool, type ToolRow } from "./golden-dns/tools.ts";
import { readLines } from "./golden-dns/world.ts";

export interface Comparison {
  matched: number;
  total: number;
  /** Files that are not there. */
  missing: string[];
  failures: Failure[];
}

/** A file of captures: how to name a line, and how to compare it. */
interface Capture {
  file: string;
  compare(folder: string, line: never): Promise<string | undefined> | string | undefined;
}

const captures: readonly Capture[] = [
  { file: "cases.jsonl", compare: (folder, line: Case) => compareCase(folder, line) },
  { file: "resolver.jsonl", compare: (folder, line: ResolverRow) => compareResolver(folder, line) },
  { file: "tools.jsonl", compare: (folder, line: ToolRow) => compareTool(folder, line) },
  { file: "doh.jsonl", compare: (folder, line: DohRow) => compareDoh(folder, line) },
];

/** @param goldenDir the folder that holds `dns/` */
export async function compareDns(goldenDir: string): Promise<Comparison> {
  const comparison: Comparison = { matched: 0, total: 0, missing: [], failures: [] };
  for (const { file, compare } of captures) {
    const path = join(goldenDir, "dns", file);
    if (!existsSync(path)) {
      comparison.missing.push(file);
      continue;
    }
    for (const line of readLines<{ name?: string; cmd?: string; tool?: string }>(path)) {
      const difference = await compare(goldenDir, line as never);
      comparison.total += 1;
      if (difference === undefined) comparison.matched += 1;
      else comparison.failures.push({ file, id: line.name ?? `${line.tool}: ${line.cmd}`, firstDifference: difference });
    }
  }
  return comparison;
}
