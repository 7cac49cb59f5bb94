/**
 * What a rule is for, in a sentence. Read from its role and objects; of its text only the target and the chance, which
 * stand nowhere else.
 */
import type { LinkedRule } from "../kube-proxy/rule-set.ts";
import { type Language, sentence } from "./messages/catalogue.ts";

export function ruleSentence({ role, objects, text }: LinkedRule, language: Language): string {
  const service = objects.find(({ kind }) => kind === "Service");
  const pod = objects.find(({ kind }) => kind === "Pod");
  const target = / -[jg] (\S+)/.exec(text)?.[1] ?? "";
  const address =
    / --to-destination (\S+)/.exec(text)?.[1] ?? / -s (\S+?)(?:\/32|\/128)? /.exec(text)?.[1] ?? / -> (\S+?)"/.exec(text)?.[1] ?? target;
  const probability = / --probability (\S+)/.exec(text)?.[1];
  return sentence(language, "rule", role, {
    service: service?.name ?? "",
    endpoint: pod?.name ?? address,
    target,
    ...(probability === undefined ? {} : { probability: Number(probability) }),
  });
}
