/**
 * Which of the nodes that will do is best for a pod: the scoring plugins of kube-scheduler with their weights.
 *
 * Images play no part: every node of an emulated cluster has them all.
 *
 * @see https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
 */
import { type LabelSelector, matchesLabelSelector } from "../api/label-selector.ts";
import type { Pod } from "../api/objects.ts";
import { preferredNodeWeight, untolerated } from "./node-affinity.ts";
import { add, requests, scoredRequests } from "./node-resources.ts";
import { isCounted } from "./scheduler-filters.ts";
import { type NodeInfo, type SchedulerView, termMatches, type WeightedTerm, withLabelKeys } from "./scheduler-nodes.ts";

const most = 100;

/**
 * The score of each feasible node, in their order.
 *
 * @param spreadSelector what pods without constraints of their own are spread by: the selectors of their Services and owner
 */
export function nodeScores(
  pod: Pod,
  feasible: readonly NodeInfo[],
  view: SchedulerView,
  spreadSelector: LabelSelector | undefined,
): number[] {
  const plugins: [weight: number, scores: number[]][] = [
    [
      3,
      reversed(
        feasible.map(
          ({ node }) =>
            untolerated(
              pod,
              (node.spec.taints ?? []).filter(({ effect }) => effect === "PreferNoSchedule"),
            ).length,
        ),
      ),
    ],
    [2, normalized(feasible.map(({ node }) => preferredNodeWeight(pod.spec, node)))],
    [1, feasible.map((info) => leastAllocated(pod, info))],
    [1, feasible.map((info) => balancedAllocation(pod, info))],
    [2, topologySpread(pod, feasible, view, spreadSelector)],
    [2, podAffinity(pod, feasible, view)],
  ];
  return feasible.map((_, at) => plugins.reduce((sum, [weight, scores]) => sum + weight * (scores[at] ?? 0), 0));
}

const normalized = (scores: number[]): number[] => {
  const highest = Math.max(0, ...scores);
  return highest === 0 ? scores : scores.map((score) => Math.trunc((most * score) / highest));
};

const reversed = (scores: number[]): number[] => {
  const highest = Math.max(0, ...scores);
  return scores.map((score) => (highest === 0 ? most : most - Math.trunc((most * score) / highest)));
};

const scoredResources = ["cpu", "memory"] as const;

function leastAllocated(pod: Pod, { allocatable, scored }: NodeInfo): number {
  const after = add(scored, scoredRequests(pod));
  let sum = 0;
  let count = 0;
  for (const resource of scoredResources) {
    const capacity = allocatable.get(resource) ?? 0;
    if (capacity === 0) continue;
    const used = after.get(resource) ?? 0;
    sum += used > capacity ? 0 : Math.trunc(((capacity - used) * most) / capacity);
    count += 1;
  }
  return count === 0 ? 0 : Math.trunc(sum / count);
}

/** Pods that ask for nothing are not scored by it. */
function balancedAllocation(pod: Pod, { allocatable, requested }: NodeInfo): number {
  const own = requests(pod);
  if ([...own.values()].every((amount) => amount === 0)) return 0;
  const after = add(requested, own);
  const [cpu = 0, memory = 0] = scoredResources.map((resource) =>
    Math.min(1, (after.get(resource) ?? 0) / (allocatable.get(resource) || 1)),
  );
  return Math.trunc((1 - Math.abs(cpu - memory) / 2) * most);
}

interface SoftConstraint {
  topologyKey: string;
  maxSkew: number;
  selector: LabelSelector | undefined;
}

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

function topologySpread(pod: Pod, feasible: readonly NodeInfo[], view: SchedulerView, spreadSelector: LabelSelector | undefined): number[] {
  const own = pod.spec.topologySpreadConstraints ?? [];
  const constraints: SoftConstraint[] =
    own.length > 0
      ? own
          .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "ScheduleAnyway")
          .map((constraint) => ({ ...constraint, selector: withLabelKeys(constraint, pod) }))
      : spreadSelector === undefined
        ? []
        : [
            { topologyKey: hostname, maxSkew: 3, selector: spreadSelector },
            { topologyKey: zone, maxSkew: 5, selector: spreadSelector },
          ];
  if (constraints.length === 0) return feasible.map(() => 0);
  const hasKeys = ({ node }: NodeInfo): boolean =>
    constraints.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined);
  // Default spreading also scores nodes without a zone.
  const isScored = (info: NodeInfo): boolean => own.length === 0 || hasKeys(info);
  const scored = feasible.filter(isScored);
  const parts = constraints.map((constraint) => domainsOf(constraint, pod, scored, view));
  const raw = feasible.map((info) => {
    if (!isScored(info)) return undefined;
    return Math.round(parts.reduce((sum, part) => sum + part(info), 0));
  });
  const known = raw.filter((score): score is number => score !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return raw.map((score) => (score === undefined ? 0 : high === 0 ? most : Math.trunc((most * (high + low - score)) / high)));
}

/** The raw score of a node for one constraint: matching pods in its domain, weighted by how many domains there are. */
function domainsOf(
  { topologyKey, maxSkew, selector }: SoftConstraint,
  pod: Pod,
  scored: readonly NodeInfo[],
  view: SchedulerView,
): (info: NodeInfo) => number {
  const matching = ({ pods }: NodeInfo): number =>
    pods.filter((other) => isCounted(other, pod) && matchesLabelSelector(selector, other.metadata.labels)).length;
  const domain = ({ node }: NodeInfo): string | undefined => node.metadata.labels?.[topologyKey];
  const domains = new Set(scored.flatMap((info) => domain(info) ?? []));
  const weight = Math.log((topologyKey === hostname ? scored.length : domains.size) + 2);
  const counts = new Map<string, number>();
  for (const info of view.nodes) {
    const at = domain(info);
    if (at !== undefined) counts.set(at, (counts.get(at) ?? 0) + matching(info));
  }
  return (info) => {
    const at = domain(info);
    if (at === undefined) return 0;
    const count = topologyKey === hostname ? matching(info) : (counts.get(at) ?? 0);
    return count * weight + maxSkew - 1;
  };
}

function podAffinity(pod: Pod, feasible: readonly NodeInfo[], view: SchedulerView): number[] {
  const sums = new Map<string, number>();
  const count = (key: string, domain: string | undefined, weight: number): void => {
    if (domain !== undefined) sums.set(`${key} ${domain}`, (sums.get(`${key} ${domain}`) ?? 0) + weight);
  };
  for (const { node, pods } of view.nodes) {
    for (const other of pods) {
      for (const [term, weight] of preferences(pod)) {
        if (termMatches(term, pod, other, view.namespaces)) count(term.topologyKey, node.metadata.labels?.[term.topologyKey], weight);
      }
      for (const [term, weight] of [...preferences(other), ...requirements(other)]) {
        if (termMatches(term, other, pod, view.namespaces)) count(term.topologyKey, node.metadata.labels?.[term.topologyKey], weight);
      }
    }
  }
  if (sums.size === 0) return feasible.map(() => 0);
  const raw = feasible.map(({ node }) =>
    [...sums].reduce((sum, [at, weight]) => {
      const [key = "", domain = ""] = at.split(" ");
      return sum + (node.metadata.labels?.[key] === domain ? weight : 0);
    }, 0),
  );
  const [low, high] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((score) => (high === low ? 0 : Math.trunc((most * (score - low)) / (high - low))));
}

function preferences(pod: Pod): [WeightedTerm["podAffinityTerm"], number][] {
  const { podAffinity: towards, podAntiAffinity: away } = pod.spec.affinity ?? {};
  return [
    ...(towards?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm, weight }) => [podAffinityTerm, weight] as const,
    ),
    ...(away?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm, weight }) => [podAffinityTerm, -weight] as const,
    ),
  ].map(([term, weight]) => [term, weight]);
}

/** What a pod requires also draws others to it, with weight 1. */
const requirements = (pod: Pod): [WeightedTerm["podAffinityTerm"], number][] =>
  (pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => [term, 1]);
