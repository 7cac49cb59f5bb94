/**
 * Mistakes in the volumes of a pod.
 */
import { duplicate, type FieldError, forbiddenField, invalid, required } from "../../api/field-error.ts";
import { configMapKey, dnsLabel, dnsSubdomain } from "../../api/names.ts";
import { parseQuantity } from "../../api/quantity.ts";
import { oneOf } from "./checks.ts";
import { complaintsAbout } from "./object-meta.ts";

type Fields = Record<string, any>;

const volumeSources = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
];

/** The fields that a volume or an environment variable may show to a container. */
export const volumeFieldPaths = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
export const volumeResources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

/** @returns also the names that containers may mount: those of volumes without a mistake */
export function validateVolumes(volumes: readonly Fields[], field: string): { errors: FieldError[]; names: ReadonlySet<string> } {
  const names = new Set<string>();
  const errors = volumes.flatMap((volume, at) => {
    const here = `${field}[${at}]`;
    const name: string = volume?.name ?? "";
    const errors = validateSource(volume ?? {}, here);
    const complaints = name === "" ? [required(`${here}.name`)] : complaintsAbout(`${here}.name`, name, dnsLabel);
    errors.push(...complaints);
    if (names.has(name)) errors.push(duplicate(`${here}.name`, name));
    if (errors.length === 0) names.add(name);
    return errors;
  });
  return { errors, names };
}

function validateSource(volume: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  for (const source of volumeSources) {
    const value = volume[source] as Fields | undefined;
    if (value === undefined || value === null) continue;
    count += 1;
    const here = `${field}.${source}`;
    if (count > 1) errors.push(forbiddenField(here, "may not specify more than 1 volume type"));
    else errors.push(...(checks[source]?.(value, here) ?? []));
  }
  if (count === 0) errors.push(required(field, "must specify a volume type"));
  return errors;
}

const checks: Record<string, ((value: Fields, field: string) => FieldError[]) | undefined> = {
  emptyDir: ({ sizeLimit }, field) =>
    sizeLimit !== undefined && (parseQuantity(String(sizeLimit))?.nano ?? 0n) < 0n
      ? [forbiddenField(`${field}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : [],
  hostPath: (value, field) => {
    if (!value.path) return [required(`${field}.path`)];
    return [...withoutBacksteps(value.path, `${field}.path`), ...(value.type ? oneOf(`${field}.type`, value.type, hostPathTypes) : [])];
  },
  secret: (value, field) => [
    ...(value.secretName ? [] : [required(`${field}.secretName`)]),
    ...fileMode(value.defaultMode, `${field}.defaultMode`),
    ...keysToPaths(value.items, `${field}.items`),
  ],
  configMap: (value, field) => [
    ...(value.name ? [] : [required(`${field}.name`)]),
    ...fileMode(value.defaultMode, `${field}.defaultMode`),
    ...keysToPaths(value.items, `${field}.items`),
  ],
  persistentVolumeClaim: (value, field) => (value.claimName ? [] : [required(`${field}.claimName`)]),
  downwardAPI: (value, field) => [
    ...fileMode(value.defaultMode, `${field}.defaultMode`),
    ...(value.items ?? []).flatMap((item: Fields) => downwardFile(item, field)),
  ],
  projected: (value, field) => [
    ...fileMode(value.defaultMode, `${field}.defaultMode`),
    ...projectedSources(value.sources ?? [], `${field}.sources`),
  ],
  nfs: (value, field) => [
    ...(value.server ? [] : [required(`${field}.server`)]),
    ...(value.path ? [] : [required(`${field}.path`)]),
    ...(value.path && !value.path.startsWith("/") ? [invalid(`${field}.path`, value.path, "must be an absolute path")] : []),
  ],
  csi: (value, field) => (value.driver ? [] : [required(`${field}.driver`)]),
  ephemeral: (value, field) => (value.volumeClaimTemplate ? [] : [required(`${field}.volumeClaimTemplate`)]),
  image: (value, field) => [
    ...(value.reference ? [] : [required(`${field}.reference`)]),
    ...(value.pullPolicy ? oneOf(`${field}.pullPolicy`, value.pullPolicy, ["Always", "IfNotPresent", "Never"]) : []),
  ],
};

const hostPathTypes = ["BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

const fileMode = (mode: number | undefined, field: string): FieldError[] =>
  mode !== undefined && (mode < 0 || mode > 0o777)
    ? [invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")]
    : [];

function keysToPaths(items: readonly Fields[] | undefined, field: string): FieldError[] {
  return (items ?? []).flatMap((item, at) => {
    const here = `${field}[${at}]`;
    return [
      ...(item.key ? [] : [required(`${here}.key`)]),
      ...(item.path ? localPath(item.path, `${here}.path`, true) : [required(`${here}.path`)]),
      ...fileMode(item.mode, `${here}.mode`),
    ];
  });
}

const withoutBacksteps = (path: string, field: string): FieldError[] =>
  path.split("/").includes("..") ? [invalid(field, path, "must not contain '..'")] : [];

/** A path within a volume. */
export function localPath(path: string, field: string, notHidden = false): FieldError[] {
  const errors: FieldError[] = [];
  if (path.startsWith("/")) errors.push(invalid(field, path, "must be a relative path"));
  errors.push(...withoutBacksteps(path, field));
  // Names that begin like this are the kubelet's own.
  if (notHidden && path.startsWith("..") && path !== ".." && !path.startsWith("../")) {
    errors.push(invalid(field, path, "must not start with '..'"));
  }
  return errors;
}

function downwardFile(item: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!item.path) errors.push(required(`${field}.path`));
  else errors.push(...localPath(item.path, `${field}.path`, true));
  if (item.fieldRef) {
    errors.push(...fieldRef(item.fieldRef, volumeFieldPaths, `${field}.fieldRef`));
    if (item.resourceFieldRef) errors.push(invalid(field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
  } else if (item.resourceFieldRef) {
    const ref = item.resourceFieldRef as Fields;
    const here = `${field}.resourceFieldRef`;
    if (!ref.containerName) errors.push(required(`${here}.containerName`));
    errors.push(...resourceFieldRef(ref, volumeResources, here));
  } else errors.push(required(field, "one of fieldRef and resourceFieldRef is required"));
  return [...errors, ...fileMode(item.mode, `${field}.mode`)];
}

/** A reference to a field of the pod itself. */
export function fieldRef(ref: Fields, supported: readonly string[], field: string): FieldError[] {
  if (!ref.apiVersion) return [required(`${field}.apiVersion`)];
  if (!ref.fieldPath) return [required(`${field}.fieldPath`)];
  const subscript = /^(metadata\.(?:annotations|labels))\['(.+)'\]$/.exec(ref.fieldPath);
  const path = subscript?.[1] ?? (ref.fieldPath as string);
  if (!knownFieldPaths.has(path)) {
    return [invalid(`${field}.fieldPath`, ref.fieldPath, `error converting fieldPath: field label not supported: ${ref.fieldPath}`)];
  }
  if (subscript || supported.includes(path)) return [];
  return oneOf(`${field}.fieldPath`, path, [...supported].sort());
}

const knownFieldPaths = new Set([
  ...volumeFieldPaths,
  "spec.nodeName",
  "spec.restartPolicy",
  "spec.serviceAccountName",
  "spec.schedulerName",
  "status.phase",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);

const divisors: Record<string, { allowed: readonly string[]; text: string }> = {
  cpu: { allowed: ["1m", "1"], text: "only divisor's values 1m and 1 are supported with the cpu resource" },
  memory: {
    allowed: ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"],
    text: "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource",
  },
};

export function resourceFieldRef(ref: Fields, supported: readonly string[], field: string): FieldError[] {
  const { resource, divisor } = ref;
  if (!resource) return [required(`${field}.resource`)];
  const errors: FieldError[] = [];
  if (!supported.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) {
    errors.push(...oneOf(`${field}.resource`, resource, [...supported].sort()));
  }
  const rule = divisors[resource.split(".")[1] === "cpu" ? "cpu" : "memory"] as (typeof divisors)[string];
  if (divisor !== undefined && divisor !== "0" && !rule.allowed.includes(divisor))
    errors.push(invalid(`${field}.divisor`, resource, rule.text));
  return errors;
}

function projectedSources(sources: readonly Fields[], field: string): FieldError[] {
  return sources.flatMap((source, at) => {
    const here = `${field}[${at}]`;
    const errors: FieldError[] = [];
    let count = 0;
    for (const kind of ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"]) {
      const value = source?.[kind] as Fields | undefined;
      if (!value) continue;
      count += 1;
      if (count > 1) {
        errors.push(forbiddenField(here, "may not specify more than 1 volume type per source"));
        continue;
      }
      if (kind === "secret" || kind === "configMap") {
        if (!value.name) errors.push(required(`${here}.${kind}.name`));
        errors.push(...keysToPaths(value.items, `${here}.${kind}.items`));
      } else if (kind === "downwardAPI") {
        for (const item of value.items ?? []) errors.push(...downwardFile(item, `${here}.downwardAPI`));
      } else if (kind === "serviceAccountToken") {
        const seconds = value.expirationSeconds ?? 0;
        if (seconds < 600)
          errors.push(invalid(`${here}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"));
        if (seconds > 2 ** 32)
          errors.push(
            invalid(`${here}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds"),
          );
        if (!value.path) errors.push(required(`${here}.serviceAccountToken.path`));
        else errors.push(...localPath(value.path, `${here}.serviceAccountToken.path`, true));
      }
    }
    if (count === 0) errors.push(required(here, "must specify one of the projected sources"));
    return errors;
  });
}

/** The name of a ConfigMap or Secret and a key in it. */
export function keySelector(ref: Fields, field: string): FieldError[] {
  return [
    ...(ref.name ? complaintsAbout(`${field}.name`, ref.name, dnsSubdomain) : []),
    ...(ref.key ? complaintsAbout(`${field}.key`, ref.key, configMapKey) : [required(`${field}.key`)]),
  ];
}
