/**
 * The life of one container: waiting, running, ended, started again. A function of its last state, of what its process
 * does and of the time; nothing else is remembered.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states
 */
import type { Container, ContainerStatus, Pod } from "../api/objects.ts";
import { msOf, timeOf } from "../api/time.ts";
import { nextPullAt, withoutImage } from "./image-pull.ts";
import { fullImageName, hexDigest, imageID } from "./image-reference.ts";
import type { Process } from "./process.ts";

export interface ContainerEvent {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** The container in question; absent for the pod as a whole. */
  fieldPath?: string;
}

export interface ContainerFacts {
  pod: Pod;
  container: Container;
  /** `spec.containers{web}` */
  fieldPath: string;
  process: Process;
  imageBytes: number;
  /** The message of `CreateContainerConfigError`, where something it refers to is missing. */
  missing: string | undefined;
  /** True where no registry and no node has the image. */
  imageMissing?: boolean;
  /** When liveness gives the container up as it runs in that status; undefined: never. */
  killedAt(status: ContainerStatus): { at: number; message: string } | undefined;
  /** What happens after an exit code. */
  restarts(exitCode: number): boolean;
  now: number;
}

export interface ContainerStep {
  status: ContainerStatus;
  events: ContainerEvent[];
  /** When to look again. */
  wakeAt: number | undefined;
}

const backoffMs = { first: 10_000, max: 300_000 };
/** A container that ran this long starts again without waiting. */
const backoffForgottenMs = 600_000;
/** More than this many starts are not worked off one by one; the state is the same after one more. */
const maxStarts = 1000;

export const waitingStatus = ({ name, image }: Container, reason: string, message?: string): ContainerStatus => ({
  image: image ?? "",
  imageID: "",
  lastState: {},
  name,
  ready: false,
  restartCount: 0,
  started: false,
  state: { waiting: message === undefined ? { reason } : { message, reason } },
});

/** Brings a container that may run up to now. */
export function advance(previous: ContainerStatus, facts: ContainerFacts): ContainerStep {
  let status = previous;
  const events: ContainerEvent[] = [];
  for (let starts = 0; starts < maxStarts; starts += 1) {
    const step = status.state?.running
      ? whileRunning(status, facts)
      : status.state?.terminated
        ? afterEnd(status, facts)
        : whileWaiting(status, facts);
    events.push(...step.events);
    if (step.status === status || step.isSettled) return { status: step.status, events: latestOfEach(events), wakeAt: step.wakeAt };
    status = step.status;
  }
  return { status, events: latestOfEach(events), wakeAt: facts.now + backoffMs.max };
}

interface Step extends ContainerStep {
  isSettled?: boolean;
}

const stay = (status: ContainerStatus, wakeAt?: number): Step => ({ status, events: [], wakeAt });

function whileWaiting(status: ContainerStatus, facts: ContainerFacts): Step {
  const ended = status.lastState?.terminated;
  if (status.state?.waiting?.reason === "CrashLoopBackOff" && ended) {
    const until = (msOf(ended.finishedAt) ?? 0) + backoffAfter(status);
    return until > facts.now ? stay(status, until) : start(status, facts, until);
  }
  const pulledAgainAt = nextPullAt(status, facts);
  if (!facts.imageMissing && pulledAgainAt !== undefined) return stay(status, pulledAgainAt);
  return start(status, facts, facts.now);
}

function whileRunning(status: ContainerStatus, facts: ContainerFacts): Step {
  const startedAt = msOf(status.state?.running?.startedAt) ?? facts.now;
  const { process, fieldPath, container } = facts;
  if (status.image !== fullImageName(container.image ?? "")) {
    const message = `Container ${container.name} definition changed, will be restarted`;
    return {
      status: ended(status, 0, "Completed", facts.now),
      events: [{ type: "Normal", reason: "Killing", message, fieldPath }],
      wakeAt: undefined,
    };
  }
  const killedAt = facts.killedAt(status);
  if (killedAt && killedAt.at <= facts.now) {
    const message = `Container ${container.name} failed liveness probe, will be restarted`;
    return {
      status: ended(status, 137, "Error", killedAt.at),
      events: [
        { type: "Warning", reason: "Unhealthy", message: killedAt.message, fieldPath },
        { type: "Normal", reason: "Killing", message, fieldPath },
      ],
      wakeAt: undefined,
    };
  }
  if (process.does !== "exit") {
    const again = process.does === "run" && process.recheckMs !== undefined ? facts.now + process.recheckMs : undefined;
    return stay(status, earliest(killedAt?.at, again));
  }
  const at = process.hasWaited ? Math.max(startedAt + process.afterMs, facts.now) : startedAt + process.afterMs;
  if (at > facts.now) return stay(status, earliest(at, killedAt?.at));
  const reason = process.reason ?? (process.code === 0 ? "Completed" : "Error");
  return { status: ended(status, process.code, reason, at), events: [], wakeAt: undefined };
}

const earliest = (...times: (number | undefined)[]): number | undefined => {
  const known = times.filter((at): at is number => at !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** The status of a container whose process is over. */
export function ended(status: ContainerStatus, exitCode: number, reason: string, at: number): ContainerStatus {
  const startedAt = status.state?.running?.startedAt ?? timeOf(at);
  return {
    ...status,
    ready: false,
    started: false,
    state: { terminated: { containerID: status.containerID ?? "", exitCode, finishedAt: timeOf(at), reason, startedAt } },
  };
}

function afterEnd(status: ContainerStatus, facts: ContainerFacts): Step {
  const terminated = status.state?.terminated;
  if (!terminated || !facts.restarts(terminated.exitCode)) return stay(status);
  const finishedAt = msOf(terminated.finishedAt) ?? facts.now;
  if (status.restartCount === 0) return start(status, facts, finishedAt);
  const delayMs = backoffAfter({ ...status, lastState: status.state });
  if (finishedAt + delayMs <= facts.now) return start(status, facts, finishedAt + delayMs);
  const { pod, container } = facts;
  const who = `${container.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
  const message = `back-off ${inWords(delayMs)} restarting failed container=${who}`;
  const told = `Back-off restarting failed container ${container.name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
  return {
    status: { ...status, lastState: status.state ?? {}, state: { waiting: { message, reason: "CrashLoopBackOff" } } },
    events: [{ type: "Warning", reason: "BackOff", message: told, fieldPath: facts.fieldPath }],
    wakeAt: finishedAt + delayMs,
    isSettled: true,
  };
}

function backoffAfter({ restartCount, lastState }: ContainerStatus): number {
  const { startedAt, finishedAt } = lastState?.terminated ?? {};
  const ranMs = (msOf(finishedAt) ?? 0) - (msOf(startedAt) ?? 0);
  if (ranMs >= backoffForgottenMs) return backoffMs.first;
  return Math.min(backoffMs.max, backoffMs.first * 2 ** Math.max(0, restartCount - 1));
}

/** Go's way: `10s`, `1m20s`, `5m0s`. */
function inWords(ms: number): string {
  const seconds = ms / 1000;
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function start(status: ContainerStatus, facts: ContainerFacts, at: number): Step {
  const { missing, process, fieldPath } = facts;
  if (facts.imageMissing) return withoutImage(status, facts);
  const pulled = pullEvents(facts);
  if (missing !== undefined) {
    const failed: ContainerEvent = { type: "Warning", reason: "Failed", message: `Error: ${missing}`, fieldPath };
    const isTold = status.state?.waiting?.reason === "CreateContainerConfigError" && status.state.waiting.message === missing;
    const waiting = { ...status, state: { waiting: { message: missing, reason: "CreateContainerConfigError" } } };
    return { status: isTold ? status : waiting, events: isTold ? [] : [...pulled, failed], wakeAt: undefined, isSettled: true };
  }
  const restartCount = hasRunBefore(status) ? status.restartCount + 1 : status.restartCount;
  const fresh = runningStatus(status, facts, restartCount, at);
  const created: ContainerEvent = { type: "Normal", reason: "Created", message: "Container created", fieldPath };
  if (process.does === "not-found") {
    const message = cannotStart(process.program);
    const failed: ContainerEvent = { type: "Warning", reason: "Failed", message: `Error: ${message}`, fieldPath };
    const status = {
      ...ended(fresh, 128, "StartError", at),
      state: { terminated: { ...ended(fresh, 128, "StartError", at).state?.terminated, exitCode: 128, message } },
    };
    return { status, events: [...pulled, created, failed], wakeAt: undefined };
  }
  return {
    status: fresh,
    events: [...pulled, created, { type: "Normal", reason: "Started", message: "Container started", fieldPath }],
    wakeAt: undefined,
  };
}

/** What the runtime says of a program that is not in the image. */
export const cannotStart = (program: string): string =>
  `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: ${JSON.stringify(program)}: executable file not found in $PATH: unknown`;

const hasRunBefore = ({ state, lastState }: ContainerStatus): boolean =>
  state?.terminated !== undefined || lastState?.terminated !== undefined;

/** An image is there, unless the pod wants it pulled each time: then how long that took is drawn from its name. */
function pullEvents({ container, imageBytes, fieldPath, pod }: ContainerFacts): ContainerEvent[] {
  const image = JSON.stringify(container.image);
  if (container.imagePullPolicy !== "Always") {
    const message = `Container image ${image} already present on machine and can be accessed by the pod`;
    return [{ type: "Normal", reason: "Pulled", message, fieldPath }];
  }
  const took = `${pullMs.least + (Number.parseInt(hexDigest(`${pod.metadata.uid}/${container.name}`).slice(0, 6), 16) % pullMs.spread)}ms`;
  return [
    { type: "Normal", reason: "Pulling", message: `Pulling image ${image}`, fieldPath },
    {
      type: "Normal",
      reason: "Pulled",
      message: `Successfully pulled image ${image} in ${took} (${took} including waiting). Image size: ${imageBytes} bytes.`,
      fieldPath,
    },
  ];
}

const pullMs = { least: 120, spread: 240 } as const;

function runningStatus(status: ContainerStatus, { pod, container }: ContainerFacts, restartCount: number, at: number): ContainerStatus {
  const image = container.image ?? "";
  const requests = container.resources?.requests;
  const mounts = (container.volumeMounts ?? []).map(({ mountPath, name, readOnly }) => ({
    mountPath,
    name,
    ...(readOnly ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
  }));
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    containerID: `containerd://${hexDigest(`${pod.metadata.uid}/${container.name}/${restartCount}`)}`,
    image: fullImageName(image),
    imageID: imageID(image),
    lastState: status.state?.terminated ? { terminated: status.state.terminated } : (status.lastState ?? {}),
    name: container.name,
    ready: false,
    resources: container.resources ?? {},
    restartCount,
    started: container.startupProbe === undefined,
    state: { running: { startedAt: timeOf(at) } },
    ...(container.securityContext?.runAsUser === undefined && pod.spec.securityContext?.runAsUser === undefined
      ? { user: { linux: { gid: 0, supplementalGroups: [0], uid: 0 } } }
      : {}),
    ...(mounts.length > 0 ? { volumeMounts: mounts } : {}),
  } as ContainerStatus;
}

/** A loop that ran many times unseen tells of its last turn only. */
function latestOfEach(events: readonly ContainerEvent[]): ContainerEvent[] {
  const latest = new Map(events.map((event) => [`${event.reason} ${event.fieldPath}`, event]));
  return events.filter((event) => latest.get(`${event.reason} ${event.fieldPath}`) === event);
}
