/** `npm start` as a process: one server a folder, nothing left behind, whoever dies first. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemProcesses } from "../../local/process-identity.ts";

const dist = join(import.meta.dirname, "..", "..", "dist");

interface Started {
  child: ChildProcess;
  output(): string;
  /** Code and signal with which it ended. */
  ended: Promise<{ code: number | null; signal: string | null }>;
}

let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubearium-start-"));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

function start(...args: string[]): Started {
  const child = spawn(process.execPath, [join(dist, "local", "start.mjs"), "--data", folder, ...args], {
    env: { ...process.env, PORT: "0", HOST: "127.0.0.1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  return { child, output: () => said, ended };
}

const until = <T>(check: () => T) => vi.waitFor(check, { timeout: 20_000, interval: 20 });
const running = (of: Started) => until(() => expect(of.output()).toContain("Kubearium runs:"));
const lock = () =>
  JSON.parse(readFileSync(join(folder, "lock.json"), "utf8")) as { server: { pid: number }; workerd: { pid: number }; url: string };

describe("npm start", () => {
  it("refuses a folder that another start uses; Ctrl-C leaves neither lock nor workerd", async () => {
    const first = start();
    await running(first);
    const { workerd, url } = lock();
    const second = start();
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.output()).toContain(`is in use by process ${first.child.pid} (${url})`);

    first.child.kill("SIGINT");
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(join(folder, "lock.json"))).toBe(false);
    await until(() => expect(systemProcesses.isAlive(workerd.pid)).toBe(false));
  });

  it("takes workerd with it when it is killed, starts again over its lock, and ends with an error when workerd dies", async () => {
    const killed = start();
    await running(killed);
    const { workerd } = lock();
    killed.child.kill("SIGKILL");
    await killed.ended;
    await until(() => expect(systemProcesses.isAlive(workerd.pid)).toBe(false));

    const next = start();
    await running(next);
    process.kill(lock().workerd.pid, "SIGKILL");
    expect(await next.ended).toEqual({ code: 1, signal: null });
    expect(next.output()).toContain("workerd ended by itself (SIGKILL)");
  });

  it("serves TLS with a certificate that its kubeconfig brings", async () => {
    await running(start("--https"));
    const ca = readFileSync(join(folder, "tls", "cert.pem"), "utf8");
    const kubeconfig = await get(`${lock().url}/s/demo/kubeconfig`, ca);
    expect(kubeconfig).toContain(`server: ${lock().url}/s/demo\n`);
    expect(kubeconfig).toContain(`certificate-authority-data: ${Buffer.from(ca).toString("base64")}\n`);
  });
});

/** Trusts the one certificate only. */
function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { ca, agent: false }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => resolve(text));
      })
      .on("error", reject);
  });
}
