/**
 * Defaults of a pod's spec. A pod template gets them too, but for those that only a pod has (`applyPodOnlyDefaults`).
 */
import { canonicalQuantity, roundedToMilli } from "../../api/quantity.ts";

/** Loosely typed: what arrives may lack anything. */
type Fields = Record<string, any>;

const defaultFileMode = 420;
const defaultTokenSeconds = 3600;

const each = (list: Fields[] | undefined | null, change: (item: Fields) => void): void => {
  for (const item of list ?? []) if (item) change(item);
};

/** In place; the order of members is not kept. */
export function applyPodSpecDefaults(spec: Fields): void {
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const list of ["containers", "initContainers", "ephemeralContainers"]) each(spec[list], applyContainerDefaults);
  each(spec.volumes, applyVolumeDefaults);
  roundResources(spec.resources);
}

/** What only a pod gets: a template is left as it is. */
export function applyPodOnlyDefaults(spec: Fields): void {
  spec.enableServiceLinks ??= true;
  for (const list of ["containers", "initContainers"]) {
    each(spec[list], (container) => {
      requestsFromLimits(container.resources);
      if (spec.hostNetwork) {
        each(container.ports, (port) => {
          port.hostPort ||= port.containerPort;
        });
      }
    });
  }
  if (spec.resources) podRequests(spec);
}

function requestsFromLimits(resources: Fields | undefined): void {
  if (!resources?.limits) return;
  const missing = Object.entries(resources.limits as Fields).filter(([name]) => resources.requests?.[name] === undefined);
  if (missing.length > 0) resources.requests = { ...resources.requests, ...Object.fromEntries(missing) };
}

/** Requests of the pod as a whole: from its limits where no container says anything else. */
function podRequests(spec: Fields): void {
  const { resources } = spec;
  if (!resources.limits || Object.keys(resources.limits).length === 0) return;
  const containers: Fields[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const name of Object.keys(resources.limits)) {
    const isInContainers = containers.some((container) => container?.resources?.requests?.[name] !== undefined);
    if (resources.requests?.[name] === undefined && !isInContainers) {
      resources.requests = { ...resources.requests, [name]: resources.limits[name] };
    }
  }
}

function applyContainerDefaults(container: Fields): void {
  container.resources ??= {};
  roundResources(container.resources);
  container.terminationMessagePath ||= "/dev/termination-log";
  container.terminationMessagePolicy ||= "File";
  container.imagePullPolicy ||= isLatest(container.image ?? "") ? "Always" : "IfNotPresent";
  each(container.ports, (port) => {
    port.protocol ||= "TCP";
  });
  each(container.env, (variable) => {
    if (variable.valueFrom?.fieldRef) variable.valueFrom.fieldRef.apiVersion ||= "v1";
    if (variable.valueFrom?.resourceFieldRef) {
      variable.valueFrom.resourceFieldRef.divisor = canonicalQuantity(variable.valueFrom.resourceFieldRef.divisor ?? "0");
    }
  });
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) applyProbeDefaults(container[probe]);
  if (container.lifecycle) {
    // Switched off in the server; a lifecycle that says nothing else goes with it.
    delete container.lifecycle.stopSignal;
    if (Object.keys(container.lifecycle).length === 0) delete container.lifecycle;
  }
  for (const hook of ["postStart", "preStop"]) applyHttpGetDefaults(container.lifecycle?.[hook]?.httpGet);
}

/** No tag means `latest`; a digest, or a reference that cannot be read, does not. */
function isLatest(image: string): boolean {
  const reference =
    /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*(?::([\w][\w.-]{0,127}))?(@[\w+.-]+:[0-9a-fA-F]{32,})?$/;
  const match = reference.exec(image);
  if (!match) return false;
  const [, tag, digest] = match;
  return tag === undefined ? digest === undefined : tag === "latest";
}

function applyProbeDefaults(probe: Fields | undefined): void {
  if (!probe) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  applyHttpGetDefaults(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= "";
}

function applyHttpGetDefaults(httpGet: Fields | undefined): void {
  if (!httpGet) return;
  httpGet.path ||= "/";
  httpGet.scheme ||= "HTTP";
}

function applyVolumeDefaults(volume: Fields): void {
  const sources = Object.keys(volume).filter((member) => member !== "name" && volume[member] !== undefined && volume[member] !== null);
  if (sources.length === 0) volume.emptyDir = {};
  if (volume.emptyDir?.sizeLimit !== undefined) volume.emptyDir.sizeLimit = canonicalQuantity(volume.emptyDir.sizeLimit);
  for (const source of ["secret", "configMap", "downwardAPI", "projected"])
    if (volume[source]) volume[source].defaultMode ??= defaultFileMode;
  if (volume.hostPath) volume.hostPath.type ??= "";
  applyDownwardDefaults(volume.downwardAPI);
  each(volume.projected?.sources, (source) => {
    if (source.serviceAccountToken) source.serviceAccountToken.expirationSeconds ??= defaultTokenSeconds;
    applyDownwardDefaults(source.downwardAPI);
  });
  if (volume.ephemeral?.volumeClaimTemplate?.spec) volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= "Filesystem";
  if (volume.iscsi) volume.iscsi.iscsiInterface ||= "default";
  if (volume.rbd) {
    volume.rbd.pool ||= "rbd";
    volume.rbd.user ||= "admin";
    volume.rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (volume.azureDisk) {
    volume.azureDisk.cachingMode ??= "ReadWrite";
    volume.azureDisk.kind ??= "Shared";
    volume.azureDisk.fsType ??= "ext4";
    volume.azureDisk.readOnly ??= false;
  }
}

function applyDownwardDefaults(source: Fields | undefined): void {
  each(source?.items, (item) => {
    if (item.fieldRef) item.fieldRef.apiVersion ||= "v1";
    if (item.resourceFieldRef) item.resourceFieldRef.divisor = canonicalQuantity(item.resourceFieldRef.divisor ?? "0");
  });
}

/** Nothing finer than a thousandth is kept. */
function roundResources(resources: Fields | undefined): void {
  for (const list of [resources?.limits, resources?.requests]) {
    for (const [name, quantity] of Object.entries((list ?? {}) as Record<string, string>)) list[name] = roundedToMilli(quantity);
  }
}
