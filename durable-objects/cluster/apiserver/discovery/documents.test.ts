import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Subresource } from "../resource-strategy.ts";
import { describedCount } from "./descriptions.ts";
import { discoveryFor } from "./documents.ts";
import type { ApiResource } from "./resources.generated.ts";
import { type Served, storageVersionHash } from "./served.ts";

const reference = (name: string) => JSON.parse(readFileSync(`test/reference/openapi/${name}.json`, "utf8"));
const resourceLists: Record<string, { resources: ApiResource[] }> = reference("resources");
const captured = reference("discovery");
const capturedSchemas: Record<string, any> = reference("schemas");
const capturedPaths: Record<string, any> = reference("sample-paths");

const versionOf = (path: string) => {
  const [root, ...parts] = path.split("/");
  return root === "api" ? { group: "", version: parts[0] as string } : { group: parts[0] as string, version: parts[1] as string };
};

/** Strategies for everything that the captured server serves. */
const everything: Served[] = Object.entries(resourceLists).flatMap(([path, { resources }]) =>
  resources
    .filter(({ name }) => !name.includes("/"))
    .map(({ name, singularName, kind, namespaced }) => ({
      ...versionOf(path),
      kind,
      plural: name,
      singular: singularName,
      namespaced,
      subresources: resources.filter((sub) => sub.name.startsWith(`${name}/`)).map((sub) => sub.name.split("/")[1] as Subresource),
    })),
);
const service: Served = {
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  namespaced: true,
  subresources: ["status"],
};
const widget: Served = {
  group: "example.com",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  singular: "widget",
  namespaced: true,
  subresources: ["status", "scale"],
  shortNames: ["wd"],
  categories: ["all"],
};

describe("discovery of everything", () => {
  const discovery = discoveryFor(everything);

  it.each(Object.keys(resourceLists))("lists the resources of %s as the captured server does", (path) => {
    const { group, version } = versionOf(path);
    expect(discovery.groupVersion(group, version)).toEqual(resourceLists[path]);
  });

  it("aggregates the core group as the captured server does", () => {
    expect(discovery.aggregatedApi().body).toEqual(captured.api);
  });

  it("aggregates the other groups in the captured server's order", () => {
    expect(discovery.aggregatedApis().body).toEqual(captured.apis);
  });

  it("names the first version of a group as the preferred one", () => {
    expect(discovery.group("autoscaling")).toEqual({
      kind: "APIGroup",
      apiVersion: "v1",
      name: "autoscaling",
      versions: [
        { groupVersion: "autoscaling/v2", version: "v2" },
        { groupVersion: "autoscaling/v1", version: "v1" },
      ],
      preferredVersion: { groupVersion: "autoscaling/v2", version: "v2" },
    });
  });
});

describe("discovery of a part", () => {
  const discovery = discoveryFor([service, widget], { others: [{ group: "", version: "v1", resource: "bindings" }] });

  it("lists only resources and subresources that have a strategy, and those named beside them", () => {
    const list = discovery.groupVersion("", "v1") as { resources: ApiResource[] };
    expect(list.resources.map(({ name }) => name)).toEqual(["bindings", "services", "services/status"]);
  });

  it("makes up the entries of custom resources", () => {
    const list = discovery.groupVersion("example.com", "v1") as { resources: ApiResource[] };
    expect(list.resources).toEqual([
      {
        name: "widgets",
        singularName: "widget",
        namespaced: true,
        kind: "Widget",
        verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        shortNames: ["wd"],
        categories: ["all"],
        storageVersionHash: storageVersionHash("example.com/v1/Widget"),
      },
      { name: "widgets/status", singularName: "", namespaced: true, kind: "Widget", verbs: ["get", "patch", "update"] },
      {
        name: "widgets/scale",
        singularName: "",
        namespaced: true,
        group: "autoscaling",
        version: "v1",
        kind: "Scale",
        verbs: ["get", "patch", "update"],
      },
    ]);
  });

  it("knows no group without a strategy", () => {
    expect([discovery.group("apps"), discovery.groupVersion("apps", "v1"), discovery.openApiV3("apis/apps/v1")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("gives another etag when other things are served", () => {
    const other = discoveryFor([service]);
    expect(other.aggregatedApis().etag).not.toBe(discovery.aggregatedApis().etag);
    expect(other.openApiV2().etag).not.toBe(discovery.openApiV2().etag);
  });

  it("names the document's etag in the OpenAPI index", () => {
    const { paths } = discovery.openApiV3Index() as { paths: Record<string, { serverRelativeURL: string }> };
    expect(Object.keys(paths)).toEqual(["api/v1", "apis/example.com/v1"]);
    expect(`"${paths["api/v1"]?.serverRelativeURL.split("hash=")[1]}"`).toBe(discovery.openApiV3("api/v1")?.etag);
  });
});

it("computes the storage version hash as the captured server does", () => {
  expect(storageVersionHash("/v1/Pod")).toBe("xPOwRZ+Yhw8=");
});

describe("OpenAPI v3", () => {
  const discovery = discoveryFor(everything);
  const documentOf = (path: string) =>
    discovery.openApiV3(path)?.body as { paths: Record<string, any>; components: { schemas: Record<string, any> } };

  /** A bare reference and one in `allOf` mean the same; which of them the server writes depends on descriptions we do not have. */
  const normal = (schema: any): any => {
    const properties = Object.entries(schema.properties ?? {}).map(([name, { description: _, ...property }]: [string, any]) => [
      name,
      property.$ref === undefined ? property : { allOf: [property] },
    ]);
    const { description: _, ...rest } = schema;
    return {
      ...rest,
      ...(schema.properties && { properties: Object.fromEntries(properties) }),
      ...(schema.required && { required: [...schema.required].sort() }),
    };
  };

  it.each(Object.keys(resourceLists))("describes the kinds of %s as the captured server does", (path) => {
    for (const [name, schema] of Object.entries(documentOf(path).components.schemas)) {
      expect({ [name]: normal(schema) }).toEqual({ [name]: normal(capturedSchemas[name]) });
    }
  });

  it.each(Object.keys(capturedPaths))("describes %s as the captured server does, but for protobuf", (path) => {
    const withoutProtobuf = (key: string, value: unknown) => (key.startsWith("application/vnd.kubernetes.protobuf") ? undefined : value);
    expect(documentOf("api/v1").paths[path]).toEqual(JSON.parse(JSON.stringify(capturedPaths[path], withoutProtobuf)));
  });

  it("describes a custom resource by the schema it is given", () => {
    const schema = { type: "object", properties: { spec: { type: "object" } } };
    const { body } = discoveryFor([widget], { customSchemas: new Map([["example.com/v1/Widget", schema]]) }).openApiV3(
      "apis/example.com/v1",
    ) as {
      body: any;
    };
    expect(body.components.schemas["com.example.v1.Widget"]).toEqual({
      type: "object",
      properties: {
        spec: { type: "object" },
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
      },
      "x-kubernetes-group-version-kind": [{ group: "example.com", version: "v1", kind: "Widget" }],
    });
  });
});

it("refers to every definition of the OpenAPI v2 document by a name that it has", () => {
  const { definitions } = discoveryFor(everything).openApiV2().body as { definitions: Record<string, unknown> };
  const references = [...JSON.stringify(definitions).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)].map(([, name]) => name as string);
  expect(references.length).toBeGreaterThan(500);
  expect(references.filter((name) => !(name in definitions))).toEqual([]);
});

it("describes only structures and members that there are", () => {
  const { definitions } = discoveryFor(everything).openApiV2().body as {
    definitions: Record<string, { description?: string; properties?: Record<string, { description?: string }> }>;
  };
  const described = Object.values(definitions).flatMap(({ description, properties }) => [
    description,
    ...Object.values(properties ?? {}).map((property) => property.description),
  ]);
  expect(described.filter((text) => text !== undefined).length).toBe(describedCount);
});
