/**
 * `cache [TTL] [ZONES...]`: evens out the TTLs of a message, and repeats it while it lasts.
 *
 * Honoured: `success` and `denial` with their TTLs, `servfail`, `disable`, `keepttl`. Capacity is one for all
 * (`answer-store.ts`). Answers of a cluster's own zone are usually not kept, but still evened.
 *
 * @see https://coredns.io/plugins/cache/
 */
import type { DnsMessage, DnsQuestion } from "../../api/dns-message.ts";
import { foldCase } from "../../api/domain-names.ts";
import type { AnswerStore } from "../answer-store.ts";
import { CorefileError, type Directive, type Line, wrongArguments } from "../corefile.ts";
import { zoneAround, zoneName, zoneNames } from "../zone-name.ts";
import type { Handler, Plugin, Query, ServerParts } from "./plugin.ts";

interface Bounds {
  longest: number;
  shortest: number;
}

interface CachePolicy {
  /** Names outside of them pass by. */
  zones: readonly string[];
  success: Bounds;
  denial: Bounds;
  /** Seconds for which a failure is repeated. */
  servfail: number;
  /** Zones whose answers, or whose denials, are not kept. */
  disabled: { success: readonly string[]; denial: readonly string[] };
  keepTTL: boolean;
}

/** Of messages that have no record to take a TTL from. */
const fallbackTTL = 5;

export const cache: Plugin = {
  name: "cache",
  read(directives, serverZone, notEmulated) {
    const [first, second] = directives as [Directive, ...Directive[]];
    if (second !== undefined) throw new CorefileError(second.line, "this plugin can only be used once per Server Block", "cache");
    const policy = policyOf(first, serverZone, notEmulated);
    return (next, parts) => cached(policy, next, parts);
  },
};

function policyOf({ args, block, line: at }: Directive, serverZone: string, notEmulated: (what: string) => void): CachePolicy {
  const given = /^-?\d+$/.test(args[0] ?? "") ? Number(args[0]) : undefined;
  const zones = zoneNames(given === undefined ? args : args.slice(1), serverZone);
  const policy: CachePolicy = {
    zones,
    success: { longest: given ?? 3600, shortest: 5 },
    denial: { longest: given ?? 1800, shortest: 5 },
    servfail: 5,
    disabled: { success: [], denial: [] },
    keepTTL: false,
  };
  for (const { words, line } of block) {
    const [property = "", ...values] = words;
    switch (property) {
      case "success":
      case "denial":
        policy[property] = boundsOf(values, policy[property], { words, line });
        break;
      case "servfail":
        policy.servfail = secondsOf(values, { words, line });
        break;
      case "disable": {
        const [kind, ...of] = values;
        if (kind !== "success" && kind !== "denial")
          throw new CorefileError(line, `cache type for disable must be "success" or "denial"`, "cache");
        policy.disabled[kind] = of.length === 0 ? ["."] : of.map(zoneName);
        break;
      }
      case "keepttl":
        policy.keepTTL = true;
        break;
      case "prefetch":
      case "serve_stale":
        notEmulated(`cache: ${property}`);
        break;
      default:
        throw wrongArguments(line, property, "cache");
    }
  }
  if (given !== undefined && given <= 0) throw new CorefileError(at, `cache TTL can not be zero or negative: ${given}`, "cache");
  return policy;
}

/** `CAPACITY [TTL] [MINTTL]` */
function boundsOf(values: readonly string[], otherwise: Bounds, { words, line }: Line): Bounds {
  if (values.length === 0) throw wrongArguments(line, words[0] ?? "", "cache");
  const [capacity, longest = otherwise.longest, shortest = otherwise.shortest] = values.map(Number);
  for (const number of [capacity, longest, shortest]) {
    if (!Number.isInteger(number))
      throw new CorefileError(line, `strconv.Atoi: parsing ${JSON.stringify(values.join(" "))}: invalid syntax`, "cache");
  }
  if (longest <= 0) throw new CorefileError(line, `cache TTL can not be zero or negative: ${longest}`, "cache");
  if (shortest < 0) throw new CorefileError(line, `cache min TTL can not be negative: ${shortest}`, "cache");
  return { longest, shortest };
}

function secondsOf([text = ""]: readonly string[], { line }: Line): number {
  const found = /^(\d+)(s|m|h)?$/.exec(text);
  if (found === null) throw new CorefileError(line, `time: invalid duration ${JSON.stringify(text)}`, "cache");
  return Number(found[1]) * { s: 1, m: 60, h: 3600 }[(found[2] ?? "s") as "s" | "m" | "h"];
}

function cached(policy: CachePolicy, next: Handler, { store, serverZone }: ServerParts): Handler {
  return (query) => {
    const { question, now } = query;
    if (zoneAround(question.name, policy.zones) === undefined) return next(query);
    const key = `${serverZone} ${keyOf(question)}`;
    return repeated(key, query, policy, store) ?? kept(key, next(query), query, policy, store, now);
  };
}

/** The stored answer with what is left of its TTL. It repeats the records in the spelling of the first question. */
function repeated(key: string, query: Query, policy: CachePolicy, store: AnswerStore): DnsMessage | undefined {
  const entry = store.get(key);
  if (entry === undefined) return undefined;
  const left = entry.ttl - Math.floor((query.now - entry.storedAt) / 1000);
  if (left <= 0 || left > entry.ttl) {
    store.delete(key);
    return undefined;
  }
  query.lasting = false;
  const { question } = query;
  // The real cache always claims authority, since some clients discard answers without it.
  return {
    ...(policy.keepTTL ? entry.message : withTTL(entry.message, left)),
    question,
    aa: true,
    rd: question.rd ?? true,
    cd: question.cd ?? false,
    source: "cache",
    outside: false,
  };
}

/** Gives every record of a message the same TTL, and keeps the message where it may be kept. */
function kept(key: string, message: DnsMessage, query: Query, policy: CachePolicy, store: AnswerStore, now: number): DnsMessage {
  // A server's own failure has nothing that could be evened out.
  if (message.rcode === "SERVFAIL" && message.answer.length === 0 && !message.ra) return message;
  const ttl = ttlOf(message, policy);
  const evened = withTTL(message, ttl);
  if (mayKeep(message, policy)) {
    query.lasting = false;
    if (ttl > 0) store.put({ key, storedAt: now, ttl, message: evened });
  }
  return evened;
}

function mayKeep({ question, rcode, tc, authority }: DnsMessage, { disabled }: CachePolicy): boolean {
  if (tc) return false;
  if (rcode === "SERVFAIL") return true;
  const denies = rcode === "NXDOMAIN" || authority.some(({ type }) => type === "SOA");
  if (rcode === "NXDOMAIN" && !authority.some(({ type }) => type === "SOA")) return false;
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return false;
  return zoneAround(question.name, denies ? disabled.denial : disabled.success) === undefined;
}

function ttlOf(message: DnsMessage, { success, denial, servfail }: CachePolicy): number {
  if (message.rcode !== "NOERROR" && message.rcode !== "NXDOMAIN") return servfail;
  const { longest, shortest } = message.rcode === "NXDOMAIN" || message.answer.length === 0 ? denial : success;
  return Math.min(longest, Math.max(shortest, lifetimeOf(message)));
}

/** Seconds for which a message may be repeated: its smallest TTL. Also what HTTP calls `max-age`. */
export function lifetimeOf({ rcode, answer, authority, additional }: DnsMessage): number {
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return fallbackTTL;
  let least: number | undefined;
  for (const section of [answer, authority, additional])
    for (const { ttl } of section) least = least === undefined || ttl < least ? ttl : least;
  return least ?? fallbackTTL;
}

const keyOf = ({ name, type, edns, cd }: DnsQuestion): string => `${foldCase(name)} ${type} ${edns?.do ?? false} ${cd ?? false}`;

const withTTL = (message: DnsMessage, ttl: number): DnsMessage => ({
  ...message,
  answer: message.answer.map((record) => ({ ...record, ttl })),
  authority: message.authority.map((record) => ({ ...record, ttl })),
  additional: message.additional.map((record) => ({ ...record, ttl })),
});
