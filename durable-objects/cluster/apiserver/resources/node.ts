/**
 * Node: a machine that registered itself.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/nodes/
 */
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from "../../api/field-error.ts";
import { cidrComplaints } from "../../api/ip-address.ts";
import { labelValue, qualifiedName } from "../../api/names.ts";
import type { Node } from "../../api/objects.ts";
import { canonicalQuantity } from "../../api/quantity.ts";
import { same } from "../../api/same.ts";
import { ageColumn, nameColumn, none } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout, validateObjectMeta } from "../validation/object-meta.ts";

const roleLabel = "node-role.kubernetes.io/";
const legacyRoleLabel = "kubernetes.io/role";
const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const unknown = "<unknown>";

const nodeStrategy: ResourceStrategy<Node> = {
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  namespaced: false,
  subresources: ["status", "proxy"],

  applyDefaults: (node) => {
    node.spec ??= {};
    node.status ??= {};
    if (node.spec.podCIDR && !node.spec.podCIDRs?.length) node.spec.podCIDRs = [node.spec.podCIDR];
    const { status } = node;
    if (!status.allocatable && status.capacity) status.allocatable = { ...status.capacity };
    for (const list of [status.capacity, status.allocatable]) {
      for (const [name, quantity] of Object.entries(list ?? {}))
        (list as Record<string, string>)[name] = canonicalQuantity(String(quantity));
    }
  },
  prepareForCreate: ({ spec }) => {
    // Admission: nothing is scheduled to a node before the node controller has looked at it.
    const taints = spec.taints ?? [];
    if (!taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) spec.taints = [...taints, { ...notReady }];
  },
  validate,
  validateUpdate: (next, previous) => [...validate(next), ...validateFixed(next, previous), ...validateObjectMeta(next.metadata, nodeMeta)],
  selectableFields: { "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false) },
  columns: [
    nameColumn,
    { name: "Status", cell: statusOf },
    { name: "Roles", cell: rolesOf },
    ageColumn,
    { name: "Version", cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? "" },
    { name: "Internal-IP", priority: 1, cell: (node) => addressOf(node, "InternalIP") },
    { name: "External-IP", priority: 1, cell: (node) => addressOf(node, "ExternalIP") },
    { name: "OS-Image", priority: 1, cell: ({ status }) => status?.nodeInfo?.osImage || unknown },
    { name: "Kernel-Version", priority: 1, cell: kernelOf },
    { name: "Container-Runtime", priority: 1, cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || unknown },
  ],
};

export const node = strategy(nodeStrategy);

const nodeMeta = { namespaced: false } as const;

function statusOf({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (spec.unschedulable) words.push("SchedulingDisabled");
  return words.join(",");
}

function rolesOf({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(roleLabel)) return key.length > roleLabel.length ? [key.slice(roleLabel.length)] : [];
    return key === legacyRoleLabel && value !== "" ? [value] : [];
  });
  return roles.length === 0 ? none : [...new Set(roles)].sort().join(",");
}

const addressOf = ({ status }: Node, type: string): string => status?.addresses?.find((address) => address.type === type)?.address ?? none;

function kernelOf({ status }: Node): string {
  const { kernelVersion, architecture } = status?.nodeInfo ?? {};
  if (!kernelVersion) return unknown;
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion;
}

function validate({ spec }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [at, { key = "", value = "", effect = "" }] of (spec.taints ?? []).entries()) {
    const field = `spec.taints[${at}]`;
    errors.push(...complaintsAbout(`${field}.key`, key, qualifiedName), ...complaintsAbout(`${field}.value`, value, labelValue));
    if (effect === "") errors.push(required(`${field}.effect`));
    else if (!effects.includes(effect)) errors.push(notSupported(`${field}.effect`, effect, effects));
    const id = `${key}:${effect}`;
    if (seen.has(id))
      errors.push({
        ...duplicate(field, { key, value, effect }),
        message: "Duplicate value: taints must be unique by key and effect pair",
      });
    seen.add(id);
  }
  for (const [at, cidr] of (spec.podCIDRs ?? []).entries()) errors.push(...complaintsAbout(`spec.podCIDRs[${at}]`, cidr, cidrComplaints));
  return errors;
}

/** What a node was given once stays. */
function validateFixed({ spec: next }: Node, { spec: previous }: Node): FieldError[] {
  const errors: FieldError[] = [];
  if (previous.podCIDRs?.length && !same(next.podCIDRs, previous.podCIDRs)) {
    errors.push(forbiddenField("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  if (previous.providerID && next.providerID !== previous.providerID) {
    errors.push(forbiddenField("spec.providerID", 'node updates may not change providerID except from "" to valid'));
  }
  if (!same(next.configSource, previous.configSource)) errors.push(invalid("spec.configSource", next.configSource, "may not be changed"));
  return errors;
}
