/**
 * The table of `docs/differences.md` as data: which captured case knowingly differs. A row is
 * `| set | case | what of it | reason |`; a comparison may fail there and nowhere else.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface KnownDifference {
  set: string;
  case: string;
  what: string;
  reason: string;
}

export function knownDifferences(set: string): KnownDifference[] {
  const text = readFileSync(join(import.meta.dirname, "..", "docs", "differences.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith(`| ${set} |`));
  return rows.map((line) => {
    const [, cells] = /^\|(.*)\|\s*$/.exec(line) ?? [];
    // A pipe in a command is written \| in Markdown.
    const [of = "", name = "", what = "", reason = ""] = (cells ?? "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    return { set: of, case: name, what: what.replace(/^`|`$/g, ""), reason };
  });
}

/** Whether what failed holds the case and the words of a row. */
export function isKnownDifference(failure: object, known: readonly KnownDifference[]): boolean {
  const text = JSON.stringify(failure);
  const holds = (words: string) => text.includes(JSON.stringify(words).slice(1, -1));
  return known.some(({ case: name, what }) => holds(name) && (what === "" || holds(what)));
}
