/**
 * The captured conversations with kubectl: every command answers as the real control plane did, except those that
 * `docs/differences.md` lists. All of them with `FULL=1`; otherwise the ones below, which take seconds.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareApi } from "../golden-api.ts";
import { isKnownDifference, knownDifferences } from "../known-differences.ts";

const golden = join(import.meta.dirname, "..", "golden");
const full = process.env.FULL !== undefined;

/** StatefulSets, policies and RBAC (13, 16, 17) are stored only, see the page of differences. */
const everyday = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14", "15", "18", "19"];
const conversations = full ? everyday : ["03", "11"];

describe("conversations with kubectl", () => {
  it(`${full ? "all" : "some"} that only need what is emulated answer as captured`, { timeout: 600_000 }, async () => {
    const { total, missing, failures } = await compareApi(golden, (name) => conversations.includes(name.slice(0, 2)));
    expect(missing).toEqual([]);
    expect(total).toBeGreaterThan(conversations.length);
    const known = knownDifferences("api");
    expect(failures.filter((failure) => !isKnownDifference(failure, known))).toEqual([]);
  });

  it("at most ten commands of them are allowed to differ, each with a reason", () => {
    const rows = knownDifferences("api").filter((row) => everyday.includes(row.case.slice(0, 2)));
    expect(rows.length).toBeLessThanOrEqual(10);
    expect(rows.filter((row) => row.what.length < 10 || row.reason.length < 20)).toEqual([]);
  });
});
