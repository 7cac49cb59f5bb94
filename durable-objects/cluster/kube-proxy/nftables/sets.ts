/**
 * The sets and maps that are always there.
 */
import type { SetDefinition } from "./rule.ts";

const destination = ["addr", "proto", "service"] as const;
const nodePort = ["proto", "service"] as const;

export const hairpinConnections: SetDefinition = {
  name: "hairpin-connections",
  kind: "set",
  key: ["addr", "addr", "proto", "service"],
  comment: "service hairpin connections",
};
export const clusterIPs: SetDefinition = { name: "cluster-ips", kind: "set", key: ["addr"], comment: "Active ClusterIPs" };
export const nodePortIPs: SetDefinition = { name: "nodeport-ips", kind: "set", key: ["addr"], comment: "IPs that accept NodePort traffic" };
export const noEndpointServices: SetDefinition = {
  name: "no-endpoint-services",
  kind: "map",
  key: destination,
  comment: "vmap to drop or reject packets to services with no endpoints",
};
export const noEndpointNodePorts: SetDefinition = {
  name: "no-endpoint-nodeports",
  kind: "map",
  key: nodePort,
  comment: "vmap to drop or reject packets to service nodeports with no endpoints",
};
export const firewallIPs: SetDefinition = {
  name: "firewall-ips",
  kind: "map",
  key: destination,
  comment: "destinations that are subject to LoadBalancerSourceRanges",
};
export const serviceIPs: SetDefinition = {
  name: "service-ips",
  kind: "map",
  key: destination,
  comment: "ClusterIP, ExternalIP and LoadBalancer IP traffic",
};
export const serviceNodePorts: SetDefinition = { name: "service-nodeports", kind: "map", key: nodePort, comment: "NodePort traffic" };

/** Those whose elements kube-proxy remembers and writes differences of, in the order in which it cleans up. */
export const remembered: readonly SetDefinition[] = [
  clusterIPs,
  serviceIPs,
  firewallIPs,
  noEndpointServices,
  noEndpointNodePorts,
  serviceNodePorts,
  hairpinConnections,
];
