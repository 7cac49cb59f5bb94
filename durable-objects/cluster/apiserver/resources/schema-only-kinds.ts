/** What the kinds that are served from their schema alone need beyond it: facts of the real server, no behaviour. */
import { type FieldError, required } from "../../api/field-error.ts";
import type { KubeObject } from "../../api/objects.ts";
import { forbidden } from "../../api/status-error.ts";
import type { ResourceStrategy } from "../resource-strategy.ts";

type Details = Partial<
  Pick<
    ResourceStrategy,
    "nameRule" | "hasGeneration" | "returnsDeletedObject" | "deprecation" | "fromStored" | "prepareForCreate" | "applyDefaults"
  >
> & {
  /** Mistakes that the schema does not find. */
  mistakes?(object: KubeObject): FieldError[];
};

const generation: Details = { hasGeneration: true };
const rbac: Details = { nameRule: "path-segment" };
const withPhase: Details = {
  returnsDeletedObject: true,
  prepareForCreate: (object) => {
    object.status = { phase: "Pending" };
  },
};

/** By `group/plural`; the core group is empty. */
const details: Record<string, Details | undefined> = {
  "/componentstatuses": { deprecation: "v1 ComponentStatus is deprecated in v1.19+" },
  "/persistentvolumeclaims": withPhase,
  "/persistentvolumes": withPhase,
  "/podtemplates": { hasGeneration: true, returnsDeletedObject: true },
  "/replicationcontrollers": generation,
  "/resourcequotas": { returnsDeletedObject: true },
  "apps/controllerrevisions": {
    mistakes: ({ data }: KubeObject & { data?: unknown }) =>
      data === undefined || data === null ? [required("data", "data is mandatory")] : [],
  },
  "apps/daemonsets": generation,
  "apps/statefulsets": generation,
  "batch/cronjobs": generation,
  "batch/jobs": generation,
  "networking.k8s.io/ingressclasses": {
    hasGeneration: true,
    applyDefaults: ({ spec }) => {
      const parameters = spec?.parameters as { scope?: string | null } | undefined;
      if (parameters) parameters.scope ??= "Cluster";
    },
  },
  "networking.k8s.io/ipaddresses": { nameRule: "path-segment" },
  "networking.k8s.io/servicecidrs": generation,
  "policy/poddisruptionbudgets": generation,
  "rbac.authorization.k8s.io/clusterrolebindings": rbac,
  "rbac.authorization.k8s.io/clusterroles": rbac,
  "rbac.authorization.k8s.io/rolebindings": rbac,
  "rbac.authorization.k8s.io/roles": rbac,
  "apiextensions.k8s.io/customresourcedefinitions": generation,
  "scheduling.k8s.io/priorityclasses": generation,
};

/** Objects of these groups would change what the server answers; one that is kept and never asked would mislead. */
const refusedGroups: ReadonlySet<string> = new Set(["admissionregistration.k8s.io"]);

/** @param of a group version's resource, as the discovery of the real server names it */
export function detailsOf(of: { group: string; version: string; plural: string; kind: string }): Details {
  if (refusedGroups.has(of.group)) {
    return {
      prepareForCreate: ({ metadata }) => {
        throw forbidden(
          { group: of.group, resource: of.plural },
          metadata.name,
          `${of.kind} is not emulated: admission webhooks and policies would change answers, and one that is stored would never be asked`,
        );
      },
    };
  }
  if (of.group === "autoscaling") return { fromStored: of.version === "v1" ? autoscalerV1 : autoscalerV2 };
  return details[`${of.group}/${of.plural}`] ?? {};
}

interface AutoscalerSpec {
  metrics?: { type: string; resource?: { name: string; target: { type: string; averageUtilization?: number } } }[];
  targetCPUUtilizationPercentage?: number;
  [member: string]: unknown;
}

/** The older version knows one metric: the use of the CPU. */
function autoscalerV1(object: KubeObject): KubeObject {
  const { metrics, ...spec } = object.spec as AutoscalerSpec;
  const cpu = (metrics ?? []).find(({ resource }) => resource?.name === "cpu" && resource.target.type === "Utilization")?.resource;
  const target = cpu?.target.averageUtilization;
  const { currentMetrics: _, conditions: __, ...status } = object.status ?? {};
  return {
    ...object,
    spec: { ...spec, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    status: { currentReplicas: 0, ...status },
  };
}

function autoscalerV2(object: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage, ...spec } = object.spec as AutoscalerSpec;
  const status = { ...object.status, currentMetrics: null };
  if (targetCPUUtilizationPercentage === undefined) return { ...object, spec, status };
  const target = { type: "Utilization", averageUtilization: targetCPUUtilizationPercentage };
  return { ...object, spec: { ...spec, metrics: [{ type: "Resource", resource: { name: "cpu", target } }] }, status };
}
