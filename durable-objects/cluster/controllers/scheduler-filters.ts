/**
 * Why a node will not do for a pod, in the words of kube-scheduler, asked in the order of its plugins.
 *
 * A reason that holds whatever other pods there are (`isFinal`) tells preemption not to try.
 *
 * @see https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins
 */
import { matchesLabelSelector } from "../api/label-selector.ts";
import type { Pod } from "../api/objects.ts";
import { matchesNodeAffinity, unschedulableTaint, untolerated } from "./node-affinity.ts";
import { requests } from "./node-resources.ts";
import { type AffinityTerm, type NodeInfo, type SchedulerView, termMatches, withLabelKeys } from "./scheduler-nodes.ts";

export interface Misfit {
  reasons: readonly string[];
  isFinal: boolean;
}

/** Why this node will not do; `undefined` where it will. */
export type Filter = (info: NodeInfo) => Misfit | undefined;

const final = (...reasons: string[]): Misfit => ({ reasons, isFinal: true });
const forNow = (...reasons: string[]): Misfit => ({ reasons, isFinal: false });

/** All filters of a pod as one: the first plugin that refuses gives the reasons. */
export function nodeFilter(pod: Pod, view: SchedulerView): Filter {
  const filters = [
    unschedulable(pod),
    taints(pod),
    nodeAffinity(pod),
    hostPorts(pod),
    resources(pod),
    topologySpread(pod, view),
    podAffinity(pod, view),
  ];
  return (info) => {
    for (const filter of filters) {
      const misfit = filter(info);
      if (misfit) return misfit;
    }
    return undefined;
  };
}

const unschedulable =
  (pod: Pod): Filter =>
  ({ node }) =>
    node.spec.unschedulable && untolerated(pod, [unschedulableTaint]).length > 0 ? final("node(s) were unschedulable") : undefined;

const taints =
  (pod: Pod): Filter =>
  ({ node }) =>
    untolerated(
      pod,
      (node.spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule"),
    ).length > 0
      ? final("node(s) had untolerated taint(s)")
      : undefined;

const nodeAffinity =
  (pod: Pod): Filter =>
  ({ node }) =>
    matchesNodeAffinity(pod.spec, node) ? undefined : final("node(s) didn't match Pod's node affinity/selector");

function hostPorts(pod: Pod): Filter {
  const wanted = portsOf(pod);
  return ({ pods }) =>
    wanted.length > 0 && pods.some((other) => portsOf(other).some((port) => wanted.some((own) => collide(own, port))))
      ? forNow("node(s) didn't have free ports for the requested pod ports")
      : undefined;
}

interface HostPort {
  port: number;
  protocol: string;
  ip: string;
}

const portsOf = (pod: Pod): HostPort[] =>
  pod.spec.containers
    .flatMap((container) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort)
    .map(({ hostPort = 0, protocol = "TCP", hostIP = "" }) => ({ port: hostPort, protocol, ip: hostIP === "" ? "0.0.0.0" : hostIP }));

const collide = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === "0.0.0.0" || b.ip === "0.0.0.0");

function resources(pod: Pod): Filter {
  const wanted = [...requests(pod)].filter(([, amount]) => amount > 0);
  return ({ allocatable, requested, pods }) => {
    const tooMany = pods.length + 1 > (allocatable.get("pods") ?? 0);
    const short = wanted.filter(([resource, amount]) => amount > (allocatable.get(resource) ?? 0) - (requested.get(resource) ?? 0));
    if (!tooMany && short.length === 0) return undefined;
    const reasons = [...(tooMany ? ["Too many pods"] : []), ...short.map(([resource]) => `Insufficient ${resource}`)];
    // More than the node has at all: no preemption could help.
    return short.some(([resource, amount]) => amount > (allocatable.get(resource) ?? 0)) ? final(...reasons) : forNow(...reasons);
  };
}

/** `whenUnsatisfiable: DoNotSchedule`; the soft ones are for scoring. */
function topologySpread(pod: Pod, view: SchedulerView): Filter {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule");
  if (hard.length === 0) return () => undefined;
  const constraints = hard.map((constraint) => {
    const selector = withLabelKeys(constraint, pod);
    const counts = new Map<string, number>();
    for (const { node, pods } of view.nodes) {
      const isEligible =
        hard.every(({ topologyKey }) => node.metadata.labels?.[topologyKey] !== undefined) &&
        (constraint.nodeAffinityPolicy === "Ignore" || matchesNodeAffinity(pod.spec, node)) &&
        (constraint.nodeTaintsPolicy !== "Honor" || taints(pod)({ node } as NodeInfo) === undefined);
      if (!isEligible) continue;
      const domain = node.metadata.labels?.[constraint.topologyKey] as string;
      const matching = pods.filter((other) => isCounted(other, pod) && matchesLabelSelector(selector, other.metadata.labels));
      counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
    }
    const isTooFew = counts.size < (constraint.minDomains ?? 1);
    const least = isTooFew || counts.size === 0 ? 0 : Math.min(...counts.values());
    return { ...constraint, counts, least, self: matchesLabelSelector(selector, pod.metadata.labels) ? 1 : 0 };
  });
  return ({ node }) => {
    for (const { topologyKey, counts, least, self, maxSkew } of constraints) {
      const domain = node.metadata.labels?.[topologyKey];
      if (domain === undefined) return final("node(s) didn't match pod topology spread constraints (missing required label)");
      if ((counts.get(domain) ?? 0) + self - least > maxSkew) return forNow("node(s) didn't match pod topology spread constraints");
    }
    return undefined;
  };
}

/** Spreading counts pods of the same namespace that are not on their way out. */
export const isCounted = (other: Pod, pod: Pod): boolean =>
  other.metadata.namespace === pod.metadata.namespace && other.metadata.deletionTimestamp === undefined;

function podAffinity(pod: Pod, view: SchedulerView): Filter {
  const { podAffinity: towards, podAntiAffinity: away } = pod.spec.affinity ?? {};
  const wanted = towards?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const unwanted = away?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const all = view.nodes.flatMap(({ node, pods }) => pods.map((other) => ({ node, other })));
  // The first of a group that wants to be with itself may go anywhere.
  const isFirst =
    wanted.length > 0 &&
    wanted.every((term) => termMatches(term, pod, pod, view.namespaces)) &&
    !all.some(({ other }) => wanted.every((term) => termMatches(term, pod, other, view.namespaces)));
  const domains = (term: AffinityTerm, matches: (other: Pod) => boolean): Set<string> =>
    new Set(all.filter(({ other }) => matches(other)).flatMap(({ node }) => node.metadata.labels?.[term.topologyKey] ?? []));
  const near = wanted.map((term) => ({
    key: term.topologyKey,
    domains: domains(term, (other) => wanted.every((each) => termMatches(each, pod, other, view.namespaces))),
  }));
  const far = unwanted.map((term) => ({
    key: term.topologyKey,
    domains: domains(term, (other) => termMatches(term, pod, other, view.namespaces)),
  }));
  const kept = all.flatMap(({ node, other }) =>
    (other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      .filter((term) => termMatches(term, other, pod, view.namespaces))
      .map((term) => ({ key: term.topologyKey, domain: node.metadata.labels?.[term.topologyKey] })),
  );
  return ({ node }) => {
    const label = (key: string): string | undefined => node.metadata.labels?.[key];
    const isNear = near.every(({ key, domains }) => {
      const domain = label(key);
      return domain !== undefined && (isFirst || domains.has(domain));
    });
    if (!isNear) return final("node(s) didn't match pod affinity rules");
    if (far.some(({ key, domains }) => domains.has(label(key) ?? ""))) return forNow("node(s) didn't match pod anti-affinity rules");
    if (kept.some(({ key, domain }) => domain !== undefined && domain === label(key)))
      return forNow("node(s) didn't satisfy existing pods anti-affinity rules");
    return undefined;
  };
}
