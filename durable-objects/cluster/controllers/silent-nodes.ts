/**
 * What the control plane makes of a node whose kubelet has fallen silent: after the grace period all it knew of the node
 * is unknown, and the node's pods count as not ready.
 *
 * The taints that follow are `node-lifecycle.ts`', the evictions `taint-eviction.ts`'. A node that speaks again says
 * itself how it is.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
 */
import type { Controller, ControllerContext } from "../api/controller.ts";
import type { Node, Pod } from "../api/objects.ts";
import { timeOf } from "../api/time.ts";
import { isFinished, isReady } from "./pod-state.ts";

/** `--node-monitor-grace-period` and `--node-monitor-period` of kube-controller-manager. */
const graceMs = 50_000;
const lookEveryMs = 5_000;

type NodeCondition = NonNullable<Node["status"]["conditions"]>[number];
type PodCondition = NonNullable<Pod["status"]["conditions"]>[number];

/** The first look at the nodes at which more than the grace period has passed. */
export const takenForDeadAt = (silentSince: number): number => (Math.floor((silentSince + graceMs) / lookEveryMs) + 1) * lookEveryMs;

export const silentNodesController: Controller = {
  name: "node-controller",
  watches: { nodes: ({ after }) => (after ? [after.metadata.name] : []) },
  reconcile(key, context) {
    const node = context.get<Node>("nodes", undefined, key);
    const silentSince = context.nodeSilentSince?.(key);
    if (!node || silentSince === undefined) return;
    const deadAt = takenForDeadAt(silentSince);
    if (context.now() < deadAt) context.requeueAt(key, deadAt);
    else if (node.status.conditions?.find(({ type }) => type === "Ready")?.status !== "Unknown") forget(node, context);
  },
};

function forget(node: Node, context: ControllerContext): void {
  const now = timeOf(context.now());
  const conditions = (node.status.conditions ?? []).map(
    (condition): NodeCondition => ({
      ...condition,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: now,
    }),
  );
  const { name } = node.metadata;
  context.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`, silentNodesController.name);
  context.updateStatus<Node>("nodes", { ...node, status: { ...node.status, conditions } });
  for (const pod of context.list<Pod>("pods")) if (pod.spec.nodeName === name && !isFinished(pod)) markNotReady(pod, now, context);
}

/** Only the pod's own condition: what its containers do nobody knows. */
function markNotReady(pod: Pod, now: string, context: ControllerContext): void {
  if (isReady(pod)) {
    const conditions = (pod.status.conditions ?? []).map((condition): PodCondition => {
      return condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: now } : condition;
    });
    context.updateStatus<Pod>("pods", { ...pod, status: { ...pod.status, conditions } });
  }
  context.event(pod, "Warning", "NodeNotReady", "Node is not ready", silentNodesController.name);
}
