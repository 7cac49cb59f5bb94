/**
 * How many of the captured creates and updates each kind answers as the real server does: `golden-corpus.ts`, counted by
 * kind.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compareCorpus } from "./golden-corpus.ts";

export interface KindShare {
  kind: string;
  matched: number;
  total: number;
  failures: { id: string; what: string; difference: string }[];
}

const files = ["create", "update"];

/** Kinds that are served, in the order of the corpus. */
export async function compareKinds(goldenDir: string, served: (kind: string) => boolean = () => true): Promise<KindShare[]> {
  const shares = new Map<string, KindShare>();
  const kindOf = new Map<string, string>();
  for (const file of files) {
    for (const line of readFileSync(join(goldenDir, "corpus", `${file}.jsonl`), "utf8")
      .trim()
      .split("\n")) {
      const { id, kind } = JSON.parse(line) as { id: string; kind: string };
      if (!served(kind)) continue;
      const share = shares.get(kind) ?? { kind, matched: 0, total: 0, failures: [] };
      share.total += 1;
      shares.set(kind, share);
      kindOf.set(id, kind);
    }
  }
  const { failures } = await compareCorpus(goldenDir, (id) => kindOf.has(id));
  for (const failure of failures) shares.get(kindOf.get(failure.id) ?? "")?.failures.push(failure);
  for (const share of shares.values()) share.matched = share.total - share.failures.length;
  return [...shares.values()];
}
