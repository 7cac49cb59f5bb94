import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StatusError } from "../../api/status-error.ts";
import { decodeObject } from "./decode.ts";
import type { GroupVersionKind } from "./field-knowledge.ts";

const protobuf = "application/vnd.kubernetes.protobuf";

const kind = (apiVersion: string, name: string): GroupVersionKind => {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return { group, version, kind: name };
};

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (body: Uint8Array, expected: GroupVersionKind) => decodeObject(body, protobuf, expected, "Strict").object;
const decodeYaml = (text: string, expected: GroupVersionKind) => decodeObject(utf8(text), "application/yaml", expected, "Strict").object;

const refusal = (work: () => unknown): [number, string] => {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return [error.status.code, error.status.message ?? ""];
    throw error;
  }
  throw new Error("was not refused");
};

/** The kind that came out of a body, or `400` and why not. */
const answered = (body: Uint8Array, of: GroupVersionKind): string => {
  try {
    return decode(body, of).kind as string;
  } catch (error) {
    if (error instanceof StatusError) return `${error.status.code} ${error.status.message}`;
    throw error;
  }
};

/** A whole number, a text or the bytes of a message; `fixed64` for a float. */
type Written = number | boolean | string | Uint8Array | { fixed64: number };

/** Writes a message; negative numbers take ten bytes, as in Go. */
function message(...members: [number, Written][]): Uint8Array {
  return joined(members.flatMap(([number, value]) => member(number, value)));
}

function member(number: number, value: Written): Uint8Array[] {
  if (typeof value === "number" || typeof value === "boolean") return [varint(BigInt(number << 3)), varint(BigInt(value))];
  if (typeof value === "string" || value instanceof Uint8Array) {
    const bytes = typeof value === "string" ? utf8(value) : value;
    return [varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes];
  }
  return [varint(BigInt((number << 3) | 1)), new Uint8Array(new Float64Array([value.fixed64]).buffer)];
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.of(...bytes, Number(rest));
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const prefixed = (bytes: Uint8Array): Uint8Array => joined([utf8("k8s\u0000"), bytes]);
const object = (apiVersion: string, name: string, content: Uint8Array): Uint8Array =>
  prefixed(message([1, message([1, apiVersion], [2, name])], [2, content], [3, ""], [4, ""]));

/** What kubectl 1.35 sent, the kind, and the same as YAML. */
const recorded: [what: string, body: string, kind: GroupVersionKind, yaml: string][] = [
  [
    "create configmap rec-cm --from-literal=a=1 --from-file=bin=bin.dat",
    "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEjEKFgoGcmVjLWNtEgAaACIAKgAyADgAQgASBgoBYRIBMRoPCgNiaW4SCGhlbGxvCgD/GgAiAA==",
    kind("v1", "ConfigMap"),
    "{metadata: {name: rec-cm}, data: {a: '1'}, binaryData: {bin: aGVsbG8KAP8=}}",
  ],
  [
    "create deployment rec-web --image=nginx:1.25 --replicas=2 --port=80",
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50Es0BCicKB3JlYy13ZWISABoAIgAqADIAOABCAFoOCgNhcHASB3JlYy13ZWISkwEIAhIQCg4KA2FwcBIHcmVjLXdlYhp1CiAKABIAGgAiACoAMgA4AEIAWg4KA2FwcBIHcmVjLXdlYhJREjMKBW5naW54EgpuZ2lueDoxLjI1KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=",
    kind("apps/v1", "Deployment"),
    `{metadata: {name: rec-web, labels: {app: rec-web}}, spec: {replicas: 2, selector: {matchLabels: {app: rec-web}},
      template: {metadata: {labels: {app: rec-web}}, spec: {containers: [{name: nginx, image: 'nginx:1.25', ports: [{containerPort: 80}]}]}}}}`,
  ],
  [
    "create namespace rec-ns",
    "azhzAAoPCgJ2MRIJTmFtZXNwYWNlEh4KFgoGcmVjLW5zEgAaACIAKgAyADgAQgASABoCCgAaACIA",
    kind("v1", "Namespace"),
    "{metadata: {name: rec-ns}}",
  ],
  [
    "create secret generic rec-secret --from-literal=password=hunter2 --type=example.com/x",
    "azhzAAoMCgJ2MRIGU2VjcmV0EkAKGgoKcmVjLXNlY3JldBIAGgAiACoAMgA4AEIAEhMKCHBhc3N3b3JkEgdodW50ZXIyGg1leGFtcGxlLmNvbS94GgAiAA==",
    kind("v1", "Secret"),
    "{metadata: {name: rec-secret}, data: {password: aHVudGVyMg==}, type: example.com/x}",
  ],
  [
    "create service nodeport rec-np --tcp=80:8080 --tcp=443:https --node-port=30081",
    "azhzAAoNCgJ2MRIHU2VydmljZRKZAQolCgZyZWMtbnASABoAIgAqADIAOABCAFoNCgNhcHASBnJlYy1ucBJsCh0KBzgwLTgwODASA1RDUBhQIgcIABCQPxoAKIHrAQokCgk0NDMtaHR0cHMSA1RDUBi7AyILCAEQABoFaHR0cHMogesBEg0KA2FwcBIGcmVjLW5wGgAiCE5vZGVQb3J0OgBCAFIAWgBgAGgAGgIKABoAIgA=",
    kind("v1", "Service"),
    `{metadata: {name: rec-np, labels: {app: rec-np}}, spec: {type: NodePort, selector: {app: rec-np}, ports: [
      {name: 80-8080, protocol: TCP, port: 80, targetPort: 8080, nodePort: 30081},
      {name: 443-https, protocol: TCP, port: 443, targetPort: https, nodePort: 30081}]}}`,
  ],
  [
    "create service clusterip rec-headless --clusterip=None --tcp=53",
    "azhzAAoNCgJ2MRIHU2VydmljZRKCAQoxCgxyZWMtaGVhZGxlc3MSABoAIgAqADIAOABCAFoTCgNhcHASDHJlYy1oZWFkbGVzcxJJChUKAjUzEgNUQ1AYNSIGCAAQNRoAKAASEwoDYXBwEgxyZWMtaGVhZGxlc3MaBE5vbmUiCUNsdXN0ZXJJUDoAQgBSAFoAYABoABoCCgAaACIA",
    kind("v1", "Service"),
    `{metadata: {name: rec-headless, labels: {app: rec-headless}}, spec: {type: ClusterIP, clusterIP: None,
      selector: {app: rec-headless}, ports: [{name: '53', protocol: TCP, port: 53, targetPort: 53}]}}`,
  ],
  [
    "create poddisruptionbudget rec-pdb --selector=app=x --min-available=50%",
    "azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSPgoXCgdyZWMtcGRiEgAaACIAKgAyADgAQgASFwoJCAEQABoDNTAlEgoKCAoDYXBwEgF4GgoIABgAIAAoADAAGgAiAA==",
    kind("policy/v1", "PodDisruptionBudget"),
    "{metadata: {name: rec-pdb}, spec: {minAvailable: 50%, selector: {matchLabels: {app: x}}}}",
  ],
];

describe("a body in protobuf", () => {
  it.each(recorded)("is the object that YAML would have brought: kubectl %s", (_, body, of, yaml) => {
    expect(decode(fromBase64(body), of)).toEqual(decodeYaml(yaml, of));
  });

  const meta = message([1, "a"]);
  it.each<[string, string, string, Uint8Array, string]>([
    [
      "an eviction",
      "policy/v1",
      "Eviction",
      message([1, message([1, "web-1"], [3, "default"])], [2, message([1, 0], [4, "Foreground"], [5, "All"])]),
      "{metadata: {name: web-1, namespace: default}, deleteOptions: {gracePeriodSeconds: 0, propagationPolicy: Foreground, dryRun: [All]}}",
    ],
    [
      "a binding",
      "v1",
      "Binding",
      message([1, meta], [2, message([1, "Node"], [3, "node-1"])]),
      "{metadata: {name: a}, target: {kind: Node, name: node-1}}",
    ],
    [
      "a scale",
      "autoscaling/v1",
      "Scale",
      message([1, meta], [2, message([1, 3])], [3, message([1, 1], [2, "app=web"])]),
      "{metadata: {name: a}, spec: {replicas: 3}, status: {replicas: 1, selector: app=web}}",
    ],
    [
      "options of a deletion",
      "v1",
      "DeleteOptions",
      message([2, message([1, "u"], [2, "7"])], [3, false]),
      "{preconditions: {uid: u, resourceVersion: '7'}, orphanDependents: false}",
    ],
    [
      "an embedded structure",
      "v1",
      "Pod",
      message([1, meta], [2, message([1, message([1, "v"], [2, message([19, message([1, message([1, "c"])])])])])]),
      "{metadata: {name: a}, spec: {containers: null, volumes: [{name: v, configMap: {name: c}}]}}",
    ],
    [
      "quantities, in the server's spelling",
      "v1",
      "ResourceQuota",
      message([2, message([1, message([1, "cpu"], [2, message([1, "0.5"])])], [1, message([1, "pods"])])]),
      "{spec: {hard: {cpu: 500m, pods: '0'}}}",
    ],
    [
      "times, and none",
      "v1",
      "Pod",
      message([1, message([8, message()], [9, message([1, 1_600_000_000], [2, 999])])]),
      '{metadata: {creationTimestamp: null, deletionTimestamp: "2020-09-13T12:26:40Z"}}',
    ],
    [
      "a time with micro seconds",
      "coordination.k8s.io/v1",
      "Lease",
      message([2, message([3, message([1, -1], [2, 1_999])])]),
      '{spec: {acquireTime: "1969-12-31T23:59:59.000001Z"}}',
    ],
    [
      "who set what",
      "v1",
      "Namespace",
      message([1, message([17, message([1, "m"], [6, "FieldsV1"], [7, message([1, '{"f:metadata":{}}'])])])]),
      "{metadata: {managedFields: [{manager: m, fieldsType: FieldsV1, fieldsV1: {'f:metadata': {}}}]}}",
    ],
    [
      "an object that belongs to nobody",
      "apps/v1",
      "ControllerRevision",
      message([2, message([1, '{"spec":{"a":[1]}}'])], [3, 4]),
      "{data: {spec: {a: [1]}}, revision: 4}",
    ],
    [
      "lists in a map",
      "authorization.k8s.io/v1",
      "SubjectAccessReview",
      message([2, message([5, message([1, "scopes"], [2, message([1, "a"], [1, "b"])])])]),
      "{spec: {extra: {scopes: [a, b]}}}",
    ],
    [
      "numbers one by one and packed",
      "v1",
      "Pod",
      message([2, message([14, message([4, 1], [4, joined([varint(300n), varint(-1n)])])])]),
      "{spec: {containers: null, securityContext: {supplementalGroups: [1, 300, -1]}}}",
    ],
    [
      "what comes twice, as one",
      "v1",
      "ConfigMap",
      message([1, message([1, "a"], [11, message([1, "x"], [2, "1"])])], [1, message([3, "ns"], [11, message([1, "__proto__"])])]),
      "{metadata: {name: a, namespace: ns, labels: {x: '1', __proto__: ''}}}",
    ],
    [
      "numbers that nobody knows",
      "v1",
      "ConfigMap",
      joined([
        message([90, 1], [91, "x"], [92, { fixed64: 1 }]),
        Uint8Array.of(0x9d, 0x06, 1, 2, 3, 4), // 99, four bytes
        Uint8Array.of(0x9b, 0x06, 0x0b, 0x10, 0x05, 0x0c, 0x9c, 0x06), // 99, a group with a group
        message([1, meta]),
      ]),
      "{metadata: {name: a}}",
    ],
    [
      "schemas of custom resources",
      "apiextensions.k8s.io/v1",
      "CustomResourceDefinition",
      message([
        2,
        message([
          7,
          message(
            [1, "v1"],
            [
              4,
              message([
                1,
                message(
                  [5, "object"],
                  [8, message([1, '{"a":1}'])],
                  [9, { fixed64: 1.5 }],
                  [24, message([1, message([5, "string"], [6, ""])])],
                  [30, message([1, true])],
                ),
              ]),
            ],
          ),
        ]),
      ]),
      `{spec: {versions: [{name: v1, schema: {openAPIV3Schema: {type: object, default: {a: 1}, maximum: 1.5,
        items: {type: string}, additionalProperties: true}}}]}}`,
    ],
  ])("carries %s", (_, apiVersion, name, content, yaml) => {
    const of = kind(apiVersion, name);
    expect(decode(object(apiVersion, name, content), of)).toEqual(decodeYaml(yaml, of));
  });

  it("has the kind of the path where it names none", () => {
    const of = kind("apps/v1", "Deployment");
    expect(decode(object("", "", message([1, meta])), of)).toEqual(decodeYaml("{metadata: {name: a}}", of));
  });

  it("brings options of a deletion in any group", () => {
    const expected = { kind: "DeleteOptions", apiVersion: "apps/v1", gracePeriodSeconds: 5 };
    const body = object("apps/v1", "DeleteOptions", message([1, 5]));
    expect(decode(body, kind("v1", "DeleteOptions"))).toEqual(expected);
    expect(decodeObject(utf8(JSON.stringify(expected)), "application/json", kind("v1", "DeleteOptions"), "Strict").object).toEqual(
      expected,
    );
  });
});

describe("a body that says protobuf and is refused", () => {
  const configMap = kind("v1", "ConfigMap");
  const ofConfigMap = (content: Uint8Array) => object("v1", "ConfigMap", content);
  const unrecognized = "the object provided is unrecognized (must be of type ConfigMap): ";
  const cannot = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: ';
  it.each<[string, Uint8Array, string]>([
    [
      "JSON",
      utf8('{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}'),
      `${unrecognized}provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({"apiVersion":"v1","kind":"Con ...)`,
    ],
    ["nothing", new Uint8Array(), `${unrecognized}empty data (<empty>)`],
    ["no message", prefixed(new Uint8Array()), `${unrecognized}empty body (6b387300)`],
    ["an envelope cut short", prefixed(Uint8Array.of(0x0a, 5, 1)), `${unrecognized}unexpected EOF (6b3873000a0501)`],
    ["an object cut short", ofConfigMap(Uint8Array.of(0x0a, 5)), `${cannot}unexpected EOF`],
    ["a number cut short", ofConfigMap(Uint8Array.of(0x80)), `${cannot}unexpected EOF`],
    ["a value nobody knows cut short", ofConfigMap(Uint8Array.of(0xf9, 0x0f, 1)), `${cannot}unexpected EOF`],
    ["a number without end", ofConfigMap(new Uint8Array(11).fill(0x80)), `${cannot}proto: integer overflow`],
    [
      "a negative length",
      ofConfigMap(joined([Uint8Array.of(0x0a), varint(-1n)])),
      `${cannot}proto: negative length found during unmarshaling`,
    ],
    ["a number for a message", ofConfigMap(message([1, 1])), `${cannot}proto: wrong wireType = 0 for field ObjectMeta`],
    ["a number for a text", ofConfigMap(message([1, message([5, 1])])), `${cannot}proto: wrong wireType = 0 for field UID`],
    ["a text for a truth", ofConfigMap(message([4, "x"])), `${cannot}proto: wrong wireType = 2 for field Immutable`],
    ["member number 0", ofConfigMap(message([0, 1])), `${cannot}proto: ConfigMap: illegal tag 0 (wire type 0)`],
    ["the end of no group", ofConfigMap(Uint8Array.of(0x0c)), `${cannot}proto: ConfigMap: wiretype end group for non-group`],
    ["a wire type that does not exist", ofConfigMap(Uint8Array.of(0xff, 0x0f)), `${cannot}proto: illegal wireType 7`],
    [
      "another kind",
      object("v1", "Secret", message()),
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ],
    [
      "a kind that nobody knows",
      object("v1", "Bogus", message()),
      'Bogus in version "v1" cannot be handled as a ConfigMap: no kind "Bogus" is registered for version "v1" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      "times out of reach",
      ofConfigMap(message([1, message([8, message([1, 2 ** 50])])])),
      `${cannot}Time.MarshalJSON: year outside of range [0,9999]`,
    ],
    [
      "owners that are not JSON",
      ofConfigMap(message([1, message([17, message([7, message([1, "x"])])])])),
      `${cannot}invalid character 'x' looking for beginning of value`,
    ],
  ])("is answered in the server's words: %s", (_, body, text) => {
    expect(refusal(() => decode(body, configMap))).toEqual([400, text]);
  });

  it("has a quantity that is none", () => {
    const of = kind("v1", "ResourceQuota");
    const hard = message([1, message([1, "cpu"], [2, message([1, "much"])])]);
    expect(refusal(() => decode(object("v1", "ResourceQuota", message([2, hard])), of))[1]).toContain("quantities must match the regular");
  });

  it("is a custom resource, which has no messages", () => {
    expect(refusal(() => decode(object("example.com/v1", "Widget", message()), kind("example.com/v1", "Widget")))).toEqual([
      400,
      'Widget in version "v1" cannot be handled as a Widget: object *unstructured.Unstructured does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message',
    ]);
  });

  it.each([
    [496, "CustomResourceDefinition"],
    [497, "proto: exceeded maximum recursion depth"],
  ])("nests schemas beyond all reason: %i of them", (count, answer) => {
    const of = kind("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let schema = message([5, "object"]);
    for (let depth = 1; depth < count; depth += 1) schema = message([28, schema]);
    const body = object("apiextensions.k8s.io/v1", of.kind, message([2, message([7, message([4, message([1, schema])])])]));
    expect(answered(body, of)).toContain(answer);
  });

  it("is damaged anywhere, and gets a 400 or is another object", () => {
    const damaged = fc.constantFrom(...recorded).chain(([, body, of]) => {
      const bytes = fromBase64(body);
      const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
      return fc.record({
        of: fc.constant(of),
        bytes: fc.constant(bytes),
        changes: fc.array(change, { maxLength: 4 }),
        keep: fc.nat(bytes.length),
      });
    });
    fc.assert(
      fc.property(damaged, ({ of, bytes, changes, keep }) => {
        const changed = bytes.slice(0, keep);
        for (const [at, byte] of changes) if (at < keep) changed[at] = byte;
        expect(answered(changed, of)).toMatch(new RegExp(`^(${of.kind}$|400 )`));
      }),
      { numRuns: 500 },
    );
  });
});
