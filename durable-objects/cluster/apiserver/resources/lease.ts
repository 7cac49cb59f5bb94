/**
 * Lease: who holds something, and since when; kubelets renew one for each node.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/leases/
 */
import { type FieldError, invalid } from "../../api/field-error.ts";
import type { KubeObject } from "../../api/objects.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { validateObjectMeta } from "../validation/object-meta.ts";

export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
    strategy?: string;
    preferredHolder?: string;
  };
}

const leaseStrategy: ResourceStrategy<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  singular: "lease",
  namespaced: true,
  subresources: [],
  requiresResourceVersion: true,
  allowCreateOnUpdate: true,

  applyDefaults: (lease) => {
    lease.spec ??= {};
    // Coordinated leader election is switched off, as in the real server's defaults.
    delete lease.spec.strategy;
    delete lease.spec.preferredHolder;
  },
  validate,
  validateUpdate: (next) => [...validateObjectMeta(next.metadata, { namespaced: true }), ...validate(next)],
  columns: [nameColumn, { name: "Holder", cell: ({ spec }) => spec?.holderIdentity ?? "" }, ageColumn],
};

export const lease = strategy(leaseStrategy);

function validate({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
    errors.push(invalid("spec.leaseDurationSeconds", spec.leaseDurationSeconds, "must be greater than 0"));
  }
  if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
    errors.push(invalid("spec.leaseTransitions", spec.leaseTransitions, "must be greater than or equal to 0"));
  }
  return errors;
}
