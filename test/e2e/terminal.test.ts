/** `kubectl exec -it` on a terminal: what a reader sees while typing. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, run, shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

interface Step {
  expect?: string;
  type?: string;
  /** Rows and columns. */
  size?: [number, number];
}

const hasPython = spawnSync("python3", ["-c", "import pty"]).status === 0;

describe.skipIf(!hasPython)("an interactive shell (skipped without python3, which makes the terminal)", () => {
  let server: RunningServer;
  let kubeconfig: string;
  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
    await shell("kubectl run sleep-1 --image=kiamol/ch03-sleep && kubectl wait --for=condition=Ready pod/sleep-1", kubeconfig, "35");
  });
  afterAll(() => server.stop());

  const onTerminal = async (args: string[], steps: Step[]): Promise<{ seen: string; missing: string | null; code: number }> => {
    const job = { argv: [binary("kubectl", "35"), ...args], env: { KUBECONFIG: kubeconfig }, steps, seconds: 20 };
    const { stdout, stderr } = await run("python3", [join(import.meta.dirname, "typist.py")], { input: JSON.stringify(job) });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };

  it("takes back a letter, finds the line before, ends a ping, follows the size and keeps the exit code", async () => {
    const { seen, missing, code } = await onTerminal(
      ["exec", "-it", "sleep-1", "--", "sh"],
      [
        { expect: "/ # ", type: "echo hellp\u007fo\r" },
        { expect: "\r\nhello\r\n/ # ", type: "\u001b[A" },
        { expect: "echo hello", type: "\r" },
        { expect: "\r\nhello\r\n/ # ", type: "ping 127.0.0.1\r" },
        { expect: "seq=1 ", type: "\u0003" },
        { expect: "^C" },
        { expect: "--- 127.0.0.1 ping statistics ---" },
        { expect: "/ # ", type: "stty size\r", size: [30, 100] },
        { expect: "\r\n30 100\r\n/ # ", type: "exit 3\r" },
        { expect: "command terminated with exit code 3" },
      ],
    );
    expect(missing, seen).toBeNull();
    expect(code).toBe(3);
  });

  it("ends a single command with Ctrl-C", async () => {
    const steps: Step[] = [{ expect: "seq=0 ", type: "\u0003" }, { expect: "0% packet loss" }];
    const { seen, missing, code } = await onTerminal(["exec", "-it", "sleep-1", "--", "ping", "127.0.0.1"], steps);
    expect(missing, seen).toBeNull();
    expect(code).toBe(0);
  });

  it("stops a download that nobody answers", async () => {
    const steps: Step[] = [{ expect: "Connecting to", type: "\u0003" }, { expect: "exit code 130" }];
    const { seen, missing, code } = await onTerminal(["exec", "-it", "sleep-1", "--", "wget", "http://10.244.0.250/"], steps);
    expect(missing, seen).toBeNull();
    expect(code).toBe(130);
  });
});
