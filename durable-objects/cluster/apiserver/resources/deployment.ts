/**
 * Deployment.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
import { type FieldError, forbiddenField, invalid, notSupported } from "../../api/field-error.ts";
import type { Deployment } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { ageColumn, nameColumn, selectorColumn, templateColumns } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { nonNegative } from "../validation/checks.ts";
import { nameWarnings, podSpecWarnings } from "../validation/pod-spec.ts";
import { validateSelectorAndTemplate, validateSelectorKept } from "../validation/workload.ts";
import { applyPodSpecDefaults } from "./pod-defaults.ts";

type Amount = string | number;

const deploymentStrategy: ResourceStrategy<Deployment> = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  subresources: ["status", "scale"],
  hasGeneration: true,

  applyDefaults,
  prepareForCreate: (deployment) => {
    deployment.status = {};
  },
  prepareForUpdate: (next, previous) => {
    next.status = previous.status;
    // Annotations are copied to ReplicaSets, so that a change of them is work for the controller.
    if (!same(next.metadata.annotations ?? {}, previous.metadata.annotations ?? {})) {
      next.metadata.generation = (previous.metadata.generation ?? 0) + 1;
    }
  },
  prepareForStatusUpdate: (next, previous) => {
    next.metadata.labels = previous.metadata.labels;
  },
  validate: ({ spec }) => validateSpec(spec),
  validateUpdate: (next, previous) => [...validateSpec(next.spec), ...validateSelectorKept(next.spec, previous.spec)],
  validateStatusUpdate,
  warnings: ({ metadata, spec }, previous) => [
    ...(previous ? [] : nameWarnings(metadata.name, "in Pod names and hostnames")),
    ...podSpecWarnings(spec.template?.spec ?? {}, "spec.template.spec"),
  ],
  columns: [
    nameColumn,
    { name: "Ready", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}` },
    { name: "Up-to-date", cell: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: "Available", cell: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ] as ResourceStrategy<Deployment>["columns"],
};

export const deployment = strategy(deploymentStrategy);

function applyDefaults(object: Deployment): void {
  object.spec ??= {} as Deployment["spec"];
  object.status ??= {};
  const { spec } = object;
  spec.template ??= {};
  spec.template.metadata ??= {};
  spec.template.spec ??= { containers: [] };
  applyPodSpecDefaults(spec.template.spec);
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

function validateSpec(spec: Deployment["spec"]): FieldError[] {
  const ready = spec.minReadySeconds ?? 0;
  const deadline = spec.progressDeadlineSeconds;
  return [
    ...nonNegative("spec.replicas", spec.replicas),
    ...validateSelectorAndTemplate(spec),
    ...validateStrategy(spec.strategy ?? {}),
    ...nonNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...nonNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
    ...nonNegative("spec.progressDeadlineSeconds", deadline),
    ...(deadline !== undefined && deadline <= ready
      ? [invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")]
      : []),
  ];
}

function validateStrategy({ type, rollingUpdate }: NonNullable<Deployment["spec"]["strategy"]>): FieldError[] {
  switch (type) {
    case "Recreate":
      return rollingUpdate
        ? [forbiddenField("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")]
        : [];
    case "RollingUpdate":
      return rollingUpdate ? validateRollingUpdate(rollingUpdate, "spec.strategy.rollingUpdate") : [];
    default: {
      const shown = {
        Type: type ?? "",
        RollingUpdate: rollingUpdate ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 } : null,
      };
      return [notSupported("spec.strategy", shown, ["Recreate", "RollingUpdate"])];
    }
  }
}

function validateRollingUpdate(update: { maxUnavailable?: Amount; maxSurge?: Amount }, field: string): FieldError[] {
  const errors = [
    ...validateAmount(update.maxUnavailable, `${field}.maxUnavailable`),
    ...validateAmount(update.maxSurge, `${field}.maxSurge`),
  ];
  if (isZero(update.maxUnavailable) && isZero(update.maxSurge)) {
    errors.push(invalid(`${field}.maxUnavailable`, update.maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  const percent = percentOf(update.maxUnavailable);
  if (percent !== undefined && percent > 100)
    errors.push(invalid(`${field}.maxUnavailable`, update.maxUnavailable, "must not be greater than 100%"));
  return errors;
}

const percentOf = (amount: Amount | undefined): number | undefined =>
  typeof amount === "string" && /^\d+%$/.test(amount) ? Number(amount.slice(0, -1)) : undefined;

const isZero = (amount: Amount | undefined): boolean => amount === 0 || percentOf(amount) === 0;

const percentNote =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

function validateAmount(amount: Amount | undefined, field: string): FieldError[] {
  if (typeof amount === "number") return nonNegative(field, amount);
  return amount !== undefined && percentOf(amount) === undefined ? [invalid(field, amount, percentNote)] : [];
}

const replicaFields = [
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
] as const;

function validateStatusUpdate({ status = {} }: Deployment, { status: previous = {} }: Deployment): FieldError[] {
  const errors: FieldError[] = [...nonNegative("status.observedGeneration", status.observedGeneration)];
  for (const member of replicaFields) errors.push(...nonNegative(`status.${member}`, status[member]));
  errors.push(...nonNegative("status.collisionCount", status.collisionCount));
  const total = status.replicas ?? 0;
  for (const member of ["updatedReplicas", "readyReplicas", "availableReplicas"] as const) {
    const count = status[member] ?? 0;
    if (count > total) errors.push(invalid(`status.${member}`, count, "cannot be greater than status.replicas"));
  }
  if ((status.availableReplicas ?? 0) > (status.readyReplicas ?? 0)) {
    errors.push(invalid("status.availableReplicas", status.availableReplicas, "cannot be greater than readyReplicas"));
  }
  const [after, before] = [status.collisionCount, previous.collisionCount];
  if (before !== undefined && (after === undefined || after < before)) {
    errors.push(invalid("status.collisionCount", after ?? null, "cannot be decremented"));
  }
  return errors;
}
