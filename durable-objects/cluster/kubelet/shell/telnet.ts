/**
 * telnet as busybox and as inetutils: whether a port answers. What emulated apps speak is HTTP, so that a request typed
 * by hand is answered; the input's end closes the connection before an answer is shown, as with the real ones.
 */
import { parseIP } from "../../api/ip-address.ts";
import { parseRequests, responseBytes } from "../http-message.ts";
import { busyboxPrefersFour, busyboxUsage } from "./busybox.ts";
import { type Connection, connect, errorWords, resolverError, systemTimeoutMs } from "./connection.ts";
import { readOptions, type Tool, type ToolContext } from "./tool.ts";

export const telnet: Tool = (context) =>
  context.place.image.userland.flavours.telnet === "inetutils" ? inetutils(context) : busybox(context);

const usage = `Usage: telnet [-a] [-l USER] HOST [PORT]

Connect to telnet server

	-a	Automatic login with $USER variable
	-l USER	Automatic login as USER
`;

function busybox(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "al:" });
  const [host, portText = "23"] = options.operands;
  if (options.problem || host === undefined) return complain(context, busyboxUsage(context, usage, options));
  if (!/^\d+$/.test(portText) || Number(portText) > 65_535) return complain(context, `telnet: bad port '${portText}'\n`);
  const port = Number(portText);
  const connection = connect(context, { host, port, prefersFour: busyboxPrefersFour(context) });
  if (connection.result === "no-name") return complain(context, `telnet: bad address '${host}'\n`);
  if (connection.result === "failed") {
    patience(context, connection);
    const shown = connection.ip.includes(":") ? "" : ` (${connection.ip})`;
    return complain(context, `telnet: can't connect to remote host${shown}: ${errorWords(context, connection.error)}\n`);
  }
  context.out(`Connected to ${host}\n`);
  converse(context, connection.ip, port);
  return 0;
}

function inetutils(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "468acdEfFKLn:l:rx" });
  const [host, port = "23"] = options.operands;
  if (host === undefined) return 0;
  const number = Number(port);
  if (!/^\d+$/.test(port) || number > 65_535) {
    context.out(`Server lookup failure:  ${host}:${port}, Servname not supported for ai_socktype\n`);
    return 1;
  }
  const first = connect(context, { host, port: number });
  if (first.result === "no-name") {
    context.out(`Server lookup failure:  ${host}:${port}, ${resolverError(first.error)}\n`);
    return 1;
  }
  const addresses = (parseIP(host) === undefined && first.route.resolution?.addresses) || [first.ip];
  let last: Connection = first;
  for (const [at, ip] of addresses.entries()) {
    context.out(`Trying ${ip}...\n`);
    last = ip === first.ip ? first : connect(context, { host: ip, port: number });
    if (last.result !== "failed") break;
    patience(context, last);
    if (at + 1 < addresses.length) context.err(`Connection failed: ${errorWords(context, last.error)}\n`);
  }
  if (last.result === "failed") return complain(context, `telnet: Unable to connect to remote host: ${errorWords(context, last.error)}\n`);
  context.out(`Connected to ${host}.\nEscape character is '^]'.\n`);
  converse(context, last.result === "connected" ? last.ip : host, number);
  context.err("Connection closed by foreign host.\n");
  return 0;
}

function complain({ err }: ToolContext, text: string): number {
  err(text);
  return 1;
}

/** A silent address is given up by the kernel alone. */
function patience(context: ToolContext, { error }: Connection & { result: "failed" }): void {
  if (error === "ETIMEDOUT") context.wait(systemTimeoutMs);
}

/** On a terminal what is typed gets its answer; piped input ends before one comes. */
function converse(context: ToolContext, ip: string, port: number): void {
  if (!context.terminal) return;
  for (const http of parseRequests(context.stdin).requests) {
    const route = context.network.route({ from: context.sender, to: { host: ip, port, protocol: "TCP" }, http });
    if (route.http) context.out(responseBytes(route.http.response, { method: http.method }));
  }
}
