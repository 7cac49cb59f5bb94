/**
 * busybox nslookup: its own DNS over UDP, past the C library. No hosts file, no ndots, no TCP; a name without a dot is
 * put under every search domain and all questions go out at once.
 *
 * The formats before 1.29 are `nslookup-old.ts`; BIND's program of the same name is `bind-nslookup.ts`.
 *
 * @see https://www.busybox.net/downloads/BusyBox.html#nslookup
 */
import { parseAddress, reverseName } from "../../api/dns-address.ts";
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import { nameProblem } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import { parseResolvConf } from "../../api/resolv-conf.ts";
import { type Busybox, busyboxSince } from "./busybox.ts";
import { bare, type DnsIO, type DnsServer, dnsPort, onWire, type Printed, soaLines, wordsOf } from "./dns-io.ts";
import { oldNslookup } from "./nslookup-old.ts";

const queryTypes = ["soa", "ns", "a", "aaaa", "cname", "mx", "txt", "srv", "ptr", "any"];

interface Arguments {
  host: string;
  server: string | undefined;
  types: string[];
  debug: boolean;
  port: number;
}

interface Reply {
  /** Its number among the questions. */
  index: number;
  /** The name as asked, a typed final dot kept. */
  asked: string;
  message: DnsMessage;
}

export type ArrivalOrder = (replies: readonly Reply[]) => Reply[];

/**
 * Which reply comes first is chance in a real cluster. Failures before successes, and what had to be asked outside
 * last: then the last lines show the address, also through `tail`.
 */
export const failuresFirst: ArrivalOrder = (replies) =>
  byRank(replies, ({ message }) => (message.rcode !== "NOERROR" ? 0 : message.outside ? 2 : 1));

/** As questions were asked, only that replies from outside take longer. */
export const asAsked: ArrivalOrder = (replies) => byRank(replies, ({ message }) => (message.outside ? 1 : 0));

const byRank = (replies: readonly Reply[], rank: (reply: Reply) => number): Reply[] =>
  [...replies].sort((a, b) => rank(a) - rank(b) || a.index - b.index);

export function busyboxNslookup(argv: readonly string[], io: DnsIO, busybox: Busybox, arrival: ArrivalOrder = failuresFirst): Printed {
  if (!busyboxSince(busybox, 1, 29)) return oldNslookup(argv, io, busybox);
  const args = parseArguments(argv, busybox);
  if ("exitCode" in args) return args;
  const servers = serversOf(args, io);
  if (servers === undefined) return failed("", `nslookup: bad address '${args.server}'\n`);
  const questions = questionsOf(args, io, busybox);
  const sent = askAll(questions, servers, io);
  if (sent.server === undefined) {
    const refused = sent.refusedBy.map((server) => `nslookup: write to '${server.label}': Connection refused\n`);
    return failed(";; connection timed out; no servers could be reached\n\n", refused.join(""));
  }
  const { label, ip, port } = sent.server;
  const replies = arrival(sent.replies);
  const silent = questions.filter((_, index) => !replies.some((reply) => reply.index === index));
  const stdout = [
    `Server:\t\t${label}\nAddress:\t${ip.includes(":") ? `[${ip}]` : ip}:${port}\n\n`,
    ...replies.map((reply) => `${replyText(reply, args, busybox)}\n`),
    ...silent.map(({ asked }) => `*** Can't find ${asked}: No answer\n`),
    ...(silent.length > 0 ? ["\n"] : []),
  ];
  const anyFailed = replies.some(({ message }) => message.rcode !== "NOERROR");
  return { stdout: stdout.join(""), stderr: "", exitCode: anyFailed && busyboxSince(busybox, 1, 31) ? 1 : 0 };
}

const failed = (stdout: string, stderr: string): Printed => ({ stdout, stderr, exitCode: 1 });

function parseArguments(argv: readonly string[], busybox: Busybox): Arguments | Printed {
  const operands: string[] = [];
  const args: Arguments = { host: "", server: undefined, types: [], debug: false, port: dnsPort };
  for (const word of argv.slice(1)) {
    const [option = "", value = ""] = word.replace(/^-+/, "").split("=");
    if (!word.startsWith("-")) operands.push(word);
    else if (option === "debug") args.debug = true;
    else if (option === "port" || option === "p") args.port = Number(value);
    else if (option === "type" || option === "querytype" || option === "q") {
      const type = value.toLowerCase();
      const known = queryTypes.includes(type) && (type !== "srv" || busyboxSince(busybox, 1, 32));
      if (!known) return failed("", `nslookup: invalid query type "${value}"\n`);
      args.types.push(type);
    } else if (!["t", "timeout", "r", "retry"].includes(option)) return failed("", usage(busybox));
  }
  const [host, server] = operands;
  if (host === undefined || operands.length > 2) return failed("", usage(busybox));
  return { ...args, host, server };
}

const usage = (busybox: Busybox): string =>
  `${busybox.banner}\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n\nQuery DNS about HOST\n\nQUERY_TYPE: soa,ns,a,aaaa,cname,mx,txt,ptr,${busyboxSince(busybox, 1, 32) ? "srv," : ""}any\n`;

type LabelledServer = DnsServer & { label: string };

/** A server that is given may carry a port and may be a name, which the C library looks up. */
function serversOf({ server, port }: Arguments, io: DnsIO): LabelledServer[] | undefined {
  if (server === undefined) {
    const { nameservers } = parseResolvConf(io.resolvConf);
    return (nameservers.length === 0 ? ["127.0.0.1"] : nameservers).map((ip) => ({ ip, port, label: ip }));
  }
  const [, host = server, ownPort] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(parseAddress(server) === undefined ? server : `[${server}]`) ?? [];
  const ip = parseAddress(host)?.text ?? io.resolve(host).addresses[0];
  return ip === undefined ? undefined : [{ ip, port: ownPort === undefined ? port : Number(ownPort), label: server }];
}

interface Query {
  asked: string;
  question: DnsQuestion;
}

/** For each type, each candidate. The name as typed is not asked where the search list is used. */
function questionsOf({ host, server, types }: Arguments, io: DnsIO, busybox: Busybox): Query[] {
  const address = parseAddress(host);
  const query = (asked: string, type: string): Query => ({ asked, question: { name: onWire(asked), type: type.toUpperCase() } });
  if (types.length === 0 && address !== undefined) return [query(bare(reverseName(address)), "ptr")];
  const { search } = server === undefined ? parseResolvConf(io.resolvConf) : { search: [] };
  const searched = !host.includes(".") && search.length > 0 && busyboxSince(busybox, 1, 30);
  const asked = types.length === 0 ? ["a", "aaaa"] : queryTypes.filter((type) => types.includes(type));
  return asked.flatMap((type) =>
    searched && type !== "ptr" ? search.map((domain) => query(`${host}.${domain}`, type)) : [query(host, type)],
  );
}

interface Sent {
  /** The server that replied; `undefined`: none did. */
  server: LabelledServer | undefined;
  replies: Reply[];
  refusedBy: LabelledServer[];
}

const resendsAfterFailure = 2;

/** Servers in turn; the next one only where one gives no reply at all. A name that cannot be encoded goes nowhere. */
function askAll(queries: readonly Query[], servers: readonly LabelledServer[], io: DnsIO): Sent {
  const refusedBy: LabelledServer[] = [];
  if (queries.some(({ asked }) => nameProblem(asked) !== undefined)) return { server: undefined, replies: [], refusedBy };
  for (const server of servers) {
    const ask = (question: DnsQuestion): DnsMessage | undefined => {
      const reply = io.ask(question, server);
      if (reply === "refused" && !refusedBy.includes(server)) refusedBy.push(server);
      return reply === "refused" ? undefined : reply;
    };
    let messages = queries.map(({ question }) => ask(question));
    for (let resend = 0; resend < resendsAfterFailure; resend += 1) {
      messages = messages.map((message, index) => (message?.rcode === "SERVFAIL" ? ask((queries[index] as Query).question) : message));
    }
    const replies = queries.flatMap(({ asked }, index) => {
      const message = messages[index];
      return message === undefined ? [] : [{ index, asked, message }];
    });
    if (replies.length > 0) return { server, replies, refusedBy };
  }
  return { server: undefined, replies: [], refusedBy };
}

/** Milliseconds that a reply takes: those from outside come later. */
const elapsedMs = ({ outside }: DnsMessage): number => (outside ? 25 : 0);

function replyText({ index, asked, message }: Reply, { debug }: Arguments, busybox: Busybox): string {
  const timing = debug ? `Query #${index} completed in ${elapsedMs(message)}ms:\n` : "";
  if (message.rcode !== "NOERROR") return `${timing}** server can't find ${asked}: ${message.rcode}\n`;
  const authority = message.aa ? (debug ? "authoritative answer:\n" : "") : "Non-authoritative answer:\n";
  const saysNoAnswer = message.answer.length === 0 && busyboxSince(busybox, 1, 32) && !busyboxSince(busybox, 1, 34);
  return timing + authority + (saysNoAnswer ? `*** Can't find ${asked}: No answer\n` : message.answer.map(recordText).join(""));
}

function recordText(record: DnsRecord): string {
  const name = bare(record.name);
  const [first = "", second = "", third = "", target = ""] = wordsOf(record);
  switch (record.type) {
    case "A":
    case "AAAA":
      return `Name:\t${name}\nAddress: ${record.data}\n`;
    case "CNAME":
      return `${name}\tcanonical name = ${bare(record.data)}\n`;
    case "PTR":
      return `${name}\tname = ${bare(record.data)}\n`;
    case "NS":
      return `${name}\tnameserver = ${bare(record.data)}\n`;
    case "MX":
      return `${name}\tmail exchanger = ${first} ${bare(second)}\n`;
    case "TXT":
      return `${name}\ttext = ${/^"[^"]*"/.exec(record.data)?.[0] ?? record.data}\n`;
    case "SRV":
      return `${name}\tservice = ${first} ${second} ${third} ${bare(target)}\n`;
    case "SOA":
      return soaLines(record);
    default:
      return "";
  }
}
