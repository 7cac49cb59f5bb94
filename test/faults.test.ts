/** `/faults` and the annotation `kubearium.dev/fault`: what is made to go wrong, and what a cluster makes of it. */
import { describe, expect, it } from "vitest";
import { Laboratory, viewer } from "./laboratory.ts";

const core = "/api/v1/namespaces/default";
const apps = "/apis/apps/v1/namespaces/default";

const deploymentOf = (container: object, replicas = 1, more: object = {}): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", ...more },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "nginx", ports: [{ containerPort: 80 }], ...container }] },
    },
  },
});
const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } };
const probe = { httpGet: { path: "/", port: 80 }, periodSeconds: 5 };

async function laboratoryWith(container: object = {}, more: object = {}): Promise<Laboratory> {
  const laboratory = new Laboratory();
  await laboratory.http("POST", "/clock", { hold: true });
  laboratory.send("POST", `${apps}/deployments`, deploymentOf(container, 1, more));
  laboratory.send("POST", `${core}/services`, service);
  await laboratory.http("POST", "/clock", { advance: 10 });
  return laboratory;
}
const advance = (laboratory: Laboratory, time: string | number): Promise<unknown> => laboratory.http("POST", "/clock", { advance: time });
const podsOf = (laboratory: Laboratory): any[] => laboratory.send("GET", `${core}/pods`).body.items;
const stateOf = (laboratory: Laboratory): any => podsOf(laboratory)[0].status.containerStatuses[0];
const eventsOf = (laboratory: Laboratory, reason: string): string[] =>
  laboratory
    .send("GET", `${core}/events`)
    .body.items.filter((event: any) => event.reason === reason)
    .map((event: any) => event.message);
const readyAddresses = (laboratory: Laboratory): number =>
  laboratory.send("GET", `${core}/endpoints/web`).body.subsets?.[0]?.addresses?.length ?? 0;
const ask = (laboratory: Laboratory): any =>
  laboratory.cluster.network.route({ from: { kind: "client", namespace: "default" }, to: { host: "web", port: 80 }, http: {}, seed: 1 });

describe("a fault of a pod", () => {
  it("pod-crash leads to CrashLoopBackOff with longer and longer waits, and ends when it is removed", async () => {
    const laboratory = await laboratoryWith();
    const { status, body } = await laboratory.http("POST", "/faults", { fault: "pod-crash", of: "default/deploy/web" });
    expect([status, body]).toEqual([201, { id: "f-1", since: "2026-11-24T12:00:10Z", fault: "pod-crash", of: "default/deploy/web" }]);
    expect(stateOf(laboratory).restartCount).toBe(1);
    await advance(laboratory, 5);
    expect(stateOf(laboratory).state.waiting).toMatchObject({
      reason: "CrashLoopBackOff",
      message: expect.stringMatching(/^back-off 10s /),
    });
    await advance(laboratory, 12);
    expect(stateOf(laboratory).state.waiting.message).toMatch(/^back-off 20s /);
    expect(readyAddresses(laboratory)).toBe(0);
    expect((await laboratory.http("DELETE", "/faults/f-1")).body).toEqual({ removed: 1 });
    await advance(laboratory, 30);
    expect([stateOf(laboratory).state.running !== undefined, readyAddresses(laboratory)]).toEqual([true, 1]);
  });

  it("oom ends the container as the kernel does", async () => {
    const laboratory = await laboratoryWith();
    await laboratory.http("POST", "/faults", { fault: "oom", of: `default/${podsOf(laboratory)[0].metadata.name}` });
    await advance(laboratory, 1);
    expect(stateOf(laboratory).lastState.terminated).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
  });

  it("image-missing makes new pods wait with ErrImagePull and ImagePullBackOff, and leaves running ones alone", async () => {
    const laboratory = await laboratoryWith();
    await laboratory.http("POST", "/faults", { fault: "image-missing", image: "nginx" });
    await advance(laboratory, 60);
    expect(stateOf(laboratory).ready).toBe(true);
    laboratory.send("DELETE", `${core}/pods?labelSelector=app=web`);
    await advance(laboratory, 2);
    const newest = (): any =>
      podsOf(laboratory).find(({ metadata }) => metadata.deletionTimestamp === undefined).status.containerStatuses[0];
    expect(newest().state.waiting.reason).toBe("ErrImagePull");
    await advance(laboratory, 5);
    expect(newest().state.waiting.reason).toBe("ImagePullBackOff");
    expect(eventsOf(laboratory, "Failed")).toContain("Error: ErrImagePull");
    await laboratory.http("DELETE", "/faults");
    await advance(laboratory, 30);
    expect(newest().state.running).toBeDefined();
  });

  it("slow-start keeps a pod with a readiness probe out of the endpoints until it listens", async () => {
    const laboratory = new Laboratory();
    await laboratory.http("POST", "/clock", { hold: true });
    laboratory.send("POST", `${core}/services`, service);
    laboratory.send(
      "POST",
      `${apps}/deployments`,
      deploymentOf({ readinessProbe: probe }, 1, { annotations: { "kubearium.dev/fault": "slow-start 30s" } }),
    );
    await advance(laboratory, 20);
    expect([readyAddresses(laboratory), eventsOf(laboratory, "Unhealthy")]).toEqual([
      0,
      [
        expect.stringMatching(
          /^Readiness probe failed: Get "http:\/\/10\.244\.\d\.\d+:80\/": dial tcp 10\.244\.\d\.\d+:80: connect: connection refused$/,
        ),
      ],
    ]);
    await advance(laboratory, 20);
    expect([readyAddresses(laboratory), ask(laboratory).http.response.status]).toEqual([1, 200]);
  });

  it("slow-start without a readiness probe lets traffic come to a closed port", async () => {
    const laboratory = await laboratoryWith({}, { annotations: { "kubearium.dev/fault": "slow-start 30s" } });
    expect([readyAddresses(laboratory), ask(laboratory).verdict]).toEqual([1, "refused"]);
    await advance(laboratory, 30);
    expect(ask(laboratory).verdict).toBe("delivered");
  });

  it("failing-probe takes a ready pod out after three tries, and back in after one", async () => {
    const laboratory = await laboratoryWith({ readinessProbe: probe });
    expect(readyAddresses(laboratory)).toBe(1);
    await laboratory.http("POST", "/faults", { fault: "failing-probe", of: "default/deploy/web", probe: "readiness" });
    await advance(laboratory, 9);
    expect(readyAddresses(laboratory)).toBe(1);
    await advance(laboratory, 6);
    const revision = laboratory.cluster.revision;
    expect([readyAddresses(laboratory), eventsOf(laboratory, "Unhealthy")]).toEqual([
      0,
      ["Readiness probe failed: HTTP probe failed with statuscode: 500"],
    ]);
    await advance(laboratory, "10m");
    expect(laboratory.cluster.revision).toBe(revision);
    await laboratory.http("DELETE", "/faults");
    await advance(laboratory, 5);
    expect(readyAddresses(laboratory)).toBe(1);
  });

  it("failing-probe of liveness restarts the container after three tries", async () => {
    const laboratory = await laboratoryWith({ livenessProbe: probe });
    await laboratory.http("POST", "/faults", { fault: "failing-probe", of: "default/deploy/web", probe: "liveness" });
    await advance(laboratory, 9);
    expect(stateOf(laboratory).restartCount).toBe(0);
    await advance(laboratory, 7);
    expect([stateOf(laboratory).restartCount, eventsOf(laboratory, "Killing")]).toEqual([
      1,
      ["Container c failed liveness probe, will be restarted"],
    ]);
  });

  it("dns-down leaves names without an answer", async () => {
    const laboratory = await laboratoryWith();
    expect(ask(laboratory).verdict).toBe("delivered");
    await laboratory.http("POST", "/faults", { fault: "dns-down" });
    await advance(laboratory, 5);
    expect(ask(laboratory)).toMatchObject({ verdict: "name-not-found", cause: { code: "dns-unreachable" } });
  });

  it("goes with what it concerns, and stands over an eviction until then", async () => {
    const laboratory = await laboratoryWith();
    await laboratory.http("POST", "/faults", { fault: "pod-crash", of: "default/deploy/web" });
    laboratory.evict();
    expect((await laboratory.http("GET", "/faults")).body.faults.map(({ id }: any) => id)).toEqual(["f-1"]);
    laboratory.send("DELETE", `${apps}/deployments/web`);
    expect((await laboratory.http("GET", "/faults")).body.faults).toEqual([]);
  });
});

describe("what cannot be broken", () => {
  it.each([
    {
      name: "a node that is not there",
      body: { fault: "node-down", node: "node-9" },
      status: 404,
      detail: "node: there is no node node-9.",
      fix: "There is: node-1, node-2.",
    },
    {
      name: "a wire to nowhere",
      body: { fault: "split", between: ["node-1", "x"] },
      status: 404,
      detail: "between: there is no node x.",
      fix: "There is: node-1, node-2.",
    },
    {
      name: "a wire to itself",
      body: { fault: "loss", between: ["node-1", "node-1"], percent: 5 },
      status: 404,
      detail: "between: node-1 has no wire to itself.",
      fix: "There is: node-1, node-2.",
    },
    {
      name: "a pod that is not there",
      body: { fault: "oom", of: "default/nope" },
      status: 404,
      detail: "of: there is no pod nope in namespace default.",
      fix: "There is: default/web-",
    },
    {
      name: "a workload that is not there",
      body: { fault: "pod-crash", of: "default/deploy/nope" },
      status: 404,
      detail: "of: there is no deploy nope in namespace default.",
      fix: "There is: default/deploy/web.",
    },
    {
      name: "a container that is not there",
      body: { fault: "pod-crash", of: "default/deploy/web", container: "d" },
      status: 404,
      detail: "container: default/deploy/web has no container d.",
      fix: "There is: c.",
    },
    {
      name: "a probe that nobody tries",
      body: { fault: "failing-probe", of: "default/deploy/web", probe: "liveness" },
      status: 404,
      detail: "probe: no container of default/deploy/web has a liveness probe.",
      fix: "There is none.",
    },
    { name: "an unknown fault", body: { fault: "fire" }, status: 400, detail: "fault", fix: '"fault": "node-down"' },
    {
      name: "a loss of more than everything",
      body: { fault: "loss", between: ["node-1", "node-2"], percent: 101 },
      status: 400,
      detail: "percent",
      fix: '"fault": "node-down"',
    },
  ])("$name is refused with what there is", async ({ body, status, detail, fix }) => {
    const answer = await (await laboratoryWith()).http("POST", "/faults", body);
    expect([answer.status, answer.body.detail, answer.body.fix]).toEqual([
      status,
      expect.stringContaining(detail),
      expect.stringContaining(fix),
    ]);
  });

  it("a fault that does not stand is not removed", async () => {
    const answer = await new Laboratory().http("DELETE", "/faults/f-9");
    expect([answer.status, answer.body.detail]).toEqual([404, "There is no fault f-9."]);
  });

  it("an annotation that is no fault is told in an event", async () => {
    const laboratory = await laboratoryWith({}, { annotations: { "kubearium.dev/fault": "fire, oom" } });
    expect(eventsOf(laboratory, "UnknownFault")[0]).toContain('kubearium.dev/fault: "fire" is no fault of a ');
  });

  it("nothing is broken with the view token", async () => {
    const laboratory = new Laboratory();
    const answers = [
      await laboratory.http("GET", "/faults", undefined, viewer),
      await laboratory.http("POST", "/faults", { fault: "dns-down" }, viewer),
      await laboratory.http("DELETE", "/faults", undefined, viewer),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 403]);
  });
});
