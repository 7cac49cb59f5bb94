import { describe, expect, it } from "vitest";
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import type { Resolution } from "../../api/network.ts";
import { SeededRandom } from "../../api/seeded-random.ts";
import { type Busybox, busyboxOf } from "./busybox.ts";
import type { DnsIO } from "./dns-io.ts";
import { busyboxNslookup } from "./nslookup.ts";

const numbersAPI = "numbers-api.default.svc.cluster.local.";

function reply(question: DnsQuestion): DnsMessage {
  const known = question.name === numbersAPI;
  const answer = known && question.type === "A" ? [{ name: numbersAPI, type: "A", ttl: 30, data: "10.96.44.7" }] : [];
  const rcode = known ? "NOERROR" : "NXDOMAIN";
  const message = { question, rcode, aa: true, tc: false, ra: false, rd: true, cd: false, answer, authority: [], additional: [] };
  return { ...message, compressed: false, octets: 0, source: "kubernetes", outside: false };
}

const resolution = (name: string, type = "A"): Resolution => {
  const found = name === "numbers-api" && type === "A";
  const pointer =
    type === "PTR" && name === "10.96.0.10" ? [{ name: "x.", type: "PTR", ttl: 30, data: "kube-dns.kube-system.svc.cluster.local." }] : [];
  return {
    name,
    type,
    rcode: "NOERROR",
    from: {},
    answers: pointer,
    addresses: found ? ["10.96.44.7"] : [],
    search: [],
    ndots: 5,
    nameserver: undefined,
    trace: [],
  };
};

const io: DnsIO = {
  ask: (question, server) => (server.ip === "10.96.0.10" ? reply(question) : undefined),
  resolve: resolution,
  resolvConf: "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
  hosts: "",
  libc: "musl",
  families: ["IPv4"],
  now: 0,
  random: new SeededRandom(1),
};

const version = (text: string): Busybox => ({ version: text, banner: `BusyBox v${text}` });
const run = (command: string, busybox: Busybox = busyboxOf("kiamol/ch03-sleep")) => busyboxNslookup(command.split(" "), io, busybox);

describe("busyboxNslookup", () => {
  it("ends with the address in the book's image, so that its tail shows it", () => {
    const { stdout, exitCode } = run("nslookup numbers-api");
    expect(stdout.split("\n").slice(0, -1).slice(-5)).toEqual([
      "",
      "Name:\tnumbers-api.default.svc.cluster.local",
      "Address: 10.96.44.7",
      "",
      "",
    ]);
    expect(exitCode).toBe(1);
  });

  it.each([
    {
      name: "1.29 has no search list and always exits 0",
      busybox: "1.29.3",
      command: "nslookup numbers-api",
      exitCode: 0,
      has: "** server can't find numbers-api: NXDOMAIN",
    },
    {
      name: "1.30 exits 0 after NXDOMAIN",
      busybox: "1.30.1",
      command: "nslookup nobody.",
      exitCode: 0,
      has: "** server can't find nobody.: NXDOMAIN",
    },
    {
      name: "1.31 exits 1 after NXDOMAIN",
      busybox: "1.31.1",
      command: "nslookup nobody.",
      exitCode: 1,
      has: "** server can't find nobody.: NXDOMAIN",
    },
    {
      name: "1.32 says when there is no answer",
      busybox: "1.32.1",
      command: `nslookup ${numbersAPI}`,
      exitCode: 0,
      has: `*** Can't find ${numbersAPI}: No answer`,
    },
    {
      name: "1.34 prints nothing for no answer",
      busybox: "1.34.1",
      command: `nslookup -type=aaaa ${numbersAPI}`,
      exitCode: 0,
      has: "Address:\t10.96.0.10:53\n\n\n",
    },
  ])("$name", ({ busybox, command, exitCode, has }) => {
    const printed = run(command, version(busybox));
    expect(printed.exitCode).toBe(exitCode);
    expect(printed.stdout).toContain(has);
  });

  it("knows no SRV before 1.32", () => {
    expect(run("nslookup -type=srv web", version("1.31.1"))).toEqual({
      stdout: "",
      stderr: 'nslookup: invalid query type "srv"\n',
      exitCode: 1,
    });
  });

  it("prints the old format, through the C library, before 1.29", () => {
    const head = "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n\n";
    expect(run("nslookup numbers-api", version("1.28.4"))).toEqual({
      stdout: `${head}Name:      numbers-api\nAddress 1: 10.96.44.7\n`,
      stderr: "",
      exitCode: 0,
    });
    expect(run("nslookup nobody", version("1.28.4"))).toEqual({ stdout: head, stderr: "nslookup: can't resolve 'nobody'\n", exitCode: 1 });
  });

  it("times out where nobody replies, and where a name cannot be sent", () => {
    const timedOut = { stdout: ";; connection timed out; no servers could be reached\n\n", stderr: "", exitCode: 1 };
    expect(run("nslookup web 192.0.2.1")).toEqual(timedOut);
    expect(run(`nslookup ${"a".repeat(64)}.test`)).toEqual(timedOut);
  });
});

describe("busyboxOf", () => {
  it.each([
    { image: "kiamol/ch03-sleep", want: "1.34.1" },
    { image: "busybox:1.28", want: "1.28" },
    { image: "alpine:3.12", want: "1.31.1" },
    { image: "nginx:1.21-alpine3.15", want: "1.34.1" },
    { image: "alpine", want: "1.36.1" },
  ])("finds busybox $want in $image", ({ image, want }) => {
    expect(busyboxOf(image).version).toBe(want);
  });
});
