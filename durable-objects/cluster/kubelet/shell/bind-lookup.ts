/**
 * How the programs of BIND 9.18 (dig, host, nslookup) send questions: along the search list one type at a time, over
 * TCP again where a reply was cut, to the next server where one does not reply.
 */
import type { DnsMessage, DnsQuestion, Edns } from "../../api/dns-message.ts";
import { isAbsolute, labelsOf } from "../../api/domain-names.ts";
import { numberOption, parseResolvConf } from "../../api/resolv-conf.ts";
import { type DnsIO, type DnsServer, dnsPort, onWire } from "./dns-io.ts";

export interface BindSettings {
  servers: readonly DnsServer[];
  /** Whether names go through the search list. */
  search: boolean;
  recurse: boolean;
  tcp: boolean;
  /** Takes cut replies as they are. */
  ignoreTruncation: boolean;
  tries: number;
  edns: Edns | undefined;
  /** Whether a SERVFAIL is taken as the answer; else the next server is tried. */
  servfailStops: boolean;
}

export interface BindReply {
  message: DnsMessage;
  server: DnsServer;
  transport: "udp" | "tcp";
}

/** What is said about replies on the way, in the order in which it happens. */
export type Notice =
  | { kind: "no-recursion"; server: DnsServer }
  | { kind: "servfail"; server: DnsServer; goesOn: boolean }
  | { kind: "truncated" }
  | { kind: "error"; server: DnsServer; text: "connection refused" | "timed out" };

export function settingsOf(io: DnsIO, given?: DnsServer): BindSettings {
  const { nameservers } = parseResolvConf(io.resolvConf);
  const own = (nameservers.length === 0 ? ["127.0.0.1"] : nameservers).map((ip) => ({ ip, port: dnsPort }));
  return {
    servers: given === undefined ? own : [given],
    search: true,
    recurse: true,
    tcp: false,
    ignoreTruncation: false,
    tries: 3,
    edns: undefined,
    servfailStops: false,
  };
}

/** Names to ask in order. Enough dots or a final one: the name as typed and nothing else. */
export function candidatesOf(typed: string, { search }: BindSettings, io: DnsIO): string[] {
  const conf = parseResolvConf(io.resolvConf);
  const asTyped = onWire(typed);
  const enoughDots = labelsOf(typed).length - 1 >= numberOption(conf, "ndots", 1, 15);
  if (!search || isAbsolute(typed) || enoughDots) return [asTyped];
  return [...conf.search.map((domain) => `${typed}.${onWire(domain)}`), asTyped];
}

/** Walks the candidates until one has no failure; NODATA stops the walk too. @returns the last reply */
export function bindSearch(
  typed: string,
  type: string,
  settings: BindSettings,
  io: DnsIO,
  notice: (of: Notice) => void,
): BindReply | undefined {
  let reply: BindReply | undefined;
  for (const name of candidatesOf(typed, settings, io)) {
    reply = bindAsk({ name, type }, settings, io, notice);
    if (reply === undefined || reply.message.rcode === "NOERROR") break;
  }
  return reply;
}

export function bindAsk(
  of: { name: string; type: string },
  settings: BindSettings,
  io: DnsIO,
  notice: (of: Notice) => void,
): BindReply | undefined {
  const transport = settings.tcp || of.type === "AXFR" ? "tcp" : "udp";
  const question: DnsQuestion = { ...of, transport, rd: settings.recurse, ...(settings.edns === undefined ? {} : { edns: settings.edns }) };
  for (let attempt = 0; attempt < settings.tries; attempt += 1) {
    for (const [index, server] of settings.servers.entries()) {
      const message = io.ask(question, server);
      if (message === undefined || message === "refused") {
        notice({ kind: "error", server, text: message === "refused" ? "connection refused" : "timed out" });
        continue;
      }
      if (!message.ra && settings.recurse) notice({ kind: "no-recursion", server });
      if (message.rcode === "SERVFAIL" && !settings.servfailStops) {
        const goesOn = index + 1 < settings.servers.length;
        notice({ kind: "servfail", server, goesOn });
        if (goesOn) continue;
      }
      return message.tc && !settings.ignoreTruncation ? inFull(question, server, io, notice) : { message, server, transport };
    }
  }
  return undefined;
}

function inFull(question: DnsQuestion, server: DnsServer, io: DnsIO, notice: (of: Notice) => void): BindReply | undefined {
  notice({ kind: "truncated" });
  const message = io.ask({ ...question, transport: "tcp" }, server);
  if (message !== undefined && message !== "refused") return { message, server, transport: "tcp" };
  notice({ kind: "error", server, text: message === "refused" ? "connection refused" : "timed out" });
  return undefined;
}

/** `10.96.0.10#53` */
export const shownServer = ({ ip, port }: DnsServer): string => `${ip}#${port}`;

export const communicationsError = ({ server, text }: Extract<Notice, { kind: "error" }>): string =>
  `;; communications error to ${shownServer(server)}: ${text}\n`;
