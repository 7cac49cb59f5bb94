/**
 * The small cluster in which the tools' output was captured (`test/golden/tools/fixtures.json`), as a `Network`: names,
 * ways and web servers answer what they answered there.
 */
import type { Network, Resolution, Route, RouteQuery } from "../../api/network.ts";
import type { HttpRequest, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";

export interface Fixtures {
  nodes: { name: string; ip: string }[];
  pods: Record<string, { name: string; ip: string; ip6?: string; families?: string[]; node: string; listens?: Record<string, string> }>;
  services: { name: string; clusterIP?: string; clusterIPs?: string[]; externalName?: string; endpoints?: string[] }[];
}

const outside: Record<string, string[] | "no-address" | "temporary-failure"> = {
  "www.example.com": ["203.0.113.80"],
  "shop.example.com": ["203.0.113.81"],
  "both.example.com": ["203.0.113.80", "2001:db8::80"],
  "mailonly.example.com": "no-address",
  "broken.example.com": "temporary-failure",
  "refused.example.com": "temporary-failure",
  "silent.example.com": "temporary-failure",
};

/** Address and port as the packet is written -> who answers, or why nobody does. */
const endpoints: Record<string, string> = {
  "10.96.44.7:80": "10.244.1.8:80",
  "10.96.44.8:8080": "10.244.2.7:8080",
  "172.18.0.200:8080": "10.244.2.7:8080",
  "172.18.0.2:30080": "10.244.1.8:80",
  "172.18.0.3:30080": "10.244.1.8:80",
  "10.96.44.10:6379": "10.244.1.8:6379",
  "10.96.0.10:53": "10.244.1.2:53",
  "10.96.50.5:7": "10.244.1.8:7",
  "fd00:10:96::4407:80": "fd00:10:244:1::8:80",
};

type End = Pick<Route, "verdict" | "icmp">;
const rejected: End = { verdict: "rejected", icmp: "port-unreachable" };
const ends: Record<string, End> = {
  "10.96.200.1": rejected,
  "10.96.200.2": { verdict: "refused" },
  "10.96.200.3": { verdict: "unanswered" },
  "10.96.200.4": { verdict: "dropped" },
  "10.96.0.11": rejected,
  "fd00:10:96::2001": rejected,
  "fd00:10:244:1::8:9090": { verdict: "dropped" },
  "10.244.1.8:9196": rejected,
  "10.244.1.8:9197": { verdict: "dropped" },
  "10.244.1.8:9191": { verdict: "rejected", icmp: "host-unreachable" },
  "10.244.1.8:9192": { verdict: "rejected", icmp: "host-unreachable" },
  "10.244.1.8:9193": { verdict: "rejected", icmp: "net-unreachable" },
  "10.244.1.8:9194": { verdict: "rejected", icmp: "tcp-reset" },
  "10.244.1.8:9195": rejected,
  "172.18.0.3:30081": { verdict: "dropped" },
  "172.18.0.2:30082": rejected,
  "172.18.0.3:30082": rejected,
};
const listening = new Set([
  "fd00:10:244:1::8:80",
  "fd00:10:244:1::8:8080",
  "10.244.1.8:8081",
  "10.244.1.8:8082",
  "10.244.1.8:8443",
  "10.244.1.8:8444",
  "10.244.1.8:80",
  "10.244.1.8:8080",
  "10.244.1.8:8083",
  "10.244.1.8:8088",
  "10.244.1.8:7",
  "10.244.1.8:9",
  "10.244.1.8:25",
  "10.244.1.8:6379",
  "10.244.2.7:8080",
  "10.244.1.2:53",
  "203.0.113.80:80",
  "203.0.113.81:80",
]);
const reachable = new Set([
  "fd00:10:244:1::8",
  "fd00:10:244:1::6",
  "fd00:10:244:1::1",
  "::1",
  "10.244.1.6",
  "172.18.0.4",
  "10.244.3.1",
  "10.244.1.8",
  "10.244.2.7",
  "10.244.1.2",
  "10.244.1.5",
  "10.244.3.5",
  "203.0.113.80",
  "203.0.113.81",
  "172.18.0.2",
  "172.18.0.3",
  "10.244.1.1",
  "127.0.0.1",
]);

export class Laboratory implements Network {
  readonly #fixtures: Fixtures;
  readonly #pod: string;
  readonly #dnsWorks: boolean;

  /** @param pod which client of the fixtures sends */
  constructor(fixtures: Fixtures, pod: string, dnsWorks: boolean) {
    this.#fixtures = fixtures;
    this.#pod = pod;
    this.#dnsWorks = dnsWorks;
  }

  resolve({ name, type = "ANY" }: { name: string; type?: string }): Resolution {
    const found = this.#lookUp(name, type);
    const addresses = Array.isArray(found.addresses) ? found.addresses : [];
    const error = Array.isArray(found.addresses) ? undefined : found.addresses;
    return {
      name,
      type,
      rcode: error === undefined ? "NOERROR" : "NXDOMAIN",
      from: {},
      answers: type === "PTR" && addresses[0] !== undefined ? [{ name, type, ttl: 5, data: addresses[0] }] : [],
      addresses,
      ...(found.canonname === undefined ? {} : { canonname: found.canonname }),
      search: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      ndots: 5,
      nameserver: "10.96.0.10",
      trace: [],
      ...(error === undefined ? {} : { error }),
    };
  }

  #lookUp(name: string, type: string): { addresses: string[] | NonNullable<Resolution["error"]>; canonname?: string } {
    const own = this.#fixtures.pods[this.#pod];
    if (name === "localhost") return { addresses: this.#ofFamily(["::1", "127.0.0.1"], type), canonname: "localhost" };
    if (name === own?.name)
      return {
        addresses: this.#ofFamily(
          [own.ip, own.ip6 ?? ""].filter((ip) => ip !== ""),
          type,
        ),
        canonname: name,
      };
    if (!this.#dnsWorks) return { addresses: "temporary-failure" };
    const bare = name.replace(/\.$/, "");
    if (type === "PTR") {
      const octets = bare.replace(".in-addr.arpa", "").split(".").reverse().join(".");
      if (octets === "10.244.1.8") return { addresses: ["web-0.numbers-headless.default.svc.cluster.local."] };
      const service = this.#fixtures.services.find(({ clusterIP }) => clusterIP === octets);
      return service
        ? { addresses: [`${service.name.split("/").reverse().join(".")}.svc.cluster.local.`] }
        : { addresses: "name-not-found" };
    }
    if (Object.hasOwn(outside, bare)) {
      const known = outside[bare] as (typeof outside)[string];
      return { addresses: Array.isArray(known) ? this.#ofFamily(known, type) : known, canonname: bare };
    }
    const short = bare.replace(/\.cluster\.local$/, "").replace(/\.svc$/, "");
    const [service = "", namespace = "default", more] = short.split(".");
    if (short === "web-0.numbers-headless")
      return { addresses: this.#ofFamily(["10.244.1.8"], type), canonname: `${short}.default.svc.cluster.local` };
    const found = more === undefined ? this.#fixtures.services.find((each) => each.name === `${namespace}/${service}`) : undefined;
    if (!found) return { addresses: "name-not-found" };
    if (found.externalName) return this.#lookUp(found.externalName, type);
    const canonname = `${service}.${namespace}.svc.cluster.local`;
    if (found.clusterIP === "None")
      return found.endpoints?.length ? { addresses: this.#ofFamily(found.endpoints, type), canonname } : { addresses: "no-address" };
    return { addresses: this.#ofFamily(found.clusterIPs ?? [found.clusterIP ?? ""], type), canonname };
  }

  /** An address of a family that the pod does not have comes last. */
  #ofFamily(addresses: string[], type: string): string[] | "no-address" {
    const asked = addresses.filter((ip) => type === "ANY" || ip.includes(":") === (type === "AAAA"));
    if (asked.length === 0) return "no-address";
    return asked.sort((one, other) => Number(this.#isFirst(other)) - Number(this.#isFirst(one)));
  }

  #isFirst(ip: string): boolean {
    return ip.includes(":") && (this.#hasSix || ip === "::1");
  }

  get #hasSix(): boolean {
    return this.#fixtures.pods[this.#pod]?.families?.includes("IPv6") ?? false;
  }

  route({ to, http }: RouteQuery): Route {
    const { host, port = 0, protocol = "TCP" } = to;
    const isName = host === "10.244.1.300" || !/^([\d.]+|[\da-f:]*:[\da-f:]+)$/.test(host);
    const resolution = isName ? this.resolve({ name: host }) : undefined;
    const base = { protocol, hops: [], candidates: [], ...(resolution ? { resolution } : {}) };
    if (resolution?.error) return { ...base, verdict: "name-not-found" };
    const ip = resolution?.addresses[0] ?? host;
    const target = { ip, ...(protocol === "ICMP" ? {} : { port }) };
    if (ip.includes(":") && ip !== "::1" && !this.#hasSix) return { ...base, verdict: "no-route", target };
    if (protocol === "ICMP") return { ...base, ...this.#ping(ip), target };
    const end = ends[`${ip}:${port}`] ?? ends[ip];
    if (end) return { ...base, ...end, target };
    const backend = endpoints[`${ip}:${port}`] ?? `${ip}:${port}`;
    const gone = this.#unreachable(ip);
    if (gone) return { ...base, ...gone, target };
    if (!listening.has(backend)) {
      const isClosed = reachable.has(ip) && !ip.startsWith("203.");
      return { ...base, verdict: isClosed ? "refused" : "unanswered", target };
    }
    const [, backendIP = "", backendPort] = /^(.*):(\d+)$/.exec(backend) ?? [];
    const request: HttpRequest = { method: "GET", path: "/", headers: [], body: new Uint8Array(), ...http };
    const response = http && /:(80|8080|8081|8082|8088|8443|8444)$/.test(backend) ? answer(request, backend) : undefined;
    return {
      ...base,
      verdict: "delivered",
      target,
      backend: { ip: backendIP, port: Number(backendPort) },
      ...(response ? { http: { request, response } } : {}),
    };
  }

  #unreachable(ip: string): Pick<Route, "verdict" | "icmp"> | undefined {
    if (ip.startsWith("10.244.9.")) return { verdict: "rejected", icmp: "host-unreachable" };
    if (ip.startsWith("10.244.13.")) return { verdict: "rejected", icmp: "net-unreachable" };
    // On a bridged pod network the own kernel asks for the neighbour and hears nothing.
    const isNeighbour = this.#pod === "b1" && ip.startsWith("10.244.3.") && !reachable.has(ip);
    return isNeighbour ? { verdict: "unanswered", icmp: "host-unreachable" } : undefined;
  }

  #ping(ip: string): Pick<Route, "verdict" | "icmp" | "backend"> {
    const gone = this.#unreachable(ip);
    if (gone) return gone;
    if (ip.startsWith("10.96.210.")) return { verdict: "rejected", icmp: "port-unreachable" };
    if (!reachable.has(ip)) return { verdict: "unanswered" };
    const pod = Object.values(this.#fixtures.pods).find((each) => each.ip === ip || each.ip6 === ip);
    const node = pod?.node;
    return { verdict: "delivered", backend: { ip, port: 0, ...(pod ? { pod: pod.name } : {}), ...(node ? { node } : {}) } };
  }
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

interface Served extends Partial<Pick<HttpResponse, "version" | "reason" | "delayMs" | "ending">> {
  status?: number;
  type?: string;
  body?: string | Uint8Array;
  headers?: [string, string][];
  /** The bytes that the head promises, where they are not those of the body; `false`: it promises none. */
  length?: number | false;
  /** Hangs up after the answer, whoever asks. */
  isLast?: boolean;
}

function answer(request: HttpRequest, backend: string): HttpResponse {
  const isGo = backend.endsWith(":8080");
  const {
    status = 200,
    type = "text/plain",
    body = "",
    headers = [],
    length: promised,
    isLast = false,
    ...wire
  } = backend === "203.0.113.81:80" || backend.endsWith(":8088") ? shop(request) : served(request, backend, isGo);
  const find = (name: string): string | undefined => request.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const closes = find("connection") === "close" || isLast;
  const bytes = typeof body === "string" ? text(body) : body;
  if (status === 0) return { status, headers: [], body: bytes, ...wire };
  if (wire.version === "1.0") return { status, headers, body: bytes, ...wire };
  const length: [string, string][] = status === 204 || promised === false ? [] : [["Content-Length", String(promised ?? bytes.length)]];
  const typed: [string, string][] =
    status === 204 ? [] : [["Content-Type", isGo && !type.includes("charset") ? `${type}; charset=utf-8` : type]];
  const date: [string, string] = ["Date", "DATE"];
  const all: [string, string][] = isGo
    ? [date, ...length, ...typed, ...(closes ? ([["Connection", "close"]] as [string, string][]) : []), ...headers]
    : [["Server", "nginx/1.25.3"], date, ...typed, ...length, ["Connection", closes ? "close" : "keep-alive"], ...headers];
  return { status, headers: all, body: request.method === "HEAD" ? new Uint8Array() : bytes, ...wire };
}

const tlsPage: Served = {
  status: 400,
  type: "text/html",
  isLast: true,
  ending: "closed",
  body: "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>\r\n",
};

/** "was compressed" and a newline, as gzip packs it. */
const compressed = Uint8Array.from("1f8b08000000000002032b4f2c5648cecf2d284a2d2e4e4de10200ebaf9be70f000000".match(/../g) ?? [], (pair) =>
  Number.parseInt(pair, 16),
);

const shop = (request: HttpRequest): Served =>
  request.headers.some(([name, value]) => name.toLowerCase() === "host" && value.startsWith("shop.example.com"))
    ? { body: "shop front page\n" }
    : { status: 404, body: "default backend - 404" };

function page(status: number, reason: string = statusText(status), headers: [string, string][] = []): Served {
  const title = `${status} ${reason}`;
  return {
    status,
    type: "text/html",
    headers,
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>\r\n`,
  };
}

function served(request: HttpRequest, backend: string, isGo: boolean): Served {
  const find = (name: string): string | undefined => request.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const body = new TextDecoder().decode(request.body);
  const name = backend.startsWith("203") ? "www.example.com" : isGo ? "numbers-web" : "numbers-api";
  const head = `${request.method} ${request.path} HTTP/1.1\r\n${request.headers.map(([key, value]) => `${key}: ${value}\r\n`).join("")}\r\n`;
  const port = backend.slice(backend.lastIndexOf(":") + 1);
  if (port === "8081") return { status: 0, ending: "reset" };
  if (port === "8082") return { status: 0, ending: "reset" };
  if (port === "8443") {
    const body = "Client sent an HTTP request to an HTTPS server.\n";
    return { status: 400, version: "1.0", body, ending: "closed" };
  }
  if (port === "8444") return tlsPage;
  switch (request.path) {
    case "/chunked":
      return { body: "one\ntwo\nthree\n", length: false, headers: [["Transfer-Encoding", "chunked"]] };
    case "/slow":
      return { body: "late\n", delayMs: 3000 };
    case "/stall":
      return { body: "only ten b", length: 100, ending: "stalled" };
    case "/big":
      return { body: "0123456789abcde\n".repeat(6400) };
    case "/nolength":
      return { body: "read until the end\n", length: false, isLast: true, ending: "closed" };
    case "/truncated":
      return { body: "only this\n", length: 100, isLast: true, ending: "closed" };
    case "/reset":
      return { body: "half of it\n", length: 100, isLast: true, ending: "reset" };
    case "/abort":
      return { status: 0, ending: "reset" };
    case "/close":
      return { status: 0, ending: "closed" };
    case "/garbage":
      return { status: 0, body: "this is not HTTP\n", ending: "closed" };
    case "/http10":
      return { version: "1.0", body: "old style\n", headers: [["Content-Type", "text/plain"]], ending: "closed" };
    case "/gzip":
      return { body: compressed, headers: [["Content-Encoding", "gzip"]] };
    case "/":
      return { body: `Hello from ${name}\n` };
    case "/rng":
      return { type: "application/json; charset=utf-8", body: "42" };
    case "/healthz":
      return { body: "ok" };
    case "/headers":
      return { body: head };
    case "/post":
      return { body: `${request.method} ${find("content-type") ?? "-"} ${request.body.length}: ${body}\n` };
    case "/created":
      return { status: 201, type: "application/json", body: '{"id":7}\n', headers: [["Location", "/items/7"]] };
    case "/nocontent":
      return { status: 204 };
    case "/old":
      return page(302, "Found", [["Location", "/rng"]]);
    case "/moved":
      return page(301, undefined, [["Location", "http://numbers-web:8080/rng"]]);
    case "/loop":
      return { status: 302, headers: [["Location", "/loop"]] };
    case "/nowhere":
      return { status: 302, headers: [["Location", "http://no-endpoints/"]] };
    case "/temporary":
      return { status: 307, headers: [["Location", "/post"]] };
    case "/badrequest":
      return page(400);
    case "/secret": {
      const authorization = find("authorization");
      return authorization
        ? { body: `let in: ${authorization}\n` }
        : page(401, "Authorization Required", [["WWW-Authenticate", 'Basic realm="numbers"']]);
    }
    case "/forbidden":
      return page(403);
    case "/error":
      return page(500);
    case "/badgateway":
      return page(502);
    case "/unavailable":
      return page(503, "Service Temporarily Unavailable", [["Retry-After", "5"]]);
    case "/method":
      return request.method === "GET" ? { body: "GET\n" } : page(405, "Not Allowed", [["Allow", "GET"]]);
    case "/custom":
      return {
        body: "see the headers\n",
        headers: [
          ["X-Request-Id", "7f3a"],
          ["Cache-Control", "no-store"],
          ["Set-Cookie", "visited=1; Path=/"],
        ],
      };
    case "/file.txt":
      return {
        body: "a file\n",
        headers: [
          ["Last-Modified", "Mon, 06 Jan 2025 10:00:00 GMT"],
          ["ETag", '"677baa90-7"'],
          ["Accept-Ranges", "bytes"],
        ],
      };
    default:
      return isGo ? { status: 404, body: "404 page not found\n" } : page(404);
  }
}
