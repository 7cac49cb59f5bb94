import { describe, expect, it } from "vitest";
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import type { Pod } from "../api/objects.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { libcOf } from "./libc.ts";
import { clientStub, lookup, machineStub, podStub, resolve, type Stub } from "./stub-resolver.ts";

const podOf = (spec: Partial<Pod["spec"]>): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name: "web-1" },
    spec: { containers: [{ name: "main", image: "nginx" }], ...spec },
    status: { podIP: "10.244.0.5", podIPs: [{ ip: "10.244.0.5" }] },
  }) as unknown as Pod;

const reply = (question: DnsQuestion, rcode: string, ...data: string[]): DnsMessage => ({
  question,
  rcode,
  aa: true,
  tc: false,
  ra: false,
  rd: true,
  cd: false,
  answer: data.map((each) => ({ name: question.name, type: question.type, ttl: 30, data: each })),
  authority: [],
  additional: [],
  compressed: false,
  octets: 0,
  source: "kubernetes",
  outside: false,
});

/** Knows one name; everything else does not exist. */
const knowing = (name: string, data: Record<string, string[]>) => (question: DnsQuestion) =>
  question.name === name ? reply(question, "NOERROR", ...(data[question.type] ?? [])) : reply(question, "NXDOMAIN");

const silent = () => undefined;
const asked = (stub: Stub, ask: Parameters<typeof lookup>[3], name: string): string[] =>
  lookup(name, ["A", "AAAA"], stub, ask).exchanges.map(({ question, server }) => `${question.name} ${question.type} @${server}`);

describe("resolve", () => {
  const ask = knowing("web.shop.svc.cluster.local.", { A: ["10.96.0.7"] });

  it("tells every question with its server, search list and what came back", () => {
    expect(resolve({ name: "web", type: "A", from: { namespace: "shop" } }, podStub(podOf({}), defaultOptions), ask)).toEqual({
      name: "web",
      type: "A",
      rcode: "NOERROR",
      from: { namespace: "shop" },
      answers: [{ name: "web.shop.svc.cluster.local.", type: "A", ttl: 30, data: "10.96.0.7" }],
      addresses: ["10.96.0.7"],
      canonname: "web.shop.svc.cluster.local",
      search: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      ndots: 5,
      nameserver: "10.96.0.10",
      trace: [
        {
          query: "web.shop.svc.cluster.local.",
          type: "A",
          server: "10.96.0.10",
          rcode: "NOERROR",
          from: "kubernetes",
          answers: [{ name: "web.shop.svc.cluster.local.", type: "A", ttl: 30, data: "10.96.0.7" }],
        },
      ],
    });
  });

  it.each([
    { name: "a name that does not exist", ask, typed: "nobody", want: { rcode: "NXDOMAIN", error: "name-not-found" } },
    {
      name: "a name without addresses",
      ask: knowing("web.shop.svc.cluster.local.", {}),
      typed: "web",
      want: { rcode: "NOERROR", error: "no-address" },
    },
    { name: "a server that does not reply", ask: silent, typed: "web", want: { rcode: "TIMEOUT", error: "temporary-failure" } },
    {
      name: "a server that fails",
      ask: (question: DnsQuestion) => reply(question, "SERVFAIL"),
      typed: "web.",
      want: { rcode: "SERVFAIL", error: "temporary-failure" },
    },
    { name: "a label that is too long", ask, typed: "a".repeat(64), want: { rcode: "NXDOMAIN", error: "name-not-found", trace: [] } },
  ])("says so about $name", ({ ask, typed, want }) => {
    expect(resolve({ name: typed, from: {} }, podStub(podOf({}), defaultOptions), ask)).toMatchObject(want);
  });

  it("asks for the name of an address when the type is PTR", () => {
    const ask = knowing("7.0.96.10.in-addr.arpa.", { PTR: ["web.shop.svc.cluster.local."] });
    const { answers } = resolve({ name: "10.96.0.7", type: "ptr", from: {} }, machineStub(defaultOptions), ask);
    expect(answers.map(({ data }) => data)).toEqual(["web.shop.svc.cluster.local."]);
  });
});

describe("lookup", () => {
  it("finds a hostAlias without asking", () => {
    const stub = podStub(podOf({ hostAliases: [{ ip: "192.0.2.9", hostnames: ["legacy", "old"] }] }), defaultOptions);
    expect(lookup("old", ["A", "AAAA"], stub, silent)).toEqual({
      canonname: "legacy",
      records: [],
      addresses: ["192.0.2.9"],
      exchanges: [],
    });
  });

  it.each([
    {
      name: "glibc asks a silent server twice for one candidate and the name as typed",
      image: "nginx",
      want: ["web.shop.svc.cluster.local.", "web."],
      times: 4,
    },
    { name: "musl gives up after two rounds for the first candidate", image: "alpine", want: ["web.shop.svc.cluster.local."], times: 4 },
  ])("$name", ({ image, want, times }) => {
    const names = asked(podStub(podOf({ containers: [{ name: "main", image }] }), defaultOptions), silent, "web").map(
      (line) => line.split(" ")[0],
    );
    expect([...new Set(names)]).toEqual(want);
    expect(names.length).toBe(want.length * times);
  });

  it("asks the nodes' resolver for a pod with the Default policy", () => {
    expect(asked(podStub(podOf({ dnsPolicy: "Default" }), defaultOptions), knowing("", {}), "web")).toEqual([
      "web. A @192.168.10.1",
      "web. AAAA @192.168.10.1",
    ]);
  });

  it("searches the namespace of a client without a pod", () => {
    expect(asked(clientStub("other", defaultOptions), knowing("web.other.svc.cluster.local.", { A: ["10.96.0.1"] }), "web")).toEqual([
      "web.other.svc.cluster.local. A @10.96.0.10",
      "web.other.svc.cluster.local. AAAA @10.96.0.10",
    ]);
  });

  it.each([
    { name: "IPv4 first for a sender with IPv4 only", image: "nginx", families: ["IPv4"], want: ["10.96.0.7", "fd00::7"] },
    { name: "IPv6 first for glibc in a dual-stack pod", image: "nginx", families: ["IPv4", "IPv6"], want: ["fd00::7", "10.96.0.7"] },
    { name: "IPv4 before unique local IPv6 for musl", image: "alpine", families: ["IPv4", "IPv6"], want: ["10.96.0.7", "fd00::7"] },
  ] as const)("orders $name", ({ image, families, want }) => {
    const stub = { ...clientStub("shop", defaultOptions), libc: libcOf(image), families };
    const ask = knowing("web.shop.svc.cluster.local.", { A: ["10.96.0.7"], AAAA: ["fd00::7"] });
    expect(lookup("web", ["A", "AAAA"], stub, ask).addresses).toEqual(want);
  });
});

describe("libcOf", () => {
  it.each([
    { image: "kiamol/ch03-sleep", want: { name: "musl", version: "1.2.2" } },
    { image: "docker.io/kiamol/ch03-numbers-api:latest", want: { name: "musl", version: "1.2.2" } },
    { image: "alpine:3.19", want: { name: "musl", version: "1.2.5" } },
    { image: "nginx:1.25-alpine", want: { name: "musl", version: "1.2.5" } },
    { image: "curlimages/curl", want: { name: "musl", version: "1.2.5" } },
    { image: "nginx", want: { name: "glibc", version: "2.36" } },
    { image: "registry.example:5000/team/app:v1@sha256:abc", want: { name: "glibc", version: "2.36" } },
  ])("takes $image for $want.name $want.version", ({ image, want }) => {
    expect(libcOf(image)).toEqual(want);
  });
});
