/**
 * The status that a kubelet posts of its node when it comes back: what the control plane took for unknown is known again.
 *
 * Heartbeats write nothing; who is silent, and what follows from it, is the node controller's.
 */
import type { Controller } from "../api/controller.ts";
import type { Node } from "../api/objects.ts";
import { timeOf } from "../api/time.ts";

type Condition = NonNullable<Node["status"]["conditions"]>[number];

const fine: Readonly<Record<string, readonly [status: string, reason: string, message: string]>> = {
  MemoryPressure: ["False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  DiskPressure: ["False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  PIDPressure: ["False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  Ready: ["True", "KubeletReady", "kubelet is posting ready status"],
};

const isForgotten = ({ status, reason }: Condition): boolean => status === "Unknown" && reason === "NodeStatusUnknown";

/** @param nodeUp false while the node is down: then nobody posts anything */
export const nodeStatusPoster = (nodeUp: (node: string) => boolean): Controller => ({
  name: "kubelet",
  watches: {
    nodes: ({ after }) => ((after as Node | undefined)?.status?.conditions?.some(isForgotten) ? [after!.metadata.name] : []),
  },
  reconcile(key, context) {
    const node = context.get<Node>("nodes", undefined, key);
    const conditions = node?.status?.conditions ?? [];
    if (!node || !nodeUp(key) || !conditions.some(isForgotten)) return;
    const now = timeOf(context.now());
    const posted = conditions.map((condition) => {
      const known = fine[condition.type];
      if (!known || !isForgotten(condition)) return condition;
      const [status, reason, message] = known;
      return { ...condition, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now } as unknown as Condition;
    });
    context.updateStatus<Node>("nodes", { ...node, status: { ...node.status, conditions: posted } });
  },
});
