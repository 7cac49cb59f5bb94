/**
 * One step of a pod's life on its node: the status that a kubelet would post now, what it tells in events, and when to
 * look again. A function of the stored pod and the time, so that a cluster that slept comes to the same state.
 */
import type { ProbeName } from "../api/faults.ts";
import type { Listener } from "../api/network.ts";
import type { Container, ContainerStatus, Pod, PodStatus } from "../api/objects.ts";
import { timeOf } from "../api/time.ts";
import { advance, type ContainerEvent, ended, waitingStatus } from "./container-state.ts";
import { conditionsOf, initialized, isInitialized, isSidecar, phaseOf, restartsAfter } from "./pod-status.ts";
import type { ProbeAnswer } from "./probe-history.ts";
import { type Health, healthOf } from "./probes.ts";
import type { Process } from "./process.ts";

/** What the kubelet knows about a container's command before it starts it. */
export interface ContainerView {
  process: Process;
  imageBytes: number;
  /** The message of `CreateContainerConfigError`, where something it refers to is missing. */
  missing: string | undefined;
  listeners: readonly Listener[];
  run(argv: readonly string[]): Process;
  /** Only its start is slow: from then on it listens. */
  listensFrom?: number;
  imageMissing?: boolean;
  failingProbes?: readonly ProbeName[];
  /** Takes note of what a probe of the run with so many restarts finds. */
  look(probe: ProbeName, restarts: number, isFailing: boolean, startedAt: number): ProbeAnswer;
  /** True the first time that the present failure of the probe is told. */
  tell(probe: ProbeName, restarts: number): boolean;
}

export interface PodFacts {
  now: number;
  /** When the pod's containers may start. */
  startAt: number;
  hostIPs: readonly string[];
  /** Gives the pod its addresses; undefined where none is free. */
  podIPs(): readonly string[] | undefined;
  /** The message of `FailedMount`, where a volume cannot be mounted. */
  missingVolume: string | undefined;
  view(container: Container): ContainerView;
}

export interface PodStep {
  status: PodStatus;
  events: ContainerEvent[];
  wakeAt: number | undefined;
}

const sandboxCondition = "PodReadyToStartContainers";

export function nextPodStep(pod: Pod, facts: PodFacts): PodStep {
  const accepted = pod.status.startTime === undefined ? acceptedStatus(pod, facts) : pod.status;
  const held = (wakeAt: number | undefined, events: ContainerEvent[] = []): PodStep => ({ status: accepted, events, wakeAt });
  const hasSandbox =
    accepted.phase !== "Pending" || accepted.conditions?.some(({ type, status }) => type === sandboxCondition && status === "True");
  if (!hasSandbox && facts.startAt > facts.now) return held(facts.startAt);
  if (!hasSandbox && facts.missingVolume !== undefined) {
    return held(undefined, [{ type: "Warning", reason: "FailedMount", message: facts.missingVolume }]);
  }
  const podIPs = accepted.podIPs?.map(({ ip }) => ip as string) ?? facts.podIPs();
  if (!podIPs) {
    return held(undefined, [
      {
        type: "Warning",
        reason: "FailedCreatePodSandBox",
        message: "Failed to create pod sandbox: no IP addresses available in range set",
      },
    ]);
  }
  return runningStep({ ...pod, status: { ...accepted, ...addressFields(podIPs) } }, facts);
}

const addressFields = (ips: readonly string[]): Pick<PodStatus, "podIP" | "podIPs"> =>
  ips.length === 0 ? {} : { podIP: ips[0] as string, podIPs: ips.map((ip) => ({ ip })) };

/** The first status a kubelet posts: it has seen the pod, and nothing runs yet. */
function acceptedStatus(pod: Pod, { now, hostIPs, podIPs }: PodFacts): PodStatus {
  const init = (pod.spec.initContainers ?? []).map((container) => waitingStatus(container, "PodInitializing"));
  const reason = init.length > 0 ? "PodInitializing" : "ContainerCreating";
  const statuses = pod.spec.containers.map((container) => waitingStatus(container, reason));
  const conditions = conditionsOf(pod, { phase: "Pending", hasSandbox: false, init, statuses, now });
  return {
    ...pod.status,
    ...observed(pod),
    conditions,
    containerStatuses: statuses,
    hostIP: hostIPs[0] as string,
    hostIPs: hostIPs.map((ip) => ({ ip })),
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    ...(pod.spec.hostNetwork ? addressFields(podIPs() ?? []) : {}),
    phase: "Pending",
    startTime: timeOf(now),
  };
}

const observed = ({ metadata }: Pod) => (metadata.generation === undefined ? {} : { observedGeneration: metadata.generation });

function runningStep(pod: Pod, facts: PodFacts): PodStep {
  const events: ContainerEvent[] = [];
  const wakeAts: number[] = [];
  const step = (container: Container, status: ContainerStatus, part: string, restarts: (code: number) => boolean): ContainerStatus => {
    const next = containerStep(pod, container, status, part, restarts, facts);
    events.push(...next.events);
    if (next.wakeAt !== undefined) wakeAts.push(next.wakeAt);
    return next.status;
  };

  const init = [...(pod.status.initContainerStatuses ?? [])];
  for (const [at, container] of (pod.spec.initContainers ?? []).entries()) {
    const before = init[at] ?? waitingStatus(container, "PodInitializing");
    const isDone = !isSidecar(container) && before.state?.terminated?.exitCode === 0;
    const restarts = (code: number): boolean => isSidecar(container) || (code !== 0 && pod.spec.restartPolicy !== "Never");
    const after = isDone ? before : step(container, before, "spec.initContainers", restarts);
    init[at] = after.state?.terminated?.exitCode === 0 && !isSidecar(container) ? { ...after, ready: true } : after;
    if (!initialized(container, init[at])) break;
  }

  const isReady = isInitialized(pod, init);
  const statuses = pod.spec.containers.map((container) => {
    const before =
      pod.status.containerStatuses?.find(({ name }) => name === container.name) ?? waitingStatus(container, "ContainerCreating");
    return isReady ? step(container, before, "spec.containers", (code) => restartsAfter(pod, container, code)) : before;
  });

  const phase = phaseOf(pod, init, statuses);
  const hasSandbox = phase === "Pending" || phase === "Running";
  return {
    status: {
      ...pod.status,
      ...observed(pod),
      conditions: conditionsOf(pod, { phase, hasSandbox, init, statuses, now: facts.now }),
      containerStatuses: statuses,
      ...(init.length > 0 ? { initContainerStatuses: init } : {}),
      phase,
    },
    events,
    wakeAt: wakeAts.length > 0 ? Math.min(...wakeAts) : undefined,
  };
}

function containerStep(
  pod: Pod,
  container: Container,
  before: ContainerStatus,
  part: string,
  restarts: (exitCode: number) => boolean,
  facts: PodFacts,
): { status: ContainerStatus; events: ContainerEvent[]; wakeAt: number | undefined } {
  const { now } = facts;
  const view = facts.view(container);
  const { process, imageBytes, missing, imageMissing = false } = view;
  const fieldPath = `${part}{${container.name}}`;
  const health = (status: ContainerStatus): Health =>
    healthOf({ pod, container, status, ...view, look: (probe, ...found) => view.look(probe, status.restartCount, ...found), now });
  const next = advance(before, {
    pod,
    container,
    fieldPath,
    process,
    imageBytes,
    missing,
    imageMissing,
    killedAt: (status) => health(status).killedAt,
    restarts,
    now,
  });
  const { started, ready, failure, wakeAt } = health(next.status);
  const events = [...next.events];
  if (failure !== undefined && view.tell("readiness", next.status.restartCount)) {
    events.push({ type: "Warning", reason: "Unhealthy", message: `Readiness probe failed: ${failure}`, fieldPath });
  }
  const listensAt = view.listensFrom !== undefined && view.listensFrom > now ? view.listensFrom : undefined;
  const wakeAts = [next.wakeAt, wakeAt, listensAt].filter((at): at is number => at !== undefined);
  return { status: { ...next.status, started, ready }, events, wakeAt: wakeAts.length > 0 ? Math.min(...wakeAts) : undefined };
}

/** The last status of a pod that was deleted, once its processes are over. */
export function stoppedStatus(pod: Pod, now: number, exitCode: (container: Container) => number): PodStatus {
  const stop = (containers: readonly Container[], statuses: readonly ContainerStatus[] | undefined): ContainerStatus[] =>
    (statuses ?? []).map((status) => {
      const container = containers.find(({ name }) => name === status.name);
      if (!status.state?.running || !container) return status;
      const code = exitCode(container);
      return ended(status, code, code === 0 ? "Completed" : "Error", now);
    });
  const statuses = stop(pod.spec.containers, pod.status.containerStatuses);
  const init = stop(pod.spec.initContainers ?? [], pod.status.initContainerStatuses);
  const phase = statuses.every(({ state }) => state?.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
  return {
    ...pod.status,
    conditions: conditionsOf(pod, { phase, hasSandbox: false, init, statuses, now }),
    containerStatuses: statuses,
    ...(init.length > 0 ? { initContainerStatuses: init } : {}),
    phase,
  };
}
