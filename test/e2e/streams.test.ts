/** cp, attach, proxy, the forms of logs and several forwarded ports, with real kubectl against the built server. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, shell } from "./kubectl.ts";
import { freePort, type RunningServer, startServer } from "./server.ts";

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { containers: [{ name: nginx, image: "nginx:1.27" }, { name: sleep, image: kiamol/ch03-sleep }] }
---
apiVersion: v1
kind: Pod
metadata: { name: talker, labels: { app: talker } }
spec:
  containers:
    - { name: one, image: "busybox:1.36", command: [sh, -c, "echo from one; sleep 3600"] }
    - { name: two, image: "busybox:1.36", command: [sh, -c, "echo from two; while true; do echo tick; sleep 1; done"] }
---
apiVersion: v1
kind: Pod
metadata: { name: failing }
spec: { containers: [{ name: c, image: "busybox:1.36", command: [sh, -c, "echo last words; exit 1"] }] }
`;
/** A tenth of it in \`npm test\`. */
const connections = process.env.FULL ? 50 : 10;

describe("streams", () => {
  let server: RunningServer;
  let kubeconfig: string;
  const children: ChildProcess[] = [];
  const type = (line: string, input = "") => shell(line, kubeconfig, "35", { cwd: server.dataFolder, input });
  const start = (...args: string[]): ChildProcess => {
    const child = spawn(binary("kubectl", "35"), args, { env: { ...process.env, KUBECONFIG: kubeconfig } });
    children.push(child);
    return child;
  };
  /** What a program has printed once all of these are in it. */
  const printed = (child: ChildProcess, ...wanted: (string | RegExp)[]): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      child.on("error", reject);
      child.on("close", () => resolve(text));
      child.stdout?.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (wanted.every((want) => (typeof want === "string" ? text.includes(want) : want.test(text)))) resolve(text);
      });
    });

  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
    await type("kubectl apply -f - && kubectl wait --for=condition=Ready pod/web pod/talker", manifest);
  });
  afterAll(async () => {
    for (const child of children) child.kill();
    await server.stop();
  });

  it("copies files and folders into a container and back, byte for byte", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 31 + (at >> 8)) % 256);
    mkdirSync(join(server.dataFolder, "site", "deep"), { recursive: true });
    writeFileSync(join(server.dataFolder, "site", "deep", "bytes"), bytes);
    writeFileSync(join(server.dataFolder, "site", "index.html"), "copied\n");
    const there = await type("kubectl cp site web:/tmp -c sleep && kubectl exec web -c sleep -- cat /tmp/site/index.html");
    expect(there).toEqual({ stdout: "copied\n", stderr: "", code: 0 });
    const back = await type("kubectl cp web:/tmp/site returned -c sleep");
    // kubectl shows what tar complains about as its own output.
    expect(back).toEqual({ stdout: "tar: removing leading '/' from member names\n", stderr: "", code: 0 });
    expect(Buffer.compare(readFileSync(join(server.dataFolder, "returned", "deep", "bytes")), bytes)).toBe(0);
  });

  it("says that a file to copy is not there", async () => {
    const { stdout } = await type("kubectl cp web:/tmp/nope nope -c sleep");
    // kubectl does not wait for what tar says after its archive has ended.
    expect(stdout).toContain("tar: /tmp/nope: No such file or directory\n");
  });

  it("attaches to what a container writes", async () => {
    expect(await printed(start("attach", "talker", "-c", "two"), "tick\n")).toContain("tick\n");
  });

  it.each([
    { name: "the last line", line: "kubectl logs talker -c two --tail=1", want: /^tick\n$/ },
    { name: "one container of several", line: "kubectl logs talker -c one", want: /^from one\n$/ },
    {
      name: "all containers, prefixed",
      line: "kubectl logs talker --all-containers --prefix --tail=1",
      // kubectl asks for them in the order of a Go map.
      want: /^(?=[\s\S]*\[pod\/talker\/one\] from one\n)(?=[\s\S]*\[pod\/talker\/two\] tick\n)/,
    },
    { name: "by label", line: "kubectl logs -l app=talker -c one", want: /^from one\n$/ },
    { name: "with times", line: "kubectl logs talker -c one --timestamps", want: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z from one\n$/ },
    { name: "of a while", line: "kubectl logs talker -c one --since=1h", want: /^from one\n$/ },
    { name: "of the run before", line: "until kubectl logs failing --previous 2>/dev/null; do sleep 0.2; done", want: /^last words\n$/ },
  ])("logs: $name", async ({ line, want }) => {
    expect((await type(line)).stdout).toMatch(want);
  });

  it("forwards several ports at once", async () => {
    const [first, second] = [await freePort(), await freePort()];
    const child = start("port-forward", "pod/web", `${first}:80`, `${second}:80`);
    await printed(child, `:${first} ->`, `:${second} ->`);
    const answers = await Promise.all([first, second].map((port) => fetch(`http://127.0.0.1:${port}/`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("lets kubectl proxy ask a pod", async () => {
    const child = start("proxy", "--port=0", "--append-server-path");
    const [, address] = /Starting to serve on (\S+)/.exec(await printed(child, /Starting to serve on \S+\n/)) ?? [];
    const answer = await fetch(`http://${address}/api/v1/namespaces/default/pods/web:80/proxy/`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("Welcome to nginx!")]);
  });

  it(`loses no byte on ${connections} connections at once`, async () => {
    const content = Array.from({ length: 40_000 }, (_, at) => `${at}\n`).join("");
    writeFileSync(join(server.dataFolder, "numbers.txt"), content);
    await type("kubectl cp numbers.txt web:/usr/share/nginx/html/numbers.txt -c nginx");
    const port = await freePort();
    const forward = start("port-forward", "pod/web", `${port}:80`);
    await printed(forward, `:${port} ->`);
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    const follow = async (): Promise<string> => {
      const child = start("logs", "-f", "talker", "-c", "two", "--limit-bytes=64");
      const text = await printed(child, /^from two\n(tick\n){3}/);
      child.kill();
      return text.slice(0, 24);
    };
    const download = async (): Promise<string> => hash(await (await fetch(`http://127.0.0.1:${port}/numbers.txt`)).text());
    const followers = Math.min(connections, 10);
    const [downloads, logs] = await Promise.all([
      Promise.all(Array.from({ length: connections }, download)),
      Promise.all(Array.from({ length: followers }, follow)),
    ]);
    expect(new Set(downloads)).toEqual(new Set([hash(content)]));
    expect(new Set(logs)).toEqual(new Set(["from two\ntick\ntick\ntick\n"]));
  });
});
