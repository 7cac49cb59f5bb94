/**
 * What a request to the Kubernetes API becomes: who may, which kind, which verb, and the answer.
 *
 * Takes and gives plain values: HTTP, sockets and streams are `http/kubernetes-api.ts`. What surrounds one object's
 * write is `resource-store.ts`; what a kind means is in `resources/`.
 */
import { authorize, refusal } from "../access/authorize.ts";
import type { Principal } from "../access/principal.ts";
import type { NewObject } from "../api/controller.ts";
import { fieldSelectorFor } from "../api/field-selector.ts";
import { parseLabelSelector } from "../api/label-selector.ts";
import type { KubeObject } from "../api/objects.ts";
import { badRequest, failure, methodNotAllowed, pageNotFound, type Status, StatusError } from "../api/status-error.ts";
import { timeOf } from "../api/time.ts";
import type { VersionedStore } from "../storage/versioned-store.ts";
import { deleteOptions, isDryRun } from "./delete-options.ts";
import { type Discovery, discoveryFor } from "./discovery/documents.ts";
import { applyObject } from "./fields/apply.ts";
import { decodeObject } from "./fields/decode.ts";
import { applySchemaDefaults } from "./fields/defaults.ts";
import type { Decoded, FieldValidation, GroupVersionKind } from "./fields/field-knowledge.ts";
import { patchObject } from "./fields/patch.ts";
import { listPage, objectsAt, revisionNumber, tooLargeRevision } from "./list-options.ts";
import { negotiate, type Representation } from "./negotiation.ts";
import { bindPod, evictPod } from "./pod-subresources.ts";
import { partialObjectMetadata, tableFor } from "./printing/table.ts";
import { isTrue, type RequestInfo, type ResourceRequest, requestInfo } from "./request-info.ts";
import type { ResourceStore } from "./resource-store.ts";
import { type ResourceStrategy, resourceName } from "./resource-strategy.ts";
import { scaleOf, withScale } from "./scale.ts";
import { eventFor, type WatchEvent, type WatchHub, type WatchScope } from "./watch-hub.ts";

export interface ApiRequest {
  method: string;
  /** Below the sandbox's address, still percent-encoded: `/api/v1/namespaces/default/pods`. */
  path: string;
  query: URLSearchParams;
  contentType?: string;
  accept?: string;
  userAgent?: string;
  body: Uint8Array;
  principal: Principal;
  /** Where clients reach this server, `host:port`; discovery names it. */
  serverAddress: string;
}

export type StreamKind = "exec" | "attach" | "portforward" | "log" | "proxy";

export type ApiResponse =
  | { kind: "object"; code: number; body: object; format: "json" | "yaml"; warnings: string[]; etag?: string }
  | { kind: "text"; code: number; body: string; warnings: string[] }
  | { kind: "watch"; session: WatchSession; format: "json" | "yaml"; warnings: string[] }
  /** Authorized; the edge opens the stream. `rest` follows the subresource of a proxy. */
  | { kind: "stream"; stream: StreamKind; of: "pods" | "services" | "nodes"; namespace: string; name: string; rest: string };

export interface WatchSession {
  /** Events to send at once. */
  initial: WatchEvent[];
  /** Later ones, each once and in order. @returns stops it */
  subscribe(listener: (events: WatchEvent[]) => void): () => void;
  /** Whether the client asked for bookmarks; makes one that says how far the stream is. */
  bookmark: (() => WatchEvent) | undefined;
  timeoutSeconds: number | undefined;
}

export interface ApiServerParts {
  store: VersionedStore;
  resources: ResourceStore;
  watches: WatchHub;
  strategies: readonly ResourceStrategy[];
  now(): number;
}

export class ApiServer {
  readonly #parts: ApiServerParts;
  readonly #byPath = new Map<string, ResourceStrategy>();
  readonly discovery: Discovery;

  constructor(parts: ApiServerParts) {
    this.#parts = parts;
    for (const of of parts.strategies) this.#byPath.set(`${of.group}/${of.version}/${of.plural}`, of);
    this.discovery = discoveryFor(parts.strategies);
  }

  /** Answers a request. Never throws for a client's mistake: refusals come back as `Status` objects. */
  handle(request: ApiRequest): ApiResponse {
    const warnings: string[] = [];
    try {
      const info = requestInfo(request.method, request.path, request.query);
      return info.isResource ? this.#resource(request, info, warnings) : this.#path(request, info);
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return { kind: "object", code: error.status.code, body: error.status, format: "json", warnings: [...warnings, ...error.warnings] };
    }
  }

  // ---- what is not a resource

  #path(request: ApiRequest, info: Exclude<RequestInfo, ResourceRequest>): ApiResponse {
    if (info.methodNotAllowed) throw methodNotAllowed();
    const parts = request.path.split("/").filter((part) => part !== "");
    if (request.method !== "GET" && request.method !== "HEAD") throw request.path.startsWith("/api") ? methodNotAllowed() : pageNotFound();
    const document = (body: object | undefined, etag?: string): ApiResponse =>
      body === undefined
        ? { kind: "text", code: 404, body: "404 page not found\n", warnings: [] }
        : { kind: "object", code: 200, body, format: "json", warnings: [], ...(etag === undefined ? {} : { etag }) };
    const [first, second, third] = parts;
    switch (first) {
      case "api":
      case "apis": {
        if (parts.length === 1) {
          const aggregated = negotiate(request.accept).as === "APIGroupDiscoveryList";
          if (aggregated) {
            const { body, etag } = first === "api" ? this.discovery.aggregatedApi() : this.discovery.aggregatedApis();
            return document(body, etag);
          }
          return document(first === "api" ? this.discovery.api(request.serverAddress) : this.discovery.apis());
        }
        if (first === "api") return document(this.discovery.groupVersion("", second as string));
        return document(
          third === undefined ? this.discovery.group(second as string) : this.discovery.groupVersion(second as string, third),
        );
      }
      case "version":
        return document(this.discovery.version());
      case "openapi": {
        if (second === "v2") {
          const { body, etag } = this.discovery.openApiV2();
          return document(body, etag);
        }
        if (second === "v3" && parts.length === 2) return document(this.discovery.openApiV3Index());
        const found = second === "v3" ? this.discovery.openApiV3(parts.slice(2).join("/")) : undefined;
        return document(found?.body, found?.etag);
      }
      case "healthz":
      case "livez":
      case "readyz":
        return { kind: "text", code: 200, body: "ok", warnings: [] };
      default:
        return document(undefined);
    }
  }

  // ---- resources

  #resource(request: ApiRequest, info: ResourceRequest, warnings: string[]): ApiResponse {
    const of = this.#byPath.get(`${info.group}/${info.version}/${info.resource}`);
    this.#authorize(request.principal, info);
    if (!of || (info.subresource !== "" && !(of.subresources as readonly string[]).includes(info.subresource))) throw pageNotFound();
    if (of.namespaced && info.namespace === "" && (info.name !== "" || info.verb === "create")) throw pageNotFound();
    if (!of.namespaced && info.namespace !== "" && info.resource !== "namespaces") throw pageNotFound();
    if (info.verb === "deletecollection" && of.noDeleteCollection) throw methodNotAllowed();
    if (of.deprecation !== undefined) warnings.push(of.deprecation);
    const namespace = of.namespaced ? info.namespace : "";
    const streams: readonly string[] = ["exec", "attach", "portforward", "log", "proxy"];
    if (streams.includes(info.subresource)) {
      return {
        kind: "stream",
        stream: info.subresource as StreamKind,
        of: info.resource as "pods",
        namespace,
        name: info.name,
        rest: info.rest,
      };
    }
    if (info.verb === "create" && info.name !== "" && info.subresource === "") throw methodNotAllowed();
    const asked = { request, info, of, namespace, warnings };
    switch (info.verb) {
      case "get":
        return this.#get(asked);
      case "list":
        return this.#list(asked);
      case "watch":
        return this.#watch(asked);
      case "create":
        return info.subresource === "" ? this.#create(asked) : this.#postSubresource(asked);
      case "update":
        return this.#update(asked);
      case "patch":
        return this.#patch(asked);
      case "delete":
        return this.#delete(asked);
      case "deletecollection":
        return this.#deleteCollection(asked);
      default:
        return info.verb satisfies never;
    }
  }

  #authorize(principal: Principal, info: ResourceRequest): void {
    const { verb, group, resource, subresource, namespace, name } = info;
    const asked = { verb, group, resource, namespace, name, ...(subresource === "" ? {} : { subresource }) };
    const decision = authorize(principal, asked);
    if (!decision.allowed) throw refusal(asked, decision);
  }

  #get({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const representation = negotiate(request.accept);
    const wanted = request.query.get("resourceVersion") ?? "";
    if (wanted !== "" && wanted !== "0") {
      if (!/^\d+$/.test(wanted)) throw failure(500, undefined, `strconv.ParseUint: parsing ${JSON.stringify(wanted)}: invalid syntax`);
      if (revisionNumber(wanted) > this.#parts.store.revision) throw tooLargeRevision(revisionNumber(wanted), this.#parts.store.revision);
    }
    const object = this.#parts.resources.get(of, namespace, info.name);
    if (info.subresource === "scale") return answer(200, scaleOf(object), representation.format, warnings);
    if (representation.as === "Table")
      return answer(
        200,
        this.#table(of, [object], request, { resourceVersion: object.metadata.resourceVersion }),
        representation.format,
        warnings,
      );
    return answer(
      200,
      representation.as === "PartialObjectMetadata" ? partialObjectMetadata(object) : served(of, object),
      representation.format,
      warnings,
    );
  }

  #list({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const representation = negotiate(request.accept);
    const { matches, selective } = this.#selectors(of, request.query, info.name);
    const page = listPage(this.#parts.store, resourceName(of), namespace, request.query, matches, selective);
    const metadata = {
      resourceVersion: page.revision,
      ...(page.continue === undefined ? {} : { continue: page.continue }),
      ...(page.remainingItemCount === undefined ? {} : { remainingItemCount: page.remainingItemCount }),
    };
    if (representation.as === "Table")
      return answer(200, this.#table(of, page.objects, request, metadata), representation.format, warnings);
    if (representation.as === "PartialObjectMetadataList") {
      const items = page.objects.map((object) => withoutType(partialObjectMetadata(object) as KubeObject));
      return answer(
        200,
        { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items },
        representation.format,
        warnings,
      );
    }
    const items = page.objects.map((object) => withoutType(served(of, object)));
    return answer(200, { kind: `${of.kind}List`, apiVersion: apiVersion(of), metadata, items }, representation.format, warnings);
  }

  #watch({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const { store, watches } = this.#parts;
    const { query } = request;
    const representation = negotiate(request.accept);
    const { matches } = this.#selectors(of, query, info.name);
    const scope: WatchScope = { resource: resourceName(of), namespace, matches };
    const show = (event: WatchEvent): WatchEvent => this.#shown(of, event, representation, request);
    const since = query.get("resourceVersion") ?? "";
    const sendInitial = isTrue(query.get("sendInitialEvents"));
    const bookmarks = isTrue(query.get("allowWatchBookmarks"));
    const bookmark = (annotations?: Record<string, string>): WatchEvent =>
      show({
        type: "BOOKMARK",
        object: {
          kind: of.kind,
          apiVersion: apiVersion(of),
          metadata: { resourceVersion: String(store.revision), creationTimestamp: null, ...(annotations ? { annotations } : {}) },
          ...(of.subresources.includes("status") ? { spec: {}, status: {} } : {}),
        },
      });
    const initial: WatchEvent[] = [];
    if (since === "" || since === "0" || sendInitial) {
      if (since !== "" && since !== "0" && revisionNumber(since) > store.revision)
        throw tooLargeRevision(revisionNumber(since), store.revision);
      for (const object of store.list(scope.resource, namespace)) if (matches(object)) initial.push(show({ type: "ADDED", object }));
      if (sendInitial && bookmarks) initial.push(bookmark({ "k8s.io/initial-events-end": "true" }));
    } else {
      try {
        for (const change of store.changesSince(revisionNumber(since), scope.resource)) {
          const event = eventFor(scope, change);
          if (event) initial.push(show(event));
        }
      } catch (error) {
        if (!(error instanceof StatusError) || error.status.code !== 410) throw error;
        initial.push({ type: "ERROR", object: error.status as unknown as Record<string, unknown> });
        return {
          kind: "watch",
          format: representation.format,
          warnings,
          session: { initial, subscribe: () => () => {}, bookmark: undefined, timeoutSeconds: 0 },
        };
      }
    }
    const timeout = query.get("timeoutSeconds");
    return {
      kind: "watch",
      format: representation.format,
      warnings,
      session: {
        initial,
        subscribe: (listener) =>
          watches.subscribe(scope.resource, (changes) => {
            const events: WatchEvent[] = [];
            for (const change of changes) {
              const event = eventFor(scope, change);
              if (event) events.push(show(event));
            }
            if (events.length > 0) listener(events);
          }),
        bookmark: bookmarks ? () => bookmark() : undefined,
        timeoutSeconds: timeout === null || timeout === "" ? undefined : Number(timeout),
      },
    };
  }

  #create({ request, of, namespace, warnings }: Asked): ApiResponse {
    const dryRun = isDryRun(request.query, "CreateOptions");
    const representation = negotiate(request.accept);
    const object = this.#decode(request, of, warnings);
    const created = this.#parts.resources.create(of, object as unknown as NewObject, namespace, { dryRun, manager: managerOf(request) });
    warnings.push(...(of.warnings?.(created, undefined) ?? []));
    return this.#written(201, of, created, representation, request, warnings);
  }

  #update({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const dryRun = isDryRun(request.query, "UpdateOptions");
    const representation = negotiate(request.accept);
    const options = { dryRun, manager: managerOf(request) };
    const { resources } = this.#parts;
    if (info.subresource === "scale") {
      const scale = this.#decodeAs(request, { group: "autoscaling", version: "v1", kind: "Scale" }, warnings);
      const updated = resources.update(of, namespace, info.name, "main", (current) => withScale(current, scale), options);
      return answer(200, scaleOf(updated), representation.format, warnings);
    }
    const object = this.#decode(request, of, warnings) as KubeObject;
    refuseOtherName(object, info.name, namespace);
    if (!this.#parts.store.get(resourceName(of), of.namespaced ? namespace : undefined, info.name) && of.allowCreateOnUpdate) {
      const created = resources.create(of, object, namespace, options);
      warnings.push(...(of.warnings?.(created, undefined) ?? []));
      return this.#written(201, of, created, representation, request, warnings);
    }
    const current = resources.get(of, namespace, info.name);
    const part = info.subresource === "status" ? "status" : "main";
    const updated =
      info.subresource === "finalize"
        ? resources.replace(of, current, withFinalizers(current, object), "main", options)
        : resources.replace(of, current, object, part, options);
    warnings.push(...(of.warnings?.(updated, current) ?? []));
    return this.#written(200, of, updated, representation, request, warnings);
  }

  #patch({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const dryRun = isDryRun(request.query, "PatchOptions");
    const representation = negotiate(request.accept);
    const { resources, store, now } = this.#parts;
    const options = { dryRun, manager: managerOf(request) };
    const contentType = mediaType(request.contentType);
    const fieldValidation = fieldValidationOf(request.query);
    if (contentType === "application/apply-patch+yaml") {
      const manager = request.query.get("fieldManager") ?? "";
      if (manager === "") {
        throw failure(422, "Invalid", 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch', {
          group: "meta.k8s.io",
          kind: "PatchOptions",
          causes: [{ reason: "FieldValueRequired", message: "Required value: is required for apply patch", field: "fieldManager" }],
        });
      }
      const current = store.get(resourceName(of), of.namespaced ? namespace : undefined, info.name);
      const applied = applyObject(gvkOf(of), current, request.body, {
        manager,
        force: isTrue(request.query.get("force")),
        ...(info.subresource === "" ? {} : { subresource: info.subresource }),
        now: timeOf(now()),
        fieldValidation,
      });
      warnings.push(...applied.warnings);
      const object = this.#withDefaults(of, applied.object);
      object.metadata.name ??= info.name;
      if (current) {
        const updated = resources.replace(of, current, object, info.subresource === "status" ? "status" : "main", {
          ...options,
          keepManagedFields: true,
        });
        warnings.push(...(of.warnings?.(updated, current) ?? []));
        return this.#written(200, of, updated, representation, request, warnings);
      }
      refuseOtherName(object, info.name, namespace);
      const created = resources.create(of, object, namespace, { ...options, keepManagedFields: true });
      warnings.push(...(of.warnings?.(created, undefined) ?? []));
      return this.#written(201, of, created, representation, request, warnings);
    }
    const current = resources.get(of, namespace, info.name);
    if (info.subresource === "scale") {
      const scale = patchObject(
        { group: "autoscaling", version: "v1", kind: "Scale" },
        scaleOf(current),
        request.body,
        contentType,
        fieldValidation,
      );
      const updated = resources.replace(of, current, withScale(current, scale.object), "main", options);
      return answer(200, scaleOf(updated), representation.format, warnings);
    }
    const patched = patchObject(gvkOf(of), served(of, current), request.body, contentType, fieldValidation);
    warnings.push(...patched.warnings);
    const object = this.#withDefaults(of, patched.object);
    const updated = resources.replace(of, current, object, info.subresource === "status" ? "status" : "main", options);
    warnings.push(...(of.warnings?.(updated, current) ?? []));
    return this.#written(200, of, updated, representation, request, warnings);
  }

  #delete({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const representation = negotiate(request.accept);
    if (info.subresource !== "") throw methodNotAllowed();
    const options = deleteOptions(request.body, request.contentType ?? "application/json", request.query);
    const { object, gone } = this.#parts.resources.delete(of, namespace, info.name, options);
    if (!gone || of.returnsDeletedObject) return this.#written(200, of, object, representation, request, warnings);
    return answer(200, deletedStatus(of, object), representation.format, warnings);
  }

  #deleteCollection({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const representation = negotiate(request.accept);
    const options = deleteOptions(request.body, request.contentType ?? "application/json", request.query);
    const { matches, selective } = this.#selectors(of, request.query, info.name);
    const { objects, revision } = listPage(this.#parts.store, resourceName(of), namespace, request.query, matches, selective);
    for (const { metadata } of objects) this.#parts.resources.delete(of, metadata.namespace ?? "", metadata.name, options);
    const items = objects.map((object) => withoutType(served(of, object)));
    return answer(
      200,
      { kind: `${of.kind}List`, apiVersion: apiVersion(of), metadata: { resourceVersion: revision }, items },
      representation.format,
      warnings,
    );
  }

  #postSubresource({ request, info, of, namespace, warnings }: Asked): ApiResponse {
    const representation = negotiate(request.accept);
    const dryRun = isDryRun(request.query, "CreateOptions");
    const { resources } = this.#parts;
    const options = { dryRun, manager: managerOf(request) };
    switch (info.subresource) {
      case "binding": {
        const binding = this.#decodeAs(request, { group: "", version: "v1", kind: "Binding" }, warnings);
        return answer(201, bindPod(resources, of, namespace, info.name, binding, options), representation.format, warnings);
      }
      case "eviction": {
        const eviction = this.#decodeAs(request, { group: "policy", version: "v1", kind: "Eviction" }, warnings);
        return answer(201, evictPod(resources, of, namespace, info.name, eviction, options), representation.format, warnings);
      }
      default:
        throw methodNotAllowed();
    }
  }

  // ---- parts of the answers

  #written(
    code: number,
    of: ResourceStrategy,
    object: KubeObject,
    representation: Representation,
    request: ApiRequest,
    warnings: string[],
  ): ApiResponse {
    if (representation.as === "Table")
      return answer(
        code,
        this.#table(of, [object], request, { resourceVersion: object.metadata.resourceVersion }),
        representation.format,
        warnings,
      );
    return answer(
      code,
      representation.as === "PartialObjectMetadata" ? partialObjectMetadata(object) : served(of, object),
      representation.format,
      warnings,
    );
  }

  #table(of: ResourceStrategy, objects: readonly KubeObject[], request: ApiRequest, listMetadata: object): object {
    const includeObject = (request.query.get("includeObject") ?? "") === "" ? "Metadata" : request.query.get("includeObject");
    if (includeObject !== "None" && includeObject !== "Metadata" && includeObject !== "Object") {
      throw badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject)}`);
    }
    return tableFor(of, objects, { includeObject, now: this.#parts.now(), listMetadata });
  }

  #shown(of: ResourceStrategy, event: WatchEvent, representation: Representation, request: ApiRequest): WatchEvent {
    if (event.type === "ERROR") return event;
    const object = event.object as KubeObject;
    if (representation.as === "Table") {
      const table = event.type === "BOOKMARK" ? [] : [object];
      return {
        type: event.type,
        object: this.#table(of, table, request, { resourceVersion: object.metadata.resourceVersion }) as Record<string, unknown>,
      };
    }
    if (representation.as !== "object") return { type: event.type, object: partialObjectMetadata(object) as Record<string, unknown> };
    return { type: event.type, object: event.type === "BOOKMARK" ? object : served(of, object) };
  }

  #selectors(of: ResourceStrategy, query: URLSearchParams, name: string): { matches(object: KubeObject): boolean; selective: boolean } {
    const labelText = query.get("labelSelector") ?? "";
    const fieldText = query.get("fieldSelector") ?? "";
    const byLabel = labelText === "" ? undefined : parseLabelSelector(labelText);
    const byField = fieldText === "" ? undefined : fieldSelectorFor(of, fieldText);
    return {
      selective: byLabel !== undefined || byField !== undefined || name !== "",
      matches: (object) =>
        (byLabel?.(object.metadata.labels ?? {}) ?? true) && (byField?.(object) ?? true) && (name === "" || object.metadata.name === name),
    };
  }

  #decode(request: ApiRequest, of: ResourceStrategy, warnings: string[]): KubeObject {
    return this.#withDefaults(of, this.#decodeAs(request, gvkOf(of), warnings));
  }

  #decodeAs(request: ApiRequest, gvk: GroupVersionKind, warnings: string[]): Record<string, unknown> {
    const decoded: Decoded = decodeObject(request.body, mediaType(request.contentType), gvk, fieldValidationOf(request.query));
    warnings.push(...decoded.warnings);
    return decoded.object;
  }

  #withDefaults(of: ResourceStrategy, decoded: Record<string, unknown>): KubeObject {
    const object = decoded as KubeObject;
    object.metadata ??= {} as KubeObject["metadata"];
    applySchemaDefaults(gvkOf(of), object);
    of.applyDefaults?.(object);
    return object;
  }

  /** The state of a resource at a kept revision; for `?at=` of other surfaces. */
  objectsAt(resource: string, revision: number): readonly KubeObject[] {
    return objectsAt(this.#parts.store, resource, "", revision, false);
  }
}

interface Asked {
  request: ApiRequest;
  info: ResourceRequest;
  of: ResourceStrategy;
  namespace: string;
  warnings: string[];
}

const answer = (code: number, body: object, format: "json" | "yaml", warnings: string[]): ApiResponse => ({
  kind: "object",
  code,
  body,
  format,
  warnings,
});

const gvkOf = (of: ResourceStrategy): GroupVersionKind => ({ group: of.group, version: of.version, kind: of.kind });

const apiVersion = (of: ResourceStrategy): string => (of.group === "" ? of.version : `${of.group}/${of.version}`);

/** The object under the group and version it was asked for. */
const served = (of: ResourceStrategy, object: KubeObject): KubeObject =>
  object.apiVersion === apiVersion(of) ? object : { ...(of.fromStored?.(object) ?? object), apiVersion: apiVersion(of), kind: of.kind };

/** Items of a typed list carry neither kind nor apiVersion, as Go's empty TypeMeta leaves them out. */
function withoutType(object: KubeObject): object {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}

function deletedStatus(of: ResourceStrategy, object: KubeObject): Omit<Status, "code"> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: object.metadata.name, ...(of.group === "" ? {} : { group: of.group }), kind: of.plural, uid: object.metadata.uid },
  };
}

const mediaType = (contentType: string | undefined): string => (contentType ?? "").split(";")[0]?.trim() ?? "";

/** `?fieldManager=`, or the user agent up to the first slash. */
function managerOf(request: ApiRequest): string {
  const named = request.query.get("fieldManager");
  if (named !== null && named !== "") return named;
  return (request.userAgent ?? "").split("/")[0] || "unknown";
}

function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const value = query.get("fieldValidation") ?? "";
  if (value === "") return "Warn";
  if (value === "Strict" || value === "Warn" || value === "Ignore") return value;
  throw failure(
    422,
    "Invalid",
    `CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
    {
      group: "meta.k8s.io",
      kind: "CreateOptions",
      causes: [
        {
          reason: "FieldValueNotSupported",
          message: `Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
          field: "fieldValidation",
        },
      ],
    },
  );
}

function refuseOtherName(object: KubeObject, name: string, namespace: string): void {
  const { metadata } = object;
  if (metadata.name !== undefined && metadata.name !== "" && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (metadata.name === undefined || metadata.name === "") metadata.name = name;
  if (metadata.namespace !== undefined && metadata.namespace !== "" && metadata.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
}

/** A namespace's `finalize` changes its finalizers and nothing else. */
const withFinalizers = (current: KubeObject, wanted: KubeObject): KubeObject => ({
  ...current,
  spec: { ...current.spec, finalizers: wanted.spec?.finalizers ?? [] },
});
