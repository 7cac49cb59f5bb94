/**
 * `rewrite [continue|stop] name [exact|prefix|suffix|substring|regex] FROM TO [answer ...]`: asks for another name than
 * was asked, and may put the first one back into the answer.
 *
 * An exact rule puts it back by itself; the others only with `answer auto` or `answer name FROM TO`. Other fields than
 * `name` are not emulated.
 *
 * @see https://coredns.io/plugins/rewrite/
 */
import type { DnsMessage } from "../../api/dns-message.ts";
import { absolute, nameProblem } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import { CorefileError, type Directive, wrongArguments } from "../corefile.ts";
import { goRegexp } from "../go-regexp.ts";
import { zoneName } from "../zone-name.ts";
import { failed, type Handler, type Plugin } from "./plugin.ts";

/** A name for a name; `undefined` where the rule does not match. */
type Change = (name: string) => string | undefined;

interface Rule {
  goesOn: boolean;
  question: Change;
  /** What is done to the owner names, or the data, of the answer, in this order. */
  answers: readonly { of: "name" | "value"; change: Change }[];
}

const matchTypes = ["exact", "prefix", "suffix", "substring", "regex"] as const;
type MatchType = (typeof matchTypes)[number];
const otherFields = new Set(["type", "class", "edns0", "ttl", "cname", "rcode"]);

export const rewrite: Plugin = {
  name: "rewrite",
  read(directives, _serverZone, notEmulated) {
    const rules = directives.flatMap((directive) => ruleOf(directive, notEmulated) ?? []);
    return (next) => rewriting(rules, next);
  },
};

/** `rewrite stop { name regex A B; answer name C D }` says the same as all of it in one line. */
function ruleOf({ args, block, line }: Directive, notEmulated: (what: string) => void): Rule | undefined {
  const words = [...args, ...block.flatMap((each) => each.words)];
  const goesOn = words[0] === "continue";
  if (goesOn || words[0] === "stop") words.shift();
  const field = words.shift();
  if (field === undefined) throw wrongArguments(line, "rewrite", "rewrite");
  if (otherFields.has(field)) {
    notEmulated(`rewrite: ${field}`);
    return undefined;
  }
  if (field !== "name") throw new CorefileError(line, `invalid rule type ${JSON.stringify(field)}`, "rewrite");
  const type: MatchType = isMatchType(words[0]) && words.length > 2 ? (words.shift() as MatchType) : "exact";
  const [from, to, ...options] = words;
  if (from === undefined || to === undefined) throw new CorefileError(line, "too few arguments for a name rule", "rewrite");
  const question = changeOf(type, from, to, line, notEmulated);
  if (question === undefined) return undefined;
  // Put back last, so that other rules see the name that was looked up.
  const own = type === "exact" ? [{ of: "name" as const, change: changeOf("exact", to, from, line, notEmulated)! }] : [];
  return { goesOn, question, answers: [...answersOf({ type, from, to }, options, line, notEmulated), ...own] };
}

const isMatchType = (word: string | undefined): word is MatchType => (matchTypes as readonly string[]).includes(word ?? "");

function changeOf(type: MatchType, from: string, to: string, line: number, notEmulated: (what: string) => void): Change | undefined {
  switch (type) {
    case "exact": {
      const [wanted, other] = [zoneName(from), absolute(to)];
      return (name) => (zoneName(name) === wanted ? other : undefined);
    }
    case "prefix":
      return (name) => (name.toLowerCase().startsWith(from.toLowerCase()) ? to + name.slice(from.length) : undefined);
    case "suffix": {
      const [wanted, other] = [zoneName(from), absolute(to)];
      return (name) => (zoneName(name).endsWith(wanted) ? name.slice(0, name.length - wanted.length) + other : undefined);
    }
    case "substring":
      return (name) =>
        name.toLowerCase().includes(from.toLowerCase()) ? name.toLowerCase().replaceAll(from.toLowerCase(), to) : undefined;
    case "regex": {
      const compiled = goRegexp(from);
      if ("problem" in compiled) throw new CorefileError(line, `invalid regex pattern in a name rule: ${compiled.problem}`, "rewrite");
      if ("tooCostly" in compiled) {
        notEmulated(`rewrite: the regular expression ${from} (${compiled.tooCostly})`);
        return undefined;
      }
      const { regexp } = compiled;
      return (name) => {
        const groups = regexp.exec(name.toLowerCase()) ?? regexp.exec(name.toLowerCase().replace(/\.$/, ""));
        return groups === null ? undefined : absolute(to.replace(/\{(\d+)\}/g, (_, number: string) => groups[Number(number)] ?? ""));
      };
    }
    default:
      return type satisfies never;
  }
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`, one after the other. */
function answersOf(
  rule: { type: MatchType; from: string; to: string },
  options: readonly string[],
  line: number,
  notEmulated: (what: string) => void,
): Rule["answers"] {
  const answers: { of: "name" | "value"; change: Change }[] = [];
  const words = options.filter((word) => word !== "answer");
  while (words.length > 0) {
    const kind = words.shift();
    if (kind === "auto") {
      if (rule.type !== "prefix" && rule.type !== "suffix" && rule.type !== "exact")
        throw new CorefileError(line, `rule type "answer auto" is not supported for ${rule.type} matches`, "rewrite");
      if (rule.type !== "exact") answers.push({ of: "name", change: changeOf(rule.type, rule.to, rule.from, line, notEmulated)! });
      continue;
    }
    const [from, to] = words.splice(0, 2);
    if ((kind !== "name" && kind !== "value") || from === undefined || to === undefined)
      throw new CorefileError(line, "exceeded the number of arguments for a name rule", "rewrite");
    const change = changeOf("regex", from, to, line, notEmulated);
    if (change !== undefined) answers.push({ of: kind, change });
  }
  return answers;
}

function rewriting(rules: readonly Rule[], next: Handler): Handler {
  return (query) => {
    const { question } = query;
    let { name } = question;
    const applied: Rule[] = [];
    for (const rule of rules) {
      const changed = rule.question(name);
      if (changed === undefined) continue;
      name = changed;
      applied.unshift(rule);
      if (!rule.goesOn) break;
    }
    if (applied.length === 0) return next(query);
    if (nameProblem(name) !== undefined) return failed(question);
    query.question = { ...question, name };
    const message = next(query);
    query.question = question;
    return { ...putBack(message, applied), question };
  };
}

function putBack(message: DnsMessage, applied: readonly Rule[]): DnsMessage {
  const changes = applied.flatMap(({ answers }) => answers);
  if (changes.length === 0) return message;
  const back = (record: DnsRecord): DnsRecord => {
    let { name, data } = record;
    for (const { of, change } of changes) {
      if (of === "name") name = change(name) ?? name;
      else data = withLastWord(data, change);
    }
    return { ...record, name, data };
  };
  return { ...message, answer: message.answer.map(back), authority: message.authority.map(back), additional: message.additional.map(back) };
}

/** The name that a record's data ends in: `0 100 80 web.default.svc.cluster.local.` */
function withLastWord(data: string, change: Change): string {
  const start = data.lastIndexOf(" ") + 1;
  return data.slice(0, start) + (change(data.slice(start)) ?? data.slice(start));
}
