/**
 * What a program in a pod does to turn a name into addresses: hosts file, then questions along the search list, each
 * kept in a trace.
 *
 * Whether a question reaches a server is the caller's `ask`; how the two C libraries walk the list is `glibc.ts` and
 * `musl.ts`.
 */

import { parseAddress, reverseName } from "../api/dns-address.ts";
import type { Ask, DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import { foldCase, relative, sameName } from "../api/domain-names.ts";
import { type HostsEntry, parseHostsFile, podHostsFile } from "../api/hosts-file.ts";
import type { DnsRecord, DnsStep, Resolution, ResolutionError } from "../api/network.ts";
import type { Pod } from "../api/objects.ts";
import { nodeResolvConf, numberOption, parseResolvConf, podResolvConf } from "../api/resolv-conf.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { orderForUse } from "./address-order.ts";
import { glibcLookup } from "./glibc.ts";
import { type Libc, type LookupError, libcOf, noAddress } from "./libc.ts";
import { muslLookup } from "./musl.ts";

/** Everything a lookup depends on besides the servers. */
export interface Stub {
  libc: Libc;
  /** Text of /etc/resolv.conf. */
  resolvConf: string;
  hosts: readonly HostsEntry[];
  /** Families of the sender's own addresses. */
  families: readonly ("IPv4" | "IPv6")[];
}

/** A question on the wire and what came back; `message` undefined: nothing did. */
export interface Exchange {
  question: DnsQuestion;
  server: string;
  message: DnsMessage | undefined;
}

export interface Lookup {
  /** The name at the end of the aliases, without its final dot. */
  canonname: string;
  records: DnsRecord[];
  /** In the order the program would try them. */
  addresses: string[];
  error?: LookupError;
  exchanges: Exchange[];
}

/** A pod's resolver. @param image of the container that asks; default: the first one's */
export function podStub(pod: Pod, options: Pick<SandboxOptions, "clusterDNS" | "clusterDomain">, image?: string): Stub {
  const ips = pod.status.podIPs?.map(({ ip = "" }) => ip) ?? [pod.status.podIP ?? ""];
  return {
    libc: libcOf(image ?? pod.spec.containers[0]?.image ?? ""),
    resolvConf: podResolvConf(pod.metadata.namespace, pod.spec, options).text,
    hosts: parseHostsFile(podHostsFile(pod, options.clusterDomain)),
    families: [...new Set(ips.flatMap((ip) => parseAddress(ip)?.family ?? []))],
  };
}

/** The resolver of a client without a pod: as a pod of that namespace with the default policy. */
export function clientStub(namespace: string, options: Pick<SandboxOptions, "clusterDNS" | "clusterDomain" | "ipFamilies">): Stub {
  return { libc: libcOf(""), resolvConf: podResolvConf(namespace, {}, options).text, hosts: localhost, families: options.ipFamilies };
}

/** The resolver of a node, or of a machine outside: it does not know the cluster's names. */
export const machineStub = ({ ipFamilies }: Pick<SandboxOptions, "ipFamilies">): Stub => ({
  libc: libcOf(""),
  resolvConf: nodeResolvConf,
  hosts: localhost,
  families: ipFamilies,
});

const localhost: readonly HostsEntry[] = [
  { ip: "127.0.0.1", names: ["localhost"] },
  { ip: "::1", names: ["localhost"] },
];

/** Asks for all of `types` together for each candidate, as `getaddrinfo` does with A and AAAA. */
export function lookup(typed: string, types: readonly string[], stub: Stub, ask: Ask): Lookup {
  const local = withoutAsking(typed, types, stub);
  if (local !== undefined) return local;
  const exchanges: Exchange[] = [];
  const send = (question: DnsQuestion, server: string): DnsMessage | undefined => {
    const message = ask(question, server);
    exchanges.push({ question, server, message });
    return message;
  };
  const walk = (stub.libc.name === "glibc" ? glibcLookup : muslLookup)({
    typed,
    types,
    resolvConf: stub.resolvConf,
    libc: stub.libc,
    send,
  });
  if ("error" in walk) return { canonname: relative(typed), records: [], addresses: [], error: walk.error, exchanges };
  const records = walk.found.messages.flatMap(({ answer }) => answer);
  const addresses = records.filter(({ type }) => type === "A" || type === "AAAA").map(({ data }) => data);
  return {
    canonname: relative(endOfAliases(walk.found.name, records)),
    records: withoutRepeats(records),
    addresses: orderForUse([...new Set(addresses)], stub.families, stub.libc),
    exchanges,
  };
}

/** Address literals and names in the hosts file are answered without a question. */
function withoutAsking(typed: string, types: readonly string[], stub: Stub): Lookup | undefined {
  const wanted = types.flatMap((type) => (type === "A" ? ["IPv4"] : type === "AAAA" ? ["IPv6"] : []));
  const literal = parseAddress(typed);
  if (literal !== undefined && wanted.length > 0) {
    const addresses = wanted.includes(literal.family) ? [literal.text] : [];
    return { canonname: typed, records: [], addresses, exchanges: [], ...(addresses.length === 0 ? { error: "EAI_NONAME" as const } : {}) };
  }
  const spelled = (name: string): boolean => (stub.libc.name === "musl" ? name === typed : foldCase(name) === foldCase(typed));
  const named = stub.hosts.filter(({ names }) => names.some(spelled));
  const entries = named.filter(({ ip }) => wanted.includes(parseAddress(ip)?.family ?? ""));
  if (entries.length === 0) {
    // musl takes a name that the file knows in the other family as one without addresses.
    const known = named.length > 0 && wanted.length > 0 && stub.libc.name === "musl";
    return known ? { canonname: typed, records: [], addresses: [], exchanges: [], error: noAddress(stub.libc) } : undefined;
  }
  const canonname = entries[0]?.names[0] ?? typed;
  return {
    canonname,
    records: [],
    addresses: orderForUse(
      entries.map(({ ip }) => ip),
      stub.families,
      stub.libc,
    ),
    exchanges: [],
  };
}

export function endOfAliases(name: string, records: readonly DnsRecord[]): string {
  const aliases = records.filter(({ type }) => type === "CNAME");
  let end = name;
  for (let step = 0; step < aliases.length; step += 1) end = aliases.find((alias) => sameName(alias.name, end))?.data ?? end;
  return end;
}

function withoutRepeats(records: readonly DnsRecord[]): DnsRecord[] {
  return [...new Map(records.map((record) => [`${record.name} ${record.type} ${record.data}`, record])).values()];
}

/**
 * What a name means to a sender, with every question asked on the way.
 *
 * @param query.type one type asked along the search list; absent: A and AAAA, as programs ask. PTR takes an address
 * @param query.from copied into the result
 */
export function resolve(query: { name: string; type?: string; from: Resolution["from"] }, stub: Stub, ask: Ask): Resolution {
  const { name, from } = query;
  const types = query.type === undefined ? ["A", "AAAA"] : [query.type.toUpperCase()];
  const address = types[0] === "PTR" ? parseAddress(name) : undefined;
  const found = lookup(address === undefined ? name : reverseName(address), types, stub, ask);
  const conf = parseResolvConf(stub.resolvConf);
  const last = found.exchanges.at(-1)?.message?.rcode;
  return {
    name,
    type: types[0] ?? "A",
    rcode: found.error === undefined ? "NOERROR" : rcodeOf(found.error, last),
    from,
    answers: found.records,
    addresses: found.addresses,
    canonname: found.canonname,
    search: conf.search,
    ndots: numberOption(conf, "ndots", 1, 15),
    nameserver: conf.nameservers[0],
    trace: found.exchanges.map(stepOf),
    ...(found.error === undefined ? {} : { error: resolutionErrors[found.error] }),
  };
}

const resolutionErrors: Record<LookupError, ResolutionError> = {
  EAI_NONAME: "name-not-found",
  EAI_NODATA: "no-address",
  EAI_AGAIN: "temporary-failure",
  EAI_FAIL: "temporary-failure",
};

function rcodeOf(error: LookupError, last: string | undefined): string {
  if (error === "EAI_NODATA") return "NOERROR";
  if (error === "EAI_NONAME") return last === "NOERROR" ? "NOERROR" : "NXDOMAIN";
  return last ?? noReply;
}

/** Stands for the rcode where no reply came. */
export const noReply = "TIMEOUT";

const stepOf = ({ question, server, message }: Exchange): DnsStep => ({
  query: question.name,
  type: question.type,
  server,
  rcode: message?.rcode ?? noReply,
  from: message?.source ?? "none",
  answers: message?.answer ?? [],
});
