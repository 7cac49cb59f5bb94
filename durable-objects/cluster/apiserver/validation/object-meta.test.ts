import { describe, expect, it } from "vitest";
import type { ObjectMeta } from "../../api/objects.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.ts";

const good: ObjectMeta = { name: "web", namespace: "shop", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
const textsOf = (errors: readonly { field: string; message: string }[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);
const owner = { apiVersion: "v1", kind: "A", name: "o", uid: "u", controller: true };

describe("validateObjectMeta", () => {
  it.each<{ name: string; meta: object; want: string[] }>([
    { name: "accepts plain metadata", meta: {}, want: [] },
    { name: "wants a name", meta: { name: "" }, want: ["metadata.name: Required value: name or generateName is required"] },
    {
      name: "checks the stem of generated names",
      meta: { generateName: "ok-" },
      want: [],
    },
    {
      name: "counts the bytes of annotations",
      meta: { annotations: { a: "x".repeat(256 * 1024) } },
      want: ["metadata.annotations: Too long: may not be more than 262144 bytes"],
    },
    {
      name: "does not mind capitals in annotation keys",
      meta: { annotations: { "Example.com/A": "" } },
      want: [],
    },
    {
      name: "wants finalizers with a domain",
      meta: { finalizers: ["a"] },
      want: ['metadata.finalizers[0]: Invalid value: "a": name is neither a standard finalizer name nor is it fully qualified'],
    },
    {
      name: "allows one controller",
      meta: { ownerReferences: [owner, { ...owner, name: "p" }] },
      want: [
        'metadata.ownerReferences: Invalid value: [{"apiVersion":"v1","kind":"A","name":"o","uid":"u","controller":true},{"apiVersion":"v1","kind":"A","name":"p","uid":"u","controller":true}]: Only one reference can have Controller set to true. Found "true" in references for A/o and A/p',
      ],
    },
  ])("$name", ({ meta, want }) => {
    expect(textsOf(validateObjectMeta({ ...good, ...meta }, { namespaced: true }))).toEqual(want);
  });

  it("refuses a namespace where there is none", () => {
    expect(textsOf(validateObjectMeta(good, { namespaced: false }))).toEqual(["metadata.namespace: Forbidden: not allowed on this type"]);
  });
});

describe("validateObjectMetaUpdate", () => {
  it("names what is fixed as often as the server does", () => {
    expect(textsOf(validateObjectMetaUpdate({ ...good, uid: "v" }, good, { namespaced: true }))).toEqual([
      'metadata.uid: Invalid value: "v": field is immutable',
      'metadata.uid: Invalid value: "v": field is immutable',
    ]);
  });

  it("lets nobody add a finalizer to what is being deleted", () => {
    const going = { ...good, deletionTimestamp: "2026-01-01T00:00:01Z", finalizers: ["a.b/c"] };
    const [first] = textsOf(validateObjectMetaUpdate({ ...going, finalizers: ["a.b/c", "a.b/d"] }, going, { namespaced: true }));
    expect(first).toBe(
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a.b/d"}',
    );
  });
});
