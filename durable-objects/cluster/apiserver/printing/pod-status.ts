/**
 * The word in kubectl's STATUS column, the count of ready containers and the restarts: what the containers are doing,
 * read out of a pod's status.
 */
import { age } from "../../api/duration.ts";
import type { ContainerStatus, Pod } from "../../api/objects.ts";

export interface PodSummary {
  status: string;
  /** `1/2` */
  ready: string;
  /** `3 (5m ago)` */
  restarts: string;
}

export function summarizePod(pod: Pod, now: number): PodSummary {
  const { spec, metadata } = pod;
  const status = pod.status ?? {};
  const sidecars = new Set((spec.initContainers ?? []).filter((container) => isSidecar(container)).map(({ name }) => name));
  const initStatuses = status.initContainerStatuses ?? [];
  const statuses = status.containerStatuses ?? [];

  const gated = status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated");
  let reason = status.reason || (gated ? "SchedulingGated" : (status.phase ?? ""));
  let counted = initStatuses.filter(({ name }) => sidecars.has(name));
  let readyCount = counted.filter(({ ready, started }) => started && ready).length;

  const waiting = initReason(pod, initStatuses, sidecars);
  const isInitialized = status.conditions?.some(({ type, status: value }) => type === "Initialized" && value === "True") ?? false;
  if (waiting !== undefined && !isInitialized) {
    reason = waiting;
    counted = initStatuses;
    readyCount = 0;
  } else {
    let hasRunning = false;
    // From the last to the first, so that the first container that is in trouble names the pod.
    for (const container of [...statuses].reverse()) {
      const { waiting: waits, terminated } = container.state ?? {};
      if (waits?.reason) reason = waits.reason;
      else if (terminated?.reason) reason = terminated.reason;
      else if (terminated) reason = terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
      else if (container.ready && container.state?.running) {
        hasRunning = true;
        readyCount += 1;
      }
    }
    if (reason === "Completed" && hasRunning) reason = hasCondition(pod, "Ready") ? "Running" : "NotReady";
    counted = [...counted, ...statuses];
  }
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") reason = "Unknown";
    else if (status.phase !== "Failed" && status.phase !== "Succeeded") reason = "Terminating";
  }
  return { status: reason, ready: `${readyCount}/${spec.containers.length + sidecars.size}`, restarts: restartsOf(counted, now) };
}

const isSidecar = (container: object): boolean => (container as { restartPolicy?: string }).restartPolicy === "Always";

const hasCondition = ({ status }: Pod, type: string): boolean =>
  status.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;

/** What holds up the init containers; undefined when they are done. */
function initReason({ spec }: Pod, statuses: readonly ContainerStatus[], sidecars: ReadonlySet<string>): string | undefined {
  for (const [at, { name, state, started }] of statuses.entries()) {
    const { terminated, waiting } = state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecars.has(name) && started) continue;
    if (terminated) {
      if (terminated.reason) return `Init:${terminated.reason}`;
      return terminated.signal ? `Init:Signal:${terminated.signal}` : `Init:ExitCode:${terminated.exitCode}`;
    }
    if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${at}/${spec.initContainers?.length ?? 0}`;
  }
  return undefined;
}

function restartsOf(statuses: readonly ContainerStatus[], now: number): string {
  const restarts = statuses.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
  const ends = statuses.map(({ lastState }) => lastState?.terminated?.finishedAt).filter((time) => time !== undefined);
  const latest = ends.sort().at(-1);
  return restarts === 0 || latest === undefined ? String(restarts) : `${restarts} (${age(latest, now)} ago)`;
}
