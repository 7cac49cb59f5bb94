import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeLock } from "./lock.ts";
import type { ProcessTable } from "./process-identity.ts";

/** Processes by number, with their start; killed ones are remembered. */
class Processes implements ProcessTable {
  killed: number[] = [];
  constructor(readonly running: Map<number, string | undefined>) {}
  isAlive = (pid: number) => this.running.has(pid);
  startOf = (pid: number) => this.running.get(pid);
  kill(pid: number): void {
    this.killed.push(pid);
    this.running.delete(pid);
  }
}

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "kubearium-lock-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const running = (...of: [pid: number, start: string | undefined][]) => new Processes(new Map(of));
const lockFile = () => JSON.parse(fs.readFileSync(path.join(folder, "lock.json"), "utf8")) as object;

describe("takeLock", () => {
  it("names the server, its workerd and its address", () => {
    const lock = takeLock(folder, running([10, "noon"], [11, "one"]), 10);
    lock.note(11, "http://127.0.0.1:8787");
    expect(lockFile()).toEqual({
      server: { pid: 10, started: "noon" },
      workerd: { pid: 11, started: "one" },
      url: "http://127.0.0.1:8787",
    });
  });

  it("refuses a folder in use and names the process", () => {
    const processes = running([10, "noon"], [11, "one"], [20, "two"]);
    takeLock(folder, processes, 10).note(11, "http://127.0.0.1:8787");
    expect(() => takeLock(folder, processes, 20)).toThrow(`${folder} is in use by process 10 (http://127.0.0.1:8787)`);
    expect(processes.killed).toEqual([]);
  });

  it.each([
    { name: "whose process is gone", later: [[20, "two"]] as [number, string][] },
    {
      name: "whose number went to a later process",
      later: [
        [10, "three"],
        [20, "two"],
      ] as [number, string][],
    },
  ])("takes over a lock $name", ({ later }) => {
    takeLock(folder, running([10, "noon"]), 10);
    takeLock(folder, running(...later), 20);
    expect(lockFile()).toEqual({ server: { pid: 20, started: "two" } });
  });

  it.each([
    { name: "ends a workerd that outlived its parent", workerd: "one", killed: [11] },
    { name: "leaves a later process with its number alone", workerd: "four", killed: [] },
  ])("$name", ({ workerd, killed }) => {
    takeLock(folder, running([10, "noon"], [11, "one"]), 10).note(11, "http://127.0.0.1:8787");
    const processes = running([11, workerd], [20, "two"]);
    takeLock(folder, processes, 20);
    expect(processes.killed).toEqual(killed);
  });

  it("holds against a living process where the system tells no start", () => {
    const processes = running([10, undefined], [20, undefined]);
    takeLock(folder, processes, 10);
    expect(() => takeLock(folder, processes, 20)).toThrow("in use by process 10");
  });

  it("takes over a lock that was cut off while it was written", () => {
    fs.writeFileSync(path.join(folder, "lock.json"), '{"server":');
    takeLock(folder, running([20, "two"]), 20);
    expect(lockFile()).toEqual({ server: { pid: 20, started: "two" } });
  });

  it("is free after release", () => {
    const processes = running([10, "noon"], [20, "two"]);
    takeLock(folder, processes, 10).release();
    takeLock(folder, processes, 20);
    expect(lockFile()).toEqual({ server: { pid: 20, started: "two" } });
  });
});
