/** The compiled rules of a node: as the kernel's tool prints them, as kube-proxy writes them, or linked to their objects. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { Cluster } from "../cluster/cluster.ts";
import type { Language } from "../cluster/explain/messages/catalogue.ts";
import { ruleSentence } from "../cluster/explain/rule-sentence.ts";
import type { LinkedRule, NodeRules } from "../cluster/kube-proxy/rule-set.ts";
import { answerProblem, badInput, ProblemError } from "./bad-input.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { differenceOf, differenceText, kubeProxyAt } from "./rules-past.ts";
import type { SandboxEnv } from "./sandbox.ts";

const forms = "GET /rules?mode=iptables&node=node-1&family=IPv4&format=kernel|sync|json&at=&diff=.";

const version = z
  .string()
  .regex(/^\d{1,15}$/, "must be a resourceVersion, a whole number")
  .transform(Number);

const query = z.strictObject({
  mode: z.enum(["iptables", "nftables", "ipvs"]).optional().describe("Default: the sandbox's."),
  node: z.string().min(1).optional().describe("Default: the first node."),
  family: z.enum(["IPv4", "IPv6"]).optional().describe("Default: the sandbox's first."),
  format: z
    .enum(["kernel", "sync", "json"])
    .optional()
    .describe("Default: json where Accept asks for it, else as the kernel's tool prints."),
  lang: z.enum(["en", "ko"]).optional(),
  at: version.optional().describe("A kept resourceVersion; default: now."),
  diff: version.optional().describe("Another one: what has changed between it and `at`."),
});

export const operations: Operation[] = [
  {
    method: "get",
    path: "/s/{id}/rules",
    summary: "The rules that kube-proxy wrote on a node",
    tag: "sandbox",
    query,
    responses: { 200: { description: "The rules", contentType: "text/plain" } },
  },
];

export const rules = () =>
  new Hono<SandboxEnv>().get("/", (c) => {
    const parsed = query.safeParse(c.req.query());
    return parsed.success ? answer(c, parsed.data) : badInput(c, "rules query", parsed.error, forms);
  });

function answer(c: Context<SandboxEnv>, asked: z.infer<typeof query>): Response {
  const { cluster } = c.get("sandbox");
  try {
    return cluster.turn(() => {
      const rules = rulesAt(cluster, asked, asked.at);
      return asked.diff === undefined
        ? printed(c, rules, asked.format)
        : compared(c, rulesAt(cluster, asked, asked.diff), rules, asked.format);
    });
  } catch (error) {
    return answerProblem(error);
  }
}

function rulesAt(cluster: Cluster, { node, family, mode }: z.infer<typeof query>, at: number | undefined): NodeRules {
  const kubeProxy = at === undefined ? cluster.kubeProxy : kubeProxyAt(cluster, at);
  const nodes = kubeProxy.nodes();
  const chosen = node ?? cluster.options.nodes.find(({ name }) => nodes.includes(name))?.name ?? nodes[0];
  if (chosen !== undefined && nodes.includes(chosen)) {
    return kubeProxy.rulesOf(chosen, family ?? cluster.options.ipFamilies[0] ?? "IPv4", mode ?? cluster.options.proxyMode);
  }
  throw new ProblemError({
    type: "no-such-node",
    title: "No such node",
    status: 404,
    detail: `node: there is no node ${chosen ?? ""}${at === undefined ? "" : ` at version ${at}`}.`,
    fix: nodes.length === 0 ? "The cluster has no node." : `The nodes are ${nodes.join(", ")}.`,
  });
}

type Format = z.infer<typeof query>["format"];

function printed(c: Context<SandboxEnv>, rules: NodeRules, format: Format): Response {
  const wanted = format ?? (prefersJson(c) ? "json" : "kernel");
  if (wanted !== "json") return c.body(rules.print(wanted), 200, { "content-type": "text/plain; charset=utf-8", vary: "accept" });
  const linked = rules.toJSON();
  return c.json({ ...linked, rules: said(linked.rules, languageOf(c)) }, 200, { vary: "accept, accept-language" });
}

function compared(c: Context<SandboxEnv>, before: NodeRules, after: NodeRules, format: Format): Response {
  const difference = differenceOf(before.toJSON(), after.toJSON());
  if ((format ?? (prefersJson(c) ? "json" : "kernel")) !== "json") {
    return c.body(differenceText(difference), 200, { "content-type": "text/plain; charset=utf-8", vary: "accept" });
  }
  const { mode, node, family } = after;
  const language = languageOf(c);
  const { removed, added } = difference;
  return c.json({ mode, node, family, removed: said(removed, language), added: said(added, language) }, 200, {
    vary: "accept, accept-language",
  });
}

const said = (rules: readonly LinkedRule[], language: Language): (LinkedRule & { sentence: string })[] =>
  rules.map((rule) => ({ ...rule, sentence: ruleSentence(rule, language) }));

const prefersJson = (c: Context): boolean => /\bapplication\/json\b/.test(c.req.header("accept") ?? "");
