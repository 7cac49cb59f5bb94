/**
 * Whether a pod may push out others of lower priority, and which: as few and as unimportant as will do.
 *
 * Disruption budgets play no part yet.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
 */
import type { Pod } from "../api/objects.ts";
import { nodeFilter } from "./scheduler-filters.ts";
import { type NodeInfo, nodeInfo, type SchedulerView } from "./scheduler-nodes.ts";

export interface Preemption {
  node: string;
  victims: Pod[];
}

export const priorityOf = ({ spec }: Pod): number => spec.priority ?? 0;

/** `undefined`: there is no node on which the removal of less important pods would make room. */
export function preempt(pod: Pod, view: SchedulerView): Preemption | undefined {
  if (pod.spec.preemptionPolicy === "Never" || isWaitingForVictims(pod, view)) return undefined;
  const possible = view.nodes.flatMap((info) => preemptionOn(info, pod, view) ?? []);
  return possible.sort(byHarm)[0];
}

/** Those that were pushed out for it are still on their way. */
function isWaitingForVictims(pod: Pod, view: SchedulerView): boolean {
  const nominated = view.nodes.find(({ node }) => node.metadata.name === pod.status.nominatedNodeName);
  return nominated?.pods.some((other) => other.metadata.deletionTimestamp !== undefined && priorityOf(other) < priorityOf(pod)) ?? false;
}

function preemptionOn(info: NodeInfo, pod: Pod, view: SchedulerView): Preemption | undefined {
  const fits = (pods: readonly Pod[]): boolean => {
    const changed = nodeInfo(info.node, pods);
    const nodes = view.nodes.map((other) => (other === info ? changed : other));
    return nodeFilter(pod, { ...view, nodes })(changed) === undefined;
  };
  const lower = info.pods.filter((other) => priorityOf(other) < priorityOf(pod));
  let kept = info.pods.filter((other) => !lower.includes(other));
  if (lower.length === 0 || !fits(kept)) return undefined;
  const victims: Pod[] = [];
  for (const other of [...lower].sort(byImportance)) {
    if (fits([...kept, other])) kept = [...kept, other];
    else victims.push(other);
  }
  return victims.length === 0 ? undefined : { node: info.node.metadata.name, victims };
}

/** The more important, and the longer there, the rather kept. */
const byImportance = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || ((a.status.startTime ?? "") < (b.status.startTime ?? "") ? -1 : 1);

const byHarm = (a: Preemption, b: Preemption): number => {
  const highest = ({ victims }: Preemption): number => Math.max(...victims.map(priorityOf));
  const sum = ({ victims }: Preemption): number => victims.reduce((total, victim) => total + priorityOf(victim), 0);
  return highest(a) - highest(b) || sum(a) - sum(b) || a.victims.length - b.victims.length;
};
