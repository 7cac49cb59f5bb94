/** What a sandbox was born with. Stored once; `reset` goes back to it. */
export interface SandboxOptions {
  name?: string;
  /** In order; a node gets the next /24 of `podCIDR`, and with two families a /64 as well. */
  nodes: { name: string; ip: string; zone?: string }[];
  /** With two families a range of each, with a comma between; likewise `serviceCIDR`. */
  podCIDR: string;
  serviceCIDR: string;
  clusterDNS: string;
  clusterDomain: string;
  nodePortRange: { from: number; to: number };
  ipFamilies: ("IPv4" | "IPv6")[];
  proxyMode: "iptables" | "nftables" | "ipvs";
  /** Options of kube-proxy in the captures' own names (`ProxyOptions`): masqueradeAll, nodePortAddresses, ipvsScheduler, ... */
  proxy: Record<string, unknown>;
  loadBalancer: "cloud" | "local" | "none";
  /** Milliseconds from a pod's binding to Ready, for images that start at once. 0: in the same turn. */
  startDelayMs: number;
  seed: number;
  manifest?: string;
}

/** The defaults of `POST /sandboxes`. */
export const defaultOptions: SandboxOptions = {
  nodes: [
    { name: "node-1", ip: "192.168.10.11" },
    { name: "node-2", ip: "192.168.10.12" },
  ],
  podCIDR: "10.244.0.0/16",
  serviceCIDR: "10.96.0.0/12",
  clusterDNS: "10.96.0.10",
  clusterDomain: "cluster.local",
  nodePortRange: { from: 30000, to: 32767 },
  ipFamilies: ["IPv4"],
  proxyMode: "iptables",
  proxy: {},
  loadBalancer: "cloud",
  startDelayMs: 400,
  seed: 1,
};
