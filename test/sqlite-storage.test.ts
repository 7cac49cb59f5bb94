/** The storage suite over SQLite, inside a real Durable Object of workerd. */
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storageCases } from "../durable-objects/cluster/storage/storage.suite.ts";

const worker = `
import { DurableObject } from "cloudflare:workers";
import { storageCases } from "./durable-objects/cluster/storage/storage.suite.ts";
import { SqliteStorage } from "./durable-objects/sqlite-storage.ts";
export class StorageUnderTest extends DurableObject {
  async fetch(request) {
    const { run } = storageCases[Number(new URL(request.url).searchParams.get("case"))];
    try {
      // Rows are counted over all openings, as the platform bills them.
      let storage;
      run(() => (storage = Object.assign(new SqliteStorage(this.ctx.storage), { rowsWritten: storage?.rowsWritten ?? 0 })));
      return new Response("ok");
    } catch (error) {
      return new Response(String(error.stack), { status: 500 });
    }
  }
}
export default { fetch: (request, env) => env.STORAGE.get(env.STORAGE.newUniqueId()).fetch(request) };
`;

describe("SqliteStorage", () => {
  let miniflare: Miniflare;

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: worker, resolveDir: join(import.meta.dirname, ".."), loader: "ts" },
      bundle: true,
      write: false,
      format: "esm",
      target: "es2022",
      external: ["cloudflare:workers"],
    });
    miniflare = new Miniflare({
      modules: true,
      script: outputFiles[0]?.text ?? "",
      compatibilityDate: "2026-04-01",
      durableObjects: { STORAGE: { className: "StorageUnderTest", useSQLite: true } },
    });
    await miniflare.ready;
  });
  afterAll(() => miniflare.dispose());

  it.each(storageCases.map(({ name }, at) => ({ name, at })))("$name", async ({ at }) => {
    const response = await miniflare.dispatchFetch(`http://test/?case=${at}`);
    expect(await response.text()).toBe("ok");
  });
});
