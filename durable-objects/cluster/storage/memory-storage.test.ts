import { describe, expect, it } from "vitest";
import { MemoryStorage } from "./memory-storage.ts";
import { storageCases } from "./storage.suite.ts";
import { VersionedStore } from "./versioned-store.ts";

describe("MemoryStorage", () => {
  it.each(storageCases)("$name", ({ run }) => {
    const storage = new MemoryStorage();
    run(() => storage);
  });
});

describe("VersionedStore over a storage that fails", () => {
  it.each([0, 1, 2, 3])("leaves the state before the turn when write %i of it fails", (failing) => {
    const storage = new MemoryStorage();
    const object = (name: string) => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "default", uid: name, resourceVersion: "", creationTimestamp: "2026-11-24T00:00:00Z" },
    });
    const store = new VersionedStore(storage);
    store.put("configmaps", object("before"), 1);
    store.commit();
    for (const name of ["a", "b", "c", "d"]) store.put("configmaps", object(name), 2);
    storage.failAfterWrites = failing;
    expect(() => store.commit()).toThrow("made to fail");
    const again = new VersionedStore(storage);
    expect(again.list("configmaps").map(({ metadata }) => metadata.name)).toEqual(["before"]);
    expect(again.revision).toBe(201);
  });
});
