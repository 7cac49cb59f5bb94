/**
 * What can be decided about a request before its sandbox is asked: is it meant for this server, does a foreign page send
 * it, which token does it carry, is it the operator's.
 *
 * Whether a token is good is the object's to say; it alone has the hashes.
 */

import { hashToken, sameInConstantTime } from "../durable-objects/cluster/access/credentials.ts";
import type { Principal } from "../durable-objects/cluster/access/principal.ts";
import { isLoopback } from "../durable-objects/http/kubeconfig.ts";
import { problemResponse } from "../durable-objects/http/problem.ts";
import { sessionCookie } from "../durable-objects/http/session.ts";
import type { Env, LocalMode } from "./env.ts";

/** kubectl and browsers cannot set headers on a WebSocket; Kubernetes carries the token in this subprotocol, base64url-encoded. */
export const bearerSubprotocol = "base64url.bearer.authorization.k8s.io.";

export interface Credential {
  token: string;
  via: Exclude<Principal["via"], "anonymous" | "internal">;
}

/** Scheme and host as the client wrote them. Local TLS is taken off before the Worker, which then sees plain http. */
export function publicOrigin(request: Request, local: LocalMode | undefined): string {
  const { origin, host } = new URL(request.url);
  return local?.certificateAuthority === undefined ? origin : `https://${host}`;
}

/** Refuses what a browser was tricked into sending. `outside`: `/lb/…` and `/node/…`, whose sandboxed pages have the origin `null`. */
export function refuseForeign(request: Request, local: LocalMode | undefined, outside: boolean): Response | undefined {
  const host = request.headers.get("host") ?? "";
  if (local !== undefined && !local.hosts.includes(host.toLowerCase())) {
    return problemResponse({
      type: "wrong-host",
      title: "Wrong host",
      status: 403,
      detail: `This server is not ${JSON.stringify(host)}.`,
      fix: `Use http://${local.hosts[0]}, or start it with HOST set to the address you use.`,
    });
  }
  const origin = request.headers.get("origin");
  if (origin === null || outside || isSafe(request) || origin === publicOrigin(request, local)) return undefined;
  return problemResponse({
    type: "foreign-origin",
    title: "Foreign origin",
    status: 403,
    detail: `A page of ${JSON.stringify(origin)} may not change anything here.`,
    fix: "Send the request from a page of this server, or from a program that sends no Origin.",
  });
}

/** A cookie is sent by the browser unasked, so on anything but a safe GET our own page must have said so itself. */
export function refuseCookie(request: Request, credential: Credential | undefined): Response | undefined {
  if (credential?.via !== "cookie" || isSafe(request) || request.headers.has("origin")) return undefined;
  return problemResponse({
    type: "cookie-without-origin",
    title: "Origin missing",
    status: 403,
    detail: "The session cookie is accepted on writes and sockets only from our own page.",
    fix: "Send the token as `Authorization: Bearer …` instead of the cookie.",
  });
}

/** The token of a request: header, address, subprotocol, cookie, in this order. An empty bearer is no token. */
export function credentialOf(request: Request, pathToken: string | undefined): Credential | undefined {
  const bearer = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (bearer !== undefined) return { token: bearer, via: "bearer" };
  if (pathToken !== undefined) return { token: pathToken, via: "path" };
  const protocol = subprotocolToken(request.headers.get("sec-websocket-protocol") ?? "");
  if (protocol !== undefined) return { token: protocol, via: "subprotocol" };
  const cookie = cookieValue(request.headers.get("cookie") ?? "");
  return cookie === undefined ? undefined : { token: cookie, via: "cookie" };
}

/** Tokens in addresses are for kubectl over plain http on this machine; elsewhere such an address does not exist. */
export const mayCarryTokenInPath = (url: URL, local: LocalMode | undefined): boolean => local !== undefined && isLoopback(url.hostname);

/** 403 unless the operator asks: who holds `OPERATOR_KEY`, and in local mode whoever is on this machine. */
export function refuseStranger(request: Request, env: Pick<Env, "OPERATOR_KEY" | "LOCAL">): Response | undefined {
  const token = credentialOf(request, undefined)?.token;
  const key = env.OPERATOR_KEY;
  if (key !== undefined && key !== "" && token !== undefined && sameInConstantTime(hashToken(token), hashToken(key))) return undefined;
  if (env.LOCAL?.loopbackOnly === true && token === undefined) return undefined;
  return problemResponse({
    type: "operator-only",
    title: "For the operator only",
    status: 403,
    detail: "This shows every sandbox of the service.",
    fix: "Send the operator's key as `Authorization: Bearer …` (the Worker's secret OPERATOR_KEY).",
  });
}

const isSafe = (request: Request): boolean => ["GET", "HEAD", "OPTIONS"].includes(request.method) && !request.headers.has("upgrade");

function subprotocolToken(offered: string): string | undefined {
  const protocol = offered
    .split(",")
    .map((part) => part.trim())
    .find((part) => part.startsWith(bearerSubprotocol));
  if (protocol === undefined) return undefined;
  try {
    return atob(protocol.slice(bearerSubprotocol.length).replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return protocol; // not base64: a token that no sandbox knows
  }
}

function cookieValue(header: string): string | undefined {
  for (const part of header.split(";")) {
    const [name, value] = part.trim().split("=", 2);
    if (name === sessionCookie && value !== undefined && value !== "") return value;
  }
  return undefined;
}
