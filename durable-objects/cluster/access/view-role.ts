/**
 * What the view token may do: the ClusterRole `view` of Kubernetes, the parts of the stage that a page needs to draw it,
 * and the reading surfaces of `kubearium.dev`. Neither has Secrets, exec, attach or port-forward.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
 */

/** Rules of one API group. A resource with a subresource is written `pods/log`, as in a ClusterRole. */
export interface RoleRule {
  group: string;
  resources: readonly string[];
  verbs: readonly string[];
}

const read = ["get", "list", "watch"] as const;

/** The user-facing ClusterRole `view`. */
const view: readonly RoleRule[] = [
  {
    group: "",
    resources: [
      "bindings",
      "configmaps",
      "endpoints",
      "events",
      "limitranges",
      "namespaces",
      "namespaces/status",
      "persistentvolumeclaims",
      "persistentvolumeclaims/status",
      "pods",
      "pods/log",
      "pods/status",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "replicationcontrollers/status",
      "resourcequotas",
      "resourcequotas/status",
      "serviceaccounts",
      "services",
      "services/status",
    ],
    verbs: read,
  },
  { group: "discovery.k8s.io", resources: ["endpointslices"], verbs: read },
  {
    group: "apps",
    resources: [
      "controllerrevisions",
      "daemonsets",
      "daemonsets/status",
      "deployments",
      "deployments/scale",
      "deployments/status",
      "replicasets",
      "replicasets/scale",
      "replicasets/status",
      "statefulsets",
      "statefulsets/scale",
      "statefulsets/status",
    ],
    verbs: read,
  },
  { group: "autoscaling", resources: ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], verbs: read },
  { group: "batch", resources: ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], verbs: read },
  { group: "policy", resources: ["poddisruptionbudgets", "poddisruptionbudgets/status"], verbs: read },
  { group: "networking.k8s.io", resources: ["ingresses", "ingresses/status", "networkpolicies"], verbs: read },
];

/** Beyond `view`: cluster-scoped things without which no packet's way can be drawn. None of them holds a secret. */
const stage: readonly RoleRule[] = [
  { group: "", resources: ["nodes", "nodes/status", "persistentvolumes"], verbs: read },
  { group: "networking.k8s.io", resources: ["ingressclasses", "ipaddresses", "servicecidrs"], verbs: read },
  { group: "storage.k8s.io", resources: ["storageclasses"], verbs: read },
  { group: "scheduling.k8s.io", resources: ["priorityclasses"], verbs: read },
  { group: "coordination.k8s.io", resources: ["leases"], verbs: read },
  { group: "events.k8s.io", resources: ["events"], verbs: read },
];

/** The surfaces of a sandbox that change nothing. Asking is `get`, whatever the HTTP method. */
const surfaces: readonly RoleRule[] = [
  {
    group: "kubearium.dev",
    resources: [
      "check",
      "clock",
      "dns",
      "dns-query",
      "export",
      "faults",
      "kubeconfig",
      "plan",
      "resolve",
      "route",
      "rules",
      "sandboxes",
      "stream",
      "traces",
    ],
    verbs: read,
  },
];

export const viewerRules: readonly RoleRule[] = [...view, ...stage, ...surfaces];

/** `system:basic-user`: everybody with a name may ask who he is and what he may do. */
export const everybodysRules: readonly RoleRule[] = [
  { group: "authorization.k8s.io", resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], verbs: ["create"] },
  { group: "authentication.k8s.io", resources: ["selfsubjectreviews"], verbs: ["create"] },
];
