/**
 * The built page under `/s/{id}/ui/`: the same files for every sandbox, from the binding `ASSETS`.
 *
 * Every address of the page that is no file is the page itself. The page's own references are relative to `ui/`; in the
 * HTML they become absolute, because a deep address (`ui/services/default/web`) would shift them.
 */
import { problemResponse } from "../durable-objects/http/problem.ts";
import type { Fetches } from "./env.ts";

const contentTypes: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  map: "application/json",
  md: "text/markdown; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
  webp: "image/webp",
  woff2: "font/woff2",
};

/** Only our own files; styles in attributes, because the map is drawn with them; `/lb/…` in a frame. */
export const pagePolicy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "frame-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * @param base address of the page without a trailing slash: `/s/demo/ui`
 * @param path below it, beginning with `/`
 */
export async function servePage(assets: Fetches, base: string, path: string): Promise<Response> {
  const file = /\.[a-z0-9]+$/.test(path) ? await asset(assets, path) : undefined;
  if (file !== undefined) return file;
  if (path.startsWith("/assets/")) return new Response("not found\n", { status: 404 });
  const page = await asset(assets, "/index.html");
  if (page === undefined) {
    return problemResponse({
      type: "page-not-built",
      title: "The page is not built",
      status: 404,
      detail: "This server was started without the page.",
      fix: "Run `node scripts/build.mjs` and start again; the API and kubectl work without it.",
    });
  }
  const html = (await page.text()).replaceAll(/(\s(?:src|href)=")\.\//g, (_, attribute: string) => `${attribute}${base}/`);
  return new Response(html, {
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": pagePolicy, "cache-control": "no-cache" },
  });
}

/** One built file with its type; names that carry a hash may be kept for ever. */
export async function asset(assets: Fetches, path: string): Promise<Response | undefined> {
  const found = await assets.fetch(new Request(`https://assets${path}`));
  if (!found.ok) return undefined;
  const type = contentTypes[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
  const hashed = /-[\w-]{8,}\.\w+$/.test(path);
  return new Response(found.body, {
    headers: { "content-type": type, "cache-control": hashed ? "public, max-age=31536000, immutable" : "no-cache" },
  });
}
