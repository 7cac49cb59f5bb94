/**
 * What a rule is for, in a sentence. Read from its role and objects; of its text only what stands nowhere else: where it
 * goes on to, the address it names, and the chance.
 */
import type { LinkedRule } from "../kube-proxy/rule-set.ts";
import { type Language, sentence } from "./messages/catalogue.ts";

/** Targets that end the walk or the chain: nothing continues there. */
const endings = new Set(["ACCEPT", "DROP", "REJECT", "RETURN", "DNAT", "MARK", "MASQUERADE"]);

export function ruleSentence({ role, objects, text }: LinkedRule, language: Language): string {
  const pods = [...new Set(objects.filter(({ kind }) => kind === "Pod").map(({ name }) => name))];
  const chance = / --probability (\S+)/.exec(text)?.[1];
  return sentence(language, "rule", role, {
    service: objects.find(({ kind }) => kind === "Service")?.name ?? "",
    endpoint: pods.join(", ") || addressIn(text),
    target: targetIn(text),
    evenly: text.includes("numgen"),
    ...(chance === undefined ? {} : { probability: Number(chance) }),
  });
}

/** `-j CHAIN` of iptables, `jump chain` or `vmap @map` of nftables. */
function targetIn(text: string): string {
  const target = / -[jg] (\S+)/.exec(text)?.[1] ?? /\b(?:jump|goto) (\S+)$/.exec(text)?.[1] ?? / vmap (@\S+)/.exec(text)?.[1] ?? "";
  return endings.has(target) ? "" : target;
}

/** The endpoint of a rule that has no pod behind it. */
function addressIn(text: string): string {
  const rewritten = / --to-destination (\S+)/.exec(text) ?? / -r (\S+)/.exec(text) ?? /dnat (?:ip6? )?to ([\w.:]+)/.exec(text);
  const named = /"[^"]* -> ([^"]+)"/.exec(text) ?? / -s (\S+?)(?:\/32|\/128)? /.exec(text);
  return rewritten?.[1] ?? named?.[1] ?? "";
}
