/**
 * `/lb/{namespace}/{service}/{port}/…` and `/node/{node}/{nodePort}/…`: requests from outside the cluster, through the
 * load balancer or a node port, to the emulated app.
 *
 * The outside world asks for no credential and brings none: ours are removed before the app sees the request. What the
 * app answers is shown without our origin's rights.
 */
import { type Context, Hono } from "hono";
import type { Route } from "../cluster/api/network.ts";
import type { Node, Service } from "../cluster/api/objects.ts";
import { explainRoute } from "../cluster/explain/explain-route.ts";
import type { Why } from "../cluster/explain/why.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { type Problem, problemResponse } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";
import { sessionCookie } from "./session.ts";
import { appRequest, outsideResponse } from "./streams/app-request.ts";

/** Scripts and forms of the app run, but as nobody: no cookies, no storage, no reading of our pages. */
const pagePolicy = "sandbox allow-scripts allow-forms";

/** The documentation range that visitors come from; one of them always has the same address. */
const visitorNetwork = "203.0.113";

const described = {
  method: "get",
  tag: "sandbox",
  access: "none",
  responses: { 200: { description: "What the emulated app answered; other statuses are the app's too. Any method is passed on" } },
} as const;

export const operations: Operation[] = [
  {
    ...described,
    path: "/s/{id}/lb/{namespace}/{service}/{port}/",
    summary: "A request from outside, through the load balancer, to the emulated app; anything may follow the path",
  },
  {
    ...described,
    path: "/s/{id}/node/{node}/{nodePort}/",
    summary: "A request from outside, through a node port, to the emulated app; anything may follow the path",
  },
];

export const entry = (): Hono<SandboxEnv> => {
  const app = new Hono<SandboxEnv>();
  for (const tail of ["", "/*"]) {
    app.all(`/lb/:namespace/:service/:port{[0-9]+}${tail}`, loadBalancer);
    app.all(`/node/:node/:port{[0-9]+}${tail}`, nodePort);
  }
  return app;
};

interface Destination {
  ip: string;
  port: number;
  /** Path of the entry below the sandbox's address, without a slash at the end. */
  entry: string;
}

function loadBalancer(c: Context<SandboxEnv>): Response | Promise<Response> {
  const { namespace = "", service: name = "", port = "" } = c.req.param() as Record<string, string>;
  const service = c.get("sandbox").cluster.reader.get<Service>("services", namespace, name);
  if (!service) {
    return problemPage(c, {
      type: "no-such-service",
      title: "No such Service",
      status: 404,
      detail: `There is no Service ${name} in namespace ${namespace}.`,
      fix: `kubectl get services --namespace ${namespace}`,
    });
  }
  const ip = service.status.loadBalancer?.ingress?.[0]?.ip;
  if (ip === undefined) {
    const isBalanced = service.spec.type === "LoadBalancer";
    return problemPage(c, {
      type: "no-external-address",
      title: "No external address",
      status: 502,
      detail: isBalanced
        ? `Service ${namespace}/${name} has no external address yet: its load balancer is pending.`
        : `Service ${namespace}/${name} is of type ${service.spec.type}; only type LoadBalancer has an address outside the cluster.`,
      fix: isBalanced
        ? `kubectl describe service ${name} --namespace ${namespace}`
        : `kubectl patch service ${name} --namespace ${namespace} -p '{"spec":{"type":"LoadBalancer"}}'`,
    });
  }
  return forward(c, { ip, port: Number(port), entry: `/lb/${namespace}/${name}/${port}` });
}

function nodePort(c: Context<SandboxEnv>): Response | Promise<Response> {
  const { node: name = "", port = "" } = c.req.param() as Record<string, string>;
  const node = c.get("sandbox").cluster.reader.get<Node>("nodes", undefined, name);
  const ip = node?.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  if (ip === undefined) {
    return problemPage(c, {
      type: "no-such-node",
      title: "No such node",
      status: 404,
      detail: `There is no node ${name} with an address.`,
      fix: "kubectl get nodes -o wide",
    });
  }
  return forward(c, { ip, port: Number(port), entry: `/node/${name}/${port}` });
}

async function forward(c: Context<SandboxEnv>, { ip, port, entry }: Destination): Promise<Response> {
  const { cluster } = c.get("sandbox");
  const url = new URL(c.req.url);
  const below = url.pathname.slice(url.pathname.indexOf(entry) + entry.length);
  // Links of a page are relative to its folder: without the slash they would lead out of the entry.
  if (below === "" && (c.req.method === "GET" || c.req.method === "HEAD"))
    return new Response(null, { status: 308, headers: { location: `${prefixOf(c, entry)}/${url.search}` } });
  const host = port === 80 ? ip : `${ip}:${port}`;
  const request = await appRequest(c.req.raw, { path: `${below || "/"}${url.search}`, host, header: withoutOurs });
  if (!request)
    return problemPage(c, { type: "too-large", title: "Request too large", status: 413, detail: "The emulated apps take at most 8 MiB." });
  cluster.tick();
  const route = cluster.network.route({
    from: { kind: "outside", ip: visitorOf(c) },
    to: { host: ip, port, protocol: "TCP" },
    http: request,
  });
  if (route.verdict !== "delivered" || !route.http) return undelivered(c, route, `${ip}:${port}`);
  const response = outsideResponse(route.http.response, (name, value) => rewritten(name, value, host, prefixOf(c, entry)));
  response.headers.set("content-security-policy", pagePolicy);
  response.headers.set("x-content-type-options", "nosniff");
  response.headers.set("referrer-policy", "no-referrer");
  return response;
}

/** Public path of the entry: what a browser has to ask for. */
const prefixOf = (c: Context<SandboxEnv>, entry: string): string => `${new URL(c.get("baseURL")).pathname.replace(/\/$/, "")}${entry}`;

/** The app sees its own cookies, not ours, and no credential of ours. */
function withoutOurs(name: string, value: string): string | undefined {
  if (name === "authorization" || name === "origin" || name === "referer") return undefined;
  if (name !== "cookie") return value;
  const own = value.split(";").filter((pair) => pair.trim().split("=")[0] !== sessionCookie);
  return own.length === 0 ? undefined : own.join(";").trim();
}

/** An address per visitor, where the platform tells one from another. */
function visitorOf(c: Context<SandboxEnv>): string {
  const address = c.req.header("cf-connecting-ip") ?? "";
  const sum = [...address].reduce((total, character) => (total * 31 + character.charCodeAt(0)) % 200, 0);
  return `${visitorNetwork}.${address === "" ? 1 : 10 + sum}`;
}

/** Keeps the browser below the entry: a Location within the app, and the paths of its cookies. */
function rewritten(name: string, value: string, host: string, prefix: string): string {
  if (name === "location") {
    const path = value.startsWith(`http://${host}/`) ? value.slice(`http://${host}`.length) : value;
    return path.startsWith("/") && !path.startsWith("//") ? `${prefix}${path}` : path;
  }
  if (name !== "set-cookie") return value;
  const [pair = "", ...attributes] = value.split(";").map((part) => part.trim());
  const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice("path=".length) ?? "/";
  const kept = attributes.filter((attribute) => !/^(path|domain)=/i.test(attribute));
  return [pair, `Path=${prefix}${path.startsWith("/") ? path : `/${path}`}`, ...kept].join("; ");
}

/** 504 where nothing came back, 502 where somebody said no. */
function undelivered(c: Context<SandboxEnv>, route: Route, to: string): Response {
  const { cluster } = c.get("sandbox");
  const why = explainRoute(route, cluster.facts, languageOf(c));
  const isSilent = route.verdict === "dropped" || route.verdict === "unanswered" || route.verdict === "delivered";
  return problemPage(
    c,
    {
      type: `route-${route.verdict}`,
      title: isSilent ? "No answer" : "Refused",
      status: isSilent ? 504 : 502,
      detail: why?.message ?? `The request to ${to} was ${route.verdict}.`,
      ...(why ? { fix: why.fix.text } : {}),
    },
    why,
  );
}

/** A page for a browser, JSON for everybody else. */
function problemPage(c: Context<SandboxEnv>, problem: Problem, why: Why | null = null): Response {
  const headers = {
    "content-security-policy": `default-src 'none'; style-src 'unsafe-inline'; ${pagePolicy}`,
    "x-content-type-options": "nosniff",
  };
  if (!/\btext\/html\b/.test(c.req.header("accept") ?? "")) return problemResponse(problem, headers);
  const also = why?.also.map(({ message }) => `<p>${escapeHTML(message)}</p>`).join("") ?? "";
  const html = `<!doctype html>
<html lang="${languageOf(c)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${problem.status} ${escapeHTML(problem.title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}h1{font-size:1.4rem}</style>
</head>
<body>
<h1>${problem.status} ${escapeHTML(problem.title)}</h1>
<p>${escapeHTML(problem.detail)}</p>
${problem.fix === undefined ? "" : `<p>${escapeHTML(problem.fix)}</p>`}${also}
</body>
</html>
`;
  return new Response(html, { status: problem.status, headers: { ...headers, "content-type": "text/html; charset=utf-8" } });
}

const escapeHTML = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
