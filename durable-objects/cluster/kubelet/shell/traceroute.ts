/**
 * traceroute as busybox and as Debian's, and tracepath: the routers between a pod and an address. A node is the first
 * router of its pods; the node of another pod is the second.
 */
import type { Route } from "../../api/network.ts";
import { busyboxPrefersFour, busyboxUsage } from "./busybox.ts";
import { connect, errorWords, resolverError } from "./connection.ts";
import { gatewayOf, reverseName, routersBetween } from "./path.ts";
import { hasOption, type Options, optionValue, readOptions, type Tool, type ToolContext } from "./tool.ts";

export const traceroute: Tool = (context) =>
  context.place.image.userland.flavours.traceroute === "debian" ? debian(context) : busybox(context);

interface Station {
  /** Absent: nothing comes back from there. */
  ip?: string;
  mark?: string;
}

interface Plan {
  host: string;
  ip: string;
  isSix: boolean;
  isNumeric: boolean;
  probes: number;
  maxHops: number;
  waitMs: number;
}

const usage = `Usage: traceroute [-46IFlnrv] [-f 1ST_TTL] [-m MAXTTL] [-q PROBES] [-p PORT]
	[-t TOS] [-w WAIT_SEC] [-s SRC_IP] [-i IFACE]
	[-z PAUSE_MSEC] HOST [BYTES]

Trace the route to HOST

	-4,-6	Force IP or IPv6 name resolution
	-F	Set don't fragment bit
	-I	Use ICMP ECHO instead of UDP datagrams
	-l	Display TTL value of the returned packet
	-n	Print numeric addresses
	-r	Bypass routing tables, send directly to HOST
	-v	Verbose
	-f N	First number of hops (default 1)
	-m N	Max number of hops
	-q N	Number of probes per hop (default 3)
	-p N	Base UDP port number used in probes
		(default 33434)
	-s IP	Source address
	-i IFACE Source interface
	-t N	Type-of-service in probe packets (default 0)
	-w SEC	Wait for a response (default 3)
	-z MSEC	Wait before each send
`;

function busybox(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "46FIlnrvf:m:q:p:s:i:t:w:z:" });
  const [host] = options.operands;
  if (options.problem || host === undefined) {
    context.err(busyboxUsage(context, usage, options));
    return 1;
  }
  const connection = connect(context, { host, port: 0, protocol: "ICMP", prefersFour: busyboxPrefersFour(context) });
  if (connection.result === "no-name") {
    context.err(`traceroute: bad address '${host}'\n`);
    return 1;
  }
  if (connection.result === "failed" && connection.route.verdict === "no-route") {
    context.err(`traceroute: can't connect to remote host: ${errorWords(context, connection.error)}\n`);
    return 1;
  }
  const plan = planOf(options, host, connection.ip, 3000);
  context.out(`traceroute to ${host} (${plan.ip}), ${plan.maxHops} hops max, ${plan.isSix ? 72 : 46} byte packets\n`);
  print(context, plan, stations(context, connection.route, plan), "  *", (ip) => ip);
  return 0;
}

function debian(context: ToolContext): number {
  const options = readOptions(context.argv.slice(1), { short: "46dFITUnreAVf:g:i:m:N:p:t:l:w:q:s:z:M:O:P:D" });
  const [host] = options.operands;
  if (options.problem || host === undefined) {
    context.err('Specify "host" missing argument.\n');
    return 2;
  }
  const connection = connect(context, { host, port: 0, protocol: "ICMP" });
  if (connection.result === "no-name") {
    const position = context.argv.indexOf(host);
    context.err(
      `${host}: ${resolverError(connection.error)}\nCannot handle "host" cmdline arg \`${host}' on position 1 (argc ${position})\n`,
    );
    return 2;
  }
  const plan = planOf(options, host, connection.ip, 5000);
  context.out(`traceroute to ${host} (${plan.ip}), ${plan.maxHops} hops max, ${plan.isSix ? 80 : 60} byte packets`);
  if (connection.result === "failed" && connection.route.verdict === "no-route") {
    context.err("\nconnect: Network is unreachable\n");
    return 1;
  }
  context.out("\n");
  const found = hasOption(options, "T")
    ? overTCP(context, plan, Number(optionValue(options, "p") ?? 80))
    : stations(context, connection.route, plan).map(({ ip, mark }) => ({
        ...(ip ? { ip } : {}),
        ...(mark ? { mark: mark.replace(/!C|!A/, "!X") } : {}),
      }));
  print(context, plan, found, " *", (ip) => reverseName(context, ip));
  return 0;
}

function planOf(options: Options, host: string, ip: string, waitMs: number): Plan {
  const number = (name: string, usual: number): number => Number(optionValue(options, name) ?? usual) || usual;
  return {
    host,
    ip,
    isSix: ip.includes(":"),
    isNumeric: hasOption(options, "n"),
    probes: Math.min(10, number("q", 3)),
    maxHops: Math.min(255, number("m", 30)),
    waitMs: optionValue(options, "w") === undefined ? waitMs : number("w", 3) * 1000,
  };
}

const marks: Record<NonNullable<Route["icmp"]>, string> = {
  "host-unreachable": "!H",
  "net-unreachable": "!N",
  "port-unreachable": "",
  "tcp-reset": "",
};

/** Who answers each hop, up to the last that there is. */
function stations(context: ToolContext, route: Route, plan: Plan): Station[] {
  const gateway = { ip: gatewayOf(context, plan.isSix) };
  const routers = routersBetween(context, route, plan.ip);
  if (route.verdict === "delivered") {
    if (routers === 0) return [{ ip: plan.ip }];
    const node = routers === 2 ? nodeOf(context, route) : undefined;
    return [gateway, ...(node === undefined ? [] : [{ ip: node }]), { ip: plan.ip }];
  }
  const silence = Array.from({ length: plan.maxHops }, (): Station => ({}));
  if (route.icmp !== undefined) {
    const mark = marks[route.icmp];
    // The routing table refuses at the first hop; a firewall rule looks only at what is allowed on.
    if (route.icmp === "host-unreachable") return [{ ...gateway, mark }];
    return [gateway, { ...gateway, mark }];
  }
  return [gateway, ...silence].slice(0, plan.maxHops);
}

/** The address of the node that the packet goes to, as the route tells it. */
function nodeOf({ nodeIP }: ToolContext, { backend }: Route): string | undefined {
  return backend?.node === undefined ? undefined : nodeIP(backend.node);
}

/** Translation rewrites what comes back too: every hop seems to be the service. */
function overTCP(context: ToolContext, plan: Plan, port: number): Station[] {
  const { route, result } = connect(context, { host: plan.ip, port }) as { route: Route; result: string };
  const isTranslated = route.backend !== undefined && route.backend.ip !== plan.ip;
  if (result !== "connected" || !isTranslated) return stations(context, route, plan);
  const way = connect(context, { host: route.backend?.ip ?? plan.ip, port: 0, protocol: "ICMP" });
  const hops = way.result === "connected" ? stations(context, way.route, { ...plan, ip: way.ip }).length : 1;
  return Array.from({ length: hops }, () => ({ ip: plan.ip }));
}

function print(context: ToolContext, plan: Plan, found: readonly Station[], star: string, nameOf: (ip: string) => string): void {
  const ms = (): string => `${(0.002 + context.random.next() * 0.06).toFixed(3)} ms`;
  for (const [at, { ip, mark }] of found.slice(0, plan.maxHops).entries()) {
    const shown = ip === undefined ? "" : plan.isNumeric ? `  ${ip}` : `  ${nameOf(ip)} (${ip})`;
    const probe = (): string => `  ${ms()}${mark ? ` ${mark}` : ""}`;
    const cells = Array.from({ length: plan.probes }, ip === undefined ? () => star : probe).join("");
    if (ip === undefined) context.wait(plan.waitMs * plan.probes);
    const first = ip === undefined && star === " *" ? cells.slice(1) : cells;
    context.out(`${String(at + 1).padStart(2)}${shown}${ip === undefined && star === " *" ? `  ${first}` : first}\n`);
  }
}

/** iputils' tracepath, as far as `-n HOST`. */
export const tracepath: Tool = (context) => {
  const options = readOptions(context.argv.slice(1), { short: "46bl:m:np:V" });
  const [host] = options.operands;
  if (options.problem || host === undefined) {
    context.err("\nUsage\n  tracepath [options] <destination>\n");
    return 2;
  }
  const connection = connect(context, { host, port: 0, protocol: "ICMP" });
  if (connection.result === "no-name") {
    context.err(`tracepath: ${host}: ${resolverError(connection.error)}\n`);
    return 2;
  }
  const plan = planOf(options, host, connection.ip, 1000);
  const found = stations(context, connection.route, plan);
  const time = (): string => `${(0.01 + context.random.next() * 0.06).toFixed(3)}ms`;
  const line = (hop: number, text: string): void => context.out(`${String(hop).padStart(2)}:  ${text}`);
  context.out(" 1?: [LOCALHOST]                      pmtu 1500\n");
  const isReached = connection.route.verdict === "delivered";
  for (const [at, { ip }] of found.entries()) {
    const isLast = at + 1 === found.length;
    if (ip === undefined) line(at + 1, "no reply\n");
    else line(at + 1, `${ip.padEnd(54)}${time()} ${isLast && isReached ? "reached" : ""}\n`);
    if (at === 0 && ip !== undefined && found.length > 1) line(1, `${ip.padEnd(54)}${time()} \n`);
  }
  context.out(
    isReached
      ? `     Resume: pmtu 1500 hops ${found.length} back ${found.length} \n`
      : "     Too many hops: pmtu 1500\n     Resume: pmtu 1500 \n",
  );
  return 0;
};
