/** nc as busybox and as OpenBSD's netcat: probing ports and, with something piped in, a conversation in HTTP. */
import { parseIP } from "../../api/ip-address.ts";
import type { Route } from "../../api/network.ts";
import { parseRequests, responseBytes } from "../http-message.ts";
import { busyboxPrefersFour } from "./busybox.ts";
import { connect, type connectionOf, endpoint, errorWords, resolverError } from "./connection.ts";
import { serviceNames } from "./service-names.ts";
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "./tool.ts";

export const nc: Tool = (context) => (context.place.image.userland.flavours.nc === "openbsd" ? openbsd(context) : busybox(context));

/** What the server says to what was piped in; nothing where it does not speak HTTP. */
function converse(context: ToolContext, host: string, port: number, first: Route): void {
  const { requests } = parseRequests(context.stdin);
  for (const http of requests) {
    const route = context.network.route({ from: context.sender, to: { host: first.target?.ip ?? host, port, protocol: "TCP" }, http });
    if (route.http) context.out(responseBytes(route.http.response, { method: http.method ?? "GET" }));
  }
}

function busybox(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "zvuw:nlp:e:i:o:s:46" });
  const fail = (text: string): number => {
    context.err(`nc: ${text}\n`);
    return 1;
  };
  if (options.problem) {
    context.err(
      `nc: ${options.problem.kind === "unknown" ? "unrecognized option" : "option requires an argument"}: ${options.problem.name}\n${busyboxUsage}`,
    );
    return 1;
  }
  const [host, portText] = options.operands;
  if (host === undefined) {
    context.err(busyboxUsage);
    return 1;
  }
  const port = Number(portText);
  if (!/^\d+$/.test(portText ?? "") || port > 65535) return fail(`bad port '${portText ?? "0"}'`);
  const protocol = hasOption(options, "u") ? "UDP" : "TCP";
  const verbosity = options.given.filter(({ name }) => name === "v").length;
  const connection = connect(context, { host, port, protocol, prefersFour: busyboxPrefersFour(context) });
  if (connection.result === "no-name") return fail(`bad address '${host}'`);
  const { ip } = connection;
  const where = `${host} (${endpoint(ip, port)})`;
  const limit = Number(optionValue(options, "w") ?? Number.POSITIVE_INFINITY);
  const counted = (code: number): number => {
    if (verbosity > 1) context.err("sent 0, rcvd 0\n");
    return code;
  };
  if (protocol === "UDP") return udp(connection, options, () => context.err(verbosity > 0 ? `${where} open\n` : ""));
  if (connection.result === "failed") {
    const { error, late } = connection;
    const said = late && limit <= 1 ? "ETIMEDOUT" : error;
    if (verbosity > 1 || (verbosity === 1 && said !== "ECONNREFUSED")) context.err(`nc: ${where}: ${errorWords(context, said)}\n`);
    return counted(1);
  }
  if (verbosity > 0) context.err(`${where} open\n`);
  if (!hasOption(options, "z")) converse(context, host, port, connection.route);
  return counted(0);
}

/** A datagram that nobody refuses looks received; sending one never fails. */
function udp(connection: ReturnType<typeof connectionOf>, options: Options, open: () => void): number {
  const isRefused = connection.result === "failed" && connection.error === "ECONNREFUSED";
  if (isRefused) return hasOption(options, "z") ? 1 : 0;
  open();
  return 0;
}

function openbsd(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "46CDdFhklNnrStUuvZzI:i:M:m:O:P:p:q:s:T:V:W:w:X:x:" });
  const [host, ...portTexts] = options.operands;
  if (hasOption(options, "h")) {
    context.err(`OpenBSD netcat (Debian patchlevel 1.219-1)\n${openbsdUsage}`);
    return 0;
  }
  if (options.problem || host === undefined) {
    context.err(openbsdUsage);
    return 1;
  }
  if (portTexts.length === 0) {
    context.err("nc: missing port number\n");
    return 1;
  }
  const protocol = hasOption(options, "u") ? "udp" : "tcp";
  let code = 1;
  for (const text of portTexts) {
    const ports = portsOf(text, protocol);
    if (!ports) {
      context.err(`nc: port number invalid: ${text}\n`);
      return 1;
    }
    for (const port of ports) {
      const result = openbsdPort(context, options, host, port, protocol);
      if (result === "no-name") return 1;
      if (result === "open") code = 0;
      if (result === "open" && !hasOption(options, "z")) return 0;
    }
  }
  return code;
}

function openbsdPort(
  context: ToolContext,
  options: Options,
  host: string,
  port: number,
  protocol: "tcp" | "udp",
): "open" | "closed" | "no-name" {
  const isVerbose = hasOption(options, "v");
  if (hasOption(options, "n") && !parseIP(host)) {
    context.err(`nc: getaddrinfo for host "${host}" port ${port}: Name or service not known\n`);
    return "no-name";
  }
  const target = { port, protocol: protocol === "udp" ? ("UDP" as const) : ("TCP" as const) };
  let connection = connect(context, { host, ...target });
  const others = connection.result === "failed" ? (connection.route.resolution?.addresses ?? []).slice(1) : [];
  for (const ip of others) {
    if (connection.result !== "failed") break;
    if (isVerbose)
      context.err(
        `nc: connect to ${host} (${connection.ip}) port ${port} (${protocol}) failed: ${errorWords(context, connection.error)}\n`,
      );
    connection = connect(context, { host: ip, ...target });
  }
  if (connection.result === "no-name") {
    context.err(`nc: getaddrinfo for host "${host}" port ${port}: ${resolverError(connection.error)}\n`);
    return "no-name";
  }
  const shown = parseIP(host) ? host : `${host} (${connection.ip})`;
  const isUdpLost = protocol === "udp" && connection.result === "failed" && connection.error === "ETIMEDOUT";
  if (connection.result === "failed" && !isUdpLost) {
    if (protocol === "udp") return hasOption(options, "z") ? "closed" : "open";
    const timedOut = connection.error === "ETIMEDOUT" && hasOption(options, "w");
    const how = timedOut ? "timed out: Operation now in progress" : `failed: ${errorWords(context, connection.error)}`;
    if (isVerbose) context.err(`nc: connect to ${shown} port ${port} (${protocol}) ${how}\n`);
    return "closed";
  }
  if (isVerbose)
    context.err(
      `Connection to ${shown} ${port} port [${protocol}/${(hasOption(options, "n") ? undefined : serviceNames[`${port}/${protocol}`]) ?? "*"}] succeeded!\n`,
    );
  if (protocol === "tcp" && !hasOption(options, "z")) converse(context, host, port, connection.route);
  return "open";
}

/** `80`, `79-81`, `http` */
function portsOf(text: string, protocol: string): number[] | undefined {
  const range = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!range) {
    const named = Object.entries(serviceNames).find(([, name]) => name === text)?.[0];
    return named?.endsWith(`/${protocol}`) ? [Number.parseInt(named, 10)] : undefined;
  }
  const [first, last] = [Number(range[1]), Number(range[2] ?? range[1])];
  if (first < 1 || last > 65535) return undefined;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
}

const busyboxUsage = `BusyBox v1.36.1 (2026-11-23 14:57:04 UTC) multi-call binary.

Usage: nc [OPTIONS] HOST PORT  - connect
nc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen

	-e PROG	Run PROG after connect (must be last)
	-l	Listen mode, for inbound connects
	-lk	With -e, provides persistent server
	-p PORT	Local port
	-s ADDR	Local address
	-w SEC	Timeout for connects and final net reads
	-i SEC	Delay interval for lines sent
	-n	Don't do DNS resolution
	-u	UDP mode
	-b	Allow broadcasts
	-v	Verbose
	-o FILE	Hex dump traffic
	-z	Zero-I/O mode (scanning)
`;

const openbsdUsage = `usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
	  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
	  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
	  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
	  [destination] [port]
`;
