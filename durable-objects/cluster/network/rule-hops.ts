/**
 * Turns the matches of a walk into hops: the rule that decided, and what it rewrote. Jumps on the way there are left
 * out; they decide nothing.
 */
import type { RuleRef } from "../api/network.ts";
import type { MatchedRule, Walk } from "../kube-proxy/rule-set.ts";
import { endpointText, nodePlace } from "./endpoint-text.ts";
import type { HopDraft } from "./way.ts";

/** A packet before the walk and its source after it. */
export interface Rewriting {
  node: string;
  mode: string;
  before: { src: string; sourcePort?: number; dst: string; port?: number };
  srcAfter: string;
  /** Endpoints that the deciding rule chose from, with the chance of the chosen one; 0: not counted. */
  choices: number;
}

/** The rule that ended the walk, where one did. */
export const endingRule = (walk: Walk): MatchedRule | undefined => (walk.verdict === "accept" ? undefined : walk.matched.at(-1));

export function hopsOfWalk(walk: Walk, of: Rewriting, detail: "full" | undefined): HopDraft[] {
  const ending = endingRule(walk);
  if (ending !== undefined) return [endingHop(ending, of, detail)];
  const rewriting = walk.matched.findLast(({ action }) => action === "dnat");
  if (rewriting === undefined) return of.srcAfter === of.before.src ? [] : [sourceHop(of, walk.matched.findLast(isMasquerade)?.rule)];
  return [choosingHop(walk, rewriting, of, detail), rewriteHop(walk, rewriting, of)];
}

const isMasquerade = ({ action }: MatchedRule): boolean => action === "masquerade";

function endingHop(ending: MatchedRule, of: Rewriting, detail: "full" | undefined): HopDraft {
  return {
    at: nodePlace(of.node),
    does: "match",
    code: ending.action === "reject" ? "rule-rejects" : "rule-drops",
    params: { node: of.node, role: ending.role, ...lineOf(ending.rule), destination: endpointText(of.before.dst, of.before.port) },
    objects: [...ending.objects],
    rule: ending.rule,
    ...evaluatedOf(ending, detail),
  };
}

/** The rule that picked the endpoint: the jump to its chain, or the rewriting rule itself where nothing was picked. */
function choosingHop(walk: Walk, rewriting: MatchedRule, of: Rewriting, detail: "full" | undefined): HopDraft {
  const chooser =
    walk.matched.slice(0, walk.matched.indexOf(rewriting)).findLast(({ to }) => to !== undefined && to === rewriting.rule.chain) ??
    rewriting;
  const sends = rewriting.dnat === undefined ? "" : endpointText(rewriting.dnat.ip, rewriting.dnat.port);
  return {
    at: nodePlace(of.node),
    does: "match",
    code: chooser.role === "affinity" ? "rule-remembers" : chooser.draw === undefined ? "rule-matches" : "rule-draws",
    params: {
      node: of.node,
      mode: of.mode,
      ...lineOf(chooser.rule),
      sends,
      choices: of.choices,
      ...(chooser.draw === undefined ? {} : { draw: chooser.draw, below: chooser.below ?? 1 }),
    },
    objects: [...chooser.objects],
    rule: chooser.rule,
    ...evaluatedOf(chooser, detail),
  };
}

function rewriteHop(walk: Walk, rewriting: MatchedRule, of: Rewriting): HopDraft {
  const { before } = of;
  const src = endpointText(before.src, before.sourcePort);
  const srcAfter = endpointText(of.srcAfter, before.sourcePort);
  const dst = endpointText(before.dst, before.port);
  const dstAfter = endpointText(walk.dst, walk.destinationPort);
  return {
    at: nodePlace(of.node),
    does: "rewrite",
    code: src === srcAfter ? "rewrite-destination" : "rewrite-both",
    params: { node: of.node, dst, dstAfter, port: before.port ?? 0, portAfter: walk.destinationPort ?? 0, srcAfter },
    objects: [...rewriting.objects],
    src,
    dst,
    dstAfter,
    ...(src === srcAfter ? {} : { srcAfter }),
    rule: rewriting.rule,
  };
}

/** Only the source changes: by kube-proxy's rules, or (without a rule) by the pod network. */
export function sourceHop({ node, before, srcAfter: ip }: Omit<Rewriting, "choices" | "mode">, rule: RuleRef | undefined): HopDraft {
  const src = endpointText(before.src, before.sourcePort);
  const srcAfter = endpointText(ip, before.sourcePort);
  return {
    at: nodePlace(node),
    does: "rewrite",
    code: rule === undefined ? "rewrite-source-by-pod-network" : "rewrite-source",
    params: { node, src, srcAfter },
    objects: [],
    src,
    srcAfter,
    dst: endpointText(before.dst, before.port),
    ...(rule === undefined ? {} : { rule }),
  };
}

const lineOf = ({ chain, line }: RuleRef): { chain: string; line: number } => ({ chain, line });

/** Skipped draws always belong to the story; the other skipped lines only where everything was asked for. */
function evaluatedOf({ skipped = [] }: MatchedRule, detail: "full" | undefined): Pick<HopDraft, "evaluated"> {
  const evaluated = detail === "full" ? skipped : skipped.filter(({ because }) => because === "draw");
  return evaluated.length === 0 ? {} : { evaluated };
}
