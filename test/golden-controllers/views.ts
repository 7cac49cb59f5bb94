/** Objects as the captures show them: the fields that matter, generated names and values replaced. */
import type { KubeObject, OwnerReference, Pod } from "../../durable-objects/cluster/api/objects.ts";
import type { ScenarioCluster } from "./scenario-cluster.ts";

export type View = Record<string, any>;

const storeNames: Record<string, string> = {
  Deployment: "deployments.apps",
  ReplicaSet: "replicasets.apps",
  Pod: "pods",
  Service: "services",
  Endpoints: "endpoints",
  EndpointSlice: "endpointslices.discovery.k8s.io",
  Node: "nodes",
  Namespace: "namespaces",
  ServiceAccount: "serviceaccounts",
  ConfigMap: "configmaps",
};

/** Gives generated objects the names of the capture, in the order in which they were made. */
export class Names {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  #named = 0;
  readonly #numberedByDeletion: string | undefined;
  #deleted = 0;
  #longestFirst: [string, string][] | undefined;

  /** @param numberedByDeletion names that are given out anew in the order of deletion, such as `web.rs1-` */
  constructor(numberedByDeletion?: string) {
    this.#numberedByDeletion = numberedByDeletion;
  }

  /** Takes note of what was made since the last look, in the namespace of the scenario. */
  look(cluster: ScenarioCluster, namespace: string): void {
    for (; this.#named < cluster.born.length; this.#named += 1) {
      const object = cluster.born[this.#named] as KubeObject;
      if (object.metadata.namespace === namespace) this.#nameNew(object);
    }
    this.#renumber(cluster, namespace);
    for (const pod of cluster.reader.list<Pod>("pods", namespace)) {
      if (pod.spec.hostNetwork) continue;
      for (const { ip = "" } of pod.status.podIPs ?? []) this.#value(ip, `${ip.includes(":") ? "ip6" : "ip"}(${this.nameOf(pod)})`);
    }
    for (const { metadata, spec } of cluster.reader.list("services", namespace)) {
      if (spec.clusterIP && spec.clusterIP !== "None" && metadata.name !== "kubernetes")
        for (const ip of (spec.clusterIPs ?? []) as string[])
          this.#value(ip, `${ip.includes(":") ? "clusterIP6" : "clusterIP"}(${metadata.name})`);
    }
  }

  /** The next pod that was deleted trades names with the one that had its number. */
  #renumber(cluster: ScenarioCluster, namespace: string): void {
    const prefix = this.#numberedByDeletion;
    if (prefix === undefined) return;
    const numberOf = (pod: Pod): number => Number(this.nameOf(pod).slice(prefix.length));
    const going = cluster.reader
      .list<Pod>("pods", namespace)
      .filter(
        (pod) => this.nameOf(pod).startsWith(prefix) && pod.metadata.deletionTimestamp !== undefined && numberOf(pod) > this.#deleted,
      );
    for (const pod of going.sort((a, b) => numberOf(a) - numberOf(b))) {
      this.#deleted += 1;
      const [uid, name, wanted] = [pod.metadata.uid, this.nameOf(pod), `${prefix}${this.#deleted}`];
      const [other] = [...this.#names].find(([, held]) => held === wanted) ?? [];
      if (other === undefined || other === uid) continue;
      this.#names.set(other, name);
      this.#names.set(uid, wanted);
      for (const { metadata } of cluster.born)
        if (metadata.uid === other || metadata.uid === uid) this.#value(metadata.name, this.#names.get(metadata.uid) as string);
    }
  }

  #nameNew(object: KubeObject): void {
    const { metadata, kind } = object;
    const owner = ownerOf(object);
    if (kind === "ReplicaSet" && owner?.kind === "Deployment") {
      this.#name(object, `${owner.name}.rs`);
      this.#value(metadata.labels?.["pod-template-hash"] ?? "", `hash(${this.nameOf(object)})`);
    } else if (kind === "Pod" && owner && metadata.generateName !== undefined) {
      this.#name(object, `${this.#names.get(owner.uid) ?? owner.name}-`);
    } else if (kind === "EndpointSlice" && metadata.generateName !== undefined) {
      this.#name(object, `${metadata.labels?.["kubernetes.io/service-name"]}.slice`);
    }
    this.#value(metadata.uid, `uid(${this.nameOf(object)})`);
  }

  nameOf(object: KubeObject): string {
    return this.#names.get(object.metadata.uid) ?? object.metadata.name;
  }

  /** The real name behind a name of the capture. */
  real(name: string, objects: readonly KubeObject[]): KubeObject | undefined {
    return objects.find((object) => this.nameOf(object) === name);
  }

  /** Everything generated in a text replaced. */
  text(text: string): string {
    this.#longestFirst ??= [...this.#values].sort(([a], [b]) => b.length - a.length);
    let replaced = text;
    for (const [value, name] of this.#longestFirst) replaced = replaced.replaceAll(value, name);
    return replaced;
  }

  #name(object: KubeObject, prefix: string): void {
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    const name = `${prefix}${count}`;
    this.#names.set(object.metadata.uid, name);
    this.#value(object.metadata.name, name);
  }

  #value(value: string, name: string): void {
    if (value === "" || this.#values.get(value) === name) return;
    this.#values.set(value, name);
    this.#longestFirst = undefined;
  }
}

const ownerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find(({ controller }) => controller === true);

const some = <T extends object>(value: T | undefined): T | undefined => (value && Object.keys(value).length > 0 ? value : undefined);

/** Every object of these kinds, as `Kind/name` -> view. */
export function viewsOf(cluster: ScenarioCluster, namespace: string, kinds: Iterable<string>, names: Names): Record<string, View> {
  const views: Record<string, View> = {};
  for (const kind of kinds) {
    if (kind === "pods") Object.assign(views, counts(cluster, namespace, names, "pods"));
    else if (kind === "podsByNode") Object.assign(views, counts(cluster, namespace, names, "podsByNode"));
    else {
      const resource = storeNames[kind];
      if (!resource) throw new Error(`no view of ${kind}`);
      const isClusterWide = kind === "Node" || kind === "Namespace";
      for (const object of cluster.reader.list(resource, isClusterWide ? undefined : namespace)) {
        if (kind === "Namespace" && object.metadata.name !== namespace) continue;
        views[`${kind}/${names.nameOf(object)}`] = viewOf(object, names);
      }
    }
  }
  return views;
}

function counts(cluster: ScenarioCluster, namespace: string, names: Names, by: "pods" | "podsByNode"): Record<string, View> {
  const groups: Record<string, Record<string, number>> = {};
  for (const pod of cluster.reader.list<Pod>("pods", namespace)) {
    const owner = ownerOf(pod);
    const key = by === "podsByNode" ? (pod.spec.nodeName ?? "") : owner ? names.text(`${owner.kind}/${owner.name}`) : "no owner";
    const group = groups[key] ?? {};
    groups[key] = group;
    const add = (what: string): void => {
      group[what] = (group[what] ?? 0) + 1;
    };
    add("total");
    const isFinal = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
    const isReady = pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    if (pod.metadata.deletionTimestamp !== undefined) add("terminating");
    else if (isFinal) add(pod.status.phase === "Failed" ? "failed" : "succeeded");
    else if (isReady) add("ready");
    else if (pod.status.phase === "Pending") add("pending");
    else add("notReady");
  }
  return { [by]: groups };
}

function viewOf(object: KubeObject, names: Names): View {
  const { metadata } = object;
  const owner = ownerOf(object);
  const view: View = {
    owner: owner && `${owner.kind}/${owner.name}`,
    owners: (metadata.ownerReferences ?? []).map(
      ({ kind, name, controller, blockOwnerDeletion }) =>
        `${kind}/${name}${controller ? " (controller)" : ""}${blockOwnerDeletion ? " (blocks)" : ""}`,
    ),
    labels: some(metadata.labels),
    annotations: some(Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !key.startsWith("kubelet/")))),
    finalizers: metadata.finalizers,
    deleting: metadata.deletionTimestamp === undefined ? undefined : true,
    ...special(object),
  };
  return JSON.parse(names.text(JSON.stringify(view)));
}

const conditionsOf = (object: KubeObject): Record<string, string[]> =>
  Object.fromEntries(
    ((object.status?.conditions ?? []) as { type: string; status: string; reason?: string; message?: string }[]).map(
      ({ type, status, reason = "", message = "" }) => [type, [status, reason, message]],
    ),
  );

function special(object: KubeObject): View {
  switch (object.kind) {
    case "Deployment": {
      const { conditions: _, ...status } = object.status ?? {};
      return {
        replicas: object.spec.replicas,
        generation: object.metadata.generation,
        paused: object.spec.paused,
        status,
        conditions: conditionsOf(object),
        annotations: object.metadata.annotations ?? {},
      };
    }
    case "ReplicaSet": {
      const { conditions: _, observedGeneration: __, ...status } = object.status ?? {};
      return { replicas: object.spec.replicas, status, conditions: some(conditionsOf(object)) };
    }
    case "Pod":
      return podView(object as Pod);
    case "Service":
      return {
        spec: JSON.parse(
          JSON.stringify(object.spec, (key, value) => (key === "nodePort" || key === "healthCheckNodePort" ? "<auto>" : value)),
        ),
        status: object.status,
      };
    case "Endpoints":
      return { subsets: (object.subsets ?? []).map(subsetView) };
    case "EndpointSlice":
      return {
        generateName: object.metadata.generateName,
        addressType: object.addressType,
        ports: object.ports === null ? null : (object.ports ?? null),
        endpoints: (object.endpoints ?? []).map(endpointView),
      };
    case "ConfigMap":
      return {
        data: JSON.parse(
          JSON.stringify(object.data ?? {}, (_, value) => (typeof value === "string" && value.length > 40 ? "<text>" : value)),
        ),
      };
    case "Namespace":
      return { specFinalizers: object.spec.finalizers, phase: object.status.phase, conditions: some(conditionsOf(object)) };
    case "Node":
      return {
        podCIDR: object.spec.podCIDR?.replace(/^10\.244\.\d+\./, "10.244.<n>."),
        unschedulable: object.spec.unschedulable,
        taints: ((object.spec.taints ?? []) as { key: string; value?: string; effect: string }[]).map(
          ({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`,
        ),
        conditions: conditionsOf(object),
      };
    default:
      return {};
  }
}

const everyday = new Set(["PodScheduled", "Initialized", "Ready", "ContainersReady", "PodReadyToStartContainers"]);

function podView(pod: Pod): View {
  const conditions = conditionsOf(pod);
  const ready = conditions.Ready;
  const notable = Object.entries(conditions).filter(
    ([type, [status]]) => !everyday.has(type) || (type === "PodScheduled" && status === "False"),
  );
  return {
    phase: pod.status.phase,
    ready: ready && pod.status.phase !== "Pending" ? ready[0] === "True" : undefined,
    scheduled: pod.spec.nodeName ? true : undefined,
    node: pod.spec.nodeName || undefined,
    nominatedNode: pod.status.nominatedNodeName,
    hostname: pod.spec.hostname,
    subdomain: pod.spec.subdomain,
    readyCondition: ready?.slice(0, 2),
    spec: { serviceAccountName: pod.spec.serviceAccountName, priority: pod.spec.priority },
    tolerations: pod.spec.tolerations,
    deletionGracePeriodSeconds: pod.metadata.deletionGracePeriodSeconds,
    conditions: some(Object.fromEntries(notable)),
  };
}

const reference = (of: { kind?: string; name?: string } | undefined): string | undefined => (of ? `${of.kind}/${of.name}` : undefined);

function subsetView({ addresses = [], notReadyAddresses = [], ports }: any): View {
  const view = ({ ip, hostname, nodeName, targetRef }: any): View => ({ ip, hostname, nodeName, targetRef: reference(targetRef) });
  return {
    addresses: addresses.length === 0 ? undefined : addresses.map(view),
    notReadyAddresses: notReadyAddresses.length === 0 ? undefined : notReadyAddresses.map(view),
    ports,
  };
}

const endpointView = ({ addresses, conditions = {}, hostname, nodeName, targetRef, zone, hints }: any): View => ({
  addresses,
  ...conditions,
  hostname,
  nodeName,
  targetRef: reference(targetRef),
  zone,
  hints,
});
