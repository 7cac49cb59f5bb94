/** Sockets of one request's life (exec, attach, port-forward) over workerd's WebSocketPair. They keep the object awake. */
import type { Socket, SocketAcceptor } from "./http/sandbox.ts";

export class SocketPairs implements SocketAcceptor {
  accept(_request: Request, protocol: string | undefined): { socket: Socket; response: Response } {
    const pair = new WebSocketPair();
    const server = pair[1];
    server.binaryType = "arraybuffer";
    server.accept();
    const socket: Socket = {
      send: (data) => server.send(data),
      close: (code, reason) => server.close(code, reason),
      onMessage: (handler) =>
        server.addEventListener("message", ({ data }) => handler(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer))),
      onClose: (handler) => {
        server.addEventListener("close", () => handler());
        server.addEventListener("error", () => handler());
      },
      bufferedBytes: () => 0,
    };
    const headers = new Headers();
    if (protocol !== undefined) headers.set("sec-websocket-protocol", protocol);
    return { socket, response: new Response(null, { status: 101, webSocket: pair[0], headers }) };
  }
}
