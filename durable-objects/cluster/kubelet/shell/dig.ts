/**
 * dig of BIND 9.18: asks the name as it stands (no search list unless `+search`) and shows the whole message.
 *
 * @see https://bind9.readthedocs.io/en/v9.18.24/manpages.html#dig-dns-lookup-utility
 */
import { parseAddress, reverseName } from "../../api/dns-address.ts";
import type { DnsMessage } from "../../api/dns-message.ts";
import { foldCase, nameProblem } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import {
  type BindReply,
  type BindSettings,
  bindAsk,
  candidatesOf,
  communicationsError,
  type Notice,
  settingsOf,
  shownServer,
} from "./bind-lookup.ts";
import { type DnsIO, dnsPort, onWire, type Printed } from "./dns-io.ts";

const version = "9.18.49-1~deb12u3-Debian";
const ednsSize = 1232;
const cookieOption = 10;

/** What is shown, by the names of dig's own `+` options. */
type Parts = Record<"cmd" | "comments" | "question" | "answer" | "authority" | "additional" | "stats", boolean>;

interface Command {
  name: string;
  type: string;
  server: string | undefined;
  port: number;
  short: boolean;
  show: Parts;
  settings: Partial<BindSettings>;
  edns: boolean;
  dnssec: boolean;
  unknown: string | undefined;
}

export function dig(argv: readonly string[], io: DnsIO): Printed {
  const command = parseCommand(argv.slice(1));
  if (command.unknown !== undefined) {
    return {
      stdout: "",
      stderr: `Invalid option: ${command.unknown}\nUsage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}\n`,
      exitCode: 1,
    };
  }
  const problem = nameProblem(command.name);
  if (problem !== undefined) {
    const because = { "label-too-long": "label too long", "name-too-long": "ran out of space", "empty-label": "empty label" }[problem];
    return { stdout: "", stderr: `dig: '${command.name}' is not a legal name (${because})\n`, exitCode: 10 };
  }
  const ip = command.server === undefined ? undefined : (parseAddress(command.server)?.text ?? io.resolve(command.server).addresses[0]);
  if (command.server !== undefined && ip === undefined) {
    return { stdout: "", stderr: `dig: couldn't get address for '${command.server}': not found\n`, exitCode: 10 };
  }
  return answerOf(command, settingsFor(command, ip, io), argv.slice(1).join(" "), io);
}

function settingsFor(command: Command, ip: string | undefined, io: DnsIO): BindSettings {
  const cookie = Array.from({ length: 8 }, () => io.random.int(256).toString(16).padStart(2, "0")).join("");
  const edns = { bufsize: ednsSize, version: 0, do: command.dnssec, options: [{ code: cookieOption, hex: cookie }] };
  const base = settingsOf(io, ip === undefined ? undefined : { ip, port: command.port });
  return { ...base, search: false, servfailStops: true, edns: command.edns ? edns : undefined, ...command.settings };
}

function answerOf(command: Command, settings: BindSettings, words: string, io: DnsIO): Printed {
  let notices = "";
  const notice = (of: Notice): void => {
    if (of.kind === "error") notices += communicationsError(of);
    if (of.kind === "truncated") notices += ";; Truncated, retrying in TCP mode.\n";
  };
  let reply: BindReply | undefined;
  for (const name of candidatesOf(command.name, settings, io)) {
    reply = bindAsk({ name, type: command.type }, settings, io, notice);
    if (reply === undefined || reply.message.rcode === "NOERROR") break;
  }
  const banner = (found: string): string =>
    command.show.cmd && !command.short ? `\n; <<>> DiG ${version} <<>> ${words}\n${found};; global options: +cmd\n` : "";
  if (reply === undefined) return { stdout: `${notices}${banner("")};; no servers could be reached\n`, stderr: "", exitCode: 9 };
  if (command.short) return { stdout: notices + reply.message.answer.map(({ data }) => `${data}\n`).join(""), stderr: "", exitCode: 0 };
  const head = notices + banner(command.server === undefined ? "" : "; (1 server found)\n");
  const transferFailed = command.type === "AXFR" && reply.message.rcode !== "NOERROR";
  return {
    stdout: head + (transferFailed ? "; Transfer failed.\n" : messageText(reply, command.show, settings, io)),
    stderr: "",
    exitCode: 0,
  };
}

const allParts: Parts = { cmd: true, comments: true, question: true, answer: true, authority: true, additional: true, stats: true };
const noParts: Parts = { cmd: false, comments: false, question: false, answer: false, authority: false, additional: false, stats: false };

/** Words in any order: `@server`, `-x address`, `-t type`, `+options`, a type, a class, the name. */
function parseCommand(words: readonly string[]): Command {
  const command: Command = {
    name: ".",
    type: "",
    server: undefined,
    port: dnsPort,
    short: false,
    show: { ...allParts },
    settings: {},
    edns: true,
    dnssec: false,
    unknown: undefined,
  };
  let named = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const value = (): string => words[++at] ?? "";
    if (word.startsWith("@")) command.server = word.slice(1);
    else if (word.startsWith("+")) applyPlus(command, word);
    else if (word === "-x") Object.assign(command, { name: reverseOf(value()), type: "PTR" });
    else if (word === "-t") command.type = value().toUpperCase();
    else if (word === "-q") command.name = value();
    else if (word === "-p") command.port = Number(value());
    else if (word === "-c") value();
    else if (word === "-4" || word === "-6") continue;
    else if (word.startsWith("-")) command.unknown = word;
    else if (recordTypes.has(word.toUpperCase()) && (named || words.length > 1) && command.type === "") command.type = word.toUpperCase();
    else if (word.toUpperCase() !== "IN") {
      command.name = word;
      named = true;
    }
  }
  if (command.type === "") command.type = command.name === "." && !named ? "NS" : "A";
  return command;
}

const recordTypes = new Set("A AAAA ANY AXFR CAA CNAME DNSKEY DS HTTPS MX NAPTR NS PTR SOA SRV SVCB TXT".split(" "));

function reverseOf(text: string): string {
  const address = parseAddress(text);
  return address === undefined ? `${text.split(".").reverse().join(".")}.in-addr.arpa.` : reverseName(address);
}

function applyPlus(command: Command, word: string): void {
  const [, no, name = "", value] = /^\+(no)?([a-z0-9]+)(?:=(.*))?$/.exec(word) ?? [];
  const on = no === undefined;
  if (name in allParts) command.show[name as keyof Parts] = on;
  else if (name === "all") command.show = { ...(on ? allParts : noParts), cmd: command.show.cmd && on };
  else if (name === "short") command.short = on;
  else if (name === "search") command.settings.search = on;
  else if (name === "tcp" || name === "vc") command.settings.tcp = on;
  else if (name === "ignore") command.settings.ignoreTruncation = on;
  else if (/^rec(urse)?$/.test(name) || name === "rdflag") command.settings.recurse = on;
  else if (name === "edns") command.edns = on;
  else if (name === "dnssec" || name === "do") command.dnssec = on;
  else if (name === "tries") command.settings.tries = Math.max(1, Number(value));
  else if (name === "retry") command.settings.tries = 1 + Number(value);
  else if (!["time", "timeout", "cookie", "adflag", "cdflag", "qr", "fail"].includes(name)) command.unknown = word;
}

function messageText({ message, server, transport }: BindReply, show: Parts, settings: BindSettings, io: DnsIO): string {
  const { question, answer, authority, additional } = message;
  const section = (title: string, records: readonly DnsRecord[], shown: boolean): string => {
    if (!shown || records.length === 0) return "";
    const lines = records.map(recordLine).join("");
    return show.comments ? `;; ${title} SECTION:\n${lines}\n` : lines;
  };
  // The semicolon takes no room in the count of columns.
  const asked = `;${columns([
    [0, question.name],
    [32, question.class ?? "IN"],
    [40, question.type],
  ])}\n`;
  return [
    show.comments ? headerText(message, settings, io) : "",
    show.question ? (show.comments ? `;; QUESTION SECTION:\n${asked}\n` : asked) : "",
    section("ANSWER", answer, show.answer),
    section("AUTHORITY", authority, show.authority),
    section("ADDITIONAL", additional, show.additional),
    show.stats ? statsText(message, `${shownServer(server)}(${server.ip}) (${transport.toUpperCase()})`, io) : "",
  ].join("");
}

function headerText(message: DnsMessage, settings: BindSettings, io: DnsIO): string {
  const { question, rcode, answer, authority, additional, edns } = message;
  const flags = ["qr", ...(["aa", "tc", "rd", "ra", "cd"] as const).filter((flag) => message[flag])];
  const leaks = /(^|\.)local\.$/.test(foldCase(question.name));
  const lines = [
    ";; Got answer:",
    ...(leaks
      ? [
          ";; WARNING: .local is reserved for Multicast DNS",
          ";; You are currently testing what happens when an mDNS query is leaked to DNS",
        ]
      : []),
    `;; ->>HEADER<<- opcode: QUERY, status: ${rcode}, id: ${io.random.int(65_536)}`,
    `;; flags: ${flags.join(" ")}; QUERY: 1, ANSWER: ${answer.length}, AUTHORITY: ${authority.length}, ADDITIONAL: ${additional.length + (edns === undefined ? 0 : 1)}`,
    ...(settings.recurse && !message.ra ? [";; WARNING: recursion requested but not available"] : []),
    "",
  ];
  if (edns !== undefined) {
    lines.push(";; OPT PSEUDOSECTION:", `; EDNS: version: ${edns.version}, flags:${edns.do ? " do" : ""}; udp: ${edns.bufsize}`);
    for (const { code, hex } of edns.options) if (code === cookieOption) lines.push(`; COOKIE: ${hex} (echoed)`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Milliseconds that a reply takes: those from outside come later. */
const elapsedMs = ({ outside }: DnsMessage): number => (outside ? 25 : 0);

function statsText(message: DnsMessage, server: string, io: DnsIO): string {
  return `;; Query time: ${elapsedMs(message)} msec\n;; SERVER: ${server}\n;; WHEN: ${whenText(io.now)}\n;; MSG SIZE  rcvd: ${message.octets}\n\n`;
}

/** `Thu Jan 01 00:00:00 UTC 2026` */
function whenText(now: number): string {
  const [weekday = "", day = "", month = "", year = "", time = ""] = new Date(now).toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

const recordLine = ({ name, ttl, type, data }: DnsRecord): string =>
  `${columns([
    [0, onWire(name)],
    [24, String(ttl)],
    [32, "IN"],
    [40, type],
    [48, data],
  ])}\n`;

/** Fills up to each column with tabs; past it a blank follows, written as a tab where it ends on a tab stop. */
function columns(cells: readonly (readonly [column: number, text: string])[]): string {
  let line = "";
  let at = 0;
  for (const [column, text] of cells) {
    if (at >= column && column > 0) {
      line += (at + 1) % 8 === 0 ? "\t" : " ";
      at += 1;
    }
    for (; at < column; at += 8 - (at % 8)) line += "\t";
    line += text;
    at += text.length;
  }
  return line;
}
