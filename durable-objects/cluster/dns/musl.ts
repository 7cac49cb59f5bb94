/**
 * How musl walks the search list: only NXDOMAIN goes on to the next candidate, a name with enough dots is never
 * searched, and all name servers are asked at once.
 *
 * @see https://wiki.musl-libc.org/functional-differences-from-glibc.html#Name-Resolver/DNS
 */
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import { absolute, isAbsolute, labelsOf, nameProblem, relative } from "../api/domain-names.ts";
import { numberOption, parseResolvConf, type ResolvConf } from "../api/resolv-conf.ts";
import { atLeast, type Libc, type LookupError, noAddress } from "./libc.ts";
import { isReply, serversOf, type Walk, type WalkInput } from "./search-walk.ts";

/** A longer line of resolv.conf does not fit the buffer and is skipped, line end included. */
const longestLine = 254;

type Attempt = { state: "found"; messages: DnsMessage[] } | { state: "nxdomain" } | { state: "error"; error: LookupError };

export function muslLookup({ typed, types, resolvConf, libc, send }: WalkInput): Walk {
  if (nameProblem(typed) !== undefined) return { error: "EAI_NONAME" };
  const conf = parseResolvConf(resolvConf, longestLine);
  const dots = labelsOf(typed).length - 1;
  const searched = !isAbsolute(typed) && dots < numberOption(conf, "ndots", 1, 15);
  const candidates = [...(searched ? conf.search.map((domain) => `${relative(typed)}.${absolute(domain)}`) : []), absolute(typed)];
  for (const name of candidates) {
    if (nameProblem(name) !== undefined) continue;
    const attempt = askServers({ name, types, conf, libc, send });
    if (attempt.state === "found") return { found: { name, messages: attempt.messages } };
    if (attempt.state === "error") return { error: attempt.error };
  }
  return { error: "EAI_NONAME" };
}

function askServers(of: { name: string; types: readonly string[]; conf: ResolvConf; libc: Libc; send: WalkInput["send"] }): Attempt {
  const { name, types, conf, libc, send } = of;
  const servers = serversOf(conf);
  const replies = new Map<string, DnsMessage>();
  for (let round = 0; round < numberOption(conf, "attempts", 2, 10); round += 1) {
    const missing = types.filter((type) => !replies.has(type));
    if (missing.length === 0) break;
    for (const [type, message] of askOnce({ questions: missing.map((type) => ({ name, type })), servers, libc, send }))
      replies.set(type, message);
  }
  return stateOf(
    types.map((type) => replies.get(type)),
    types,
    libc,
  );
}

/**
 * One round: every question to every server, and at once again where a server failed, twice for each question.
 *
 * @returns the first reply to each question; failures and refusals are no replies
 */
function askOnce(of: { questions: DnsQuestion[]; servers: string[]; libc: Libc; send: WalkInput["send"] }): Map<string, DnsMessage> {
  const { questions, servers, libc, send } = of;
  const replies = new Map<string, DnsMessage>();
  let resends = 2 * questions.length;
  for (const server of servers) {
    let pending = questions;
    while (pending.length > 0) {
      const failed: DnsQuestion[] = [];
      for (const question of pending) {
        const message = completed(question, server, libc, send);
        if (message?.rcode === "SERVFAIL") failed.push(question);
        else if (message !== undefined && isReply(message) && !replies.has(question.type)) replies.set(question.type, message);
      }
      pending = failed.filter(({ type }) => !replies.has(type)).slice(0, resends);
      resends -= pending.length;
    }
  }
  return replies;
}

/** Since 1.2.4 a truncated reply is fetched again over TCP; before, it is used as far as it goes. */
function completed(question: DnsQuestion, server: string, libc: Libc, send: WalkInput["send"]): DnsMessage | undefined {
  const message = send(question, server);
  return message?.tc && atLeast(libc, 1, 2, 4) ? send({ ...question, transport: "tcp" }, server) : message;
}

function stateOf(replies: readonly (DnsMessage | undefined)[], types: readonly string[], libc: Libc): Attempt {
  const messages = replies.filter((message) => message !== undefined);
  if (messages.length < replies.length) return { state: "error", error: "EAI_AGAIN" };
  if (messages.some(({ rcode }) => rcode === "NXDOMAIN")) return { state: "nxdomain" };
  if (messages.some(({ answer }) => answer.some(({ type }) => types.includes(type)))) return { state: "found", messages };
  return { state: "error", error: noAddress(libc) };
}
