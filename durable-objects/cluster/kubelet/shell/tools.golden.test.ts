/** Output of the tools against captures of the real ones (`test/golden/tools`). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/objects.ts";
import { TestCluster } from "../test-cluster.ts";
import { commandPlace, runCommand } from "./command.ts";
import { Laboratory } from "./test-laboratory.ts";

interface Sample {
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
  exit: number | null;
  stdout: string;
  stderr: string;
  files?: Record<string, string>;
}

const folder = `${process.env.GOLDEN ?? "test/golden"}/tools`;
const fixtures = JSON.parse(readFileSync(`${folder}/fixtures.json`, "utf8"));
const samples = readFileSync(`${folder}/samples.jsonl`, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Sample);

/** Which image of the catalog brings the captured program along. */
const imageOf: Record<string, string> = {
  "ping busybox 1.36.1 (musl)": "alpine",
  "ping iputils 20221126": "nicolaka/netshoot",
  "wget busybox 1.36.1 (musl)": "alpine",
  "curl curl 8.14.1": "curlimages/curl",
  "nc busybox 1.36.1 (musl)": "alpine",
  "nc netcat-openbsd 1.219": "nicolaka/netshoot",
  "hostname busybox 1.36.1 (musl)": "alpine",
  "ip busybox 1.36.1 (musl)": "alpine",
  "ip iproute2 6.1.0": "nicolaka/netshoot",
};

/** What the network of the emulator has no means for: half answers, TLS, IPv6, bridges, terminals, options of order 5. */
const beyond =
  /IPv6|dual|six|reset|empty reply|ends early|drip|stalls|slow|not HTTP|TLS|https|chunked|without length|gzip|compressed|HTTP\/1\.0|HTTP\/2|telnet|bridged|neigh|arp|hop limit|Ctrl-C|prohibit|blackhole|filtered|talks|listens|client pod|closed by|banner|echo service|--resolve, verbose|progress|own header and agent|retry|bad source|not allowed|pipe|outstanding|version|help|packet too big|report|port range|several ports|UDP: answered|UDP: pod|from a node|trailing dot|no limit given|file with a date|name has both|own Host header, verbose|^localhost|own loopback|long body|-j route/;

const isIncluded = (sample: Sample): boolean =>
  `${sample.tool} ${sample.variant}` in imageOf &&
  ["c", "w"].includes(sample.pod) &&
  !sample.tty &&
  sample.services === undefined &&
  sample.interrupt_ms === undefined &&
  sample.exit !== null &&
  !beyond.test(sample.situation) &&
  !sample.argv.some((word) => /^https:|^-j$|\[|^-6$|fd00|2001|numbers-six|numbers-dual/.test(word));

/** What varies from run to run, made the same on both sides. */
const settled = (text: string): string =>
  text
    .replace(/time=[\d.]+ ms/g, "time=T")
    .replace(/(round-trip min\/avg\/max|rtt min\/avg\/max\/mdev) = [\d./]+ ms/g, "$1 = T")
    .replace(/time \d+ms/g, "time T")
    .replace(/after \d+ (ms|milliseconds)/g, "after N $1")
    .replace(/Date: [^\r\n]+/g, "Date: DATE")
    .replace(/from ([\d.]+) port \d+ failed/g, "from $1 port P failed")
    .replace(/ {2}% Total[\s\S]*?(?:--:--:-- {5}0)/g, "")
    .replace(/\r *\d+ +[\dk]+ +\d+ +[\dk]+ +\d+ +\d+ +\S+ +\d+ [-:\d]+ +[-:\d]+ +[-:\d]+ +[\dk.]+/g, "")
    .replace(/^\n(?=\* |curl: )/gm, "")
    .replace(/^(\d{3}|000) \d\.\d{6}$/gm, "$1 T")
    .replace(/dns=\d\.\d{6}/g, "dns=T")
    .replace(/BusyBox v1\.36\.1 \([^)]*\)/g, "BusyBox v1.36.1 (DATE)")
    .replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, "MAC")
    .replace(/fe80::[0-9a-f:]+/g, "LINKLOCAL");

async function outcomeOf(sample: Sample): Promise<Pick<Sample, "exit" | "stdout" | "stderr">> {
  const cluster = new TestCluster({ startDelayMs: 0 });
  const own = fixtures.pods[sample.pod] as { name: string; ip: string; node: string };
  const image = imageOf[`${sample.tool} ${sample.variant}`] as string;
  const bound = cluster.bind(
    own.name,
    { containers: [{ name: "c", image, command: ["sleep", "infinity"], workingDir: "/work" }] },
    "node-1",
  );
  const pod = {
    ...bound,
    status: { ...bound.status, podIP: own.ip, podIPs: [{ ip: own.ip }], hostIP: "172.18.0.2", hostIPs: [{ ip: "172.18.0.2" }] },
  } as Pod;
  cluster.network = new Laboratory(fixtures, sample.pod, sample.resolv === undefined);
  const place = cluster.kubelet.place(pod, pod.spec.containers[0]!);
  const libc = sample.variant.includes("musl") ? "musl" : "glibc";
  const where = commandPlace(cluster.kubelet, { ...place, image: { ...place.image, userland: { ...place.image.userland, libc } } });
  await where.files.mkdir("/work");
  const out: Uint8Array[] = [];
  const err: Uint8Array[] = [];
  const stdin = sample.stdin === undefined ? {} : { stdin: once(sample.stdin) };
  const result = await runCommand(where, sample.argv, {
    out: (data) => out.push(data),
    err: (data) => err.push(data),
    delay: async () => {},
    signal: new AbortController().signal,
    ...stdin,
  });
  const text = (parts: Uint8Array[]): string => Buffer.concat(parts).toString();
  return { exit: "exitCode" in result ? result.exitCode : 126, stdout: settled(text(out)), stderr: settled(text(err)) };
}

async function* once(text: string): AsyncIterable<Uint8Array> {
  yield new TextEncoder().encode(text);
}

describe("tools in pods", () => {
  for (const key of Object.keys(imageOf)) {
    it(`${key} says what the real one says`, async () => {
      const included = samples.filter((sample) => `${sample.tool} ${sample.variant}` === key && isIncluded(sample));
      const wrong: object[] = [];
      for (const sample of included) {
        const want = { exit: sample.exit, stdout: settled(sample.stdout), stderr: settled(sample.stderr) };
        const got = await outcomeOf(sample);
        if (JSON.stringify(got) !== JSON.stringify(want))
          wrong.push({ situation: sample.situation, argv: sample.argv.join(" "), want, got });
      }
      expect(wrong).toEqual([]);
      expect(included.length).toBeGreaterThan(0);
    });
  }
});
