import { describe, expect, it } from "vitest";
import { pod, service } from "./test-objects.ts";
import { TriggerTimes } from "./trigger-times.ts";

const web = service("web");
const created = "2030-01-01T00:00:00Z";

describe("TriggerTimes", () => {
  it("takes the Service's creation at the first look", () => {
    expect(new TriggerTimes().look("demo/web", web, [pod({ name: "a", readyFor: 60 })])).toBe(created);
  });

  it.each([
    {
      name: "the earliest change of readiness since the last look",
      pods: [pod({ name: "a", readyFor: 30 }), pod({ name: "b", readyFor: 20 })],
      want: "2030-01-01T00:09:30Z",
    },
    {
      name: "a change of readiness within the second of the last one",
      pods: [pod({ name: "a", readyFor: 60, ready: false })],
      want: "2030-01-01T00:09:00Z",
    },
    { name: "nothing where no pod changed its readiness", pods: [pod({ name: "a", readyFor: 60, deleting: true })], want: undefined },
    { name: "nothing where a pod is gone", pods: [], want: undefined },
  ])("then takes $name", ({ pods, want }) => {
    const times = new TriggerTimes();
    times.look("demo/web", web, [pod({ name: "a", readyFor: 60 })]);
    expect(times.look("demo/web", web, pods)).toBe(want);
  });

  it("begins anew with a Service of the same name", () => {
    const times = new TriggerTimes();
    times.look("demo/web", web, []);
    times.forget("demo/web");
    expect(times.look("demo/web", web, [])).toBe(created);
  });
});
