import { describe, expect, it } from "vitest";
import type { Controller, ControllerContext } from "../api/controller.ts";
import { conflict } from "../api/status-error.ts";
import { ControllerManager } from "./manager.ts";
import { pod } from "./test-objects.ts";

const controller = (reconcile: Controller["reconcile"], name = "test"): Controller => ({
  name,
  watches: { pods: ({ before, after }) => [(after ?? before)?.metadata.name ?? ""] },
  reconcile,
});

function managerOf(controllers: Controller[], clock = { now: 0 }): ControllerManager {
  return new ControllerManager(
    controllers,
    (_, requeueAt) => ({ now: () => clock.now, list: () => [pod({ name: "stored" })], requeueAt }) as unknown as ControllerContext,
  );
}

const added = (name: string) => ({ before: undefined, after: pod({ name }) });

describe("ControllerManager", () => {
  it("looks at each key once, however often it was woken, in the order of arrival", () => {
    const seen: string[] = [];
    const manager = managerOf([controller((key) => seen.push(key))]);
    for (const name of ["b", "a", "b"]) manager.observe("pods", added(name));
    expect(manager.drain()).toEqual({ more: false });
    expect(seen).toEqual(["b", "a"]);
  });

  it("does not wake a controller for resources it does not watch", () => {
    const manager = managerOf([controller(() => expect.unreachable())]);
    manager.observe("services", added("a"));
    expect(manager.drain()).toEqual({ more: false });
  });

  it("looks again at a key that its own reconcile woke", () => {
    const seen: string[] = [];
    const manager: ControllerManager = managerOf([
      controller((key) => {
        if (seen.push(key) === 1) manager.observe("pods", added(key));
      }),
    ]);
    manager.observe("pods", added("a"));
    manager.drain();
    expect(seen).toEqual(["a", "a"]);
  });

  it("stops at its limit and says that there is more", () => {
    const seen: string[] = [];
    const manager = managerOf([controller((key) => seen.push(key))]);
    for (const name of ["a", "b", "c"]) manager.observe("pods", added(name));
    expect(manager.drain(2)).toEqual({ more: true });
    expect(manager.drain(2)).toEqual({ more: false });
    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("keeps the earliest time a key asked for, and forgets it when the key is looked at", () => {
    const asked = [300, 100, 200];
    const manager: ControllerManager = managerOf([
      controller((key, { requeueAt }) => {
        for (const time of asked.splice(0)) requeueAt(key, time);
      }),
    ]);
    manager.observe("pods", added("a"));
    manager.drain();
    expect(manager.nextDueAt()).toBe(100);
    manager.fireDue(99);
    expect(manager.idle).toBe(true);
    manager.fireDue(100);
    expect(manager.idle).toBe(false);
    manager.drain();
    expect(manager.nextDueAt()).toBe(undefined);
  });

  it("tries again with growing pauses what the API refuses", () => {
    const clock = { now: 1000 };
    const dueTimes: (number | undefined)[] = [];
    let refusals = 3;
    const manager = managerOf(
      [
        controller(() => {
          refusals -= 1;
          if (refusals >= 0) throw conflict({ group: "", resource: "pods" }, "a", "it moved on");
        }),
      ],
      clock,
    );
    manager.observe("pods", added("a"));
    for (let round = 0; round < 4; round += 1) {
      manager.drain();
      const due = manager.nextDueAt();
      dueTimes.push(due === undefined ? undefined : due - clock.now);
      clock.now = due ?? clock.now;
      manager.fireDue(clock.now);
    }
    expect(dueTimes).toEqual([5, 10, 20, undefined]);
  });

  it("lets errors of our own through", () => {
    const manager = managerOf([
      controller(() => {
        throw new Error("a broken assumption");
      }),
    ]);
    manager.observe("pods", added("a"));
    expect(() => manager.drain()).toThrow("a broken assumption");
  });

  it("looks at every stored object and every initial key after a sleep", () => {
    const seen: string[] = [];
    const manager = managerOf([{ ...controller((key) => seen.push(key)), initialKeys: () => ["singleton"] }]);
    manager.enqueueAll();
    manager.drain();
    expect(seen).toEqual(["singleton", "stored"]);
  });
});
