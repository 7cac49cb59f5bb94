import { describe, expect, it } from "vitest";
import { type Correlated, EventCorrelator, type SaidEvent } from "./event-correlation.ts";

const said = (message: string, reason = "ScalingReplicaSet", object = "web"): SaidEvent => ({
  source: `deployment-controller ${object}`,
  group: `deployment-controller ${object} ${reason}`,
  message,
});

/** What is written of these messages, all at one time. */
const written = (correlator: EventCorrelator, messages: readonly string[], now = 0): (string | undefined)[] =>
  messages.map((message) => correlator.correlate(said(message), now)?.message);

const numbered = (count: number, from = 1): string[] => Array.from({ length: count }, (_, at) => `step ${from + at}`);

describe("the recorder", () => {
  it("combines the tenth different message about one object and those after it into one Event", () => {
    const correlator = new EventCorrelator();
    expect(written(correlator, numbered(9))).toEqual(numbered(9));
    const [tenth, eleventh] = ["step 10", "step 11"].map((message) => correlator.correlate(said(message), 0) as Correlated);
    expect(tenth?.message).toBe("(combined from similar events): step 10");
    expect(eleventh).toEqual({ message: "(combined from similar events): step 11", key: tenth?.key });
  });

  it("goes on repeating what it said before it began to combine", () => {
    const correlator = new EventCorrelator();
    written(correlator, numbered(12));
    expect(written(correlator, ["step 3"])).toEqual(["step 3"]);
  });

  it.each([
    { name: "another reason", event: said("x", "FailedCreate"), at: 0 },
    { name: "another object", event: said("x", "ScalingReplicaSet", "api"), at: 0 },
    { name: "ten quiet minutes later", event: said("x"), at: 600_001 },
  ])("counts anew for $name", ({ event, at }) => {
    const correlator = new EventCorrelator();
    written(correlator, numbered(12));
    expect(correlator.correlate(event, at)?.message).toBe("x");
  });

  it("leaves out what a program says about one object beyond 25 at once, and hears one more each five minutes", () => {
    const correlator = new EventCorrelator();
    expect(written(correlator, Array(27).fill("again"))).toEqual([...Array(25).fill("again"), undefined, undefined]);
    expect(written(correlator, ["again", "again"], 300_000)).toEqual(["again", undefined]);
    expect(correlator.correlate(said("x", "ScalingReplicaSet", "api"), 300_000)?.message).toBe("x");
  });

  it("does after a sleep what it would have done without", () => {
    const [awake, woken] = [new EventCorrelator(), new EventCorrelator()];
    written(awake, numbered(12));
    const combined = { ...said("(combined from similar events): step 12"), firstAt: 0, lastAt: 0, count: 3 };
    woken.restore([...numbered(9).map((message) => ({ ...said(message), firstAt: 0, lastAt: 0, count: 1 })), combined]);
    const next = [...numbered(14, 13), "step 1"];
    expect(written(woken, next, 1000)).toEqual(written(awake, next, 1000));
  });
});
