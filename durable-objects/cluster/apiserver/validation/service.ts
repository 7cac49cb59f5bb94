/**
 * Mistakes in a Service, in the words and the order of kube-apiserver.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/
 */
import { duplicate, type FieldError, forbiddenField, invalid, notSupported, required } from "../../api/field-error.ts";
import { cidrComplaints, ipComplaints, parseIP, specialIPComplaints } from "../../api/ip-address.ts";
import { dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from "../../api/names.ts";
import type { Service, ServicePort, ServiceStatus } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { complaintsAbout, validateLabels, validateObjectMeta } from "./object-meta.ts";

const families = ["IPv4", "IPv6"] as const;
export const protocols = ["SCTP", "TCP", "UDP"] as const;
const trafficPolicies = ["Cluster", "Local"] as const;
const affinities = ["ClientIP", "None"] as const;
const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] as const;
const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"] as const;
const familyPolicies = ["PreferDualStack", "RequireDualStack", "SingleStack"] as const;
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";

const oneOf = (field: string, value: string, allowed: readonly string[]): FieldError[] =>
  allowed.includes(value) ? [] : [notSupported(field, value, allowed)];

const isHeadless = ({ spec }: Service): boolean => spec.clusterIPs?.[0] === "None";

/** Everything but the metadata. */
export function validateService(service: Service): FieldError[] {
  const { spec } = service;
  const ports = spec.ports ?? [];
  return [
    ...(ports.length === 0 && !isHeadless(service) && spec.type !== "ExternalName" ? [required("spec.ports")] : []),
    ...validateByType(service),
    ...validatePorts(ports),
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateSessionAffinity(service),
    ...(spec.externalIPs ?? []).flatMap((ip, at) => {
      const field = `spec.externalIPs[${at}]`;
      const complaints = complaintsAbout(field, ip, ipComplaints);
      return complaints.length > 0 ? complaints : complaintsAbout(field, ip, specialIPComplaints);
    }),
    ...oneOf("spec.type", spec.type ?? "", types),
    ...validateNodePorts(service),
    ...duplicatePorts(ports),
    ...validateSourceRanges(service),
    ...(spec.type !== "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== undefined
      ? [forbiddenField("spec.allocateLoadBalancerNodePorts", onlyLoadBalancer)]
      : []),
    ...validateLoadBalancerClass(service, undefined),
    ...validateExternalTrafficPolicy(service),
    ...(spec.internalTrafficPolicy === undefined ? [] : oneOf("spec.internalTrafficPolicy", spec.internalTrafficPolicy, trafficPolicies)),
    ...(spec.type === "ExternalName" ? [] : validateClusterIPs(service)),
    ...(spec.trafficDistribution === undefined ? [] : oneOf("spec.trafficDistribution", spec.trafficDistribution, distributions)),
  ];
}

function validateByType(service: Service): FieldError[] {
  const { spec } = service;
  switch (spec.type) {
    case "NodePort":
    case "LoadBalancer":
      return isHeadless(service) ? [invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`)] : [];
    case "ExternalName": {
      const unwanted = "may not be set for ExternalName services";
      const name = (spec.externalName ?? "").replace(/\.$/, "");
      return [
        ...(spec.clusterIPs?.length ? [forbiddenField("spec.clusterIPs", unwanted)] : []),
        ...(spec.ipFamilies?.length ? [forbiddenField("spec.ipFamilies", unwanted)] : []),
        ...(spec.ipFamilyPolicy === undefined ? [] : [forbiddenField("spec.ipFamilyPolicy", unwanted)]),
        ...(name === "" ? [required("spec.externalName")] : complaintsAbout("spec.externalName", name, dnsSubdomain)),
      ];
    }
    default:
      return [];
  }
}

function validatePorts(ports: readonly ServicePort[]): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, at) => validatePort(port, `spec.ports[${at}]`, ports.length > 1, names));
}

function validatePort(port: ServicePort, field: string, nameRequired: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const name = port.name ?? "";
  if (name === "") {
    if (nameRequired) errors.push(required(`${field}.name`));
  } else {
    errors.push(...complaintsAbout(`${field}.name`, name, dnsLabel));
    if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
    names.add(name);
  }
  errors.push(...portNumber(port.port ?? 0).map((detail) => invalid(`${field}.port`, port.port ?? 0, detail)));
  errors.push(...(port.protocol ? oneOf(`${field}.protocol`, port.protocol, protocols) : [required(`${field}.protocol`)]));
  errors.push(...validatePortOrName(`${field}.targetPort`, port.targetPort ?? 0));
  if (port.appProtocol !== undefined) errors.push(...complaintsAbout(`${field}.appProtocol`, port.appProtocol, qualifiedName));
  return errors;
}

/** A port number, or the name of a container's port. */
export const validatePortOrName = (field: string, port: number | string): FieldError[] =>
  typeof port === "number" ? portNumber(port).map((detail) => invalid(field, port, detail)) : complaintsAbout(field, port, portName);

function validateSessionAffinity({ spec }: Service): FieldError[] {
  const affinity = spec.sessionAffinity ?? "";
  const errors = affinity === "" ? [required("spec.sessionAffinity")] : oneOf("spec.sessionAffinity", affinity, affinities);
  const field = "spec.sessionAffinityConfig";
  if (affinity === "ClientIP") {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    if (spec.sessionAffinityConfig === undefined) errors.push(required(field, "when session affinity type is ClientIP"));
    else if (seconds !== undefined && (seconds <= 0 || seconds > 86400)) {
      errors.push(invalid(`${field}.clientIP.timeoutSeconds`, seconds, "must be greater than 0 and less than 86400"));
    }
  } else if (affinity === "None" && spec.sessionAffinityConfig !== undefined) {
    errors.push(forbiddenField(field, "must not be set when session affinity is None"));
  }
  return errors;
}

function validateNodePorts({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  if (spec.type === "ClusterIP") {
    for (const [at, port] of ports.entries()) {
      if (port.nodePort) errors.push(forbiddenField(`spec.ports[${at}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const seen = new Set<string>();
  for (const [at, port] of ports.entries()) {
    if (!port.nodePort) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (seen.has(key)) errors.push(duplicate(`spec.ports[${at}].nodePort`, port.nodePort));
    seen.add(key);
  }
  return errors;
}

/** A pair of protocol and port may stand only once; the message shows the server's own structure. */
function duplicatePorts(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  for (const [at, port] of ports.entries()) {
    const key = `${port.protocol}/${port.port ?? 0}`;
    if (seen.has(key)) {
      const shown = { Name: "", Protocol: port.protocol, AppProtocol: null, Port: port.port ?? 0, TargetPort: 0, NodePort: 0 };
      errors.push(duplicate(`spec.ports[${at}]`, shown));
    }
    seen.add(key);
  }
  return errors;
}

function validateSourceRanges({ metadata, spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.loadBalancerSourceRanges?.length) {
    const field = "spec.LoadBalancerSourceRanges";
    if (spec.type !== "LoadBalancer") errors.push(forbiddenField(field, onlyLoadBalancer));
    for (const [at, range] of spec.loadBalancerSourceRanges.entries()) {
      // Spaces around a range are forgiven here.
      errors.push(...cidrComplaints(range.trim()).map((complaint) => invalid(`${field}[${at}]`, range, complaint)));
    }
    return errors;
  }
  const annotation = metadata.annotations?.[sourceRangesAnnotation];
  if (annotation === undefined) return errors;
  const field = `metadata.annotations[${sourceRangesAnnotation}]`;
  if (spec.type !== "LoadBalancer") errors.push(forbiddenField(field, onlyLoadBalancer));
  const text = annotation.trim();
  if (text !== "") {
    for (const range of text.split(",")) errors.push(...cidrComplaints(range.trim()).map((complaint) => invalid(field, range, complaint)));
  }
  return errors;
}

/** Can be chosen when a Service becomes a LoadBalancer, and not changed while it is one. */
function validateLoadBalancerClass({ spec }: Service, previous: Service | undefined): FieldError[] {
  const field = "spec.loadBalancerClass";
  const chosen = spec.loadBalancerClass;
  if (previous?.spec.type === "LoadBalancer" && spec.type === "LoadBalancer" && !same(chosen, previous.spec.loadBalancerClass)) {
    return [
      invalid(field, chosen, "may not change once set"),
      ...(chosen === undefined ? [] : complaintsAbout(field, chosen, qualifiedName)),
    ];
  }
  if (chosen === undefined) return [];
  if (spec.type !== "LoadBalancer") return [forbiddenField(field, onlyLoadBalancer)];
  return complaintsAbout(field, chosen, qualifiedName);
}

function validateExternalTrafficPolicy({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const isAccessible =
    spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0);
  const policy = spec.externalTrafficPolicy ?? "";
  if (isAccessible) {
    if (policy === "") errors.push(required("spec.externalTrafficPolicy"));
    else errors.push(...oneOf("spec.externalTrafficPolicy", policy, trafficPolicies));
  } else if (policy !== "") {
    errors.push(invalid("spec.externalTrafficPolicy", policy, "may only be set for externally-accessible services"));
  }
  const port = spec.healthCheckNodePort ?? 0;
  const field = "spec.healthCheckNodePort";
  if (spec.type === "LoadBalancer" && policy === "Local") {
    if (port <= 0 || port > 65535) errors.push(invalid(field, port, "must be between 1 and 65535, inclusive"));
  } else if (port !== 0) {
    errors.push(invalid(field, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"));
  }
  return errors;
}

/** `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` must agree with each other. */
export function validateClusterIPs({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const ips = spec.clusterIPs ?? [];
  const chosen = spec.ipFamilies ?? [];
  if (!spec.clusterIP && ips.length > 0) errors.push(invalid("spec.clusterIPs", ips, "must be empty when `clusterIP` is not specified"));
  else if (ips.length > 0 && ips[0] !== spec.clusterIP) errors.push(invalid("spec.clusterIPs", ips, "first value must match `clusterIP`"));
  if (ips[0] === "None" && ips.length > 1) errors.push(invalid("spec.clusterIPs", ips, "'None' must be the first and only value"));
  for (const [at, family] of chosen.entries()) {
    errors.push(...oneOf(`spec.ipFamilies[${at}]`, family, families));
    if (chosen.indexOf(family) < at) errors.push(duplicate(`spec.ipFamilies[${at}]`, family));
  }
  if (spec.ipFamilyPolicy !== undefined) errors.push(...oneOf("spec.ipFamilyPolicy", spec.ipFamilyPolicy, familyPolicies));
  if (ips.length > 2) errors.push(invalid("spec.clusterIPs", ips, "may only hold up to 2 values"));
  for (const [at, ip] of ips.entries()) {
    if (at === 0 && ip === "None") continue;
    errors.push(...complaintsAbout(`spec.clusterIPs[${at}]`, ip, ipComplaints));
    const family = parseIP(ip, true)?.family;
    const expected = chosen[at];
    if (family && expected && family !== expected && ips[0] !== "None") {
      errors.push(invalid(`spec.clusterIPs[${at}]`, ip, `expected an ${expected} value as indicated by \`ipFamilies[${at}]\``));
    }
  }
  const [first, second] = ips.map((ip) => parseIP(ip, true)?.family);
  if (ips.length === 2 && first && first === second) {
    errors.push(invalid("spec.clusterIPs", ips, "may specify no more than one IP for each IP family"));
  }
  return errors;
}

export function validateServiceUpdate(next: Service, previous: Service): FieldError[] {
  return [
    ...validateChangedClusterIPs(next, previous),
    ...validateLoadBalancerClass(next, previous),
    ...validateObjectMeta(next.metadata, { namespaced: true, nameRule: "dns-label" }),
    ...validateService(next),
  ];
}

function validateChangedClusterIPs({ spec: next }: Service, { spec: previous }: Service): FieldError[] {
  // Whoever has no use for an address, before or after, has none to keep.
  if (![next, previous].every(({ type }) => ["ClusterIP", "NodePort", "LoadBalancer"].includes(type ?? ""))) return [];
  const errors: FieldError[] = [];
  const [ips, before] = [next.clusterIPs ?? [], previous.clusterIPs ?? []];
  if (before[0] && ips.length === 0) errors.push(invalid("spec.clusterIPs[0]", ips, "primary clusterIP can not be unset"));
  if (before[0] && ips.length > 0 && before[0] !== ips[0]) errors.push(invalid("spec.clusterIPs[0]", ips, "may not change once set"));
  const [families, familiesBefore] = [next.ipFamilies ?? [], previous.ipFamilies ?? []];
  if (familiesBefore[0] && families.length === 0) errors.push(invalid("spec.ipFamilies[0]", families, "primary ipFamily can not be unset"));
  if (familiesBefore[0] && families.length > 0 && familiesBefore[0] !== families[0]) {
    errors.push(invalid("spec.ipFamilies[0]", families, "may not change once set"));
  }
  return errors;
}

/** What a load balancer wrote about itself. */
export function validateServiceStatus(status: ServiceStatus, spec: Service["spec"], field = "status.loadBalancer"): FieldError[] {
  const ingress = status.loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && spec.type !== "LoadBalancer") {
    return [forbiddenField(`${field}.ingress`, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap((entry, at) => {
    const here = `${field}.ingress[${at}]`;
    const errors: FieldError[] = [];
    if (entry.ip) errors.push(...complaintsAbout(`${here}.ip`, entry.ip, ipComplaints));
    const mode = (entry as { ipMode?: string }).ipMode;
    if (entry.ip && mode === undefined) errors.push(required(`${here}.ipMode`, "must be specified when `ip` is set"));
    if (!entry.ip && mode !== undefined) errors.push(forbiddenField(`${here}.ipMode`, "may not be specified when `ip` is not set"));
    if (mode !== undefined) errors.push(...oneOf(`${here}.ipMode`, mode, ["Proxy", "VIP"]));
    return [...errors, ...validateBalancerHostname(entry.hostname, `${here}.hostname`)];
  });
}

/** The name a load balancer may have in place of an address, of a Service or an Ingress. */
export function validateBalancerHostname(hostname: string | undefined, field: string): FieldError[] {
  if (!hostname) return [];
  const errors = complaintsAbout(field, hostname, dnsSubdomain);
  return parseIP(hostname) ? [...errors, invalid(field, hostname, "must be a DNS name, not an IP address")] : errors;
}
