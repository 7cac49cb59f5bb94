/**
 * What every HTTP surface of a sandbox gets: the cluster, who asks, and how to open a socket. The Durable Object and
 * Node's server make one each; the surfaces know neither.
 */
import type { Principal } from "../cluster/access/principal.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { StreamState } from "./stream.ts";

export interface Sandbox {
  id: string;
  cluster: Cluster;
  sockets: SocketAcceptor;
  /** Opens a socket of `/stream`, which may hibernate with this state. */
  acceptStream(request: Request, state: StreamState): Response;
  /** Runs work after the answer is sent and keeps the object awake for it (`waitUntil`). */
  background(work: Promise<unknown>): void;
  /** Real time, for streams only (keep-alives); the cluster has its own clock. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A server-side WebSocket. `binaryType` is always "arraybuffer". */
export interface Socket {
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  onMessage(handler: (data: string | Uint8Array) => void): void;
  onClose(handler: () => void): void;
  /** Bytes accepted by `send` and not yet on the wire, where the platform tells; else 0. */
  bufferedBytes(): number;
}

export interface SocketAcceptor {
  /**
   * Turns an upgrade request into a socket and the 101 answer.
   *
   * @param protocol the chosen subprotocol, echoed in `Sec-WebSocket-Protocol`
   */
  accept(request: Request, protocol: string | undefined): { socket: Socket; response: Response };
}

/** Hono's environment of a surface: `c.get("principal")`, `c.get("sandbox")`. */
export interface SandboxEnv {
  Variables: {
    sandbox: Sandbox;
    principal: Principal;
    /** The public address of this sandbox as the client reached it, without a trailing slash: `http://127.0.0.1:8787/s/demo`. */
    baseURL: string;
  };
}
