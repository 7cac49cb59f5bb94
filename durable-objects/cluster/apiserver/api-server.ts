/**
 * What a request to the Kubernetes API becomes: who may, which kind, which verb, and the answer.
 *
 * Takes and gives plain values: HTTP, sockets and streams are `http/kubernetes-api.ts`. What surrounds one object's
 * write is `resource-store.ts`; what a kind means is in `resources/`.
 */
import { authorize, refusal } from "../access/authorize.ts";
import type { Principal } from "../access/principal.ts";
import type { KubeObject } from "../api/objects.ts";
import { methodNotAllowed, pageNotFound, StatusError } from "../api/status-error.ts";
import type { VersionedStore } from "../storage/versioned-store.ts";
import { type Discovery, discoveryFor } from "./discovery/documents.ts";
import { openApiV2ProtobufTypes } from "./discovery/openapi-protobuf.ts";
import { objectsAt } from "./list-options.ts";
import { negotiate } from "./negotiation.ts";
import * as read from "./read-verbs.ts";
import { Presenter } from "./representation.ts";
import { type RequestInfo, type ResourceRequest, requestInfo } from "./request-info.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { ResourceStrategy } from "./resource-strategy.ts";
import type { WatchEvent, WatchHub } from "./watch-hub.ts";
import * as write from "./write-verbs.ts";

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
  | {
      kind: "object";
      code: number;
      body: object;
      format: "json" | "yaml";
      warnings: string[];
      etag?: string;
      /** Where it says more than the format: which form of discovery this is. */
      contentType?: string;
    }
  | { kind: "text"; code: number; body: string; warnings: string[] }
  /** A document in protobuf. */
  | { kind: "bytes"; code: number; body: Uint8Array<ArrayBuffer>; contentType: string; etag: string }
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
    if (info.malformed) return { kind: "text", code: 400, body: "400 Bad Request", warnings: [] };
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
            return {
              ...document(body, etag),
              contentType: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            } as ApiResponse;
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
          if (openApiV2ProtobufTypes.some((type) => request.accept?.includes(type))) {
            return { kind: "bytes", code: 200, contentType: openApiV2ProtobufTypes[0] as string, ...this.discovery.openApiV2Protobuf() };
          }
          const { body, etag } = this.discovery.openApiV2();
          return document(body, etag);
        }
        if (second === "v3" && parts.length === 2) {
          return { ...document(this.discovery.openApiV3Index()), contentType: "text/plain; charset=utf-8" } as ApiResponse;
        }
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
    if (of.namespaced && info.namespace === "" && info.name !== "") throw pageNotFound();
    if (of.namespaced && info.namespace === "" && (info.verb === "create" || info.verb === "deletecollection")) throw methodNotAllowed();
    if (!of.namespaced && info.namespace !== "" && info.resource !== "namespaces") throw pageNotFound();
    if (info.verb === "deletecollection" && of.noDeleteCollection) throw methodNotAllowed();
    if (info.subresource === "" && of.verbs?.includes(info.verb) === false) throw methodNotAllowed();
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
    const parts = this.#parts;
    const asked: Asked = { request, info, of, namespace, warnings, presenter: new Presenter(of, request, parts.now) };
    if (info.verb === "create" || info.verb === "update" || info.verb === "patch") asked.presenter.refuseUnfit();
    switch (info.verb) {
      case "get":
        return read.get(parts, asked);
      case "list":
        return read.list(parts, asked);
      case "watch":
        return read.watch(parts, asked);
      case "create":
        return info.subresource === "" ? write.create(parts, asked) : write.postSubresource(parts, asked);
      case "update":
        return write.update(parts, asked);
      case "patch":
        return write.patch(parts, asked);
      case "delete":
        return write.remove(parts, asked);
      case "deletecollection":
        return write.removeCollection(parts, asked);
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

  /** The state of a resource at a kept revision; for `?at=` of other surfaces. */
  objectsAt(resource: string, revision: number): readonly KubeObject[] {
    return objectsAt(this.#parts.store, resource, "", revision, false);
  }
}

/** One request to a resource, as the verbs take it. */
export interface Asked {
  request: ApiRequest;
  info: ResourceRequest;
  of: ResourceStrategy;
  namespace: string;
  /** Texts for `Warning` headers; verbs add to them, and a refusal sends along what was added before. */
  warnings: string[];
  presenter: Presenter;
}
