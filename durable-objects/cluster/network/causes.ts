/**
 * Why a request fails although the network did its part, or before it could: codes and parameters, no sentences.
 */
import type { HttpRequest } from "../api/ports.ts";
import { endpointText } from "./endpoint-text.ts";
import { hostOf } from "./http-exchange.ts";
import type { NameLookup } from "./name-lookup.ts";
import type { Cause, Way } from "./way.ts";

/** The name gave no address. */
export function unresolved({ resolution, way }: NameLookup): Cause {
  const { name, rcode, trace, error, nameserver = "" } = resolution;
  const tries = new Set(trace.map(({ query }) => query)).size;
  if (error !== "temporary-failure") return { code: "no-such-name", params: { name, rcode, tries } };
  if (trace.at(-1)?.rcode !== "TIMEOUT") return { code: "dns-failed", params: { name, rcode, server: nameserver } };
  const because = way === undefined || way.verdict === "delivered" ? "no-reply" : (way.cause?.code ?? "");
  const policy = because.startsWith("policy-") ? way?.cause?.params : {};
  return { code: "dns-unreachable", params: { ...policy, name, server: nameserver, verdict: way?.verdict ?? "unanswered", because } };
}

/** The other side answered, with a status that is a failure. */
export function httpCause(request: HttpRequest, status: number, { end, destination }: Way): Cause {
  const host = hostOf(request);
  const known = end?.machine?.hosts;
  const target = endpointText(destination.ip, destination.port);
  if (known !== undefined && !known.includes(host.split(":")[0] ?? "")) {
    return { code: "host-not-served", params: { status, host, expected: [...known], target } };
  }
  return { code: "http-status", params: { status, path: request.path, place: end?.place ?? "" } };
}
