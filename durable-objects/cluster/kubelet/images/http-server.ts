/**
 * HTTP servers for emulated apps: an app says status, body and its own headers; the server adds what its make adds
 * (Go's net/http, nginx, Apache), and nginx and Apache their access log.
 */
import type { Listener } from "../../api/network.ts";
import type { HeaderList, HttpRequest, HttpResponse } from "../../api/ports.ts";
import { statusText } from "../http-status-texts.ts";
import type { RunningContainer } from "../process.ts";

export interface Reply {
  status?: number;
  type?: string;
  body?: string | Uint8Array;
  headers?: HeaderList;
}

export interface Client {
  ip: string;
  port: number;
}

export type Handler = (request: ParsedRequest, client: Client) => Reply;

/** A request with its path taken apart. */
export interface ParsedRequest extends HttpRequest {
  /** Without the query. */
  pathname: string;
  query: URLSearchParams;
  header(name: string): string | undefined;
}

export type Make = "go" | "nginx" | "apache" | "kestrel" | "gunicorn";

export function httpListener(container: RunningContainer, port: number, make: Make, handler: Handler): Listener {
  return {
    protocol: "TCP",
    port,
    http: (request, client) => {
      const parsed = parsedRequest(request);
      const response = dressed(handler(parsed, client), parsed, make, container.now());
      const line = accessLine(make, parsed, response, client, container.now());
      if (line !== undefined) container.log(line);
      return response;
    },
  };
}

export function parsedRequest(request: HttpRequest): ParsedRequest {
  const mark = request.path.indexOf("?");
  return {
    ...request,
    pathname: mark < 0 ? request.path : request.path.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : request.path.slice(mark + 1)),
    header: (name) => headerValue(request.headers, name),
  };
}

export const headerValue = (headers: HeaderList, name: string): string | undefined =>
  headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

const bytesOf = (body: string | Uint8Array): Uint8Array => (typeof body === "string" ? new TextEncoder().encode(body) : body);

function dressed(reply: Reply, request: ParsedRequest, make: Make, now: number): HttpResponse {
  const status = reply.status ?? 200;
  const body = bytesOf(reply.body ?? "");
  const hasBody = status !== 204 && status !== 304;
  const type: HeaderList = reply.type === undefined || !hasBody ? [] : [["Content-Type", reply.type]];
  const length: HeaderList = hasBody ? [["Content-Length", String(body.length)]] : [];
  const date: HeaderList = [["Date", httpDate(now)]];
  const closes = request.header("connection")?.toLowerCase() === "close";
  const own = reply.headers ?? [];
  return {
    status,
    headers: headersOf(make, { own, type, length, date, closes }),
    body: request.method === "HEAD" || !hasBody ? new Uint8Array() : body,
  };
}

/** Which headers a make sends, in its order. */
function headersOf(
  make: Make,
  of: { own: HeaderList; type: HeaderList; length: HeaderList; date: HeaderList; closes: boolean },
): HeaderList {
  const close: HeaderList = of.closes ? [["Connection", "close"]] : [];
  switch (make) {
    case "go":
      return [...of.own, ...of.date, ...of.length, ...of.type, ...close];
    case "nginx":
      return [["Server", nginxServer], ...of.date, ...of.type, ...of.length, ["Connection", of.closes ? "close" : "keep-alive"], ...of.own];
    case "apache":
      return [...of.date, ["Server", apacheServer], ...of.own, ...of.length, ...close, ...of.type];
    case "kestrel":
      return [...of.length, ...of.type, ...of.date, ["Server", "Kestrel"], ...of.own, ...close];
    case "gunicorn":
      return [
        ["Server", "gunicorn/19.9.0"],
        ...of.date,
        ["Connection", of.closes ? "close" : "keep-alive"],
        ...of.type,
        ...of.length,
        ...of.own,
      ];
    default:
      return make satisfies never;
  }
}

export const nginxServer = "nginx/1.27.5";
export const apacheServer = "Apache/2.4.65 (Unix)";

/** `Tue, 24 Nov 2026 15:03:00 GMT` */
export const httpDate = (ms: number): string => new Date(ms).toUTCString();

/** `24/Nov/2026:15:03:00 +0000` */
function logDate(ms: number): string {
  const [, day, month, year, time] = new Date(ms).toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

function accessLine(make: Make, request: ParsedRequest, response: HttpResponse, client: Client, now: number): string | undefined {
  const common = `${client.ip} - - [${logDate(now)}] "${request.method} ${request.path} HTTP/1.1" ${response.status}`;
  const quoted = (name: string): string => `"${request.header(name) ?? "-"}"`;
  if (make === "nginx")
    return `${common} ${response.body.length} ${quoted("referer")} ${quoted("user-agent")} ${quoted("x-forwarded-for")}`;
  if (make === "apache") return `${common} ${response.body.length === 0 ? "-" : response.body.length}`;
  return undefined;
}

/** Go's answer to a path without handler. */
export const goNotFound: Reply = {
  status: 404,
  type: "text/plain; charset=utf-8",
  headers: [["X-Content-Type-Options", "nosniff"]],
  body: "404 page not found\n",
};

/** nginx's own page for an error. */
export const nginxPage = (status: number): Reply => {
  const title = `${status} ${statusText(status)}`;
  return {
    status,
    type: "text/html",
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>${nginxServer}</center>\r\n</body>\r\n</html>\r\n`,
  };
};

export const escapeHTML = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const types: Readonly<Record<string, string>> = {
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  js: "application/javascript",
  json: "application/json",
  txt: "text/plain",
  svg: "image/svg+xml",
  xml: "text/xml",
};

export const typeOfFile = (path: string): string => types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
