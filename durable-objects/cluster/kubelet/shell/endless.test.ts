import { describe, expect, it } from "vitest";
import { TestCluster } from "../test-cluster.ts";
import { commandPlace, runCommand } from "./command.ts";

const told = (what: string): string => `kubearium: stopped after ${what}: what has no end in a real shell ends by count here\n`;
const oci = (program: string, why: string): string =>
  `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(program)}: ${why}: unknown`;

async function run(argv: string[]): Promise<{ result: object; bytes: number; err: string }> {
  const cluster = new TestCluster({ startDelayMs: 0 });
  const pod = cluster.bind("p", { containers: [{ name: "c", image: "busybox:1.36", command: ["sleep", "infinity"] }] });
  const where = commandPlace(cluster.kubelet, cluster.kubelet.place(pod, pod.spec.containers[0]!));
  let bytes = 0;
  let err = "";
  const signal = new AbortController().signal;
  const result = await runCommand(where, argv, {
    out: (data) => {
      bytes += data.length;
    },
    err: (data) => {
      err += new TextDecoder().decode(data);
    },
    delay: async () => {},
    signal,
  });
  return { result, bytes, err };
}

describe("what would not end", () => {
  it.each([
    {
      name: "a loop that does nothing",
      script: "while true; do :; done",
      want: { result: { exitCode: 126 }, bytes: 0, err: told("5000 commands") },
    },
    {
      name: "a loop that only waits",
      script: "while true; do sleep 1; done",
      want: { result: { exitCode: 126 }, bytes: 0, err: told("5000 commands") },
    },
    {
      name: "a function that calls itself",
      script: "f() { f; }; f",
      want: { result: { exitCode: 126 }, bytes: 0, err: told("100 calls within each other") },
    },
    {
      name: "a fork bomb",
      script: ":(){ :|:& };:",
      want: { result: { exitCode: 126 }, bytes: 0, err: told("100 calls within each other") },
    },
    {
      name: "a text that doubles",
      script: "x=a; while true; do x=$x$x; done",
      want: { result: { exitCode: 126 }, bytes: 0, err: told("1 MiB of output") },
    },
    { name: "output without end", script: "yes", want: { result: { exitCode: 141 }, bytes: 524_288, err: told("512 KiB of output") } },
    {
      name: "the first lines of output without end",
      script: "yes | head -n 2",
      want: { result: { exitCode: 0 }, bytes: 4, err: told("512 KiB of output") },
    },
  ])("stops $name by count and says so", async ({ script, want }) => {
    expect(await run(["sh", "-c", script])).toEqual(want);
  });
});

describe("what cannot be run", () => {
  it.each([
    {
      name: "a program that is not in the image",
      argv: ["nope"],
      want: { result: { failed: oci("nope", "executable file not found in $PATH") }, bytes: 0, err: "" },
    },
    {
      name: "a path where nothing is",
      argv: ["./nope"],
      want: { result: { failed: oci("./nope", "stat ./nope: no such file or directory") }, bytes: 0, err: "" },
    },
    {
      name: "a file that is no program",
      argv: ["/etc/hosts"],
      want: { result: { failed: oci("/etc/hosts", "permission denied") }, bytes: 0, err: "" },
    },
    {
      name: "no program at all",
      argv: [""],
      want: { result: { failed: oci("", "executable file not found in $PATH") }, bytes: 0, err: "" },
    },
    {
      name: "a word of a script that is no program",
      argv: ["sh", "-c", "nope"],
      want: { result: { exitCode: 127 }, bytes: 0, err: "sh: nope: not found\n" },
    },
    {
      name: "a file in a script",
      argv: ["sh", "-c", "/etc/hosts"],
      want: { result: { exitCode: 126 }, bytes: 0, err: "sh: /etc/hosts: Permission denied\n" },
    },
  ])("words $name as the runtime or the shell does", async ({ argv, want }) => {
    expect(await run(argv)).toEqual(want);
  });
});
