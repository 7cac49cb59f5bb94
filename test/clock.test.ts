/** `/clock`: cluster time that is held, let pass at once or sped up, and goes on so after an eviction. */
import { describe, expect, it } from "vitest";
import { Laboratory, viewer } from "./laboratory.ts";

const start = "2026-11-24T12:00:00.000Z";
const apps = "/apis/apps/v1/namespaces/default";
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "nginx" }] } },
  },
};

const nowOf = async (laboratory: Laboratory): Promise<string> => (await laboratory.http("GET", "/clock")).body.now;
const readyOf = (laboratory: Laboratory): number => laboratory.send("GET", `${apps}/deployments/web`).body.status.readyReplicas ?? 0;

describe("/clock", () => {
  it("runs with real time until somebody changes it", async () => {
    const laboratory = new Laboratory();
    laboratory.wait(1234);
    expect(await laboratory.http("GET", "/clock")).toEqual({
      status: 200,
      body: { now: "2026-11-24T12:00:01.234Z", held: false, speed: 1, nextDueAt: null },
    });
  });

  it("stands while it is held, also over an eviction, and asks for no wake-up", async () => {
    const laboratory = new Laboratory();
    expect((await laboratory.http("POST", "/clock", { hold: true })).body).toMatchObject({ now: start, held: true });
    laboratory.send("POST", `${apps}/deployments`, deployment);
    laboratory.wait(60_000);
    laboratory.evict();
    laboratory.wait(60_000);
    expect([await nowOf(laboratory), readyOf(laboratory), laboratory.wakeAt]).toEqual([start, 0, undefined]);
  });

  it("works off what is due at its own time when it is moved on, and dates it so", async () => {
    const laboratory = new Laboratory();
    await laboratory.http("POST", "/clock", { hold: true });
    laboratory.send("POST", `${apps}/deployments`, deployment);
    const { body } = await laboratory.http("POST", "/clock", { advance: "5m" });
    expect(body).toMatchObject({ now: "2026-11-24T12:05:00.000Z", held: true, passed: { events: expect.any(Number) } });
    expect(body.passed.skipped).toBeUndefined();
    const pods = laboratory.send("GET", "/api/v1/namespaces/default/pods").body.items as any[];
    expect(pods.map(({ status }) => status.containerStatuses[0].state.running.startedAt)).toEqual([
      "2026-11-24T12:00:00Z",
      "2026-11-24T12:00:00Z",
    ]);
  });

  it("goes on from where it stands when it is released", async () => {
    const laboratory = new Laboratory();
    await laboratory.http("POST", "/clock", { hold: true });
    laboratory.wait(60_000);
    await laboratory.http("POST", "/clock", { release: true });
    laboratory.wait(2_000);
    laboratory.evict();
    laboratory.wait(1_000);
    expect(await nowOf(laboratory)).toBe("2026-11-24T12:00:03.000Z");
  });

  it("runs ten times as fast at speed 10, and asks to be woken ten times as soon", async () => {
    const laboratory = new Laboratory();
    await laboratory.http("POST", "/clock", { speed: 10 });
    laboratory.send("POST", `${apps}/deployments`, deployment);
    const due = Date.parse((await laboratory.http("GET", "/clock")).body.nextDueAt);
    expect(laboratory.wakeAt).toBe(laboratory.realTime + Math.ceil((due - Date.parse(start)) / 10));
    laboratory.wait(1_000);
    expect([await nowOf(laboratory), readyOf(laboratory)]).toEqual(["2026-11-24T12:00:10.000Z", 2]);
  });

  it("is held from a later time on where one is named", async () => {
    const laboratory = new Laboratory();
    await laboratory.http("POST", "/clock", { hold: "2026-11-24T13:00:00Z" });
    laboratory.wait(5_000);
    expect(await nowOf(laboratory)).toBe("2026-11-24T13:00:00.000Z");
  });

  it.each([
    { name: "nothing", body: {}, detail: "expected exactly one of hold, advance, release, speed" },
    { name: "two wishes", body: { hold: true, advance: 5 }, detail: "expected exactly one of" },
    { name: "the past", body: { advance: -5 }, detail: "the clock never goes back" },
    { name: "an earlier hold", body: { hold: "2020-01-01T00:00:00Z" }, detail: "the clock never goes back" },
    { name: "no duration", body: { advance: "soon" }, detail: "90s, 5m or 1h30m" },
    { name: "too much at once", body: { advance: "400d" }, detail: "at most 366 days" },
    { name: "no speed", body: { speed: 0 }, detail: "speed" },
    { name: "an unknown word", body: { stop: true }, detail: "stop" },
    { name: "no JSON", body: "{", detail: "JSON" },
  ])("refuses $name, and says what it takes", async ({ body, detail }) => {
    const answer = await new Laboratory().http("POST", "/clock", body);
    expect([answer.status, answer.body.detail]).toEqual([400, expect.stringContaining(detail)]);
    expect(answer.body.fix).toContain('{"advance": "5m"}');
  });

  it("may be looked at and not changed with the view token", async () => {
    const laboratory = new Laboratory();
    const answers = [
      await laboratory.http("GET", "/clock", undefined, viewer),
      await laboratory.http("POST", "/clock", { hold: true }, viewer),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 403]);
  });

  it("says what one request did not work off, and the cluster is right all the same", async () => {
    const laboratory = new Laboratory();
    const crashing = structuredClone(deployment) as any;
    crashing.spec.replicas = 20;
    crashing.spec.template.spec.containers[0].command = ["false"];
    laboratory.send("POST", `${apps}/deployments`, crashing);
    const { body } = await laboratory.http("POST", "/clock", { advance: "5d" });
    expect(body.passed.events + body.passed.writes).toBeGreaterThan(2_000);
    expect(body.passed.skipped).toMatchObject({ keys: expect.any(Number), detail: expect.stringContaining("looked at once, at the end") });
    expect(body.now).toBe("2026-11-29T12:00:00.000Z");
    const pods = laboratory.send("GET", "/api/v1/namespaces/default/pods").body.items as any[];
    expect(pods.map(({ status }) => status.containerStatuses[0].restartCount > 100)).toEqual(pods.map(() => true));
  });
});
