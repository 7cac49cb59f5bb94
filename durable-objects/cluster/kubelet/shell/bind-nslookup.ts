/**
 * nslookup of BIND 9.18, as in images with dnsutils or bind-tools.
 *
 * @see https://bind9.readthedocs.io/en/v9.18.24/manpages.html#nslookup-query-internet-name-servers-interactively
 */
import { parseAddress, reverseName } from "../../api/dns-address.ts";
import type { DnsMessage } from "../../api/dns-message.ts";
import { sameName } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import { type BindReply, bindAsk, bindSearch, communicationsError, type Notice, settingsOf, shownServer } from "./bind-lookup.ts";
import { bare, type DnsIO, dnsPort, type Printed, soaLines, wordsOf } from "./dns-io.ts";

export function bindNslookup(argv: readonly string[], io: DnsIO): Printed {
  const { host, server: given, options } = argumentsOf(argv);
  if (host === undefined) return { stdout: "", stderr: "", exitCode: 0 };
  const serverIP = given === undefined ? undefined : (parseAddress(given)?.text ?? io.resolve(given).addresses[0]);
  if (given !== undefined && serverIP === undefined) {
    return { stdout: `nslookup: couldn't get address for '${given}': not found\n`, stderr: "", exitCode: 1 };
  }
  const port = Number(options.get("port") ?? dnsPort);
  const settings = {
    ...settingsOf(io, serverIP === undefined ? undefined : { ip: serverIP, port }),
    tries: Number(options.get("retry") ?? 3),
    tcp: options.has("vc"),
    recurse: !options.has("norecurse"),
    search: !options.has("nosearch"),
  };
  let stdout = "";
  const notice = (of: Notice): void => {
    if (of.kind === "error") stdout += communicationsError(of);
    else if (of.kind === "servfail") stdout += `;; Got SERVFAIL reply from ${of.server.ip}${of.goesOn ? ", trying next server" : ""}\n`;
    else if (of.kind === "truncated") stdout += ";; Truncated, retrying in TCP mode.\n";
    else if (given === undefined) stdout += `;; Got recursion not available from ${of.server.ip}\n`;
  };
  const unreachable = (): Printed => ({ stdout: `${stdout};; no servers could be reached\n\n`, stderr: "", exitCode: 1 });

  const address = parseAddress(host);
  if (address !== undefined) {
    const name = reverseName(address);
    const reply = bindAsk({ name, type: "PTR" }, settings, io, notice);
    if (reply === undefined) return unreachable();
    stdout += reply.message.rcode === "NOERROR" ? answerText(reply.message, bare(name)) : failureText(reply.message, bare(name));
    return { stdout: `${stdout}\n`, stderr: "", exitCode: exitCodeOf(reply) };
  }
  const type = (options.get("type") ?? options.get("querytype") ?? options.get("query") ?? options.get("q"))?.toUpperCase();
  const first = bindSearch(host, type ?? "A", settings, io, notice);
  if (first === undefined) return unreachable();
  stdout += `Server:\t\t${given ?? first.server.ip}\nAddress:\t${shownServer(first.server)}\n\n`;
  if (first.message.rcode !== "NOERROR") return { stdout: `${stdout}${failureText(first.message, host)}\n`, stderr: "", exitCode: 1 };
  if (!first.message.aa) stdout += "Non-authoritative answer:\n";
  if (type !== undefined) return { stdout: `${stdout}${answerText(first.message, bare(host))}\n`, stderr: "", exitCode: 0 };

  stdout += first.message.answer.map(recordText).join("");
  const end = endOfAliases(first.message);
  const second = bindAsk({ name: end, type: "AAAA" }, settings, io, notice);
  if (second === undefined) return unreachable();
  if (second.message.rcode === "NOERROR") stdout += second.message.answer.map(recordText).join("");
  if (first.message.answer.length + second.message.answer.length === 0) stdout += noAnswer(bare(host));
  return { stdout: `${stdout}\n`, stderr: "", exitCode: 0 };
}

function argumentsOf(argv: readonly string[]): { host: string | undefined; server: string | undefined; options: Map<string, string> } {
  const words = argv.slice(1);
  const options = new Map(
    words
      .filter((word) => word.startsWith("-"))
      .map((word): [string, string] => {
        const [name = "", value = ""] = word.slice(1).split("=");
        return [name, value];
      }),
  );
  const [host, server] = words.filter((word) => !word.startsWith("-"));
  return { host, server, options };
}

const exitCodeOf = ({ message }: BindReply): number => (message.rcode === "NOERROR" ? 0 : 1);

const failureText = ({ rcode }: DnsMessage, asked: string): string => `** server can't find ${asked}: ${rcode}\n`;
const noAnswer = (asked: string): string => `*** Can't find ${asked}: No answer\n`;

const answerText = ({ answer }: DnsMessage, asked: string): string =>
  answer.length === 0 ? noAnswer(asked) : answer.map(recordText).join("");

function endOfAliases({ question, answer }: DnsMessage): string {
  let end = question.name;
  for (const { type, name, data } of answer) if (type === "CNAME" && sameName(name, end)) end = data;
  return end;
}

/** Targets keep their final dot, names do not. */
function recordText(record: DnsRecord): string {
  const name = bare(record.name);
  const [first = "", second = ""] = wordsOf(record);
  switch (record.type) {
    case "A":
    case "AAAA":
      return `Name:\t${name}\nAddress: ${record.data}\n`;
    case "CNAME":
      return `${name}\tcanonical name = ${record.data}\n`;
    case "PTR":
      return `${name}\tname = ${record.data}\n`;
    case "NS":
      return `${name}\tnameserver = ${record.data}\n`;
    case "MX":
      return `${name}\tmail exchanger = ${first} ${second}\n`;
    case "TXT":
      return `${name}\ttext = ${record.data}\n`;
    case "SRV":
      return `${name}\tservice = ${record.data}\n`;
    case "SOA":
      return soaLines(record);
    default:
      return `${name}\trdata_${record.type} = ${record.data}\n`;
  }
}
