/**
 * Mistakes in the spec of a pod or of a pod template, in the words and the order of kube-apiserver.
 *
 * What containers, volumes, security contexts and the scheduler's hints have of their own is in the files beside.
 */
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from "../../api/field-error.ts";
import { ipComplaints } from "../../api/ip-address.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "../../api/names.ts";
import { between, largestInt32, requiredOneOf } from "./checks.ts";
import {
  type PodFacts,
  validateContainers,
  validateEphemeralContainers,
  validateHostNetworkPorts,
  validateInitContainers,
} from "./containers.ts";
import { complaintsAbout, validateAnnotations, validateLabels } from "./object-meta.ts";
import { validatePodResources } from "./resources.ts";
import { validateAffinity, validateSpread, validateTolerations } from "./scheduling.ts";
import { validatePodSecurity } from "./security-context.ts";
import { validateVolumes } from "./volumes.ts";

type Fields = Record<string, any>;

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const dnsLimits = { nameservers: 3, searches: 32, searchCharacters: 2048 };

/** @param options.ofPod false for a template, which is checked less closely */
export function validatePodSpec(spec: Fields, field: string, { ofPod = false } = {}): FieldError[] {
  const volumes = validateVolumes(spec.volumes ?? [], `${field}.volumes`);
  const containers = (spec.containers ?? []) as Fields[];
  const initContainers = (spec.initContainers ?? []) as Fields[];
  const facts: PodFacts = {
    volumes: volumes.names,
    graceSeconds: spec.terminationGracePeriodSeconds ?? 0,
    ofPod,
  };
  return [
    ...volumes.errors,
    ...validateContainers(containers, `${field}.containers`, facts),
    ...validateInitContainers(initContainers, containers, `${field}.initContainers`, facts),
    ...validateEphemeralContainers(
      spec.ephemeralContainers ?? [],
      [...containers, ...initContainers],
      `${field}.ephemeralContainers`,
      facts,
    ),
    ...validatePodResources(spec.resources, `${field}.resources`),
    ...(spec.hostNetwork
      ? [
          ...validateHostNetworkPorts(containers, `${field}.containers`),
          ...validateHostNetworkPorts(initContainers, `${field}.initContainers`),
        ]
      : []),
    ...requiredOneOf(`${field}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...requiredOneOf(`${field}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validateShared(spec, field),
    ...validatePodSecurity(spec.securityContext, `${field}.securityContext`),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateDNSConfig(spec, `${field}.dnsConfig`),
    ...((spec.readinessGates ?? []) as Fields[]).flatMap((gate, at) =>
      complaintsAbout(`${field}.readinessGates[${at}].conditionType`, gate?.conditionType ?? "", qualifiedName),
    ),
    ...validateSchedulingGates(spec.schedulingGates ?? [], `${field}.schedulingGates`),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`),
    ...(spec.serviceAccountName ? complaintsAbout(`${field}.serviceAccountName`, spec.serviceAccountName, dnsSubdomain) : []),
    ...(spec.nodeName ? complaintsAbout(`${field}.nodeName`, spec.nodeName, dnsSubdomain) : []),
    ...(spec.activeDeadlineSeconds === undefined
      ? []
      : between(`${field}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, largestInt32)),
    ...(spec.hostname ? complaintsAbout(`${field}.hostname`, spec.hostname, dnsLabel) : []),
    ...(spec.subdomain ? complaintsAbout(`${field}.subdomain`, spec.subdomain, dnsLabel) : []),
    ...validateHostnameOverride(spec, field),
    ...validateTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...validateHostAliases(spec.hostAliases ?? [], `${field}.hostAliases`),
    ...(spec.priorityClassName ? complaintsAbout(`${field}.priorityClassName`, spec.priorityClassName, dnsSubdomain) : []),
    ...(spec.runtimeClassName === undefined ? [] : complaintsAbout(`${field}.runtimeClassName`, spec.runtimeClassName, dnsSubdomain)),
    ...(spec.preemptionPolicy === undefined
      ? []
      : requiredOneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, ["PreemptLowerPriority", "Never"])),
    ...validateOS(spec.os, `${field}.os`),
  ];
}

function validateShared(spec: Fields, field: string): FieldError[] {
  return spec.shareProcessNamespace && spec.hostPID
    ? [forbiddenField(`${field}.shareProcessNamespace`, "ShareProcessNamespace and HostPID cannot both be enabled")]
    : [];
}

function validateHostnameOverride(spec: Fields, field: string): FieldError[] {
  const name = spec.hostnameOverride as string | undefined;
  if (name === undefined) return [];
  const here = `${field}.hostnameOverride`;
  const errors = complaintsAbout(here, name, dnsSubdomain);
  if (name.length > 64) errors.push(invalid(here, name, "must be no more than 64 bytes"));
  return errors;
}

function validateDNSConfig(spec: Fields, field: string): FieldError[] {
  const config = spec.dnsConfig as Fields | undefined;
  if (spec.dnsPolicy === "None") {
    if (!config) return [required(field, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if (!config.nameservers?.length)
      return [required(`${field}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None")];
  }
  if (!config) return [];
  const errors: FieldError[] = [];
  const nameservers = (config.nameservers ?? []) as string[];
  const searches = (config.searches ?? []) as string[];
  if (nameservers.length > dnsLimits.nameservers) {
    errors.push(invalid(`${field}.nameservers`, nameservers, `must not have more than ${dnsLimits.nameservers} nameservers`));
  }
  for (const [at, server] of nameservers.entries()) errors.push(...complaintsAbout(`${field}.nameservers[${at}]`, server, ipComplaints));
  if (searches.length > dnsLimits.searches) {
    errors.push(invalid(`${field}.searches`, searches, `must not have more than ${dnsLimits.searches} search paths`));
  }
  if (searches.join(" ").length > dnsLimits.searchCharacters) {
    errors.push(
      invalid(
        `${field}.searches`,
        searches,
        `must not have more than ${dnsLimits.searchCharacters} characters (including spaces) in the search list`,
      ),
    );
  }
  for (const [at, search] of searches.entries()) {
    if (search === ".") continue;
    // A trailing dot is fine, and labels may begin with an underscore.
    const plain = search.replace(/\.$/, "").replaceAll("_", "-");
    errors.push(
      ...dnsSubdomain(plain.replace(/(^|\.)-+/g, "$1a")).map((complaint) => invalid(`${field}.searches[${at}]`, search, complaint)),
    );
  }
  for (const [at, option] of ((config.options ?? []) as Fields[]).entries()) {
    if (!option?.name) errors.push(required(`${field}.options[${at}]`, "must not be empty"));
  }
  return errors;
}

function validateSchedulingGates(gates: readonly Fields[], field: string): FieldError[] {
  const names = new Set<string>();
  return gates.flatMap(({ name = "" }, at) => {
    const errors = complaintsAbout(`${field}[${at}]`, name, qualifiedName);
    if (names.has(name)) errors.push(duplicate(`${field}[${at}]`, name));
    names.add(name);
    return errors;
  });
}

const validateHostAliases = (aliases: readonly Fields[], field: string): FieldError[] =>
  aliases.flatMap((alias, at) => [
    ...complaintsAbout(`${field}[${at}].ip`, alias?.ip ?? "", ipComplaints),
    ...((alias?.hostnames ?? []) as string[]).flatMap((name) => complaintsAbout(`${field}[${at}].hostnames`, name, dnsSubdomain)),
  ]);

function validateOS(os: Fields | undefined, field: string): FieldError[] {
  if (!os) return [];
  if (!os.name) return [required(`${field}.name`)];
  return ["linux", "windows"].includes(os.name) ? [] : [notSupported(field, os.name, ["linux", "windows"])];
}

/** The template of a Deployment, a ReplicaSet and their like: labels, annotations, and the spec. */
export function validatePodTemplate(template: Fields | undefined, field: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${field}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${field}.annotations`),
    ...validatePodSpec(template?.spec ?? {}, `${field}.spec`),
    ...(template?.spec?.ephemeralContainers?.length
      ? [forbiddenField(`${field}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template")]
      : []),
  ];
}

/** Names that are valid but will be cut or refused as host names. */
export function nameWarnings(name: string, used: string): string[] {
  const complaints = dnsLabel(name);
  if (complaints.length === 0) return [];
  return [
    `metadata.name: this is used ${used}, which can result in surprising behavior; a DNS label is recommended: [${complaints.join(" ")}]`,
  ];
}

/** Warnings about a pod or a template that is valid but will not do what its author thinks. */
export function podSpecWarnings(spec: Fields, field: string): string[] {
  const warnings: string[] = [];
  for (const [at, secret] of ((spec.imagePullSecrets ?? []) as Fields[]).entries()) {
    if (!secret?.name) warnings.push(`${field}.imagePullSecrets[${at}].name: invalid empty name ""`);
  }
  const inRole = (label: string) => label.startsWith("beta.kubernetes.io/");
  const replacements: Record<string, string> = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/os": "kubernetes.io/os",
  };
  for (const label of Object.keys(spec.nodeSelector ?? {}).filter(inRole)) {
    const better = replacements[label];
    if (better) warnings.push(`${field}.nodeSelector[${label}]: deprecated since v1.14; use "${better}" instead`);
  }
  for (const [at, constraint] of ((spec.topologySpreadConstraints ?? []) as Fields[]).entries()) {
    if (!constraint?.labelSelector) {
      warnings.push(`${field}.topologySpreadConstraints[${at}].labelSelector: a null labelSelector results in matching no pod`);
    }
  }
  for (const list of ["initContainers", "containers"]) {
    for (const [at, container] of ((spec[list] ?? []) as Fields[]).entries()) {
      const seen = new Set<string>();
      for (const [n, { name = "" }] of ((container?.env ?? []) as Fields[]).entries()) {
        if (seen.has(name)) {
          warnings.push(`${field}.${list}[${at}].env[${n}]: hides previous definition of "${name}", which may be dropped when using apply`);
        }
        seen.add(name);
      }
    }
  }
  return warnings;
}
