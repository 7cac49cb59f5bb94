/**
 * ReplicaSet.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/
 */
import { type FieldError, invalid } from "../../api/field-error.ts";
import type { ReplicaSet } from "../../api/objects.ts";
import { ageColumn, nameColumn, selectorColumn, templateColumns } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { nonNegative } from "../validation/checks.ts";
import { nameWarnings, podSpecWarnings } from "../validation/pod-spec.ts";
import { validateSelectorAndTemplate, validateSelectorKept } from "../validation/workload.ts";
import { applyPodSpecDefaults } from "./pod-defaults.ts";

const replicaSetStrategy: ResourceStrategy<ReplicaSet> = {
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  subresources: ["status", "scale"],
  hasGeneration: true,

  applyDefaults: (object) => {
    object.spec ??= {} as ReplicaSet["spec"];
    object.status ??= { replicas: 0 };
    object.status.replicas ??= 0;
    const { spec } = object;
    spec.template ??= {};
    spec.template.metadata ??= {};
    spec.template.spec ??= { containers: [] };
    applyPodSpecDefaults(spec.template.spec);
    spec.replicas ??= 1;
  },
  prepareForCreate: (replicaSet) => {
    replicaSet.status = { replicas: 0 };
  },
  prepareForUpdate: (next, previous) => {
    next.status = previous.status;
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
    { name: "Desired", type: "integer", cell: ({ spec }) => spec.replicas ?? 0 },
    { name: "Current", type: "integer", cell: ({ status }) => status?.replicas ?? 0 },
    { name: "Ready", type: "integer", cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ] as ResourceStrategy<ReplicaSet>["columns"],
};

export const replicaSet = strategy(replicaSetStrategy);

const validateSpec = (spec: ReplicaSet["spec"]): FieldError[] => [
  ...nonNegative("spec.replicas", spec.replicas),
  ...nonNegative("spec.minReadySeconds", spec.minReadySeconds),
  ...validateSelectorAndTemplate(spec),
];

function validateStatusUpdate({ status }: ReplicaSet): FieldError[] {
  const { replicas = 0, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0, observedGeneration } = status;
  const errors = [
    ...nonNegative("status.replicas", replicas),
    ...nonNegative("status.fullyLabeledReplicas", fullyLabeledReplicas),
    ...nonNegative("status.readyReplicas", readyReplicas),
    ...nonNegative("status.availableReplicas", availableReplicas),
    ...nonNegative("status.observedGeneration", observedGeneration),
  ];
  for (const [member, count] of Object.entries({ fullyLabeledReplicas, readyReplicas, availableReplicas })) {
    if (count > replicas) errors.push(invalid(`status.${member}`, count, "cannot be greater than status.replicas"));
  }
  if (availableReplicas > readyReplicas) {
    errors.push(invalid("status.availableReplicas", availableReplicas, "cannot be greater than readyReplicas"));
  }
  return errors;
}
