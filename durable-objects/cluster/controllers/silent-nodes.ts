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
import { isReady } from "./pod-state.ts";

/** `--node-monitor-grace-period` and `--node-monitor-period` of kube-controller-manager. */
export interface NodeMonitoring {
  graceMs: number;
  periodMs: number;
}

export const defaultMonitoring: NodeMonitoring = { graceMs: 50_000, periodMs: 5_000 };

type NodeCondition = NonNullable<Node["status"]["conditions"]>[number];
type PodCondition = NonNullable<Pod["status"]["conditions"]>[number];

/** The first look at the nodes at which more than the grace period has passed. */
export const takenForDeadAt = (silentSince: number, { graceMs, periodMs }: NodeMonitoring): number =>
  (Math.floor((silentSince + graceMs) / periodMs) + 1) * periodMs;

/** Leases are not written: a kubelet that is up renews its own by definition, and no timer runs while all are up. */
export const silentNodes = (monitoring: NodeMonitoring): Controller => ({
  name: component,
  watches: { nodes: ({ after }) => (after ? [after.metadata.name] : []) },
  reconcile(key, context) {
    const node = context.get<Node>("nodes", undefined, key);
    const silentSince = context.nodeSilentSince?.(key);
    if (!node || silentSince === undefined) return;
    const deadAt = takenForDeadAt(silentSince, monitoring);
    if (context.now() < deadAt) context.requeueAt(key, deadAt);
    else if (readinessOf(node) !== "Unknown") forget(node, context);
  },
});

const component = "node-controller";

export const silentNodesController: Controller = silentNodes(defaultMonitoring);

const readinessOf = ({ status }: Node): string | undefined => status.conditions?.find(({ type }) => type === "Ready")?.status;

/** What kubelets say of their nodes; what one never said becomes unknown as well. */
const kubeletConditions = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The node's conditions once nothing is known of it any more. */
export function unknownConditions(node: Node, now: number): NodeCondition[] {
  const unknown = { status: "Unknown", lastTransitionTime: timeOf(now) } as const;
  const posted = node.status.conditions ?? [];
  const never = kubeletConditions
    .filter((type) => !posted.some((condition) => condition.type === type))
    .map(
      (type): NodeCondition => ({
        type,
        ...unknown,
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp as string,
      }),
    );
  const stopped = { ...unknown, reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
  return [
    ...posted.map((condition): NodeCondition => (kubeletConditions.includes(condition.type) ? { ...condition, ...stopped } : condition)),
    ...never,
  ];
}

function forget(node: Node, context: ControllerContext): void {
  const now = context.now();
  const { name } = node.metadata;
  const wasReady = readinessOf(node) === "True";
  context.updateStatus<Node>("nodes", { ...node, status: { ...node.status, conditions: unknownConditions(node, now) } });
  if (!wasReady) return;
  context.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`, component);
  for (const pod of context.list<Pod>("pods")) if (pod.spec.nodeName === name && isReady(pod)) markNotReady(pod, timeOf(now), context);
}

/** Only the pod's own condition: what its containers do nobody knows. */
function markNotReady(pod: Pod, now: string, context: ControllerContext): void {
  const conditions = (pod.status.conditions ?? []).map((condition): PodCondition => {
    return condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: now } : condition;
  });
  context.updateStatus<Pod>("pods", { ...pod, status: { ...pod.status, conditions } });
  context.event(pod, "Warning", "NodeNotReady", "Node is not ready", component);
}
