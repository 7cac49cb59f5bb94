/**
 * The resolv.conf that the kubelet writes for a pod, and what a program reads out of one.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
 */
import type { PodSpec } from "./objects.ts";
import type { SandboxOptions } from "./sandbox-options.ts";

export interface ResolvConf {
  nameservers: string[];
  search: string[];
  /** In the order of the file: `ndots:5`, `edns0`. */
  options: string[];
}

/** The resolver that the nodes use; it stands outside the cluster and knows nothing of it. */
export const nodeNameserver = "192.168.10.1";
export const nodeResolvConf = `nameserver ${nodeNameserver}\n`;

const limits = { nameservers: 3, searchDomains: 32, searchCharacters: 2048 } as const;

export type DnsFields = Pick<PodSpec, "dnsPolicy" | "dnsConfig" | "hostNetwork">;

export interface PodResolvConf {
  conf: ResolvConf;
  text: string;
  /** Messages of the Warning event `DNSConfigForming`, where the kubelet had to cut something off. */
  warnings: string[];
}

/** @param node the node's own resolv.conf, as text */
export function podResolvConf(
  namespace: string,
  pod: DnsFields,
  { clusterDNS, clusterDomain }: Pick<SandboxOptions, "clusterDNS" | "clusterDomain">,
  node: string = nodeResolvConf,
): PodResolvConf {
  const ofNode = parseResolvConf(node);
  const domain = clusterDomain.replace(/\.$/, "");
  const ofCluster = {
    nameservers: [clusterDNS],
    search: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...ofNode.search],
    options: ["ndots:5"],
  };
  const base = { cluster: ofCluster, node: ofNode, none: { nameservers: [], search: [], options: [] } }[sourceOf(pod)];
  return cutToLimits(withDnsConfig(base, pod.dnsConfig));
}

/** `ClusterFirst` on a pod in the node's network silently means the node's own resolver. */
function sourceOf({ dnsPolicy = "ClusterFirst", hostNetwork }: DnsFields): "cluster" | "node" | "none" {
  if (dnsPolicy === "None") return "none";
  if (dnsPolicy === "Default" || (dnsPolicy === "ClusterFirst" && hostNetwork === true)) return "node";
  return "cluster";
}

function withDnsConfig(base: ResolvConf, config: PodSpec["dnsConfig"]): ResolvConf {
  const options = new Map([
    ...base.options.map(splitOption),
    ...(config?.options ?? []).map(({ name = "", value }) => [name, value] as const),
  ]);
  return {
    nameservers: distinct([...base.nameservers, ...(config?.nameservers ?? [])]),
    search: distinct([...base.search, ...(config?.searches ?? [])]),
    options: [...options].map(([name, value]) => (value === undefined || value === "" ? name : `${name}:${value}`)),
  };
}

const splitOption = (option: string): [name: string, value: string | undefined] => {
  const [name = "", value] = option.split(":");
  return [name, value];
};

const distinct = (items: readonly string[]): string[] => [...new Set(items)];

function cutToLimits(whole: ResolvConf): PodResolvConf {
  const nameservers = whole.nameservers.slice(0, limits.nameservers);
  let search = whole.search.slice(0, limits.searchDomains);
  while (search.join(" ").length > limits.searchCharacters) search = search.slice(0, -1);
  const warnings: string[] = [];
  if (search.length < whole.search.length) {
    warnings.push(`Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${search.join(" ")}`);
  }
  if (nameservers.length < whole.nameservers.length) {
    warnings.push(
      `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${nameservers.join(" ")}`,
    );
  }
  const conf = { nameservers, search, options: whole.options };
  return { conf, text: resolvConfText(conf), warnings };
}

export function resolvConfText({ nameservers, search, options }: ResolvConf): string {
  const lines = [
    ...(search.length === 0 ? [] : [`search ${search.join(" ")}`]),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Reads a resolv.conf. Of several search or options lines the last counts; nameserver lines add up.
 *
 * @param longestLine longer lines are skipped, as musl does with what does not fit its buffer
 */
export function parseResolvConf(text: string, longestLine = Number.POSITIVE_INFINITY): ResolvConf {
  const conf: ResolvConf = { nameservers: [], search: [], options: [] };
  for (const line of text.split("\n")) {
    const [keyword, ...words] = line.split(/[#;]/)[0]?.trim().split(/\s+/) ?? [];
    if (line.length > longestLine) continue;
    if (keyword === "nameserver" && words[0] !== undefined) conf.nameservers.push(words[0]);
    if (keyword === "search" || keyword === "domain") conf.search = distinct(words.map((word) => word.replace(/(.)\.$/, "$1")));
    if (keyword === "options") conf.options = words;
  }
  return conf;
}

/** The number behind an option such as `ndots`; programs cap it. */
export function numberOption({ options }: ResolvConf, name: string, otherwise: number, most: number): number {
  const value = options.map(splitOption).findLast(([each]) => each === name)?.[1];
  const number = Number.parseInt(value ?? "", 10);
  return Number.isNaN(number) ? otherwise : Math.min(Math.max(number, 0), most);
}
