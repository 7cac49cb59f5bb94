/** HTTP requests of the outside as the emulated apps take them, and their answers as the outside gets them. */
import type { HttpRequest, HttpResponse } from "../../cluster/api/ports.ts";
import { readBody } from "../body.ts";

/** What belongs to the connection to us, not to the request. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "host",
]);

/** What our own platform or proxy added on the way. */
const ofPlatform = /^(cf-|mf-|x-kubearium-)/;

const requestLimitBytes = 8 * 1024 * 1024;

export interface Forwarding {
  path: string;
  host: string;
  /** Drops a header, or rewrites it. */
  header?(name: string, value: string): string | undefined;
}

/** @returns undefined where the body is too long */
export async function appRequest(request: Request, { path, host, header }: Forwarding): Promise<HttpRequest | undefined> {
  const body = await readBody(request, requestLimitBytes);
  if (body === undefined) return undefined;
  const headers: (readonly [string, string])[] = [["Host", host]];
  for (const [name, value] of request.headers) {
    if (hopByHop.has(name) || ofPlatform.test(name)) continue;
    const kept = header ? header(name, value) : value;
    if (kept !== undefined) headers.push([spelled(name), kept]);
  }
  if (body.length > 0) headers.push(["Content-Length", String(body.length)]);
  return { method: request.method, path, headers, body };
}

/** `x-request-id` as clients write it on the wire: `X-Request-Id`. */
const spelled = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

/** @param header rewrites a header of the answer */
export function outsideResponse(
  { status, headers, body }: HttpResponse,
  header: (name: string, value: string) => string = (_, value) => value,
): Response {
  const result = new Headers();
  for (const [name, value] of headers) {
    if (hopByHop.has(name.toLowerCase())) continue;
    result.append(name, header(name.toLowerCase(), value));
  }
  const isEmpty = status === 204 || status === 304 || status < 200;
  return new Response(isEmpty ? null : (body as Uint8Array<ArrayBuffer>), { status: status < 200 ? 502 : status, headers: result });
}
