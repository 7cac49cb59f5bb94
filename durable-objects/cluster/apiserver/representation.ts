/**
 * An object, a list or an event in the form that the client asked for: itself, a Table, or metadata only.
 */
import type { KubeObject } from "../api/objects.ts";
import { badRequest, notAcceptable, type StatusError } from "../api/status-error.ts";
import type { ApiRequest, ApiResponse } from "./api-server.ts";
import type { GroupVersionKind } from "./fields/field-knowledge.ts";
import { apiVersionOf } from "./fields/field-knowledge.ts";
import { negotiate, type Representation } from "./negotiation.ts";
import { partialObjectMetadata, tableFor } from "./printing/table.ts";
import type { ResourceStrategy } from "./resource-strategy.ts";
import type { WatchEvent } from "./watch-hub.ts";

/** How one request wants its answer, agreed on before anything is read or written. */
export class Presenter {
  readonly #of: ResourceStrategy;
  readonly #request: ApiRequest;
  readonly #representation: Representation;
  readonly #now: () => number;

  /** @throws StatusError 406 where nothing that the client accepts can be served */
  constructor(of: ResourceStrategy, request: ApiRequest, now: () => number) {
    this.#of = of;
    this.#request = request;
    this.#representation = negotiate(request.accept);
    this.#now = now;
  }

  /** For writes: a form that an object does not have is refused before anything happens. */
  refuseUnfit(): void {
    if (this.#representation.as === "PartialObjectMetadataList") throw this.#notAList();
    if (this.#representation.as === "Table") this.#includeObject();
  }

  get format(): Representation["format"] {
    return this.#representation.format;
  }

  /** A body that has one form only: a Status, a Scale. */
  plain(code: number, body: object, warnings: string[]): ApiResponse {
    return { kind: "object", code, body, format: this.format, warnings };
  }

  object(code: number, object: KubeObject, warnings: string[]): ApiResponse {
    const { as } = this.#representation;
    if (as === "PartialObjectMetadataList") {
      throw this.#notAList();
    }
    if (as === "Table") return this.plain(code, this.#table([object], { resourceVersion: object.metadata.resourceVersion }), warnings);
    return this.plain(code, as === "PartialObjectMetadata" ? partialObjectMetadata(object) : servedAs(this.#of, object), warnings);
  }

  list(objects: readonly KubeObject[], metadata: ListMetadata, warnings: string[]): ApiResponse {
    const { as } = this.#representation;
    if (as === "Table") return this.plain(200, this.#table(objects, metadata), warnings);
    if (as === "PartialObjectMetadataList") {
      const items = objects.map(partialObjectMetadata);
      return this.plain(200, { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items }, warnings);
    }
    const items = objects.map((object) => withoutType(servedAs(this.#of, object)));
    return this.plain(200, { kind: `${this.#of.kind}List`, apiVersion: apiVersionOf(this.#of), metadata, items }, warnings);
  }

  event(event: WatchEvent): WatchEvent {
    if (event.type === "ERROR") return event;
    const object = event.object as KubeObject;
    const isBookmark = event.type === "BOOKMARK";
    switch (this.#representation.as) {
      case "Table": {
        const table = this.#table(isBookmark ? [] : [object], { resourceVersion: object.metadata.resourceVersion });
        return { type: event.type, object: table as Record<string, unknown> };
      }
      case "PartialObjectMetadata":
      case "PartialObjectMetadataList":
        return { type: event.type, object: partialObjectMetadata(object) as Record<string, unknown> };
      default:
        return { type: event.type, object: isBookmark ? object : servedAs(this.#of, object) };
    }
  }

  #notAList(): StatusError {
    return notAcceptable(
      `you requested PartialObjectMetadataList, but the requested object is not a list (*${this.#of.group === "" ? "core" : this.#of.group}.${this.#of.kind})`,
    );
  }

  #table(objects: readonly KubeObject[], listMetadata: ListMetadata): object {
    return tableFor(this.#of, objects, { includeObject: this.#includeObject(), now: this.#now(), listMetadata });
  }

  #includeObject(): "None" | "Metadata" | "Object" {
    const asked = this.#request.query.get("includeObject") ?? "";
    const includeObject = asked === "" ? "Metadata" : asked;
    if (includeObject !== "None" && includeObject !== "Metadata" && includeObject !== "Object") {
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
    }
    return includeObject;
  }
}

export interface ListMetadata {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export const gvkOf = (of: ResourceStrategy): GroupVersionKind => ({ group: of.group, version: of.version, kind: of.kind });

/** The object under the group and version it was asked for. */
export const servedAs = (of: ResourceStrategy, object: KubeObject): KubeObject =>
  object.apiVersion === apiVersionOf(of) ? object : { ...(of.fromStored?.(object) ?? object), apiVersion: apiVersionOf(of), kind: of.kind };

/** Items of a typed list carry neither kind nor apiVersion, as Go's empty TypeMeta leaves them out. */
function withoutType(object: KubeObject): object {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
  return rest;
}
