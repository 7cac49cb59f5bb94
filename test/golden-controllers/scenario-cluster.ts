/**
 * What a scenario is played on. `ControllerCluster` is store, API server and controllers with a clock moved by hand and
 * no kubelet, so that a scenario can play the kubelets.
 */
import type { Change } from "../../durable-objects/cluster/api/change-tracker.ts";
import type { ControllerContext, NewObject, Reader } from "../../durable-objects/cluster/api/controller.ts";
import { copy } from "../../durable-objects/cluster/api/copy.ts";
import type { KubeObject, ObjectRefLike, Service } from "../../durable-objects/cluster/api/objects.ts";
import { defaultOptions, type SandboxOptions } from "../../durable-objects/cluster/api/sandbox-options.ts";
import { SeededRandom } from "../../durable-objects/cluster/api/seeded-random.ts";
import { ClusterIPAllocator } from "../../durable-objects/cluster/apiserver/allocators/cluster-ips.ts";
import { NodePortAllocator } from "../../durable-objects/cluster/apiserver/allocators/node-ports.ts";
import { ApiServer } from "../../durable-objects/cluster/apiserver/api-server.ts";
import { applySchemaDefaults } from "../../durable-objects/cluster/apiserver/fields/defaults.ts";
import { resources } from "../../durable-objects/cluster/apiserver/registry.ts";
import { ResourceStore } from "../../durable-objects/cluster/apiserver/resource-store.ts";
import { type ResourceStrategy, resourceName } from "../../durable-objects/cluster/apiserver/resource-strategy.ts";
import { WatchHub } from "../../durable-objects/cluster/apiserver/watch-hub.ts";
import { controllers } from "../../durable-objects/cluster/controllers/controllers.ts";
import { ControllerManager } from "../../durable-objects/cluster/controllers/manager.ts";
import {
  defaultMonitoring,
  type NodeMonitoring,
  silentNodes,
  silentNodesController,
} from "../../durable-objects/cluster/controllers/silent-nodes.ts";
import { EventRecorder } from "../../durable-objects/cluster/event-recorder.ts";
import { MemoryStorage } from "../../durable-objects/cluster/storage/memory-storage.ts";
import { type StoreChange, VersionedStore } from "../../durable-objects/cluster/storage/versioned-store.ts";

export interface Answer {
  code: number;
  body: any;
}

export interface ScenarioCluster {
  readonly reader: Reader;
  /** Every object ever made, as it was when it was made, in that order. */
  readonly born: readonly KubeObject[];
  now(): number;
  /** A request to the API, by an administrator; the controllers have settled when it returns. */
  request(method: string, path: string, body?: unknown, contentType?: string): Answer;
  /** Does several requests before the controllers look. */
  together(work: () => void): void;
  /** Lets time pass; what falls due happens at its own time. */
  advance(ms: number): void;
  nextDueAt(): number | undefined;
  /** The kubelet of a node renews its lease a last time, or goes on. */
  silence(node: string, isSilent: boolean): void;
  isSilent(node: string): boolean;
}

/** Where the clock of a scenario starts. */
export const scenarioStart = Date.parse("2030-01-01T00:00:05Z");

export class ControllerCluster implements ScenarioCluster {
  readonly #store = new VersionedStore(new MemoryStorage());
  readonly #random: SeededRandom;
  readonly #clusterIPs: ClusterIPAllocator;
  readonly #nodePorts: NodePortAllocator;
  readonly #resources: ResourceStore;
  readonly #apiServer: ApiServer;
  readonly #manager: ControllerManager;
  readonly #strategies = new Map<string, ResourceStrategy>();
  readonly #options: SandboxOptions;
  readonly born: KubeObject[] = [];
  readonly #silentSince = new Map<string, number>();
  #now = scenarioStart;
  #isHeld = false;

  constructor(options: Partial<SandboxOptions> = {}, monitoring: NodeMonitoring = defaultMonitoring) {
    this.#options = { ...defaultOptions, loadBalancer: "none", ...options };
    this.#random = new SeededRandom(this.#options.seed);
    this.#clusterIPs = new ClusterIPAllocator(this.#options.serviceCIDR);
    this.#nodePorts = new NodePortAllocator(this.#options.nodePortRange);
    const now = (): number => this.#now;
    this.#resources = new ResourceStore(this.#store, {
      get: (...of) => this.#store.get(...of),
      list: (...of) => this.#store.list(...of),
      ownedBy: (...of) => this.#store.ownedBy(...of),
      slicesOf: (...of) => this.#store.slicesOf(...of),
      now,
      random: this.#random,
      options: this.#options,
      clusterIPs: this.#clusterIPs,
      nodePorts: this.#nodePorts,
    });
    for (const of of resources) if (!this.#strategies.has(resourceName(of))) this.#strategies.set(resourceName(of), of);
    this.#apiServer = new ApiServer({
      store: this.#store,
      resources: this.#resources,
      watches: new WatchHub(),
      strategies: resources,
      now,
    });
    const all = controllers.map((controller) => (controller === silentNodesController ? silentNodes(monitoring) : controller));
    this.#manager = new ControllerManager(all, (controller, requeueAt) => ({ ...this.#contextFor(controller.name), requeueAt }));
    this.#store.onChange = (change) => this.#observe(change);
    for (const name of ["default", "kube-system"]) {
      this.#contextFor("birth").create("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    this.#manager.enqueueAll();
    this.#settle();
  }

  get reader(): Reader {
    return this.#store;
  }

  now(): number {
    return this.#now;
  }

  nextDueAt(): number | undefined {
    return this.#manager.nextDueAt();
  }

  silence(node: string, isSilent: boolean): void {
    if (isSilent) this.#silentSince.set(node, this.#now);
    else this.#silentSince.delete(node);
    const after = this.#store.get<KubeObject>("nodes", undefined, node);
    if (after) this.#manager.observe("nodes", { before: undefined, after });
    this.#settle();
  }

  isSilent(node: string): boolean {
    return this.#silentSince.has(node);
  }

  request(method: string, path: string, body?: unknown, contentType = "application/json"): Answer {
    const [route = "", query = ""] = path.split("?");
    const response = this.#apiServer.handle({
      method,
      path: route,
      query: new URLSearchParams(query),
      contentType,
      body: body === undefined ? new Uint8Array() : new TextEncoder().encode(JSON.stringify(body)),
      principal: { user: "admin", groups: ["system:masters"], via: "internal" },
      serverAddress: "localhost:6443",
    });
    this.#settle();
    if (response.kind !== "object") throw new Error(`${method} ${path}: answered with ${response.kind}`);
    return { code: response.code, body: response.body };
  }

  together(work: () => void): void {
    this.#isHeld = true;
    work();
    this.#isHeld = false;
    this.#settle();
  }

  advance(ms: number): void {
    const target = this.#now + ms;
    for (let due = this.#manager.nextDueAt(); due !== undefined && due <= target; due = this.#manager.nextDueAt()) {
      this.#now = Math.max(this.#now, due);
      this.#manager.fireDue(due);
      this.#settle();
    }
    this.#now = target;
  }

  #settle(): void {
    if (this.#isHeld) return;
    for (let turn = 0; this.#manager.drain().more; turn += 1) if (turn > 500) throw new Error("the controllers do not come to rest");
    this.#store.commit();
  }

  #observe({ resource, object, previous, type }: StoreChange): void {
    const change: Change<KubeObject> = {
      before: type === "ADDED" ? undefined : previous,
      after: type === "DELETED" ? undefined : object,
    };
    if (type === "ADDED" && resource !== "events") this.born.push(object);
    if (resource === "services") {
      this.#clusterIPs.observe(change as Change<Service>);
      this.#nodePorts.observe(change as Change<Service>);
    }
    this.#manager.observe(resource, change);
  }

  #contextFor(manager: string): Omit<ControllerContext, "requeueAt"> {
    const options = { manager };
    const strategyOf = (resource: string): ResourceStrategy => {
      const of = this.#strategies.get(resource);
      if (!of) throw new Error(`${manager} writes ${resource}, which is not served`);
      return of;
    };
    const currentOf = (resource: string, { metadata }: KubeObject): KubeObject =>
      this.#resources.get(strategyOf(resource), metadata.namespace ?? "", metadata.name);
    const context: Omit<ControllerContext, "requeueAt" | "event"> = {
      get: (...of) => this.#store.get(...of),
      list: (...of) => this.#store.list(...of),
      ownedBy: (...of) => this.#store.ownedBy(...of),
      slicesOf: (...of) => this.#store.slicesOf(...of),
      now: () => this.#now,
      random: this.#random,
      options: this.#options,
      nodeSilentSince: (node) => this.#silentSince.get(node),
      create: <T extends KubeObject>(resource: string, object: NewObject): T => {
        const own = copy(object);
        applySchemaDefaults(strategyOf(resource), own);
        strategyOf(resource).applyDefaults?.(own as KubeObject);
        return this.#resources.create(strategyOf(resource), own, own.metadata.namespace ?? "", options) as T;
      },
      update: <T extends KubeObject>(resource: string, object: T): T => {
        const current = currentOf(resource, object);
        if (resource === "pods" && !current.spec.nodeName && object.spec.nodeName)
          return this.#resources.bind(strategyOf(resource), current, object.spec.nodeName, options) as T;
        const part = resource === "namespaces" && object.metadata.deletionTimestamp !== undefined ? "finalize" : "main";
        return this.#resources.replace(strategyOf(resource), current, copy(object), part, options) as T;
      },
      updateStatus: <T extends KubeObject>(resource: string, object: T): T =>
        this.#resources.replace(strategyOf(resource), currentOf(resource, object), copy(object), "status", options) as T,
      delete: (resource, namespace, name, how = {}) => {
        if (!this.#store.get(resource, namespace, name)) return false;
        this.#resources.delete(strategyOf(resource), namespace ?? "", name, how);
        return true;
      },
    };
    return { ...context, event: (about: ObjectRefLike, ...said) => this.#events().record(about, ...said) };
  }

  #recorder: EventRecorder | undefined;
  #events(): EventRecorder {
    this.#recorder ??= new EventRecorder(this.#contextFor("event-recorder"));
    return this.#recorder;
  }
}
