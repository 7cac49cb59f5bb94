import { describe, expect, it } from "vitest";
import { WireReader, wireTypes } from "../fields/protobuf-wire.ts";
import { openApiV2Protobuf } from "./openapi-protobuf.ts";

const decoder = new TextDecoder();

/** The values under a path of field numbers; each message on the way may occur many times. */
function at(bytes: Uint8Array, [number, ...deeper]: readonly number[]): (Uint8Array | boolean)[] {
  const reader = new WireReader(bytes);
  const found: (Uint8Array | boolean)[] = [];
  while (!reader.done) {
    const tag = reader.tag("message");
    const value = tag.wireType === wireTypes.varint ? reader.bool() : reader.bytes();
    if (tag.number === number) found.push(...(deeper.length === 0 || typeof value === "boolean" ? [value] : at(value, deeper)));
  }
  return found;
}

const texts = (bytes: Uint8Array, ...path: number[]) => at(bytes, path).map((value) => decoder.decode(value as Uint8Array));

const gvk = { group: "", kind: "Service", version: "v1" };
const operation = (parameters: object[]) => ({
  tags: ["core_v1"],
  parameters,
  responses: { 200: { description: "OK", schema: { $ref: "#/definitions/Service" } }, 401: { description: "Unauthorized" } },
  "x-kubernetes-group-version-kind": gvk,
});
const document = openApiV2Protobuf({
  swagger: "2.0",
  info: { title: "Kubernetes", version: "v1" },
  paths: {
    "/a": {
      post: operation([
        { name: "fieldValidation", in: "query", type: "string", uniqueItems: true },
        { name: "body", in: "body", required: true, schema: { $ref: "#/definitions/Service" } },
      ]),
      parameters: [{ name: "namespace", in: "path", required: true, type: "string" }],
    },
    "/b": { get: operation([]) },
  },
  definitions: {
    Service: {
      type: "object",
      required: ["spec", "kind"],
      properties: {
        ports: { type: "array", items: { type: "integer", format: "int32" } },
        selector: { type: "object", additionalProperties: { type: "string" } },
      },
      nullable: true,
      "x-kubernetes-group-version-kind": [gvk],
    },
  },
  security: [{ BearerToken: [] }],
  securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header" } },
});

describe("openApiV2Protobuf", () => {
  it.each([
    { name: "says the version of the document", path: [1], want: ["2.0"] },
    { name: "says the title", path: [2, 1], want: ["Kubernetes"] },
    { name: "names paths in their order", path: [8, 2, 1], want: ["/a", "/b"] },
    { name: "keeps kinds of operations as YAML", path: [8, 2, 2, 4, 13, 2, 2], want: [JSON.stringify(gvk)] },
    { name: "names query parameters of an operation", path: [8, 2, 2, 4, 8, 1, 2, 3, 4], want: ["fieldValidation"] },
    { name: "refers to the schema of a body", path: [8, 2, 2, 4, 8, 1, 1, 5, 1], want: ["#/definitions/Service"] },
    { name: "names parameters of a path", path: [8, 2, 2, 9, 1, 2, 4, 4], want: ["namespace"] },
    { name: "lists response codes in their order", path: [8, 2, 2, 2, 9, 1, 1], want: ["200", "401"] },
    { name: "refers to the schema of a response", path: [8, 2, 2, 2, 9, 1, 2, 1, 2, 1, 1], want: ["#/definitions/Service"] },
    { name: "names definitions", path: [9, 1, 1], want: ["Service"] },
    { name: "lists required members in their order", path: [9, 1, 2, 19], want: ["spec", "kind"] },
    { name: "names properties", path: [9, 1, 2, 25, 1, 1], want: ["ports", "selector"] },
    { name: "says the format of items", path: [9, 1, 2, 25, 1, 2, 23, 1, 2], want: ["int32"] },
    { name: "says the type of what a map holds", path: [9, 1, 2, 25, 1, 2, 21, 1, 22, 1], want: ["string"] },
    { name: "keeps extensions of definitions and nothing else", path: [9, 1, 2, 31, 1], want: ["x-kubernetes-group-version-kind"] },
    { name: "requires the token", path: [12, 1, 1], want: ["BearerToken"] },
    { name: "says where the token goes", path: [13, 1, 2, 2, 3], want: ["header"] },
  ])("$name", ({ path, want }) => {
    expect(texts(document, ...path)).toEqual(want);
  });

  it("says which parameters are required and unique", () => {
    expect([
      at(document, [8, 2, 2, 4, 8, 1, 2, 3, 20]),
      at(document, [8, 2, 2, 4, 8, 1, 1, 4]),
      at(document, [8, 2, 2, 9, 1, 2, 4, 1]),
    ]).toEqual([[true], [true], [true]]);
  });

  it("writes documents that outgrow its first buffer", () => {
    const description = "x".repeat(200_000);
    const long = openApiV2Protobuf({ definitions: { A: { description }, B: { description } } });
    expect(texts(long, 9, 1, 2, 4)).toEqual([description, description]);
  });
});
