/**
 * What every Storage must do, and what the versioned store makes of it. Runs over memory in Node and over SQLite inside a
 * Durable Object, so it brings its own comparison and no test runner.
 */
import type { KubeObject } from "../api/objects.ts";
import { same } from "../api/same.ts";
import type { ObjectRow, Storage } from "./storage.ts";
import { historyLimits, VersionedStore } from "./versioned-store.ts";

export type CountingStorage = Storage & { readonly rowsWritten: number };

export interface StorageCase {
  name: string;
  /** @param open opens the same storage again, as after an eviction: nothing but what was stored is left */
  run(open: () => CountingStorage): void;
}

function equal(actual: unknown, expected: unknown): void {
  if (!same(actual, expected)) throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}

const row = (name: string, revision: number, past: ObjectRow["past"] = []): ObjectRow => ({
  resource: "configmaps",
  namespace: "default",
  name,
  current: [revision, 1000 + revision, "A", `{"metadata":{"name":"${name}","namespace":"default","resourceVersion":"${revision}"}}`],
  past,
});

const configMap = (name: string, value: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "", creationTimestamp: "2026-11-24T00:00:00Z" },
  data: { value },
});

export const storageCases: readonly StorageCase[] = [
  {
    name: "an empty storage loads nothing",
    run: (open) => equal(open().load(), { objects: [], packs: [], settings: new Map() }),
  },
  {
    name: "gives back rows, packs and settings as they were put, after it was opened again",
    run: (open) => {
      open().transaction((tx) => {
        tx.putObject(row("b", 2, [[1, 1001, "A", "{}"]]));
        tx.putObject(row("a", 3));
        tx.putPack({ last: 9, at: 50, versions: [{ resource: "pods", namespace: "x", name: "p", version: [9, 50, "D", "{}"] }] });
        tx.putSetting("options", "ü");
      });
      const { objects, packs, settings } = open().load();
      equal(objects, [row("a", 3), row("b", 2, [[1, 1001, "A", "{}"]])]);
      equal(packs, [{ last: 9, at: 50, versions: [{ resource: "pods", namespace: "x", name: "p", version: [9, 50, "D", "{}"] }] }]);
      equal([...settings], [["options", "ü"]]);
    },
  },
  {
    name: "a row put twice is replaced, and one that is removed is gone",
    run: (open) => {
      const storage = open();
      storage.transaction((tx) => tx.putObject(row("a", 1)));
      storage.transaction((tx) => {
        tx.putObject(row("a", 2));
        tx.putObject(row("b", 3));
        tx.putSetting("k", "1");
      });
      storage.transaction((tx) => {
        tx.removeObject("configmaps", "default", "b");
        tx.removeSetting("k");
      });
      equal(open().load().objects, [row("a", 2)]);
      equal([...open().load().settings], []);
    },
  },
  {
    name: "a transaction that throws leaves nothing of itself",
    run: (open) => {
      const storage = open();
      storage.transaction((tx) => tx.putObject(row("a", 1)));
      let thrown: unknown;
      try {
        storage.transaction((tx) => {
          tx.putObject(row("a", 2));
          tx.putObject(row("b", 3));
          throw new Error("stop");
        });
      } catch (error) {
        thrown = error;
      }
      equal(thrown instanceof Error && thrown.message, "stop");
      equal(open().load().objects, [row("a", 1)]);
    },
  },
  {
    name: "counts one row for each object written",
    run: (open) => {
      const storage = open();
      storage.transaction((tx) => tx.putObject(row("first", 1)));
      const before = storage.rowsWritten;
      storage.transaction((tx) => {
        for (let at = 0; at < 10; at += 1) tx.putObject(row(`c${at}`, at + 2));
      });
      equal(storage.rowsWritten - before, 10);
    },
  },
  {
    name: "the store gives every write a revision and goes on from the last one after it was opened again",
    run: (open) => {
      const store = new VersionedStore(open());
      store.put("configmaps", configMap("a", "1"), 1);
      store.put("configmaps", configMap("b", "1"), 2);
      store.remove("configmaps", store.get("configmaps", "default", "b") as KubeObject, 3);
      store.commit();
      const again = new VersionedStore(open());
      equal(again.revision, 203);
      equal(
        again.list("configmaps", "default").map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`),
        ["a@201"],
      );
      equal(again.put("configmaps", configMap("b", "2"), 4).metadata.resourceVersion, "204");
    },
  },
  {
    name: "the store remembers the changes for watches, deletions included, after it was opened again",
    run: (open) => {
      const store = new VersionedStore(open());
      const a = store.put("configmaps", configMap("a", "1"), 1);
      store.commit();
      store.put("configmaps", { ...a, data: { value: "2" } }, 2);
      store.remove("configmaps", store.get("configmaps", "default", "a") as KubeObject, 3);
      store.put("configmaps", configMap("a", "3"), 4);
      store.commit();
      const seen = (of: VersionedStore): string[] =>
        of.changesSince(200).map((c) => `${c.revision - 200} ${c.type} ${c.object.data.value} ${c.previous?.data.value ?? "-"}`);
      equal(seen(store), ["1 ADDED 1 -", "2 MODIFIED 2 1", "3 DELETED 2 2", "4 ADDED 3 -"]);
      equal(seen(new VersionedStore(open())), seen(store));
    },
  },
  {
    name: "a long past is packed: writes stay near one row each, and nothing of the past is lost",
    run: (open) => {
      const storage = open();
      const store = new VersionedStore(storage);
      for (let at = 0; at < 5; at += 1) store.put("configmaps", configMap(`c${at}`, "0"), at);
      store.commit();
      const before = storage.rowsWritten;
      const writes = 500;
      for (let at = 0; at < writes; at += 1) {
        store.put(
          "configmaps",
          { ...(store.get("configmaps", "default", `c${at % 5}`) as KubeObject), data: { value: String(at) } },
          10 + at,
        );
        store.commit();
      }
      const rows = storage.rowsWritten - before;
      if (rows > writes * 1.1) throw new Error(`${rows} rows for ${writes} writes`);
      const again = new VersionedStore(open());
      equal(again.revision, store.revision);
      equal(again.changesSince(200).length, writes + 5);
      equal(
        again.changesSince(200).map((c) => c.revision),
        store.changesSince(200).map((c) => c.revision),
      );
    },
  },
  {
    name: "what is older than its limit is forgotten, and the revision does not go back",
    run: (open) => {
      const store = new VersionedStore(open());
      store.put("configmaps", configMap("a", "1"), 1);
      store.put("configmaps", configMap("b", "1"), 1);
      store.remove("configmaps", store.get("configmaps", "default", "b") as KubeObject, 2);
      store.put("configmaps", configMap("c", "1"), 3);
      store.remove("configmaps", store.get("configmaps", "default", "c") as KubeObject, 4);
      store.commit();
      store.forgetOlderThan(historyLimits.ageMs);
      const again = new VersionedStore(open());
      equal(again.revision, 205);
      equal(
        open()
          .load()
          .objects.map(({ name }) => name),
        ["a", "c"],
      );
      let code: unknown;
      try {
        store.changesSince(202);
      } catch (error) {
        code = (error as { status: { code: number } }).status.code;
      }
      equal(code, 410);
    },
  },
  {
    name: "nothing of a turn that was not committed is there after it was opened again",
    run: (open) => {
      const store = new VersionedStore(open());
      store.put("configmaps", configMap("a", "1"), 1);
      store.commit();
      store.put("configmaps", configMap("b", "1"), 2);
      store.putSetting("k", "v");
      const again = new VersionedStore(open());
      equal(again.count("configmaps"), 1);
      equal(again.setting("k"), undefined);
    },
  },
];
