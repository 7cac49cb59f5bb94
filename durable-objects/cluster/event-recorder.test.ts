import { describe, expect, it } from "vitest";
import { Laboratory } from "../../test/laboratory.ts";
import type { KubeObject } from "./api/objects.ts";
import { EventRecorder } from "./event-recorder.ts";

const reasons = (laboratory: Laboratory): string[] =>
  laboratory.send("GET", "/api/v1/namespaces/kube-system/events").body.items.map((event: { reason: string }) => event.reason);

describe("EventRecorder", () => {
  it("removes Events an hour after they were last said, along with the next write", () => {
    const laboratory = new Laboratory();
    laboratory.wait(2_000);
    expect(reasons(laboratory)).toContain("Started");
    laboratory.wait(3_700_000);
    expect(reasons(laboratory)).toContain("Started");
    laboratory.send("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "any" } });
    expect(reasons(laboratory)).toEqual([]);
  });

  it("raises the count of what is said again, and the last time it was said", () => {
    const events = new Map<string, KubeObject>();
    let now = Date.parse("2026-11-24T12:00:00Z");
    const parts = {
      now: () => now,
      list: () => [...events.values()],
      get: (_resource: string, _namespace: string | undefined, name: string) => events.get(name),
      create: (_resource: string, object: KubeObject) => events.set(object.metadata.name, object),
      update: (_resource: string, object: KubeObject) => events.set(object.metadata.name, object),
      delete: () => true,
    };
    const recorder = new EventRecorder(parts as unknown as ConstructorParameters<typeof EventRecorder>[0]);
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default", uid: "u" } };
    recorder.record(pod, "Normal", "Pulled", "Container image present", "kubelet", "node-1");
    now += 5_000;
    recorder.record(pod, "Normal", "Pulled", "Container image present", "kubelet", "node-1");
    recorder.record(pod, "Normal", "Pulled", "Another image", "kubelet", "node-1");
    expect(
      [...events.values()].map(({ message, count, firstTimestamp, lastTimestamp }) => [message, count, firstTimestamp, lastTimestamp]),
    ).toEqual([
      ["Container image present", 2, "2026-11-24T12:00:00Z", "2026-11-24T12:00:05Z"],
      ["Another image", 1, "2026-11-24T12:00:05Z", "2026-11-24T12:00:05Z"],
    ]);
  });
});
