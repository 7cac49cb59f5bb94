/**
 * `template CLASS TYPE [ZONES...] { match, answer, additional, authority, rcode, fallthrough }`: answers that are made
 * of the question itself.
 *
 * Of Go's template language only what names a value is emulated: `{{ .Name }}`, `.Class`, `.Type`, `.Zone`,
 * `.Group.name`, `index .Match 1`.
 *
 * @see https://coredns.io/plugins/template/
 */
import { parseAddress } from "../../api/dns-address.ts";
import type { DnsMessage } from "../../api/dns-message.ts";
import { absolute, foldCase } from "../../api/domain-names.ts";
import type { DnsRecord } from "../../api/network.ts";
import { CorefileError, type Directive, wrongArguments } from "../corefile.ts";
import { goRegexp } from "../go-regexp.ts";
import { zoneAround, zoneNames } from "../zone-name.ts";
import { emptyMessage, type Fallthrough, failed, fallsThrough, type Handler, type Plugin } from "./plugin.ts";

interface Template {
  ofClass: string;
  type: string;
  zones: readonly string[];
  match: readonly RegExp[];
  sections: Record<Section, readonly string[]>;
  rcode: string;
  fallthrough: Fallthrough;
}

type Section = "answer" | "additional" | "authority";

const rcodes: readonly string[] = ["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "NOTIMP", "FORMERR"];
const emulated = /^\s*(?:\.(?:Name|Class|Type|Zone|Group\.\w+)|index \.Match \d+)\s*$/;

export const template: Plugin = {
  name: "template",
  read(directives, serverZone, notEmulated) {
    const templates = directives.flatMap((directive) => templateOf(directive, serverZone, notEmulated) ?? []);
    return (next) => templates.reduceRight<Handler>((rest, each) => answering(each, rest), next);
  },
};

function templateOf({ args, block, line }: Directive, serverZone: string, notEmulated: (what: string) => void): Template | undefined {
  const [ofClass, type, ...zones] = args;
  if (ofClass === undefined || type === undefined) throw wrongArguments(line, args.at(-1) ?? "template", "template");
  const found: Template & { match: RegExp[]; sections: Record<Section, string[]> } = {
    ofClass: ofClass.toUpperCase(),
    type: type.toUpperCase(),
    zones: zoneNames(zones, serverZone),
    match: [],
    sections: { answer: [], additional: [], authority: [] },
    rcode: "NOERROR",
    fallthrough: [],
  };
  for (const { words, line: at } of block) {
    const [property = "", ...values] = words;
    if (property === "match") {
      for (const value of values) {
        const compiled = goRegexp(value);
        if ("problem" in compiled) throw new CorefileError(at, `could not parse regex: ${value}, ${compiled.problem}`, "template");
        if ("tooCostly" in compiled) return skip(`the regular expression ${value} (${compiled.tooCostly})`);
        found.match.push(compiled.regexp);
      }
    } else if (property === "answer" || property === "additional" || property === "authority") {
      const foreign = values.flatMap((value) => [...value.matchAll(/\{\{(.*?)\}\}/g)]).find(([, inside = ""]) => !emulated.test(inside));
      if (foreign !== undefined) return skip(`the expression ${foreign[0]}`);
      found.sections[property].push(...values);
    } else if (property === "rcode") {
      const rcode = values[0]?.toUpperCase() ?? "";
      if (!rcodes.includes(rcode)) throw new CorefileError(at, `unknown response code ${values[0] ?? ""}`, "template");
      found.rcode = rcode;
    } else if (property === "fallthrough") found.fallthrough = zoneNames(values, ".");
    else if (property === "ederror" || property === "upstream") notEmulated(`template: ${property}`);
    else throw wrongArguments(at, property, "template");
  }
  return found;

  function skip(what: string): undefined {
    notEmulated(`template: ${what}`);
    return undefined;
  }
}

/** @param rest the templates after this one, then the next plugin */
function answering(of: Template, rest: Handler): Handler {
  return (query) => {
    const { question } = query;
    const zone = zoneAround(question.name, of.zones);
    const matchesType = of.type === "ANY" || of.type === question.type;
    const matchesClass = of.ofClass === "ANY" || of.ofClass === (question.class ?? "IN");
    if (zone === undefined || !matchesType || !matchesClass) return rest(query);
    const name = foldCase(question.name);
    const found = of.match.length === 0 ? [name] : of.match.map((regexp) => regexp.exec(name)).find((each) => each !== null);
    if (found === undefined) return fallsThrough(name, of.fallthrough) ? rest(query) : failed(question);
    const value = (expression: string): string => valueIn(expression.trim(), { question, zone, found });
    const records: Partial<Record<Section, DnsRecord[]>> = {};
    for (const section of ["answer", "additional", "authority"] as const) {
      records[section] = [];
      for (const text of of.sections[section]) {
        const record = recordOf(text.replace(/\{\{(.*?)\}\}/g, (_, inside: string) => value(inside)));
        if (record === undefined) return failed(question);
        records[section].push(record);
      }
    }
    return { ...emptyMessage(question), rcode: of.rcode, aa: true, ...records, source: "template" };
  };
}

function valueIn(
  expression: string,
  {
    question,
    zone,
    found,
  }: { question: DnsMessage["question"]; zone: string; found: readonly string[] & { groups?: Record<string, string> | undefined } },
): string {
  switch (expression) {
    case ".Name":
      return foldCase(question.name);
    case ".Class":
      return question.class ?? "IN";
    case ".Type":
      return question.type;
    case ".Zone":
      return zone;
    default: {
      const group = /^\.Group\.(\w+)$/.exec(expression)?.[1];
      return (group === undefined ? found[Number(/\d+$/.exec(expression)?.[0] ?? 0)] : found.groups?.[group]) ?? "";
    }
  }
}

const nameTypes = new Set(["CNAME", "NS", "PTR", "MX", "SRV", "SOA"]);

/** `web.test. 60 IN A 10.0.0.1`, TTL and class optional; `undefined` for what is no record. */
function recordOf(text: string): DnsRecord | undefined {
  const words = text.replace(/[()]/g, " ").trim().split(/\s+/);
  const name = words.shift();
  const ttl = /^\d+$/.test(words[0] ?? "") ? Number(words.shift()) : 3600;
  if (["IN", "CH", "HS"].includes(words[0]?.toUpperCase() ?? "")) words.shift();
  const type = words.shift()?.toUpperCase();
  if (name === undefined || type === undefined || words.length === 0) return undefined;
  const data = dataOf(type, words);
  return data === undefined ? undefined : { name: absolute(name), type, ttl, data };
}

function dataOf(type: string, words: readonly string[]): string | undefined {
  if (type === "A" || type === "AAAA") {
    const address = parseAddress(words[0] ?? "");
    return address?.family === (type === "A" ? "IPv4" : "IPv6") ? address.text : undefined;
  }
  if (type === "TXT") return words.join(" ");
  if (!nameTypes.has(type)) return undefined;
  return words.map((word) => (/^\d+$/.test(word) ? word : absolute(word))).join(" ");
}
