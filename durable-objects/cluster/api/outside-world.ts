/**
 * The outside world of a sandbox, fixed and offline: a few names with addresses from the documentation ranges, and what
 * their web servers answer.
 */
import type { HttpRequest, HttpResponse, OutsideMachine, Upstream, UpstreamAnswer } from "./ports.ts";

interface OutsideHost {
  names: readonly string[];
  ip: string;
  ttlSeconds: number;
  answer(request: HttpRequest, host: string): { status: number; type: string; body: string };
}

/** What the chapter's file on GitHub holds: one number, always the same. */
const numbersPath = "/sixeyed/kiamol/master/ch03/numbers/rng";
const constantNumber = "42";

const examplePage = "<!doctype html>\n<html><head><title>Example Domain</title></head><body><h1>Example Domain</h1></body></html>\n";

const hosts: readonly OutsideHost[] = [
  {
    names: ["raw.githubusercontent.com"],
    ip: "198.51.100.8",
    ttlSeconds: 300,
    answer: ({ path }) =>
      path === numbersPath
        ? { status: 200, type: "text/plain; charset=utf-8", body: constantNumber }
        : { status: 404, type: "text/plain; charset=utf-8", body: "404: Not Found" },
  },
  {
    names: ["example.com", "www.example.com"],
    ip: "198.51.100.80",
    ttlSeconds: 300,
    answer: ({ path }) => ({ status: path === "/" ? 200 : 404, type: "text/html", body: examplePage }),
  },
];

const byName = new Map(hosts.flatMap((host) => host.names.map((name) => [name, host])));
const byIP = new Map(hosts.map((host) => [host.ip, host]));

export const outsideWorld: Upstream = {
  dns(name, type): UpstreamAnswer {
    const bare = name.toLowerCase().replace(/\.$/, "");
    const host = byName.get(bare);
    if (!host) return { rcode: "NXDOMAIN", answers: [] };
    return { rcode: "NOERROR", answers: type === "A" ? [{ name: `${bare}.`, type, ttl: host.ttlSeconds, data: host.ip }] : [] };
  },
  machine(ip): OutsideMachine | undefined {
    const host = byIP.get(ip);
    return host && { tcp: [80], hosts: host.names, http: (request) => served(host, request) };
  },
};

/** A server that does not know the Host header answers 404, whatever the path. */
function served(host: OutsideHost, request: HttpRequest): HttpResponse {
  const asked = request.headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "";
  const name = asked.replace(/:\d+$/, "").toLowerCase();
  const { status, type, body } = host.names.includes(name)
    ? host.answer(request, name)
    : { status: 404, type: "text/plain; charset=utf-8", body: `404: ${asked} is not served here\n` };
  const bytes = new TextEncoder().encode(body);
  return {
    status,
    headers: [
      ["Content-Type", type],
      ["Content-Length", String(bytes.length)],
    ],
    body: request.method === "HEAD" ? new Uint8Array() : bytes,
  };
}
