/**
 * Removes pods that nobody looks after any more: those whose node is gone, and those that were to go before they had one.
 *
 * Looks every 20 seconds, and gives a node that is missing 40 more to come back.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection
 */
import type { Controller, ControllerContext } from "../api/controller.ts";
import type { Node, Pod } from "../api/objects.ts";
import { timeOf } from "../api/time.ts";
import { PerCluster } from "./per-cluster.ts";
import { isFinished } from "./pod-state.ts";

const everyMs = 20_000;
const quarantineMs = 40_000;
const key = "pods";

export interface PodCollection {
  /** Pods to be removed now. */
  remove: Pod[];
  /** Nodes that pods name and that are not there -> since when. */
  missing: Map<string, number>;
}

/**
 * What one look finds.
 *
 * @param missingBefore nodes that were missing at the last look -> when they were first missed
 */
export function collectPods(
  pods: readonly Pod[],
  nodes: readonly Node[],
  missingBefore: ReadonlyMap<string, number>,
  now: number,
): PodCollection {
  const present = new Set(nodes.map(({ metadata }) => metadata.name));
  const missing = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec.nodeName && !present.has(spec.nodeName)) missing.set(spec.nodeName, missingBefore.get(spec.nodeName) ?? now);
  }
  const isLost = ({ spec }: Pod): boolean => {
    const since = missing.get(spec.nodeName ?? "");
    return since !== undefined && now - since >= quarantineMs;
  };
  const isUnscheduled = ({ spec, metadata }: Pod): boolean => !spec.nodeName && metadata.deletionTimestamp !== undefined;
  return { remove: pods.filter((pod) => isLost(pod) || isUnscheduled(pod)), missing };
}

const missed = new PerCluster(() => new Map<string, number>());

export const podGarbageCollector: Controller = {
  name: "pod-garbage-collector",
  watches: {
    // Nothing is looked for while every pod has its node.
    nodes: ({ before, after }) => (before && !after ? [key] : []),
    pods: ({ after }, read) => {
      const node = (after as Pod | undefined)?.spec.nodeName;
      const isOrphan = after && (node ? !read.get("nodes", undefined, node) : after.metadata.deletionTimestamp !== undefined);
      return isOrphan ? [key] : [];
    },
  },
  reconcile(_, context) {
    const known = missed.for(context);
    const { remove, missing } = collectPods(context.list<Pod>("pods"), context.list<Node>("nodes"), known, context.now());
    known.clear();
    for (const [node, since] of missing) known.set(node, since);
    for (const pod of remove) removePod(pod, context);
    if (missing.size > 0) context.requeueAt(key, (Math.floor(context.now() / everyMs) + 1) * everyMs);
  },
};

/** Marked as failed first, so that what counts pods does not take it for a running one. */
function removePod(pod: Pod, context: ControllerContext): void {
  if (!isFinished(pod)) {
    const at = timeOf(context.now());
    const disrupted = {
      type: "DisruptionTarget",
      status: "True",
      lastProbeTime: null,
      lastTransitionTime: at,
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
    };
    const conditions = [
      ...(pod.status.conditions ?? []).filter(({ type }) => type !== "DisruptionTarget"),
      ...(pod.spec.nodeName ? [disrupted] : []),
    ];
    context.updateStatus("pods", {
      ...pod,
      status: { ...pod.status, phase: "Failed", conditions: conditions as NonNullable<typeof pod.status.conditions> },
    });
  }
  context.delete("pods", pod.metadata.namespace, pod.metadata.name, { gracePeriodSeconds: 0 });
}
