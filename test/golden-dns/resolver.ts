/**
 * `resolver.jsonl`: what a pod's stub resolver puts on the wire, and what the program gets.
 */

import { parseHostsFile, podHostsFile } from "../../durable-objects/cluster/api/hosts-file.ts";
import type { Pod } from "../../durable-objects/cluster/api/objects.ts";
import { type DnsFields, podResolvConf } from "../../durable-objects/cluster/api/resolv-conf.ts";
import { defaultOptions } from "../../durable-objects/cluster/api/sandbox-options.ts";
import { errorText, type Libc } from "../../durable-objects/cluster/dns/libc.ts";
import { lookup } from "../../durable-objects/cluster/dns/stub-resolver.ts";
import { firstDifference } from "./comparison.ts";
import { makeWorld } from "./world.ts";

interface CapturedQuery {
  name: string;
  type: string;
  rcode: string;
  answers: number;
  transport?: "tcp";
  tc?: boolean;
  server?: string;
}

export interface ResolverRow {
  name: string;
  pod: DnsFields & { namespace: string };
  node_resolv_conf: string;
  resolv_conf: string;
  typed: string | null;
  libc: "glibc" | "musl" | null;
  /** Several versions that agree are joined by "and". */
  libc_version?: string;
  queries: CapturedQuery[] | null;
  result: { canonname?: string; addresses?: string[]; address_count?: number; error?: string; text?: string } | null;
}

/** The pod in which the programs ran. */
const askingPod = "sleep-1";

export function compareResolver(folder: string, row: ResolverRow): string | undefined {
  const { text } = podResolvConf(row.pod.namespace, row.pod, defaultOptions, row.node_resolv_conf);
  return (
    firstDifference(optionsAsSet(row.resolv_conf), optionsAsSet(text), "resolv.conf") ??
    (row.libc_version ?? "")
      .split(" and ")
      .map((version) => (row.libc === null ? undefined : compareLookup(folder, row, { name: row.libc, version })))
      .find((difference) => difference !== undefined)
  );
}

function compareLookup(folder: string, row: ResolverRow, libc: Libc): string | undefined {
  const world = makeWorld(folder, { cacheClusterZone: true });
  const pod = world.pods.find(({ metadata }) => metadata.name === askingPod) as Pod;
  const hosts = parseHostsFile(podHostsFile(pod, defaultOptions.clusterDomain));
  const resolvConf = row.resolv_conf;
  const got = lookup(row.typed ?? "", ["A", "AAAA"], { libc, resolvConf, hosts, families: ["IPv4"] }, world.ask);
  const queries = got.exchanges.map(({ question, server, message }) => ({
    name: question.name,
    type: question.type,
    transport: question.transport ?? "udp",
    rcode: message?.rcode ?? "",
    answers: message?.answer.length ?? 0,
    tc: message?.tc ?? false,
    server,
  }));
  const firstServer = /^nameserver (\S+)$/m.exec(resolvConf)?.[1] ?? "";
  const want = (row.queries ?? []).map((query) => ({ transport: "udp", tc: false, server: firstServer, ...query }));
  const order = orderIsChance(row) ? byContent : asItIs;
  return (
    firstDifference(order(want.map(line)), order(queries.map(line)), "queries") ??
    firstDifference(comparableResult(row.result), comparableResult(resultOf(got, libc, row)), "result")
  );
}

const line = (query: Required<CapturedQuery> | Record<string, unknown>): string =>
  ["name", "type", "transport", "rcode", "answers", "tc", "server"].map((key) => String(query[key as keyof typeof query])).join(" ");

const asItIs = (lines: string[]): string[] => lines;
const byContent = (lines: string[]): string[] => [...lines].sort();

/** Resends depend on timing, and so does glibc's second round after a truncated answer. */
const orderIsChance = ({ queries }: ResolverRow): boolean => (queries ?? []).some(({ rcode, tc }) => rcode === "SERVFAIL" || tc === true);

function resultOf(got: ReturnType<typeof lookup>, libc: Libc, row: ResolverRow): NonNullable<ResolverRow["result"]> {
  if (got.error !== undefined) return { error: got.error, text: errorText(libc, got.error) };
  const { canonname, addresses } = got;
  return row.result?.address_count === undefined ? { canonname, addresses } : { canonname, address_count: addresses.length };
}

const comparableResult = (result: ResolverRow["result"]): object => ({
  canonname: result?.canonname,
  addresses: result?.addresses && [...result.addresses].sort(),
  address_count: result?.address_count,
  error: result?.error,
  text: result?.text,
});

/** The order of options is open. */
const optionsAsSet = (text: string): string[] =>
  text.split("\n").map((each) => (each.startsWith("options ") ? `options ${each.split(" ").slice(1).sort().join(" ")}` : each));
