import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/objects.ts";
import { summarizePod } from "./pod-status.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const up = (name: string, more: object = {}) => ({ name, ready: true, started: true, restartCount: 0, state: running, ...more });

interface Given {
  containers?: string[];
  init?: { name: string; restartPolicy?: string }[];
  status: object;
  deleted?: boolean;
}

const podOf = ({ containers = ["web"], init, status, deleted }: Given): Pod =>
  ({
    metadata: { name: "p", namespace: "d", ...(deleted ? { deletionTimestamp: "2026-01-01T00:59:30Z" } : {}) },
    spec: { containers: containers.map((name) => ({ name })), ...(init ? { initContainers: init } : {}) },
    status,
  }) as unknown as Pod;

describe("summarizePod", () => {
  it.each<{ name: string; given: Given; want: [status: string, ready: string, restarts: string] }>([
    { name: "shows the phase of a pod without containers", given: { status: { phase: "Pending" } }, want: ["Pending", "0/1", "0"] },
    { name: "shows Running", given: { status: { phase: "Running", containerStatuses: [up("web")] } }, want: ["Running", "1/1", "0"] },
    {
      name: "names what a container waits for",
      given: {
        status: { phase: "Pending", containerStatuses: [up("web", { ready: false, state: { waiting: { reason: "ContainerCreating" } } })] },
      },
      want: ["ContainerCreating", "0/1", "0"],
    },
    {
      name: "counts restarts and says when the last one was",
      given: {
        status: {
          phase: "Running",
          containerStatuses: [
            up("web", {
              ready: false,
              restartCount: 3,
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:55:00Z" } },
            }),
          ],
        },
      },
      want: ["CrashLoopBackOff", "0/1", "3 (5m ago)"],
    },
    {
      name: "shows Completed",
      given: {
        status: {
          phase: "Succeeded",
          containerStatuses: [up("web", { ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } })],
        },
      },
      want: ["Completed", "0/1", "0"],
    },
    {
      name: "shows the exit code where there is no reason",
      given: { status: { phase: "Failed", containerStatuses: [up("web", { ready: false, state: { terminated: { exitCode: 3 } } })] } },
      want: ["ExitCode:3", "0/1", "0"],
    },
    {
      name: "shows NotReady when one container is done and the other runs",
      given: {
        containers: ["a", "b"],
        status: {
          phase: "Running",
          containerStatuses: [up("a", { ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } }), up("b")],
        },
      },
      want: ["NotReady", "1/2", "0"],
    },
    {
      name: "counts init containers that are done",
      given: {
        init: [{ name: "i" }, { name: "j" }],
        status: {
          phase: "Pending",
          initContainerStatuses: [up("i", { state: { terminated: { exitCode: 0 } } }), up("j", { ready: false })],
        },
      },
      want: ["Init:1/2", "0/1", "0"],
    },
    {
      name: "counts sidecars as containers",
      given: {
        init: [{ name: "side", restartPolicy: "Always" }],
        status: {
          phase: "Running",
          initContainerStatuses: [up("side")],
          containerStatuses: [up("web")],
          conditions: [{ type: "Initialized", status: "True" }],
        },
      },
      want: ["Running", "2/2", "0"],
    },
    {
      name: "shows Terminating for a pod that is going",
      given: { deleted: true, status: { phase: "Running", containerStatuses: [up("web")] } },
      want: ["Terminating", "1/1", "0"],
    },
    {
      name: "shows what a finished pod was, also while it is going",
      given: { deleted: true, status: { phase: "Failed", reason: "Evicted" } },
      want: ["Evicted", "0/1", "0"],
    },
    {
      name: "shows SchedulingGated",
      given: { status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] } },
      want: ["SchedulingGated", "0/1", "0"],
    },
  ])("$name", ({ given, want }) => {
    const { status, ready, restarts } = summarizePod(podOf(given), now);
    expect([status, ready, restarts]).toEqual(want);
  });
});
