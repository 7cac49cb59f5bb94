/**
 * What every living namespace has: the service account `default` and the ConfigMap `kube-root-ca.crt`. Both come back
 * at once, the ConfigMap also where it was edited.
 *
 * @see https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller } from "../api/controller.ts";
import type { ConfigMap, KubeObject } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { rootCA } from "./root-ca.ts";

const descriptionAnnotation = "kubernetes.io/description";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

const ofNamespace = ({ before, after }: Change<KubeObject>): string[] => [((after ?? before) as KubeObject).metadata.name];

/** Changes of the one object of that name in a namespace. */
const named =
  (name: string) =>
  ({ before, after }: Change<KubeObject>): string[] => {
    const { metadata } = (after ?? before) as KubeObject;
    return metadata.name === name && metadata.namespace !== undefined ? [metadata.namespace] : [];
  };

export const serviceAccountController: Controller = {
  name: "serviceaccount-controller",
  watches: { namespaces: ofNamespace, serviceaccounts: named("default") },
  reconcile(key, context) {
    const namespace = context.get("namespaces", undefined, key);
    if (!namespace || namespace.metadata.deletionTimestamp !== undefined || context.get("serviceaccounts", key, "default")) return;
    context.create("serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: key } });
  },
};

const rootCAName = "kube-root-ca.crt";

export const rootCAPublisher: Controller = {
  name: "root-ca-cert-publisher",
  watches: { namespaces: ofNamespace, configmaps: named(rootCAName) },
  reconcile(key, context) {
    const namespace = context.get("namespaces", undefined, key);
    if (!namespace || namespace.metadata.deletionTimestamp !== undefined) return;
    const data = { "ca.crt": rootCA };
    const present = context.get<ConfigMap>("configmaps", key, rootCAName);
    if (!present) {
      const annotations = { [descriptionAnnotation]: description };
      context.create("configmaps", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: rootCAName, namespace: key, annotations },
        data,
      });
      return;
    }
    const isDescribed = present.metadata.annotations?.[descriptionAnnotation] === description;
    if (same(present.data, data) && isDescribed) return;
    const annotations = { ...present.metadata.annotations, [descriptionAnnotation]: description };
    context.update("configmaps", { ...present, metadata: { ...present.metadata, annotations }, data });
  },
};
