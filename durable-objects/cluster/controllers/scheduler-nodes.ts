/** What the scheduler knows about each node: the pods on it and what they have taken. Built anew for each decision. */
import { type LabelSelector, matchesLabelSelector } from "../api/label-selector.ts";
import type { KubeObject, Node, Pod } from "../api/objects.ts";
import { type Amounts, allocatable, requests, scoredRequests } from "./node-resources.ts";
import { isFinished } from "./pod-state.ts";

export interface NodeInfo {
  node: Node;
  /** Pods that are bound to it and have not finished; terminating ones still take their place. */
  pods: readonly Pod[];
  allocatable: Amounts;
  requested: Amounts;
  /** With the amounts that scoring assumes. */
  scored: Amounts;
}

export interface SchedulerView {
  nodes: readonly NodeInfo[];
  /** For namespace selectors of affinity terms, and for the selectors of default spreading. */
  namespaces: readonly KubeObject[];
}

export function nodeInfos(nodes: readonly Node[], pods: readonly Pod[]): NodeInfo[] {
  const onNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    if (!pod.spec.nodeName || isFinished(pod)) continue;
    const others = onNode.get(pod.spec.nodeName);
    if (others) others.push(pod);
    else onNode.set(pod.spec.nodeName, [pod]);
  }
  return nodes.map((node) => nodeInfo(node, onNode.get(node.metadata.name) ?? []));
}

export const nodeInfo = (node: Node, pods: readonly Pod[]): NodeInfo => ({
  node,
  pods,
  allocatable: allocatable(node),
  requested: total(pods, requests),
  scored: total(pods, scoredRequests),
});

function total(pods: readonly Pod[], of: (pod: Pod) => Amounts): Amounts {
  const sum = new Map<string, number>();
  for (const pod of pods) for (const [resource, amount] of of(pod)) sum.set(resource, (sum.get(resource) ?? 0) + amount);
  return sum;
}

type Affinity = NonNullable<Pod["spec"]["affinity"]>;
export type AffinityTerm = NonNullable<NonNullable<Affinity["podAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"]>[number];
export type WeightedTerm = NonNullable<NonNullable<Affinity["podAffinity"]>["preferredDuringSchedulingIgnoredDuringExecution"]>[number];

/** Whether an affinity term of `owner` means `pod`. */
export function termMatches(term: AffinityTerm, owner: Pod, pod: Pod, namespaces: readonly KubeObject[]): boolean {
  if (!matchesLabelSelector(withLabelKeys(term, owner), pod.metadata.labels)) return false;
  const named = term.namespaces ?? [];
  if (named.length === 0 && term.namespaceSelector === undefined) return pod.metadata.namespace === owner.metadata.namespace;
  if (named.includes(pod.metadata.namespace)) return true;
  const namespace = namespaces.find(({ metadata }) => metadata.name === pod.metadata.namespace);
  return matchesLabelSelector(term.namespaceSelector as LabelSelector | undefined, namespace?.metadata.labels);
}

/** `matchLabelKeys` takes the values from the pod itself. */
export function withLabelKeys(
  of: { labelSelector?: unknown; matchLabelKeys?: string[]; mismatchLabelKeys?: string[] },
  owner: Pod,
): LabelSelector | undefined {
  const selector = of.labelSelector as LabelSelector | undefined;
  const expressions = (keys: string[] = [], operator: string) =>
    keys
      .filter((key) => owner.metadata.labels?.[key] !== undefined)
      .map((key) => ({ key, operator, values: [owner.metadata.labels?.[key] as string] }));
  const added = [...expressions(of.matchLabelKeys, "In"), ...expressions(of.mismatchLabelKeys, "NotIn")];
  if (selector === undefined || added.length === 0) return selector;
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] };
}
