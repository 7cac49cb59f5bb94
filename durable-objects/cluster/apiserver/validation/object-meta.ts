/**
 * Mistakes in `metadata`, the same for every kind, in the words and the order of kube-apiserver.
 */
import type { FieldError } from "../../api/field-error.ts";
import { forbiddenField, invalid, required, tooLong } from "../../api/field-error.ts";
import { asPrefix, labelValue, nameRules, qualifiedName, type Rule } from "../../api/names.ts";
import type { ObjectMeta, OwnerReference } from "../../api/objects.ts";
import { same } from "../../api/same.ts";

export interface MetaRules {
  namespaced: boolean;
  /** Default: `dns-subdomain`. */
  nameRule?: keyof typeof nameRules;
}

/** The rules of a name, worded as errors of a field. */
export const complaintsAbout = (field: string, value: string, rule: Rule): FieldError[] =>
  rule(value).map((complaint) => invalid(field, value, complaint));

const annotationsLimitBytes = 256 * 1024;
const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0);

/** Everything that can be wrong with the metadata of one object. */
export function validateObjectMeta(meta: Partial<ObjectMeta>, { namespaced, nameRule = "dns-subdomain" }: MetaRules): FieldError[] {
  const rule = nameRules[nameRule];
  const errors: FieldError[] = [];
  if (meta.generateName) errors.push(...complaintsAbout("metadata.generateName", meta.generateName, asPrefix(rule)));
  if (!meta.name) errors.push(required("metadata.name", "name or generateName is required"));
  else errors.push(...complaintsAbout("metadata.name", meta.name, rule));
  if (namespaced) {
    if (!meta.namespace) errors.push(required("metadata.namespace"));
    else errors.push(...complaintsAbout("metadata.namespace", meta.namespace, nameRules["dns-label"]));
  } else if (meta.namespace) errors.push(forbiddenField("metadata.namespace", "not allowed on this type"));
  if (meta.generation !== undefined && meta.generation < 0) {
    errors.push(invalid("metadata.generation", meta.generation, "must be greater than or equal to 0"));
  }
  return [...errors, ...validateSharedParts(meta), ...validateFinalizers(meta.finalizers ?? [])];
}

/** What the server looks at again when it compares two states. */
function validateSharedParts(meta: Partial<ObjectMeta>): FieldError[] {
  return [
    ...validateLabels(meta.labels, "metadata.labels"),
    ...validateAnnotations(meta.annotations, "metadata.annotations"),
    ...validateOwnerReferences(meta.ownerReferences ?? []),
  ];
}

export function validateLabels(labels: Record<string, string> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {})
    .sort(byKey)
    .flatMap(([key, value]) => [...complaintsAbout(field, key, qualifiedName), ...complaintsAbout(field, value, labelValue)]);
}

export function validateAnnotations(annotations: Record<string, string> | undefined, field: string): FieldError[] {
  const entries = Object.entries(annotations ?? {}).sort(byKey);
  // The rule is applied to the key in lower case, the message shows it as it was written.
  const errors = entries.flatMap(([key]) => qualifiedName(key.toLowerCase()).map((complaint) => invalid(field, key, complaint)));
  const encoder = new TextEncoder();
  const size = entries.reduce((sum, [key, value]) => sum + encoder.encode(key).length + encoder.encode(value).length, 0);
  return size > annotationsLimitBytes ? [...errors, tooLong(field, annotationsLimitBytes)] : errors;
}

/** The members of an owner reference in the server's order, for messages. */
const shownOwner = ({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): object => ({
  apiVersion: apiVersion ?? "",
  kind: kind ?? "",
  name: name ?? "",
  uid: uid ?? "",
  ...(controller === undefined ? {} : { controller }),
  ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
});

function validateOwnerReferences(owners: readonly OwnerReference[]): FieldError[] {
  const field = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const owner of owners) {
    const version = (owner.apiVersion ?? "").split("/").at(-1) as string;
    if (version === "") errors.push(invalid(`${field}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
    for (const member of ["kind", "name", "uid"] as const) {
      if (!owner[member]) errors.push(invalid(`${field}.${member}`, owner[member] ?? "", "must not be empty"));
    }
    if (owner.apiVersion === "v1" && owner.kind === "Event") {
      errors.push(invalid(field, shownOwner(owner), "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (!owner.controller) continue;
    if (controller === undefined) controller = `${owner.kind}/${owner.name}`;
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.kind}/${owner.name}`;
      errors.push(invalid(field, owners.map(shownOwner), detail));
    }
  }
  return errors;
}

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const field = "metadata.finalizers";
  const errors = finalizers.flatMap((finalizer, at) => [
    ...complaintsAbout(field, finalizer, qualifiedName),
    ...(finalizer.includes("/") || standardFinalizers.has(finalizer)
      ? []
      : [invalid(`${field}[${at}]`, finalizer, "name is neither a standard finalizer name nor is it fully qualified")]),
  ]);
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

/**
 * What may not change, besides what `validateObjectMeta` says. The server checks some of this more than once, and
 * names what it finds as often.
 */
export function validateObjectMetaUpdate(next: ObjectMeta, previous: ObjectMeta, rules: MetaRules): FieldError[] {
  const unchanged = metaChanges(next, previous);
  return [...validateObjectMeta(next, { namespaced: rules.namespaced, nameRule: "path-segment" }), ...unchanged, ...unchanged];
}

const immutableText = "field is immutable";

function metaChanges(next: ObjectMeta, previous: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (previous.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((finalizer) => !(previous.finalizers ?? []).includes(finalizer)).sort();
    if (added.length > 0) {
      const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
      errors.push(
        forbiddenField(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
        ),
      );
    }
  }
  if (next.generation !== undefined && next.generation < (previous.generation ?? 0)) {
    errors.push(invalid("metadata.generation", next.generation, "must not be decremented"));
  }
  const fixed: [keyof ObjectMeta, unknown][] = [
    ["name", next.name],
    ["namespace", next.namespace],
    ["uid", next.uid],
    ["creationTimestamp", next.creationTimestamp],
    ["deletionTimestamp", next.deletionTimestamp],
    ["deletionGracePeriodSeconds", next.deletionGracePeriodSeconds],
  ];
  for (const [member, value] of fixed) {
    if (!same(value, previous[member])) errors.push(invalid(`metadata.${member}`, value, immutableText));
  }
  return [...errors, ...validateSharedParts(next)];
}
