/** The directory inside workerd, on its own SQLite. Time comes with each call, so it is moved by hand. */
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare, NoOpLog } from "miniflare";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DirectoryShard } from "./directory-object.ts";
import { creationsPerWindow, creationWindowMs } from "./http/limits.ts";

const dayMs = 24 * 3600_000;
const birth = Date.UTC(2026, 10, 24);

let miniflare: Miniflare;
let shards = 0;
let shard: DirectoryShard;

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: 'export { DirectoryObject } from "./directory-object.ts"; export default { fetch: () => new Response() };',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: "esm",
    write: false,
    external: ["cloudflare:*"],
  });
  miniflare = new Miniflare({
    cf: false,
    log: new NoOpLog(),
    modules: [{ type: "ESModule", path: join(import.meta.dirname, "directory.mjs"), contents: outputFiles[0]?.text ?? "" }],
    modulesRoot: import.meta.dirname,
    compatibilityDate: "2026-04-01",
    durableObjects: { DIRECTORY: { className: "DirectoryObject", useSQLite: true } },
  });
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

beforeEach(async () => {
  const namespace = await miniflare.getDurableObjectNamespace("DIRECTORY");
  shard = namespace.get(namespace.idFromName(`shard-${++shards}`)) as unknown as DirectoryShard;
});

const made = (id: string, at = birth) => shard.made({ id, madeAt: at, expiresAt: at + dayMs });

describe("DirectoryObject", () => {
  it("knows what was made, and nothing else", async () => {
    await made("a");
    expect(await shard.find("a", birth)).toEqual({ id: "a", madeAt: birth, expiresAt: birth + dayMs });
    expect(await shard.find("b", birth)).toBeUndefined();
  });

  it("remembers an end for 30 days, the first one where there are two", async () => {
    await made("a");
    await shard.ended("a", birth + 1000, "deleted");
    await shard.ended("a", birth + 2000, "expired");
    expect((await shard.find("a", birth + 1000 + 30 * dayMs))?.ended).toEqual({ at: birth + 1000, reason: "deleted" });
    expect(await shard.find("a", birth + 1001 + 30 * dayMs)).toBeUndefined();
  });

  it("drops what it no longer remembers", async () => {
    await made("a");
    await shard.ended("a", birth, "expired");
    await made("b", birth + 31 * dayMs);
    expect(await shard.figures()).toEqual({ living: 1, ended: 0 });
  });

  it("lists the living, page by page", async () => {
    for (const id of ["a", "b", "c", "d"]) await made(id);
    await shard.ended("b", birth, "deleted");
    const ids = async (after: string) => {
      const { entries, next } = await shard.list(after, 2);
      return { ids: entries.map(({ id }) => id), next };
    };
    expect(await ids("")).toEqual({ ids: ["a", "c"], next: "c" });
    expect(await ids("c")).toEqual({ ids: ["d"], next: undefined });
  });

  it("counts creations of an address, and begins anew when its window has passed", async () => {
    const answers: boolean[] = [];
    for (let i = 0; i <= creationsPerWindow; i++) answers.push(await shard.countCreation("203.0.113.7", birth + i));
    expect(answers).toEqual([...Array.from({ length: creationsPerWindow }, () => true), false]);
    expect(await shard.countCreation("203.0.113.8", birth)).toBe(true);
    expect(await shard.countCreation("203.0.113.7", birth + creationWindowMs - 1)).toBe(false);
    expect(await shard.countCreation("203.0.113.7", birth + creationWindowMs)).toBe(true);
  });
});
