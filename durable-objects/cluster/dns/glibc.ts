/**
 * How glibc walks the search list (as of 2.36). `NXDOMAIN` and `NODATA` go on to the next candidate, also behind a name
 * that was tried as typed; a name server that fails is asked again, then the next one.
 *
 * @see https://man7.org/linux/man-pages/man5/resolv.conf.5.html
 */
import type { DnsMessage } from "../api/dns-message.ts";
import { absolute, isAbsolute, labelsOf, nameProblem } from "../api/domain-names.ts";
import { numberOption, parseResolvConf, type ResolvConf } from "../api/resolv-conf.ts";
import type { LookupError } from "./libc.ts";
import { isReply, serversOf, type Walk, type WalkInput } from "./search-walk.ts";

/** One address as glibc keeps it between the parser and the caller, and the first size of that buffer. */
const addressBytes = 40;
const firstBufferBytes = 1024;

type Attempt = { state: "found"; messages: DnsMessage[] } | { state: "nxdomain" | "nodata" | "servfail" | "failed" };

export function glibcLookup({ typed, types, resolvConf, send }: WalkInput): Walk {
  if (nameProblem(typed) !== undefined) return { error: "EAI_NONAME" };
  const conf = parseResolvConf(resolvConf);
  const dots = labelsOf(typed).length - 1;
  const asTyped = isAbsolute(typed) || dots >= numberOption(conf, "ndots", 1, 15);
  const attempts: Attempt[] = [];
  const attempt = (name: string): Walk | undefined => {
    const result = askServers({ name, types, conf, send });
    attempts.push(result);
    return result.state === "found" ? outcomeOf(name, result.messages, types) : undefined;
  };

  if (asTyped) {
    const walk = attempt(absolute(typed));
    if (walk !== undefined) return walk;
  }
  if (!isAbsolute(typed)) {
    for (const domain of conf.search) {
      const name = `${typed}.${absolute(domain)}`;
      if (nameProblem(name) !== undefined) continue;
      const walk = attempt(name);
      if (walk !== undefined) return walk;
      if (attempts.at(-1)?.state === "failed") break;
    }
    const walk = asTyped ? undefined : attempt(absolute(typed));
    if (walk !== undefined) return walk;
  }
  return { error: errorOf(attempts, asTyped) };
}

/** The first answer counts where the name was tried as typed first; else "no address" before failures before the last one. */
function errorOf(attempts: readonly Attempt[], asTyped: boolean): LookupError {
  const states = attempts.map(({ state }) => state);
  const decisive = asTyped
    ? states[0]
    : (states.find((state) => state === "nodata") ?? states.find((state) => state === "servfail") ?? states.at(-1));
  if (decisive === "nodata") return "EAI_NODATA";
  return decisive === "nxdomain" || decisive === undefined ? "EAI_NONAME" : "EAI_AGAIN";
}

/** Records were found, but perhaps only an alias that leads nowhere: then no further candidate is asked. */
function outcomeOf(name: string, messages: DnsMessage[], types: readonly string[]): Walk {
  const usable = messages.some(({ answer }) => answer.some(({ type }) => types.includes(type)));
  return usable ? { found: { name, messages } } : { error: "EAI_NONAME" };
}

function askServers(of: { name: string; types: readonly string[]; conf: ResolvConf; send: WalkInput["send"] }): Attempt {
  const { name, types, conf, send } = of;
  const has = (option: string): boolean => conf.options.includes(option);
  const asked = has("no-aaaa") && types.length > 1 ? types.filter((type) => type !== "AAAA") : types;
  const edns = has("edns0") ? { bufsize: 1200, version: 0, do: false, options: [] } : undefined;
  const ask = (server: string, transport: "udp" | "tcp"): DnsMessage[] =>
    asked.flatMap((type) => send({ name, type, transport, edns }, server) ?? []);
  const askInFull = (server: string): DnsMessage[] => {
    const replies = ask(server, has("use-vc") ? "tcp" : "udp");
    return replies.some(({ tc }) => tc) ? ask(server, "tcp") : replies;
  };

  let sawFailure = false;
  for (let attempt = 0; attempt < numberOption(conf, "attempts", 2, 5); attempt += 1) {
    for (const server of serversOf(conf)) {
      const replies = askInFull(server);
      sawFailure ||= replies.some(({ rcode }) => rcode === "SERVFAIL");
      const messages = replies.filter(isReply);
      if (messages.length === 0) continue;
      for (let again = repeatsForRoom(name, messages, asked); again > 0; again -= 1) askInFull(server);
      return stateOf(messages);
    }
  }
  return { state: sawFailure ? "servfail" : "failed" };
}

/** Where the addresses do not fit its buffer, glibc doubles the buffer and does the whole lookup once more. */
function repeatsForRoom(name: string, messages: readonly DnsMessage[], asked: readonly string[]): number {
  if (asked.length < 2) return 0;
  const addresses = messages.flatMap(({ answer }) => answer.filter(({ type }) => type === "A" || type === "AAAA"));
  const needed = addresses.length * addressBytes + name.length;
  let repeats = 0;
  for (let room = firstBufferBytes; room < needed; room *= 2) repeats += 1;
  return repeats;
}

function stateOf(messages: DnsMessage[]): Attempt {
  if (messages.some(({ answer }) => answer.length > 0)) return { state: "found", messages };
  return { state: messages[0]?.rcode === "NXDOMAIN" ? "nxdomain" : "nodata" };
}
