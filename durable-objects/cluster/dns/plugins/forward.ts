/**
 * `forward FROM TO...`: hands questions on to resolvers outside the cluster.
 *
 * What lies outside is the `Upstream` port, which speaks for the nodes' own resolver (`/etc/resolv.conf`) and for the
 * public ones. Any other address stands for a machine that does not answer.
 *
 * @see https://coredns.io/plugins/forward/
 */
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import { parseIP } from "../../api/ip-address.ts";
import type { Upstream } from "../../api/ports.ts";
import { nodeNameserver } from "../../api/resolv-conf.ts";
import { CorefileError, type Directive, wrongArguments } from "../corefile.ts";
import { zoneAround, zoneName } from "../zone-name.ts";
import { emptyMessage, failed, type Handler, type Plugin } from "./plugin.ts";

interface Forward {
  from: string;
  except: readonly string[];
  reachable: boolean;
}

const resolvConf = "/etc/resolv.conf";

/** Resolvers that answer for the whole world, and the nodes' own. */
const answering = new Set([
  nodeNameserver,
  ...["8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "149.112.112.112", "208.67.222.222", "208.67.220.220"],
]);

const properties = new Set([
  "force_tcp",
  "prefer_udp",
  "expire",
  "max_fails",
  "max_idle_conns",
  "policy",
  "health_check",
  "max_concurrent",
]);
const withoutEffect = new Set([
  "tls",
  "tls_servername",
  "next",
  "failfast_all_unhealthy_upstreams",
  "failover",
  "max_connect_attempts",
  "doh_method",
  "max_age",
]);

export const forward: Plugin = {
  name: "forward",
  read(directives, _serverZone, notEmulated) {
    const forwards = directives.map((directive) => forwardOf(directive, notEmulated));
    return (next, { upstream }) => forwarding(forwards, next, upstream);
  },
};

function forwardOf({ args, block, line }: Directive, notEmulated: (what: string) => void): Forward {
  const [from, ...to] = args;
  if (from === undefined || to.length === 0) throw wrongArguments(line, args.at(-1) ?? "forward", "forward");
  const addresses = to.map((target) => addressOf(target, line));
  let except: string[] = [];
  for (const { words, line: at } of block) {
    const [property = "", ...values] = words;
    if (property === "except") except = [...except, ...values.map(zoneName)];
    else if (withoutEffect.has(property)) notEmulated(`forward: ${property}`);
    else if (!properties.has(property)) throw new CorefileError(at, `unknown property '${property}'`, "forward");
  }
  return { from: zoneName(from), except, reachable: addresses.some((address) => answering.has(address)) };
}

/** Which address stands behind a target: `8.8.8.8:53`, `tls://1.1.1.1`, a file with name servers. */
function addressOf(target: string, line: number): string {
  if (target === resolvConf) return nodeNameserver;
  const bare = target.replace(/^(dns|tls|https|grpc):\/\//, "").replace(/%.*$/, "");
  const address = /^\[(.*)\](:\d+)?$/.exec(bare)?.[1] ?? (bare.split(":").length === 2 ? bare.slice(0, bare.indexOf(":")) : bare);
  if (parseIP(address) === undefined) throw new CorefileError(line, `not an IP address or file: ${JSON.stringify(target)}`, "forward");
  return address;
}

/** The targets of the directive that names outside the cluster go to, as written; absent: none is forwarded. */
export const isReachable = (target: string): boolean => target === resolvConf || answering.has(addressOf(target, 0));

function forwarding(forwards: readonly Forward[], next: Handler, upstream: Upstream): Handler {
  return (query) => {
    const { question } = query;
    const zone = zoneAround(
      question.name,
      forwards.map(({ from }) => from),
    );
    const chosen = forwards.find(({ from }) => from === zone);
    if (chosen === undefined || zoneAround(question.name, chosen.except) !== undefined) return next(query);
    query.lasting = false;
    const message = chosen.reachable ? askUpstream(question, upstream) : undefined;
    return message ?? { ...failed(question), source: "forward", outside: true };
  };
}

/** What the resolver outside the cluster answers; `undefined`: nothing. */
export function askUpstream(question: DnsQuestion, upstream: Upstream): DnsMessage | undefined {
  const reply = upstream.dns(question.name, question.type);
  if (reply === undefined) return undefined;
  const { rcode, answers, authority = [], aa = false } = reply;
  return { ...emptyMessage(question), rcode, aa, ra: true, answer: answers, authority, source: "forward", outside: true };
}
