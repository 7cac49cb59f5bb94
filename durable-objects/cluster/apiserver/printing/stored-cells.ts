/**
 * The Table of kinds that are stored and no more: columns as captured from the real server, cells that show fields of the
 * object. Nothing here is worked out by a controller, so what only a controller knows shows as it was last written.
 */
import { age } from "../../api/duration.ts";
import { formatLabelSelector, type LabelSelector } from "../../api/label-selector.ts";
import type { KubeObject } from "../../api/objects.ts";
import type { Column } from "../resource-strategy.ts";
import { ageColumn, formatLabels, nameColumn, none } from "./cells.ts";
import { tableColumns } from "./columns.generated.ts";

type Cell = Column<KubeObject>["cell"];
type CellValue = ReturnType<Cell>;
type Value = Record<string, unknown>;

const unset = "<unset>";

/** @param path `apis/apps/v1/statefulsets` */
export function storedColumns(path: string): Column<KubeObject>[] {
  const plural = path.slice(path.lastIndexOf("/") + 1);
  return (tableColumns[path] ?? "").split("|").map((line) => {
    const [name = "", type = "", format = "", priority = ""] = line.split(":");
    return {
      name,
      ...(type !== "" && { type: type as NonNullable<Column<KubeObject>["type"]> }),
      ...(format !== "" && { format }),
      ...(priority !== "" && { priority: Number(priority) }),
      cell: cells[plural]?.[name] ?? sharedCells[name] ?? (() => ""),
    };
  });
}

const valueAt = (object: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((value, member) => (value as Value | null | undefined)?.[member], object);

/** The field under a path; where it is not set, something else. */
const field =
  (path: string, otherwise: CellValue = ""): Cell =>
  (object) =>
    (valueAt(object, path) as CellValue | undefined) ?? otherwise;

const number = (path: string): Cell => field(path, 0);

/** A cell of what is under a path; where nothing is, something else. */
const of =
  <T>(path: string, show: (value: T, object: KubeObject) => CellValue, otherwise: CellValue = none): Cell =>
  (object) => {
    const value = valueAt(object, path) as T | undefined | null;
    return value === undefined || value === null ? otherwise : show(value, object);
  };

const count = (path: string): Cell => of<unknown[]>(path, (list) => list.length, 0);
const labels = (path: string): Cell => of<Record<string, string>>(path, formatLabels);
const selector = (path: string): Cell => of<LabelSelector>(path, formatLabelSelector);
const flag = (path: string, otherwise: string): Cell => of<boolean>(path, (value) => (value ? "True" : "False"), otherwise);

/** Names or images of the containers of a pod template. */
const containers = (template: string, member: "name" | "image"): Cell =>
  of<Value[]>(`${template}.spec.containers`, (list) => list.map((container) => container[member] ?? "").join(","), "");

const workload = (template: string, selects: Cell): Record<string, Cell> => ({
  Containers: containers(template, "name"),
  Images: containers(template, "image"),
  Selector: selects,
});

const shortModes: Record<string, string> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const accessModes = (path: string): Cell => of<string[]>(path, (modes) => modes.map((mode) => shortModes[mode] ?? mode).join(","), "");

/** The phase, or that the object is going. */
const phase: Cell = ({ metadata, status }) =>
  metadata.deletionTimestamp === undefined ? ((status?.phase as string | undefined) ?? "") : "Terminating";

/** Used and hard amounts of a quota, of limits or of everything else. */
const quota =
  (ofLimits: boolean): Cell =>
  ({ status }) =>
    Object.entries((status?.hard ?? {}) as Record<string, string>)
      .filter(([resource]) => resource.startsWith("limits") === ofLimits)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([resource, hard]) => `${resource}: ${(status?.used as Record<string, string> | undefined)?.[resource] ?? "0"}/${hard}`)
      .join(", ");

interface Subject {
  kind: string;
  name: string;
  namespace?: string;
}
const subjects = (kind: string): Cell =>
  of<Subject[]>(
    "subjects",
    (list) =>
      list
        .filter((subject) => subject.kind === kind)
        .map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace ?? ""}/${name}` : name))
        .join(", "),
    "",
  );

const binding: Record<string, Cell> = {
  Role: of<{ kind: string; name: string }>("roleRef", ({ kind, name }) => `${kind}/${name}`),
  Users: subjects("User"),
  Groups: subjects("Group"),
  ServiceAccounts: subjects("ServiceAccount"),
};

/** A metric's present value is a controller's to know. */
interface Metric {
  type: string;
  resource?: { name: string; target: { averageUtilization?: number; averageValue?: string } };
}
const targets: Cell = (object) => {
  const { metrics, targetCPUUtilizationPercentage } = object.spec as { metrics?: Metric[]; targetCPUUtilizationPercentage?: number };
  const shown = (metrics ?? []).flatMap(({ resource }) => {
    const target =
      resource?.target.averageUtilization === undefined ? resource?.target.averageValue : `${resource.target.averageUtilization}%`;
    return resource === undefined || target === undefined ? [] : [`${resource.name}: <unknown>/${target}`];
  });
  if (targetCPUUtilizationPercentage !== undefined) shown.push(`cpu: <unknown>/${targetCPUUtilizationPercentage}%`);
  return shown.length === 0 ? none : shown.join(", ");
};

const horizontalPodAutoscaler: Record<string, Cell> = {
  Reference: of<{ kind: string; name: string }>("spec.scaleTargetRef", ({ kind, name }) => `${kind}/${name}`),
  Targets: targets,
  MinPods: field("spec.minReplicas", unset),
  MaxPods: field("spec.maxReplicas"),
  Replicas: number("status.currentReplicas"),
};

const jobStatus: Cell = (object) => {
  const isTrue = (type: string): boolean =>
    ((object.status?.conditions ?? []) as { type: string; status: string }[]).some((one) => one.type === type && one.status === "True");
  if (isTrue("Complete")) return "Complete";
  if (isTrue("Failed")) return "Failed";
  if (object.metadata.deletionTimestamp !== undefined) return "Terminating";
  return isTrue("Suspended") ? "Suspended" : "Running";
};

const sharedCells: Record<string, Cell> = {
  Name: nameColumn.cell,
  Age: ageColumn.cell,
  "Created At": field("metadata.creationTimestamp"),
  ...workload("spec.template", selector("spec.selector")),
};

/** Plural -> column -> cell, where the column is not one of those above. */
const cells: Record<string, Record<string, Cell> | undefined> = {
  persistentvolumeclaims: {
    Status: phase,
    Volume: field("spec.volumeName"),
    Capacity: (object) => (object.spec?.volumeName ? field("status.capacity.storage")(object, { now: 0 }) : ""),
    "Access Modes": accessModes("status.accessModes"),
    StorageClass: field("spec.storageClassName"),
    VolumeAttributesClass: field("spec.volumeAttributesClassName", unset),
    VolumeMode: field("spec.volumeMode", unset),
  },
  persistentvolumes: {
    Capacity: field("spec.capacity.storage"),
    "Access Modes": accessModes("spec.accessModes"),
    "Reclaim Policy": field("spec.persistentVolumeReclaimPolicy"),
    Status: phase,
    Claim: of<{ namespace: string; name: string }>("spec.claimRef", ({ namespace, name }) => `${namespace}/${name}`, ""),
    StorageClass: field("spec.storageClassName"),
    VolumeAttributesClass: field("spec.volumeAttributesClassName", unset),
    Reason: field("status.reason"),
    VolumeMode: field("spec.volumeMode", unset),
  },
  podtemplates: { ...workload("template", () => ""), "Pod Labels": labels("template.metadata.labels") },
  replicationcontrollers: {
    Desired: number("spec.replicas"),
    Current: number("status.replicas"),
    Ready: number("status.readyReplicas"),
    Selector: labels("spec.selector"),
  },
  resourcequotas: { Request: quota(false), Limit: quota(true) },
  controllerrevisions: {
    Controller: ({ metadata }) => {
      const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
      if (owner === undefined) return none;
      const [group, version] = owner.apiVersion.split("/");
      return `${owner.kind.toLowerCase()}${version === undefined ? "" : `.${group}`}/${owner.name}`;
    },
    Revision: number("revision"),
  },
  daemonsets: {
    Desired: number("status.desiredNumberScheduled"),
    Current: number("status.currentNumberScheduled"),
    Ready: number("status.numberReady"),
    "Up-to-date": number("status.updatedNumberScheduled"),
    Available: number("status.numberAvailable"),
    "Node Selector": labels("spec.template.spec.nodeSelector"),
  },
  statefulsets: { Ready: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}` },
  cronjobs: {
    Schedule: field("spec.schedule"),
    Timezone: field("spec.timeZone", none),
    Suspend: flag("spec.suspend", unset),
    Active: count("status.active"),
    "Last Schedule": (object, { now }) => {
      const time = object.status?.lastScheduleTime as string | undefined;
      return time === undefined ? none : age(time, now);
    },
    ...workload("spec.jobTemplate.spec.template", selector("spec.jobTemplate.spec.selector")),
  },
  jobs: {
    Status: jobStatus,
    Completions: ({ spec, status }) => `${status?.succeeded ?? 0}/${spec?.completions ?? spec?.parallelism ?? 1}`,
  },
  ingressclasses: {
    Controller: field("spec.controller"),
    Parameters: of<{ kind: string; name: string; apiGroup?: string }>(
      "spec.parameters",
      ({ kind, name, apiGroup }) => `${kind}${apiGroup ? `.${apiGroup}` : ""}/${name}`,
    ),
  },
  ipaddresses: {
    ParentRef: of<{ group?: string; resource: string; namespace?: string; name: string }>(
      "spec.parentRef",
      ({ group, resource, namespace, name }) =>
        [`${resource}${group ? `.${group}` : ""}`, ...(namespace ? [namespace] : []), name].join("/").toLowerCase(),
    ),
  },
  servicecidrs: { CIDRs: of<string[]>("spec.cidrs", (cidrs) => cidrs.join(",")) },
  horizontalpodautoscalers: horizontalPodAutoscaler,
  poddisruptionbudgets: {
    "Min Available": field("spec.minAvailable", "N/A"),
    "Max Unavailable": field("spec.maxUnavailable", "N/A"),
    "Allowed Disruptions": number("status.disruptionsAllowed"),
  },
  rolebindings: binding,
  clusterrolebindings: binding,
  priorityclasses: {
    Value: number("value"),
    "Global-Default": field("globalDefault", false),
    PreemptionPolicy: field("preemptionPolicy"),
  },
  runtimeclasses: { Handler: field("handler") },
  csidrivers: {
    AttachRequired: field("spec.attachRequired", true),
    PodInfoOnMount: field("spec.podInfoOnMount", false),
    StorageCapacity: field("spec.storageCapacity", false),
    TokenRequests: of<{ audience: string }[]>("spec.tokenRequests", (list) => list.map(({ audience }) => audience).join(","), unset),
    RequiresRepublish: field("spec.requiresRepublish", false),
    Modes: of<string[]>("spec.volumeLifecycleModes", (modes) => modes.join(","), unset),
  },
  csinodes: { Drivers: count("spec.drivers") },
  storageclasses: {
    Provisioner: field("provisioner"),
    ReclaimPolicy: field("reclaimPolicy", "Delete"),
    VolumeBindingMode: field("volumeBindingMode", "Immediate"),
    AllowVolumeExpansion: field("allowVolumeExpansion", false),
  },
  volumeattachments: {
    Attacher: field("spec.attacher"),
    PV: field("spec.source.persistentVolumeName"),
    Node: field("spec.nodeName"),
    Attached: field("status.attached", false),
  },
  volumeattributesclasses: { DriverName: field("driverName") },
};
