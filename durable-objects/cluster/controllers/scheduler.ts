/**
 * Gives each pod its node, or says why there is none.
 *
 * Decides one pod at a time on the cluster as it is; which nodes will do is `scheduler-filters.ts`, which is best
 * `scheduler-scores.ts`.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import { type LabelSelector, matchesLabelMap, matchesLabelSelector } from "../api/label-selector.ts";
import { type KubeObject, keyOf, type Node, type Pod, type Service } from "../api/objects.ts";
import type { Random } from "../api/ports.ts";
import { same } from "../api/same.ts";
import { timeOf } from "../api/time.ts";
import { untolerated } from "./node-affinity.ts";
import { controllerOf } from "./owner-references.ts";
import { isFinished, podCondition } from "./pod-state.ts";
import { type Misfit, nodeFilter } from "./scheduler-filters.ts";
import { nodeInfos, type SchedulerView, termMatches, withLabelKeys } from "./scheduler-nodes.ts";
import { type Preemption, preempt, priorityOf } from "./scheduler-preemption.ts";
import { nodeScores } from "./scheduler-scores.ts";

export type Placement =
  | { verdict: "node"; node: string }
  /** Others have to go first. */
  | { verdict: "preempt"; message: string; preemption: Preemption }
  | { verdict: "none"; message: string };

/**
 * Chooses the node of one pod.
 *
 * @param spreadSelector see `nodeScores`
 * @param random decides among nodes of the same score
 */
export function placePod(pod: Pod, view: SchedulerView, spreadSelector: LabelSelector | undefined, random: Random): Placement {
  if (view.nodes.length === 0) return { verdict: "none", message: "no nodes available to schedule pods" };
  const filter = nodeFilter(pod, view);
  const misfits: Misfit[] = [];
  const feasible = view.nodes.filter((info) => {
    const misfit = filter(info);
    if (misfit) misfits.push(misfit);
    return misfit === undefined;
  });
  if (feasible.length === 0) {
    const preemption = misfits.every(({ isFinal }) => isFinal) ? undefined : preempt(pod, view);
    if (preemption) return { verdict: "preempt", message: `${misfitMessage(misfits)}.`, preemption };
    return { verdict: "none", message: unschedulableMessage(misfits) };
  }
  const scores = nodeScores(pod, feasible, view, spreadSelector);
  const highest = Math.max(...scores);
  const best = feasible.filter((_, at) => scores[at] === highest);
  const chosen = best[best.length === 1 ? 0 : random.int(best.length)];
  return { verdict: "node", node: chosen?.node.metadata.name ?? "" };
}

/** 0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s) */
const misfitMessage = (misfits: readonly Misfit[]): string =>
  `0/${misfits.length} nodes are available: ${tally(misfits.flatMap(({ reasons }) => reasons))}`;

function unschedulableMessage(misfits: readonly Misfit[]): string {
  const unhelpful = misfits.map(({ isFinal }) =>
    isFinal ? "Preemption is not helpful for scheduling" : "No preemption victims found for incoming pod",
  );
  return `${misfitMessage(misfits)}. no new claims to deallocate, preemption: 0/${misfits.length} nodes are available: ${tally(unhelpful)}.`;
}

/** How often each was said, sorted as text. */
function tally(reasons: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

const name = "default-scheduler";

export const scheduler: Controller = {
  name,
  watches: { pods: podsToSchedule, nodes: pendingAfterNode },
  reconcile(key, context) {
    const [namespace = "", podName = "", again] = key.split("/");
    const pod = context.get<Pod>("pods", namespace, podName);
    if (!pod || !isPending(pod)) return;
    const placement = placementOf(pod, context);
    if (placement.verdict !== "node") {
      const nominated = placement.verdict === "preempt" ? placement.preemption.node : undefined;
      refuse(pod, placement.message, nominated, again !== undefined, context);
      if (placement.verdict === "preempt") for (const victim of placement.preemption.victims) pushOut(victim, pod, context);
      return;
    }
    const { nominatedNodeName, ...status } = pod.status;
    const free = nominatedNodeName === undefined ? pod : context.updateStatus("pods", { ...pod, status });
    context.update("pods", { ...free, spec: { ...free.spec, nodeName: placement.node } });
    context.event(pod, "Normal", "Scheduled", `Successfully assigned ${keyOf(pod)} to ${placement.node}`, name);
  },
};

function placementOf(pod: Pod, context: ControllerContext): Placement {
  const missing = missingClaim(pod, context);
  const nodes = context.list<Node>("nodes");
  if (missing !== undefined && nodes.length > 0) {
    const message = `0/${nodes.length} nodes are available: persistentvolumeclaim ${JSON.stringify(missing)} not found. not found`;
    return { verdict: "none", message };
  }
  const view = { nodes: nodeInfos(nodes, placedPods(pod, context)), namespaces: context.list("namespaces") };
  return placePod(pod, view, spreadSelectorOf(pod, context), context.random);
}

/** What pods take, and what is kept free for pods that pushed others out and are at least as important. */
const placedPods = (pod: Pod, read: Reader): Pod[] =>
  read.list<Pod>("pods").map((other) => {
    const nominated = other.status.nominatedNodeName;
    const isAhead = nominated !== undefined && isPending(other) && other !== pod && priorityOf(other) >= priorityOf(pod);
    return isAhead ? { ...other, spec: { ...other.spec, nodeName: nominated } } : other;
  });

/** The event is repeated only where something gave reason to try again, not by looking again after a sleep. */
function refuse(pod: Pod, message: string, nominated: string | undefined, isRetry: boolean, context: ControllerContext): void {
  const before = podCondition(pod, "PodScheduled");
  const since = before?.status === "False" ? before.lastTransitionTime : timeOf(context.now());
  const refused = {
    type: "PodScheduled",
    status: "False",
    lastProbeTime: null,
    lastTransitionTime: since,
    reason: "Unschedulable",
    message,
  };
  const conditions = [...(pod.status.conditions ?? []).filter(({ type }) => type !== "PodScheduled"), refused];
  const nominatedNodeName = nominated ?? pod.status.nominatedNodeName;
  const status = {
    ...pod.status,
    conditions: conditions as NonNullable<typeof pod.status.conditions>,
    ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
  };
  if (!same(status, pod.status)) context.updateStatus("pods", { ...pod, status });
  if (isRetry || before?.message !== message) context.event(pod, "Warning", "FailedScheduling", message, name);
}

function pushOut(victim: Pod, pod: Pod, context: ControllerContext): void {
  if (victim.metadata.deletionTimestamp !== undefined) return;
  const disrupted = {
    type: "DisruptionTarget",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: timeOf(context.now()),
    reason: "PreemptionByScheduler",
    message: `${name}: preempting to accommodate a higher priority pod`,
  };
  const conditions = [...(victim.status.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget"), disrupted];
  context.updateStatus("pods", {
    ...victim,
    status: { ...victim.status, conditions: conditions as NonNullable<typeof victim.status.conditions> },
  });
  context.delete("pods", victim.metadata.namespace, victim.metadata.name);
  context.event(victim, "Normal", "Preempted", `Preempted by pod ${pod.metadata.uid} on node ${victim.spec.nodeName}`, name);
}

const isPending = ({ metadata, spec, status }: Pod): boolean =>
  !spec.nodeName &&
  metadata.deletionTimestamp === undefined &&
  status.phase !== "Failed" &&
  (spec.schedulerName ?? name) === name &&
  (spec.schedulingGates ?? []).length === 0;

/** Volumes are not emulated beyond this: a pod that names a claim nobody made waits for it. */
function missingClaim(pod: Pod, read: Reader): string | undefined {
  return (pod.spec.volumes ?? [])
    .map((volume) => volume.persistentVolumeClaim?.claimName)
    .find((claim) => claim !== undefined && !read.get("persistentvolumeclaims", pod.metadata.namespace, claim));
}

/** Pods without constraints of their own are spread with those that the same Services and the same owner select. */
function spreadSelectorOf(pod: Pod, read: Reader): LabelSelector | undefined {
  const selectors: LabelSelector[] = read
    .list<Service>("services", pod.metadata.namespace)
    .filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0 && matchesLabelMap(spec.selector, pod.metadata.labels))
    .map(({ spec }) => ({ matchLabels: spec.selector }));
  const owner = controllerOf(pod);
  const resource = owner && ownersThatSelect[owner.kind];
  const selector = resource && read.get(resource, pod.metadata.namespace, owner.name)?.spec.selector;
  if (selector) selectors.push(owner.kind === "ReplicationController" ? { matchLabels: selector } : selector);
  if (selectors.length === 0) return undefined;
  return {
    matchLabels: Object.assign({}, ...selectors.map(({ matchLabels }) => matchLabels)),
    matchExpressions: selectors.flatMap(({ matchExpressions }) => matchExpressions ?? []),
  };
}

const ownersThatSelect: Record<string, string> = {
  ReplicaSet: "replicasets.apps",
  StatefulSet: "statefulsets.apps",
  ReplicationController: "replicationcontrollers",
};

/** A pod without node is looked at itself; one that comes or goes lets those try again that it may help. */
function* podsToSchedule(change: Change<KubeObject>, read: Reader): Iterable<string> {
  const [before, after] = [change.before as Pod | undefined, change.after as Pod | undefined];
  if (after && isPending(after) && (!before || !same(before.spec, after.spec))) yield keyOf(after);
  const wasThere = before?.spec.nodeName && !isFinished(before);
  const isThere = after?.spec.nodeName && !isFinished(after);
  if (wasThere && !isThere) yield* waiting(read, (message) => helpedByRoom.test(message)).map(retryOf);
  else if (after && isThere && (!wasThere || !same(before?.metadata.labels, after.metadata.labels))) {
    const namespaces = read.list("namespaces");
    yield* waiting(read, (message) => helpedByCompany.test(message))
      .filter((pod) => looksFor(pod, after, namespaces))
      .map(retryOf);
  }
}

/** Reasons that may end when a pod goes, and when one comes. */
const helpedByRoom =
  /Insufficient|Too many pods|free ports|anti-affinity rules|topology spread constraints(?! \(missing)|pod affinity rules/;
const helpedByCompany = /pod affinity rules|topology spread constraints(?! \(missing)/;

const waiting = (read: Reader, isHelped: (message: string) => boolean): Pod[] =>
  read.list<Pod>("pods").filter((pod) => isPending(pod) && isHelped(podCondition(pod, "PodScheduled")?.message ?? ""));

function looksFor(pod: Pod, other: Pod, namespaces: readonly KubeObject[]): boolean {
  const terms = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const spread = pod.spec.topologySpreadConstraints ?? [];
  return (
    terms.some((term) => termMatches(term, pod, other, namespaces)) ||
    spread.some((constraint) => matchesLabelSelector(withLabelKeys(constraint, pod), other.metadata.labels))
  );
}

/** A key of its own for pods that are tried again: see `refuse`. */
const retryOf = (pod: Pod): string => `${keyOf(pod)}/again`;

function pendingAfterNode({ before, after }: Change<KubeObject>, read: Reader): Iterable<string> {
  const [was, is] = [before as Node | undefined, after as Node | undefined];
  if (!is) return [];
  const isSame =
    was && same(was.metadata.labels, is.metadata.labels) && same(was.spec, is.spec) && same(was.status.allocatable, is.status.allocatable);
  if (isSame) return [];
  const pending = read.list<Pod>("pods").filter(isPending);
  // A new node whose taints keep a pod away is no reason to try again.
  const hard = (is.spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
  return (was ? pending : pending.filter((pod) => untolerated(pod, hard).length === 0)).map(retryOf);
}
