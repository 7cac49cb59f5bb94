import { describe, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry } from "../../api/objects.ts";
import { StatusError } from "../../api/status-error.ts";
import { type Apply, applyObject } from "./apply.ts";
import type { GroupVersionKind } from "./field-knowledge.ts";
import { recordManagedFields } from "./managed-fields.ts";
import { mergeTypeOfCustom } from "./merge-type.ts";

const configMap: GroupVersionKind = { group: "", version: "v1", kind: "ConfigMap" };
const service: GroupVersionKind = { group: "", version: "v1", kind: "Service" };
const [first, second] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"];

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

function apply(
  gvk: GroupVersionKind,
  current: KubeObject | undefined,
  members: object,
  manager: string,
  more: Partial<Apply> = {},
): KubeObject {
  const config = { apiVersion: "v1", kind: gvk.kind, metadata: { name: "web" }, ...members };
  const options: Apply = { manager, force: false, now: first, fieldValidation: "Strict", ...more };
  return applyObject(gvk, current, bytes(config), options).object as unknown as KubeObject;
}
const applyData = (current: KubeObject | undefined, data: object | undefined, manager: string, more: Partial<Apply> = {}) =>
  apply(configMap, current, data === undefined ? {} : { data }, manager, more);

function update(current: KubeObject, change: (next: any) => void, manager: string, subresource?: string): KubeObject {
  const next = structuredClone(current);
  change(next);
  recordManagedFields(current, next, { manager, operation: "Update", now: second, ...(subresource && { subresource }) });
  return next;
}

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return error.status;
    throw error;
  }
  throw new Error("was not refused");
};

/** `manager/operation` -> fields. */
const owners = (object: KubeObject) =>
  Object.fromEntries(
    (object.metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }: ManagedFieldsEntry) => [
      `${manager}/${operation}`,
      fieldsV1,
    ]),
  );

describe("an apply", () => {
  it("owns exactly what it names", () => {
    const object = applyData(undefined, { x: "1" }, "red");
    expect(object).toEqual({
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: {
        name: "web",
        managedFields: [
          {
            manager: "red",
            operation: "Apply",
            apiVersion: "v1",
            time: first,
            fieldsType: "FieldsV1",
            fieldsV1: { "f:data": { "f:x": {} } },
          },
        ],
      },
      data: { x: "1" },
    });
  });

  it("takes away what it named before and leaves out now", () => {
    const object = applyData(applyData(undefined, { x: "1", y: "2" }, "red"), { x: "1" }, "red");
    expect(object["data"]).toEqual({ x: "1" });
  });

  it("leaves what another applier names too", () => {
    const both = applyData(applyData(undefined, { x: "1" }, "red"), { x: "1" }, "blue");
    const object = applyData(both, undefined, "red");
    expect([object["data"], owners(object)]).toEqual([{ x: "1" }, { "blue/Apply": { "f:data": { "f:x": {} } } }]);
  });

  it("leaves what an update wrote", () => {
    const written = update(applyData(undefined, { x: "1" }, "red"), (next) => (next.data.z = "9"), "kubectl-edit");
    expect(applyData(written, { x: "2" }, "red")["data"]).toEqual({ x: "2", z: "9" });
  });

  it("changes no time where it changes only owners, and none at all where it changes nothing", () => {
    const one = applyData(undefined, { x: "1" }, "red");
    const two = applyData(one, { x: "1" }, "blue", { now: second });
    expect(two.metadata.managedFields?.map(({ manager, time }) => [manager, time])).toEqual([
      ["blue", undefined],
      ["red", first],
    ]);
    expect(applyData(one, { x: "1" }, "red", { now: second })).toEqual(one);
  });

  it("merges keyed lists, with defaults in the key", () => {
    const one = apply(service, undefined, { spec: { ports: [{ port: 80, name: "http" }] } }, "red");
    const two = apply(service, one, { spec: { ports: [{ port: 443, name: "https" }] } }, "blue");
    expect(two["spec"].ports.map(({ port }: { port: number }) => port)).toEqual([80, 443]);
    expect(owners(two)).toEqual({
      "red/Apply": { "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } } } },
      "blue/Apply": { "f:spec": { "f:ports": { 'k:{"port":443,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } } } },
    });
  });

  it("owns a selector as one value", () => {
    const object = apply(service, undefined, { spec: { selector: { app: "web" } } }, "red");
    expect(owners(object)).toEqual({ "red/Apply": { "f:spec": { "f:selector": {} } } });
  });

  it("to the status owns nothing of the spec, and the other way round", () => {
    const members = { spec: { type: "NodePort" }, status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
    expect(owners(apply(service, undefined, members, "red"))).toEqual({ "red/Apply": { "f:spec": { "f:type": {} } } });
    expect(owners(apply(service, undefined, members, "red", { subresource: "status" }))).toEqual({
      "red/Apply": { "f:status": { "f:loadBalancer": { "f:ingress": {} } } },
    });
  });

  it("finds what was there before the first one in the hands of a manager made up for it", () => {
    const { managedFields: _, ...metadata } = applyData(undefined, { x: "1" }, "nobody").metadata;
    const object = applyData({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { x: "1" } }, { y: "2" }, "red");
    expect(owners(object)).toEqual({
      "before-first-apply/Update": { "f:data": { ".": {}, "f:x": {} } },
      "red/Apply": { "f:data": { "f:y": {} } },
    });
  });

  it("reads YAML, and warns of keys that are there twice", () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {x: "1", x: "2"}\n';
    const options: Apply = { manager: "red", force: false, now: first, fieldValidation: "Warn" };
    const { object, warnings } = applyObject(configMap, undefined, bytes(text), options);
    expect([object["data"], warnings]).toEqual([{ x: "2" }, ['line 4: key "x" already set in map']]);
    expect(refusal(() => applyObject(configMap, undefined, bytes(text), { ...options, fieldValidation: "Strict" })).code).toBe(400);
  });
});

describe("a conflict", () => {
  const current = update(
    applyData(applyData(undefined, { x: "1", y: "1" }, "red"), { z: "1" }, "blue"),
    (next) => (next.data.w = "1"),
    "edit",
  );

  it("names every owner and field in the server's words", () => {
    expect(refusal(() => applyData(current, { x: "2", y: "2", z: "2", w: "2" }, "green"))).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message:
        'Apply failed with 4 conflicts: conflicts with "blue":\n- .data.z\nconflicts with "edit" using v1:\n- .data.w\nconflicts with "red":\n- .data.x\n- .data.y',
      reason: "Conflict",
      details: {
        causes: [
          { reason: "FieldManagerConflict", message: 'conflict with "blue"', field: ".data.z" },
          { reason: "FieldManagerConflict", message: 'conflict with "red"', field: ".data.x" },
          { reason: "FieldManagerConflict", message: 'conflict with "red"', field: ".data.y" },
          { reason: "FieldManagerConflict", message: 'conflict with "edit" using v1', field: ".data.w" },
        ],
      },
      code: 409,
    });
  });

  it("is overruled by force, which takes the field away from its owner", () => {
    const object = applyData(current, { z: "2" }, "green", { force: true });
    expect([object["data"].z, owners(object)["blue/Apply"]]).toEqual(["2", undefined]);
  });

  it("is none where both want the same", () => {
    expect(applyData(current, { x: "1" }, "green")["data"]).toEqual(current["data"]);
  });

  it("is none for what kubectl applied from the client before", () => {
    const last = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data: { x: "1" } };
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(last) };
    const created: KubeObject = { ...last, metadata: { name: "web", annotations } as unknown as KubeObject["metadata"] };
    recordManagedFields(undefined, created, { manager: "kubectl-client-side-apply", operation: "Update", now: first });
    expect(applyData(created, { x: "2" }, "kubectl")["data"]).toEqual({ x: "2" });
    expect(refusal(() => applyData(created, { x: "2" }, "red")).code).toBe(409);
  });
});

describe("a configuration that is refused", () => {
  const attempt = (body: unknown) => {
    const { code, message } = refusal(() =>
      applyObject(configMap, undefined, bytes(body), { manager: "red", force: false, now: first, fieldValidation: "Ignore" }),
    );
    return [code, message];
  };
  const typed = "failed to create typed patch object (/web; /v1, Kind=ConfigMap): ";

  it.each<[string, unknown, number, string]>([
    ["another kind", { apiVersion: "v1", kind: "Secret" }, 400, "invalid object type: /v1, Kind=Secret"],
    ["nothing", "", 400, "invalid object type: /, Kind="],
    ["owners", { apiVersion: "v1", kind: "ConfigMap", metadata: { managedFields: [] } }, 400, "metadata.managedFields must be nil"],
    [
      "a number for a text",
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data: { x: 1 } },
      500,
      `${typed}.data.x: expected string, got &value.valueUnstructured{Value:1}`,
    ],
    [
      "a list for an object",
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data: [] },
      500,
      `${typed}.data: expected map, got &{[]}`,
    ],
    [
      "an unknown field",
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, nope: 1 },
      500,
      `${typed}.nope: field not declared in schema`,
    ],
    ["no YAML", "a: b: c", 400, "error decoding YAML: error converting YAML to JSON: yaml: mapping values are not allowed in this context"],
  ])("%s", (_, body, code, message) => {
    expect(attempt(body)).toEqual([code, message]);
  });

  it("has an element of a keyed list twice", () => {
    const ports = [{ port: 80 }, { port: 80, protocol: "TCP" }];
    expect(refusal(() => apply(service, undefined, { spec: { ports } }, "red")).message).toBe(
      'failed to create typed patch object (/web; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    );
  });
});

describe("other writes", () => {
  const created = (): KubeObject => {
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "web", labels: { a: "1" } } as unknown as KubeObject["metadata"],
      data: { x: "1" },
    };
    recordManagedFields(undefined, object, { manager: "creator", operation: "Update", now: first });
    return object;
  };

  it("own what they set, parents included", () => {
    expect(owners(created())).toEqual({
      "creator/Update": { "f:data": { ".": {}, "f:x": {} }, "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } },
    });
  });

  it("take over what they change, and own nothing that they leave", () => {
    const object = update(created(), (next) => (next.data = { x: "2", y: "1" }), "editor");
    expect(owners(object)).toEqual({
      "creator/Update": { "f:data": {}, "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } },
      "editor/Update": { "f:data": { "f:x": {}, "f:y": {} } },
    });
  });

  it("leave owners and times alone where they change nothing", () => {
    const object = created();
    expect(update(object, () => undefined, "editor")).toEqual(object);
  });

  it.each([
    ["an empty list", []],
    ["an empty entry", [{}]],
  ])("forget all owners on request: %s", (_, entries) => {
    expect(update(created(), (next) => (next.metadata.managedFields = entries), "editor").metadata).not.toHaveProperty("managedFields");
  });

  it("ignore entries that make no sense", () => {
    const nonsense = [{ manager: "m", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: { bogus: {} } }];
    const object = created();
    expect(update(object, (next) => (next.metadata.managedFields = nonsense), "editor")).toEqual(object);
  });

  it("do not track an object that nobody owned when it was found", () => {
    const object = created();
    delete object.metadata.managedFields;
    expect(update(object, (next) => (next.data.x = "2"), "editor").metadata).not.toHaveProperty("managedFields");
  });

  it("keep ten entries, and put the oldest together", () => {
    let object = created();
    for (let n = 0; n < 12; n += 1) object = update(object, (next) => (next.data[`k${n}`] = "1"), `m${String(n).padStart(2, "0")}`);
    const managers = (object.metadata.managedFields ?? []).map(({ manager }) => manager);
    expect([managers.length, managers.includes("ancient-changes"), managers.at(-1)]).toEqual([10, true, "m11"]);
  });
});

describe("a custom resource", () => {
  const widget: GroupVersionKind = { group: "example.com", version: "v1", kind: "Widget" };
  const parts = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["id"],
    items: { type: "object", properties: { id: { type: "string" } } },
  };
  const type = mergeTypeOfCustom({
    type: "object",
    properties: { spec: { type: "object", properties: { parts, tags: { type: "array", items: { type: "string" } } } } },
  });
  const applyWidget = (spec: object, more: Partial<Apply>) => apply(widget, undefined, { apiVersion: "example.com/v1", spec }, "red", more);

  it("merges by its own schema", () => {
    expect(owners(applyWidget({ parts: [{ id: "a" }], tags: ["x"] }, { type }))).toEqual({
      "red/Apply": { "f:spec": { "f:parts": { 'k:{"id":"a"}': { ".": {}, "f:id": {} } }, "f:tags": {} } },
    });
  });

  it("merges by its values where it has none", () => {
    expect(owners(applyWidget({ parts: [{ id: "a" }], free: { a: 1 } }, {}))).toEqual({
      "red/Apply": { "f:spec": { ".": {}, "f:free": { ".": {}, "f:a": {} }, "f:parts": {} } },
    });
  });
});

describe("an object with an element that lacks its key", () => {
  const serviceAccount: GroupVersionKind = { group: "", version: "v1", kind: "ServiceAccount" };
  const keyless = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "web" }, secrets: [{}] } as unknown as KubeObject;

  it("is written without anybody owning it", () => {
    const created = structuredClone(keyless);
    recordManagedFields(undefined, created, { manager: "red", operation: "Update", now: first });
    expect(created).toEqual(keyless);
  });

  it("cannot be applied to", () => {
    expect(refusal(() => apply(serviceAccount, keyless, {}, "red"))).toMatchObject({
      code: 500,
      message:
        'failed to create typed live object (/web; /v1, Kind=ServiceAccount): .secrets: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    });
  });
});

describe("a configuration whose kind is no text", () => {
  it.each([
    ["has none", { apiVersion: { toString: "x" }, kind: ["Service"] }, "invalid object type: /, Kind="],
    ["has none under a version of three parts", { apiVersion: "a/b/c" }, "invalid object type: /, Kind="],
  ])("%s", (_, config, message) => {
    expect(refusal(() => apply(service, undefined, config, "red"))).toMatchObject({ code: 400, message });
  });
});
