/**
 * Checks what the API server answers against the OpenAPI schemas of Kubernetes, with unknown fields forbidden.
 *
 * Reads `test/reference/openapi/schemas.json` itself and shares nothing with the tables that the server decodes by, so
 * that a mistake in those is found. Enumerations are not checked: the real server stores other values in a status too.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Schema {
  $ref?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  type?: string;
  format?: string;
  enum?: string[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  required?: string[];
  default?: unknown;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

export const schemas: Record<string, Schema> = JSON.parse(
  readFileSync(join(import.meta.dirname, "reference", "openapi", "schemas.json"), "utf8"),
);

const meta = (name: string): Schema => ({ $ref: `#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.${name}` });

const text: Schema = { type: "string" };
const anything: Schema = {};

const versions: Schema = {
  type: "object",
  required: ["groupVersion", "version"],
  properties: { groupVersion: text, version: text },
};
const apiGroup: Schema = {
  type: "object",
  required: ["name", "versions"],
  properties: {
    kind: text,
    apiVersion: text,
    name: text,
    versions: { type: "array", items: versions },
    preferredVersion: versions,
    serverAddressByClientCIDRs: { type: "array", items: anything },
  },
};

/** Answers that no schema of the OpenAPI document describes. */
const unlisted: Record<string, Schema> = {
  "meta.k8s.io/v1/PartialObjectMetadata": { type: "object", properties: { kind: text, apiVersion: text, metadata: meta("ObjectMeta") } },
  "meta.k8s.io/v1/PartialObjectMetadataList": {
    type: "object",
    required: ["items"],
    properties: {
      kind: text,
      apiVersion: text,
      metadata: meta("ListMeta"),
      items: { type: "array", items: { type: "object", properties: { kind: text, apiVersion: text, metadata: meta("ObjectMeta") } } },
    },
  },
  "apidiscovery.k8s.io/v2/APIGroupDiscoveryList": {
    type: "object",
    required: ["metadata", "items"],
    properties: { kind: text, apiVersion: text, metadata: meta("ListMeta"), items: { type: "array", items: anything } },
  },
  "v1/APIVersions": {
    type: "object",
    required: ["versions", "serverAddressByClientCIDRs"],
    properties: { kind: text, versions: { type: "array", items: text }, serverAddressByClientCIDRs: { type: "array", items: anything } },
  },
  "v1/APIGroup": apiGroup,
  "v1/APIGroupList": {
    type: "object",
    required: ["groups"],
    properties: { kind: text, apiVersion: text, groups: { type: "array", items: apiGroup } },
  },
  "meta.k8s.io/v1/Table": {
    type: "object",
    required: ["columnDefinitions", "rows"],
    properties: {
      kind: text,
      apiVersion: text,
      metadata: meta("ListMeta"),
      columnDefinitions: {
        type: "array",
        items: {
          type: "object",
          required: ["name", "type", "format", "description", "priority"],
          properties: { name: text, type: text, format: text, description: text, priority: { type: "integer", format: "int32" } },
        },
      },
      rows: {
        type: "array",
        items: {
          type: "object",
          required: ["cells"],
          properties: { cells: { type: "array", items: anything }, object: anything, conditions: { type: "array", items: anything } },
        },
      },
    },
  },
};

let byKind: Map<string, Schema> | undefined;

function kindTable(): Map<string, Schema> {
  const table = new Map(Object.entries(unlisted));
  for (const schema of Object.values(schemas)) {
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
      table.set(`${group === "" ? "" : `${group}/`}${version}/${kind}`, schema);
    }
  }
  return table;
}

/** @param apiVersion `apps/v1` */
export function schemaOf(apiVersion: string, kind: string): Schema | undefined {
  byKind ??= kindTable();
  return byKind.get(`${apiVersion}/${kind}`);
}

/**
 * Every way in which an answer is not what its own `apiVersion` and `kind` promise.
 *
 * @param body as a client parses it
 * @returns one line each with its path; empty: nothing is wrong
 */
export function schemaProblems(body: unknown): string[] {
  const { kind, ...named } = (body ?? {}) as { apiVersion?: unknown; kind?: unknown };
  // Discovery names no version for its own documents about the core group.
  const apiVersion = named.apiVersion ?? (kind === "APIResourceList" || kind === "APIVersions" ? "v1" : undefined);
  if (typeof apiVersion !== "string" || typeof kind !== "string") return ["it names no apiVersion and kind"];
  const schema = schemaOf(apiVersion, kind);
  if (schema === undefined) return [`no schema describes ${kind} in ${apiVersion}`];
  return problems(schema, body, "");
}

/** What stands behind references. */
export function resolved(schema: Schema): Schema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference === undefined) return schema;
  const found = schemas[reference.replace("#/components/schemas/", "")];
  if (found === undefined) throw new Error(`no schema ${reference}`);
  return found;
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const largest: Record<string, number> = { int32: 2 ** 31 - 1, int64: 2 ** 63 };

function problems(reference: Schema, value: unknown, path: string): string[] {
  const schema = resolved(reference);
  const wrong = (expected: string): string[] => [`${path || "."}: ${expected} expected, found ${JSON.stringify(value)?.slice(0, 80)}`];
  if (schema.oneOf) {
    const types = schema.oneOf.map(({ type }) => type);
    const found = typeof value === "number" ? (Number.isInteger(value) && types.includes("integer") ? "integer" : "number") : typeof value;
    return types.includes(found) ? [] : wrong(types.join(" or "));
  }
  switch (schema.type) {
    case "string": {
      // Go writes an unset time as null.
      if (schema.format === "date-time" && value === null) return [];
      // One pointer of Go's is never left out: the group of a TypedLocalObjectReference.
      if (value === null && path.endsWith(".apiGroup")) return [];
      if (typeof value !== "string") return wrong("a string");
      return schema.format === "date-time" && !rfc3339.test(value) ? wrong("a time") : [];
    }
    case "boolean":
      return typeof value === "boolean" ? [] : wrong("a boolean");
    case "integer": {
      const limit = largest[schema.format ?? "int64"] ?? 2 ** 63;
      return typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= limit + 1 ? [] : wrong(`an ${schema.format}`);
    }
    case "number":
      return typeof value === "number" ? [] : wrong("a number");
    case "array":
      // A list that Go always writes is null when it was never set.
      if (value === null) return [];
      if (!Array.isArray(value)) return wrong("a list");
      return value.flatMap((item, index) => problems(schema.items ?? anything, item, `${path}[${index}]`));
    case "object":
      return objectProblems(schema, value, path, wrong);
    default:
      return [];
  }
}

function objectProblems(schema: Schema, value: unknown, path: string, wrong: (expected: string) => string[]): string[] {
  if (schema.additionalProperties !== undefined && value === null) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong("an object");
  const { additionalProperties, properties } = schema;
  // Raw extensions and fieldsV1 may hold anything.
  if (additionalProperties === undefined && properties === undefined) return [];
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name}: missing`);
  const found = Object.entries(value).flatMap(([name, member]) => {
    if (member === undefined) return [`${path}.${name}: undefined`];
    const known = properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    return known === undefined ? [`${path}.${name}: unknown field`] : problems(known, member, `${path}.${name}`);
  });
  return [...missing, ...found];
}
