/**
 * ServiceAccount. Tokens are requested from its `token` subresource; nothing is stored for them.
 *
 * @see https://kubernetes.io/docs/concepts/security/service-accounts/
 */
import type { ServiceAccount } from "../../api/objects.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { validateObjectMeta } from "../validation/object-meta.ts";

const mountableSecrets = "kubernetes.io/enforce-mountable-secrets";

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

  applyDefaults: (account) => {
    // Of the references to Secrets only the name counts.
    if (account.secrets) account.secrets = account.secrets.map(({ name }) => ({ ...(name === undefined ? {} : { name }) }));
  },
  validate: () => [],
  validateUpdate: (next) => validateObjectMeta(next.metadata, { namespaced: true }),
  warnings: ({ metadata }) =>
    metadata.annotations?.[mountableSecrets] === undefined
      ? []
      : [
          `metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ],
  columns: [nameColumn, ageColumn],
};

export const serviceAccount = strategy(serviceAccountStrategy);
