/** The compiled rules of a node: as the kernel's tool prints them, as kube-proxy writes them, or linked to their objects. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import { ruleSentence } from "../cluster/explain/rule-sentence.ts";
import { UnsupportedModeError } from "../cluster/kube-proxy/rule-set.ts";
import { badInput } from "./bad-input.ts";
import { languageOf } from "./language.ts";
import type { Operation } from "./operation.ts";
import { problem } from "./problem.ts";
import type { SandboxEnv } from "./sandbox.ts";

const forms = "GET /rules?mode=iptables&node=node-1&family=IPv4&format=kernel|sync|json.";

const query = z.strictObject({
  mode: z.enum(["iptables", "nftables", "ipvs"]).optional().describe("Default: the sandbox's."),
  node: z.string().min(1).optional().describe("Default: the first node."),
  family: z.enum(["IPv4", "IPv6"]).optional().describe("Default: the sandbox's first."),
  format: z
    .enum(["kernel", "sync", "json"])
    .optional()
    .describe("Default: json where Accept asks for it, else as the kernel's tool prints."),
  lang: z.enum(["en", "ko"]).optional(),
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

function answer(c: Context<SandboxEnv>, { mode, node, family, format }: z.infer<typeof query>): Response {
  const { cluster } = c.get("sandbox");
  const nodes = cluster.turn(() => cluster.kubeProxy.nodes());
  const chosen = node ?? cluster.options.nodes.find(({ name }) => nodes.includes(name))?.name ?? nodes[0];
  if (chosen === undefined || !nodes.includes(chosen)) {
    return problem(c, {
      type: "no-such-node",
      title: "No such node",
      status: 404,
      detail: `node: there is no node ${chosen ?? ""}.`,
      fix: nodes.length === 0 ? "The cluster has no node." : `The nodes are ${nodes.join(", ")}.`,
    });
  }
  try {
    const of = cluster.kubeProxy.rulesOf(chosen, family ?? cluster.options.ipFamilies[0] ?? "IPv4", mode ?? cluster.options.proxyMode);
    const wanted = format ?? (prefersJson(c) ? "json" : "kernel");
    if (wanted !== "json") return c.body(of.print(wanted), 200, { "content-type": "text/plain; charset=utf-8", vary: "accept" });
    const linked = of.toJSON();
    const language = languageOf(c);
    const said = linked.rules.map((rule) => ({ ...rule, sentence: ruleSentence(rule, language) }));
    return c.json({ ...linked, rules: said }, 200, { vary: "accept, accept-language" });
  } catch (error) {
    if (!(error instanceof UnsupportedModeError)) throw error;
    return problem(c, {
      type: "proxy-mode-not-emulated",
      title: "Proxy mode not emulated",
      status: 501,
      detail: `mode: ${error.message}.`,
      fix: "Ask for another mode: mode=iptables.",
    });
  }
}

const prefersJson = (c: Context): boolean => /\bapplication\/json\b/.test(c.req.header("accept") ?? "");
