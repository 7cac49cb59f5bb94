/**
 * The hops at the sender itself: it reads its target, opens a connection, and hears a reply.
 */
import { formatIP, parseIP } from "../api/ip-address.ts";
import type { Protocol, RouteQuery } from "../api/network.ts";
import { endpointText } from "./endpoint-text.ts";
import type { Origin } from "./origin.ts";
import type { HopDraft } from "./way.ts";

export function readHop({ to, http }: RouteQuery, at: string, protocol: Protocol, port: number | undefined): HopDraft {
  const literal = literalOf(to.host) !== undefined;
  const params = { host: to.host, protocol, port: port ?? 0, literal, http: http !== undefined, path: http?.path ?? "" };
  return { at, does: "read", code: protocol === "ICMP" ? "read-name" : "read-url", params, objects: [] };
}

export function connectHop(of: {
  origin: Origin;
  source: string;
  ip: string;
  protocol: Protocol;
  port: number | undefined;
  /** What stands behind the address: a machine, rules alone, or nobody knows. */
  reaches: "machine" | "rules" | "unknown";
}): HopDraft {
  const { origin, source, ip, protocol, port, reaches } = of;
  const dst = endpointText(ip, port);
  const code = protocol === "ICMP" ? "connect-echo" : (`connect-${reaches}` as const);
  return {
    at: origin.place,
    does: "connect",
    code,
    params: { src: source, dst, ip, node: origin.node ?? "" },
    objects: [],
    src: source,
    dst,
  };
}

/**
 * A reply: on its way back the source becomes the address that the sender had written to.
 *
 * @param from where the packet had gone after all rewriting
 * @param target what the sender had written on it
 */
export function replyHop(
  code: Extract<HopDraft["code"], `reply-${string}`>,
  of: { origin: Origin; source: string; from: string; target: string; status?: number },
): HopDraft {
  const { origin, source, from, target, status } = of;
  const rewritten = from !== target;
  return {
    at: origin.place,
    does: "reply",
    code,
    params: { from, rewritten, address: target, ...(status === undefined ? {} : { status }) },
    objects: [],
    src: from,
    ...(rewritten ? { srcAfter: target } : {}),
    dst: source,
  };
}

/** An address as host, with or without brackets. */
export function literalOf(host: string): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  const address = parseIP(bare);
  return address && formatIP(address);
}
