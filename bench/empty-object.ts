/** The yardstick: a Worker that passes a request on to a Durable Object, which answers two bytes; a POST is one row first. */
import { Miniflare, NoOpLog } from "miniflare";

const script = `
import { DurableObject } from "cloudflare:workers";
export class Empty extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT)");
  }
  async fetch(request) {
    if (request.method === "POST") this.ctx.storage.sql.exec("INSERT INTO rows (body) VALUES (?)", await request.text());
    return new Response("ok");
  }
}
export default {
  fetch(request, env) { return env.EMPTY.get(env.EMPTY.idFromName("one")).fetch(request); },
};`;

/** On workerd's own socket, as `local/server.ts` does it. */
export async function startEmptyObject(): Promise<{ url: string; stop(): Promise<void> }> {
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new NoOpLog(),
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    modules: [{ type: "ESModule", path: "empty.mjs", contents: script }],
    compatibilityDate: "2026-04-01",
    durableObjects: { EMPTY: { className: "Empty", useSQLite: true } },
  });
  const url = (await miniflare.unsafeGetDirectURL()).toString();
  return { url, stop: () => miniflare.dispose() };
}
