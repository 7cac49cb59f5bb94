/**
 * The `/etc/resolv.conf` that a kubelet writes for a pod, and the node's own.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
 */
import type { Pod } from "../api/objects.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";

interface ResolvConf {
  nameservers: string[];
  search: string[];
  options: string[];
}

const maxNameservers = 3;

/** @param nodeNameserver the resolver of the nodes, which `dnsPolicy: Default` pods use */
export function resolvConf(pod: Pod, options: SandboxOptions, nodeNameserver: string): string {
  const { dnsConfig } = pod.spec;
  const base = baseOf(pod, options, nodeNameserver);
  const own = (dnsConfig?.options ?? []).map(({ name, value }) => (value === undefined ? `${name}` : `${name}:${value}`));
  const names = new Set(own.map(optionName));
  return print({
    nameservers: unique([...base.nameservers, ...(dnsConfig?.nameservers ?? [])]).slice(0, maxNameservers),
    search: unique([...base.search, ...(dnsConfig?.searches ?? [])]),
    options: [...base.options.filter((option) => !names.has(optionName(option))), ...own],
  });
}

function baseOf(pod: Pod, { clusterDNS, clusterDomain }: SandboxOptions, nodeNameserver: string): ResolvConf {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { nameservers: [], search: [], options: [] };
  const usesNode = policy === "Default" || (policy === "ClusterFirst" && pod.spec.hostNetwork === true);
  if (usesNode) return { nameservers: [nodeNameserver], search: [], options: [] };
  return {
    nameservers: [clusterDNS],
    search: [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain],
    options: ["ndots:5"],
  };
}

const optionName = (option: string): string => option.split(":")[0] as string;

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

function print({ nameservers, search, options }: ResolvConf): string {
  return [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...nameservers.map((ip) => `nameserver ${ip}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
    "",
  ].join("\n");
}
