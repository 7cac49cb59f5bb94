/**
 * HTTP/1.1 messages as bytes, for connections that carry them raw: port-forward, and nc with a request typed by hand.
 * Only reads and writes; what answers is the app.
 */
import type { HeaderList, HttpRequest, HttpResponse } from "../api/ports.ts";
import { statusText } from "./http-status-texts.ts";

export interface ParsedRequests {
  requests: HttpRequest[];
  /** Bytes of a request that is not complete. */
  rest: Uint8Array;
  /** True where the bytes are no HTTP request. */
  isGarbage: boolean;
}

const headLimitBytes = 64 * 1024;
const bodyLimitBytes = 8 * 1024 * 1024;

/** Takes every complete request from the front. */
export function parseRequests(bytes: Uint8Array): ParsedRequests {
  const requests: HttpRequest[] = [];
  let rest = bytes;
  for (;;) {
    const step = takeRequest(rest);
    if (step === "incomplete") return { requests, rest, isGarbage: false };
    if (step === "garbage") return { requests, rest, isGarbage: true };
    requests.push(step.request);
    rest = step.rest;
  }
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP\/(1\.[01])$/;

function takeRequest(bytes: Uint8Array): { request: HttpRequest; rest: Uint8Array } | "incomplete" | "garbage" {
  if (bytes.length === 0) return "incomplete";
  const end = headEnd(bytes);
  if (!end) return bytes.length > headLimitBytes || !looksLikeRequest(bytes) ? "garbage" : "incomplete";
  const [first = "", ...lines] = latin1(bytes.subarray(0, end.at)).replace(/\r$/, "").split(/\r?\n/);
  const match = requestLine.exec(first);
  if (!match) return "garbage";
  const [, method = "", target = "", version] = match;
  const headers = lines.filter((line) => line !== "").map(headerOf);
  if (version === "1.0" && !find(headers, "connection")) headers.push(["Connection", "close"]);
  const path = target.startsWith("/") ? target : target.replace(/^[a-z]+:\/\/[^/]*/i, "") || "/";
  const after = bytes.subarray(end.next);
  const body = /\bchunked\b/i.test(find(headers, "transfer-encoding") ?? "")
    ? takeChunks(after)
    : takeLength(after, Number(find(headers, "content-length") ?? 0));
  if (typeof body === "string") return body;
  return { request: { method, path, headers, body: body.content }, rest: body.rest };
}

function headEnd(bytes: Uint8Array): { at: number; next: number } | undefined {
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== 10) continue;
    if (bytes[at + 1] === 10) return { at, next: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { at, next: at + 3 };
  }
  return undefined;
}

const looksLikeRequest = (bytes: Uint8Array): boolean => /^[!#$%&'*+.^_`|~0-9A-Za-z-]*( |$)/.test(latin1(bytes.subarray(0, 32)));

const headerOf = (line: string): [string, string] => {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
};

const find = (headers: HeaderList, name: string): string | undefined => headers.find(([each]) => each.toLowerCase() === name)?.[1];

type Body = { content: Uint8Array; rest: Uint8Array } | "incomplete" | "garbage";

function takeLength(bytes: Uint8Array, length: number): Body {
  if (!Number.isInteger(length) || length < 0 || length > bodyLimitBytes) return "garbage";
  return bytes.length < length ? "incomplete" : { content: bytes.slice(0, length), rest: bytes.subarray(length) };
}

function takeChunks(bytes: Uint8Array): Body {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let at = 0;
  for (;;) {
    const newline = bytes.indexOf(10, at);
    if (newline < 0) return bytes.length - at > headLimitBytes ? "garbage" : "incomplete";
    const size = Number.parseInt(latin1(bytes.subarray(at, newline)), 16);
    total += size;
    if (Number.isNaN(size) || total > bodyLimitBytes) return "garbage";
    at = newline + 1;
    if (size === 0) {
      // Trailers are not expected: an empty line ends the message.
      const last = bytes.indexOf(10, at);
      return last < 0 ? "incomplete" : { content: joined(chunks), rest: bytes.subarray(last + 1) };
    }
    if (bytes.length < at + size + 2) return "incomplete";
    chunks.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

/** A response as it stands on the wire; a body without length gets one, so that the connection can go on. */
export function responseBytes({ status, headers, body }: HttpResponse, { method }: { method: string }): Uint8Array {
  const hasBody = status >= 200 && status !== 204 && status !== 304;
  const needsLength = hasBody && !headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const all: HeaderList = needsLength ? [...headers, ["Content-Length", String(body.length)]] : headers;
  const head = `HTTP/1.1 ${status} ${statusText(status)}\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return joined([new TextEncoder().encode(head), method === "HEAD" || !hasBody ? new Uint8Array() : body]);
}
