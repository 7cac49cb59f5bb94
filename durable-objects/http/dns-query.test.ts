import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { defaultOptions } from "../cluster/api/sandbox-options.ts";
import { ClusterDNS } from "../cluster/dns/cluster-dns.ts";
import { podStub, resolve } from "../cluster/dns/stub-resolver.ts";
import { dns } from "./dns.ts";
import { dnsQuery } from "./dns-query.ts";
import type { SandboxEnv } from "./sandbox.ts";

const objects: Record<string, unknown> = {
  "namespaces/shop": { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
  "services/shop/web": {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web" },
    spec: { clusterIPs: ["10.96.0.7"], ports: [{ name: "http", protocol: "TCP", port: 80 }] },
  },
  "pods/shop/sleep": {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name: "sleep" },
    spec: { containers: [{ name: "main", image: "alpine" }] },
    status: { podIPs: [{ ip: "10.244.0.5" }] },
  },
};

function app(): Hono<SandboxEnv> {
  const zone = new ClusterDNS({ options: defaultOptions, upstream: { dns: () => undefined, machine: () => undefined } });
  zone.apply({
    namespaces: [{ before: undefined, after: objects["namespaces/shop"] as never }],
    services: [{ before: undefined, after: objects["services/shop/web"] as never }],
    at: 60_000,
  });
  const ask = (question: { name: string; type: string }) => zone.answer(question, { now: 0, seed: 1 });
  const cluster = {
    dns: zone,
    now: () => 0,
    options: defaultOptions,
    reader: { get: (...path: (string | undefined)[]) => objects[path.filter((part) => part !== undefined).join("/")] },
    network: {
      ask: (_from: object, question: { name: string; type: string }) => ask(question),
      resolve: ({ name, type }: { name: string; type?: string }) =>
        resolve({ name, type, from: {} }, podStub(objects["pods/shop/sleep"] as never, defaultOptions), ask),
    },
  };
  const hono = new Hono<SandboxEnv>();
  hono.use(async (c, next) => {
    c.set("sandbox", { cluster } as never);
    await next();
  });
  return hono.route("/dns-query", dnsQuery()).route("/dns", dns());
}

const get = async (path: string, headers: Record<string, string> = {}) => {
  const response = await app().request(path, { headers });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
};

describe("GET /dns-query with a name", () => {
  it("answers in the JSON that public resolvers speak", async () => {
    const { status, type, text } = await get("/dns-query?name=web.shop.svc.cluster.local&type=a");
    expect({ status, type, body: JSON.parse(text) }).toEqual({
      status: 200,
      type: "application/dns-json",
      body: {
        Status: 0,
        TC: false,
        RD: true,
        RA: false,
        AD: false,
        CD: false,
        Question: [{ name: "web.shop.svc.cluster.local.", type: 1 }],
        Answer: [{ name: "web.shop.svc.cluster.local.", type: 1, TTL: 30, data: "10.96.0.7" }],
      },
    });
  });

  it("puts the search list of `from` before it, and leads from the question to what was found", async () => {
    const { text } = await get("/dns-query?name=web&from=shop/sleep");
    expect(JSON.parse(text)).toMatchObject({
      Status: 0,
      Question: [{ name: "web.", type: 1 }],
      Answer: [
        { name: "web.", type: 5, TTL: 30, data: "web.shop.svc.cluster.local." },
        { name: "web.shop.svc.cluster.local.", type: 1, TTL: 30, data: "10.96.0.7" },
      ],
    });
  });

  it("answers a name that does not exist with 200 and the SOA", async () => {
    const { status, text } = await get("/dns-query?name=nobody.shop.svc.cluster.local");
    expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 200, Status: 3, Authority: [{ name: "cluster.local.", type: 6 }] });
  });

  it.each([
    { name: "a label that cannot be sent", query: `name=${"a".repeat(64)}.test`, status: 400, type: "bad-dns-question" },
    { name: "a type that nobody knows", query: "name=web&type=nonsense", status: 400, type: "bad-dns-question" },
    { name: "a pod that is not there", query: "name=web&from=shop/gone", status: 404, type: "no-such-sender" },
    { name: "a namespace that is not there", query: "name=web&from=gone", status: 404, type: "no-such-sender" },
  ])("refuses $name", async ({ query, status, type }) => {
    const answer = await get(`/dns-query?${query}`);
    expect({ status: answer.status, ...JSON.parse(answer.text) }).toMatchObject({
      status,
      type: `https://kubearium.dev/problems/${type}`,
      fix: expect.any(String),
    });
  });
});

describe("GET /dns", () => {
  it("lists every record with the object that makes it exist", async () => {
    const { records } = JSON.parse((await get("/dns")).text) as { records: { name: string; type: string }[] };
    const service = { apiVersion: "v1", kind: "Service", namespace: "shop", name: "web" };
    expect(records).toEqual([
      { name: "cluster.local.", type: "SOA", ttl: 30, data: "ns.dns.cluster.local. hostmaster.cluster.local. 60 7200 1800 86400 30" },
      { name: "dns-version.cluster.local.", type: "TXT", ttl: 28_800, data: '"1.1.0"' },
      { name: "web.shop.svc.cluster.local.", type: "A", ttl: 30, data: "10.96.0.7", object: service },
      { name: "web.shop.svc.cluster.local.", type: "SRV", ttl: 30, data: "0 100 80 web.shop.svc.cluster.local.", object: service },
      {
        name: "_http._tcp.web.shop.svc.cluster.local.",
        type: "SRV",
        ttl: 30,
        data: "0 100 80 web.shop.svc.cluster.local.",
        object: service,
      },
      { name: "7.0.96.10.in-addr.arpa.", type: "PTR", ttl: 30, data: "web.shop.svc.cluster.local.", object: service },
    ]);
  });

  it("writes a zone file for those who ask for one", async () => {
    const { type, text } = await get("/dns", { accept: "text/dns" });
    expect(type).toBe("text/dns; charset=utf-8");
    expect(text.split("\n").slice(0, 2)).toEqual([
      "$ORIGIN cluster.local.",
      "cluster.local.                            30 IN SOA   ns.dns.cluster.local. hostmaster.cluster.local. 60 7200 1800 86400 30",
    ]);
  });
});
