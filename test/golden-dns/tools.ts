/**
 * `tools.jsonl`: what the tools in a pod print, and which questions they send. Of `ping` and `curl` only the questions
 * are compared here; their output is the shell's.
 */
import type { DnsMessage, DnsQuestion } from "../../durable-objects/cluster/api/dns-message.ts";
import { parseHostsFile, podHostsFile } from "../../durable-objects/cluster/api/hosts-file.ts";
import type { Pod } from "../../durable-objects/cluster/api/objects.ts";
import { podResolvConf } from "../../durable-objects/cluster/api/resolv-conf.ts";
import { defaultOptions } from "../../durable-objects/cluster/api/sandbox-options.ts";
import { SeededRandom } from "../../durable-objects/cluster/api/seeded-random.ts";
import type { Libc } from "../../durable-objects/cluster/dns/libc.ts";
import { resolve } from "../../durable-objects/cluster/dns/stub-resolver.ts";
import { bindNslookup } from "../../durable-objects/cluster/kubelet/shell/bind-nslookup.ts";
import { dig } from "../../durable-objects/cluster/kubelet/shell/dig.ts";
import type { DnsIO, Printed } from "../../durable-objects/cluster/kubelet/shell/dns-io.ts";
import { getent } from "../../durable-objects/cluster/kubelet/shell/getent.ts";
import { host } from "../../durable-objects/cluster/kubelet/shell/host.ts";
import { asAsked, busyboxNslookup } from "../../durable-objects/cluster/kubelet/shell/nslookup.ts";
import { firstDifference } from "./comparison.ts";
import { makeWorld } from "./world.ts";

export interface ToolRow {
  tool: string;
  cmd: string;
  exit: number;
  stdout: string;
  stderr: string;
  queries: string[];
}

interface Run extends Printed {
  queries: string[];
}

const glibc: Libc = { name: "glibc", version: "2.36" };
const musl: Libc = { name: "musl", version: "1.2.6" };
/** The captures were taken in Debian's build. */
const busybox = (version: string) => ({ version, banner: `BusyBox v${version} (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.` });

type Program = (argv: string[], io: DnsIO) => Printed;

const programs: readonly { tool: RegExp; libc: Libc; run: Program; onlyQuestions?: true }[] = [
  { tool: /^busybox 1\.35 nslookup/, libc: glibc, run: (argv, io) => busyboxNslookup(argv, io, busybox("1.35.0"), asAsked) },
  { tool: /^busybox 1\.30 nslookup/, libc: glibc, run: (argv, io) => busyboxNslookup(argv, io, busybox("1.30.1"), asAsked) },
  { tool: /^bind .* nslookup/, libc: glibc, run: bindNslookup },
  { tool: /^bind .* dig/, libc: glibc, run: dig },
  { tool: /^bind .* host/, libc: glibc, run: host },
  { tool: /^glibc .* getent/, libc: glibc, run: getent },
  { tool: /^musl getent/, libc: musl, run: getent },
  { tool: /^(busybox ping|curl)/, libc: glibc, run: lookUp, onlyQuestions: true },
];

/** The order of address records is chance: one of these seeds gives that of the capture. */
const seeds = Array.from({ length: 64 }, (_, index) => index + 1);

export function compareTool(folder: string, row: ToolRow): string | undefined {
  const program = programs.find(({ tool }) => tool.test(row.tool));
  if (program === undefined) return "no program of that name";
  let first: string | undefined;
  for (const seed of seeds) {
    const difference = differenceOf(row, runIn(folder, row, program, seed), program.onlyQuestions);
    if (difference === undefined) return undefined;
    first ??= difference;
  }
  return first;
}

function differenceOf(row: ToolRow, got: Run, onlyQuestions = false): string | undefined {
  const questions = firstDifference(row.queries, got.queries, "queries");
  if (questions !== undefined || onlyQuestions) return questions;
  const want = { exit: row.exit, stdout: inStoreOrder(row.stdout), stderr: row.stderr };
  return firstDifference(want, { exit: got.exitCode, stdout: inStoreOrder(withPlaceholders(got.stdout, row.stdout)), stderr: got.stderr });
}

/** PTR records come in the order of the server's store, which nothing can know. */
const inStoreOrder = (stdout: string): string[] => {
  const lines = stdout.split("\n");
  return lines.filter((line) => line.includes("\tname = ")).length > 1 ? lines.sort() : lines;
};

const placeholders = {
  $SERIAL: "\\d+",
  $ID: "\\d+",
  $COOKIE: "[0-9a-f]{16}",
  $WHEN: "\\w{3} \\w{3} \\d\\d [\\d:]{8} UTC \\d{4}",
  $MS: "\\d+",
};

/** The capture itself where only what changes from run to run differs. */
function withPlaceholders(got: string, want: string): string {
  const literal = want.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = Object.entries(placeholders).reduce((text, [name, value]) => text.replaceAll(`\\${name}`, value), literal);
  return new RegExp(`^${pattern}$`).test(got) ? want : got;
}

function runIn(folder: string, { cmd }: ToolRow, program: { libc: Libc; run: Program }, seed: number): Run {
  const queries: string[] = [];
  const [command = "", filter] = cmd.split(" | ");
  const printed = program.run(
    command.split(" ").filter((word) => word !== ""),
    ioIn(folder, program.libc, seed, queries),
  );
  return { ...(filter === undefined ? printed : piped(printed, filter)), queries };
}

/** The two filters that the captures use. */
function piped({ stdout }: Printed, filter: string): Printed {
  const lines = stdout.split("\n").slice(0, -1);
  const kept = filter.startsWith("tail") ? lines.slice(-5) : lines.filter((line) => /^[^*]/.test(line));
  return { stdout: kept.map((line) => `${line}\n`).join(""), stderr: "", exitCode: 0 };
}

function ioIn(folder: string, libc: Libc, seed: number, queries: string[]): DnsIO {
  const world = makeWorld(folder, { cacheClusterZone: true });
  world.seed = seed;
  const pod = world.pods.find(({ metadata }) => metadata.name === "sleep-1") as Pod;
  const hosts = podHostsFile(pod, defaultOptions.clusterDomain);
  const resolvConf = podResolvConf("default", {}, defaultOptions).text;
  const ask = (question: DnsQuestion, server: string): DnsMessage | undefined => {
    const message = world.ask(question, server);
    const { transport, edns } = question;
    const how = [...(transport === "tcp" ? ["tcp"] : []), ...(edns === undefined ? [] : [`edns:${edns.bufsize}`])];
    if (message !== undefined) queries.push([question.name, question.type, message.rcode, ...how].join(" "));
    return message;
  };
  const stub = { libc, resolvConf, hosts: parseHostsFile(hosts), families: ["IPv4"] as const };
  return {
    ask: (question, server) => ask(question, server.ip) ?? "refused",
    resolve: (name, type) => resolve({ name, from: {}, ...(type === undefined ? {} : { type }) }, stub, ask),
    resolvConf,
    hosts,
    libc: libc.name,
    families: ["IPv4"],
    now: world.now,
    random: new SeededRandom(seed),
  };
}

/** A program that only looks its host up. */
function lookUp(argv: string[], io: DnsIO): Printed {
  const target = (argv.at(-1) ?? "").replace(/^http:\/\/|\/$/g, "");
  return { stdout: io.resolve(target).addresses.join("\n"), stderr: "", exitCode: 0 };
}
