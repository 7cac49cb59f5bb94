/**
 * What a kubelet reports of a pod: phase and conditions, made from the states of its containers.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
 */
import type { Container, ContainerStatus, Pod, PodStatus } from "../api/objects.ts";
import { timeOf } from "../api/time.ts";

type PodCondition = NonNullable<PodStatus["conditions"]>[number];
export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** True where the container starts again after that exit code. */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  if (policy === "Always") return true;
  return policy === "OnFailure" && exitCode !== 0;
}

export const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

/** The phase that follows from the containers, once the pod has been started. */
export function phaseOf(pod: Pod, init: readonly ContainerStatus[], statuses: readonly ContainerStatus[]): Phase {
  const initContainers = pod.spec.initContainers ?? [];
  if (!isInitialized(pod, init)) {
    const isOver = initContainers.some((container, at) => {
      const code = init[at]?.state?.terminated?.exitCode;
      return !isSidecar(container) && code !== undefined && code !== 0 && pod.spec.restartPolicy === "Never";
    });
    return isOver ? "Failed" : "Pending";
  }
  if (statuses.some(({ state, lastState }) => state?.waiting && !lastState?.terminated)) return "Pending";
  const isOver = statuses.every(({ state }, at) => {
    const code = state?.terminated?.exitCode;
    return code !== undefined && !restartsAfter(pod, pod.spec.containers[at] as Container, code);
  });
  if (!isOver) return "Running";
  return statuses.every(({ state }) => state?.terminated?.exitCode === 0) ? "Succeeded" : "Failed";
}

/** True once every init container has done its work; sidecars only need to be started. */
export const isInitialized = (pod: Pod, init: readonly ContainerStatus[]): boolean =>
  (pod.spec.initContainers ?? []).every((container, at) => initialized(container, init[at]));

export const initialized = (container: Container, status: ContainerStatus | undefined): boolean =>
  isSidecar(container) ? status?.started === true : status?.state?.terminated?.exitCode === 0;

interface ConditionFacts {
  phase: Phase;
  hasSandbox: boolean;
  init: readonly ContainerStatus[];
  statuses: readonly ContainerStatus[];
  now: number;
}

interface Finding {
  isTrue: boolean;
  reason?: string;
  message?: string;
}

/** The kubelet's own conditions in its order, then those of others as they were. */
export function conditionsOf(pod: Pod, facts: ConditionFacts): PodCondition[] {
  const previous = new Map((pod.status.conditions ?? []).map((condition) => [condition.type, condition]));
  const containersReady = containersReadyOf(pod, facts);
  const own: [string, Finding][] = [
    ["PodReadyToStartContainers", { isTrue: facts.hasSandbox }],
    ["Initialized", initializedOf(pod, facts)],
    ["Ready", readyOf(pod, containersReady, previous)],
    ["ContainersReady", containersReady],
    ["PodScheduled", { isTrue: true }],
  ];
  const names = new Set(own.map(([type]) => type));
  const others = (pod.status.conditions ?? []).filter(({ type }) => !names.has(type));
  return [...own.map(([type, finding]) => condition(type, finding, previous.get(type), pod, facts.now)), ...others];
}

function condition(
  type: string,
  { isTrue, reason, message }: Finding,
  before: PodCondition | undefined,
  pod: Pod,
  now: number,
): PodCondition {
  const status = isTrue ? "True" : "False";
  const isSame = before?.status === status;
  return {
    lastProbeTime: null,
    lastTransitionTime: isSame && before.lastTransitionTime ? before.lastTransitionTime : timeOf(now),
    ...(message === undefined ? {} : { message }),
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    ...(reason === undefined ? {} : { reason }),
    status,
    type,
  } as unknown as PodCondition;
}

function initializedOf(pod: Pod, { init, phase }: ConditionFacts): Finding {
  if (phase === "Succeeded") return { isTrue: true, reason: "PodCompleted" };
  const incomplete = (pod.spec.initContainers ?? []).filter((container, at) => !initialized(container, init[at])).map(({ name }) => name);
  if (incomplete.length === 0) return { isTrue: true };
  return { isTrue: false, reason: "ContainersNotInitialized", message: `containers with incomplete status: [${incomplete.join(" ")}]` };
}

function containersReadyOf(pod: Pod, { phase, statuses, init }: ConditionFacts): Finding {
  if (phase === "Succeeded") return { isTrue: false, reason: "PodCompleted" };
  if (phase === "Failed") return { isTrue: false, reason: "PodFailed" };
  const sidecars = init.filter((status, at) => isSidecar(pod.spec.initContainers?.[at] as Container) && !status.ready);
  const unready = [...sidecars, ...statuses.filter(({ ready }) => !ready)].map(({ name }) => name);
  if (unready.length === 0) return { isTrue: true };
  return { isTrue: false, reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
}

function readyOf(pod: Pod, containersReady: Finding, previous: ReadonlyMap<string, PodCondition>): Finding {
  if (!containersReady.isTrue) return containersReady;
  const messages = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = previous.get(conditionType);
    if (!gate) return [`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`];
    return gate.status === "True"
      ? []
      : [`the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${gate.status}`];
  });
  return messages.length === 0 ? { isTrue: true } : { isTrue: false, reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}
