/**
 * The rules as they were at a kept version: the objects of that time, found by undoing what was written since, compiled
 * by a kube-proxy of their own.
 */
import { type EndpointSlice, type KubeObject, keyOf, type Node, type Service } from "../cluster/api/objects.ts";
import { StatusError } from "../cluster/api/status-error.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { KubeProxy } from "../cluster/kube-proxy/kube-proxy.ts";
import type { LinkedRule, LinkedRules } from "../cluster/kube-proxy/rule-set.ts";
import { ProblemError } from "./bad-input.ts";

/** @throws ProblemError for a version that is not kept any more, or not there yet */
export function kubeProxyAt({ store, options }: Cluster, revision: number): KubeProxy {
  const kubeProxy = new KubeProxy(options);
  if (revision > store.revision) throw notYet(revision, store.revision);
  kubeProxy.apply({
    services: added(objectsAt<Service>(store, "services", revision)),
    endpointSlices: added(objectsAt<EndpointSlice>(store, "endpointslices.discovery.k8s.io", revision)),
    nodes: added(objectsAt<Node>(store, "nodes", revision)),
  });
  return kubeProxy;
}

const added = <T>(objects: readonly T[]): { before: undefined; after: T }[] => objects.map((after) => ({ before: undefined, after }));

function objectsAt<T extends KubeObject>(store: Cluster["store"], resource: string, revision: number): T[] {
  const objects = new Map(store.list<T>(resource).map((object) => [keyOf(object), object]));
  for (const { type, object, previous } of changesSince(store, resource, revision).reverse()) {
    if (type === "ADDED" || previous === undefined) objects.delete(keyOf(object));
    else objects.set(keyOf(object), previous as T);
  }
  return [...objects.values()];
}

function changesSince(store: Cluster["store"], resource: string, revision: number): ReturnType<Cluster["store"]["changesSince"]> {
  try {
    return store.changesSince(revision, resource);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new ProblemError({
      type: "version-forgotten",
      title: "Version not kept any more",
      status: 410,
      detail: `Version ${revision} is older than the oldest kept one, ${store.oldestRevision}.`,
      fix: `Ask for ${store.oldestRevision} or a later version.`,
    });
  }
}

const notYet = (revision: number, newest: number): ProblemError =>
  new ProblemError({
    type: "bad-request",
    title: "No such version",
    status: 400,
    detail: `There is no version ${revision} yet; the newest is ${newest}.`,
    fix: `Ask for a resourceVersion up to ${newest}.`,
  });

export interface RulesDifference {
  removed: LinkedRule[];
  added: LinkedRule[];
}

/** Rules that only one of two sets has, each with the line it has there. A rule that only moved counts as the same. */
export function differenceOf(before: LinkedRules, after: LinkedRules): RulesDifference {
  return { removed: onlyIn(before, after), added: onlyIn(after, before) };
}

function onlyIn({ rules }: LinkedRules, other: LinkedRules): LinkedRule[] {
  const left = new Map<string, number>();
  for (const rule of other.rules) left.set(identity(rule), (left.get(identity(rule)) ?? 0) + 1);
  return rules.filter((rule) => {
    const count = left.get(identity(rule)) ?? 0;
    left.set(identity(rule), count - 1);
    return count <= 0;
  });
}

const identity = ({ table, chain, text }: LinkedRule): string => `${table}\n${chain}\n${text}`;

/** Lines with `-` and `+` in front, each headed by its table and chain. */
export function differenceText({ removed, added: gained }: RulesDifference): string {
  const places = [...new Set([...removed, ...gained].map(placeOf))];
  return places
    .map((place) => {
      const lines = [...marked("-", removed, place), ...marked("+", gained, place)];
      return `@@ ${place} @@\n${lines.join("\n")}\n`;
    })
    .join("");
}

const placeOf = ({ table, chain }: LinkedRule): string => `${table} ${chain}`;
const marked = (mark: string, rules: readonly LinkedRule[], place: string): string[] =>
  rules.filter((rule) => placeOf(rule) === place).map(({ text }) => `${mark}${text}`);
