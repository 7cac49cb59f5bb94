import { describe, expect, it } from "vitest";
import type { Pod } from "../api/objects.ts";
import { routeAs, TestCluster } from "./test-cluster.ts";

const web = { containers: [{ name: "web", image: "nginx:1.27", ports: [{ containerPort: 80 }] }] };

const conditions = (pod: Pod) => Object.fromEntries((pod.status.conditions ?? []).map(({ type, status }) => [type, status]));
const states = (pod: Pod) =>
  (pod.status.containerStatuses ?? []).map(({ name, state }) => [
    name,
    Object.keys(state ?? {})[0],
    state?.waiting?.reason ?? state?.terminated?.reason,
  ]);

describe("PodWorker", () => {
  it("reports a bound pod as being created, and ready when the start delay is over", () => {
    const cluster = new TestCluster();
    const pod = cluster.bind("one", web);
    expect(pod.status).toEqual({
      phase: "Pending",
      qosClass: "BestEffort",
      observedGeneration: 1,
      hostIP: "192.168.10.11",
      hostIPs: [{ ip: "192.168.10.11" }],
      startTime: "2026-11-24T10:00:00Z",
      conditions: [
        condition("PodReadyToStartContainers", "False"),
        condition("Initialized", "True"),
        condition("Ready", "False", "ContainersNotReady", "containers with unready status: [web]"),
        condition("ContainersReady", "False", "ContainersNotReady", "containers with unready status: [web]"),
        condition("PodScheduled", "True"),
      ],
      containerStatuses: [
        {
          name: "web",
          image: "nginx:1.27",
          imageID: "",
          lastState: {},
          ready: false,
          restartCount: 0,
          started: false,
          state: { waiting: { reason: "ContainerCreating" } },
        },
      ],
    });
    cluster.advance(399);
    expect(cluster.pod("one").status.phase).toBe("Pending");
    cluster.advance(1);
    const { status } = cluster.pod("one");
    expect(conditions(cluster.pod("one"))).toEqual({
      PodReadyToStartContainers: "True",
      Initialized: "True",
      Ready: "True",
      ContainersReady: "True",
      PodScheduled: "True",
    });
    expect({ phase: status.phase, podIP: status.podIP, podIPs: status.podIPs }).toEqual({
      phase: "Running",
      podIP: "10.244.0.2",
      podIPs: [{ ip: "10.244.0.2" }],
    });
    const [container] = status.containerStatuses ?? [];
    expect(container).toMatchObject({
      name: "web",
      image: "docker.io/library/nginx:1.27",
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: "2026-11-24T10:00:00Z" } },
    });
    expect(container?.containerID).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    expect(container?.imageID).toMatch(/^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/);
    expect(cluster.events).toEqual([
      {
        about: "spec.containers{web}",
        type: "Normal",
        reason: "Pulled",
        message: 'Container image "nginx:1.27" already present on machine and can be accessed by the pod',
      },
      { about: "spec.containers{web}", type: "Normal", reason: "Created", message: "Container created" },
      { about: "spec.containers{web}", type: "Normal", reason: "Started", message: "Container started" },
    ]);
  });

  it("pulls an image each time where the pod says so", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("one", { containers: [{ name: "web", image: "nginx", imagePullPolicy: "Always" }] });
    expect(cluster.events.map(({ reason, message }) => [reason, message.replace(/\d+ms/g, "N")])).toEqual([
      ["Pulling", 'Pulling image "nginx"'],
      ["Pulled", 'Successfully pulled image "nginx" in N (N including waiting). Image size: 72404038 bytes.'],
      ["Created", "Container created"],
      ["Started", "Container started"],
    ]);
  });

  it("warns of what does not fit into a resolv.conf", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("one", { ...web, dnsConfig: { nameservers: ["10.0.0.1", "10.0.0.2", "10.0.0.3"] } });
    expect(cluster.events[0]).toEqual({
      about: "one",
      type: "Warning",
      reason: "DNSConfigForming",
      message:
        "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 10.0.0.1 10.0.0.2",
    });
  });

  it("starts in the same turn when the start delay is 0", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    expect(cluster.bind("one", web).status.phase).toBe("Running");
  });

  it("gives a pod that replaces a deleted one another address", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    const first = cluster.bind("one", web).status.podIP;
    cluster.deletePod("one", 0);
    expect([first, cluster.bind("two", web).status.podIP, cluster.bind("three", web, "node-2").status.podIP]).toEqual([
      "10.244.0.2",
      "10.244.0.3",
      "10.244.1.2",
    ]);
  });

  it("takes addresses from the beginning again at the end of the range", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    for (let round = 0; round < 253; round += 1) {
      cluster.bind(`p${round}`, web);
      if (round > 0) cluster.deletePod(`p${round}`, 0);
    }
    expect(cluster.bind("again", web).status.podIP).toBe("10.244.0.3");
  });

  it("gives a pod on the host network the node's address", () => {
    const cluster = new TestCluster();
    const { status } = cluster.bind("host", { ...web, hostNetwork: true }, "node-2");
    expect([status.phase, status.podIP, status.hostIP]).toEqual(["Pending", "192.168.10.12", "192.168.10.12"]);
  });

  it("lets a deleted pod's containers end before the pod goes, within a second", () => {
    const cluster = new TestCluster();
    cluster.bind("one", web);
    cluster.advance(1000);
    cluster.events.length = 0;
    cluster.deletePod("one");
    expect(cluster.events).toEqual([
      { about: "spec.containers{web}", type: "Normal", reason: "Killing", message: "Stopping container web" },
    ]);
    cluster.advance(499);
    expect(cluster.pod("one").status.phase).toBe("Running");
    cluster.advance(1);
    expect(cluster.find("one")).toBeUndefined();
  });

  it("waits for a preStop hook, but not beyond the grace period", () => {
    const cluster = new TestCluster();
    const hook = (seconds: number) => ({
      containers: [{ name: "web", image: "nginx", lifecycle: { preStop: { exec: { command: ["sleep", String(seconds)] } } } }],
    });
    cluster.bind("short", hook(5));
    cluster.bind("long", hook(100));
    cluster.advance(1000);
    cluster.deletePod("short");
    cluster.deletePod("long");
    cluster.advance(5499);
    expect(cluster.find("short")?.metadata.name).toBe("short");
    cluster.advance(1);
    expect(cluster.find("short")).toBeUndefined();
    cluster.advance(24_499);
    expect(cluster.find("long")?.metadata.name).toBe("long");
    cluster.advance(1);
    expect(cluster.find("long")).toBeUndefined();
  });

  it("restarts what ends, at once and then with growing pauses", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("bb", { containers: [{ name: "bb", image: "busybox" }] });
    expect(states(cluster.pod("bb"))).toEqual([["bb", "waiting", "CrashLoopBackOff"]]);
    expect(cluster.pod("bb").status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 0, reason: "Completed" } },
      state: { waiting: { message: "back-off 10s restarting failed container=bb pod=bb_default(uid-1)" } },
    });
    cluster.advance(10_000);
    expect(cluster.pod("bb").status.containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      state: { waiting: { message: "back-off 20s restarting failed container=bb pod=bb_default(uid-1)" } },
    });
    expect(cluster.pod("bb").status.phase).toBe("Running");
  });

  it.each([
    {
      name: "a pod that never restarts and ends well has succeeded",
      policy: "Never",
      command: ["true"],
      phase: "Succeeded",
      reason: "Completed",
    },
    {
      name: "a pod that never restarts and ends badly has failed",
      policy: "Never",
      command: ["sh", "-c", "exit 3"],
      phase: "Failed",
      reason: "Error",
    },
    {
      name: "a pod that restarts on failure succeeds with the first good end",
      policy: "OnFailure",
      command: ["true"],
      phase: "Succeeded",
      reason: "Completed",
    },
    { name: "a program that is not there cannot start", policy: "Never", command: ["nope"], phase: "Failed", reason: "StartError" },
  ])("$name", ({ policy, command, phase, reason }) => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    const pod = cluster.bind("job", { restartPolicy: policy, containers: [{ name: "c", image: "busybox:1.36", command }] });
    expect([pod.status.phase, states(pod)]).toEqual([phase, [["c", "terminated", reason]]]);
  });

  it("ends a container when its sleep is over", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("nap", { restartPolicy: "Never", containers: [{ name: "c", image: "busybox:1.36", command: ["sleep", "60"] }] });
    cluster.advance(59_999);
    expect(cluster.pod("nap").status.phase).toBe("Running");
    cluster.advance(1);
    expect(cluster.pod("nap").status.phase).toBe("Succeeded");
    expect(cluster.pod("nap").status.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      startedAt: "2026-11-24T10:00:00Z",
      finishedAt: "2026-11-24T10:01:00Z",
      exitCode: 0,
    });
  });

  it("runs init containers one after the other before the containers", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    const init = (name: string) => ({ name, image: "busybox:1.36", command: ["sleep", "2"] });
    cluster.bind("p", { initContainers: [init("a"), init("b")], ...web });
    const running = () =>
      [...(cluster.pod("p").status.initContainerStatuses ?? []), ...(cluster.pod("p").status.containerStatuses ?? [])]
        .filter(({ state }) => state?.running)
        .map(({ name }) => name);
    const seen = [running()];
    cluster.advance(2000);
    seen.push(running());
    cluster.advance(2000);
    seen.push(running());
    expect(seen).toEqual([["a"], ["b"], ["web"]]);
    expect(conditions(cluster.pod("p"))).toMatchObject({ Initialized: "True", Ready: "True" });
  });

  it("runs a tool as a container's command, over the network that is there then", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.network.route = routeAs(({ to }) => ({ target: { ip: "10.96.0.9", port: to.port ?? 0 }, verdict: "refused" }));
    const pod = cluster.bind("once", {
      restartPolicy: "Never",
      containers: [{ name: "c", image: "busybox:1.36", args: ["wget", "-qO-", "http://web/"] }],
    });
    expect(states(pod)).toEqual([["c", "running", undefined]]);
    cluster.advance(1000);
    const ended = cluster.pod("once");
    expect([ended.status.phase, ended.status.containerStatuses?.[0]?.state?.terminated?.exitCode]).toEqual(["Failed", 1]);
    expect(cluster.kubelet.logOf(ended, ended.spec.containers[0]!, false).map(({ text }) => text)).toEqual([
      "wget: can't connect to remote host (10.96.0.9): Connection refused",
    ]);
  });

  it("lets an init container wait until what it asks for is there", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    let isThere = false;
    cluster.network.route = routeAs(() => ({ target: { ip: "10.96.0.9", port: 80 }, verdict: isThere ? "delivered" : "refused" }));
    cluster.bind("p", {
      initContainers: [
        { name: "wait", image: "busybox:1.36", command: ["sh", "-c", "until nc -z db 5432; do echo waiting; sleep 2; done"] },
      ],
      ...web,
    });
    cluster.advance(10_000);
    expect(cluster.pod("p").status.initContainerStatuses?.[0]?.state?.running?.startedAt).toBe("2026-11-24T10:00:00Z");
    isThere = true;
    cluster.advance(2000);
    expect([cluster.pod("p").status.phase, cluster.pod("p").status.initContainerStatuses?.[0]?.state?.terminated?.finishedAt]).toEqual([
      "Running",
      "2026-11-24T10:00:11Z",
    ]);
  });

  it("keeps a container waiting for its ConfigMap, and starts it when the ConfigMap comes", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("p", { containers: [{ name: "c", image: "nginx", envFrom: [{ configMapRef: { name: "settings" } }] }] });
    expect(states(cluster.pod("p"))).toEqual([["c", "waiting", "CreateContainerConfigError"]]);
    cluster.put("configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" },
      data: { A: "1" },
    });
    cluster.settle();
    expect(states(cluster.pod("p"))).toEqual([["c", "running", undefined]]);
  });

  it("makes a pod ready only when its readiness probe is answered", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    const probed = (path: string) => ({
      containers: [{ name: "web", image: "nginx", readinessProbe: { httpGet: { path, port: 80 }, initialDelaySeconds: 3 } }],
    });
    cluster.bind("good", probed("/"));
    cluster.bind("bad", probed("/nope"));
    expect(conditions(cluster.pod("good")).Ready).toBe("False");
    cluster.advance(3000);
    expect([conditions(cluster.pod("good")).Ready, conditions(cluster.pod("bad")).Ready]).toEqual(["True", "False"]);
  });

  it("restarts a container that its liveness probe gives up", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.bind("p", {
      containers: [{ name: "web", image: "nginx", livenessProbe: { tcpSocket: { port: 81 }, periodSeconds: 5, failureThreshold: 2 } }],
    });
    cluster.advance(5000);
    expect(cluster.pod("p").status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: "Error" } },
    });
    expect(cluster.events.filter(({ reason }) => reason === "Unhealthy").map(({ message }) => message)).toEqual([
      "Liveness probe failed: dial tcp 10.244.0.2:81: connect: connection refused",
    ]);
  });

  it("restarts a container whose image was changed", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    const pod = cluster.bind("p", web);
    cluster.put("pods", { ...pod, spec: { ...pod.spec, containers: [{ name: "web", image: "nginx:1.28" }] } });
    cluster.settle();
    expect(cluster.pod("p").status.containerStatuses?.[0]).toMatchObject({
      image: "docker.io/library/nginx:1.28",
      restartCount: 1,
      ready: true,
    });
  });

  it("does nothing on a node that is down, and goes on when it is back", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.setDown("node-1", true);
    expect(cluster.bind("p", web).status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    cluster.setDown("node-1", false);
    expect(cluster.pod("p").status.phase).toBe("Running");
  });

  it("comes to the same state after an eviction", () => {
    const cluster = new TestCluster();
    cluster.bind("web", web);
    cluster.bind("crash", { containers: [{ name: "c", image: "busybox" }] });
    cluster.bind("nap", { restartPolicy: "Never", containers: [{ name: "c", image: "busybox", command: ["sleep", "20"] }] });
    cluster.advance(5000);
    const woken = cluster.evicted();
    cluster.advance(60_000);
    woken.advance(60_000);
    for (const name of ["web", "crash", "nap"]) expect(woken.pod(name)).toEqual(cluster.pod(name));
  });
});

function condition(type: string, status: string, reason?: string, message?: string) {
  return {
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime: "2026-11-24T10:00:00Z",
    observedGeneration: 1,
    ...(reason ? { reason, message } : {}),
  };
}
