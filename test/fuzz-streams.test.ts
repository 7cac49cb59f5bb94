/**
 * Lines of nonsense for the shells of pods and bytes of nonsense for their streams: nothing throws, hangs or grows. Seeded;
 * FULL=1 takes 20,000 lines and 5,000 frames, `npm test` a twentieth.
 */
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../durable-objects/cluster/api/seeded-random.ts";
import { parseRequests } from "../durable-objects/cluster/kubelet/http-message.ts";
import { commandPlace, runCommand } from "../durable-objects/cluster/kubelet/shell/command.ts";
import { tools } from "../durable-objects/cluster/kubelet/shell/tools.ts";
import { TestCluster } from "../durable-objects/cluster/kubelet/test-cluster.ts";
import type { Socket } from "../durable-objects/http/sandbox.ts";
import { servePortForward, servePortForwardChannels } from "../durable-objects/http/streams/port-forward.ts";
import { serveRemoteCommand } from "../durable-objects/http/streams/remote-command.ts";

const share = process.env.FULL ? 1 : 20;
const lines = 20_000 / share;
const frames = 5_000 / share;
const outputLimit = 4 * 1024 * 1024;

const random = new SeededRandom(20_261_124);
const pick = <T>(all: readonly T[]): T => all[random.int(all.length)] as T;

const words = [
  ...Object.keys(tools),
  ...[
    "cat",
    "echo",
    "grep",
    "sed",
    "awk",
    "head",
    "tail",
    "sort",
    "seq",
    "sleep 1",
    "test -f",
    "[",
    "cd",
    "exit",
    "export A=",
    "timeout 1",
  ],
  ...["-n", "-v", "-c 2", "-w 1", "-zv", "-O -", "-qO-", "-L", "-s", "--help", "--", "-", "-X POST", "-d @-", "-t 1", "-rn", "-tuln"],
  ...[
    "http://web/",
    "http://[::1]:80/x?y",
    "https://web",
    "web",
    "10.96.0.10",
    "::1",
    "localhost",
    "/etc/hosts",
    "/tmp/x",
    "80",
    "99999",
    "-1",
  ],
  ...[
    "|",
    "&&",
    "||",
    ";",
    "&",
    ">",
    ">>",
    "<",
    "2>&1",
    "<<E",
    "(",
    ")",
    "{",
    "}",
    "$(",
    "`",
    "'",
    '"',
    "\\",
    "\n",
    "*",
    "?",
    "~",
    "$x",
    `$\{x:-y}`,
  ],
  ...[
    "if true; then",
    "fi",
    "for i in 1 2 3; do",
    "done",
    "while false; do",
    "case x in",
    "esac",
    "f() {",
    "é",
    "\u0000",
    "\uffff",
    "%s%n",
    "../../..",
  ],
];
const line = (): string => Array.from({ length: 1 + random.int(8) }, () => pick(words)).join(pick([" ", " ", " ", ""]));

/** A network in which some names are known, some addresses answer and others do not. */
function network(cluster: TestCluster): void {
  const verdicts = ["delivered", "rejected", "dropped", "unanswered", "refused", "no-route"] as const;
  const resolution = (name: string, type = "A") => {
    const isKnown = name === "web" || name === "localhost";
    const base = { name, type, rcode: "NOERROR", from: {}, answers: [], search: [], ndots: 5, nameserver: "10.96.0.10", trace: [] };
    return isKnown ? { ...base, addresses: ["10.96.0.20"] } : { ...base, addresses: [], error: "name-not-found" as const };
  };
  cluster.network = {
    resolve: ({ name, type }) => resolution(name, type),
    ask: () => pick(["refused", undefined] as const),
    route: ({ to, http }) => {
      const isAddress = /^[\d.]+$|:/.test(to.host);
      const found = isAddress ? undefined : resolution(to.host);
      const base = { protocol: to.protocol ?? ("TCP" as const), hops: [], candidates: [], ...(found ? { resolution: found } : {}) };
      if (found?.addresses.length === 0) return { ...base, verdict: "name-not-found" };
      const verdict = isAddress ? pick(verdicts) : "delivered";
      const request = { method: "GET", path: "/", headers: [], body: new Uint8Array(), ...http };
      const response = {
        status: pick([200, 204, 302, 404, 500, 0]),
        headers: [["location", "/"] as const],
        body: new Uint8Array(random.int(50)),
      };
      return {
        ...base,
        verdict,
        target: { ip: "10.96.0.20", port: to.port ?? 0 },
        ...(http && verdict === "delivered" ? { http: { request, response } } : {}),
      };
    },
  };
  cluster.kubelet.connect(cluster.network);
}

describe("nonsense", () => {
  it(`leaves a shell standing: ${lines} lines`, async () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    network(cluster);
    const pods = ["busybox:1.36", "nicolaka/netshoot", "nginx", "buildpack-deps"].map((image, at) =>
      cluster.bind(`p${at}`, { containers: [{ name: "c", image, command: ["sleep", "infinity"], securityContext: { privileged: true } }] }),
    );
    const wrong: string[] = [];
    for (let at = 0; at < lines; at += 1) {
      const pod = pick(pods);
      const where = commandPlace(cluster.kubelet, cluster.kubelet.place(pod, pod.spec.containers[0]!));
      const text = line();
      const argv = random.int(4) === 0 ? text.split(" ") : ["sh", "-c", text];
      let bytes = 0;
      const count = (data: Uint8Array): void => {
        bytes += data.length;
      };
      let waits = 0;
      const stop = new AbortController();
      try {
        const delay = async (): Promise<void> => {
          waits += 1;
          if (waits > 50) stop.abort();
        };
        const result = await runCommand(where, argv, { out: count, err: count, delay, signal: stop.signal });
        const isTold = "failed" in result ? result.failed !== "" : Number.isInteger(result.exitCode);
        if (!isTold) wrong.push(`${JSON.stringify(argv)}: ${JSON.stringify(result)}`);
      } catch (error) {
        wrong.push(`${JSON.stringify(argv)}: ${error instanceof Error ? error.stack : error}`);
      }
      if (bytes > outputLimit) wrong.push(`${JSON.stringify(argv)}: ${bytes} bytes`);
    }
    expect(wrong).toEqual([]);
  }, 600_000);

  it(`leaves the streams standing: ${frames} frames`, async () => {
    const wrong: string[] = [];
    for (let at = 0; at < frames; at += 1) {
      const bytes = Uint8Array.from({ length: random.int(200) }, () => random.int(256));
      if (random.int(2) === 0 && bytes.length > 8) bytes.set([0x80, 3, 0, random.int(10), 0, 0, 0, bytes.length - 8]);
      const data = random.int(8) === 0 ? String.fromCharCode(...bytes) : bytes;
      try {
        await fed(data, (socket) => servePortForward(socket, target));
        await fed(data, (socket) => servePortForwardChannels(socket, [80], target));
        await fed(data, (socket) => {
          const options = { protocol: "v5.channel.k8s.io", stdin: true, stdout: true, stderr: true, tty: random.int(2) === 0 };
          void serveRemoteCommand(
            socket,
            options,
            async () => {},
            async ({ stdin }) => {
              for await (const chunk of stdin ?? []) if (chunk.length > 1_000_000) return { exitCode: 1 };
              return { exitCode: 0 };
            },
          );
        });
        parseRequests(typeof data === "string" ? new TextEncoder().encode(data) : data);
      } catch (error) {
        wrong.push(`${JSON.stringify([...bytes])}: ${error instanceof Error ? error.stack : error}`);
      }
    }
    expect(wrong).toEqual([]);
  }, 600_000);
});

const target = {
  sandboxID: "0",
  beforeRequest: () => {},
  listener: () => ({ protocol: "TCP" as const, port: 80, http: () => ({ status: 200, headers: [], body: new Uint8Array() }) }),
};

/** A client that sends one message and disappears. */
async function fed(data: string | Uint8Array, serve: (socket: Socket) => void): Promise<void> {
  const messages: ((data: string | Uint8Array) => void)[] = [];
  const closings: (() => void)[] = [];
  serve({
    send: () => {},
    close: () => {},
    onMessage: (handler) => void messages.push(handler as (data: string | Uint8Array) => void),
    onClose: (handler) => void closings.push(handler as () => void),
    bufferedBytes: () => 0,
  } as Socket);
  for (const handler of messages) handler(data);
  for (const handler of closings) handler();
  await Promise.resolve();
}
