/** The Kubernetes API and the entries of one sandbox behind Node's HTTP server, for tests with real clients. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Hono } from "hono";
import { type WebSocket, WebSocketServer } from "ws";
import { outsideWorld } from "../../cluster/api/outside-world.ts";
import { defaultOptions, type SandboxOptions } from "../../cluster/api/sandbox-options.ts";
import { Cluster } from "../../cluster/cluster.ts";
import { MemoryStorage } from "../../cluster/storage/memory-storage.ts";
import { entry } from "../entry.ts";
import { kubernetesAPI } from "../kubernetes-api.ts";
import type { Sandbox, SandboxEnv, Socket } from "../sandbox.ts";

export interface TestServer {
  url: string;
  cluster: Cluster;
  stop(): Promise<void>;
}

export async function startTestServer(options: Partial<SandboxOptions> = {}): Promise<TestServer> {
  let timer: NodeJS.Timeout | undefined;
  const cluster: Cluster = new Cluster(
    {
      storage: new MemoryStorage(),
      upstream: outsideWorld,
      realTime: () => Date.now(),
      wakeAt: (at) => {
        clearTimeout(timer);
        if (at !== undefined) timer = setTimeout(() => cluster.tick(), Math.max(0, at - Date.now()));
      },
    },
    { ...defaultOptions, ...options },
  );
  const sockets = new WebSocketServer({ noServer: true });
  // `ws` takes no protocol with a slash in its name, as port-forward's has: it is answered here.
  const chosen = new WeakMap<IncomingMessage, string>();
  sockets.on("headers", (headers, incoming) => {
    const protocol = chosen.get(incoming);
    if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  const server = createServer();
  const sandboxFor = (upgrade?: (protocol: string | undefined) => Socket): Sandbox => ({
    id: "demo",
    cluster,
    sockets: {
      accept: (_request, protocol) => {
        if (!upgrade) throw new Error("test server: no upgrade");
        return { socket: upgrade(protocol), response: new Response(null, { headers: { "x-upgraded": "1" } }) };
      },
    },
    acceptStream: () => new Response(null, { status: 501 }),
    background: (work) => void work,
    delay: (ms, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(end);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const end = setTimeout(done, ms);
        signal?.addEventListener("abort", done);
      }),
  });
  const answer = (request: Request, sandbox: Sandbox): Response | Promise<Response> => {
    const app = new Hono<SandboxEnv>();
    app.use(async (c, next) => {
      c.set("sandbox", sandbox);
      c.set("principal", { user: "admin", groups: ["system:masters"], via: "internal" });
      c.set("baseURL", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      await next();
    });
    app.route("/", kubernetesAPI());
    app.route("/", entry());
    return app.fetch(request);
  };
  server.on("request", async (incoming, outgoing) => {
    const response = await answer(await requestOf(incoming), sandboxFor());
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
    outgoing.on("close", () => void reader?.cancel());
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) outgoing.write(part.value);
    outgoing.end();
  });
  server.on("upgrade", async (incoming, socket, head) => {
    const response = await answer(
      await requestOf(incoming),
      sandboxFor((protocol) => {
        if (protocol !== undefined) chosen.set(incoming, protocol);
        delete incoming.headers["sec-websocket-protocol"];
        let accepted: WebSocket | undefined;
        sockets.handleUpgrade(incoming, socket, head, (webSocket) => {
          accepted = webSocket;
        });
        if (!accepted) throw new Error("test server: the upgrade did not come at once");
        return socketOf(accepted);
      }),
    );
    if (response.headers.get("x-upgraded")) return;
    const body = await response.text();
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    socket.end(
      `HTTP/1.1 ${response.status} No\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cluster,
    stop: async () => {
      clearTimeout(timer);
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const chunks: Buffer[] = [];
  if (incoming.method !== "GET" && incoming.method !== "HEAD" && !incoming.headers.upgrade)
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const url = `http://${incoming.headers.host}${incoming.url}`;
  return new Request(url, { method: incoming.method ?? "GET", headers, ...(body.length > 0 ? { body } : {}) });
}

function socketOf(webSocket: WebSocket): Socket {
  webSocket.binaryType = "arraybuffer";
  return {
    send: (data) => webSocket.send(data),
    close: (code, reason) => webSocket.close(code, reason),
    onMessage: (handler) =>
      webSocket.on("message", (data, isBinary) =>
        handler(isBinary ? new Uint8Array(data as ArrayBuffer) : Buffer.from(data as ArrayBuffer).toString()),
      ),
    onClose: (handler) => webSocket.on("close", handler),
    bufferedBytes: () => webSocket.bufferedAmount,
  };
}
