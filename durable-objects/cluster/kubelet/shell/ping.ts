/** ping, in the two makes that images bring: busybox and iputils. */
import { parseIP } from "../../api/ip-address.ts";
import type { Route } from "../../api/network.ts";
import { busyboxPrefersFour, busyboxUsage } from "./busybox.ts";
import { connect, resolverError } from "./connection.ts";
import { gatewayOf, reverseName, routersBetween } from "./path.ts";
import { hasOption, type Options, optionValue, type Pausing, readOptions, type Tool, type ToolContext } from "./tool.ts";

const spec = { short: "46c:s:i:At:I:W:w:qp:n" };
const iputilsSpec = { short: "46c:s:i:At:I:W:w:qp:nvDOLM:Q:S:BfabhdV" };
const iputilsVersion = "ping from iputils 20221126\nlibcap: yes, IDN: yes, NLS: no, error.h: yes, getrandom(): yes, __fpending(): yes\n";

export const ping: Tool = (context) => (context.place.image.userland.flavours.ping === "iputils" ? iputils(context) : busybox(context));

interface Plan {
  host: string;
  count: number | undefined;
  intervalMs: number;
  size: number;
  isQuiet: boolean;
  hopLimit: number;
  family: 4 | 6 | undefined;
  deadlineMs: number | undefined;
}

/** Without a count a ping goes on until it is interrupted; here until this many, so that no exec runs for ever. */
const maxPings = 3600;

interface Reply {
  ms: number;
  ttl: number;
}

function planOf(options: Options): Plan | { bad: string } {
  for (const { name, value } of options.given) {
    if ("cstwW".includes(name) && !/^\d+(\.\d+)?$/.test(value)) return { bad: value };
  }
  const seconds = (name: string): number | undefined => {
    const value = optionValue(options, name);
    return value === undefined ? undefined : Number(value) * 1000;
  };
  return {
    host: options.operands.at(-1) ?? "",
    count: Number(optionValue(options, "c") ?? 0) || undefined,
    intervalMs: hasOption(options, "A") ? 0 : (seconds("i") ?? 1000),
    size: Number(optionValue(options, "s") ?? 56),
    isQuiet: hasOption(options, "q"),
    hopLimit: Number(optionValue(options, "t") ?? 64),
    family: hasOption(options, "6") ? 6 : hasOption(options, "4") ? 4 : undefined,
    deadlineMs: seconds("w"),
  };
}

/** How many requests go out within the limits of count and deadline. */
function requestsOf({ count, deadlineMs, intervalMs }: Plan): number {
  const inTime = deadlineMs === undefined ? maxPings : Math.max(1, Math.ceil(deadlineMs / Math.max(intervalMs, 1)));
  return Math.min(count ?? maxPings, inTime, maxPings);
}

const routeTo = (context: ToolContext, host: string, family: 4 | 6 | undefined) =>
  connect(context, {
    host,
    port: 0,
    protocol: "ICMP",
    prefersFour: context.place.image.userland.flavours.ping !== "iputils" && busyboxPrefersFour(context),
    ...(family === undefined ? {} : { family }),
  });

/** One request on its way, after the first has resolved the name. */
function echo(context: ToolContext, route: Route, ip: string, hopLimit: number): Reply | undefined {
  if (route.verdict !== "delivered") return undefined;
  const hops = routersBetween(context, route, ip);
  if (hops >= hopLimit) return undefined;
  const base = [0.05, 0.08, 0.2][hops] ?? 0.2;
  return { ttl: 64 - hops, ms: base + context.random.next() * 0.15 };
}

// ---- busybox

function* busybox(context: ToolContext): Pausing {
  const words = context.argv.slice(1);
  const options = readOptions(words, spec);
  if (words.includes("--help")) return usage(context, {}, 0);
  if (options.problem || options.operands.length === 0) return usage(context, options, 1);
  const plan = planOf(options);
  if ("bad" in plan) return complain(context, `ping: invalid number '${plan.bad}'`);
  const { host } = plan;
  const typed = withoutPort(host);
  if (typed.badPort !== undefined) return complain(context, `ping: bad port '${typed.badPort}'`);
  const first = routeTo(context, typed.name, plan.family);
  if (first.result === "no-name") return complain(context, `ping: bad address '${host}'`);
  const { ip } = first;
  const foreign = foreignSource(context, options);
  context.out(`PING ${host} (${ip})${foreign === undefined ? "" : ` from ${foreign}`}: ${plan.size} data bytes\n`);
  if (foreign !== undefined) return complain(context, "ping: can't set multicast source interface");
  if (first.result === "failed" && first.route.verdict === "no-route") {
    return complain(
      context,
      `ping: sendto: ${context.place.image.userland.libc === "musl" ? "Network unreachable" : "Network is unreachable"}`,
    );
  }
  const { sent, replies } = yield* run(context, plan, first.route, ip, (seq, reply) => {
    if (!reply || plan.isQuiet) return;
    const time = plan.size >= 4 ? ` time=${reply.ms.toFixed(3)} ms` : "";
    context.out(`${plan.size + 8} bytes from ${ip}: seq=${seq} ttl=${reply.ttl}${time}\n`);
  });
  context.out(
    `\n--- ${host} ping statistics ---\n${sent} packets transmitted, ${replies.length} packets received, ${lossOf(sent, replies)}% packet loss\n`,
  );
  if (replies.length > 0 && plan.size >= 4) context.out(`round-trip min/avg/max = ${summary(replies).slice(0, 3).join("/")} ms\n`);
  return replies.length > 0 ? 0 : 1;
}

/** `-I`: an address that the pod does not have. */
function foreignSource({ place: { pod } }: ToolContext, options: Options): string | undefined {
  const source = optionValue(options, "I");
  const own = [...(pod.status.podIPs ?? []).map(({ ip }) => ip), "127.0.0.1", "::1"];
  return source !== undefined && parseIP(source) && !own.includes(source) ? source : undefined;
}

/** busybox accepts `name:port` and ignores the port. */
function withoutPort(host: string): { name: string; badPort?: string } {
  const match = /^([^:]*):([^:]*)$/.exec(host);
  if (!match) return { name: host };
  return /^\d+$/.test(match[2] as string) ? { name: match[1] as string } : { name: host, badPort: match[2] as string };
}

function* run(
  context: ToolContext,
  plan: Plan,
  first: Route,
  ip: string,
  each: (seq: number, reply: Reply | undefined, route: Route) => void,
): Generator<number, { sent: number; replies: Reply[] }, boolean> {
  const replies: Reply[] = [];
  const requests = requestsOf(plan);
  for (let seq = 0; seq < requests; seq += 1) {
    const connection = seq === 0 ? undefined : routeTo(context, ip, undefined);
    const route = connection && connection.result !== "no-name" ? connection.route : first;
    const reply = echo(context, route, ip, plan.hopLimit);
    if (reply) replies.push(reply);
    each(seq, reply, route);
    if (seq + 1 < requests && !(yield plan.intervalMs)) return { sent: seq + 1, replies };
  }
  return { sent: requests, replies };
}

const lossOf = (sent: number, replies: readonly Reply[]): number => (sent === 0 ? 0 : Math.floor(((sent - replies.length) * 100) / sent));

function summary(replies: readonly Reply[]): string[] {
  const times = replies.map(({ ms }) => ms);
  const average = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  const deviation = Math.sqrt(Math.max(0, times.reduce((sum, ms) => sum + ms * ms, 0) / times.length - average * average));
  return [Math.min(...times), average, Math.max(...times), deviation].map((ms) => ms.toFixed(3));
}

function complain({ err }: ToolContext, text: string, code = 1): number {
  err(`${text}\n`);
  return code;
}

function usage(context: ToolContext, options: Pick<Options, "problem">, code: number): number {
  context.err(busyboxUsage(context, usageText, options));
  return code;
}

const usageText = `Usage: ping [OPTIONS] HOST

Send ICMP ECHO_REQUESTs to HOST

	-4,-6		Force IP or IPv6 name resolution
	-c CNT		Send only CNT pings
	-s SIZE		Send SIZE data bytes in packets (default 56)
	-i SECS		Interval
	-A		Ping as soon as reply is received
	-t TTL		Set TTL
	-I IFACE/IP	Source interface or IP address
	-W SEC		Seconds to wait for the first response (default 10)
			(after all -c CNT packets are sent)
	-w SEC		Seconds until ping exits (default:infinite)
			(can exit earlier with -c CNT)
	-q		Quiet, only display output at start/finish
	-p HEXBYTE	Payload pattern
`;

// ---- iputils

const mtu = 1500;

const icmpTexts: Record<NonNullable<Route["icmp"]>, string> = {
  "port-unreachable": "Destination Port Unreachable",
  "host-unreachable": "Destination Host Unreachable",
  "net-unreachable": "Destination Net Unreachable",
  "tcp-reset": "Destination Port Unreachable",
};

function* iputils(context: ToolContext): Pausing {
  const options = readOptions(context.argv.slice(1), iputilsSpec);
  if (hasOption(options, "V")) {
    context.out(iputilsVersion);
    return 0;
  }
  if (hasOption(options, "h")) return complain(context, iputilsUsage.trimEnd(), 2);
  if (options.problem?.kind === "unknown") {
    context.err(`ping: invalid option -- '${options.problem.name}'\n${iputilsUsage}`);
    return 2;
  }
  if (optionValue(options, "c") === "0")
    return complain(context, "ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807");
  if (options.problem) return complain(context, `ping: option requires an argument -- '${options.problem.name}'`, 2);
  if (options.operands.length === 0) return complain(context, "ping: usage error: Destination address required");
  const plan = planOf(options);
  if ("bad" in plan) return complain(context, `ping: invalid argument: '${plan.bad}'`);
  const { host } = plan;
  const first = routeTo(context, host, plan.family);
  if (first.result === "no-name") {
    const isOtherFamily =
      plan.family !== undefined && first.error === "no-address" && routeTo(context, host, undefined).result !== "no-name";
    return complain(
      context,
      `ping: ${host}: ${isOtherFamily ? "Address family for hostname not supported" : resolverError(first.error)}`,
      2,
    );
  }
  if (foreignSource(context, options) !== undefined) return complain(context, "ping: bind: Cannot assign requested address", 2);
  const { ip } = first;
  if (first.result === "failed" && first.route.verdict === "no-route") return complain(context, "ping: connect: Network is unreachable", 2);
  const isAddress = parseIP(host) !== undefined;
  const canonical = isAddress ? host : (first.route.resolution?.canonname ?? host.replace(/\.$/, ""));
  const shownHost = ip.includes(":") ? host : canonical;
  const sizes = ip.includes(":") ? `${plan.size} data bytes` : `${plan.size}(${plan.size + 28}) bytes of data.`;
  const named = isAddress || hasOption(options, "n") ? ip : `${reverseName(context, ip)} (${ip})`;
  context.out(ip.includes(":") ? `PING ${shownHost}(${isAddress ? ip : named}) ${sizes}\n` : `PING ${canonical} (${ip}) ${sizes}\n`);
  const from = named;
  const gateway = gatewayOf(context, ip.includes(":"));
  // The time of sending travels in the data; without room for it nothing is measured.
  const hasTime = plan.size >= 16;
  const isTooFar = (route: Route): boolean => route.verdict === "delivered" && routersBetween(context, route, ip) >= plan.hopLimit;
  const isTooBig = optionValue(options, "M") === "do" && plan.size + 28 > mtu;
  let errors = 0;
  const { sent, replies } = yield* run(context, isTooBig ? { ...plan, hopLimit: 0 } : plan, first.route, ip, (seq, reply, route) => {
    if (reply) {
      if (plan.isQuiet) return;
      const time = hasTime ? ` time=${reply.ms.toFixed(3)} ms` : "";
      context.out(`${plan.size + 8} bytes from ${from}: icmp_seq=${seq + 1} ttl=${reply.ttl}${time}\n`);
    } else if (isTooBig) {
      errors += 1;
      context.err(`ping: local error: message too long, mtu=${mtu}\n`);
    } else if (isTooFar(route)) {
      errors += 1;
      if (!plan.isQuiet) context.out(`From ${gateway} icmp_seq=${seq + 1} Time to live exceeded\n`);
    } else if (route.icmp !== undefined) {
      errors += 1;
      const words = ip.includes(":") ? "Destination unreachable: No route" : icmpTexts[route.icmp];
      if (!plan.isQuiet) context.out(`From ${gateway} icmp_seq=${seq + 1} ${words}\n`);
    } else if (hasOption(options, "O") && !plan.isQuiet && seq + 1 < requestsOf(plan)) {
      context.out(`no answer yet for icmp_seq=${seq + 1}\n`);
    }
  });
  const took = replies.length === 0 ? Math.max(0, (sent - 1) * plan.intervalMs) : Math.round((sent - 1) * plan.intervalMs);
  context.out(
    `\n--- ${shownHost} ping statistics ---\n${sent} packets transmitted, ${replies.length} received, ${errors > 0 ? `+${errors} errors, ` : ""}${lossOf(sent, replies)}% packet loss, time ${took}ms\n`,
  );
  context.out(replies.length > 0 && hasTime ? `rtt min/avg/max/mdev = ${summary(replies).join("/")} ms\n` : "\n");
  return replies.length > 0 ? 0 : 1;
}

const iputilsUsage = `
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -a                 use audible ping
  -A                 use adaptive ping
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -C                 call connect() syscall on socket creation
  -D                 print timestamps
  -d                 use SO_DEBUG socket option
  -e <identifier>    define identifier for ping session, default is random for
                     SOCK_RAW and kernel defined for SOCK_DGRAM
                     Imply using SOCK_RAW (for IPv4 only for identifier 0)
  -f                 flood ping
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -L                 suppress loopback of multicast packets
  -l <preload>       send <preload> number of packages while waiting replies
  -m <mark>          tag the packets going out
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -p <pattern>       contents of padding byte
  -q                 quiet output
  -Q <tclass>        use quality of service <tclass> bits
  -s <size>          use <size> as number of data bytes to be sent
  -S <size>          use <size> as SO_SNDBUF socket option value
  -t <ttl>           define time to live
  -U                 print user-to-user latency
  -v                 verbose output
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast
  -R                 record route
  -T <timestamp>     define timestamp, can be one of <tsonly|tsandaddr|tsprespec>

IPv6 options:
  -6                 use IPv6
  -F <flowlabel>     define flow label, default is random
  -N <nodeinfo opt>  use icmp6 node info query, try <help> as argument

For more details see ping(8).
`;
