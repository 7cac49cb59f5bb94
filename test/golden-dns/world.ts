/**
 * The cluster that the DNS captures were taken from: its objects, its outer resolver, and the helpers to read captures.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DnsMessage, DnsQuestion } from "../../durable-objects/cluster/api/dns-message.ts";
import { foldCase } from "../../durable-objects/cluster/api/domain-names.ts";
import type { DnsRecord } from "../../durable-objects/cluster/api/network.ts";
import type { EndpointSlice, Namespace, Pod, Service } from "../../durable-objects/cluster/api/objects.ts";
import type { Upstream, UpstreamAnswer } from "../../durable-objects/cluster/api/ports.ts";
import { defaultOptions } from "../../durable-objects/cluster/api/sandbox-options.ts";
import { ClusterDNS } from "../../durable-objects/cluster/dns/cluster-dns.ts";

/** Cluster time of the captures; only differences matter. */
export const capturedAt = Date.parse("2026-01-01T00:00:00Z");

/** The outer resolver of the captures. */
const outerResolver = "192.0.2.53";

/** A record as the captures write it: SRV, SOA and MX data are objects, TXT is a list. */
export interface CapturedRecord {
  name: string;
  type: string;
  ttl: number;
  data: string | string[] | Record<string, string | number>;
}

interface CapturedUpstream {
  name: string;
  type: string;
  rcode: UpstreamAnswer["rcode"];
  answer?: CapturedRecord[];
  authority?: CapturedRecord[];
  aa?: boolean;
}

export interface World {
  dns: ClusterDNS;
  pods: Pod[];
  /** Questions that went to the outer resolver so far. */
  askedOutside: string[];
  /** The servers of the captures: the cluster's and the nodes'. Every other one is silent. */
  ask(question: DnsQuestion, server: string): DnsMessage | undefined;
  now: number;
  /** Decides the order of address records. */
  seed: number;
}

/** Where the captures are: `GOLDEN`, the committed copy, or the shared originals. */
export const goldenFolder = (): string =>
  process.env["GOLDEN"] ?? (existsSync("test/golden/dns/cases.jsonl") ? "test/golden" : "/work/shared/golden");

export const readLines = <T>(file: string): T[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);

const parsed = new Map<string, unknown>();

/** Each file is parsed once; nothing changes what it holds. */
function read<T>(folder: string, file: string): T {
  const path = join(folder, "dns", file);
  if (!parsed.has(path)) parsed.set(path, JSON.parse(readFileSync(path, "utf8")));
  return parsed.get(path) as T;
}

type Captured = Service | EndpointSlice | Namespace | Pod;

export function capturedObjects(folder: string): {
  services: Service[];
  endpointSlices: EndpointSlice[];
  namespaces: Namespace[];
  pods: Pod[];
} {
  const { items } = read<{ items: Captured[] }>(folder, "fixtures.json");
  const ofKind = <T>(kind: string): T[] => items.filter((item) => item.kind === kind) as unknown as T[];
  return {
    services: ofKind("Service"),
    endpointSlices: ofKind("EndpointSlice"),
    namespaces: ofKind("Namespace"),
    pods: ofKind("Pod"),
  };
}

export function capturedUpstream(folder: string, asked: string[] = []): Upstream {
  const known = read<CapturedUpstream[]>(folder, "upstream.json");
  return {
    dns(name, type) {
      asked.push(`${name} ${type}`);
      const ofName = known.filter((each) => foldCase(each.name) === foldCase(name));
      const found = ofName.find((each) => each.type === type || each.type === "*");
      if (found === undefined)
        return { rcode: ofName.length > 0 ? "NOERROR" : "NXDOMAIN", answers: [], authority: ofName.length > 0 ? [] : [rootSOA] };
      const { rcode, answer = [], authority = [], aa = false } = found;
      return { rcode, answers: answer.map(presented), authority: authority.map(presented), aa };
    },
    machine: () => undefined,
  };
}

const rootSOA: DnsRecord = {
  name: ".",
  type: "SOA",
  ttl: 86_400,
  data: "a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400",
};

export function makeWorld(folder: string, { cacheClusterZone }: { cacheClusterZone: boolean }): World {
  const { services, endpointSlices, namespaces, pods } = capturedObjects(folder);
  const askedOutside: string[] = [];
  const dns = new ClusterDNS({ options: defaultOptions, upstream: capturedUpstream(folder, askedOutside), cacheClusterZone });
  const added = <T>(objects: T[]): { before: undefined; after: T }[] => objects.map((after) => ({ before: undefined, after }));
  dns.apply({ services: added(services), endpointSlices: added(endpointSlices), namespaces: added(namespaces), at: capturedAt });
  const world: World = {
    dns,
    pods,
    askedOutside,
    now: capturedAt,
    seed: 1,
    ask(question, server) {
      if (server === defaultOptions.clusterDNS) return dns.answer(question, { now: world.now, seed: world.seed });
      return server === outerResolver ? dns.answerOutside(question) : undefined;
    },
  };
  return world;
}

/** A captured record in the presentation form of a zone file. */
export const presented = ({ name, type, ttl, data }: CapturedRecord): DnsRecord => ({ name, type, ttl, data: presentedData(data) });

function presentedData(data: CapturedRecord["data"]): string {
  if (typeof data === "string") return data;
  return Array.isArray(data) ? data.map((text) => JSON.stringify(text)).join(" ") : Object.values(data).join(" ");
}
