/**
 * What the control plane adds to a node: a pod range, the old labels, and the taints that follow from its conditions.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
 */
import type { Controller, ControllerContext } from "../api/controller.ts";
import { formatIP, parseCIDR } from "../api/ip-address.ts";
import type { Node } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { timeOf } from "../api/time.ts";
import type { Taint } from "./node-affinity.ts";
import { PerCluster } from "./per-cluster.ts";

const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";
const cordoned = "node.kubernetes.io/unschedulable";
/** Condition -> the taint it brings while True. */
const pressures: Record<string, string> = {
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  DiskPressure: "node.kubernetes.io/disk-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
  NetworkUnavailable: "node.kubernetes.io/network-unavailable",
};
const managed: ReadonlySet<string> = new Set([notReady, unreachable, cordoned, ...Object.values(pressures)]);

/**
 * The taints a node should have: its own, and those of its state. What is there already keeps its place.
 *
 * @param evicts false while every node is unreachable: then the fault is likelier here, and nothing is evicted
 */
export function desiredTaints(node: Node, evicts = true): Taint[] {
  const status = (type: string): string | undefined => node.status.conditions?.find((condition) => condition.type === type)?.status;
  const wanted: Taint[] = [];
  for (const [type, key] of Object.entries(pressures)) if (status(type) === "True") wanted.push({ key, effect: "NoSchedule" });
  // A node that has not said anything yet counts as fine.
  const ready = status("Ready");
  const trouble = ready === "False" ? notReady : ready === "Unknown" ? unreachable : undefined;
  if (trouble !== undefined) wanted.push({ key: trouble, effect: "NoSchedule" });
  if (node.spec.unschedulable) wanted.push({ key: cordoned, effect: "NoSchedule" });
  if (trouble !== undefined && evicts) wanted.push({ key: trouble, effect: "NoExecute" });
  const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = (node.spec.taints ?? []).filter((taint) => !isManaged(taint) || wanted.some((other) => isSame(other, taint)));
  return [...kept, ...wanted.filter((taint) => !kept.some((other) => isSame(other, taint)))];
}

/** Somebody's own NoExecute taint of a managed key, other than not-ready and unreachable, stays. */
const isManaged = ({ key, effect }: Taint): boolean =>
  managed.has(key) && (effect === "NoSchedule" || key === notReady || key === unreachable);

/** `--node-cidr-mask-size-ipv4` and `-ipv6` of kube-controller-manager. */
const nodeMask = { IPv4: 24, IPv6: 64 } as const;

/**
 * The first part of each pod range that no node has.
 *
 * @param podCIDR a range for each family, with a comma between
 * @returns `undefined` where a range has none left
 */
export function freePodCIDRs(podCIDR: string, nodes: readonly Node[]): string[] | undefined {
  const taken = new Set(nodes.flatMap(({ spec }) => spec.podCIDRs ?? spec.podCIDR ?? []));
  const free = podCIDR.split(",").map((text) => firstFree(text, taken));
  return free.every((part) => part !== undefined) ? free : undefined;
}

function firstFree(text: string, taken: ReadonlySet<string>): string | undefined {
  const range = parseCIDR(text);
  if (!range) return undefined;
  const mask = nodeMask[range.family];
  const size = 1n << BigInt((range.family === "IPv4" ? 32 : 128) - mask);
  for (let first = range.first; first <= range.last; first += size) {
    const part = `${formatIP({ family: range.family, value: first })}/${mask}`;
    if (!taken.has(part)) return part;
  }
  return undefined;
}

const ttlAnnotation = "node.alpha.kubernetes.io/ttl";

const controllerName = "node-controller";

/** Nodes as they were last seen, so that something can be said about one that is gone. */
const registered = new PerCluster(() => new Map<string, Node>());

export const nodeLifecycleController: Controller = {
  name: controllerName,
  watches: {
    nodes: ({ before, after }, read) => {
      // Whether a node's pods have to go depends on whether any other node can still be reached.
      const isReachabilityChanged = before && after && isReachable(before as Node) !== isReachable(after as Node);
      if (isReachabilityChanged) return read.list<Node>("nodes").map(({ metadata }) => metadata.name);
      return [(after ?? before)?.metadata.name ?? ""];
    },
  },
  reconcile(key, context) {
    const node = context.get<Node>("nodes", undefined, key);
    if (!node) return sayRemoved(key, context);
    registered.for(context).set(key, node);
    if (node.metadata.deletionTimestamp !== undefined) return;
    if (node.metadata.annotations?.[ttlAnnotation] === undefined) {
      context.event(node, "Normal", "RegisteredNode", `Node ${key} event: Registered Node ${key} in Controller`, controllerName);
    }
    const next = equipped(node, context);
    if (!same(next, node)) context.update("nodes", next);
  },
};

function sayRemoved(name: string, context: ControllerContext): void {
  const known = registered.for(context);
  const node = known.get(name);
  if (!node) return;
  known.delete(name);
  context.event(node, "Normal", "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`, controllerName);
}

function equipped(node: Node, context: ControllerContext): Node {
  const { labels = {}, annotations = {} } = node.metadata;
  const { "kubernetes.io/arch": arch, "kubernetes.io/os": os } = labels;
  const podCIDRs = podCIDRsOf(node) ?? freePodCIDRs(context.options.podCIDR, context.list<Node>("nodes"));
  const taints = desiredTaints(node, context.list<Node>("nodes").some(isReachable));
  const { taints: _, ...spec } = node.spec;
  return {
    ...node,
    metadata: {
      ...node.metadata,
      labels: {
        ...(arch === undefined ? {} : { "beta.kubernetes.io/arch": arch }),
        ...(os === undefined ? {} : { "beta.kubernetes.io/os": os }),
        ...labels,
      },
      annotations: { [ttlAnnotation]: "0", ...annotations },
    },
    spec: {
      ...spec,
      ...(podCIDRs === undefined ? {} : { podCIDR: podCIDRs[0], podCIDRs }),
      ...(taints.length === 0 ? {} : { taints: sinceNow(taints, node, context) }),
    },
  };
}

const podCIDRsOf = ({ spec }: Node): string[] | undefined => spec.podCIDRs ?? (spec.podCIDR === undefined ? undefined : [spec.podCIDR]);

const isReachable = ({ status }: Node): boolean => status.conditions?.find(({ type }) => type === "Ready")?.status !== "Unknown";

/** A NoExecute taint remembers when it came: eviction counts from there. */
function sinceNow(taints: readonly Taint[], node: Node, context: ControllerContext): Taint[] {
  return taints.map((taint) => {
    const isNew = !(node.spec.taints ?? []).includes(taint);
    return isNew && managed.has(taint.key) ? { ...taint, timeAdded: timeOf(context.now()) } : taint;
  });
}
