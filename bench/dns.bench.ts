/**
 * How many names a second does the DNS server answer, from 10 to 10,000 Services, in process and with its wire format?
 * And what does `/dns-query` cost beside a round trip to an object that does nothing?
 */
import path from "node:path";
import dnsPacket from "dns-packet";
import type { Namespace, Service } from "../durable-objects/cluster/api/objects.ts";
import { outsideWorld } from "../durable-objects/cluster/api/outside-world.ts";
import { defaultOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { ClusterDNS } from "../durable-objects/cluster/dns/cluster-dns.ts";
import { readRequest, writeMessage } from "../durable-objects/http/dns-wire.ts";
import { startServer } from "../local/server.ts";
import { startEmptyObject } from "./empty-object.ts";
import { load } from "./http-load.ts";
import { measure, report, type Variant } from "./measure.ts";

const rounds = Number(process.env["ROUNDS"] ?? 6);
const requests = Number(process.env["REQUESTS"] ?? 1000);
const lookups = Number(process.env["LOOKUPS"] ?? 300_000);
const sizes = [10, 100, 1000, 10_000];

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "",
});

/** A zone of that many Services, with an address each. */
function zoneOf(services: number): ClusterDNS {
  const dns = new ClusterDNS({ options: defaultOptions, upstream: outsideWorld });
  const added = <T>(after: T) => ({ before: undefined, after });
  const service = (at: number) =>
    ({
      apiVersion: "v1",
      kind: "Service",
      metadata: metadata(`web-${at}`, "default"),
      spec: {
        type: "ClusterIP",
        clusterIPs: [`10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`],
        ports: [{ name: "http", protocol: "TCP", port: 80 }],
      },
    }) as Service;
  dns.apply({
    namespaces: [added({ apiVersion: "v1", kind: "Namespace", metadata: metadata("default") } as Namespace)],
    services: Array.from({ length: services }, (_, at) => added(service(at))),
    at: 0,
  });
  return dns;
}

/** Every Service in an order without pattern, again and again. */
const mixed = (services: number): number[] => Array.from({ length: services }, (_, at) => (at * 7919) % services);
const nameOf = (at: number): string => `web-${at}.default.svc.cluster.local`;

function rate(work: (at: number) => void): Record<string, number> {
  const began = performance.now();
  for (let at = 0; at < lookups; at += 1) work(at);
  return { lookupsPerSecond: lookups / ((performance.now() - began) / 1000) };
}

/** Each name is put together anew from what was typed and a search domain, as resolvers do. */
function inProcess(services: number): Variant {
  const dns = zoneOf(services);
  const typed = mixed(services).map((at) => `web-${at}`);
  const context = { now: 0, seed: 1 };
  return {
    name: `${services} Services, in process`,
    round: async () =>
      rate((at) => {
        const { answer } = dns.answer({ name: `${typed[at % services]}.default.svc.cluster.local.`, type: "A" }, context);
        if (answer.length !== 1) throw new Error("every Service of the benchmark has an address");
      }),
  };
}

function withWireFormat(services: number): Variant {
  const dns = zoneOf(services);
  const packets = mixed(services).map(
    (at) =>
      new Uint8Array(
        dnsPacket.encode({
          type: "query",
          id: at & 0xffff,
          flags: dnsPacket.RECURSION_DESIRED,
          questions: [{ name: nameOf(at), type: "A" }],
        }),
      ),
  );
  const context = { now: 0, seed: 1 };
  return {
    name: `${services} Services, octets in and out`,
    round: async () =>
      rate((at) => {
        const request = readRequest(packets[at % services]!);
        if (typeof request === "string") throw new Error(request);
        if (writeMessage(dns.answer(request.question, context), request).length < 60) throw new Error("an answer has an address");
      }),
  };
}

async function overHttp(): Promise<void> {
  const empty = await startEmptyObject();
  const server = await startServer({ dist: path.join(process.cwd(), "dist"), host: "127.0.0.1", port: 0 });
  try {
    const made = await fetch(`${server.url}/sandboxes`, { method: "POST", body: "{}" });
    const { id, adminToken } = (await made.json()) as { id: string; adminToken: string };
    const question = dnsPacket.encode({
      type: "query",
      id: 0,
      flags: dnsPacket.RECURSION_DESIRED,
      questions: [{ name: "kubernetes.default.svc.cluster.local", type: "A" }],
    });
    const url = `${server.url}/t/${adminToken}/s/${id}/dns-query?dns=${Buffer.from(question).toString("base64url")}`;
    for (let tries = 0; tries < 100; tries += 1) {
      const answer = dnsPacket.decode(Buffer.from(await (await fetch(url)).arrayBuffer()));
      if ((answer.answers?.length ?? 0) > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const over = (name: string, of: string): Variant => ({ name, round: () => load({ url: of, requests, concurrency: 8 }) });
    const variants = [over("empty object", empty.url), over("dns-query", url)];
    report("dns-http", await measure("/dns-query beside an empty object, concurrency 8", variants, rounds));
  } finally {
    await server.stop();
    await empty.stop();
  }
}

const lookupsAlone = [...sizes.map(inProcess), ...sizes.map(withWireFormat)];
report("dns", await measure("Names answered a second, by the number of Services", lookupsAlone, rounds));
await overHttp();
