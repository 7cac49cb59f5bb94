/** OpenAPI documents: version 3 one for each group version, version 2 one for all. */
import { structOf } from "../fields/schema.ts";
import { type Operand, openApiPaths, type Writer } from "./openapi-paths.ts";
import { type Schema, SchemaCollector } from "./openapi-schemas.ts";
import type { ApiResource } from "./resources.generated.ts";
import type { ServedVersion } from "./served.ts";
import { gitVersion } from "./version.ts";

const info = { title: "Kubernetes", version: gitVersion };

/** The structural schemas of custom resources, by `group/version/kind`. */
export type CustomSchemas = ReadonlyMap<string, Schema>;

export function openApiV3(version: ServedVersion, customSchemas: CustomSchemas): object {
  const schemas = new SchemaCollector("v3");
  const paths = openApiPaths(version, operandsOf(version, schemas, customSchemas), v3Writer(schemas));
  return { openapi: "3.0.0", info, paths, components: { schemas: schemas.collected(), securitySchemes: { BearerToken: bearerToken } } };
}

export function openApiV2(versions: readonly ServedVersion[], customSchemas: CustomSchemas): object {
  const schemas = new SchemaCollector("v2");
  const writer = v2Writer(schemas);
  const paths = versions.map((version) => openApiPaths(version, operandsOf(version, schemas, customSchemas), writer));
  return {
    swagger: "2.0",
    info,
    paths: Object.assign({}, ...paths),
    definitions: schemas.collected(),
    securityDefinitions: { BearerToken: bearerToken },
    security: [{ BearerToken: [] }],
  };
}

const bearerToken = { type: "apiKey", description: "Bearer Token authentication", name: "authorization", in: "header" };

function operandsOf(version: ServedVersion, schemas: SchemaCollector, customSchemas: CustomSchemas): Operand[] {
  return version.resources.flatMap((resource): Operand[] => {
    const gvk = { group: resource.group ?? version.group, version: resource.version ?? version.version, kind: resource.kind };
    const struct = structOf(gvk);
    if (struct !== undefined) {
      const list = structOf({ ...gvk, kind: `${gvk.kind}List` });
      const object = schemas.reference(struct.name);
      return [{ resource, gvk, object, list: list === undefined ? object : schemas.reference(list.name), custom: false }];
    }
    return isOptions(resource) ? [] : [{ resource, gvk, ...customSchema(gvk, schemas, customSchemas), custom: true }];
  });
}

/** Connections (exec, proxy) take options and have no object. */
const isOptions = (resource: ApiResource): boolean => resource.name.includes("/") && resource.kind.endsWith("Options");

function customSchema(gvk: Operand["gvk"], schemas: SchemaCollector, customSchemas: CustomSchemas): { object: Schema; list: Schema } {
  const name = `${gvk.group.split(".").reverse().join(".")}.${gvk.version}.${gvk.kind}`;
  const own = customSchemas.get(`${gvk.group}/${gvk.version}/${gvk.kind}`) ?? {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
  };
  const object = schemas.custom(name, {
    ...own,
    properties: {
      ...(own["properties"] as Schema | undefined),
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: schemas.reference("meta.v1.ObjectMeta"),
    },
    "x-kubernetes-group-version-kind": [gvk],
  });
  const list = schemas.custom(`${name}List`, {
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      items: { type: "array", items: object },
      kind: { type: "string" },
      metadata: schemas.reference("meta.v1.ListMeta"),
    },
    "x-kubernetes-group-version-kind": [{ ...gvk, kind: `${gvk.kind}List` }],
  });
  return { object, list };
}

const responseTypes = ["application/json", "application/yaml"];

function v3Writer(schemas: SchemaCollector): Writer {
  const content = (types: readonly string[], schema: Schema) => ({ content: Object.fromEntries(types.map((type) => [type, { schema }])) });
  return {
    parameter: (name, type) => ({ name, in: "query", schema: { type, uniqueItems: true } }),
    pathParameter: (name) => ({ name, in: "path", required: true, schema: { type: "string", uniqueItems: true } }),
    body: (schema, types, required) => ({
      parameters: [],
      members: { requestBody: { ...content(types, schema), ...(required && { required }) } },
    }),
    response: (schema, streams) =>
      schema === undefined ? {} : content(streams ? [...responseTypes, "application/json;stream=watch"].sort() : responseTypes, schema),
    deleteOptions: schemas.reference("meta.v1.DeleteOptions"),
    status: schemas.reference("meta.v1.Status"),
    patch: schemas.reference("meta.v1.Patch"),
  };
}

function v2Writer(schemas: SchemaCollector): Writer {
  return {
    parameter: (name, type) => ({ uniqueItems: true, type, name, in: "query" }),
    pathParameter: (name) => ({ uniqueItems: true, type: "string", name, in: "path", required: true }),
    body: (schema, types, required) => ({
      parameters: [{ name: "body", in: "body", ...(required && { required }), schema }],
      members: { consumes: types, produces: responseTypes },
    }),
    response: (schema) => (schema === undefined ? { description: "Unauthorized" } : { description: "OK", schema }),
    deleteOptions: schemas.reference("meta.v1.DeleteOptions"),
    status: schemas.reference("meta.v1.Status"),
    patch: schemas.reference("meta.v1.Patch"),
  };
}
