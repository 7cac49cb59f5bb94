import { describe, expect, it } from "vitest";
import { routeAs, TestCluster } from "../test-cluster.ts";
import { type CommandStreams, commandPlace, runCommand } from "./command.ts";

const text = (parts: readonly Uint8Array[]): string => parts.map((part) => new TextDecoder().decode(part)).join("");

async function* chunks(...texts: string[]): AsyncIterable<Uint8Array> {
  for (const each of texts) yield new TextEncoder().encode(each);
}

function setUp(image = "kiamol/ch03-sleep") {
  const cluster = new TestCluster({ startDelayMs: 0 });
  const pod = cluster.bind("sleep-1", {
    containers: [{ name: "sleep", image, command: ["sleep", "infinity"], env: [{ name: "GREETING", value: "hello" }] }],
  });
  const place = commandPlace(cluster.kubelet, cluster.kubelet.place(pod, pod.spec.containers[0]!));
  const run = async (argv: string[], more: Partial<CommandStreams> = {}) => {
    const out: Uint8Array[] = [];
    const err: Uint8Array[] = [];
    const streams: CommandStreams = {
      out: (data) => out.push(data),
      err: (data) => err.push(data),
      delay: async () => {},
      signal: new AbortController().signal,
      ...more,
    };
    const result = await runCommand(place, argv, streams);
    return { ...result, stdout: text(out), stderr: text(err) };
  };
  return { cluster, place, run };
}

describe("runCommand", () => {
  it.each([
    { name: "runs a program with its words", argv: ["echo", "a  b", "$HOME"], want: { exitCode: 0, stdout: "a  b $HOME\n", stderr: "" } },
    {
      name: "runs a script with pipes",
      argv: ["sh", "-c", "printf 'a\\nb\\nc\\n' | tail -n 2"],
      want: { exitCode: 0, stdout: "b\nc\n", stderr: "" },
    },
    {
      name: "gives the container's variables",
      argv: ["sh", "-c", "echo $GREETING $HOSTNAME"],
      want: { exitCode: 0, stdout: "hello sleep-1\n", stderr: "" },
    },
    { name: "keeps the exit code of a script", argv: ["sh", "-c", "exit 7"], want: { exitCode: 7, stdout: "", stderr: "" } },
    {
      name: "says in the shell's words that a program is missing",
      argv: ["sh", "-c", "nope"],
      want: { exitCode: 127, stdout: "", stderr: "sh: nope: not found\n" },
    },
    {
      name: "shows the resolver's configuration",
      argv: ["cat", "/etc/resolv.conf"],
      want: {
        exitCode: 0,
        stdout: "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        stderr: "",
      },
    },
    { name: "names the host", argv: ["hostname"], want: { exitCode: 0, stdout: "sleep-1\n", stderr: "" } },
    {
      name: "cannot start a program that is not in the image",
      argv: ["foo"],
      want: {
        failed:
          'OCI runtime exec failed: exec failed: unable to start container process: exec: "foo": executable file not found in $PATH: unknown',
        stdout: "",
        stderr: "",
      },
    },
  ])("$name", async ({ argv, want }) => {
    expect(await setUp().run(argv)).toEqual(want);
  });

  it("keeps files that one command wrote for the next, until the container is gone", async () => {
    const { run, cluster } = setUp();
    await run(["sh", "-c", "mkdir -p /data && echo hi > /data/x"]);
    expect((await run(["cat", "/data/x"])).stdout).toBe("hi\n");
    cluster.deletePod("sleep-1", 0);
    expect(await run(["cat", "/data/x"])).toMatchObject({ exitCode: 1, stdout: "" });
  });

  it("finds files and chance again after a sleep", async () => {
    const { run, cluster } = setUp();
    await run(["sh", "-c", "echo hi > /tmp/x; rm /etc/hostname"]);
    const draw = cluster.kubelet.randomOf("app").next();
    const woken = cluster.evicted();
    woken.kubelet.restore(JSON.parse(JSON.stringify(cluster.kubelet.lived())));
    expect([woken.kubelet.randomOf("app").next() === draw, woken.kubelet.lived().files]).toEqual([false, cluster.kubelet.lived().files]);
    const pod = woken.pod("sleep-1");
    const { files } = commandPlace(woken.kubelet, woken.kubelet.place(pod, pod.spec.containers[0]!));
    expect([text([files.read("/tmp/x")!]), files.has("/etc/hostname")]).toEqual(["hi\n", false]);
  });

  it("hands standard input to a pipe", async () => {
    expect(await setUp().run(["grep", "b"], { stdin: chunks("a\nb", "\nabc\n") })).toEqual({ exitCode: 0, stdout: "b\nabc\n", stderr: "" });
  });

  it("reads a script from standard input, line by line", async () => {
    expect(await setUp().run(["sh"], { stdin: chunks("x=1\ncd /etc\necho $x $PWD\nexit 3\necho never\n") })).toEqual({
      exitCode: 3,
      stdout: "1 /etc\n",
      stderr: "",
    });
  });

  it("edits lines on a terminal", async () => {
    const { run } = setUp();
    const result = await run(["sh"], { terminal: { columns: 80, rows: 24 }, stdin: chunks("echo hx\u007fi\r", "\u0004") });
    expect(result).toEqual({ exitCode: 0, stdout: "/ # echo hx\b \bi\nhi\n/ # ", stderr: "" });
  });

  it("lets tools in a pipe use the network", async () => {
    const { run, cluster } = setUp();
    cluster.network.route = routeAs(({ to }) => ({
      target: { ip: "10.96.0.9", port: to.port ?? 0 },
      verdict: "rejected",
      icmp: "port-unreachable",
    }));
    expect(await run(["sh", "-c", "wget -qO- http://web/ || echo failed with $?"])).toEqual({
      exitCode: 0,
      stdout: "failed with 1\n",
      stderr: "wget: can't connect to remote host (10.96.0.9): Connection refused\n",
    });
  });
});
