import { describe, expect, it } from "vitest";
import { StatusError } from "../../api/status-error.ts";
import { decodeObject } from "./decode.ts";
import type { FieldValidation, GroupVersionKind } from "./field-knowledge.ts";

const service: GroupVersionKind = { group: "", version: "v1", kind: "Service" };
const configMap: GroupVersionKind = { group: "", version: "v1", kind: "ConfigMap" };
const statefulSet: GroupVersionKind = { group: "apps", version: "v1", kind: "StatefulSet" };
const widget: GroupVersionKind = { group: "example.com", version: "v1", kind: "Widget" };

const bytes = (text: string) => new TextEncoder().encode(text);
const decode = (text: string, expected = service, fieldValidation: FieldValidation = "Strict", contentType = "application/json") =>
  decodeObject(bytes(text), contentType, expected, fieldValidation);

const refusal = (work: () => unknown): [number, string] => {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return [error.status.code, error.status.message ?? ""];
    throw error;
  }
  throw new Error("was not refused");
};

describe("a body that decodes", () => {
  it("takes kind and version from the path where the body has none, and has what Go always writes", () => {
    expect(decode('{"metadata":{"name":"a"},"spec":{"ports":[{"port":80,"name":""}]}}').object).toEqual({
      kind: "Service",
      apiVersion: "v1",
      metadata: { name: "a" },
      spec: { ports: [{ port: 80 }] },
      status: { loadBalancer: {} },
    });
  });

  it("lists its members in the order of the structure", () => {
    const { object } = decode(
      '{"spec":{"type":"ClusterIP","ports":[{"targetPort":1,"port":80}]},"metadata":{"labels":{"b":"1","a":"2"},"name":"a"}}',
    );
    expect(JSON.stringify(object)).toBe(
      '{"kind":"Service","apiVersion":"v1","metadata":{"name":"a","labels":{"b":"1","a":"2"}},"spec":{"ports":[{"port":80,"targetPort":1}],"type":"ClusterIP"},"status":{"loadBalancer":{}}}',
    );
  });

  it.each([
    ["null clears", '{"data":null}', {}],
    ["a null text is an empty one", '{"data":{"a":null}}', { data: { a: "" } }],
    ["of duplicates the last counts, and objects merge", '{"data":{"a":"1"},"data":{"b":"2","b":"3"}}', { data: { a: "1", b: "3" } }],
    ["false behind a pointer stays", '{"immutable":false}', { immutable: false }],
    ["keys that JavaScript knows are keys", '{"data":{"__proto__":"x"}}', { data: JSON.parse('{"__proto__":"x"}') }],
  ])("%s", (_, body, expected) => {
    expect(decode(body, configMap, "Ignore").object).toEqual({ kind: "ConfigMap", apiVersion: "v1", metadata: {}, ...expected });
  });

  it.each([
    ["1.5", "1500m"],
    ["0.5", "500m"],
    ["1024Mi", "1Gi"],
    ["1000m", "1"],
    ["+5", "+5"],
    ["05", "05"],
    ["1e3", "1e3"],
    ["12Ki", "12Ki"],
    ["0", "0"],
    ["00", "0"],
  ])("stores the quantity %s as %s", (given, stored) => {
    const quota: GroupVersionKind = { group: "", version: "v1", kind: "ResourceQuota" };
    expect(decode(`{"spec":{"hard":{"cpu":"${given}"}}}`, quota).object).toMatchObject({ spec: { hard: { cpu: stored } } });
  });

  it.each([
    ["2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"],
    ["2020-01-02T03:04:05.678+01:00", "2020-01-02T02:04:05Z"],
    ["2020-01-02T3:04:05Z", "2020-01-02T03:04:05Z"],
  ])("stores the time %s as %s", (given, stored) => {
    expect(decode(`{"metadata":{"creationTimestamp":"${given}"}}`).object).toMatchObject({ metadata: { creationTimestamp: stored } });
  });

  it("keeps all members of a custom resource and reads its metadata as those of any object", () => {
    const { object, warnings } = decode(
      '{"kind":"Widget","apiVersion":"example.com/v1","metadata":{"name":"w","nope":1},"spec":{"a":[1]}}',
      widget,
      "Warn",
    );
    expect([object, warnings]).toEqual([
      { kind: "Widget", apiVersion: "example.com/v1", metadata: { name: "w" }, spec: { a: [1] } },
      ['unknown field "metadata.nope"'],
    ]);
  });
});

describe("a YAML body", () => {
  const yaml = (text: string, fieldValidation: FieldValidation = "Warn") => decode(text, configMap, fieldValidation, "application/yaml");

  it("is read as YAML 1.1, first document only", () => {
    expect(yaml('---\ndata:\n  a: "yes"\n  d: 2001-01-01\n  v: v1\n---\ndata: {b: c}\n').object).toMatchObject({
      data: { a: "yes", d: "2001-01-01", v: "v1" },
    });
  });

  it("takes anchors and merge keys", () => {
    expect(yaml('metadata:\n  labels: &l {x: "y"}\ndata:\n  <<: *l\n  k: |\n    text\n').object).toMatchObject({
      data: { x: "y", k: "text\n" },
    });
  });

  it("warns of keys that are there twice, by line", () => {
    expect(yaml("data:\n  a: p\n  a: q\n").warnings).toEqual(['line 3: key "a" already set in map']);
  });

  it("refuses them strictly, as one error", () => {
    expect(refusal(() => yaml("data:\n  a: p\n  a: q\nnope: 1\n", "Strict"))).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 3: key "a" already set in map, unknown field "nope"',
    ]);
  });

  it("does not let aliases grow without bound", () => {
    const levels = Array.from({ length: 20 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(", ")}]`);
    expect(refusal(() => yaml(["a0: &a0 [x]", ...levels].join("\n")))[1]).toContain("yaml: document contains excessive aliasing");
  });
});

describe("a body that is refused", () => {
  const cannot = 'Service in version "v1" cannot be handled as a Service: ';
  it.each([
    [
      "a number for a text",
      '{"metadata":{"name":5}}',
      `${cannot}json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string`,
    ],
    [
      "a fraction for an integer",
      '{"spec":{"ports":[{"port":80.0}]}}',
      `${cannot}json: cannot unmarshal number 80.0 into Go struct field ServicePort.spec.ports.port of type int32`,
    ],
    [
      "an integer that is too large",
      '{"spec":{"ports":[{"port":2147483648}]}}',
      `${cannot}json: cannot unmarshal number 2147483648 into Go struct field ServicePort.spec.ports.port of type int32`,
    ],
    [
      "a text for a list",
      '{"spec":{"ports":"x"}}',
      `${cannot}json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort`,
    ],
    [
      "the name of a text type",
      '{"spec":{"type":{}}}',
      `${cannot}json: cannot unmarshal object into Go struct field ServiceSpec.spec.type of type v1.ServiceType`,
    ],
    [
      "a time that is none",
      '{"metadata":{"creationTimestamp":"x"}}',
      `${cannot}parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`,
    ],
    [
      "a month that is none",
      '{"metadata":{"creationTimestamp":"2020-13-01T00:00:00Z"}}',
      `${cannot}parsing time "2020-13-01T00:00:00Z": month out of range`,
    ],
    [
      "unknown and duplicate fields in the order of the document",
      '{"metadata":{"labels":{"x":"1","x":"2"}},"spec":{"bogus":1},"Spec":2}',
      `${cannot}strict decoding error: duplicate field "metadata.labels.x", unknown field "spec.bogus", unknown field "Spec"`,
    ],
    [
      "another kind",
      '{"apiVersion":"v1","kind":"Secret"}',
      'Secret in version "v1" cannot be handled as a Service: converting (v1.Secret) to (core.Service): unknown conversion',
    ],
    [
      "an unknown kind",
      '{"apiVersion":"v1","kind":"Bogus"}',
      'Bogus in version "v1" cannot be handled as a Service: no kind "Bogus" is registered for version "v1" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      "a broken document",
      '{"metadata":',
      'the object provided is unrecognized (must be of type Service): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"metadata":)',
    ],
    [
      "a control character in a text",
      '{"a":"\u0001"}',
      'the object provided is unrecognized (must be of type Service): couldn\'t get version/kind; json parse error: invalid character \'\\x01\' in string literal ({"a":"\u0001"})',
    ],
    [
      "a number of two parts",
      '{"a":01}',
      "the object provided is unrecognized (must be of type Service): couldn't get version/kind; json parse error: invalid character '1' after object key:value pair ({\"a\":01})",
    ],
    [
      "nothing",
      "",
      "the object provided is unrecognized (must be of type Service): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ],
  ])("is answered in the server's words: %s", (_, body, message) => {
    expect(refusal(() => decode(body))).toEqual([400, message]);
  });

  it("has an error of a type's own decoder before one that came earlier", () => {
    expect(refusal(() => decode('{"spec":{"ports":"x"},"metadata":{"creationTimestamp":"x"}}'))[1]).toContain("parsing time");
  });

  it("names the version that was expected where the server still reads another", () => {
    expect(refusal(() => decode('{"apiVersion":"apps/v1beta1","kind":"StatefulSet"}', statefulSet, "Ignore"))).toEqual([
      400,
      "the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)",
    ]);
  });

  it.each(["text/plain", "json", "application/json-patch+json"])("has a media type that nobody reads: %s", (contentType) => {
    expect(refusal(() => decode("{}", service, "Warn", contentType))).toEqual([
      415,
      "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    ]);
  });

  it("is nested deeper than the server reads", () => {
    const deep = `{"a":${"[".repeat(10_001)}`;
    expect(refusal(() => decode(deep))[1]).toContain("invalid character '[' exceeded max depth");
  });

  it.each([
    [3 * 1024 * 1024, 400],
    [3 * 1024 * 1024 + 1, 413],
  ])("of %i bytes gets %i", (size, code) => {
    expect(refusal(() => decodeObject(new Uint8Array(size).fill(0x61), "application/json", service, "Warn"))[0]).toBe(code);
  });

  it("writes a power of ten that would take the arithmetic forever", () => {
    const quota: GroupVersionKind = { group: "", version: "v1", kind: "ResourceQuota" };
    expect(refusal(() => decode('{"spec":{"hard":{"cpu":"1e999999999"}}}', quota))[1]).toContain("unable to parse");
  });
});

it("says nothing about unknown fields when told to ignore them", () => {
  expect(decode('{"nope":1,"nope":2}', service, "Ignore").warnings).toEqual([]);
});

describe("names that JavaScript knows", () => {
  it.each([
    [
      "kind",
      { apiVersion: "v1", kind: "hasOwnProperty" },
      'no kind "hasOwnProperty" is registered for version "v1" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      "version",
      { apiVersion: "constructor", kind: "Service" },
      'no kind "Service" is registered for version "constructor" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
    ],
  ])("are no %s", (_, body, message) => {
    const [code, found] = refusal(() => decode(JSON.stringify(body)));
    expect([code, found.slice(found.indexOf("no kind"))]).toEqual([400, message]);
  });

  it("are no content type", () => {
    expect(refusal(() => decode("{}", service, "Strict", "constructor"))[0]).toBe(415);
  });
});

describe("an unknown member of 9,000 levels", () => {
  it("is looked through for duplicates", () => {
    const deep = `${'{"a":'.repeat(9_000)}{"b":1,"b":2}${"}".repeat(9_000)}`;
    const [code, message] = refusal(() => decode(`{"spec":{"selector":{"x":1}},"bogus":${deep}}`, configMap));
    expect([code, message.includes("strict decoding error")]).toEqual([400, true]);
  });
});
