/** bash's `/dev/tcp/HOST/PORT`: a redirection there is a connection. What is written to it goes nowhere: nothing is read back. */
import { connect, errorWords, resolverError, systemTimeoutMs } from "./connection.ts";
import type { ToolContext } from "./tool.ts";

export const isSocketPath = (path: string): boolean => /^\/dev\/(tcp|udp)\/[^/]+\/[^/]+$/.test(path);

/** @returns bash's complaint without its own name in front, or nothing once it is connected; and how long that took */
export function openSocket(context: ToolContext, path: string): { complaint?: string; ms: number } {
  const [, protocol, host = "", portText = ""] = /^\/dev\/(tcp|udp)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const connection = connect(context, { host, port: Number(portText), protocol: protocol === "udp" ? "UDP" : "TCP" });
  if (connection.result === "no-name")
    return { complaint: `line 1: ${host}: ${resolverError(connection.error)}\nbash: line 1: ${path}: Invalid argument`, ms: 0 };
  if (connection.result === "connected" || protocol === "udp") return { ms: 0 };
  const words = errorWords(context, connection.error);
  return { complaint: `connect: ${words}\nbash: line 1: ${path}: ${words}`, ms: connection.error === "ETIMEDOUT" ? systemTimeoutMs : 0 };
}
