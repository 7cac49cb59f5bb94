/**
 * One emulated cluster: wires store, API server, controllers, kubelet, kube-proxy, DNS and network, and gives each
 * request its turn.
 *
 * A turn works off what is due, does the request, lets the controllers settle, commits everything in one transaction,
 * and only then tells watchers. Nothing here is a rule of Kubernetes; those are in the rooms.
 */

import { type Change, ChangeTracker } from "./api/change-tracker.ts";
import type { ControllerContext, DeleteOptions, NewObject, Reader } from "./api/controller.ts";
import { copy } from "./api/copy.ts";
import type { Route, RouteQuery } from "./api/network.ts";
import {
  type ConfigMap,
  type EndpointSlice,
  type KubeObject,
  keyOf,
  type Namespace,
  type Node,
  type ObjectRefLike,
  type Pod,
  type Service,
} from "./api/objects.ts";
import type { Random, Upstream } from "./api/ports.ts";
import { same } from "./api/same.ts";
import type { SandboxOptions } from "./api/sandbox-options.ts";
import { SeededRandom, seedFrom } from "./api/seeded-random.ts";
import { StatusError } from "./api/status-error.ts";
import { ClusterIPAllocator } from "./apiserver/allocators/cluster-ips.ts";
import { NodePortAllocator } from "./apiserver/allocators/node-ports.ts";
import { type ApiRequest, type ApiResponse, ApiServer } from "./apiserver/api-server.ts";
import { applySchemaDefaults } from "./apiserver/fields/defaults.ts";
import { resources } from "./apiserver/registry.ts";
import { ResourceStore } from "./apiserver/resource-store.ts";
import { type ResourceStrategy, resourceName } from "./apiserver/resource-strategy.ts";
import { WatchHub } from "./apiserver/watch-hub.ts";
import { objectsAtBirth } from "./birth.ts";
import { type ClockAnchor, ClusterClock } from "./cluster-clock.ts";
import { controllers } from "./controllers/controllers.ts";
import { ControllerManager } from "./controllers/manager.ts";
import { ClusterDNS } from "./dns/cluster-dns.ts";
import { corefileConfigMap, dnsNamespace } from "./dns/cluster-dns-objects.ts";
import { corefileProblem } from "./dns/corefile-plugins.ts";
import { corefileReporter } from "./dns/corefile-reporter.ts";
import { EventRecorder } from "./event-recorder.ts";
import type { Facts, FormerPod } from "./explain/facts.ts";
import { keepTrace } from "./explain/kept-route.ts";
import { faultReporter } from "./faults/fault-reporter.ts";
import { Faults } from "./faults/faults.ts";
import { KubeProxy } from "./kube-proxy/kube-proxy.ts";
import { Kubelet } from "./kubelet/kubelet.ts";
import { nodeStatusPoster } from "./kubelet/node-status.ts";
import { LivedState, livedLimits } from "./lived-state.ts";
import { addressesOfPod } from "./network/address-book.ts";
import { ClusterNetwork } from "./network/cluster-network.ts";
import { Traces } from "./network/traces.ts";
import type { Storage } from "./storage/storage.ts";
import { historyLimits, type StoreChange, VersionedStore } from "./storage/versioned-store.ts";
import { type Passage, turnLimits } from "./turn.ts";

export interface ClusterPorts {
  storage: Storage;
  upstream: Upstream;
  /** Real time in ms since the epoch. */
  realTime(): number;
  /** Asks for a turn at that real time, because stored state must change then. `undefined`: nothing is due. */
  wakeAt(at: number | undefined): void;
}

/** The name under which the options stand among the settings. */
const optionsSetting = "options";
/** The name under which a held, moved or sped up clock stands among the settings. */
const clockSetting = "clock";
const faultsSetting = "faults";

export class Cluster {
  readonly options: SandboxOptions;
  readonly traces = new Traces();
  readonly watches = new WatchHub();
  readonly kubelet: Kubelet;
  readonly limits = { requestBytes: 3 * 1024 * 1024 } as const;

  readonly #faults: Faults;
  readonly #ports: ClusterPorts;
  readonly #store: VersionedStore;
  readonly #clock: ClusterClock;
  readonly #apiServer: ApiServer;
  readonly #resources: ResourceStore;
  readonly #byResource = new Map<string, ResourceStrategy>();
  readonly #manager: ControllerManager;
  readonly #kubeProxy: KubeProxy;
  readonly #dns: ClusterDNS;
  readonly #network: ClusterNetwork;
  readonly #clusterIPs: ClusterIPAllocator;
  readonly #nodePorts: NodePortAllocator;
  readonly #derived = {
    services: new ChangeTracker<Service>(),
    endpointSlices: new ChangeTracker<EndpointSlice>(),
    nodes: new ChangeTracker<Node>(),
    namespaces: new ChangeTracker<Namespace>(),
    pods: new ChangeTracker<Pod>(sameNames),
    configMaps: new ChangeTracker<ConfigMap>(),
  };
  readonly #lived: LivedState;
  /** Real time at which what was lived is saved; `undefined`: it has not changed. */
  #saveAt: number | undefined;
  readonly #random: TurnRandom;
  #inTurn = false;
  #failed = false;

  /**
   * Wakes a stored cluster, or bears a new one where the storage is empty.
   *
   * @param atBirth options of a new cluster; a stored one keeps its own
   */
  constructor(ports: ClusterPorts, atBirth: SandboxOptions) {
    this.#ports = ports;
    this.#store = new VersionedStore(ports.storage);
    const stored = this.#store.setting(optionsSetting);
    this.options = stored === undefined ? atBirth : (JSON.parse(stored) as SandboxOptions);
    const anchor = this.#store.setting(clockSetting);
    this.#clock = new ClusterClock(
      this.#store.newestChangeAt() ?? ports.realTime(),
      anchor === undefined ? undefined : (JSON.parse(anchor) as ClockAnchor),
    );
    this.#random = new TurnRandom(this.options.seed);
    this.#clusterIPs = new ClusterIPAllocator(this.options.serviceCIDR);
    this.#nodePorts = new NodePortAllocator(this.options.nodePortRange);
    const now = (): number => this.#clock.now();
    this.#resources = new ResourceStore(this.#store, {
      ...readerOf(this.#store),
      now,
      random: this.#random,
      options: this.options,
      clusterIPs: this.#clusterIPs,
      nodePorts: this.#nodePorts,
    });
    for (const of of resources) this.#byResource.set(resourceName(of), this.#byResource.get(resourceName(of)) ?? of);
    this.#apiServer = new ApiServer({ store: this.#store, resources: this.#resources, watches: this.watches, strategies: resources, now });
    this.#kubeProxy = new KubeProxy(this.options);
    this.#dns = new ClusterDNS({ options: this.options, upstream: ports.upstream });
    this.#faults = new Faults({
      reader: this.reader,
      now,
      read: () => this.#store.setting(faultsSetting),
      write: (text) => this.#store.putSetting(faultsSetting, text),
    });
    const faults = this.#faults;
    this.kubelet = new Kubelet({ reader: this.reader, options: this.options, now, random: this.#random, corefileProblem, faults });
    this.#network = new ClusterNetwork({
      kubeProxy: this.#kubeProxy,
      dns: this.#dns,
      machines: this.kubelet.machines,
      linkFault: (node, other) => faults.ofLink(node, other),
      upstream: ports.upstream,
      reader: this.reader,
      options: this.options,
      now,
    });
    this.kubelet.connect({
      resolve: (query) => this.network.resolve(query),
      route: (query) => this.#routeOfPod(query),
      ask: (from, question, server) => this.network.ask(from, question, server),
      rulesOn: (node) => {
        const { proxyMode, ipFamilies } = this.options;
        return { mode: proxyMode, kernel: this.kubeProxy.rulesOf(node, ipFamilies[0] ?? "IPv4", proxyMode).print("kernel") };
      },
    });
    const beside = [corefileReporter, faultReporter, nodeStatusPoster(this.kubelet.machines.nodeUp), this.kubelet.podWorker];
    this.#manager = new ControllerManager([...controllers, ...beside], (controller, requeueAt) => ({
      ...this.#contextFor(controller),
      requeueAt,
    }));
    this.#lived = new LivedState({
      kubelet: this.kubelet,
      network: this.#network,
      dns: this.#dns,
      traces: this.traces,
      now,
      setting: (key) => this.#store.setting(key),
      settingKeys: (prefix) => this.#store.settingKeys(prefix),
      putSetting: (key, value) => this.#store.putSetting(key, value),
    });
    this.kubelet.writtenFiles.onWrite = (container) => this.#fileWritten(container);
    this.#store.onChange = (change) => this.#observe(change);
    if (stored === undefined) this.turn(() => this.#bear());
    else {
      this.#wake();
      this.#lived.restore();
      this.tick();
    }
  }

  // ---- what surfaces use

  now(): number {
    return this.#clock.now();
  }

  get revision(): number {
    return this.#store.revision;
  }

  get reader(): Reader {
    return this.#store;
  }

  get store(): VersionedStore {
    return this.#store;
  }

  /** Up to date with every write so far. */
  get kubeProxy(): KubeProxy {
    this.#syncDerived();
    return this.#kubeProxy;
  }

  get dns(): ClusterDNS {
    this.#syncDerived();
    return this.#dns;
  }

  get network(): ClusterNetwork {
    this.#syncDerived();
    if (!this.#inTurn) this.#saveSoon();
    return this.#network;
  }

  /** What explanations look up, the recent past included. */
  get facts(): Facts {
    return {
      reader: this.reader,
      machines: this.kubelet.machines,
      options: this.options,
      now: this.now(),
      formerPod: (ip) => this.#formerPod(ip),
    };
  }

  /** Answers one request to the Kubernetes API, in a turn of its own. */
  handle(request: ApiRequest): ApiResponse {
    return this.turn(() => this.#apiServer.handle(request));
  }

  /** Where objects of a kind are created: `/apis/apps/v1/namespaces/{ns}/deployments`; `undefined` for a kind nobody serves. */
  collectionPath(apiVersion: string, kind: string, namespace: string): string | undefined {
    const of = resources.find(
      (strategy) =>
        strategy.kind === kind && (strategy.group === "" ? strategy.version : `${strategy.group}/${strategy.version}`) === apiVersion,
    );
    if (!of) return undefined;
    const base = of.group === "" ? `/api/${of.version}` : `/apis/${of.group}/${of.version}`;
    return of.namespaced ? `${base}/namespaces/${encodeURIComponent(namespace)}/${of.plural}` : `${base}/${of.plural}`;
  }

  /** True after a failure that may have left memory and storage apart; the owner drops this cluster and wakes another. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * Runs work as one turn: due events first, controllers after it, one commit, then the watchers.
   * A turn inside a turn is part of it.
   */
  turn<R>(work: () => R): R {
    if (this.#inTurn) return work();
    this.#inTurn = true;
    let isRefused = false;
    try {
      this.#advance(this.#clock.at(this.#ports.realTime()));
      this.#random.reseed(this.#store.revision);
      const before = this.#store.revision;
      let result: R;
      try {
        result = work();
      } catch (error) {
        // What could not be answered and wrote nothing leaves memory as it was.
        isRefused = this.#store.revision === before;
        throw error;
      }
      const { more } = this.#manager.drain(turnLimits.reconciles);
      this.#publish();
      this.#askToWake(more);
      return result;
    } catch (error) {
      if (!(error instanceof StatusError) && !isRefused) this.#failed = true;
      throw error;
    } finally {
      this.#inTurn = false;
    }
  }

  /** A turn without a request: works off what is due. For alarms and timers. */
  tick(): void {
    this.turn(() => {});
  }

  // ---- the clock

  get clock(): Pick<ClusterClock, "held" | "speed"> & { nextDueAt: number | undefined } {
    return { held: this.#clock.held, speed: this.#clock.speed, nextDueAt: this.#manager.nextDueAt() };
  }

  /** Holds the clock, lets it go on, or changes its speed; from this moment on. */
  setClock(how: { held?: boolean; speed?: number }): void {
    this.turn(() => this.#keepClock(how));
  }

  /** Lets cluster time pass at once. */
  advanceClock(ms: number): Passage {
    return this.turn(() => {
      const passage = this.#advance(this.#clock.now() + ms);
      this.#keepClock({});
      return passage;
    });
  }

  // ---- faults

  get faults(): Pick<Faults, "list" | "nodeDownSince" | "ofContainer" | "ofLink"> {
    return this.#faults;
  }

  /** Changes which faults stand; machines and controllers look at everything they could concern. */
  changeFaults<R>(change: (faults: Faults) => R): R {
    return this.turn(() => {
      const result = change(this.#faults);
      this.#lookAtMachines();
      return result;
    });
  }

  #lookAtMachines(): void {
    this.kubelet.forgetListeners();
    for (const resource of ["nodes", "pods"]) {
      for (const object of this.#store.list(resource)) this.#manager.observe(resource, { before: undefined, after: object });
    }
  }

  #keepClock(how: { held?: boolean; speed?: number }): void {
    this.#clock.set(this.#ports.realTime(), how);
    this.#store.putSetting(clockSetting, JSON.stringify(this.#clock.anchor));
  }

  // ---- inside

  /** As far back as the store remembers. */
  #formerPod(ip: string): FormerPod | undefined {
    const change = this.#store
      .changesSince(this.#store.oldestRevision, "pods")
      .findLast(({ type, object }) => type === "DELETED" && addressesOfPod(object as Pod).includes(ip));
    return change && { pod: change.object as Pod, deletedAt: change.at };
  }

  /** A request of a tool or an app in a pod leaves a trace; the kubelet's own probes do not, or they would push out the rest. */
  #routeOfPod(query: RouteQuery): Route {
    const route = this.network.route(query);
    if (query.from.kind === "pod") keepTrace(this.traces, query, route, this.facts);
    return route;
  }

  #bear(): void {
    this.#store.putSetting(optionsSetting, JSON.stringify(this.options));
    const context = this.#contextFor({ name: "kubearium" });
    for (const [resource, object] of objectsAtBirth(this.options, this.#clock.now())) {
      const created = context.create(resource, object);
      // A kubelet posts its node's status after it registered; then the node is no longer held to be not ready.
      if (resource === "nodes") {
        const registered = context.updateStatus<KubeObject>(resource, { ...created, status: object.status });
        const { taints: _, ...spec } = registered.spec;
        context.update(resource, { ...registered, spec });
      }
    }
    this.#manager.enqueueAll();
  }

  #wake(): void {
    for (const [resource, objects] of this.#allObjects()) {
      for (const object of objects) this.#observeDerived({ resource, object, previous: undefined, type: "ADDED" });
    }
    this.#rememberPods();
    this.#manager.enqueueAll();
  }

  /** What the kubelet did before the sleep: from the pods that are there, and the kept past of those that are gone. */
  #rememberPods(): void {
    const { podWorker } = this.kubelet;
    for (const pod of this.#store.list<Pod>("pods")) {
      podWorker.remember(pod, this.#store.writtenAt("pods", pod.metadata.namespace, pod.metadata.name) ?? this.#clock.now());
    }
    for (const { object, previous } of this.#store.changesSince(this.#store.oldestRevision, "pods")) {
      const { podIP } = (object as Pod).status;
      if (podIP !== undefined && podIP !== (previous as Pod | undefined)?.status.podIP) podWorker.rememberAddress(podIP);
    }
  }

  #allObjects(): [resource: string, objects: readonly KubeObject[]][] {
    return this.#store.resourcesInUse().map((resource) => [resource, this.#store.list(resource)]);
  }

  /** Works off due times in order, each at its own time. Beyond the bounds of a turn time jumps, and what is due is looked at once. */
  #advance(target: number): Passage {
    const before = this.#store.revision;
    const writes = (): number => this.#store.revision - before;
    this.#random.reseed(before);
    // What was left over, or everything after a wake: only then is known what is due.
    while (this.#manager.drain(turnLimits.reconciles).more);
    let events = 0;
    let due = this.#manager.nextDueAt();
    for (; due !== undefined && due <= target; due = this.#manager.nextDueAt()) {
      if (events >= turnLimits.dueEvents || writes() >= turnLimits.dueWrites) break;
      this.#clock.moveTo(due);
      this.#fireDue(due);
      events += 1;
    }
    const skipped = due !== undefined && due <= target ? { keys: this.#manager.dueBy(target), fromMs: due } : undefined;
    this.#clock.moveTo(target);
    if (skipped) this.#fireDue(target);
    return { events, writes: writes(), ...(skipped ? { skipped } : {}) };
  }

  /** Seeded anew for each: whether an alarm came for it or a later request found it due makes no difference. */
  #fireDue(at: number): void {
    this.#random.reseed(this.#store.revision);
    this.#manager.fireDue(at);
    this.#manager.drain(turnLimits.reconciles);
  }

  /** Saves at once what was lived, for an owner that is about to let go of this cluster. */
  saveLived(): void {
    this.turn(() => this.#saveLived());
  }

  #saveLived(): void {
    this.#saveAt = undefined;
    if (this.#lived.isDirty) this.#lived.save();
  }

  /** What is used outside a turn may change what is lived after the last look at it. */
  #saveSoon(): void {
    this.#saveAt ??= this.#ports.realTime() + livedLimits.saveAfterMs;
    if (!this.#inTurn) this.#askToWake(false);
  }

  /** A command wrote a file: probes that run commands may find something else now. */
  #fileWritten(run: string): void {
    this.#saveSoon();
    const uid = run.slice(0, run.indexOf("/"));
    const pod = this.#store.list<Pod>("pods").find(({ metadata }) => metadata.uid === uid);
    const asks = pod?.spec.containers.some(
      ({ startupProbe, readinessProbe, livenessProbe }) => startupProbe?.exec ?? readinessProbe?.exec ?? livenessProbe?.exec,
    );
    if (!asks) return;
    this.#manager.observe("pods", { before: undefined, after: pod as KubeObject });
    if (!this.#inTurn) this.#askToWake(true);
  }

  #publish(): void {
    if (this.#saveAt !== undefined && this.#saveAt <= this.#ports.realTime()) this.#saveLived();
    if (this.#store.hasUncommitted) this.#events().removeExpired();
    const changes = this.#store.commit();
    if (changes.length > 0) this.#store.forgetOlderThan(this.#clock.now() - historyLimits.ageMs);
    this.watches.publish(changes);
  }

  #askToWake(more: boolean): void {
    const due = this.#manager.nextDueAt();
    if (this.#lived.isDirty) this.#saveAt ??= this.#ports.realTime() + livedLimits.saveAfterMs;
    const times = [more ? this.#ports.realTime() : undefined, due === undefined ? undefined : this.#clock.realTimeOf(due), this.#saveAt];
    const known = times.filter((at) => at !== undefined);
    this.#ports.wakeAt(known.length === 0 ? undefined : Math.min(...known));
  }

  #observe(change: StoreChange): void {
    this.#observeDerived(change);
    const seen: Change<KubeObject> = {
      before: change.type === "ADDED" ? undefined : change.previous,
      after: change.type === "DELETED" ? undefined : change.object,
    };
    this.#manager.observe(change.resource, seen);
    if (this.#faults.observe(change.resource, seen.before, seen.after)) this.#lookAtMachines();
  }

  #observeDerived({ resource, object, previous, type }: Pick<StoreChange, "resource" | "object" | "previous" | "type">): void {
    const before = type === "ADDED" ? undefined : previous;
    const after = type === "DELETED" ? undefined : object;
    this.#network.observe(resource, { before, after });
    switch (resource) {
      case "services":
        this.#clusterIPs.observe({ before: before as Service | undefined, after: after as Service | undefined });
        this.#nodePorts.observe({ before: before as Service | undefined, after: after as Service | undefined });
        this.#derived.services.record(keyOf(object), before as Service | undefined, after as Service | undefined);
        break;
      case "endpointslices.discovery.k8s.io":
        this.#derived.endpointSlices.record(keyOf(object), before as EndpointSlice | undefined, after as EndpointSlice | undefined);
        break;
      case "nodes":
        this.#derived.nodes.record(keyOf(object), before as Node | undefined, after as Node | undefined);
        break;
      case "namespaces":
        this.#derived.namespaces.record(keyOf(object), before as Namespace | undefined, after as Namespace | undefined);
        break;
      case "pods":
        this.#derived.pods.record(keyOf(object), before as Pod | undefined, after as Pod | undefined);
        break;
      case "configmaps":
        if (object.metadata.namespace !== dnsNamespace || object.metadata.name !== corefileConfigMap) break;
        this.#derived.configMaps.record(keyOf(object), before as ConfigMap | undefined, after as ConfigMap | undefined);
        break;
    }
  }

  /** Brings time, and with it everything derived, up to now, and what is read from it up to the last write. */
  #syncDerived(): void {
    if (!this.#inTurn) this.tick();
    this.#applyDerived();
  }

  #applyDerived(): void {
    const { services, endpointSlices, nodes, namespaces, pods, configMaps } = this.#derived;
    if (services.size + endpointSlices.size + nodes.size + namespaces.size + pods.size + configMaps.size === 0) return;
    const changes = {
      services: [...services.drain().values()],
      endpointSlices: [...endpointSlices.drain().values()],
      nodes: [...nodes.drain().values()],
      namespaces: [...namespaces.drain().values()],
      pods: [...pods.drain().values()],
      configMaps: [...configMaps.drain().values()],
    };
    this.#kubeProxy.apply(changes);
    this.#dns.apply({ ...changes, at: this.#clock.now() });
    this.#lived.restoreAnswers();
  }

  #contextFor(controller: { name: string }): Omit<ControllerContext, "requeueAt"> {
    const options = { manager: programOf(controller.name) };
    const strategyOf = (resource: string): ResourceStrategy => {
      const of = this.#byResource.get(resource);
      if (!of) throw new Error(`cluster: ${controller.name} writes ${resource}, which is not served`);
      return of;
    };
    const context = {
      ...readerOf(this.#store),
      now: () => this.#clock.now(),
      random: this.#random,
      options: this.options,
      nodeSilentSince: (node: string) => this.#faults.nodeDownSince(node),
      create: <T extends KubeObject>(resource: string, object: NewObject): T => {
        const of = strategyOf(resource);
        const own = copy(object);
        applySchemaDefaults(of, own);
        of.applyDefaults?.(own as KubeObject);
        return this.#resources.create(of, own, own.metadata.namespace ?? "", options) as T;
      },
      update: <T extends KubeObject>(resource: string, object: T): T => {
        const of = strategyOf(resource);
        const current = this.#resources.get(of, object.metadata.namespace ?? "", object.metadata.name);
        // The scheduler's binding: the one way a pod gets its node.
        if (resource === "pods" && !current.spec.nodeName && object.spec.nodeName)
          return this.#resources.bind(of, current, object.spec.nodeName, options) as T;
        const part = resource === "namespaces" && !same(object.spec?.finalizers, current.spec?.finalizers) ? "finalize" : "main";
        return this.#resources.replace(of, current, copy(object), part, options) as T;
      },
      updateStatus: <T extends KubeObject>(resource: string, object: T): T => {
        const of = strategyOf(resource);
        const current = this.#resources.get(of, object.metadata.namespace ?? "", object.metadata.name);
        return this.#resources.replace(of, current, copy(object), "status", options) as T;
      },
      delete: (resource: string, namespace: string | undefined, name: string, how: DeleteOptions = {}): boolean => {
        if (!this.#store.get(resource, namespace, name)) return false;
        this.#resources.delete(strategyOf(resource), namespace ?? "", name, how);
        return true;
      },
    };
    return { ...context, event: (about: ObjectRefLike, ...said) => this.#events().record(about, ...said) };
  }

  #recorder: EventRecorder | undefined;
  #events(): EventRecorder {
    this.#recorder ??= new EventRecorder(this.#contextFor({ name: "event-recorder" }));
    return this.#recorder;
  }
}

/** The program that a controller is part of: the manager of what it writes. */
function programOf(controller: string): string {
  switch (controller) {
    case "kubelet":
    case "kube-apiserver":
      return controller;
    case "default-scheduler":
      return "kube-scheduler";
    default:
      return "kube-controller-manager";
  }
}

/** Whether two states of a pod are the same to DNS: its addresses, and whether it is there to stay. */
const sameNames = (a: Pod | undefined, b: Pod | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  a.status?.phase === b.status?.phase &&
  same(a.status?.podIPs, b.status?.podIPs);

const readerOf = (store: VersionedStore): Reader => ({
  get: (resource, namespace, name) => store.get(resource, namespace, name),
  list: (resource, namespace) => store.list(resource, namespace),
  ownedBy: (uid, resource) => store.ownedBy(uid, resource),
  slicesOf: (namespace, service) => store.slicesOf(namespace, service),
});

/**
 * The sandbox's chance. Seeded anew for each turn from the sandbox's seed and the revision, so that an eviction between
 * two requests changes nothing.
 */
class TurnRandom implements Random {
  readonly #seed: number;
  #random: SeededRandom;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
  }

  reseed(revision: number): void {
    this.#random = new SeededRandom(seedFrom(String(revision), this.#seed));
  }

  next(): number {
    return this.#random.next();
  }

  int(below: number): number {
    return this.#random.int(below);
  }
}
