import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { applySchemaDefaults } from "./defaults.ts";
import { storedForm } from "./encode.ts";
import type { GroupVersionKind } from "./field-knowledge.ts";
import { structOf } from "./schema.ts";

const gvkOf = ({ apiVersion, kind }: KubeObject): GroupVersionKind => {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  return { group, version, kind };
};
const metadata = { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };

describe("the stored form", () => {
  const answers: KubeObject[] = readFileSync("test/golden/corpus/create.jsonl", "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).response)
    .filter(({ code, body }) => code === 201 && body?.metadata !== undefined && structOf(gvkOf(body)) !== undefined)
    .map(({ body }) => body);

  it("is what the captured server answered, byte by byte, for every object it created", () => {
    expect(answers.length).toBeGreaterThan(700);
    const shuffled = (object: KubeObject): KubeObject => Object.fromEntries(Object.entries(object).reverse()) as unknown as KubeObject;
    const changed = answers.filter((answer) => JSON.stringify(storedForm(gvkOf(answer), shuffled(answer))) !== JSON.stringify(answer));
    expect(changed).toEqual([]);
  });

  it("has null for an empty list that is always written, and leaves out one that is optional", () => {
    const slice: KubeObject = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, finalizers: [] },
      addressType: "IPv4",
      endpoints: [],
      ports: [],
    };
    expect(storedForm(gvkOf(slice), slice)).toEqual({
      kind: "EndpointSlice",
      apiVersion: "discovery.k8s.io/v1",
      metadata,
      addressType: "IPv4",
      endpoints: null,
      ports: null,
    });
  });

  it("of a custom resource has its members sorted", () => {
    const widget: KubeObject = { kind: "Widget", apiVersion: "example.com/v1", spec: { b: [{ d: 1, c: 2 }], a: undefined }, metadata };
    expect(JSON.stringify(storedForm(gvkOf(widget), widget))).toBe(
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","name":"a","resourceVersion":"1","uid":"u"},"spec":{"b":[{"c":2,"d":1}]}}',
    );
  });
});

describe("schema defaults", () => {
  const pod: GroupVersionKind = { group: "", version: "v1", kind: "Pod" };

  it("are filled in deep inside, where nothing is set", () => {
    const object = { spec: { containers: [{ name: "c", ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }] }] } };
    applySchemaDefaults(pod, object);
    expect(object.spec.containers[0]?.ports).toEqual([
      { containerPort: 80, protocol: "TCP" },
      { containerPort: 53, protocol: "UDP" },
    ]);
  });

  it("do not bring back zero values and do not touch custom resources", () => {
    const [object, widget] = [{ metadata: {}, spec: {} }, { spec: {} }];
    applySchemaDefaults(pod, object);
    applySchemaDefaults({ group: "example.com", version: "v1", kind: "Widget" }, widget);
    expect([object, widget]).toEqual([{ metadata: {}, spec: {} }, { spec: {} }]);
  });
});
