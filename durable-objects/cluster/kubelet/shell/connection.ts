/**
 * What a tool's socket is told when it connects: the way of the packet in the words of errno. How it is printed is the
 * tool's business.
 */
import { parseIP } from "../../api/ip-address.ts";
import type { Protocol, Resolution, Route } from "../../api/network.ts";
import type { HeaderList, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import type { ToolContext } from "./tool.ts";

export interface Target {
  host: string;
  port: number;
  protocol?: Protocol;
  http?: { method: string; path: string; headers: HeaderList; body?: Uint8Array };
  /** Only this family, as `-4` and `-6` ask for. */
  family?: 4 | 6;
  /** Of a name with addresses of both families the IPv4 one, as busybox does since 1.36. */
  prefersFour?: boolean;
}

export type SocketError = "ECONNREFUSED" | "EHOSTUNREACH" | "ENETUNREACH" | "ETIMEDOUT";

export type Connection =
  | { result: "no-name"; error: NonNullable<Resolution["error"]>; resolution: Resolution | undefined }
  | { result: "connected"; ip: string; route: Route; response: HttpResponse | undefined }
  /** `late`: the answer was an ICMP message, which a blocking connect takes only at its second try, a second later. */
  | { result: "failed"; ip: string; error: SocketError; late: boolean; route: Route };

/** Goes the whole way at once: name, connection and, where there is one, the request. */
export function connect(context: ToolContext, { host, port, protocol = "TCP", http, family, prefersFour = false }: Target): Connection {
  const { network, sender } = context;
  let destination = host;
  if (prefersFour && hasBothFamilies(context, host)) {
    const [first] = network.resolve({ from: sender, name: host, type: "A" }).addresses;
    if (first !== undefined) destination = first;
  }
  if (family !== undefined && parseIP(host) === undefined) {
    const resolution = network.resolve({ from: sender, name: host, type: family === 4 ? "A" : "AAAA" });
    const [first] = resolution.addresses;
    if (first === undefined) return { result: "no-name", error: resolution.error ?? "no-address", resolution };
    destination = first;
  }
  const route = network.route({ from: sender, to: { host: destination, port, protocol }, ...(http ? { http } : {}) });
  return connectionOf(route, destination);
}

const hasBothFamilies = ({ place }: ToolContext, host: string): boolean =>
  parseIP(host) === undefined && (host === "localhost" || (place.pod.status.podIPs ?? []).some(({ ip }) => ip?.includes(":")));

/** The kernel gives a silent address up after this long. */
export const systemTimeoutMs = 135_103;

/** The same for a packet whose way is known. */
export function connectionOf(route: Route, host: string): Connection {
  const ip = route.target?.ip ?? route.resolution?.addresses[0] ?? host;
  const failed = (error: SocketError, late = false): Connection => ({ result: "failed", ip, error, late, route });
  switch (route.verdict) {
    case "delivered":
      return { result: "connected", ip, route, response: route.http?.response };
    case "name-not-found":
      return { result: "no-name", error: route.resolution?.error ?? "name-not-found", resolution: route.resolution };
    case "rejected":
      return failed(ofIcmp(route) ?? "ECONNREFUSED", route.icmp !== "tcp-reset");
    case "refused":
      return failed("ECONNREFUSED");
    case "no-route":
      return failed("ENETUNREACH");
    case "unanswered":
      return failed(ofIcmp(route) ?? "ETIMEDOUT", route.icmp !== undefined);
    case "dropped":
    case "unsupported":
      return failed("ETIMEDOUT");
    default:
      return route.verdict satisfies never;
  }
}

const ofIcmp = ({ icmp }: Route): SocketError | undefined =>
  icmp &&
  (
    {
      "port-unreachable": "ECONNREFUSED",
      "tcp-reset": "ECONNREFUSED",
      "host-unreachable": "EHOSTUNREACH",
      "net-unreachable": "ENETUNREACH",
    } as const
  )[icmp];

const words: Record<"glibc" | "musl", Record<SocketError, string>> = {
  glibc: {
    ECONNREFUSED: "Connection refused",
    EHOSTUNREACH: "No route to host",
    ENETUNREACH: "Network is unreachable",
    ETIMEDOUT: "Connection timed out",
  },
  musl: {
    ECONNREFUSED: "Connection refused",
    EHOSTUNREACH: "Host is unreachable",
    ENETUNREACH: "Network unreachable",
    ETIMEDOUT: "Operation timed out",
  },
};

/** What the C library of the image says. */
export const errorWords = ({ place }: ToolContext, error: SocketError): string => words[place.image.userland.libc][error];

const resolverWords: Record<NonNullable<Resolution["error"]>, string> = {
  "name-not-found": "Name or service not known",
  "no-address": "No address associated with hostname",
  "temporary-failure": "Temporary failure in name resolution",
};

/** What getaddrinfo says, as far as a tool shows it. */
export const resolverError = (error: NonNullable<Resolution["error"]>): string => resolverWords[error];

export const statusLine = ({ status, version, reason }: HttpResponse): string =>
  `HTTP/${version ?? "1.1"} ${status} ${reason ?? statusText(status)}`;

/** `10.96.44.7:80`, `[fd00::8]:80` */
export const endpoint = (ip: string, port: number): string => (ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`);
