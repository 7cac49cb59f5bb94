/** A proxy between a client and the Kubernetes API that sees every answer, and can slip empty lines into watches. */
import { type ClientRequest, createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface Seen {
  method: string;
  path: string;
  status: number;
  contentType: string;
  body: string;
}

export interface SeeingProxy {
  url: string;
  /** Answers that are complete, in the order in which they ended. */
  seen: Seen[];
  stop(): Promise<void>;
}

/** @param emptyLines puts one before and behind every piece of a watch */
export async function startProxy(target: string, options: { emptyLines?: boolean } = {}): Promise<SeeingProxy> {
  const to = new URL(target);
  const seen: Seen[] = [];
  const open = new Set<ClientRequest>();
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const isWatch = /[?&]watch=/.test(path);
    const forwarded = httpRequest({ host: to.hostname, port: to.port, method, path, headers: { ...headers, host: to.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      const slip = (): void => {
        if (isWatch && options.emptyLines) outgoing.write("\n");
      };
      slip();
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => {
        pieces.push(piece);
        outgoing.write(piece);
        slip();
      });
      answer.on("end", () => {
        outgoing.end();
        const contentType = answer.headers["content-type"] ?? "";
        seen.push({ method, path, status: answer.statusCode ?? 0, contentType, body: Buffer.concat(pieces).toString("utf8") });
      });
      answer.on("error", () => outgoing.destroy());
    });
    open.add(forwarded);
    forwarded.on("close", () => open.delete(forwarded));
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    (incoming satisfies IncomingMessage).pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    stop: () => {
      for (const request of open) request.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
