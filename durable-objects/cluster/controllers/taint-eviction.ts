/**
 * Deletes pods from nodes with NoExecute taints, when their tolerations say so: at once, after tolerationSeconds, or never.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions
 */
import type { Controller, ControllerContext } from "../api/controller.ts";
import { keyOf, type Node, type Pod } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { timeOf } from "../api/time.ts";
import { type Taint, tolerates } from "./node-affinity.ts";
import { PerCluster } from "./per-cluster.ts";
import { isFinished } from "./pod-state.ts";

/** How long a pod may stay: `Infinity` for ever, 0 not at all. */
export function toleratedMs(pod: Pod, taints: readonly Taint[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined) shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
    }
  }
  return shortest;
}

const noExecute = (node: Node | undefined): Taint[] => (node?.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");

/** Pod -> since when it has to leave; in memory, since taints that people set do not say when they came. */
const leavingSince = new PerCluster(() => new Map<string, number>());

export const taintEvictionController: Controller = {
  name: "taint-eviction-controller",
  watches: {
    pods: ({ before, after }) =>
      after?.spec.nodeName &&
      (!before || before.spec.nodeName !== after.spec.nodeName || !same(before.spec.tolerations, after.spec.tolerations))
        ? [keyOf(after)]
        : [],
    nodes: ({ before, after }, read) => {
      if (same(noExecute(before as Node | undefined), noExecute(after as Node | undefined))) return [];
      const name = (after ?? before)?.metadata.name;
      return read
        .list<Pod>("pods")
        .filter(({ spec }) => spec.nodeName === name)
        .map(keyOf);
    },
  },
  reconcile(key, context) {
    const [namespace = "", name = ""] = key.split("/");
    const pod = context.get<Pod>("pods", namespace, name);
    const since = leavingSince.for(context);
    const taints = pod ? noExecute(context.get<Node>("nodes", undefined, pod.spec.nodeName ?? "")) : [];
    if (!pod || isFinished(pod) || pod.metadata.deletionTimestamp !== undefined || taints.length === 0) {
      if (since.delete(key) && pod && pod.metadata.deletionTimestamp === undefined) {
        context.event(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${key}`, taintEvictionController.name);
      }
      return;
    }
    const from = since.get(key) ?? startOf(taints, context.now());
    const leaveAt = from + toleratedMs(pod, taints);
    if (leaveAt === Number.POSITIVE_INFINITY) return;
    if (leaveAt > context.now()) {
      since.set(key, from);
      context.requeueAt(key, leaveAt);
      return;
    }
    since.delete(key);
    evict(pod, context);
  },
};

/** After a sleep the taint itself tells, where the node controller set it. */
const startOf = (taints: readonly Taint[], now: number): number =>
  Math.min(now, ...taints.flatMap(({ timeAdded }) => (timeAdded === undefined ? [] : Date.parse(timeAdded))));

function evict(pod: Pod, context: ControllerContext): void {
  context.event(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${keyOf(pod)}`, taintEvictionController.name);
  const disrupted = {
    type: "DisruptionTarget",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: timeOf(context.now()),
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
  };
  const conditions = [...(pod.status.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget"), disrupted];
  context.updateStatus("pods", { ...pod, status: { ...pod.status, conditions: conditions as NonNullable<typeof pod.status.conditions> } });
  context.delete("pods", pod.metadata.namespace, pod.metadata.name);
}
