/**
 * What kube-proxy reads out of one Service for one IP family: its service ports.
 *
 * Pure: a Service in, service ports out. Keeping them is `service-map.ts`.
 *
 * @see test/golden/proxy/README.md "which objects count"
 */
import type { ObjectRef } from "../api/network.ts";
import type { Service } from "../api/objects.ts";
import { canonicalIP, familyOf, parseCidr } from "./address.ts";
import type { Family } from "./rule-set.ts";

export type ServiceProtocol = "TCP" | "UDP" | "SCTP";

/** One port of one Service in one family. Addresses are of that family only. */
export interface ServicePort {
  namespace: string;
  service: string;
  /** Empty for the one port that needs no name. */
  portName: string;
  protocol: ServiceProtocol;
  /** `namespace/name:port`, as comments and chain names have it; no colon where the port has no name. */
  text: string;
  clusterIP: string;
  port: number;
  /** 0: none. */
  nodePort: number;
  externalIPs: string[];
  /** Addresses of load balancers whose traffic arrives with them as destination. */
  loadBalancerIPs: string[];
  /** Ranges in network form; empty: everybody may come. */
  sourceRanges: string[];
  /** Seconds a client stays with its endpoint; absent without session affinity. */
  affinitySeconds?: number;
  internalPolicyLocal: boolean;
  externalPolicyLocal: boolean;
  /** 0: none. */
  healthCheckNodePort: number;
  /** The Service, with the field of this port. */
  object: ObjectRef;
}

/** Something outside the cluster can address the port. */
export const isExternal = (port: ServicePort): boolean =>
  port.nodePort !== 0 || port.loadBalancerIPs.length > 0 || port.externalIPs.length > 0;

const defaultAffinitySeconds = 10800;

/** The ports of a Service that exist in this family; empty for a Service that kube-proxy does not serve. */
export function servicePortsOf(service: Service, family: Family): ServicePort[] {
  const { spec } = service;
  if (spec.type === "ExternalName" || isForeign(service)) return [];
  const clusterIPs = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  const clusterIP = clusterIPs.find((ip) => ip !== "" && ip !== "None" && familyOf(ip) === family);
  if (clusterIP === undefined) return [];
  const shared = {
    namespace: service.metadata.namespace,
    service: service.metadata.name,
    clusterIP: canonicalIP(clusterIP),
    externalIPs: (spec.externalIPs ?? []).filter((ip) => familyOf(ip) === family).map(canonicalIP),
    loadBalancerIPs: loadBalancerIPs(service, family),
    sourceRanges: sourceRanges(service, family),
    ...(spec.sessionAffinity === "ClientIP"
      ? { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds }
      : {}),
    internalPolicyLocal: spec.internalTrafficPolicy === "Local",
    externalPolicyLocal: externalPolicyLocal(service),
    healthCheckNodePort: spec.type === "LoadBalancer" && externalPolicyLocal(service) ? (spec.healthCheckNodePort ?? 0) : 0,
  };
  return (spec.ports ?? []).map((port, at) => {
    const portName = port.name ?? "";
    const key = `${shared.namespace}/${shared.service}`;
    return {
      ...shared,
      portName,
      protocol: (port.protocol ?? "TCP") as ServiceProtocol,
      text: portName === "" ? key : `${key}:${portName}`,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      object: { apiVersion: "v1", kind: "Service", namespace: shared.namespace, name: shared.service, field: `spec.ports[${at}]` },
    };
  });
}

/** Another proxy serves it, or nobody does because it is headless. */
const isForeign = (service: Service): boolean =>
  service.metadata.labels?.["service.kubernetes.io/service-proxy-name"] !== undefined || service.spec.clusterIP === "None";

const externalPolicyLocal = ({ spec }: Service): boolean =>
  spec.externalTrafficPolicy === "Local" &&
  (spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0));

/** Host names do not count, nor addresses that the load balancer replaces itself (`ipMode: Proxy`). */
function loadBalancerIPs(service: Service, family: Family): string[] {
  const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; ipMode?: string }[];
  return ingress
    .filter((entry) => (entry.ip ?? "") !== "" && (entry.ipMode ?? "VIP") === "VIP")
    .filter((entry) => familyOf(entry.ip!) === family)
    .map((entry) => canonicalIP(entry.ip!));
}

/** One range of the family that allows everybody makes the whole list pointless, and so empty. */
function sourceRanges(service: Service, family: Family): string[] {
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).map(parseCidr).filter((range) => range?.family === family);
  return ranges.some((range) => range!.prefix === 0) ? [] : ranges.map((range) => range!.text);
}
