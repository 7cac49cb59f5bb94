/**
 * A route as it is kept and answered: plain data, explained with the objects of its time, said in any language later.
 */
import type { Hop, Route, RouteQuery } from "../api/network.ts";
import type { HeaderList } from "../api/ports.ts";
import type { Traces } from "../network/traces.ts";
import { findingsOfRoute } from "./explain-route.ts";
import type { Facts } from "./facts.ts";
import { hopSentence } from "./hop-sentence.ts";
import type { Language } from "./messages/catalogue.ts";
import { type Finding, type Why, whyOf } from "./why.ts";

export interface KeptRoute {
  route: Omit<Route, "http" | "resolution">;
  http?: { status: number; headers: HeaderList; body: string };
  findings: readonly Finding[];
}

/** A trace: what was asked, and what became of it. */
export interface RouteTrace {
  from: RouteQuery["from"];
  to: RouteQuery["to"];
  path?: string;
  kept: KeptRoute;
}

/** Keeps what became of a request, also of one that a tool in a pod has sent. */
export function keepTrace(traces: Traces, { from, to, http }: RouteQuery, route: Route, facts: Facts): { id: string; content: RouteTrace } {
  const content = { from, to, ...(http?.path === undefined ? {} : { path: http.path }), kept: keptRoute(route, facts) };
  return traces.keep(facts.now, () => content);
}

/** The JSON of `/route`. */
export interface RouteAnswer {
  verdict: Route["verdict"];
  trace: string;
  seed?: number;
  hops: (Hop & { sentence: string })[];
  target: Route["target"] | null;
  backend: Route["backend"] | null;
  candidates: Route["candidates"];
  sourceSeenByBackend: string | null;
  /** What the sender's socket is told, where the verdict is a refusal. */
  icmp?: Route["icmp"];
  http: { status: number; headers: Record<string, string>; body: string } | null;
  why: Why | null;
}

/** Characters of an HTTP body that are kept. */
const keptBody = 64 * 1024;

function keptRoute(whole: Route, facts: Facts): KeptRoute {
  const findings = findingsOfRoute(whole, facts);
  const { http, resolution: _resolution, ...route } = whole;
  if (http === undefined) return { route, findings };
  const { status, headers, body } = http.response;
  return { route, http: { status, headers, body: new TextDecoder().decode(body).slice(0, keptBody) }, findings };
}

/** @param evaluated true: also the rules that were looked at and skipped */
export function routeAnswer({ route, http, findings }: KeptRoute, trace: string, language: Language, evaluated: boolean): RouteAnswer {
  return {
    verdict: route.verdict,
    trace,
    ...(route.seed === undefined ? {} : { seed: route.seed }),
    hops: route.hops.map((hop) => ({ ...shown(hop, evaluated), sentence: hopSentence(hop, language) })),
    target: route.target ?? null,
    backend: route.backend ?? null,
    candidates: route.candidates,
    sourceSeenByBackend: route.sourceSeenByBackend ?? null,
    ...(route.icmp === undefined ? {} : { icmp: route.icmp }),
    http: http === undefined ? null : { ...http, headers: headersOf(http.headers) },
    why: whyOf(findings, language),
  };
}

function shown(hop: Hop, evaluated: boolean): Hop {
  if (evaluated) return hop;
  const { evaluated: _skipped, ...rest } = hop;
  return rest;
}

/** Values of a header that comes more than once are joined, as RFC 9110 allows. */
function headersOf(list: HeaderList): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of list) headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  return headers;
}
