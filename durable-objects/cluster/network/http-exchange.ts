/**
 * The HTTP request that a delivered connection carries, and what comes back.
 */
import type { RouteQuery } from "../api/network.ts";
import type { HttpRequest, HttpResponse } from "../api/ports.ts";
import { endpointText } from "./endpoint-text.ts";
import type { End } from "./way.ts";

const httpPort = 80;

/** With a Host header made from the name the sender used, where it brings none of its own. */
export function requestOf({ to, http = {} }: Pick<RouteQuery, "to" | "http">): HttpRequest {
  const headers = http.headers ?? [];
  const host = to.port === undefined || to.port === httpPort ? bracketed(to.host) : endpointText(to.host, to.port);
  const hasHost = headers.some(([name]) => name.toLowerCase() === "host");
  return {
    method: http.method ?? "GET",
    path: http.path ?? "/",
    headers: hasHost ? headers : [["Host", host], ...headers],
    body: http.body ?? new Uint8Array(),
  };
}

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/** `undefined`: the other side accepted the connection and says nothing. */
export function exchange(request: HttpRequest, end: End, client: { ip: string; port: number }): HttpResponse | undefined {
  if (end.machine !== undefined) return end.machine.http?.(request);
  return end.listener?.http?.(request, client);
}

export const hostOf = ({ headers }: HttpRequest): string => headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "";
