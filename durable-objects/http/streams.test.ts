/** The streams of the Kubernetes API with the real kubectl, over Node's HTTP server. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary } from "../../test/e2e/kubectl.ts";
import { startTestServer, type TestServer } from "./streams/test-server.ts";

const container = (image: string, more: object = {}) => ({ name: "c", image, ...more });
const pods = [
  { name: "sleep-1", containers: [container("kiamol/ch03-sleep")] },
  { name: "web", containers: [container("nginx:1.27", { ports: [{ containerPort: 80 }] })] },
  { name: "two", containers: [container("nginx:1.27"), { name: "side", image: "kiamol/ch03-sleep" }] },
  {
    name: "ticks",
    containers: [container("busybox:1.36", { command: ["sh", "-c", "echo start; while true; do echo tick; sleep 1; done"] })],
  },
  { name: "lost", containers: [container("nginx")], nodeSelector: { no: "where" } },
];

let server: TestServer;
let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  server = await startTestServer({ startDelayMs: 0 });
  folder = mkdtempSync(join(tmpdir(), "kubearium-streams-"));
  kubeconfig = join(folder, "kubeconfig.json");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "k", cluster: { server: server.url } }],
    contexts: [{ name: "k", context: { cluster: "k", user: "k" } }],
    users: [{ name: "k", user: {} }],
    "current-context": "k",
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  for (const { name, ...spec } of pods) {
    const body = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
    const response = await fetch(`${server.url}/api/v1/namespaces/default/pods`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(201);
  }
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = (args: string[], version: "30" | "35" = "35", more: Record<string, string> = {}): ChildProcess =>
  spawn(binary("kubectl", version), args, {
    env: { PATH: "/usr/bin:/bin", HOME: folder, KUBECONFIG: kubeconfig, ...more },
    stdio: ["pipe", "pipe", "pipe"],
  });

async function kubectl(
  args: string[],
  stdin = "",
  version: "30" | "35" = "35",
  more: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(args, version, more);
  const read = (stream: NodeJS.ReadableStream | null): { text: string } => {
    const read = { text: "" };
    stream?.setEncoding("utf8").on("data", (part: string) => {
      read.text += part;
    });
    return read;
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  child.stdin?.end(stdin);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout: stdout.text, stderr: stderr.text };
}

describe("kubectl exec", () => {
  it.each([
    { name: "runs a command", args: ["sleep-1", "--", "hostname"], want: { code: 0, stdout: "sleep-1\n", stderr: "" } },
    {
      name: "keeps the exit code",
      args: ["sleep-1", "--", "sh", "-c", "echo no >&2; exit 7"],
      want: { code: 7, stdout: "", stderr: "no\ncommand terminated with exit code 7\n" },
    },
    {
      name: "reads standard input",
      args: ["-i", "sleep-1", "--", "grep", "b"],
      stdin: "a\nb\n",
      want: { code: 0, stdout: "b\n", stderr: "" },
    },
    {
      name: "refuses a container that the pod has not",
      args: ["sleep-1", "-c", "nope", "--", "ls"],
      want: { code: 1, stdout: "", stderr: "Error from server (BadRequest): container nope is not valid for pod sleep-1\n" },
    },
    {
      name: "refuses a pod without node",
      args: ["lost", "--", "ls"],
      want: { code: 1, stdout: "", stderr: "Error from server (BadRequest): pod lost does not have a host assigned\n" },
    },
    {
      name: "does not find a pod",
      args: ["nope", "--", "ls"],
      want: { code: 1, stdout: "", stderr: 'Error from server (NotFound): pods "nope" not found\n' },
    },
    {
      name: "takes the first of two containers",
      args: ["two", "--", "hostname"],
      want: { code: 0, stdout: "two\n", stderr: 'Defaulted container "c" out of: c, side\n' },
    },
  ])("$name", async ({ args, stdin, want }) => {
    expect(await kubectl(["exec", ...args], stdin)).toEqual(want);
  });

  it("says what the runtime says of a program that is not there", async () => {
    const { code, stderr } = await kubectl(["exec", "sleep-1", "--", "foo"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /OCI runtime exec failed: exec failed: unable to start container process: exec: "foo": executable file not found in \$PATH: unknown\n$/,
    );
  });

  it("works with kubectl 1.30", async () => {
    expect(await kubectl(["exec", "sleep-1", "--", "hostname"], "", "30")).toEqual({ code: 0, stdout: "sleep-1\n", stderr: "" });
  });

  it("names the version that works to one that speaks SPDY", async () => {
    const { code, stderr } = await kubectl(["exec", "sleep-1", "--", "ls"], "", "30", { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false" });
    expect([code, stderr]).toEqual([1, expect.stringContaining("use kubectl 1.30 or newer")]);
  });

  it("wants a WebSocket", async () => {
    const response = await fetch(`${server.url}/api/v1/namespaces/default/pods/sleep-1/exec?command=ls&stdout=true`, { method: "POST" });
    expect(await response.json()).toMatchObject({ kind: "Status", code: 400, message: "Upgrade request required" });
  });
});

describe("kubectl logs", () => {
  it("shows the last lines", async () => {
    expect(await kubectl(["logs", "ticks", "--tail", "1"])).toEqual({ code: 0, stdout: "tick\n", stderr: "" });
  });

  it("writes down who asked", async () => {
    await fetch(`${server.url}/api/v1/namespaces/default/pods/web/proxy/nope`);
    expect((await kubectl(["logs", "web"])).stdout).toMatch(/"GET \/nope HTTP\/1.1" 404 \d+ "-" "node"/);
  });

  it("asks which of two containers is meant", async () => {
    const response = await fetch(`${server.url}/api/v1/namespaces/default/pods/two/log`);
    expect(await response.json()).toMatchObject({
      code: 400,
      message: "a container name must be specified for pod two, choose one of: [c side]",
    });
  });

  it("has none of a run that was not", async () => {
    expect((await kubectl(["logs", "web", "--previous"])).stderr).toBe(
      'Error from server (BadRequest): previous terminated container "c" in pod "web" not found\n',
    );
  });

  it("goes on while the container writes", async () => {
    const child = start(["logs", "-f", "ticks", "--tail", "0"]);
    const line = await new Promise<string>((resolve) => child.stdout?.setEncoding("utf8").once("data", resolve));
    child.kill();
    expect(line).toMatch(/^(tick\n)+$/);
  });
});

describe("kubectl port-forward", () => {
  it("carries several requests at once, and an error where nothing listens", async () => {
    const child = start(["port-forward", "pod/web", ":80"]);
    const first = await new Promise<string>((resolve) => child.stdout?.setEncoding("utf8").once("data", resolve));
    const port = /127\.0\.0\.1:(\d+)/.exec(first)?.[1];
    const answers = await Promise.all(["/", "/nope", "/"].map((path) => fetch(`http://127.0.0.1:${port}${path}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200]);
    child.kill();

    const closed = start(["port-forward", "pod/web", ":81"]);
    const opened = await new Promise<string>((resolve) => closed.stdout?.setEncoding("utf8").once("data", resolve));
    const complaint = new Promise<string>((resolve) => closed.stderr?.setEncoding("utf8").once("data", resolve));
    await expect(fetch(`http://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(opened)?.[1]}/`)).rejects.toThrow();
    expect(await complaint).toContain("failed to connect to localhost:81 inside namespace");
    closed.kill();
  });
});

describe("proxy", () => {
  it.each([
    { name: "asks a pod", path: "pods/web/proxy/", status: 200 },
    { name: "asks a pod on a port", path: "pods/web:80/proxy/nope", status: 404 },
    { name: "says when nothing listens", path: "pods/web:81/proxy/", status: 503 },
    { name: "does not find a Service", path: "services/nope/proxy/", status: 404 },
  ])("$name", async ({ path, status }) => {
    expect((await fetch(`${server.url}/api/v1/namespaces/default/${path}`)).status).toBe(status);
  });
});
