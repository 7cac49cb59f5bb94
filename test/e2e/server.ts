/** Kubearium as `npm start` runs it, on a free port and with a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface RunningServer {
  url: string;
  dataFolder: string;
  process: ChildProcess;
  /** Everything it printed so far. */
  output(): string;
  /** Writes the kubeconfig of a sandbox into the data folder and returns its path. */
  kubeconfig(sandbox?: string, token?: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startServer(
  options: { dataFolder?: string; port?: number; env?: NodeJS.ProcessEnv; https?: boolean } = {},
): Promise<RunningServer> {
  const port = options.port ?? (await freePort());
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "kubearium-test-"));
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "..", "..", "dist", "local", "start.mjs"), ...(options.https ? ["--https"] : [])],
    {
      env: { ...process.env, PORT: String(port), HOST: "127.0.0.1", KUBEARIUM_DATA: dataFolder, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const url = `${options.https ? "https" : "http"}://127.0.0.1:${port}`;
  await ready(url, child, () => output);
  let files = 0;
  return {
    url,
    dataFolder,
    process: child,
    output: () => output,
    kubeconfig: async (sandbox = "demo", token) => {
      const response = await fetch(
        `${url}/s/${sandbox}/kubeconfig`,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      );
      if (!response.ok) throw new Error(`kubeconfig of ${sandbox}: ${response.status} ${await response.text()}`);
      files += 1;
      const path = join(dataFolder, `kubeconfig-${files}.yaml`);
      writeFileSync(path, await response.text());
      return path;
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await ended;
      }
      if (options.dataFolder === undefined) rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

async function ready(url: string, child: ChildProcess, output: () => string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output()}`);
    // Over TLS the certificate is the server's own; what it prints says that it serves.
    const answered = url.startsWith("https:")
      ? output().includes("Kubearium runs:")
      : await fetch(`${url}/healthz`).then(
          (response) => response.ok,
          () => false,
        );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server does not answer:\n${output()}`);
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
