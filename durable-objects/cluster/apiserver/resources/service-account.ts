/**
 * ServiceAccount. Tokens are requested from its `token` subresource; nothing is stored for them.
 *
 * @see https://kubernetes.io/docs/concepts/security/service-accounts/
 */
import type { ServiceAccount } from "../../api/objects.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { validateObjectMeta } from "../validation/object-meta.ts";

const serviceAccountStrategy: ResourceStrategy<ServiceAccount> = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  singular: "serviceaccount",
  shortNames: ["sa"],
  namespaced: true,
  subresources: ["token"],
  returnsDeletedObject: true,

  validate: () => [],
  validateUpdate: (next) => validateObjectMeta(next.metadata, { namespaced: true }),
  columns: [nameColumn, ageColumn],
};

export const serviceAccount = strategy(serviceAccountStrategy);
