/**
 * Pod: how it is admitted, defaulted, checked and shown, and how long it has to go.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/
 */
import { type FieldError, forbiddenField, invalid, required } from "../../api/field-error.ts";
import { ipComplaints } from "../../api/ip-address.ts";
import { qualifiedName } from "../../api/names.ts";
import type { Container, Pod } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { timeOf } from "../../api/time.ts";
import { ageColumn, nameColumn, none } from "../printing/cells.ts";
import { summarizePod } from "../printing/pod-status.ts";
import { type ResourceStrategy, type Subresource, strategy } from "../resource-strategy.ts";
import { between, largestInt32 } from "../validation/checks.ts";
import { complaintsAbout } from "../validation/object-meta.ts";
import { nameWarnings, podSpecWarnings, validatePodSpec } from "../validation/pod-spec.ts";
import { dumpPodSpec } from "../validation/pod-spec-dump.ts";
import { unifiedDiff } from "../validation/unified-diff.ts";
import { addOutageTolerations, admitPod } from "./pod-admission.ts";
import { applyPodOnlyDefaults, applyPodSpecDefaults } from "./pod-defaults.ts";
import { qosClassOf } from "./pod-qos.ts";

/** What Go's durations hold, 292 years. Unlike the server, whose sum overflows into the past, a longer grace ends there. */
const longestDurationSeconds = 9_223_372_036;

const podStrategy: ResourceStrategy<Pod> = {
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  singular: "pod",
  shortNames: ["po"],
  categories: ["all"],
  namespaced: true,
  subresources: ["status", "binding", "eviction", "log", "exec", "attach", "portforward", "proxy", "ephemeralcontainers", "resize"],
  hasGeneration: true,
  returnsDeletedObject: true,

  applyDefaults: (pod) => {
    pod.spec ??= { containers: [] };
    pod.spec.containers ??= [];
    pod.status ??= {};
    applyPodSpecDefaults(pod.spec);
    applyPodOnlyDefaults(pod.spec);
  },
  prepareForCreate: (pod, context) => {
    admitPod(pod, context);
    if ((pod.spec.terminationGracePeriodSeconds ?? 0) < 0) pod.spec.terminationGracePeriodSeconds = 1;
    pod.status = {
      phase: "Pending",
      ...(pod.spec.schedulingGates?.length ? { conditions: [gatedSince(context.now())] } : {}),
      qosClass: qosClassOf(pod.spec),
    };
  },
  prepareForUpdate: (next, previous, { subresource }) => {
    if (subresource === "resize") next.spec = withResourcesOf(previous.spec, next.spec);
    else if (subresource === "ephemeralcontainers") next.spec = { ...previous.spec, ephemeralContainers: next.spec.ephemeralContainers };
    // Admission looks at every write.
    else addOutageTolerations(next);
  },
  prepareForStatusUpdate: (next, previous) => {
    next.spec = previous.spec;
    next.status ??= {};
    // The first of `podIPs` and `podIP` are one; whoever writes only one of them changes both.
    const { status } = next;
    if (status.podIP && !status.podIPs?.length) status.podIPs = [{ ip: status.podIP }];
    else if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP && same(status.podIPs, previous.status?.podIPs)) {
      status.podIPs = [{ ip: status.podIP }];
    }
  },
  validate: ({ metadata, spec }) => [...validateDeletionCost(metadata), ...validatePodSpec(spec, "spec", { ofPod: true })],
  validateUpdate,
  validateStatusUpdate,
  warnings: ({ metadata, spec }, previous) => [
    ...(previous ? [] : nameWarnings(metadata.name, "in the Pod's hostname")),
    ...podSpecWarnings(spec, "spec"),
  ],
  gracefulDeletion: ({ spec, status }, requested) => {
    if (!spec.nodeName || status?.phase === "Failed" || status?.phase === "Succeeded") return 0;
    const seconds = requested ?? spec.terminationGracePeriodSeconds ?? 0;
    return seconds < 0 ? 1 : Math.min(seconds, longestDurationSeconds);
  },
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec.restartPolicy ?? "",
    "spec.schedulerName": ({ spec }) => spec.schedulerName ?? "",
    "spec.serviceAccountName": ({ spec }) => spec.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => String(spec.hostNetwork ?? false),
    "status.phase": ({ status }) => status?.phase ?? "",
    "status.podIP": ({ status }) => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "",
    // Known to the server by name, but never filled in.
    "status.podIPs": () => "",
    "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName ?? "",
  },
  columns: [
    nameColumn,
    { name: "Ready", cell: (pod, { now }) => summarizePod(pod, now).ready },
    { name: "Status", cell: (pod, { now }) => summarizePod(pod, now).status },
    { name: "Restarts", cell: (pod, { now }) => summarizePod(pod, now).restarts },
    ageColumn,
    { name: "IP", priority: 1, cell: ({ status }) => status?.podIPs?.[0]?.ip ?? (status?.podIP || none) },
    { name: "Node", priority: 1, cell: ({ spec }) => spec.nodeName || none },
    { name: "Nominated Node", priority: 1, cell: ({ status }) => status?.nominatedNodeName || none },
    { name: "Readiness Gates", priority: 1, cell: readinessGates },
  ],
};

export const pod = strategy(podStrategy);

const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";

/** The server looks twice, and tells both times. */
function validateDeletionCost({ annotations = {} }: Pod["metadata"]): FieldError[] {
  const cost = annotations[deletionCostAnnotation];
  if (cost === undefined || (/^(0|-?[1-9]\d*)$/.test(cost) && Math.abs(Number(cost) + 0.5) < 2 ** 31)) return [];
  const error = invalid(`metadata.annotations[${deletionCostAnnotation}]`, cost, "must be a 32bit integer");
  return [error, error];
}

const gatedSince = (now: number) => ({
  type: "PodScheduled",
  status: "False",
  lastProbeTime: null as unknown as string,
  lastTransitionTime: timeOf(now),
  reason: "SchedulingGated",
  message: "Scheduling is blocked due to non-empty scheduling gates",
});

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return none;
  const isMet = (type: string) => status?.conditions?.some((condition) => condition.type === type && condition.status === "True");
  return `${gates.filter(({ conditionType }) => isMet(conditionType)).length}/${gates.length}`;
}

const mayNotChange =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** A running pod is what it is: only images, deadlines and some of what steers the scheduler may change. */
function validateUpdate(next: Pod, previous: Pod, { subresource }: { subresource?: Subresource }): FieldError[] {
  const errors = [...validateDeletionCost(next.metadata), ...validatePodSpec(next.spec, "spec")];
  if (subresource === "resize") return errors;
  if (subresource === "ephemeralcontainers") return [...errors, ...validateKeptEphemeral(next, previous)];
  for (const list of ["containers", "initContainers"] as const) {
    const containers = next.spec[list] ?? [];
    if (containers.length !== (previous.spec[list] ?? []).length) {
      return [...errors, forbiddenField(`spec.${list}`, "pod updates may not add or remove containers")];
    }
    for (const [at, container] of containers.entries()) {
      const image = container.image ?? "";
      if (image === "") errors.push(required(`spec.${list}[${at}].image`));
      else if (image !== image.trim())
        errors.push(invalid(`spec.${list}[${at}].image`, image, "must not have leading or trailing whitespace"));
    }
  }
  const deadline = validateDeadline(next, previous);
  if (deadline.length > 0) return [...errors, ...deadline];
  errors.push(...validateAddedTolerations(next, previous), ...validateGateRemoval(next, previous));
  const rest = withoutMutable(next, previous);
  if (same(rest, previous.spec)) return errors;
  const difference = unifiedDiff(dumpPodSpec(previous.spec), dumpPodSpec(rest));
  return [...errors, forbiddenField("spec", `${mayNotChange}\n${difference}`)];
}

/** A resize changes requests and limits, and how containers take to that, and nothing else. */
function withResourcesOf(previous: Pod["spec"], next: Pod["spec"]): Pod["spec"] {
  const resized = <C extends Container>(containers: C[], wanted: readonly C[] | undefined): C[] =>
    containers.map((container) => {
      const found = wanted?.find(({ name }) => name === container.name) as Resizable | undefined;
      return found
        ? { ...container, resources: found.resources, ...(found.resizePolicy ? { resizePolicy: found.resizePolicy } : {}) }
        : container;
    });
  return {
    ...previous,
    containers: resized(previous.containers, next.containers),
    ...(previous.initContainers ? { initContainers: resized(previous.initContainers, next.initContainers) } : {}),
  };
}

type Resizable = Container & { resizePolicy?: object[] };

/** Ephemeral containers can be added, never changed or taken away. */
function validateKeptEphemeral({ spec: next }: Pod, { spec: previous }: Pod): FieldError[] {
  const field = "spec.ephemeralContainers";
  return (previous.ephemeralContainers ?? []).flatMap((old) => {
    const at = (next.ephemeralContainers ?? []).findIndex(({ name }) => name === old.name);
    if (at < 0) return [forbiddenField(field, `existing ephemeral containers "${old.name}" may not be removed`)];
    return same(next.ephemeralContainers?.[at], old)
      ? []
      : [forbiddenField(field, `existing ephemeral containers "${old.name}" may not be changed`)];
  });
}

function validateDeadline({ spec: next }: Pod, { spec: previous }: Pod): FieldError[] {
  const field = "spec.activeDeadlineSeconds";
  const [after, before] = [next.activeDeadlineSeconds, previous.activeDeadlineSeconds];
  if (after === undefined) {
    return before === undefined ? [] : [invalid(field, null, "must not update from a positive integer to nil value")];
  }
  const errors = between(field, after, 0, largestInt32);
  if (errors.length > 0) return errors;
  return before !== undefined && before < after ? [invalid(field, after, "must be less than or equal to previous value")] : [];
}

/** Gates can only be taken away; while there are some, the scheduler's hints may become stricter. */
function validateGateRemoval({ spec: next }: Pod, { spec: previous }: Pod): FieldError[] {
  const known = new Set((previous.schedulingGates ?? []).map(({ name }) => name));
  return (next.schedulingGates ?? []).flatMap(({ name }, at) =>
    known.has(name)
      ? []
      : [forbiddenField(`spec.schedulingGates[${at}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`)],
  );
}

function validateAddedTolerations({ spec: next }: Pod, { spec: previous }: Pod): FieldError[] {
  const withoutSeconds = ({ tolerationSeconds, ...rest }: object & { tolerationSeconds?: number }) => rest;
  const kept = (previous.tolerations ?? []).every((old) =>
    (next.tolerations ?? []).some(
      (toleration) => same(withoutSeconds(toleration), withoutSeconds(old)) && (toleration.effect === "NoExecute" || same(toleration, old)),
    ),
  );
  return kept ? [] : [forbiddenField("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")];
}

/** The next spec with everything that may change set back, to see whether anything else did. */
function withoutMutable({ spec: next }: Pod, { spec: previous }: Pod): Pod["spec"] {
  const restored = { ...next };
  const oldImages = <C extends { image?: string }>(containers: C[] | undefined, before: C[] | undefined): C[] | undefined =>
    containers?.map((container, at) => ({ ...container, image: before?.[at]?.image }) as C);
  restored.containers = oldImages(next.containers, previous.containers) ?? [];
  if (next.initContainers) restored.initContainers = oldImages(next.initContainers, previous.initContainers);
  for (const field of ["activeDeadlineSeconds", "tolerations", "schedulingGates"] as const) {
    if (previous[field] === undefined) delete restored[field];
    else (restored as Record<string, unknown>)[field] = previous[field];
  }
  if ((previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1) {
    restored.terminationGracePeriodSeconds = previous.terminationGracePeriodSeconds;
  }
  if (previous.schedulingGates?.length) {
    if (isAddition(next.nodeSelector, previous.nodeSelector)) restored.nodeSelector = previous.nodeSelector;
    if (isStricterAffinity(next.affinity, previous.affinity)) restored.affinity = previous.affinity;
  }
  return restored;
}

const isAddition = (after: Record<string, string> | undefined, before: Record<string, string> | undefined): boolean =>
  Object.entries(before ?? {}).every(([key, value]) => after?.[key] === value);

type Affinity = Pod["spec"]["affinity"];

/** Node affinity of a gated pod may be added, and its terms may get more expressions. */
function isStricterAffinity(after: Affinity, before: Affinity): boolean {
  const required_ = "requiredDuringSchedulingIgnoredDuringExecution";
  const terms = before?.nodeAffinity?.[required_]?.nodeSelectorTerms;
  const next = after?.nodeAffinity?.[required_]?.nodeSelectorTerms;
  const others = ({ nodeAffinity, ...rest }: NonNullable<Affinity>) => rest;
  if (!same(others(after ?? {}), others(before ?? {}))) return false;
  if (!terms) return true;
  if (!next || next.length !== terms.length) return false;
  return terms.every((term, at) =>
    [...(term.matchExpressions ?? [])].every((old) => (next[at]?.matchExpressions ?? []).some((expression) => same(expression, old))),
  );
}

function validateStatusUpdate({ status: next = {} }: Pod, { status: previous = {} }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  for (const [at, { type }] of (next.conditions ?? []).entries()) {
    errors.push(...complaintsAbout(`status.conditions[${at}].Type`, type ?? "", qualifiedName));
  }
  for (const [at, { ip }] of (next.podIPs ?? []).entries()) errors.push(...complaintsAbout(`status.podIPs[${at}]`, ip ?? "", ipComplaints));
  if (next.qosClass && previous.qosClass && next.qosClass !== previous.qosClass) {
    errors.push(invalid("status.qosClass", next.qosClass, "field is immutable"));
  }
  return errors;
}
