/**
 * `npm run test:golden [-- SET]`: compares with the captures of the real programs, set by set.
 *
 * `GOLDEN` names a folder of the layout of `test/golden/` that is read instead; what it lacks is named and skipped. A file
 * that is absent in `test/golden/` itself is a failure. Each set ends with a line `SET: N of M match`.
 */
import { resolve } from "node:path";
import { compareApi } from "./golden-api.ts";
import { compareControllers } from "./golden-controllers.ts";
import { compareCorpus } from "./golden-corpus.ts";
import { compareDns } from "./golden-dns.ts";
import { compareProxy } from "./golden-proxy.ts";
import { compareTools } from "./golden-tools.ts";
import { isKnownDifference, knownDifferences } from "./known-differences.ts";

interface Comparison {
  matched: number;
  total: number;
  missing: string[];
  failures: object[];
  /** Sets measured by a share say themselves whether it is reached. */
  reached?: boolean;
  notes?: string[];
}

const committed = resolve(process.cwd(), "test", "golden");
const golden = process.env.GOLDEN ? resolve(process.env.GOLDEN) : committed;

const sets: Record<string, (folder: string) => Promise<Comparison>> = {
  api: compareApi,
  corpus: compareCorpus,
  controllers: compareControllers,
  proxy: compareProxy,
  dns: compareDns,
  tools: compareTools,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in sets));
if (unknown.length > 0) {
  console.error(`unknown set ${unknown.join(", ")}; there are ${Object.keys(sets).join(", ")}`);
  process.exit(2);
}

let failed = false;
for (const name of asked.length > 0 ? asked : Object.keys(sets)) {
  const compare = sets[name] as (folder: string) => Promise<Comparison>;
  const { matched, total, missing, failures, reached, notes = [] } = await compare(golden);
  const known = knownDifferences(name);
  const surprising = failures.filter((failure) => !isKnownDifference(failure, known));
  for (const failure of surprising.slice(0, Number(process.env.SHOW ?? 40))) console.log(Object.values(failure).join("\n  "));
  for (const file of missing) console.log(`${golden === committed ? "MISSING" : "skipped, not there"}: ${file}`);
  for (const note of notes) console.log(note);
  const ok = (reached ?? surprising.length === 0) && (golden !== committed || missing.length === 0);
  if (!ok) failed = true;
  console.log(
    `${name}: ${matched} of ${total} match${failures.length > surprising.length ? `, ${failures.length - surprising.length} differ as docs/differences.md says` : ""}`,
  );
}
process.exit(failed ? 1 : 0);
