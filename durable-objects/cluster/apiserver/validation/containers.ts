/**
 * Mistakes in the containers of a pod, in the words and the order of kube-apiserver.
 */
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from "../../api/field-error.ts";
import { dnsLabel, dnsSubdomain, envVarName, portName } from "../../api/names.ts";

import { between, oneOf, requiredOneOf } from "./checks.ts";
import { complaintsAbout } from "./object-meta.ts";
import { validateLifecycle, validateProbe } from "./probes.ts";
import { validateResources } from "./resources.ts";
import { validateContainerSecurity } from "./security-context.ts";
import { protocols } from "./service.ts";
import { fieldRef, keySelector, localPath, resourceFieldRef, volumeResources } from "./volumes.ts";

type Fields = Record<string, any>;

/** What the containers of one pod have in common. */
export interface PodFacts {
  volumes: ReadonlySet<string>;
  graceSeconds: number;
  /** False in a template. */
  ofPod: boolean;
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const envFieldPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export function validateContainers(containers: readonly Fields[], field: string, facts: PodFacts): FieldError[] {
  if (containers.length === 0) return [required(field)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, at) => {
    const here = `${field}[${at}]`;
    return [
      ...validateCommon(container ?? {}, here, facts, names),
      ...validateLifecycle(container?.lifecycle, `${here}.lifecycle`, facts.graceSeconds),
      ...validateProbe(container?.livenessProbe, `${here}.livenessProbe`, "liveness"),
      ...validateProbe(container?.readinessProbe, `${here}.readinessProbe`, "readiness"),
      ...validateProbe(container?.startupProbe, `${here}.startupProbe`, "startup"),
      ...validateRestartPolicy(container?.restartPolicy, `${here}.restartPolicy`),
    ];
  });
  return [...errors, ...hostPortConflicts(containers, field)];
}

const validateRestartPolicy = (policy: string | undefined, field: string): FieldError[] =>
  policy === undefined ? [] : oneOf(field, policy, ["Always", "Never", "OnFailure"]);

export function validateInitContainers(
  containers: readonly Fields[],
  regular: readonly Fields[],
  field: string,
  facts: PodFacts,
): FieldError[] {
  const names = new Set<string>(regular.map((container) => container?.name).filter(Boolean));
  return containers.flatMap((container, at) => {
    const here = `${field}[${at}]`;
    const errors = validateCommon(container ?? {}, here, facts, names);
    errors.push(...validateRestartPolicy(container?.restartPolicy, `${here}.restartPolicy`));
    const isSidecar = container?.restartPolicy === "Always";
    if (isSidecar) {
      errors.push(
        ...validateLifecycle(container.lifecycle, `${here}.lifecycle`, facts.graceSeconds),
        ...validateProbe(container.livenessProbe, `${here}.livenessProbe`, "liveness"),
        ...validateProbe(container.readinessProbe, `${here}.readinessProbe`, "readiness"),
        ...validateProbe(container.startupProbe, `${here}.startupProbe`, "startup"),
      );
    } else {
      for (const member of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"]) {
        if (container?.[member])
          errors.push(forbiddenField(`${here}.${member}`, "may not be set for init containers without restartPolicy=Always"));
      }
    }
    return [...errors, ...hostPortConflicts([container ?? {}], here)];
  });
}

/** Fields that make no sense in a container that comes and goes while the pod runs. */
const notForEphemeral = ["ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];

export function validateEphemeralContainers(
  ephemeral: readonly Fields[],
  others: readonly Fields[],
  field: string,
  facts: PodFacts,
): FieldError[] {
  const names = new Set<string>(others.map((container) => container?.name).filter(Boolean));
  return ephemeral.flatMap((container, at) => {
    const here = `${field}[${at}]`;
    const errors = validateCommon(container ?? {}, here, facts, names);
    if (container?.targetContainerName && !others.some(({ name }) => name === container.targetContainerName)) {
      errors.push(notFound(`${here}.targetContainerName`, container.targetContainerName));
    }
    for (const member of notForEphemeral) {
      if (container?.[member] !== undefined) errors.push(forbiddenField(`${here}.${member}`, "cannot be set for an Ephemeral Container"));
    }
    if (Object.keys(container?.resources ?? {}).length > 0) {
      errors.push(forbiddenField(`${here}.resources`, "cannot be set for an Ephemeral Container"));
    }
    return errors;
  });
}

const notFound = (field: string, value: string): FieldError => ({
  type: "FieldValueNotFound",
  field,
  message: `Not found: ${JSON.stringify(value)}`,
});

function validateCommon(container: Fields, field: string, facts: PodFacts, names: Set<string>): FieldError[] {
  const name: string = container.name ?? "";
  const image: string = container.image ?? "";
  const errors: FieldError[] = name === "" ? [required(`${field}.name`)] : complaintsAbout(`${field}.name`, name, dnsLabel);
  if (name !== "" && names.has(name)) errors.push(duplicate(`${field}.name`, name));
  names.add(name);
  if (image === "") errors.push(required(`${field}.image`));
  else if (facts.ofPod && image !== image.trim())
    errors.push(invalid(`${field}.image`, image, "must not have leading or trailing whitespace"));
  const message = container.terminationMessagePolicy;
  if (message) errors.push(...oneOf(`${field}.terminationMessagePolicy`, message, ["File", "FallbackToLogsOnError"].sort()));
  errors.push(
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateEnv(container.env ?? [], `${field}.env`),
    ...validateEnvFrom(container.envFrom ?? [], `${field}.envFrom`),
    ...validateMounts(container.volumeMounts ?? [], field, facts),
    ...validateDevices(container.volumeDevices ?? [], `${field}.volumeDevices`, facts),
    ...requiredOneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, pullPolicies),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateContainerSecurity(container.securityContext, `${field}.securityContext`),
  );
  return errors;
}

function validatePorts(ports: readonly Fields[], field: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, at) => {
    const here = `${field}[${at}]`;
    const errors: FieldError[] = [];
    if (port?.name) {
      const complaints = complaintsAbout(`${here}.name`, port.name, portName);
      if (complaints.length > 0) errors.push(...complaints);
      else if (names.has(port.name)) errors.push(duplicate(`${here}.name`, port.name));
      else names.add(port.name);
    }
    if (!port?.containerPort) errors.push(required(`${here}.containerPort`));
    else errors.push(...between(`${here}.containerPort`, port.containerPort, 1, 65535));
    if (port?.hostPort) errors.push(...between(`${here}.hostPort`, port.hostPort, 1, 65535));
    return [...errors, ...requiredOneOf(`${here}.protocol`, port?.protocol, protocols)];
  });
}

/** One host port can be taken only once in a pod, for each protocol and host address. */
function hostPortConflicts(containers: readonly Fields[], field: string): FieldError[] {
  const taken = new Set<string>();
  return containers.flatMap((container, at) =>
    ((container?.ports ?? []) as Fields[]).flatMap((port, n) => {
      if (!port?.hostPort) return [];
      const key = `${port.protocol}/${port.hostIP || "0.0.0.0"}/${port.hostPort}`;
      if (taken.has(key)) return [duplicate(`${field}[${at}].ports[${n}].hostPort`, key)];
      taken.add(key);
      return [];
    }),
  );
}

function validateEnv(variables: readonly Fields[], field: string): FieldError[] {
  return variables.flatMap((variable, at) => {
    const here = `${field}[${at}]`;
    const name: string = variable?.name ?? "";
    return [
      ...(name === "" ? [required(`${here}.name`)] : complaintsAbout(`${here}.name`, name, envVarName)),
      ...validateEnvSource(variable ?? {}, `${here}.valueFrom`),
    ];
  });
}

function validateEnvSource(variable: Fields, field: string): FieldError[] {
  const source = variable.valueFrom as Fields | undefined;
  if (!source) return [];
  const errors: FieldError[] = [];
  let count = 0;
  const take = (member: string, check: (ref: Fields, here: string) => FieldError[]): void => {
    if (!source[member]) return;
    count += 1;
    errors.push(...check(source[member], `${field}.${member}`));
  };
  take("fieldRef", (ref, here) => fieldRef(ref, envFieldPaths, here));
  take("resourceFieldRef", (ref, here) => resourceFieldRef(ref, volumeResources, here));
  take("configMapKeyRef", keySelector);
  take("secretKeyRef", keySelector);
  take("fileKeyRef", (ref, here) => (ref.path ? localPath(ref.path, `${here}.path`) : [required(`${here}.path`)]));
  if (count === 0)
    errors.push(invalid(field, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"));
  else if (variable.value) errors.push(invalid(field, "", "may not be specified when `value` is not empty"));
  else if (count > 1) errors.push(invalid(field, "", "may not have more than one field specified at a time"));
  return errors;
}

function validateEnvFrom(sources: readonly Fields[], field: string): FieldError[] {
  return sources.flatMap((source, at) => {
    const errors: FieldError[] = source?.prefix ? complaintsAbout(`${field}[${at}].prefix`, source.prefix, envVarName) : [];
    let count = 0;
    for (const member of ["configMapRef", "secretRef"]) {
      const ref = source?.[member] as Fields | undefined;
      if (!ref) continue;
      count += 1;
      const here = `${field}[${at}].${member}.name`;
      errors.push(...(ref.name ? complaintsAbout(here, ref.name, dnsSubdomain) : [required(here)]));
    }
    if (count === 0) errors.push(invalid(field, "", "must specify one of: `configMapRef` or `secretRef`"));
    else if (count > 1) errors.push(invalid(field, "", "may not have more than one field specified at a time"));
    return errors;
  });
}

const propagations = ["Bidirectional", "HostToContainer", "None"];

function validateMounts(mounts: readonly Fields[], container: string, { volumes }: PodFacts): FieldError[] {
  const field = `${container}.volumeMounts`;
  const paths = new Set<string>();
  return mounts.flatMap((mount, at) => {
    const here = `${field}[${at}]`;
    const errors: FieldError[] = [];
    if (!mount?.name) errors.push(required(`${here}.name`));
    if (!volumes.has(mount?.name ?? "")) errors.push(notFound(`${here}.name`, mount?.name ?? ""));
    if (!mount?.mountPath) errors.push(required(`${here}.mountPath`));
    else if (paths.has(mount.mountPath)) errors.push(invalid(`${here}.mountPath`, mount.mountPath, "must be unique"));
    paths.add(mount?.mountPath ?? "");
    // From here on the server names the list and not the mount.
    if (mount?.subPath) errors.push(...localPath(mount.subPath, `${field}.subPath`));
    if (mount?.subPathExpr) {
      if (mount.subPath) errors.push(invalid(`${field}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive"));
      errors.push(...localPath(mount.subPathExpr, `${field}.subPathExpr`));
    }
    if (mount?.mountPropagation !== undefined) errors.push(...oneOf(`${field}.mountPropagation`, mount.mountPropagation, propagations));
    return [...errors, ...validateRecursiveReadOnly(mount ?? {}, `${field}.recursiveReadOnly`)];
  });
}

function validateRecursiveReadOnly(mount: Fields, field: string): FieldError[] {
  switch (mount.recursiveReadOnly) {
    case undefined:
    case "Disabled":
      return [];
    case "Enabled":
    case "IfPossible":
      if (!mount.readOnly) return [forbiddenField(field, "may only be specified when readOnly is true")];
      return mount.mountPropagation !== undefined && mount.mountPropagation !== "None"
        ? [forbiddenField(field, "may only be specified when mountPropagation is None or not specified")]
        : [];
    default:
      return [notSupported(field, mount.recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"])];
  }
}

function validateDevices(devices: readonly Fields[], field: string, { volumes }: PodFacts): FieldError[] {
  return devices.flatMap((device, at) => [
    ...(device?.name
      ? volumes.has(device.name)
        ? []
        : [notFound(`${field}[${at}].name`, device.name)]
      : [required(`${field}[${at}].name`)]),
    ...(device?.devicePath ? [] : [required(`${field}[${at}].devicePath`)]),
  ]);
}

/** Ports of a pod on the host network are those of the host. */
export function validateHostNetworkPorts(containers: readonly Fields[], field: string): FieldError[] {
  return containers.flatMap((container, at) =>
    ((container?.ports ?? []) as Fields[]).flatMap((port, n) =>
      port?.hostPort === port?.containerPort
        ? []
        : [invalid(`${field}[${at}].ports[${n}].hostPort`, port?.hostPort ?? 0, "must match `containerPort` when `hostNetwork` is true")],
    ),
  );
}
