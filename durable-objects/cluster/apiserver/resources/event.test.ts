import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { event, eventOfEventsGroup } from "./event.ts";
import { StrategyLab } from "./test-lab.ts";

const metadata = { name: "web.1", namespace: "default" };

describe("Event of events.k8s.io", () => {
  it("is stored under the older names and read back under the newer ones", () => {
    const newer = {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata,
      eventTime: "2026-01-01T00:00:00.000000Z",
      regarding: { kind: "Pod", name: "web", namespace: "default" },
      reason: "Pulled",
      note: "done",
      type: "Normal",
      reportingController: "kubelet",
      reportingInstance: "node-1",
    } as unknown as KubeObject;
    const stored = structuredClone(newer);
    eventOfEventsGroup.prepareForCreate?.(stored, new StrategyLab().context);
    expect(stored).toMatchObject({
      apiVersion: "v1",
      involvedObject: { kind: "Pod", name: "web", namespace: "default" },
      message: "done",
      reportingComponent: "kubelet",
    });
    expect(eventOfEventsGroup.fromStored?.(stored)).toEqual({
      ...newer,
      deprecatedSource: {},
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
    });
  });
});

describe("Event", () => {
  it("stands in the namespace of what it is about", () => {
    const about = (namespace: string | undefined) =>
      ({ metadata, involvedObject: { kind: "Pod", name: "web", namespace } }) as unknown as KubeObject;
    const { context } = new StrategyLab();
    expect(
      [about("default"), about(undefined), about("shop")].map((object) => event.validate(object, context).map(({ message }) => message)),
    ).toEqual([[], [], ['Invalid value: "shop": does not match event.namespace']]);
  });
});
