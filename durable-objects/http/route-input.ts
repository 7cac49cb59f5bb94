/**
 * What `/route` takes: the short form of GET and the JSON of POST, checked and turned into queries.
 */
import { z } from "zod";
import type { Reader } from "../cluster/api/controller.ts";
import { parseIP } from "../cluster/api/ip-address.ts";
import type { Protocol, RouteQuery } from "../cluster/api/network.ts";
import { languages } from "../cluster/explain/messages/catalogue.ts";
import { ProblemError } from "./bad-input.ts";
import { senderFrom } from "./sender.ts";

/** Queries in one request, and flows of one histogram and of all in a request together. */
export const routeLimits = { queries: 1000, flows: 10_000 } as const;

export const answerFields = [
  "verdict",
  "trace",
  "seed",
  "hops",
  "target",
  "backend",
  "candidates",
  "sourceSeenByBackend",
  "icmp",
  "http",
  "why",
] as const;
export type AnswerField = (typeof answerFields)[number];

const protocols = ["TCP", "UDP", "SCTP", "ICMP"] as const satisfies readonly Protocol[];
const port = z.number().int().min(1).max(65_535);
const sourcePort = port.describe("Default: drawn from the ephemeral range.");
const seed = z.number().int().min(0).max(0xffff_ffff).describe("The same query with the same seed gives the same route.");
const count = z.number().int().min(1).max(routeLimits.flows).describe("That many flows, answered as a histogram.");
const fields = z.array(z.enum(answerFields)).min(1).describe("Leaves everything else out of the answer.");
const detail = z.enum(["full"]).describe("full: also the rules that were looked at and skipped.");
const lang = z.enum(languages as ["en", "ko"]);

export const senderSchema = z.union([
  z.string().min(1),
  z.strictObject({ outside: z.string().refine((ip) => parseIP(ip) !== undefined, "must be an IP address") }),
  z.strictObject({ node: z.string().min(1) }),
]);

const method = z.string().regex(/^[A-Z]{1,16}$/, "must be an HTTP method in capitals, such as GET");
const path = z.string().startsWith("/", "must begin with /").max(8192);
const headers = z.record(z.string().min(1), z.string());

export const routeBody = z.strictObject({
  from: senderSchema.optional().describe("Default: a client without a pod in namespace default."),
  to: z.union([
    z.string().min(1).describe("A URL, or host:port."),
    z.strictObject({ host: z.string().min(1).max(255), port: port.optional(), protocol: z.enum(protocols).optional() }),
  ]),
  protocol: z.enum(protocols).optional(),
  http: z
    .strictObject({ method: method.optional(), path: path.optional(), headers: headers.optional(), body: z.string().optional() })
    .optional(),
  flow: z.strictObject({ sourcePort: sourcePort.optional() }).optional(),
  seed: seed.optional(),
  count: count.optional(),
  fields: fields.optional(),
  detail: detail.optional(),
  lang: lang.optional(),
});
export type RouteBody = z.infer<typeof routeBody>;

const whole = (of: z.ZodNumber) => z.string().regex(/^\d+$/, "must be a whole number").transform(Number).pipe(of);

export const routeQueryString = z.strictObject({
  from: z.string().min(1).optional().describe("As in POST; JSON forms as text."),
  to: z.string().min(1).describe("A URL such as http://numbers-api/rng, or host:port."),
  protocol: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(protocols))
    .optional(),
  method: method.optional(),
  path: path.optional(),
  sourcePort: whole(sourcePort).optional(),
  seed: whole(seed).optional(),
  count: whole(count).optional(),
  fields: z
    .string()
    .transform((text) => text.split(","))
    .pipe(fields)
    .optional()
    .describe("Separated by commas."),
  detail: detail.optional(),
  lang: lang.optional(),
});

/** The short form as the long one. */
export function bodyOfQueryString({ method, path, sourcePort, from, ...rest }: z.infer<typeof routeQueryString>): RouteBody {
  const http =
    method === undefined && path === undefined
      ? {}
      : { http: { ...(method === undefined ? {} : { method }), ...(path === undefined ? {} : { path }) } };
  const sender = from === undefined ? {} : { from: from.startsWith("{") ? jsonSender(from) : from };
  return { ...rest, ...sender, ...http, ...(sourcePort === undefined ? {} : { flow: { sourcePort } }) };
}

function jsonSender(text: string): z.infer<typeof senderSchema> {
  try {
    return senderSchema.parse(JSON.parse(text));
  } catch {
    throw badField("from", `${text} is no sender`, 'Write {"outside": "203.0.113.9"} or {"node": "node-2"}.');
  }
}

/** @throws ProblemError where sender or target cannot be */
export function routeQueryOf({ from, to, protocol, http, flow, seed: given, detail: depth }: RouteBody, reader: Reader): RouteQuery {
  const target = typeof to === "string" ? targetOf(to) : { host: to.host, port: to.port, protocol: to.protocol, path: undefined };
  const chosen = protocol ?? target.protocol ?? "TCP";
  const wantsHttp = http !== undefined || target.path !== undefined;
  if (wantsHttp && chosen !== "TCP") throw badField("http", `HTTP needs TCP, not ${chosen}`, "Leave http out, or send TCP.");
  const number = target.port ?? (chosen === "TCP" ? 80 : undefined);
  if (number === undefined && chosen !== "ICMP")
    throw badField("to.port", `${chosen} needs a port`, "Write the port: to=kube-dns.kube-system:53.");
  const { headers: given_, body, ...request } = http ?? {};
  return {
    from: senderFrom(from, reader),
    to: { host: target.host, protocol: chosen, ...(chosen === "ICMP" || number === undefined ? {} : { port: number }) },
    ...(wantsHttp
      ? {
          http: {
            ...(target.path === undefined ? {} : { path: target.path }),
            ...defined(request),
            ...(given_ === undefined ? {} : { headers: Object.entries(given_) }),
            ...(body === undefined ? {} : { body: new TextEncoder().encode(body) }),
          },
        }
      : {}),
    ...(flow?.sourcePort === undefined ? {} : { flow: { sourcePort: flow.sourcePort } }),
    ...(given === undefined ? {} : { seed: given }),
    ...(depth === undefined ? {} : { detail: depth }),
  };
}

interface Target {
  host: string;
  port: number | undefined;
  protocol: Protocol | undefined;
  /** Of a URL; undefined where only host and port were written. */
  path: string | undefined;
}

const hostAndPort = /^(\[[^\]]+\]|[^:/[\]]+)(?::(\d{1,5}))?$/;

/** `http://host:port/path`, `host:port`, `host`, `[fd00::1]:80`, or an address alone. */
export function targetOf(text: string): Target {
  const url = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(text);
  if (url !== null && url[1]!.toLowerCase() !== "http") {
    throw badField("to", `${url[1]}:// is not emulated`, "Use an http:// URL, or host:port for the connection alone.");
  }
  const authority = url?.[2] ?? text;
  if (parseIP(authority) !== undefined) return { host: authority, port: undefined, protocol: undefined, path: undefined };
  const [, host, digits] = hostAndPort.exec(authority) ?? [];
  const number = digits === undefined ? undefined : Number(digits);
  if (host === undefined || number === 0 || (number ?? 1) > 65_535) {
    throw badField("to", `${text} is neither a URL nor host:port`, "Write http://numbers-api/rng, numbers-api:80 or [fd00::1]:80.");
  }
  const path = url?.[3];
  const written = path === undefined ? undefined : path === "" ? "/" : path.startsWith("/") ? path : `/${path}`;
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: number, protocol: undefined, path: written };
}

const badField = (field: string, detail: string, fix: string): ProblemError =>
  new ProblemError({ type: "bad-request", title: "Bad route query", status: 400, detail: `${field}: ${detail}.`, fix });

const defined = <T extends object>(of: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as never;
