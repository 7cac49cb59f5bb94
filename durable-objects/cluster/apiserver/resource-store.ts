/**
 * Create, update and delete one object of any kind: what kube-apiserver's generic registry does around a kind's
 * strategy – names, uids, times, generations, preconditions, finalizers, grace.
 *
 * Works on decoded objects; bytes and HTTP are `api-server.ts`. Controllers write through here too.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/
 */
import type { DeleteOptions, NewObject } from "../api/controller.ts";
import { type FieldError, invalid, invalidObject } from "../api/field-error.ts";
import type { KubeObject } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { nameSuffix, uuid } from "../api/seeded-random.ts";
import { alreadyExists, badRequest, conflict, failure, forbidden, notFound, StatusError } from "../api/status-error.ts";
import { msOf, timeOf } from "../api/time.ts";
import type { VersionedStore } from "../storage/versioned-store.ts";
import { storedForm } from "./fields/encode.ts";
import { recordManagedFields } from "./fields/managed-fields.ts";
import { type ResourceStrategy, resourceName, type StrategyContext, type Subresource } from "./resource-strategy.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./validation/object-meta.ts";

/** Who writes, and whether it is only tried. */
export interface WriteOptions {
  dryRun?: boolean;
  /** Field manager for managedFields. */
  manager: string;
  /** An apply brings its own managedFields. */
  keepManagedFields?: boolean;
  /** Where the write went, other than to the object itself and its status: `resize`, `ephemeralcontainers`. */
  subresource?: Subresource;
}

/** Which part of the object a PUT or PATCH may change. `finalize`: the finalizers in a namespace's spec, and nothing else. */
export type WritePart = "main" | "status" | "finalize";

export interface Deleted {
  object: KubeObject;
  /** False while finalizers or grace hold it. */
  gone: boolean;
}

export class ResourceStore {
  readonly #store: VersionedStore;
  readonly #context: Omit<StrategyContext, "dryRun">;
  #dryRunContext: StrategyContext;
  #realContext: StrategyContext;

  constructor(store: VersionedStore, context: Omit<StrategyContext, "dryRun">) {
    this.#store = store;
    this.#context = context;
    this.#realContext = { ...context, dryRun: false };
    this.#dryRunContext = { ...context, dryRun: true };
  }

  get(of: ResourceStrategy, namespace: string, name: string): KubeObject {
    const object = this.#store.get(resourceName(of), of.namespaced ? namespace : undefined, name);
    if (!object) throw notFound({ group: of.group, resource: of.plural }, name);
    return object;
  }

  /**
   * Stores a new object.
   *
   * @param object decoded, with defaults; it belongs to the callee from here on
   * @throws StatusError 400, 403, 404, 409, 422 as kube-apiserver
   */
  create(of: ResourceStrategy, object: NewObject, namespace: string, options: WriteOptions): KubeObject {
    const { now, random } = this.#context;
    const metadata = object.metadata;
    if (of.namespaced) {
      metadata.namespace = namespaceFor(metadata.namespace, namespace);
      this.#admitToNamespace(of, object, namespace);
    } else {
      if (metadata.namespace !== undefined && metadata.namespace !== "")
        throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
      delete metadata.namespace;
    }
    if (options.keepManagedFields) delete metadata.resourceVersion;
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== "" && !options.dryRun) {
      throw failure(500, undefined, "resourceVersion should not be set on objects to be created");
    }
    if (metadata.resourceVersion === "") delete metadata.resourceVersion;
    const generated = !metadata.name && metadata.generateName !== undefined && metadata.generateName !== "";
    if (generated) metadata.name = this.#unusedName(of, metadata.generateName as string, metadata.namespace);
    if (metadata.generateName === "") delete metadata.generateName;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete (metadata as Record<string, unknown>).selfLink;
    if (of.hasGeneration) metadata.generation = 1;
    metadata.uid = uuid(random);
    metadata.creationTimestamp = timeOf(now());
    const created = object as KubeObject;
    const context = options.dryRun ? this.#dryRunContext : this.#realContext;
    const gr = { group: of.group, resource: of.plural };
    if (this.#store.get(resourceName(of), created.metadata.namespace, created.metadata.name ?? "")) {
      // What is there already is found only by the write itself, after validation; allocations must not run for it.
      this.#refuseInvalid(of, created, [...validateObjectMeta(metadata as KubeObject["metadata"], of)]);
      throw alreadyExists(gr, created.metadata.name);
    }
    if (!options.keepManagedFields) this.#noteOwnership(undefined, created, "main", options);
    of.prepareForCreate?.(created, context);
    this.#refuseInvalid(of, created, [...validateObjectMeta(created.metadata, of), ...of.validate(created, context)]);
    // Its place among the members; the store puts in the real one.
    if (!options.dryRun) metadata.resourceVersion = "0";
    const stored = storedForm(of, created);
    return options.dryRun ? stored : this.#store.put(resourceName(of), stored, now());
  }

  /**
   * Replaces an object, or only its status.
   *
   * @param change makes the next state from the current one; it may throw, and must not change the current one
   * @throws StatusError 404, 409 on a stale `resourceVersion` or another uid, 422
   */
  update(
    of: ResourceStrategy,
    namespace: string,
    name: string,
    part: WritePart,
    change: (current: KubeObject) => KubeObject,
    options: WriteOptions,
  ): KubeObject {
    const current = this.get(of, namespace, name);
    return this.replace(of, current, change(current), part, options);
  }

  /** The second half of `update`, for callers that have both states. */
  replace(of: ResourceStrategy, current: KubeObject, wanted: KubeObject, part: WritePart, options: WriteOptions): KubeObject {
    const gr = { group: of.group, resource: of.plural };
    const { name } = current.metadata;
    const { now } = this.#context;
    if (of.requiresResourceVersion && !wanted.metadata.resourceVersion) {
      const missing = invalid("metadata.resourceVersion", 0, "must be specified for an update");
      throw invalidObject({ group: of.group, kind: of.plural }, name, [missing]);
    }
    refuseStale(gr, current, wanted);
    if (isUnchanged(current, wanted)) return current;
    const sent: KubeObject = { ...wanted, metadata: { ...wanted.metadata } };
    if (!options.keepManagedFields) this.#noteOwnership(current, sent, part, options);
    const next = partTaken(part, current, sent);
    keepSystemMetadata(next, current);
    const context = this.#contextFor(part === "finalize" ? { ...options, subresource: "finalize" } : options);
    if (part === "main") {
      if (of.subresources.includes("status") && "status" in current) next.status = current.status;
      of.prepareForUpdate?.(next, current, context);
      if (of.hasGeneration && !same(next.spec, current.spec)) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
    } else if (part === "status") of.prepareForStatusUpdate?.(next, current, context);
    const strategyErrors = errorsOf(of, part, next, current, context);
    this.#refuseInvalid(of, next, [...validateObjectMetaUpdate(next.metadata, current.metadata, of), ...strategyErrors]);
    const stored = storedForm(of, next);
    if (same(stored, current)) return current;
    if (options.dryRun) return stored;
    if (isReleased(stored)) return this.#store.remove(resourceName(of), stored, now());
    return this.#store.put(resourceName(of), stored, now());
  }

  /** Before strategies put back or allocate anything: what they do has no owner. */
  #noteOwnership(current: KubeObject | undefined, sent: KubeObject, part: WritePart, options: WriteOptions): void {
    if (part === "finalize") return;
    if (sent.metadata.managedFields === undefined && current?.metadata.managedFields !== undefined) {
      sent.metadata.managedFields = current.metadata.managedFields;
    }
    const subresource = part === "status" ? "status" : options.subresource;
    recordManagedFields(current, sent, {
      manager: options.manager,
      operation: "Update",
      now: timeOf(this.#context.now()),
      ...(subresource === undefined ? {} : { subresource }),
    });
  }

  #contextFor({ dryRun, subresource }: Pick<WriteOptions, "dryRun" | "subresource">): StrategyContext {
    const context = dryRun ? this.#dryRunContext : this.#realContext;
    return subresource === undefined ? context : { ...context, subresource };
  }

  /**
   * Deletes an object, or marks it as being deleted while finalizers or grace hold it.
   *
   * @throws StatusError 404, 409 where a precondition fails, 403 where the kind refuses
   */
  delete(of: ResourceStrategy, namespace: string, name: string, options: DeleteOptions & { dryRun?: boolean }): Deleted {
    const current = this.get(of, namespace, name);
    const { now } = this.#context;
    refusePreconditions(of, current, options);
    of.beforeDelete?.(current, this.#realContext);
    const wasMarked = current.metadata.deletionTimestamp !== undefined;
    const grace = graceFor(of, current, options.gracePeriodSeconds);
    const finalizers = finalizersFor(of, current, options.propagationPolicy);
    const isHeld = finalizers.length > 0 || grace > 0 || holdsNamespaceContent(current);
    if (!isHeld) {
      if (options.dryRun) return { object: current, gone: true };
      return { object: this.#store.remove(resourceName(of), current, now()), gone: true };
    }
    const metadata = { ...current.metadata };
    if (finalizers.length > 0) metadata.finalizers = finalizers;
    else delete metadata.finalizers;
    if (!wasMarked) {
      metadata.deletionTimestamp = timeOf(now() + grace * 1000);
      metadata.deletionGracePeriodSeconds = grace;
      if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation += 1;
    } else if (of.gracefulDeletion && grace < (metadata.deletionGracePeriodSeconds ?? 0)) {
      const asked = (msOf(metadata.deletionTimestamp) as number) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
      metadata.deletionTimestamp = timeOf(asked + grace * 1000);
      metadata.deletionGracePeriodSeconds = grace;
    }
    let marked: KubeObject = { ...current, metadata };
    if (current.kind === "Namespace" && current.apiVersion === "v1")
      marked = { ...marked, status: { ...current.status, phase: "Terminating" } };
    if (same(marked, current)) return { object: current, gone: false };
    const stored = storedForm(of, marked);
    return { object: options.dryRun ? stored : this.#store.put(resourceName(of), stored, now()), gone: false };
  }

  /** Gives a pod its node and the PodScheduled condition: the one way `spec.nodeName` is set after creation. */
  bind(of: ResourceStrategy, pod: KubeObject, nodeName: string, options: WriteOptions): KubeObject {
    const { now } = this.#context;
    const others = ((pod.status?.conditions ?? []) as { type: string }[]).filter(({ type }) => type !== "PodScheduled");
    const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: timeOf(now()) };
    const bound = storedForm(of, {
      ...pod,
      metadata: { ...pod.metadata },
      spec: { ...pod.spec, nodeName },
      status: { ...pod.status, conditions: [...others, scheduled] },
    });
    return options.dryRun ? bound : this.#store.put(resourceName(of), bound, now());
  }

  #refuseInvalid(of: ResourceStrategy, object: KubeObject, errors: readonly FieldError[]): void {
    if (errors.length > 0) throw invalidObject({ group: of.group, kind: of.kind }, object.metadata.name ?? "", errors);
  }

  /** The NamespaceLifecycle admission: the namespace must exist and not be going. */
  #admitToNamespace(of: ResourceStrategy, object: NewObject, namespace: string): void {
    const found = this.#store.get("namespaces", undefined, namespace);
    if (!found) throw notFound({ group: "", resource: "namespaces" }, namespace);
    if (found.metadata.deletionTimestamp === undefined) return;
    const refusal = forbidden(
      { group: of.group, resource: of.plural },
      object.metadata.name ?? "",
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
    refusal.status.details = {
      ...refusal.status.details,
      causes: [{ reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" }],
    };
    throw refusal;
  }

  #unusedName(of: ResourceStrategy, prefix: string, namespace: string | undefined): string {
    // 58 characters of the prefix are kept, so that the name fits in 63.
    const base = prefix.slice(0, 58);
    for (;;) {
      const name = `${base}${nameSuffix(this.#context.random)}`;
      if (!this.#store.get(resourceName(of), namespace, name)) return name;
    }
  }
}

function namespaceFor(ofObject: string | undefined, ofRequest: string): string {
  if (ofObject === undefined || ofObject === "" || ofObject === ofRequest) return ofRequest;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** A PUT that names a uid means that object and no later one of its name. @throws StatusError 409 */
export function refuseOtherUID(of: ResourceStrategy, current: KubeObject, { uid }: Partial<KubeObject["metadata"]>): void {
  if (uid === undefined || uid === "" || uid === current.metadata.uid) return;
  const { namespace, name } = current.metadata;
  const key = ["", ...(of.group === "" ? [] : [of.group]), of.plural, ...(namespace === undefined ? [] : [namespace]), name].join("/");
  throw conflict(
    { group: of.group, resource: of.plural },
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
  );
}

function refuseStale(gr: { group: string; resource: string }, current: KubeObject, wanted: KubeObject): void {
  const { resourceVersion } = wanted.metadata;
  if (resourceVersion === undefined || resourceVersion === "" || resourceVersion === current.metadata.resourceVersion) return;
  if (!/^\d+$/.test(resourceVersion)) {
    throw failure(500, undefined, `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`);
  }
  if (resourceVersion === "0") return;
  throw conflict(gr, current.metadata.name, "the object has been modified; please apply your changes to the latest version and try again");
}

function refusePreconditions(of: ResourceStrategy, current: KubeObject, { uid, resourceVersion }: DeleteOptions): void {
  const fail = (message: string): StatusError => {
    const error = conflict({ group: of.group, resource: of.kind }, current.metadata.name, message);
    return new StatusError({
      ...error.status,
      message: `Operation cannot be fulfilled on ${of.kind}${of.group === "" ? "" : `.${of.group}`} "${current.metadata.name}": ${message}`,
    });
  };
  if (uid !== undefined && uid !== current.metadata.uid) {
    throw fail(
      `the UID in the precondition (${uid}) does not match the UID in record (${current.metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion) {
    throw fail(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${current.metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/** What a client need not send; what it may not change is refused later. */
function keepSystemMetadata(next: KubeObject, current: KubeObject): void {
  const { metadata } = next;
  metadata.uid = metadata.uid === undefined || metadata.uid === "" ? current.metadata.uid : metadata.uid;
  metadata.resourceVersion = current.metadata.resourceVersion;
  if (metadata.name === undefined || metadata.name === "") metadata.name = current.metadata.name;
  if (metadata.namespace === undefined && current.metadata.namespace !== undefined) metadata.namespace = current.metadata.namespace;
  copyOrRemove(metadata, current.metadata, "creationTimestamp");
  for (const key of ["deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (metadata[key] === undefined || metadata[key] === null) copyOrRemove(metadata, current.metadata, key);
  }
  copyOrRemove(metadata, current.metadata, "generation");
}

function copyOrRemove<K extends keyof KubeObject["metadata"]>(to: KubeObject["metadata"], from: KubeObject["metadata"], key: K): void {
  if (from[key] === undefined) delete to[key];
  else to[key] = from[key];
}

function errorsOf(of: ResourceStrategy, part: WritePart, next: KubeObject, current: KubeObject, context: StrategyContext): FieldError[] {
  switch (part) {
    case "main":
      return of.validateUpdate?.(next, current, context) ?? of.validate(next, context);
    case "status":
      return of.validateStatusUpdate?.(next, current, context) ?? [];
    case "finalize":
      return [];
    default:
      return part satisfies never;
  }
}

function partTaken(part: WritePart, current: KubeObject, wanted: KubeObject): KubeObject {
  switch (part) {
    case "main":
      return { ...wanted, metadata: { ...wanted.metadata } };
    case "status":
      return withStatusOf(current, wanted);
    case "finalize": {
      const { finalizers: _, ...spec } = current.spec ?? {};
      const finalizers = (wanted.spec?.finalizers ?? []) as string[];
      const { uid, resourceVersion } = wanted.metadata;
      return {
        ...current,
        metadata: { ...current.metadata, uid, resourceVersion },
        spec: finalizers.length === 0 ? spec : { ...spec, finalizers },
      };
    }
    default:
      return part satisfies never;
  }
}

/** A status write changes status, and of the metadata only what a status write may. */
function withStatusOf(current: KubeObject, wanted: KubeObject): KubeObject {
  const next: KubeObject = {
    ...current,
    metadata: { ...current.metadata, uid: wanted.metadata.uid, resourceVersion: wanted.metadata.resourceVersion },
  };
  for (const key of ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"] as const)
    copyOrRemove(next.metadata, wanted.metadata, key);
  if (wanted.status === undefined) delete next.status;
  else next.status = wanted.status;
  return next;
}

function graceFor(of: ResourceStrategy, object: KubeObject, requested: number | undefined): number {
  return of.gracefulDeletion ? Math.max(0, of.gracefulDeletion(object, requested)) : 0;
}

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** The finalizers a DELETE leaves on the object: propagation is asked of the garbage collector through them. */
function finalizersFor(of: ResourceStrategy, object: KubeObject, policy: DeleteOptions["propagationPolicy"]): string[] {
  const present = object.metadata.finalizers ?? [];
  const others = present.filter((finalizer) => finalizer !== orphan && finalizer !== foreground);
  switch (policy) {
    case "Orphan":
      return [...others, orphan];
    case "Foreground":
      return [...others, foreground];
    case "Background":
      return others;
    default:
      if (present.includes(orphan) || present.includes(foreground)) return present;
      return of.defaultPropagation === "Orphan" ? [...present, orphan] : present;
  }
}

const holdsNamespaceContent = (object: KubeObject): boolean =>
  object.kind === "Namespace" && object.apiVersion === "v1" && ((object.spec?.finalizers as string[] | undefined)?.length ?? 0) > 0;

/** An object that is being deleted and that nothing holds any more is removed by the write that let go of it. */
const isReleased = (object: KubeObject): boolean =>
  object.metadata.deletionTimestamp !== undefined &&
  (object.metadata.finalizers?.length ?? 0) === 0 &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  !holdsNamespaceContent(object);

/** True where a write would change nothing, so that nothing has to be worked out. */
function isUnchanged(current: KubeObject, wanted: KubeObject): boolean {
  if (wanted === current) return true;
  const { resourceVersion: _, managedFields, ...metadata } = wanted.metadata;
  if (managedFields !== undefined && !same(managedFields, current.metadata.managedFields)) return false;
  const { resourceVersion: __, managedFields: ___, ...kept } = current.metadata;
  return same(metadata, kept) && same({ ...wanted, metadata: null }, { ...current, metadata: null });
}
