/**
 * Breaks working clusters in every field that a packet's way depends on, and repairs them with what `why` offers.
 *
 * A break is one change of one field of one object: taken away, misspelled, off by one, in other case, or the object in
 * another namespace. It is made through the API; what the API refuses is no break.
 */
import { parseAllDocuments } from "yaml";
import { copy } from "../durable-objects/cluster/api/copy.ts";
import type { KubeObject } from "../durable-objects/cluster/api/objects.ts";
import { same } from "../durable-objects/cluster/api/same.ts";
import { findingsOfRoute } from "../durable-objects/cluster/explain/explain-route.ts";
import type { Finding, Patch } from "../durable-objects/cluster/explain/why.ts";
import type { WorkingCluster } from "./broken-clusters.ts";
import { Laboratory } from "./laboratory.ts";

export type How = "removed" | "typo" | "off by one" | "other case" | "other value" | "other namespace";
type Path = readonly (string | number)[];

export interface Break {
  cluster: WorkingCluster;
  /** `Service numbers-api spec.selector.app: typo (numbers-api -> numbrs-api)` */
  name: string;
  object: KubeObject;
  path: Path;
  how: How;
  apply: (object: KubeObject) => KubeObject;
}

/** Where each kind holds what a route reads. */
const read: Record<string, readonly string[]> = {
  Service: ["metadata.name", "spec"],
  EndpointSlice: ["metadata.labels", "addressType", "endpoints", "ports"],
  Endpoints: ["metadata.name", "subsets"],
  Pod: ["metadata.labels"],
  Deployment: ["spec.replicas", "spec.template.metadata.labels", "spec.template.spec"],
  NetworkPolicy: ["spec"],
  Namespace: ["metadata.labels"],
  Node: ["metadata.labels"],
};
const movable = ["Service", "EndpointSlice", "Endpoints", "Deployment", "NetworkPolicy"];

/** Fields of a container that say nothing about the way of a packet. */
const unread = /containers\.\d+\.(name|resources|image$)/;

export function breaksOf(cluster: WorkingCluster): Break[] {
  return objectsOf(cluster).flatMap((object) => {
    const roots = read[object.kind] ?? [];
    const leaves = roots.flatMap((root) => leavesUnder(object, root.split(".")));
    const inFields = leaves.flatMap((path) => changesAt(object, path).map((change) => ({ path, ...change })));
    const moved = movable.includes(object.kind)
      ? [{ path: ["metadata", "namespace"], how: "other namespace" as const, to: "elsewhere", apply: moveTo }]
      : [];
    return [...inFields, ...moved].map(({ path, how, to, apply }) => {
      const what = `${object.kind} ${object.metadata.name} ${path.join(".")}`;
      return { cluster, name: `${cluster.name}: ${what}: ${how} (${to})`, object, path, how, apply };
    });
  });
}

const objectsOf = ({ manifest }: WorkingCluster): KubeObject[] =>
  parseAllDocuments(manifest).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);

/** Paths to every value that is no map and no list, and to every list. */
function leavesUnder(object: object, root: Path): Path[] {
  const value = valueAt(object, root);
  if (value === undefined || unread.test(root.join("."))) return [];
  if (typeof value !== "object" || value === null) return [root];
  const children = Object.keys(value).flatMap((key) => leavesUnder(object, [...root, Array.isArray(value) ? Number(key) : key]));
  return Array.isArray(value) || root.length > 1 ? [root, ...children] : children;
}

interface Change {
  how: How;
  to: string;
  apply: Break["apply"];
}

function changesAt(object: KubeObject, path: Path): Change[] {
  const value = valueAt(object, path);
  const changes: Change[] = path.join(".") === "metadata.name" ? [] : [{ how: "removed", to: "", apply: (each) => without(each, path) }];
  if (typeof value === "object") return changes;
  for (const [how, next] of variantsOf(value as string | number | boolean)) {
    if (next !== value) changes.push({ how, to: `${value} -> ${next}`, apply: (each) => withValue(each, path, next) });
  }
  const key = path.at(-1);
  if (isLabelKey(path) && typeof key === "string") {
    const next = withoutMiddle(key);
    const apply: Break["apply"] = (each) => withValue(without(each, path), [...path.slice(0, -1), next], value);
    changes.push({ how: "typo", to: `${key} -> ${next}`, apply });
  }
  return changes;
}

const others: Record<string, string> = {
  TCP: "UDP",
  UDP: "TCP",
  Local: "Cluster",
  Cluster: "Local",
  NodePort: "ClusterIP",
  LoadBalancer: "ClusterIP",
  Ingress: "Egress",
  Egress: "Ingress",
};

function variantsOf(value: string | number | boolean): [How, string | number | boolean][] {
  if (typeof value === "boolean") return [["other value", !value]];
  if (typeof value === "number") {
    return [
      ["off by one", value + 1],
      ["off by one", value - 1],
      ["typo", Number(String(value).slice(0, -1) || 0)],
    ];
  }
  const other = others[value];
  const last = /^(.*?)(\d+)((?:\/\d+)?)$/.exec(value);
  return [
    ["typo", withoutMiddle(value)],
    ["other case", value.charAt(0).toUpperCase() + value.slice(1)],
    ...(other === undefined ? [] : [["other value", other] as [How, string]]),
    ...(last === null ? [] : [["off by one", `${last[1]}${Number(last[2]) + 1}${last[3]}`] as [How, string]]),
  ];
}

const withoutMiddle = (text: string): string => text.slice(0, text.length >> 1) + text.slice((text.length >> 1) + 1);

const isLabelKey = (path: Path): boolean => ["labels", "selector", "matchLabels", "nodeSelector"].includes(String(path.at(-2)));

const valueAt = (object: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], object);

function withValue(object: KubeObject, path: Path, value: unknown): KubeObject {
  const next = copy(object);
  const parent = valueAt(next, path.slice(0, -1)) as Record<string | number, unknown>;
  parent[path.at(-1)!] = value;
  return next;
}

function without(object: KubeObject, path: Path): KubeObject {
  const next = copy(object);
  const parent = valueAt(next, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(path.at(-1) as number, 1);
  else delete (parent as Record<string | number, unknown>)[path.at(-1)!];
  return next;
}

const moveTo = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace: "elsewhere" } });

/**
 * Breaks that no request to the API could repair, because nothing in the cluster says what was there: each pattern of
 * kind, name, field and change with its reason.
 */
const onlyPeopleKnow: readonly { what: RegExp; because: string }[] = [
  { what: /: other namespace /, because: "objects cannot move; which of the two places is right is not written anywhere" },
  { what: / metadata\.name: /, because: "the request says one name and the object another; either may be right" },
  {
    what: /Deployment \S+ \S*\.ports(\.\d)?: removed/,
    because: "an image that listens on the ports it declares is another program without them",
  },
  { what: /Deployment db .*containerPort: /, because: "behind a headless Service the request itself has the port" },
  {
    what: /endpoints(\.0)?: removed|subsets(\.0)?: removed|subsets\.0\.addresses\S*: removed/,
    because: "endpoints by hand are the only place where their addresses stand",
  },
  { what: /endpoints\.0\.addresses\.0: |addresses\.0\.ip: /, because: "the same" },
  { what: /conditions\.ready: other value/, because: "whoever made the endpoint says that it is not ready" },
  { what: /externalName: typo/, because: "names outside are not known here" },
  { what: /spec\.type: |externalIPs(\.0)?: removed/, because: "that it was open to the outside is written nowhere else" },
];

export const isMechanical = ({ name }: Pick<Break, "name">): boolean => !onlyPeopleKnow.some(({ what }) => what.test(name));

/** What came of one break. */
export interface Outcome {
  name: string;
  how: How;
  /** The API said no: there is no break. */
  refused: boolean;
  flows: FlowOutcome[];
}

export interface FlowOutcome {
  flow: string;
  code: string;
  also: string[];
  /** After sending the patches, this flow is delivered, and whatever worked before still works. */
  repaired: boolean;
}

/** A cause that only says what can be seen anyway. */
const saysNothing = new Set([
  "",
  "rejected-by-rule",
  "dropped-by-rule",
  "no-endpoints",
  "missing-rule",
  "nobody-has-address",
  "no-address",
]);

export const isNamed = ({ code }: Pick<FlowOutcome, "code">): boolean => !saysNothing.has(code);

/** Makes the breaks, asks for the cause of every flow that is lost, and sends the patches of `why` and then of `also`. */
export function tryBreaks(cluster: WorkingCluster, breaks: readonly [Break, ...Break[]]): Outcome {
  const bench = new Bench(cluster);
  const [{ how }] = breaks;
  const name = breaks.map((each) => each.name).join(" + ");
  const changed = new Map<KubeObject, KubeObject>();
  const keyOf = (object: KubeObject): KubeObject => [...changed.keys()].find((each) => same(each, object)) ?? object;
  for (const { object, apply } of breaks) changed.set(keyOf(object), apply(changed.get(keyOf(object)) ?? object));
  const refused = [...changed].some(([object, broken]) => !bench.replace(object, broken));
  if (refused) return { name, how, refused, flows: [] };
  bench.settle();
  const lost = cluster.flows.filter((flow) => bench.findingsOf(flow).length > 0);
  return { name, how, refused, flows: lost.map((flow) => bench.repair(flow)) };
}

class Bench {
  readonly #lab = new Laboratory();
  readonly #cluster: WorkingCluster;

  constructor(cluster: WorkingCluster) {
    this.#cluster = cluster;
    this.#must("POST", { apiVersion: "v1", kind: "Namespace", metadata: { name: "elsewhere" } } as KubeObject);
    for (const object of objectsOf(cluster)) this.#must(object.kind === "Node" ? "PATCH" : "POST", object);
    this.settle();
  }

  settle(): void {
    this.#lab.wait(20_000);
    this.#lab.wait(1000);
  }

  /** @returns false where the API refuses */
  replace(object: KubeObject, next: KubeObject): boolean {
    const stays = object.metadata.name === next.metadata.name && object.metadata.namespace === next.metadata.namespace;
    if (stays && object.kind === "Node") return this.#send("PATCH", next, nodeLabels(object, next)) < 300;
    if (stays) return this.#send("PUT", next) < 300;
    if (this.#send("POST", next) >= 300) return false;
    return this.#send("DELETE", object) < 300;
  }

  findingsOf(flow: WorkingCluster["flows"][number]): Finding[] {
    const { network, facts } = this.#lab.cluster;
    const route = network.route({ ...flow, seed: 1 });
    const findings = findingsOfRoute(route, facts);
    return findings.length > 0 || route.verdict === "delivered" ? findings : [{ code: "" } as unknown as Finding];
  }

  repair(flow: WorkingCluster["flows"][number]): FlowOutcome {
    const findings = this.findingsOf(flow);
    const [first, ...also] = findings;
    const outcome = { flow: flow.name, code: first?.code ?? "repaired-before", also: also.map(({ code }) => code) };
    if (first === undefined) return { ...outcome, repaired: true };
    const working = this.#cluster.flows.filter((each) => this.findingsOf(each).length === 0);
    const sent = findings.flatMap(({ fix }) => fix?.patches ?? []).map((patch) => this.#sendPatch(patch));
    if (sent.length === 0 || sent.some((code) => code >= 300)) return { ...outcome, repaired: false };
    this.settle();
    return { ...outcome, repaired: [flow, ...working].every((each) => this.findingsOf(each).length === 0) };
  }

  #must(method: string, object: KubeObject): void {
    const code = this.#send(method, object);
    if (code >= 300) throw new Error(`${this.#cluster.name}: ${object.kind} ${object.metadata.name} is refused with ${code}`);
  }

  #send(method: string, object: KubeObject, body: unknown = object): number {
    const { metadata } = object;
    const path = this.#path(object, metadata.namespace) + (method === "POST" ? "" : `/${metadata.name}`);
    const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    return this.#lab.send(
      method,
      path,
      method === "DELETE" ? { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" } : body,
      { contentType },
    ).code;
  }

  #sendPatch({ method, contentType, body, name, ...of }: Patch): number {
    const path = this.#path(of as Pick<KubeObject, "apiVersion" | "kind">, of.namespace);
    return this.#lab.send(method, method === "POST" ? path : `${path}/${name}`, body, { contentType }).code;
  }

  #path({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">, namespace = "default"): string {
    const path = this.#lab.cluster.collectionPath(apiVersion, kind, namespace);
    if (path === undefined) throw new Error(`nobody serves ${kind}`);
    return path;
  }
}

/** As a merge patch: a label that is gone has to be named. */
function nodeLabels(before: KubeObject, after: KubeObject): object {
  const gone = Object.keys(before.metadata.labels ?? {}).map((key) => [key, null]);
  return { metadata: { labels: { ...Object.fromEntries(gone), ...after.metadata.labels } } };
}
