/**
 * Options of one node's kube-proxy, in the names of the captures, and how they follow from the sandbox's options.
 *
 * @see test/golden/proxy/README.md
 */
import type { Node } from "../api/objects.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { familyOf } from "./address.ts";
import type { Family } from "./rule-set.ts";

export interface DetectLocal {
  mode: "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix" | "None";
  clusterCIDRs?: string[];
  bridgeInterface?: string;
  interfaceNamePrefix?: string;
}

export interface ProxyOptions {
  nodeName: string;
  /** At most one address a family is the primary one: the first. */
  nodeIPs: string[];
  detectLocal: DetectLocal;
  masqueradeAll: boolean;
  /** The bit of the packet mark that asks for masquerading. */
  masqueradeBit: number;
  /** CIDRs, or `primary`. Empty: everything for iptables and ipvs, `primary` for nftables. */
  nodePortAddresses: string[];
  localhostNodePorts: boolean;
  randomFully: boolean;
  nfacct: boolean;
  conntrackTCPBeLiberal: boolean;
  /** Addresses with prefix length by interface, without `lo`; empty: `eth0` with the node's addresses. */
  interfaces: Record<string, string[]>;
  /** nftables: the ranges of the ServiceCIDR objects. */
  serviceCIDRs: string[];
  ipvsScheduler: string;
  ipvsExcludeCIDRs: string[];
}

/** What kube-proxy does where nothing is configured. */
export const defaultProxyOptions: Omit<ProxyOptions, "nodeName" | "nodeIPs" | "detectLocal"> = {
  masqueradeAll: false,
  masqueradeBit: 14,
  nodePortAddresses: [],
  localhostNodePorts: true,
  randomFully: true,
  nfacct: false,
  conntrackTCPBeLiberal: false,
  interfaces: {},
  serviceCIDRs: [],
  ipvsScheduler: "rr",
  ipvsExcludeCIDRs: [],
};

/**
 * The options of one node's kube-proxy.
 *
 * `options.proxy` is trusted: the edge has checked its types. It may set everything but the node's own name and addresses.
 */
export function proxyOptionsFor(options: Pick<SandboxOptions, "podCIDR" | "serviceCIDR" | "proxy">, node: Node): ProxyOptions {
  const { nodeName: _name, nodeIPs: _ips, interfaces: _interfaces, ...chosen } = options.proxy as Partial<ProxyOptions>;
  return {
    ...defaultProxyOptions,
    detectLocal: { mode: "ClusterCIDR", clusterCIDRs: listOf(options.podCIDR) },
    serviceCIDRs: listOf(options.serviceCIDR),
    ...chosen,
    nodeName: node.metadata.name,
    nodeIPs: nodeAddresses(node),
  };
}

/** The node's address of a family, by which `primary` and source ranges are decided; `undefined` where it has none. */
export const primaryAddress = (options: Pick<ProxyOptions, "nodeIPs">, family: Family): string | undefined =>
  options.nodeIPs.find((ip) => familyOf(ip) === family);

/** Addresses of all interfaces of the node of one family, loopback first, without prefix lengths. */
export function localAddresses(options: Pick<ProxyOptions, "nodeIPs" | "interfaces">, family: Family): string[] {
  const configured = Object.values(options.interfaces).flat();
  const own = (configured.length > 0 ? configured : options.nodeIPs).map((address) => address.split("/")[0]!);
  return [family === "IPv4" ? "127.0.0.1" : "::1", ...own.filter((ip) => familyOf(ip) === family)];
}

const listOf = (text: string): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

const nodeAddresses = (node: Node): string[] =>
  (node.status.addresses ?? []).filter((address) => address.type === "InternalIP").map((address) => address.address);
