/** The front door for people: make a sandbox, try the demo, find the sandboxes this browser made. */

export const landingPolicy =
  "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** @param demo whether this server has the open sandbox `demo` */
export const landingPage = (demo: boolean): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kubearium</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 40rem; margin: 12vh auto 0; padding: 0 1.5rem; }
  h1 { font-size: 1.6rem; margin: 0; }
  p { margin: 0.6rem 0; }
  nav { display: flex; gap: 0.75rem; margin: 1.5rem 0; flex-wrap: wrap; }
  button, nav a { font: inherit; padding: 0.5rem 1rem; border: 1px solid; border-radius: 6px; background: none; color: inherit; text-decoration: none; cursor: pointer; }
  button:focus-visible, a:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
  code { font-family: ui-monospace, monospace; font-size: 0.9em; }
  footer { margin-top: 3rem; font-size: 0.9rem; }
</style>
<script type="module" src="/landing.js"></script>
</head>
<body>
<main>
<h1>Kubearium</h1>
<p>Kubernetes service networking under glass: a cluster that runs here, answers <code>kubectl</code>, and says where every packet goes and why.</p>
<nav>
<button type="button" id="make">Make a sandbox</button>
${demo ? '<a href="/s/demo/ui/">Try the demo</a>' : ""}
</nav>
<p id="said" role="status"></p>
<section id="mine" hidden>
<h2>Sandboxes of this browser</h2>
<ul id="list"></ul>
</section>
</main>
<footer><a href="/docs/">Documentation</a> · <a href="/openapi.json">OpenAPI</a></footer>
</body>
</html>
`;

/**
 * Makes a sandbox, exchanges its token for the page's cookie and opens the page. Only ids, names and expiries are kept in
 * the browser; the token lives in the cookie, which scripts cannot read.
 */
export const landingScript = `const key = "kubearium.sandboxes";
const say = (text) => { document.getElementById("said").textContent = text; };
const read = () => { try { return JSON.parse(localStorage.getItem(key) ?? "[]"); } catch { return []; } };

const living = read().filter((sandbox) => typeof sandbox.id === "string");
if (living.length > 0) {
  document.getElementById("mine").hidden = false;
  for (const { id, createdAt } of living) {
    const link = document.createElement("a");
    link.href = "/s/" + encodeURIComponent(id) + "/ui/";
    link.textContent = id.slice(0, 8) + "… made " + new Date(createdAt).toLocaleString();
    const item = document.createElement("li");
    item.append(link);
    document.getElementById("list").append(item);
  }
}

document.getElementById("make").addEventListener("click", async () => {
  say("Making a sandbox …");
  try {
    const made = await fetch("/sandboxes", { method: "POST" });
    const body = await made.json();
    if (!made.ok) return say(body.detail + " " + (body.fix ?? ""));
    const session = await fetch("/s/" + body.id + "/session", { method: "POST", body: JSON.stringify({ token: body.adminToken }) });
    if (!session.ok) return say("The sandbox is there, but the browser did not take its cookie.");
    localStorage.setItem(key, JSON.stringify([{ id: body.id, createdAt: Date.now() }, ...living].slice(0, 50)));
    location.href = "/s/" + body.id + "/ui/";
  } catch {
    say("The server did not answer. Is it still running?");
  }
});
`;
