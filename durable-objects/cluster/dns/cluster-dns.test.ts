import { describe, expect, it } from "vitest";
import type { UpstreamAnswer } from "../api/ports.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { ClusterDNS } from "./cluster-dns.ts";

const upstreamOf = (answers: Record<string, UpstreamAnswer>) => ({ dns: (name: string) => answers[name], machine: () => undefined });

const example: UpstreamAnswer = { rcode: "NOERROR", answers: [{ name: "example.org.", type: "A", ttl: 300, data: "198.51.100.1" }] };
const dnsWith = (answers: Record<string, UpstreamAnswer>) => new ClusterDNS({ options: defaultOptions, upstream: upstreamOf(answers) });
const question = (name: string, type = "A") => ({ name, type });

describe("ClusterDNS", () => {
  it("fails where no upstream answers, and asks again the next time", () => {
    const dns = dnsWith({});
    const message = dns.answer(question("example.org."), { now: 0, seed: 1 });
    expect(message).toMatchObject({ rcode: "SERVFAIL", aa: false, ra: false, source: "forward" });
    expect(dns.lived(0).cache).toEqual([]);
  });

  it("counts down the TTL of forwarded answers until they end", () => {
    const dns = dnsWith({ "example.org.": example });
    const seen = [0, 1000, 29_999, 30_000].map((now) => {
      const { answer, source } = dns.answer(question("example.org."), { now, seed: 1 });
      return `${source} ${answer[0]?.ttl}`;
    });
    expect(seen).toEqual(["forward 30", "cache 29", "cache 1", "forward 30"]);
  });

  it("answers after an eviction as it would have without", () => {
    const before = dnsWith({ "example.org.": example });
    before.answer(question("example.org."), { now: 0, seed: 1 });
    const after = dnsWith({ "example.org.": example });
    after.restore(JSON.parse(JSON.stringify(before.lived(1000))));
    expect(after.answer(question("example.org."), { now: 2000, seed: 2 })).toEqual(
      before.answer(question("example.org."), { now: 2000, seed: 2 }),
    );
  });

  it("forgets a Service at once, since its own zone is not cached", () => {
    const dns = dnsWith({});
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } } as never;
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "default", name: "web" },
      spec: { clusterIPs: ["10.96.1.1"] },
    } as never;
    dns.apply({ namespaces: [{ before: undefined, after: namespace }], services: [{ before: undefined, after: service }], at: 0 });
    const ask = () => dns.answer(question("web.default.svc.cluster.local."), { now: 0, seed: 1 }).rcode;
    const known = ask();
    dns.apply({ services: [{ before: service, after: undefined }], at: 0 });
    expect([known, ask()]).toEqual(["NOERROR", "NXDOMAIN"]);
  });

  it("shuffles addresses by the seed, and alike for the same seed", () => {
    const answers = Array.from({ length: 4 }, (_, index) => ({ name: "many.test.", type: "A", ttl: 60, data: `198.51.100.${index}` }));
    const dns = dnsWith({ "many.test.": { rcode: "NOERROR", answers } });
    const orderOf = (seed: number) =>
      dns
        .answer(question("many.test."), { now: 0, seed })
        .answer.map(({ data }) => data)
        .join(" ");
    expect(orderOf(7)).toBe(orderOf(7));
    expect(new Set([1, 2, 3, 4, 5, 6].map(orderOf)).size).toBeGreaterThan(1);
  });
});
