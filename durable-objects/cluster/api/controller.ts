/**
 * What a controller is: which changes wake it, and what it does for one key. Level-triggered: a key says only "look at
 * this again", so that a missed or repeated change does no harm, and on wake every key is looked at.
 */
import type { Change } from "./change-tracker.ts";
import type { EndpointSlice, KubeObject, ObjectRefLike } from "./objects.ts";
import type { Random } from "./ports.ts";

/**
 * Reads of the store, from memory. A resource is named `services`, `deployments.apps`, `endpointslices.discovery.k8s.io`.
 * Objects are shared and frozen by convention: never change one, make a new one.
 */
export interface Reader {
  get<T extends KubeObject>(resource: string, namespace: string | undefined, name: string): T | undefined;
  /** In key order (namespace, name). Without a namespace: all of them. */
  list<T extends KubeObject>(resource: string, namespace?: string): readonly T[];
  /** Objects whose ownerReferences name this uid, of one resource. */
  ownedBy<T extends KubeObject>(uid: string, resource: string): readonly T[];
  /** EndpointSlices whose label names this Service, whoever manages them. */
  slicesOf(namespace: string, service: string): readonly EndpointSlice[];
}

/** Writes go through the same strategies as a client's (defaults, validation, allocation); they throw `StatusError`. */
export interface Writer {
  create<T extends KubeObject>(resource: string, object: NewObject): T;
  /** Replaces spec and metadata. `resourceVersion` is a precondition when set; `update` and `updateStatus` that change nothing write nothing. */
  update<T extends KubeObject>(resource: string, object: T): T;
  updateStatus<T extends KubeObject>(resource: string, object: T): T;
  /** A DELETE as a client would send it. Deleting what is not there is no error and returns false. */
  delete(resource: string, namespace: string | undefined, name: string, options?: DeleteOptions): boolean;
}

export interface DeleteOptions {
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/** An object before the server has given it uid, resourceVersion and creationTimestamp. */
export interface NewObject {
  apiVersion: string;
  kind: string;
  metadata: Partial<KubeObject["metadata"]>;
  [field: string]: any;
}

export interface ControllerContext extends Reader, Writer {
  /** Cluster time in milliseconds since the epoch. */
  now(): number;
  random: Random;
  options: import("./sandbox-options.ts").SandboxOptions;
  /** Writes or repeats (count + 1, as client-go's recorder does) an Event about an object. `component` as in the capture: `deployment-controller`; `host` the node of a kubelet's. */
  event(about: ObjectRefLike, type: "Normal" | "Warning", reason: string, message: string, component: string, host?: string): void;
  /** Looks at the key again at that time. Not stored: on wake every key is looked at and asks again. */
  requeueAt(key: string, at: number): void;
  /** Since when (cluster time in ms) a node's kubelet has been silent; `undefined`: it renews its lease. Its next change looks at the node again. */
  nodeSilentSince?(node: string): number | undefined;
}

export interface Controller {
  /** As the real one calls itself in events and managedFields: `replicaset-controller`. */
  name: string;
  /** Resource -> the keys that a change of one of its objects wakes. Keys are free text, usually `namespace/name`. */
  watches: Record<string, (change: Change<KubeObject>, read: Reader) => Iterable<string>>;
  /** Keys to look at on wake beyond those of `watches` applied to every stored object; singletons such as the `kubernetes` Service. */
  initialKeys?(): Iterable<string>;
  /** Called on wake, before anything changes: fills memory that follows from what is stored. */
  wake?(context: ControllerContext): void;
  reconcile(key: string, context: ControllerContext): void;
}
