/** `/docs/`: a list of the pages that the build copied to `dist/web/_docs`, and their text as it is written. */
import { problemResponse } from "../durable-objects/http/problem.ts";
import type { Fetches } from "./env.ts";
import { asset } from "./page.ts";

interface DocsIndex {
  pages: { path: string; title: string }[];
}

/** @param path below `/docs`, beginning with `/` */
export async function serveDocs(assets: Fetches, path: string): Promise<Response> {
  if (path !== "/") {
    const page = path.endsWith(".md") ? await asset(assets, `/_docs${path}`) : undefined;
    if (page === undefined) return noSuchPage();
    return new Response(page.body, { headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache" } });
  }
  const index = await asset(assets, "/_docs/index.json");
  const { pages } = index === undefined ? { pages: [] } : await index.json<DocsIndex>();
  const items = pages.map(({ path, title }) => `<li><a href="/docs/${encodeURI(path)}">${escapeHTML(title)}</a></li>`);
  return new Response(
    `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Kubearium: documentation</title></head>
<body><h1>Documentation</h1>
<ul>
${items.join("\n")}
</ul>
<p><a href="/openapi.json">The HTTP contract (OpenAPI)</a> · <a href="/">Start</a></p>
</body></html>
`,
    { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'; frame-ancestors 'none'" } },
  );
}

const noSuchPage = (): Response =>
  problemResponse({
    type: "no-such-page",
    title: "No such page",
    status: 404,
    detail: "There is no such page.",
    fix: "GET /docs/ lists them.",
  });

const escapeHTML = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
