/** POST, PUT, PATCH and DELETE: from the bytes of a request to one write of the store. */
import type { NewObject } from "../api/controller.ts";
import type { KubeObject } from "../api/objects.ts";
import { badRequest, conflict, methodNotAllowed, type Status } from "../api/status-error.ts";
import { timeOf } from "../api/time.ts";
import type { ApiResponse, ApiServerParts, Asked } from "./api-server.ts";
import { deleteOptions } from "./delete-options.ts";
import { applyObject } from "./fields/apply.ts";
import { decodeObject } from "./fields/decode.ts";
import { applySchemaDefaults } from "./fields/defaults.ts";
import type { GroupVersionKind } from "./fields/field-knowledge.ts";
import { patchObject } from "./fields/patch.ts";
import { checkListOptions, listPage } from "./list-options.ts";
import { bindPod, evictPod } from "./pod-subresources.ts";
import { selectors } from "./read-verbs.ts";
import { gvkOf, servedAs } from "./representation.ts";
import { isTrue } from "./request-info.ts";
import { refuseOtherUID, type WritePart } from "./resource-store.ts";
import { type ResourceStrategy, resourceName, type Subresource } from "./resource-strategy.ts";
import { pod } from "./resources/pod.ts";
import { scaleOf, withScale } from "./scale.ts";
import { type ParsedWriteOptions, writeOptions } from "./write-options.ts";

const scaleKind: GroupVersionKind = { group: "autoscaling", version: "v1", kind: "Scale" };

/** Subresources whose writes the strategy treats in its own way. */
const throughSubresource = (subresource: string): { subresource?: Subresource } =>
  subresource === "resize" || subresource === "ephemeralcontainers" ? { subresource } : {};

const partOf = (subresource: string): WritePart => (subresource === "status" || subresource === "finalize" ? subresource : "main");

export function create({ resources, now }: ApiServerParts, asked: Asked): ApiResponse {
  const { request, of, namespace, warnings, presenter } = asked;
  const options = writeOptions(request.query, "CreateOptions", request.userAgent);
  const object = withDefaults(of, decode(asked, gvkOf(of), options));
  if (of.group === "" && of.kind === "Binding")
    return presenter.plain(201, bindPod(resources, pod, namespace, object.metadata.name, { ...object }, options), warnings);
  if (of.answer) return presenter.object(201, of.answer(object, { principal: request.principal, namespace, now: now() }), warnings);
  withoutDuplicateOwners(object, warnings);
  const created = resources.create(of, object as unknown as NewObject, namespace, options);
  warnings.push(...(of.warnings?.(created, undefined) ?? []));
  return presenter.object(201, created, warnings);
}

export function update({ resources, store }: ApiServerParts, asked: Asked): ApiResponse {
  const { request, info, of, namespace, warnings, presenter } = asked;
  const options = writeOptions(request.query, "UpdateOptions", request.userAgent);
  if (info.subresource === "scale") {
    const scale = decode(asked, scaleKind, options);
    const current = resources.get(of, namespace, info.name);
    return scaleTo(resources, asked, current, scale, options);
  }
  const object = withDefaults(of, decode(asked, gvkOf(of), options));
  withoutDuplicateOwners(object, warnings);
  if (!object.metadata.name)
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  refuseOtherName(object, info.name, namespace);
  if (of.allowCreateOnUpdate && !store.get(resourceName(of), of.namespaced ? namespace : undefined, info.name)) {
    const created = resources.create(of, object, namespace, options);
    warnings.push(...(of.warnings?.(created, undefined) ?? []));
    return presenter.object(201, created, warnings);
  }
  const current = resources.get(of, namespace, info.name);
  refuseOtherUID(of, current, object.metadata);
  const updated = resources.replace(of, current, object, partOf(info.subresource), { ...options, ...throughSubresource(info.subresource) });
  warnings.push(...(of.warnings?.(updated, current) ?? []));
  return presenter.object(200, updated, warnings);
}

export function patch(parts: ApiServerParts, asked: Asked): ApiResponse {
  const { request, info, of, namespace, warnings, presenter } = asked;
  const { resources } = parts;
  const contentType = mediaType(request.contentType);
  if (contentType === "application/apply-patch+yaml") return apply(parts, asked);
  const options = writeOptions(request.query, "PatchOptions", request.userAgent);
  const current = resources.get(of, namespace, info.name);
  if (info.subresource === "scale") {
    const scale = patchObject(scaleKind, scaleOf(current), request.body, contentType, options.fieldValidation);
    return scaleTo(resources, asked, current, scale.object, options);
  }
  const patched = patchObject(gvkOf(of), servedAs(of, current), request.body, contentType, options.fieldValidation);
  warnings.push(...patched.warnings);
  const object = withDefaults(of, patched.object);
  refuseMissingName(object, info.name);
  refuseOtherName(object, info.name, namespace);
  withoutDuplicateOwners(object, warnings);
  const updated = resources.replace(of, current, object, partOf(info.subresource), { ...options, ...throughSubresource(info.subresource) });
  warnings.push(...(of.warnings?.(updated, current) ?? []));
  return presenter.object(200, updated, warnings);
}

function scaleTo(
  resources: ApiServerParts["resources"],
  { of, presenter, warnings }: Asked,
  current: KubeObject,
  scale: Record<string, unknown>,
  options: ParsedWriteOptions,
): ApiResponse {
  const scaled = resources.replace(of, current, withScale(current, scale), "main", options);
  if (of.storedOnly) warnings.push(...(of.warnings?.(scaled, current) ?? []));
  return presenter.plain(200, scaleOf(scaled), warnings);
}

/** Server-side apply: creates what is not there. */
function apply({ resources, store, now }: ApiServerParts, { request, info, of, namespace, warnings, presenter }: Asked): ApiResponse {
  const options = { ...writeOptions(request.query, "PatchOptions", request.userAgent, true), keepManagedFields: true };
  const current = store.get(resourceName(of), of.namespaced ? namespace : undefined, info.name);
  const applied = applyObject(gvkOf(of), current && servedAs(of, current), request.body, {
    manager: options.manager,
    force: isTrue(request.query.get("force")),
    ...(info.subresource === "" ? {} : { subresource: info.subresource }),
    now: timeOf(now()),
    fieldValidation: options.fieldValidation,
  });
  warnings.push(...applied.warnings);
  const object = withDefaults(of, applied.object);
  refuseOtherName(object, info.name, namespace);
  const { uid } = object.metadata;
  if (!current && uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict({ group: of.group, resource: of.plural }, info.name, why);
  }
  const written = current
    ? resources.replace(of, current, object, partOf(info.subresource), options)
    : resources.create(of, object, namespace, options);
  warnings.push(...(of.warnings?.(written, current) ?? []));
  return presenter.object(current ? 200 : 201, written, warnings);
}

export function remove({ resources }: ApiServerParts, { request, info, of, namespace, warnings, presenter }: Asked): ApiResponse {
  if (info.subresource !== "") throw methodNotAllowed();
  const options = deleteOptions(request.body, request.contentType ?? "application/json", request.query);
  const { object, gone } = resources.delete(of, namespace, info.name, options);
  if (!gone || of.returnsDeletedObject) return presenter.object(200, object, warnings);
  return presenter.plain(200, deletedStatus(of, object), warnings);
}

export function removeCollection(
  { resources, store }: ApiServerParts,
  { request, info, of, namespace, warnings, presenter }: Asked,
): ApiResponse {
  const options = deleteOptions(request.body, request.contentType ?? "application/json", request.query);
  checkListOptions(request.query, false);
  const { matches, selective } = selectors(of, request.query, info.name);
  const { objects, revision } = listPage(store, resourceName(of), namespace, request.query, matches, selective);
  for (const { metadata } of objects) resources.delete(of, metadata.namespace ?? "", metadata.name, options);
  return presenter.list(objects, { resourceVersion: revision }, warnings);
}

/** POST to a subresource: `binding`, `eviction`. */
export function postSubresource({ resources }: ApiServerParts, asked: Asked): ApiResponse {
  const { request, info, of, namespace, warnings, presenter } = asked;
  const options = writeOptions(request.query, "CreateOptions", request.userAgent);
  switch (info.subresource) {
    case "binding": {
      const binding = decode(asked, { group: "", version: "v1", kind: "Binding" }, options);
      return presenter.plain(201, bindPod(resources, of, namespace, info.name, binding, options), warnings);
    }
    case "eviction": {
      const eviction = decode(asked, { group: "policy", version: "v1", kind: "Eviction" }, options);
      return presenter.plain(201, evictPod(resources, of, namespace, info.name, eviction, options), warnings);
    }
    default:
      throw methodNotAllowed();
  }
}

function decode({ request, warnings }: Asked, gvk: GroupVersionKind, { fieldValidation }: ParsedWriteOptions): Record<string, unknown> {
  const decoded = decodeObject(request.body, mediaType(request.contentType), gvk, fieldValidation);
  warnings.push(...decoded.warnings);
  return decoded.object;
}

/** Owner references are a set by uid: a second one is dropped, and the client told. */
function withoutDuplicateOwners({ metadata }: KubeObject, warnings: string[]): void {
  const owners = metadata.ownerReferences ?? [];
  const kept = owners.filter((owner, at) => owners.findIndex((other) => other.uid === owner.uid) === at);
  if (kept.length === owners.length) return;
  const again = [...new Set(owners.filter((owner) => !kept.includes(owner)).map(({ uid }) => uid))];
  metadata.ownerReferences = kept;
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${again.join(", ")}`,
  );
}

/** The object with what schema and code fill in. It is changed in place. */
function withDefaults(of: ResourceStrategy, decoded: Record<string, unknown>): KubeObject {
  const object = decoded as KubeObject;
  object.metadata ??= {} as KubeObject["metadata"];
  applySchemaDefaults(gvkOf(of), object);
  of.applyDefaults?.(object);
  return object;
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

function refuseMissingName({ metadata }: KubeObject, name: string): void {
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
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
