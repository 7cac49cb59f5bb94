/**
 * Compares what the tools of pods print with what the real ones printed (`test/golden/tools/samples.jsonl`).
 *
 * `fixtures.json` describes the small cluster that the samples were taken in; `shell/test-laboratory.ts` rebuilds it. A
 * sample counts when an image of the catalog has its program in its make; what is left out has a reason in `notes`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "../durable-objects/cluster/api/objects.ts";
import { defaultOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { commandPlace, runCommand } from "../durable-objects/cluster/kubelet/shell/command.ts";
import { Laboratory } from "../durable-objects/cluster/kubelet/shell/test-laboratory.ts";
import { TestCluster } from "../durable-objects/cluster/kubelet/test-cluster.ts";
import { makes, reasonAgainst } from "./golden-tools-scope.ts";

export interface Sample {
  tool: string;
  variant: string;
  situation: string;
  pod: string;
  argv: string[];
  stdin?: string;
  tty?: boolean;
  resolv?: string;
  services?: string;
  interrupt_ms?: number;
  /** Node side: which rule set of the proxy's captures was loaded. */
  rules?: string;
  exit: number | null;
  stdout: string;
  stderr: string;
  ms: number;
  note?: string;
  files?: Record<string, string>;
}

export interface ToolComparison {
  matched: number;
  total: number;
  missing: string[];
  failures: object[];
  reached: boolean;
  notes: string[];
}

/** The share of the busybox and curl samples that has to match. */
const wantedShare = 0.9;

export const makeOf = ({ tool, variant }: Sample): string => `${tool} ${variant}`;

export function readSamples(goldenDir: string): { samples: Sample[]; fixtures: Fixtures } {
  const folder = join(goldenDir, "tools");
  const samples = readFileSync(join(folder, "samples.jsonl"), "utf8").trim().split("\n");
  return {
    samples: samples.map((line) => JSON.parse(line) as Sample),
    fixtures: JSON.parse(readFileSync(join(folder, "fixtures.json"), "utf8")) as Fixtures,
  };
}

export type Fixtures = ConstructorParameters<typeof Laboratory>[0];

export async function compareTools(goldenDir: string): Promise<ToolComparison> {
  const missing = ["samples.jsonl", "fixtures.json"].map((name) => join(goldenDir, "tools", name)).filter((path) => !existsSync(path));
  if (missing.length > 0) return { matched: 0, total: 0, missing, failures: [], reached: goldenDir !== "", notes: [] };
  const { samples, fixtures } = readSamples(goldenDir);
  const failures: object[] = [];
  const reasons = new Map<string, number>();
  const main = { matched: 0, total: 0 };
  let [matched, total] = [0, 0];
  for (const sample of samples) {
    const isMain = /^(busybox|curl)/.test(sample.variant);
    if (isMain) main.total += 1;
    const reason = reasonAgainst(sample);
    if (reason !== undefined) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    total += 1;
    const difference = await differenceOf(sample, fixtures);
    if (difference) failures.push(difference);
    else {
      matched += 1;
      if (isMain) main.matched += 1;
    }
  }
  const share = main.matched / main.total;
  return {
    matched,
    total,
    missing,
    failures,
    reached: failures.length === 0 && share >= wantedShare,
    notes: [
      `of the ${main.total} samples of busybox and curl ${main.matched} match (${(share * 100).toFixed(1)} %, wanted ${wantedShare * 100} %)`,
      ...[...reasons].map(([reason, count]) => `not compared, ${count}: ${reason}`),
    ],
  };
}

/** What differs, or nothing. */
export async function differenceOf(sample: Sample, fixtures: Fixtures): Promise<object | undefined> {
  const want = { exit: sample.exit, stdout: settled(sample.stdout), stderr: settled(sample.stderr) };
  let got: object;
  try {
    got = await outcomeOf(sample, fixtures);
  } catch (error) {
    got = { threw: error instanceof Error ? error.stack : String(error) };
  }
  if (JSON.stringify(got) === JSON.stringify(want)) return undefined;
  const { situation, pod, argv, stdin } = sample;
  return {
    what: `${makeOf(sample)}: ${situation} (${pod}): ${argv.join(" ")}${stdin === undefined ? "" : ` < ${JSON.stringify(stdin)}`}`,
    want: `want ${JSON.stringify(want)}`,
    got: `got  ${JSON.stringify(got)}`,
  };
}

/** What varies from run to run, made the same on both sides. */
export const settled = (text: string): string =>
  text
    .replace(/time=[\d.]+ ms/g, "time=T")
    .replace(/(round-trip min\/avg\/max|rtt min\/avg\/max\/mdev) = [\d./]+ ms/g, "$1 = T")
    .replace(/, ipg\/ewma [\d./]+ ms/g, "")
    .replace(/T, pipe \d+/g, "T")
    .replace(/time \d+ms/g, "time T")
    .replace(/after \d+ (ms|milliseconds)/g, "after N $1")
    .replace(/Date([^\w\r\n:]\[0m)?: [^\r\n]+/g, "Date$1: DATE")
    // Not said where the answer is faster than curl's loop.
    .replace(/^\* (Request completely sent off|abort upload|we are done reading and this is set to close, stop send)\n/gm, "")
    .replace(/(Transfer-Encoding: chunked[\s\S]*?\{ )\[\d+ bytes data\]/g, "$1[N bytes data]")
    .replace(/from ([\d.]+|[\da-f:]+) port \d+ failed/g, "from $1 port P failed")
    .replace(/ {2}% Total[\s\S]*?(?:--:--:-- {5}0)/g, "")
    .replace(/\r *\d+ +[\dk]+ +\d+ +[\dk]+ +\d+ +\d+ +\S+ +\d+ +[-:\d]+ +[-:\d]+ +[-:\d]+ +[\dk.]+/g, "")
    .replace(/^\n(?=\* |curl: )/gm, "")
    .replace(/^(\d{3}|000) \d\.\d{6}$/gm, "$1 T")
    .replace(/dns=\d\.\d{6}/g, "dns=T")
    .replace(/\b\d\.\d{6}\b/g, "T")
    .replace(/bundle for host: 0x[0-9a-f]+/g, "bundle for host: 0xN")
    .replace(/BusyBox v1\.3(\d)\.(\d) \([^)]*\)/g, "BusyBox v1.3$1.$2 (DATE)")
    .replace(/([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}/g, "MAC")
    .replace(/ on \w{3} \w{3} [ \d]\d [\d:]+ \d{4}$/gm, " on TIME")
    .replace(/@if\d+/g, "@ifN")
    .replace(/eth0@ifN {3,}/g, "eth0@ifN ")
    .replace(/(wget: error getting response): (Resource temporarily unavailable|Invalid argument)/g, "$1")
    .replace(/fe80::[0-9a-f:]+/g, "LINKLOCAL")
    .replace(/\d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME")
    .replace(/TIME \([\d.]+ [KMG]?B\/s\)/g, "TIME (SPEED)")
    .replace(/ *[\d.]+[KMG]? ?=[\d.]+s$/gm, "=T")
    .replace(/ in [\d.]+s +/g, " in T ")
    .replace(/ {2}\d+\.\d{3} ms/g, "  T ms")
    .replace(/\d+\.\d{3}ms/g, "Tms")
    .replace(/(RX|TX) packets[: ]\d+/g, "$1 packets N")
    .replace(/(RX |TX )?bytes[: ]\d+ \([^)]*\)/g, "$1bytes N")
    .replace(/ {2}bytes \d+ \([^)]*\)/g, "  bytes N");

type Outcome = Pick<Sample, "exit" | "stdout" | "stderr">;

export async function outcomeOf(sample: Sample, fixtures: Fixtures): Promise<Outcome> {
  const cluster = new TestCluster({
    startDelayMs: 0,
    nodes: fixtures.nodes.map(({ name, ip }) => ({ ...(defaultOptions.nodes[0] as (typeof defaultOptions.nodes)[number]), name, ip })),
  });
  const onNode = sample.pod === "node" ? "1" : /^n(\d)$/.exec(sample.pod)?.[1];
  const node = fixtures.nodes.find(({ name }) => name === `node-${onNode}`);
  const own = node ? { name: node.name, ip: node.ip, node: node.name } : (fixtures.pods[sample.pod] as Fixtures["pods"][string]);
  const make = makes[makeOf(sample)];
  if (!make) throw new Error(`no image has ${makeOf(sample)}`);
  const bound = cluster.bind(
    own.name,
    {
      containers: [
        { name: "c", image: make.image, command: ["sleep", "infinity"], workingDir: "/work", securityContext: { privileged: true } },
      ],
      ...(node ? { hostNetwork: true } : {}),
    },
    own.node,
  );
  const hostIP = fixtures.nodes.find(({ name }) => name === own.node)?.ip ?? "";
  const podIPs = [own.ip, ...(own.ip6 && own.families?.includes("IPv6") ? [own.ip6] : [])].map((ip) => ({ ip }));
  const pod = { ...bound, status: { ...bound.status, podIP: own.ip, podIPs, hostIP, hostIPs: [{ ip: hostIP }] } } as Pod;
  cluster.network = new Laboratory(fixtures, sample.pod, sample.resolv === undefined);
  cluster.kubelet.connect(cluster.network);
  const { rules } = sample;
  if (rules !== undefined) cluster.network.rulesOn = () => kernelRules(rules);
  const listening = Object.keys(fixtures.pods[sample.pod]?.listens ?? {}).flatMap((text) => {
    const [, port, protocol] = /^(\d+)\/(tcp|udp)$/.exec(text) ?? [];
    return port === undefined ? [] : [{ port: Number(port), protocol: protocol === "udp" ? ("UDP" as const) : ("TCP" as const) }];
  });
  Object.assign(cluster.kubelet.machines, { listeners: () => listening });
  const place = cluster.kubelet.place(pod, pod.spec.containers[0]!);
  const userland = {
    ...place.image.userland,
    ...(make.libc ? { libc: make.libc } : {}),
    tools: new Set([...place.image.userland.tools, ...(make.added ?? [])]),
    flavours: { ...place.image.userland.flavours, ...make.flavours },
  };
  const where = commandPlace(cluster.kubelet, { ...place, image: { ...place.image, userland } });
  await where.files.mkdir("/work");
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const stop = new AbortController();
  let passedMs = 0;
  let press = (): void => {};
  const pressed = new Promise<void>((resolve) => {
    press = resolve;
  });
  const result = await runCommand(where, sample.argv, {
    out: (data) => out.push(data),
    err: (data) => (sample.tty ? out : err).push(data),
    delay: async (ms) => {
      passedMs += ms;
      if (sample.interrupt_ms === undefined || passedMs < sample.interrupt_ms) return;
      if (!sample.tty) stop.abort();
      press();
      await new Promise((resolve) => setImmediate(resolve));
    },
    signal: stop.signal,
    ...(sample.tty ? { terminal: { columns: 80, rows: 24 } } : {}),
    ...(sample.stdin === undefined ? {} : { stdin: once(sample.stdin) }),
    ...(sample.tty && sample.interrupt_ms !== undefined ? { stdin: onceAfter(pressed, "\u0003") } : {}),
  });
  const text = (parts: Uint8Array[]): string => readable(Buffer.concat(parts));
  const shown = (parts: Uint8Array[]): string => settled(sample.tty ? text(parts).replaceAll("\n", "\r\n") : text(parts));
  return { exit: "exitCode" in result ? result.exitCode : 126, stdout: shown(out), stderr: shown(err) };
}

/** The same rules as the kernel's tool printed them. */
function kernelRules(file: string): { mode: "iptables" | "nftables"; kernel: string } {
  const mode = file.includes("nftables") ? "nftables" : "iptables";
  const folder = file.slice(0, file.lastIndexOf("/"));
  return { mode, kernel: readFileSync(join(process.env.GOLDEN ?? "test/golden", folder, `${mode}.kernel.txt`), "utf8") };
}

/** Bytes that are not UTF-8 are written as the samples write them. */
function readable(bytes: Uint8Array): string {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const found = [1, 2, 3, 4].flatMap((length) => {
      try {
        return [{ length, part: strict.decode(bytes.subarray(at, at + length)) }];
      } catch {
        return [];
      }
    })[0];
    text += found?.part ?? `\\x${(bytes[at] as number).toString(16).padStart(2, "0")}`;
    at += found?.length ?? 1;
  }
  return text;
}

async function* onceAfter(moment: Promise<void>, text: string): AsyncIterable<Uint8Array> {
  await moment;
  yield new TextEncoder().encode(text);
}

async function* once(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text);
}
