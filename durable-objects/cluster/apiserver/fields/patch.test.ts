import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { StatusError } from "../../api/status-error.ts";
import type { FieldValidation, GroupVersionKind } from "./field-knowledge.ts";
import { patchObject } from "./patch.ts";

const service: GroupVersionKind = { group: "", version: "v1", kind: "Service" };
const metadata = { name: "web", namespace: "n", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
const current: KubeObject = {
  kind: "Service",
  apiVersion: "v1",
  metadata: { ...metadata, labels: { a: "1", b: "2" }, finalizers: ["x/a", "x/b"] },
  spec: {
    ports: [
      { name: "http", protocol: "TCP", port: 80, targetPort: 80 },
      { name: "https", protocol: "TCP", port: 443, targetPort: 443 },
    ],
    selector: { app: "web" },
    type: "ClusterIP",
  },
  status: { loadBalancer: {} },
};
const types = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

const patch = (type: keyof typeof types, body: unknown, fieldValidation: FieldValidation = "Strict", gvk = service) =>
  patchObject(gvk, current, new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)), types[type], fieldValidation);
const refusal = (work: () => unknown): [number, string] => {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return [error.status.code, error.status.message ?? ""];
    throw error;
  }
  throw new Error("was not refused");
};
const spec = (type: keyof typeof types, body: unknown) => patch(type, body).object["spec"] as KubeObject;
const labels = (type: keyof typeof types, body: unknown) => (patch(type, body).object["metadata"] as KubeObject["metadata"]).labels;

it("leaves the current object as it was", () => {
  const before = structuredClone(current);
  patch("json", [{ op: "remove", path: "/spec/ports/0" }]);
  patch("merge", { spec: { selector: null } });
  patch("strategic", { spec: { $retainKeys: ["ports"], ports: [{ port: 80, $patch: "delete" }] } });
  expect(current).toEqual(before);
});

describe("a JSON patch", () => {
  it.each<[string, object[], unknown]>([
    [
      "adds and replaces",
      [
        { op: "add", path: "/metadata/labels/c", value: "3" },
        { op: "replace", path: "/metadata/labels/a", value: "9" },
      ],
      { a: "9", b: "2", c: "3" },
    ],
    ["removes", [{ op: "remove", path: "/metadata/labels/a" }], { b: "2" }],
    ["moves", [{ op: "move", from: "/metadata/labels/a", path: "/metadata/labels/z" }], { b: "2", z: "1" }],
    ["copies", [{ op: "copy", from: "/metadata/labels/a", path: "/metadata/labels/z" }], { a: "1", b: "2", z: "1" }],
    ["tests", [{ op: "test", path: "/metadata/labels/a", value: "1" }], { a: "1", b: "2" }],
    ["finds null where nothing is", [{ op: "test", path: "/metadata/labels/q", value: null }], { a: "1", b: "2" }],
    ["knows ~1 and ~0", [{ op: "add", path: "/metadata/labels/x~1y~0", value: "v" }], { a: "1", b: "2", "x/y~": "v" }],
  ])("%s", (_, operations, expected) => {
    expect(labels("json", operations)).toEqual(expected);
  });

  it("counts negative indexes from the end", () => {
    expect(spec("json", [{ op: "remove", path: "/spec/ports/-1" }])["ports"]).toHaveLength(1);
  });

  it.each<[string, object]>([
    ["a test that fails", { op: "test", path: "/metadata/labels/a", value: "2" }],
    ["a member that is not there", { op: "remove", path: "/spec/nope" }],
    ["an index beyond the end", { op: "add", path: "/spec/ports/3", value: {} }],
    ["an index that is none", { op: "add", path: "/spec/ports/x", value: {} }],
    ["an operation that is none", { op: "merge", path: "/spec", value: {} }],
    ["no path", { op: "add", value: 1 }],
  ])("cannot apply, and does not say why: %s", (_, operation) => {
    expect(refusal(() => patch("json", [operation]))).toEqual([422, "the server rejected our request due to an error in our request"]);
  });

  it.each<[string, unknown, string]>([
    ["an object", {}, "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"],
    ["a list of lists", [[]], "error decoding patch: json: cannot unmarshal array into Go value of type handlers.jsonPatchOp"],
    ["nothing", "", "error decoding patch: unexpected end of JSON input"],
  ])("is no patch: %s", (_, body, message) => {
    expect(refusal(() => patch("json", body))).toEqual([400, message]);
  });

  it("warns of members of an operation that are there twice", () => {
    const twice = '[{"op":"test","path":"/metadata/labels/a","value":"2","value":"1","extra":0}]';
    expect(patch("json", twice, "Warn").warnings).toEqual([
      'json patch duplicate field "[0].value"',
      'json patch unknown field "[0].extra"',
    ]);
  });

  it("may hold 10,000 operations and not one more", () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ op: "test", path: "/kind", value: "Service" }));
    expect(patch("json", many(10_000)).warnings).toEqual([]);
    expect(refusal(() => patch("json", many(10_001)))).toEqual([413, "The allowed maximum operations in a JSON patch is 10000, got 10001"]);
  });
});

describe("a merge patch", () => {
  it("removes what is null and replaces lists", () => {
    const { object } = patch("merge", { metadata: { labels: { a: null, c: "3" } }, spec: { ports: [{ port: 81 }] } });
    expect(object).toMatchObject({ metadata: { labels: { b: "2", c: "3" } }, spec: { ports: [{ port: 81 }] } });
    expect(labels("merge", { metadata: { labels: { a: null } } })).toEqual({ b: "2" });
  });

  it("quotes the patched document, with what it opened sorted, where that does not decode", () => {
    const [code, message] = refusal(() => patch("merge", { spec: { type: 5 } }));
    expect([code, message]).toEqual([
      422,
      ` "" is invalid: patch: Invalid value: ${JSON.stringify(
        JSON.stringify({
          apiVersion: "v1",
          kind: "Service",
          metadata: current.metadata,
          spec: { ports: current["spec"].ports, selector: { app: "web" }, type: 5 },
          status: { loadBalancer: {} },
        }),
      )}: json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType`,
    ]);
  });
});

describe("a strategic merge patch", () => {
  const ports = (body: unknown) =>
    spec("strategic", { spec: body })["ports"].map(({ port, targetPort }: { port: number; targetPort: unknown }) => [port, targetPort]);

  it.each<[string, unknown, unknown]>([
    [
      "merges lists by their key",
      { ports: [{ port: 80, targetPort: 8080 }] },
      [
        [80, 8080],
        [443, 443],
      ],
    ],
    [
      "puts what is new first",
      { ports: [{ port: 81, targetPort: 81, name: "x" }] },
      [
        [81, 81],
        [80, 80],
        [443, 443],
      ],
    ],
    ["deletes", { ports: [{ port: 80, $patch: "delete" }] }, [[443, 443]]],
    ["replaces", { ports: [{ port: 1, targetPort: 1 }, { $patch: "replace" }] }, [[1, 1]]],
    [
      "puts elements in order",
      { "$setElementOrder/ports": [{ port: 443 }, { port: 80 }] },
      [
        [443, 443],
        [80, 80],
      ],
    ],
  ])("%s", (_, body, expected) => {
    expect(ports(body)).toEqual(expected);
  });

  it("merges lists of texts and takes out of them", () => {
    const finalizers = (body: unknown) => (patch("strategic", { metadata: body }).object["metadata"] as KubeObject["metadata"]).finalizers;
    expect(finalizers({ finalizers: ["x/c", "x/a"] })).toEqual(["x/c", "x/a", "x/b"]);
    expect(finalizers({ "$deleteFromPrimitiveList/finalizers": ["x/a"] })).toEqual(["x/b"]);
  });

  it("keeps only the members that $retainKeys names", () => {
    expect(spec("strategic", { spec: { $retainKeys: ["type", "ports"] } })).toEqual({ ports: current["spec"].ports, type: "ClusterIP" });
  });

  it("replaces an object on request", () => {
    expect(spec("strategic", { spec: { selector: { $patch: "replace", tier: "x" } } })["selector"]).toEqual({ tier: "x" });
  });

  it.each<[string, number, unknown, string]>([
    ["an unknown directive", 500, { spec: { selector: { $patch: "bogus" } } }, "unknown patch type: bogus in map: map[$patch:bogus]"],
    ["no merge key", 500, { spec: { ports: [{ targetPort: 1 }] } }, "map: map[targetPort:1] does not contain declared merge key: port"],
    [
      "another order",
      500,
      { spec: { "$setElementOrder/ports": [{ port: 1 }], ports: [{ port: 2 }] } },
      "The order in patch list:\n[map[port:2]]\n doesn't match $setElementOrder list:\n[map[port:1]]\n",
    ],
    [
      "$retainKeys without the members of the patch",
      400,
      { spec: { $retainKeys: ["ports"], type: "x" } },
      "invalid patch format of retainKeys",
    ],
    [
      "a number for a text",
      422,
      { metadata: { labels: { a: 5 } } },
      ' "" is invalid: patch: Invalid value: "map[metadata:map[labels:map[a:5]]]": cannot convert int64 to string',
    ],
    [
      "an unknown field",
      422,
      { bogus: 1 },
      ' "" is invalid: patch: Invalid value: "map[bogus:1]": strict decoding error: unknown field "bogus"',
    ],
    ["no object", 400, [], "json: cannot unmarshal array into Go value of type map[string]interface {}"],
  ])("is refused: %s", (_, code, body, message) => {
    expect(refusal(() => patch("strategic", body))).toEqual([code, message]);
  });

  it("does not exist for custom resources", () => {
    expect(refusal(() => patch("strategic", {}, "Warn", { group: "example.com", version: "v1", kind: "Widget" }))).toEqual([
      415,
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    ]);
  });
});

it("knows no other patch", () => {
  expect(refusal(() => patchObject(service, current, new Uint8Array(), "application/json", "Warn"))).toEqual([
    415,
    "415: Unsupported Media Type",
  ]);
});
