/**
 * Takes TLS off before workerd, which serves the plain port: HTTP/1.1 passes byte for byte, upgrades included; HTTP/2 is
 * spoken here, stream by stream, because workerd's own socket speaks HTTP/1.1 only and some DoH clients nothing but HTTP/2.
 */
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import tls from "node:tls";

/** Headers of one HTTP/1.1 connection, which HTTP/2 must not carry. */
const ofConnection = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"]);

export function takeOffTLS(
  certificate: { key: string; cert: string },
  at: { host: string; port: number },
  innerPort: number,
): Promise<tls.Server> {
  const streams = http2.createServer();
  streams.on("stream", (stream, headers) => passStream(stream, headers, innerPort));
  // A client that goes away in the middle of a session is no event of ours.
  streams.on("sessionError", () => {});
  const server = tls.createServer({ ...certificate, ALPNProtocols: ["h2", "http/1.1"] }, (outer) => {
    if (outer.alpnProtocol === "h2") {
      outer.on("error", () => outer.destroy());
      streams.emit("connection", outer);
    } else passBytes(outer, innerPort);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => resolve(server));
  });
}

/** Decrypted bytes, both ways; when one side ends, so does the other. */
function passBytes(outer: tls.TLSSocket, innerPort: number): void {
  const inner = net.connect(innerPort, "127.0.0.1");
  outer.pipe(inner).pipe(outer);
  for (const [one, other] of [
    [outer, inner],
    [inner, outer],
  ] as const) {
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroy());
  }
}

function passStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders, innerPort: number): void {
  const fields = Object.entries(headers).filter(([name]) => !name.startsWith(":") && !ofConnection.has(name));
  const request = http.request({
    host: "127.0.0.1",
    port: innerPort,
    method: headers[":method"],
    path: headers[":path"],
    headers: { ...Object.fromEntries(fields), host: headers[":authority"] ?? headers.host },
  });
  request.on("response", (response) => {
    if (stream.destroyed) return;
    const kept = Object.entries(response.headers).filter(([name]) => !ofConnection.has(name));
    stream.respond({ ":status": response.statusCode, ...Object.fromEntries(kept) });
    response.pipe(stream);
    response.on("error", () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  });
  request.on("error", () => {
    if (!stream.destroyed) stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  });
  stream.on("error", () => request.destroy());
  stream.on("close", () => request.destroy());
  stream.pipe(request);
}
