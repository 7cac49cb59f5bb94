/**
 * The Worker's app: finds the sandbox a request is for and passes it on. Stateless; it knows no rule of Kubernetes and
 * cannot tell a good token from a bad one.
 */
import { Hono } from "hono";
import { directoryShards, shard } from "../durable-objects/http/directory.ts";
import { isOutside } from "../durable-objects/http/door.ts";
import { problem } from "../durable-objects/http/problem.ts";
import { unknownSandbox } from "../durable-objects/http/refusals.ts";
import {
  bearerSubprotocol,
  type Credential,
  credentialOf,
  mayCarryTokenInPath,
  publicOrigin,
  refuseCookie,
  refuseForeign,
  refuseStranger,
} from "./access.ts";
import { serveDocs } from "./docs.ts";
import type { Env } from "./env.ts";
import { landingPage, landingPolicy, landingScript } from "./landing.ts";
import { openapiDocument } from "./openapi.ts";
import { servePage } from "./page.ts";
import { askAboutSandbox, objectOf, sandboxes, visit } from "./sandboxes.ts";

/** `/s/{id}…`, or `/t/{token}/s/{id}…` as kubectl must write it over plain http. */
const sandboxAddress = /^(?:\/t\/([^/]+))?\/s\/([^/]+)(\/.*)?$/;

export const app = new Hono<{ Bindings: Env }>();

app.use(async (c, next) => {
  const address = sandboxAddress.exec(new URL(c.req.url).pathname);
  const refused = refuseForeign(c.req.raw, c.env.LOCAL, address !== null && isOutside(address[3] ?? ""));
  if (refused !== undefined) return refused;
  await next();
});

app.get("/healthz", (c) => c.text("ok"));
app.get("/", (c) => c.html(landingPage(c.env.LOCAL !== undefined), 200, { "content-security-policy": landingPolicy }));
app.get("/landing.js", (c) => c.body(landingScript, 200, { "content-type": "text/javascript; charset=utf-8" }));
app.get("/openapi.json", (c) => c.json(openapiDocument(publicOrigin(c.req.raw, c.env.LOCAL))));
app.get("/docs", (c) => c.redirect("/docs/"));
app.get("/docs/*", (c) => serveDocs(c.env.ASSETS, new URL(c.req.url).pathname.slice("/docs".length)));
app.get("/metrics", async (c) => {
  const refused = refuseStranger(c.req.raw, c.env);
  if (refused !== undefined) return refused;
  const shards = await Promise.all(Array.from({ length: directoryShards }, (_, number) => shard(c.env.DIRECTORY, number).figures()));
  const sum = (of: "living" | "ended") => shards.reduce((total, figures) => total + figures[of], 0);
  return c.text(
    `# TYPE kubearium_sandboxes gauge\nkubearium_sandboxes{state="living"} ${sum("living")}\nkubearium_sandboxes{state="ended"} ${sum("ended")}\n`,
  );
});
app.route("/sandboxes", sandboxes);
app.all("/s/*", (c) => enterSandbox(c.req.raw, c.env));
app.all("/t/*", (c) => enterSandbox(c.req.raw, c.env));

app.notFound((c) =>
  problem(c, {
    type: "no-such-address",
    title: "Not found",
    status: 404,
    detail: "Nothing is served here.",
    fix: "GET /openapi.json lists what is.",
  }),
);

app.onError((error, c) => {
  console.error(JSON.stringify({ event: "error", method: c.req.method, message: error.message, stack: error.stack }));
  return problem(c, {
    type: "internal",
    title: "Internal error",
    status: 500,
    detail: "Something broke on our side; your sandbox is as it was before the request.",
    fix: "Send the request again. If it stays broken, please report what you did.",
  });
});

async function enterSandbox(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url);
  const address = sandboxAddress.exec(url.pathname);
  const [, pathToken, id, path = ""] = address ?? [];
  if (id === undefined || (pathToken !== undefined && !mayCarryTokenInPath(url, env.LOCAL))) return unknownSandbox("/");
  const outside = isOutside(path);
  const credential: Credential | undefined = outside ? undefined : credentialOf(request, pathToken);

  if (path === "" || path === "/") return redirect(`${url.pathname.replace(/\/$/, "")}/ui/${url.search}`);
  if (path === "/ui") return redirect(`${url.pathname}/${url.search}`);
  if (path.startsWith("/ui/")) return hardened(await servePage(env.ASSETS, url.pathname.slice(0, -path.length + 3), path.slice(3)));
  if (path === "/sandbox") return hardened(await askAboutSandbox(request, env, id, credential));

  const refused = path === "/session" ? undefined : refuseCookie(request, credential);
  if (refused !== undefined) return refused;
  const object = objectOf(env, id);
  if (object === undefined) return unknownSandbox(path);
  const asked = visit(request, env, id, path, credential);
  if (!outside) return hardened(agreeOnProtocol(request, credential, await object.fetch(asked)));
  for (const ours of ["authorization", "cookie"]) asked.headers.delete(ours);
  return object.fetch(asked);
}

const redirect = (location: string): Response => new Response(null, { status: 302, headers: { location } });

/**
 * A client that offers subprotocols gives up unless the server takes one. Where the token came as one and the surface has
 * no opinion, that is the first that is no token.
 */
function agreeOnProtocol(request: Request, credential: Credential | undefined, response: Response): Response {
  if (response.status !== 101 || credential?.via !== "subprotocol" || response.headers.has("sec-websocket-protocol")) return response;
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((part) => part.trim());
  const taken = offered.find((protocol) => !protocol.startsWith(bearerSubprotocol)) ?? offered[0] ?? "";
  return new Response(null, { status: 101, webSocket: response.webSocket, headers: { "sec-websocket-protocol": taken } });
}

/** Keeps other sites from reading an answer as a script, an image or a guessed type. A socket passes as it is. */
function hardened(response: Response): Response {
  if (response.status === 101) return response;
  const answer = new Response(response.body, response);
  answer.headers.set("x-content-type-options", "nosniff");
  answer.headers.set("cross-origin-resource-policy", "same-origin");
  answer.headers.set("referrer-policy", "no-referrer");
  return answer;
}
