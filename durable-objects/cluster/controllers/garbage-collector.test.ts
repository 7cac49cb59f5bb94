import { describe, expect, it } from "vitest";
import { type GarbageAction, type OwnerState, reconcileDependent } from "./garbage-collector.ts";
import { pod } from "./test-objects.ts";

const owners = (...states: OwnerState[]) => states.map((state, at) => ({ uid: `owner-${at}`, state }));

describe("reconcileDependent", () => {
  it.each<{ name: string; owners: ReturnType<typeof owners>; finalizers?: string[]; hasDependents?: boolean; want: GarbageAction }>([
    { name: "leaves an object without owners", owners: [], want: { do: "nothing" } },
    { name: "leaves an object whose owner lives", owners: owners("solid"), want: { do: "nothing" } },
    { name: "leaves an object with an owner of an unknown kind", owners: owners("unknown", "missing"), want: { do: "nothing" } },
    { name: "drops the dead one of two owners", owners: owners("solid", "missing"), want: { do: "drop-owners", uids: ["owner-1"] } },
    {
      name: "collects an object whose last owner is gone",
      owners: owners("missing", "missing"),
      want: { do: "delete", policy: "Background" },
    },
    {
      name: "collects in the foreground what has dependents and an owner that waits",
      owners: owners("waiting"),
      hasDependents: true,
      want: { do: "delete", policy: "Foreground" },
    },
    { name: "collects at once what has no dependents", owners: owners("waiting"), want: { do: "delete", policy: "Background" } },
    { name: "keeps to a wish for orphans", owners: owners("missing"), finalizers: ["orphan"], want: { do: "delete", policy: "Orphan" } },
  ])("$name", ({ owners, finalizers, hasDependents = false, want }) => {
    const object = pod({ name: "p" });
    const dependent = { ...object, metadata: { ...object.metadata, ...(finalizers ? { finalizers } : {}) } };
    expect(reconcileDependent(dependent, owners, hasDependents)).toEqual(want);
  });
});
