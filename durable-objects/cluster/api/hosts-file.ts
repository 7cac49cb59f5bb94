/**
 * The hosts file that the kubelet writes into a pod: its own name, and the pod's hostAliases.
 *
 * @see https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
 */
import type { Pod } from "./objects.ts";

export interface HostsEntry {
  ip: string;
  /** The first is the canonical one. */
  names: readonly string[];
}

/** Names are cut here, as `hostname` cannot be longer. */
const longestHostname = 63;

const standardLines = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export function podHostsFile(pod: Pod, clusterDomain: string): string {
  const { hostNetwork, hostAliases = [] } = pod.spec;
  const lines = hostNetwork
    ? ["# Kubernetes-managed hosts file (host network).", ...standardLines, ...ownLines(pod, clusterDomain)]
    : ["# Kubernetes-managed hosts file.", ...standardLines, ...ownLines(pod, clusterDomain)];
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames].join("\t"));
  return [...lines, ...(aliases.length === 0 ? [] : ["", "# Entries added by HostAliases.", ...aliases]), ""].join("\n");
}

/** The name that programs in the pod see as their own. */
export const hostnameOf = (pod: Pod): string =>
  pod.spec.hostNetwork ? (pod.spec.nodeName ?? pod.metadata.name) : (pod.spec.hostname ?? pod.metadata.name).slice(0, longestHostname);

function ownLines(pod: Pod, clusterDomain: string): string[] {
  const hostname = hostnameOf(pod);
  const { subdomain } = pod.spec;
  const full =
    subdomain === undefined || subdomain === "" ? undefined : `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
  const ips = pod.status.podIPs?.map(({ ip }) => ip) ?? (pod.status.podIP === undefined ? [] : [pod.status.podIP]);
  return ips.map((ip) => [ip, ...(full === undefined ? [] : [full]), hostname].join("\t"));
}

export function parseHostsFile(text: string): HostsEntry[] {
  return text.split("\n").flatMap((line) => {
    const [ip = "", ...names] = line.split("#")[0]?.trim().split(/\s+/) ?? [];
    return ip === "" || names.length === 0 ? [] : [{ ip, names }];
  });
}
