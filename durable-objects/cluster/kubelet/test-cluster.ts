/**
 * A store, a clock and a controller context in memory: enough of a cluster to run the kubelet by itself in tests. The
 * network answers what the test says.
 */
import type { ControllerContext, DeleteOptions, NewObject } from "../api/controller.ts";
import type { Network, Route, RouteQuery } from "../api/network.ts";
import { type KubeObject, keyOf, type Node, type Pod } from "../api/objects.ts";
import { defaultOptions, type SandboxOptions } from "../api/sandbox-options.ts";
import { SeededRandom } from "../api/seeded-random.ts";
import { timeOf } from "../api/time.ts";
import { Kubelet } from "./kubelet.ts";

export interface ToldEvent {
  about: string;
  type: string;
  reason: string;
  message: string;
}

export const testStart = Date.parse("2026-11-24T10:00:00Z");

export class TestCluster {
  readonly events: ToldEvent[] = [];
  readonly kubelet: Kubelet;
  network: Network = {
    resolve: () => {
      throw new Error("test: no network");
    },
    route: () => {
      throw new Error("test: no network");
    },
  };
  now = testStart;
  readonly options: SandboxOptions;

  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #due = new Map<string, number>();
  readonly #down = new Set<string>();
  #uids = 0;

  constructor(options: Partial<SandboxOptions> = {}) {
    this.options = { ...defaultOptions, ...options };
    this.#context.options = this.options;
    const { list, get, ownedBy, slicesOf } = this.#context;
    this.kubelet = new Kubelet({
      reader: { list, get, ownedBy, slicesOf },
      options: this.options,
      now: () => this.now,
      random: new SeededRandom(1),
      faults: { nodeDownSince: (node) => (this.#down.has(node) ? 0 : undefined), ofContainer: () => undefined, ofLink: () => undefined },
    });
    this.kubelet.connect({ resolve: (query) => this.network.resolve(query), route: (query) => this.network.route(query) });
    for (const [at, { name, ip }] of this.options.nodes.entries()) {
      this.put("nodes", {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name, uid: `node-${at}`, resourceVersion: "1", creationTimestamp: timeOf(this.now) },
        spec: { podCIDR: `10.244.${at}.0/24`, podCIDRs: [`10.244.${at}.0/24`] },
        status: { addresses: [{ type: "InternalIP", address: ip }] },
      } as Node);
    }
  }

  /** A pod bound to a node, as the API server and the scheduler leave it. */
  bind(name: string, spec: Partial<Pod["spec"]>, node = "node-1", namespace = "default"): Pod {
    this.#uids += 1;
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace, uid: `uid-${this.#uids}`, resourceVersion: "1", generation: 1, creationTimestamp: timeOf(this.now) },
      spec: { restartPolicy: "Always", containers: [], ...spec, nodeName: node },
      status: { phase: "Pending", qosClass: "BestEffort" },
    } as Pod;
    this.put("pods", pod);
    this.settle();
    return this.pod(name, namespace);
  }

  pod(name: string, namespace = "default"): Pod {
    const pod = this.find(name, namespace);
    if (!pod) throw new Error(`test: no pod ${namespace}/${name}`);
    return pod;
  }

  find(name: string, namespace = "default"): Pod | undefined {
    return this.#context.get<Pod>("pods", namespace, name);
  }

  put(resource: string, object: KubeObject): void {
    const objects = this.#objects.get(resource) ?? new Map<string, KubeObject>();
    this.#objects.set(resource, objects);
    const before = objects.get(keyOf(object));
    objects.set(keyOf(object), object);
    this.#wake(resource, before, object);
  }

  /** A DELETE of a pod as a client sends it. */
  deletePod(name: string, graceSeconds = 30, namespace = "default"): void {
    const pod = this.pod(name, namespace);
    const deletionTimestamp = timeOf(this.now + graceSeconds * 1000);
    this.put("pods", { ...pod, metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } });
    this.settle();
  }

  /** Moves the clock, working off what is due at its own time. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = [...this.#due].sort(([, a], [, b]) => a - b)[0];
      if (!next || next[1] > until) break;
      this.now = Math.max(this.now, next[1]);
      this.settle();
    }
    this.now = until;
  }

  /** What an eviction leaves: the stored objects, and a kubelet that remembers nothing. Every key is looked at. */
  evicted(): TestCluster {
    const woken = new TestCluster(this.options);
    woken.now = this.now;
    for (const [resource, objects] of this.#objects) for (const object of objects.values()) woken.put(resource, object);
    woken.settle();
    return woken;
  }

  setDown(node: string, isDown: boolean): void {
    if (isDown) this.#down.add(node);
    else this.#down.delete(node);
    for (const pod of this.#context.list<Pod>("pods")) if (pod.spec.nodeName === node) this.#due.set(keyOf(pod), this.now);
    this.settle();
  }

  settle(): void {
    for (;;) {
      const key = [...this.#due].find(([, at]) => at <= this.now)?.[0];
      if (key === undefined) return;
      this.#due.delete(key);
      this.kubelet.podWorker.reconcile(key, this.#context);
    }
  }

  #wake(resource: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    const keys = this.kubelet.podWorker.watches[resource]?.({ before, after }, this.#context) ?? [];
    for (const key of keys) this.#due.set(key, this.now);
  }

  get #context(): ControllerContext {
    return this.#contextOnce;
  }

  readonly #contextOnce: ControllerContext = {
    now: () => this.now,
    random: new SeededRandom(1),
    options: defaultOptions,
    get: <T extends KubeObject>(resource: string, namespace: string | undefined, name: string) =>
      this.#objects.get(resource)?.get(namespace === undefined ? name : `${namespace}/${name}`) as T | undefined,
    list: <T extends KubeObject>(resource: string, namespace?: string) =>
      [...(this.#objects.get(resource)?.values() ?? [])].filter(
        (object) => namespace === undefined || object.metadata.namespace === namespace,
      ) as T[],
    ownedBy: () => [],
    slicesOf: () => [],
    create: (_resource: string, object: NewObject) => {
      throw new Error(`test: the kubelet creates no ${object.kind}`);
    },
    update: (_resource, object) => {
      throw new Error(`test: the kubelet does not update ${object.kind}`);
    },
    updateStatus: (resource, object) => {
      this.put(resource, object);
      return object;
    },
    delete: (resource: string, namespace: string | undefined, name: string, options?: DeleteOptions) => {
      if (options?.gracePeriodSeconds !== 0) throw new Error("test: a kubelet deletes with grace 0");
      const key = namespace === undefined ? name : `${namespace}/${name}`;
      const before = this.#objects.get(resource)?.get(key);
      this.#objects.get(resource)?.delete(key);
      this.#wake(resource, before, undefined);
      return before !== undefined;
    },
    event: (about, type, reason, message) => {
      this.events.push({ about: about.fieldPath ?? about.metadata.name, type, reason, message });
    },
    requeueAt: (key, at) => {
      this.#due.set(key, at);
    },
  };
}

/** A route that a test lets every request take. */
export const routeAs =
  (answer: (query: RouteQuery) => Partial<Route>): Network["route"] =>
  (query) => ({
    verdict: "delivered",
    protocol: query.to.protocol ?? "TCP",
    hops: [],
    candidates: [],
    ...answer(query),
  });
