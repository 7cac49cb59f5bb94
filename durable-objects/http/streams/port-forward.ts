/**
 * port-forward: two streams for each connection that the client accepts (one for data, one for an error text), and an
 * HTTP/1.1 conversation with what listens in the pod.
 *
 * kubectl brings its streams as SPDY/3.1 inside a WebSocket; other clients as channels of the WebSocket itself: channel
 * 2i carries the data of the i-th port of the request and channel 2i+1 its error, and each begins with the port in two
 * bytes, little end first.
 */
import type { Listener } from "../../cluster/api/network.ts";
import { joined, parseRequests, responseBytes } from "../../cluster/kubelet/http-message.ts";
import type { Socket } from "../sandbox.ts";
import { SpdyServer, type SpdyStream } from "./spdy.ts";

/** In the order of preference: over SPDY a client can open as many connections as it likes. */
export const portForwardProtocols = { spdy: "SPDY/3.1+portforward.k8s.io", channels: "v4.channel.k8s.io" } as const;

export interface ForwardTarget {
  /** Names the pod in an error: its sandbox, as the runtime calls it. */
  sandboxID: string;
  /** What listens there now. */
  listener(port: number): Listener | undefined;
  /** Lets due events of the cluster happen before it answers. */
  beforeRequest(): void;
}

/** Requests come from within the pod's own network: port-forward connects to its loopback. */
const loopback = { ip: "127.0.0.1", port: 40_000 } as const;

export function servePortForward(socket: Socket, target: ForwardTarget): void {
  const errors = new Map<string, SpdyStream>();
  let requests = 0;
  const server = new SpdyServer({
    send: (bytes) => socket.send(bytes),
    onClose: () => socket.close(1000),
    onStream: (stream) => {
      const id = stream.headers.get("requestid") ?? "";
      if (stream.headers.get("streamtype") === "error") {
        errors.set(id, stream);
        return;
      }
      const error = errors.get(id);
      errors.delete(id);
      requests += 1;
      converse(stream, error, Number(stream.headers.get("port")), target, loopback.port + (requests % 20_000));
    },
  });
  socket.onMessage((data) => server.receive(typeof data === "string" ? new TextEncoder().encode(data) : data));
}

/** @param ports of the request, one connection each */
export function servePortForwardChannels(socket: Socket, ports: readonly number[], target: ForwardTarget): void {
  const channels = ports.flatMap((port) => [new Channel(), new Channel()].map((channel) => ({ port, channel })));
  for (const [index, { port, channel }] of channels.entries()) {
    const frame = (content: Uint8Array): void => socket.send(joined([Uint8Array.of(index), content]));
    channel.write = frame;
    frame(Uint8Array.of(port & 0xff, port >> 8));
  }
  for (const [index, port] of ports.entries()) {
    const [data, error] = [channels[2 * index]?.channel as Channel, channels[2 * index + 1]?.channel as Channel];
    // There is no word for the end of one channel: the connections of a socket end together.
    data.end = () => socket.close(1000);
    converse(data, error, port, target, loopback.port + index);
  }
  socket.onMessage((message) => {
    const bytes = typeof message === "string" ? new TextEncoder().encode(message) : message;
    channels[bytes[0] ?? 0]?.channel.onData?.(bytes.subarray(1));
  });
}

/** What a connection needs of the stream that carries it. */
interface Carrier {
  write(data: Uint8Array): void;
  end(): void;
  onData: ((data: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
}

class Channel implements Carrier {
  onData: Carrier["onData"];
  onEnd: Carrier["onEnd"];
  write: Carrier["write"] = () => {};
  end: Carrier["end"] = () => {};
}

/** One connection: whatever comes in is taken as HTTP requests; a listener without HTTP accepts and says nothing. */
function converse(
  stream: Carrier,
  error: Pick<Carrier, "write" | "end"> | undefined,
  port: number,
  target: ForwardTarget,
  sourcePort: number,
): void {
  const close = (): void => {
    stream.end();
    error?.end();
  };
  if (!target.listener(port)) {
    error?.write(new TextEncoder().encode(refusal(port, target.sandboxID)));
    close();
    return;
  }
  let received: Uint8Array = new Uint8Array();
  stream.onData = (data) => {
    const listener = target.listener(port);
    if (!listener?.http) {
      if (!listener) close();
      return;
    }
    const { requests, rest, isGarbage } = parseRequests(joined([received, data]));
    received = rest.slice();
    for (const request of requests) {
      target.beforeRequest();
      const response = listener.http(request, { ip: loopback.ip, port: sourcePort });
      stream.write(responseBytes(response, request));
      if (isClosing(request.headers) || isClosing(response.headers)) {
        close();
        return;
      }
    }
    if (isGarbage) {
      stream.write(responseBytes({ status: 400, headers: [["Connection", "close"]], body: new Uint8Array() }, { method: "GET" }));
      close();
    }
  };
  stream.onEnd = close;
}

const isClosing = (headers: readonly (readonly [string, string])[]): boolean =>
  headers.some(([name, value]) => name.toLowerCase() === "connection" && value.toLowerCase() === "close");

/** As the container runtime words it. */
const refusal = (port: number, id: string): string =>
  `error forwarding port ${port} to pod ${id}, uid : failed to execute portforward in network namespace "/var/run/netns/cni-${id.slice(0, 8)}": failed to connect to localhost:${port} inside namespace "${id}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6 [::1]:${port}: connect: connection refused `;
