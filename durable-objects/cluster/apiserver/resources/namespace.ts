/**
 * Namespace. What goes when it is deleted is the namespace controller's work; the phase follows `deletionTimestamp`.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
 */
import { type FieldError, invalid } from "../../api/field-error.ts";
import { qualifiedName } from "../../api/names.ts";
import type { Namespace } from "../../api/objects.ts";
import { forbidden } from "../../api/status-error.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout } from "../validation/object-meta.ts";

const nameLabel = "kubernetes.io/metadata.name";
const kubernetesFinalizer = "kubernetes";
/** The API server itself needs them. */
const undeletable = new Set(["default", "kube-system", "kube-public"]);

const namespaceStrategy: ResourceStrategy<Namespace> = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  namespaced: false,
  subresources: ["status", "finalize"],
  nameRule: "dns-label",
  noDeleteCollection: true,
  returnsDeletedObject: true,

  applyDefaults: (namespace) => {
    namespace.spec ??= {};
    namespace.status ??= {};
    const { metadata } = namespace;
    if (metadata?.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
  },
  prepareForCreate: (namespace) => {
    const { metadata, spec } = namespace;
    // A generated name is known only now.
    metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
    namespace.status = { phase: "Active" };
    const finalizers = spec.finalizers ?? [];
    spec.finalizers = finalizers.includes(kubernetesFinalizer) ? finalizers : [...finalizers, kubernetesFinalizer];
  },
  prepareForUpdate: (next, previous, context) => {
    if (context.subresource !== "finalize") next.spec = previous.spec;
    next.status = previous.status;
  },
  validate: ({ spec, metadata }) => [
    ...(spec.finalizers ?? []).flatMap((finalizer, at) => [
      ...complaintsAbout("spec.finalizers", finalizer, qualifiedName),
      ...(finalizer.includes("/") || finalizer === kubernetesFinalizer
        ? []
        : [invalid(`spec.finalizers[${at}]`, finalizer, "name is neither a standard finalizer name nor is it fully qualified")]),
    ]),
    ...validatePodSecurity(metadata.labels),
  ],
  validateUpdate: ({ metadata }) => validatePodSecurity(metadata.labels),
  validateStatusUpdate: ({ metadata, status }) => {
    const isGoing = metadata.deletionTimestamp !== undefined;
    if (!isGoing && status.phase !== "Active") {
      return [invalid("status.Phase", status.phase ?? "", "may only be 'Active' if `deletionTimestamp` is empty")];
    }
    if (isGoing && status.phase !== "Terminating") {
      return [invalid("status.Phase", status.phase ?? "", "may only be 'Terminating' if `deletionTimestamp` is not empty")];
    }
    return [];
  },
  beforeDelete: ({ metadata }) => {
    if (undeletable.has(metadata.name)) {
      throw forbidden({ group: "", resource: "namespaces" }, metadata.name, "this namespace may not be deleted");
    }
  },
  selectableFields: { "status.phase": ({ status }) => status?.phase ?? "", name: ({ metadata }) => metadata.name },
  columns: [nameColumn, { name: "Status", cell: ({ status }) => status?.phase ?? "" }, ageColumn],
};

const securityLevels = ["privileged", "baseline", "restricted"];

/** Labels of the pod security admission; it refuses values it cannot read. */
function validatePodSecurity(labels: Record<string, string> | undefined): FieldError[] {
  return ["enforce", "audit", "warn"].flatMap((mode) => {
    const key = `pod-security.kubernetes.io/${mode}`;
    const errors: FieldError[] = [];
    const level = labels?.[key];
    if (level !== undefined && !securityLevels.includes(level)) {
      errors.push(invalid(`metadata.labels[${key}]`, level, "must be one of privileged, baseline, restricted"));
    }
    const version = labels?.[`${key}-version`];
    if (version !== undefined && version !== "latest" && !/^v1\.(0|[1-9]\d*)$/.test(version)) {
      errors.push(invalid(`metadata.labels[${key}-version]`, version, 'must be "latest" or "v1.x"'));
    }
    return errors;
  });
}

export const namespace = strategy(namespaceStrategy);
