/**
 * The surfaces of one sandbox, mounted: one line each. Who may use a surface is decided here, before it runs; the
 * Kubernetes API decides for itself, request by request.
 */
import { Hono } from "hono";
import { authorize } from "../cluster/access/authorize.ts";
import { StatusError } from "../cluster/api/status-error.ts";
import { clock } from "./clock.ts";
import { dns } from "./dns.ts";
import { dnsQuery } from "./dns-query.ts";
import { entry } from "./entry.ts";
import { faults } from "./faults.ts";
import { kubernetesAPI } from "./kubernetes-api.ts";
import { problem } from "./problem.ts";
import { notAllowed } from "./refusals.ts";
import { resolve } from "./resolve.ts";
import { routes } from "./route.ts";
import { rules } from "./rules.ts";
import type { Sandbox, SandboxEnv } from "./sandbox.ts";
import { stream } from "./stream.ts";
import { traces } from "./traces.ts";

export interface SandboxBindings {
  sandbox: Sandbox;
  principal: SandboxEnv["Variables"]["principal"];
  baseURL: string;
}

type Env = SandboxEnv & { Bindings: SandboxBindings };

/** Surfaces of `kubearium.dev`, and the verb their use is: looking is `get`, also when it is sent by POST; `by-method`: what is sent changes something. */
const surfaces = {
  resolve: { app: resolve, verb: "get" },
  route: { app: routes, verb: "get" },
  traces: { app: traces, verb: "get" },
  rules: { app: rules, verb: "get" },
  dns: { app: dns, verb: "get" },
  "dns-query": { app: dnsQuery, verb: "get" },
  stream: { app: stream, verb: "get" },
  clock: { app: clock, verb: "by-method" },
  faults: { app: faults, verb: "by-method" },
} as const;

export function sandboxApp(): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.set("sandbox", c.env.sandbox);
    c.set("principal", c.env.principal);
    c.set("baseURL", c.env.baseURL);
    await next();
  });
  app.route("/", kubernetesAPI() as unknown as Hono<Env>);
  for (const [name, { app: surface, verb }] of Object.entries(surfaces)) {
    const guarded = new Hono<Env>();
    guarded.use(async (c, next) => {
      const act = verb === "by-method" ? (c.req.method === "GET" ? "get" : "update") : verb;
      const decision = authorize(c.get("principal"), { verb: act, group: "kubearium.dev", resource: name });
      return decision.allowed ? next() : notAllowed(decision.reason);
    });
    guarded.route("/", surface() as unknown as Hono<Env>);
    app.route(`/${name}`, guarded);
  }
  app.route("/", entry() as unknown as Hono<Env>);
  // The sandbox's address is an API server's: what nobody serves is answered as kube-apiserver answers it.
  app.notFound(
    () =>
      new Response("404 page not found\n", {
        status: 404,
        headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
      }),
  );
  app.onError((error, c) => {
    if (error instanceof StatusError) {
      return new Response(`${JSON.stringify(error.status)}\n`, {
        status: error.status.code,
        headers: { "content-type": "application/json" },
      });
    }
    console.error(
      JSON.stringify({ event: "unexpected", sandbox: c.env.sandbox.id, method: c.req.method, error: String(error), stack: error.stack }),
    );
    return problem(c, {
      type: "our-fault",
      title: "Something broke here",
      status: 500,
      detail: "The request could not be answered. This is our fault, not your cluster's.",
      fix: "Try again; if it happens every time, please report the request.",
    });
  });
  return app;
}
