/**
 * The Kubernetes API over HTTP: bytes in, bytes out, watches as streams. What a request means is `apiserver/`.
 */
import { type Context, Hono } from "hono";
import { stringify } from "yaml";
import { impersonated } from "../cluster/access/impersonation.ts";
import type { Principal } from "../cluster/access/principal.ts";
import { StatusError, tooLarge } from "../cluster/api/status-error.ts";
import type { ApiResponse, WatchSession } from "../cluster/apiserver/api-server.ts";
import type { WatchEvent } from "../cluster/apiserver/watch-hub.ts";
import { readBody } from "./body.ts";
import type { Sandbox, SandboxEnv } from "./sandbox.ts";
import { handleStream } from "./streams.ts";

/** How long a watch may be silent: then a bookmark, or an empty line, shows whether the client is still there. */
const watchKeepAliveMs = 25_000;
/** Bytes a slow watcher may leave unread before it is ended; it resumes from its last version, or gets 410. */
const watchBufferBytes = 4 * 1024 * 1024;

export const kubernetesAPI = (): Hono<SandboxEnv> => {
  const app = new Hono<SandboxEnv>();
  for (const path of ["/api", "/api/*", "/apis", "/apis/*", "/version", "/openapi/*", "/readyz", "/livez", "/healthz"])
    app.all(path, answer);
  return app;
};

async function answer(c: Context<SandboxEnv>): Promise<Response> {
  const sandbox = c.get("sandbox");
  const url = new URL(c.req.url);
  const body = await readBody(c.req.raw, sandbox.cluster.limits.requestBytes);
  if (body === undefined) {
    const limit = sandbox.cluster.limits.requestBytes;
    return statusResponse(tooLarge(`Request entity too large: limit is ${limit}`), c);
  }
  const principal = principalOf(c);
  if (principal instanceof StatusError) return statusResponse(principal, c);
  const method = c.req.method;
  const header = (name: string): string | undefined => c.req.header(name) ?? undefined;
  const response = sandbox.cluster.handle({
    method,
    path: url.pathname,
    query: url.searchParams,
    ...optional("contentType", header("content-type")),
    ...optional("accept", header("accept")),
    ...optional("userAgent", header("user-agent")),
    body,
    principal,
    serverAddress: new URL(c.get("baseURL")).host,
  });
  return respond(c, sandbox, response);
}

const statusResponse = ({ status }: StatusError, c: Context): Response =>
  new Response(jsonText(status, c), { status: status.code, headers: { "content-type": "application/json" } });

/** Who the request is judged as: the sender, or who he asks to be. */
function principalOf(c: Context<SandboxEnv>): Principal | StatusError {
  const groups = (c.req.header("impersonate-group") ?? "").split(",").map((group) => group.trim());
  try {
    return impersonated(c.get("principal"), {
      user: c.req.header("impersonate-user") ?? "",
      groups: groups.filter((group) => group !== ""),
    });
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}

function respond(c: Context<SandboxEnv>, sandbox: Sandbox, response: ApiResponse): Response | Promise<Response> {
  switch (response.kind) {
    case "object": {
      const etag = response.etag;
      if (etag !== undefined && c.req.header("if-none-match") === etag) return new Response(null, { status: 304, headers: { etag } });
      const headers = warningHeaders(response.warnings);
      headers.set("content-type", response.contentType ?? (response.format === "yaml" ? "application/yaml" : "application/json"));
      headers.set("cache-control", "no-cache, private");
      if (etag !== undefined) {
        headers.set("etag", etag);
        headers.append("vary", "Accept");
      }
      if (c.req.method === "HEAD") return new Response(null, { status: response.code, headers });
      const text = response.format === "yaml" ? yamlText(response.body) : jsonText(response.body, c);
      return new Response(text, { status: response.code, headers });
    }
    case "text": {
      const headers = warningHeaders(response.warnings);
      headers.set("content-type", "text/plain; charset=utf-8");
      headers.set("x-content-type-options", "nosniff");
      return new Response(response.body, { status: response.code, headers });
    }
    case "bytes": {
      const { etag, contentType, body, code } = response;
      if (c.req.header("if-none-match") === etag) return new Response(null, { status: 304, headers: { etag } });
      const headers = { "content-type": contentType, "cache-control": "no-cache, private", etag, vary: "Accept" };
      return new Response(c.req.method === "HEAD" ? null : body, { status: code, headers });
    }
    case "watch": {
      const headers = warningHeaders(response.warnings);
      headers.set("content-type", "application/json");
      headers.set("cache-control", "no-cache, private");
      return new Response(watchStream(sandbox, response.session), { headers });
    }
    case "stream":
      return handleStream(response, c);
    default:
      return response satisfies never;
  }
}

/** Members sorted, and quoted what YAML 1.1 would read as something else, as the server's own encoder does. */
const yamlText = (body: object): string =>
  stringify(body, {
    aliasDuplicateObjects: false,
    lineWidth: 0,
    sortMapEntries: true,
    schema: "yaml-1.1",
    version: "1.1",
    indentSeq: false,
  });

/** Browsers, curl and wget get indented JSON, as from kube-apiserver; `?pretty=` decides where given. */
function jsonText(body: object, c: Context): string {
  const asked = c.req.query("pretty");
  const pretty = asked === undefined ? /^(curl|Wget|Mozilla)/.test(c.req.header("user-agent") ?? "") : asked !== "0" && asked !== "false";
  return asGoWrites(pretty ? JSON.stringify(body, null, 2) : `${JSON.stringify(body)}\n`);
}

/** Go's encoder escapes what could end a script in HTML; these characters stand in strings only. */
const asGoWrites = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

function warningHeaders(warnings: readonly string[]): Headers {
  const headers = new Headers();
  for (const warning of warnings) headers.append("warning", `299 - "${warning.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return headers;
}

/** One JSON document a line. Ends after the timeout, when the client is gone, or when it reads too slowly. */
function watchStream(sandbox: Sandbox, session: WatchSession): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const stopped = new AbortController();
  let unsubscribe = (): void => {};
  const stop = (): void => {
    unsubscribe();
    stopped.abort();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let sentSinceTick = false;
        const send = (text: string): void => {
          const bytes = encoder.encode(text);
          sentSinceTick = true;
          controller.enqueue(bytes);
          if ((controller.desiredSize ?? 0) < -watchBufferBytes) end();
        };
        const end = (): void => {
          stop();
          controller.close();
        };
        const sendEvents = (events: readonly WatchEvent[]): void => {
          if (events.length > 0) send(asGoWrites(events.map((event) => `${JSON.stringify(event)}\n`).join("")));
        };
        sendEvents(session.initial);
        if (session.timeoutSeconds === 0) {
          end();
          return;
        }
        unsubscribe = session.subscribe((events) => {
          if (!stopped.signal.aborted) sendEvents(events);
        });
        const keepAlive = async (): Promise<void> => {
          let leftMs = session.timeoutSeconds === undefined ? Number.POSITIVE_INFINITY : session.timeoutSeconds * 1000;
          while (!stopped.signal.aborted) {
            const pauseMs = Math.min(watchKeepAliveMs, leftMs);
            await sandbox.delay(pauseMs, stopped.signal);
            if (stopped.signal.aborted) return;
            leftMs -= pauseMs;
            if (leftMs <= 0) {
              end();
              return;
            }
            if (session.bookmark) sendEvents([session.bookmark()]);
            else if (!sentSinceTick) send("\n");
            sentSinceTick = false;
          }
        };
        sandbox.background(
          keepAlive().catch(() => {
            // The client went away while something was written to it: the stream is over, and nothing of the cluster changed.
            stop();
          }),
        );
      },
      cancel: stop,
    },
    { highWaterMark: 1, size: (chunk) => chunk.byteLength },
  );
}

const optional = <K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
