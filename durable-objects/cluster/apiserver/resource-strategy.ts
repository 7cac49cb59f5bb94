/**
 * What one kind brings to the API server: its names, what code (not the schema) fills in, what is refused, what a
 * Table shows. One file a kind under `resources/`, one line in `registry.ts`.
 *
 * @see https://github.com/kubernetes/kubernetes/tree/master/pkg/registry (the same split: strategy and storage)
 */
import type { Principal } from "../access/principal.ts";
import type { Reader } from "../api/controller.ts";
import type { FieldError } from "../api/field-error.ts";
import { type KubeObject, qualifiedResource } from "../api/objects.ts";
import type { Random } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import type { ClusterIPAllocator } from "./allocators/cluster-ips.ts";
import type { NodePortAllocator } from "./allocators/node-ports.ts";

/** What strategies may look at while they decide. */
export interface StrategyContext extends Reader {
  /** Cluster time in milliseconds since the epoch. */
  now(): number;
  random: Random;
  options: SandboxOptions;
  clusterIPs: ClusterIPAllocator;
  nodePorts: NodePortAllocator;
  dryRun: boolean;
  /** Set while a write goes through a subresource other than `status`: `resize`, `ephemeralcontainers`, `finalize`. */
  subresource?: Subresource;
}

export type Subresource =
  | "status"
  | "scale"
  | "binding"
  | "eviction"
  | "log"
  | "exec"
  | "attach"
  | "portforward"
  | "proxy"
  | "finalize"
  | "token"
  | "approval"
  | "ephemeralcontainers"
  | "resize";

export interface Column<T> {
  name: string;
  type?: "string" | "integer" | "date" | "boolean";
  format?: string;
  /** Above 0: only with `-o wide`. */
  priority?: number;
  cell(object: T, context: { now: number }): string | number | boolean | null;
}

export interface ResourceStrategy<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames?: readonly string[];
  categories?: readonly string[];
  namespaced: boolean;
  subresources: readonly Subresource[];

  /**
   * Defaults that code sets and the schema does not name. Runs after decoding, on create, update, patch and on what an
   * apply makes; the object belongs to the callee, which changes it in place.
   */
  applyDefaults?(object: T): void;
  /** Clears what a client may not set (status), allocates. In place; throws `StatusError` where admission would (quota, missing service account). */
  prepareForCreate?(object: T, context: StrategyContext): void;
  /** The same on PUT and PATCH of the main resource; status is already the previous one's. */
  prepareForUpdate?(next: T, previous: T, context: StrategyContext): void;
  /** On PUT and PATCH of `/status`; everything but status (and metadata that may change) is already the previous one's. */
  prepareForStatusUpdate?(next: T, previous: T, context: StrategyContext): void;
  /** All mistakes at once, in the server's order; metadata is checked by the API server itself. */
  validate(object: T, context: StrategyContext): FieldError[];
  validateUpdate?(next: T, previous: T, context: StrategyContext): FieldError[];
  validateStatusUpdate?(next: T, previous: T, context: StrategyContext): FieldError[];
  /** Texts for `Warning` headers. */
  warnings?(object: T, previous: T | undefined): string[];
  /** Set where another group serves the same objects: events.k8s.io stores its events as `events`. */
  storedAs?: string;
  /** Reads a stored object of the other group as this one; needed where the fields differ. */
  fromStored?(object: KubeObject): KubeObject;
  /** The `Warning` of every request to a deprecated API. */
  deprecation?: string;
  /** Nothing acts on objects of this kind. */
  storedOnly?: boolean;
  /** What may be done with it, where that is not everything. */
  verbs?: readonly string[];
  /** POST is answered with this and nothing is stored: reviews of access. The object belongs to the callee. */
  answer?(object: T, asked: { principal: Principal; namespace: string; now: number }): KubeObject;
  /** DELETE on the collection is not served (namespaces). */
  noDeleteCollection?: boolean;
  /** PUT to a name that is not there creates it (Endpoints, Lease, Event). */
  allowCreateOnUpdate?: boolean;
  /** PUT without a resourceVersion is refused (Lease). */
  requiresResourceVersion?: boolean;
  /** DELETE answers with the object, not with a Status, although it is gone (pods, services, service accounts). */
  returnsDeletedObject?: boolean;
  /** How names are checked: default `dns-subdomain`. */
  nameRule?: "dns-subdomain" | "dns-label" | "dns1035-label" | "path-segment";
  /** True: `metadata.generation` starts at 1 and rises when spec changes. */
  hasGeneration?: boolean;
  /** Seconds of grace for a DELETE; undefined: gone at once. Pods only. */
  gracefulDeletion?(object: T, requestedSeconds: number | undefined): number;
  /** What a plain DELETE does with dependents. Default `Background`. */
  defaultPropagation?: "Background" | "Orphan";
  /** Refuses a deletion that kube-apiserver refuses (namespaces default, kube-system). */
  beforeDelete?(object: T, context: StrategyContext): void;
  /** Field selectors beyond metadata.name and metadata.namespace: `status.phase` -> value. */
  selectableFields?: Record<string, (object: T) => string>;
  columns: readonly Column<T>[];
}

/** Where objects of this kind live in the store: `deployments.apps`. Two versions or groups of one kind share it. */
export const resourceName = (of: Pick<ResourceStrategy, "group" | "plural" | "storedAs">): string =>
  of.storedAs ?? qualifiedResource({ group: of.group, resource: of.plural });

/** Keeps the types of a strategy's own kind while the registry holds them all. */
export const strategy = <T extends KubeObject>(of: ResourceStrategy<T>): ResourceStrategy => of as unknown as ResourceStrategy;
