/**
 * Service: how it is defaulted, given addresses and ports, checked and shown.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/
 */
import { formatIP, parseCIDR, parseIP } from "../../api/ip-address.ts";
import type { Service } from "../../api/objects.ts";
import { ageColumn, formatLabels, nameColumn, none } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { validateService, validateServiceStatus, validateServiceUpdate } from "../validation/service.ts";
import { allocateForNew, allocateForUpdate, dropFieldsOfOldType, isExternallyAccessible, isHeadless } from "./service-allocation.ts";

const defaultAffinitySeconds = 10800;

const serviceStrategy: ResourceStrategy<Service> = {
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  singular: "service",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  subresources: ["status", "proxy"],
  nameRule: "dns-label",
  returnsDeletedObject: true,

  applyDefaults,
  prepareForCreate: (service, context) => {
    service.status = { loadBalancer: {} };
    allocateForNew(service, context);
    dropTrafficPolicyOfName(service);
  },
  prepareForUpdate: (next, previous, context) => {
    allocateForUpdate(next, previous, context);
    dropFieldsOfOldType(next, previous);
    // One that turns into a name keeps the policy it had.
    if (next.spec.internalTrafficPolicy !== previous.spec.internalTrafficPolicy) dropTrafficPolicyOfName(next);
  },
  validate: validateService,
  validateUpdate: validateServiceUpdate,
  validateStatusUpdate: (next) => validateServiceStatus(next.status ?? {}, next.spec),
  warnings: warningsFor,
  selectableFields: {
    "spec.clusterIP": ({ spec }) => spec.clusterIP ?? "",
    "spec.type": ({ spec }) => spec.type ?? "",
  },
  columns: [
    nameColumn,
    { name: "Type", cell: ({ spec }) => spec.type ?? "" },
    { name: "Cluster-IP", cell: ({ spec }) => spec.clusterIPs?.[0] ?? none },
    { name: "External-IP", cell: externalIP },
    { name: "Port(s)", cell: ports },
    ageColumn,
    { name: "Selector", priority: 1, cell: ({ spec }) => formatLabels(spec.selector) },
  ],
};

export const service = strategy(serviceStrategy);

function applyDefaults(object: Service): void {
  object.spec ??= {} as Service["spec"];
  object.status ??= {} as Service["status"];
  object.status.loadBalancer ??= {};
  const { spec } = object;
  spec.sessionAffinity ||= "None";
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: defaultAffinitySeconds } };
  }
  spec.type ||= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ||= "TCP";
    port.targetPort ||= port.port ?? 0;
  }
  if (isExternallyAccessible(object)) spec.externalTrafficPolicy ||= "Cluster";
  if (["ClusterIP", "NodePort", "LoadBalancer"].includes(spec.type)) spec.internalTrafficPolicy ??= "Cluster";
  if (spec.type !== "LoadBalancer") return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of object.status.loadBalancer.ingress ?? []) {
    if (ingress.ip) (ingress as { ipMode?: string }).ipMode ??= "VIP";
  }
}

/** A name has no traffic; the server forgets a policy that it would accept, and refuses others. */
function dropTrafficPolicyOfName({ spec }: Service): void {
  if (spec.type === "ExternalName" && ["Cluster", "Local"].includes(spec.internalTrafficPolicy ?? "")) delete spec.internalTrafficPolicy;
}

function externalIP({ spec, status }: Service): string {
  const own = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return spec.externalName ?? "";
    case "LoadBalancer": {
      const given = [...new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || ""))].sort();
      const all = [...given.filter((address) => address !== ""), ...own];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return own.length > 0 ? own.join(",") : none;
  }
}

function ports({ spec }: Service): string {
  const list = (spec.ports ?? []).map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol}`);
  return list.length > 0 ? list.join(",") : none;
}

function warningsFor(object: Service, previous: Service | undefined): string[] {
  const { spec } = object;
  const warnings: string[] = [];
  const isNew = (member: "clusterIPs" | "externalIPs" | "loadBalancerSourceRanges", value: string) =>
    !previous?.spec[member]?.includes(value);
  for (const [at, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip !== "None" && isNew("clusterIPs", ip)) warnings.push(...ipWarnings(`spec.clusterIPs[${at}]`, ip));
  }
  for (const [at, ip] of (spec.externalIPs ?? []).entries()) warnings.push(...ipWarnings(`spec.externalIPs[${at}]`, ip));
  if (spec.loadBalancerIP) warnings.push(...ipWarnings("spec.loadBalancerIP", spec.loadBalancerIP));
  for (const [at, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${at}]`, range));
  }
  const hasExternalIPs = (spec.externalIPs?.length ?? 0) > 0;
  if (spec.type === "ExternalName" && hasExternalIPs) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (spec.type !== "ExternalName" && spec.externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  if (isHeadless(object)) {
    if (spec.loadBalancerIP) warnings.push("spec.loadBalancerIP is ignored for headless services");
    if (hasExternalIPs) warnings.push("spec.externalIPs is ignored for headless services");
    if (spec.sessionAffinity && spec.sessionAffinity !== "None") warnings.push("spec.SessionAffinity is ignored for headless services");
  } else if (hasExternalIPs && spec.type !== "ExternalName") {
    warnings.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  }
  if (spec.trafficDistribution === "PreferClose") {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}

/** Addresses that not every program reads alike. */
function ipWarnings(field: string, text: string): string[] {
  const ip = parseIP(text);
  const sloppy = ip ?? parseIP(text, true);
  if (!sloppy) return [];
  const canonical = formatIP(sloppy);
  if (!ip) return [`${field}: non-standard IP address "${text}" is invalid: use "${canonical}"`];
  return canonical === text ? [] : [`${field}: IPv6 address "${text}" should be in RFC 5952 canonical format ("${canonical}")`];
}

function cidrWarnings(field: string, text: string): string[] {
  const cidr = parseCIDR(text.trim());
  if (!cidr || cidr.family === "IPv4") return [];
  const canonical = `${formatIP({ family: cidr.family, value: cidr.first })}/${cidr.prefix}`;
  return canonical === text.trim() ? [] : [`${field}: IPv6 CIDR value "${text}" should be in RFC 5952 canonical format ("${canonical}")`];
}
