/** `/openapi.json`: the contract, made from the schemas that check the requests. */
import { z } from "zod";
import { operations as clockOperations } from "../durable-objects/http/clock.ts";
import { operations as dnsOperations } from "../durable-objects/http/dns.ts";
import { operations as dnsQueryOperations } from "../durable-objects/http/dns-query.ts";
import { operations as faultsOperations } from "../durable-objects/http/faults.ts";
import { sandboxDescription, sandboxPatch } from "../durable-objects/http/hub.ts";
import type { Operation } from "../durable-objects/http/operation.ts";
import { operations as resolveOperations } from "../durable-objects/http/resolve.ts";
import { operations as routeOperations } from "../durable-objects/http/route.ts";
import { operations as rulesOperations } from "../durable-objects/http/rules.ts";
import { sessionBody } from "../durable-objects/http/session.ts";
import { operations as tracesOperations } from "../durable-objects/http/traces.ts";
import { createBody } from "./create-body.ts";

const created = z.object({
  id: z.string(),
  url: z.string().describe("Absolute, without a trailing slash."),
  kubeconfig: z.string().describe("YAML text."),
  adminToken: z.string(),
  viewToken: z.string(),
  expiresAt: z.string(),
  limits: z.record(z.string(), z.number()),
});

const listed = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      createdAt: z.string(),
      ageSeconds: z.number(),
      expiresAt: z.string().nullable(),
      usage: z.record(z.string(), z.number()),
    }),
  ),
  continue: z.string().optional(),
});

const problem = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string(), fix: z.string().optional() })
  .describe("RFC 9457, with a `fix` a person can act on.");

/** One sandbox has two addresses: the second is where the page's cookie reaches. */
const aboutSandbox = (path: string): Operation[] => [
  {
    method: "get",
    path,
    tag: "hub",
    summary: "What the sandbox is: age, sizes, expiry",
    responses: { 200: { description: "The sandbox", schema: sandboxDescription } },
  },
  {
    method: "patch",
    path,
    tag: "hub",
    summary: "Renames or prolongs it",
    body: sandboxPatch,
    responses: { 200: { description: "The sandbox as it is now", schema: sandboxDescription } },
  },
  { method: "delete", path, tag: "hub", summary: "Ends it: everything of it is gone", responses: { 204: { description: "Gone" } } },
];

const hubOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/sandboxes",
    tag: "hub",
    access: "none",
    summary: "Makes a sandbox",
    body: createBody,
    responses: { 201: { description: "The sandbox and its tokens, answered this once", schema: created } },
  },
  {
    method: "get",
    path: "/sandboxes",
    tag: "hub",
    access: "operator",
    summary: "Ids, ages and sizes, page by page",
    query: z.object({ continue: z.string().optional() }),
    responses: { 200: { description: "A page", schema: listed } },
  },
  ...aboutSandbox("/sandboxes/{id}"),
  ...aboutSandbox("/s/{id}/sandbox"),
  {
    method: "post",
    path: "/s/{id}/session",
    tag: "sandbox",
    access: "none",
    summary: "Exchanges a token for the page's cookie",
    body: sessionBody,
    responses: { 204: { description: "The cookie is set" } },
  },
  {
    method: "delete",
    path: "/s/{id}/session",
    tag: "sandbox",
    access: "none",
    summary: "Removes the cookie",
    responses: { 204: { description: "The cookie is removed" } },
  },
  {
    method: "get",
    path: "/s/{id}/kubeconfig",
    tag: "sandbox",
    summary: "A kubeconfig for this address, with the credential of the request",
    responses: { 200: { description: "YAML", contentType: "application/yaml" } },
  },
  {
    method: "get",
    path: "/healthz",
    tag: "hub",
    access: "none",
    summary: "Whether the service answers",
    responses: { 200: { description: "ok", contentType: "text/plain" } },
  },
  {
    method: "get",
    path: "/metrics",
    tag: "hub",
    access: "operator",
    summary: "Figures for Prometheus",
    responses: { 200: { description: "Text exposition", contentType: "text/plain" } },
  },
];

/** Everything that is described, in the order in which readers should meet it. A new surface adds its `operations` here. */
const operations: readonly Operation[] = [
  ...hubOperations,
  ...resolveOperations,
  ...routeOperations,
  ...tracesOperations,
  ...dnsOperations,
  ...dnsQueryOperations,
  ...rulesOperations,
  ...clockOperations,
  ...faultsOperations,
];

export function openapiDocument(server: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Kubearium",
      version: "0.1.0",
      description:
        "Kubernetes service networking under glass. The Kubernetes API of a sandbox (`/s/{id}/api`, `/apis`) describes itself at `/s/{id}/openapi/v3`.",
    },
    servers: [{ url: server }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: jsonSchema(problem, "output") },
    },
  };
}

function describe({ path, summary, tag, query, body, responses, access }: Operation): object {
  const parameters: object[] = path.includes("{id}") ? [{ name: "id", in: "path", required: true, schema: { type: "string" } }] : [];
  for (const [name, schema] of Object.entries(query?.shape ?? {})) {
    parameters.push({ name, in: "query", required: false, schema: jsonSchema(schema as z.ZodType, "input") });
  }
  const answers = Object.entries(responses).map(([status, { description, schema, contentType }]) => [
    status,
    {
      description,
      ...(schema === undefined && contentType === undefined
        ? {}
        : { content: { [contentType ?? "application/json"]: schema === undefined ? {} : { schema: jsonSchema(schema, "output") } } }),
    },
  ]);
  return {
    summary,
    tags: [tag],
    ...(access === "none" ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: { "application/json": { schema: jsonSchema(body, "input") } } } }),
    responses: {
      ...Object.fromEntries(answers),
      default: {
        description: "What went wrong",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
