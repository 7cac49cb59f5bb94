/**
 * host of BIND 9.18: one line a record; without `-t` it asks for A, then AAAA and MX of the name that answered.
 *
 * @see https://bind9.readthedocs.io/en/v9.18.24/manpages.html#host-dns-lookup-utility
 */
import { parseAddress, reverseName } from "../../api/dns-address.ts";
import type { DnsMessage } from "../../api/dns-message.ts";
import { sameName } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import { type BindReply, bindAsk, bindSearch, communicationsError, type Notice, settingsOf, shownServer } from "./bind-lookup.ts";
import { bare, type DnsIO, dnsPort, type Printed } from "./dns-io.ts";
import { optionValue, readOptions } from "./tool.ts";

const usage =
  "Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]\n";
const rcodeNumbers: Readonly<Record<string, number>> = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };

export function host(argv: readonly string[], io: DnsIO): Printed {
  const options = readOptions(argv.slice(1), { short: "46aCdilrsTvVwc:N:t:W:R:m:p:" });
  const [name, given] = options.operands;
  if (name === undefined || options.problem !== undefined) return { stdout: "", stderr: usage, exitCode: 1 };
  const ip = given === undefined ? undefined : (parseAddress(given)?.text ?? io.resolve(given).addresses[0]);
  if (given !== undefined && ip === undefined)
    return { stdout: "", stderr: `host: couldn't get address for '${given}': not found\n`, exitCode: 1 };
  const retries = Number(optionValue(options, "R") ?? 1);
  const settings = {
    ...settingsOf(io, ip === undefined ? undefined : { ip, port: Number(optionValue(options, "p") ?? dnsPort) }),
    tries: 1 + retries,
    tcp: optionValue(options, "T") !== undefined,
    recurse: optionValue(options, "r") === undefined,
  };
  let stdout = "";
  const notice = (of: Notice): void => {
    if (of.kind === "error") stdout += communicationsError(of);
  };
  const say = (reply: BindReply, text: string): void => {
    if (given !== undefined && !stdout.startsWith("Using"))
      stdout = `Using domain server:\nName: ${given}\nAddress: ${shownServer(reply.server)}\nAliases: \n\n${stdout}`;
    stdout += text;
  };
  const printed = (exitCode: number): Printed => ({ stdout, stderr: "", exitCode });
  const unreachable = (): Printed => ({ stdout: `${stdout};; no servers could be reached\n`, stderr: "", exitCode: 1 });

  const address = parseAddress(name);
  const type = address === undefined ? optionValue(options, "t")?.toUpperCase() : "PTR";
  const first =
    address === undefined
      ? bindSearch(name, type ?? "A", settings, io, notice)
      : bindAsk({ name: reverseName(address), type: "PTR" }, settings, io, notice);
  if (first === undefined) return unreachable();
  if (first.message.rcode !== "NOERROR") {
    say(
      first,
      `Host ${address === undefined ? name : reverseName(address)} not found: ${rcodeNumbers[first.message.rcode] ?? 0}(${first.message.rcode})\n`,
    );
    return printed(1);
  }
  const noRecord = type !== undefined && first.message.answer.length === 0;
  say(first, noRecord ? `${bare(first.message.question.name)} has no ${type} record\n` : linesOf(first.message));
  if (type !== undefined) return printed(noRecord ? 1 : 0);
  const end = endOfAliases(first.message);
  for (const further of ["AAAA", "MX"]) {
    const reply = bindAsk({ name: end, type: further }, settings, io, notice);
    if (reply === undefined) return unreachable();
    if (reply.message.rcode === "NOERROR") say(reply, linesOf(reply.message));
  }
  return printed(0);
}

const linesOf = ({ answer }: DnsMessage): string => answer.map((record) => `${recordText(record)}\n`).join("");

function endOfAliases({ question, answer }: DnsMessage): string {
  let end = question.name;
  for (const { type, name, data } of answer) if (type === "CNAME" && sameName(name, end)) end = data;
  return end;
}

const verbs: Readonly<Record<string, string>> = {
  A: "has address",
  AAAA: "has IPv6 address",
  CNAME: "is an alias for",
  MX: "mail is handled by",
  NS: "name server",
  PTR: "domain name pointer",
  SOA: "has SOA record",
  SRV: "has SRV record",
  TXT: "descriptive text",
};

const recordText = ({ name, type, data }: DnsRecord): string => `${bare(name)} ${verbs[type] ?? `has ${type} record`} ${data}`;
