/**
 * Turns the matches of a walk into hops: the rule that decided, and what it rewrote. Jumps on the way there are left
 * out; they decide nothing.
 */
import type { RuleRef } from "../api/network.ts";
import type { Pod } from "../api/objects.ts";
import type { MatchedRule, Walk } from "../kube-proxy/rule-set.ts";
import { endpointText, nodePlace } from "./endpoint-text.ts";
import type { HopDraft } from "./way.ts";

/** The two ends that a packet names. */
export interface Endpoints {
  src: string;
  sourcePort?: number;
  dst: string;
  port?: number;
}

/** A packet before the walk and its source after it. */
export interface Rewriting {
  node: string;
  mode: string;
  before: Endpoints;
  srcAfter: string;
  /** Endpoints that the deciding rule chose from, with the chance of the chosen one; 0: not counted. */
  choices: number;
  /** Name of the pod that the packet goes to now. A rule may stand for many endpoints; hops point at this one. */
  pod: string | undefined;
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

/** The rule that picked the endpoint: the one that drew, or the jump to the endpoint's chain, or the rewriting rule itself. */
function choosingHop(walk: Walk, rewriting: MatchedRule, of: Rewriting, detail: "full" | undefined): HopDraft {
  const before = walk.matched.slice(0, walk.matched.indexOf(rewriting));
  const jump = before.findLast(({ to }) => to !== undefined && to === rewriting.rule.chain);
  const chooser = rewriting.draw === undefined ? (jump ?? rewriting) : rewriting;
  const sends = rewriting.dnat === undefined ? "" : endpointText(rewriting.dnat.ip, rewriting.dnat.port);
  const { code, params } = chosenHow(chooser, rewriting, of);
  return {
    at: nodePlace(of.node),
    does: "match",
    code,
    params: { node: of.node, mode: of.mode, ...lineOf(chooser.rule), sends, choices: of.choices, ...params },
    objects: objectsOnTheWay(chooser, of),
    rule: chooser.rule,
    ...evaluatedOf(chooser, detail),
  };
}

/** How the endpoint was chosen, which differs from mode to mode: line by line with a chance each, by one number, or by turns. */
function chosenHow(chooser: MatchedRule, rewriting: MatchedRule, { mode, choices }: Rewriting): Pick<HopDraft, "code" | "params"> {
  const { draw, below = 1 } = chooser;
  if (chooser.role === "affinity" || (mode === "ipvs" && draw === undefined)) return { code: "rule-remembers", params: {} };
  if (mode === "ipvs") {
    const scheduler = / -s (\S+)/.exec(chooser.rule.text)?.[1] ?? "";
    // Line 1 of a virtual server is the server itself, its real servers follow in order.
    return { code: "rule-turn", params: { scheduler, turn: rewriting.rule.line - 1 } };
  }
  if (draw === undefined) return { code: "rule-matches", params: {} };
  if (mode === "nftables") return { code: "rule-number", params: { number: Math.floor(draw * choices) } };
  return { code: "rule-draws", params: { draw, below } };
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
    objects: objectsOnTheWay(rewriting, of),
    src,
    dst,
    dstAfter,
    ...(src === srcAfter ? {} : { srcAfter }),
    rule: rewriting.rule,
  };
}

function objectsOnTheWay({ objects }: MatchedRule, { pod }: Rewriting): HopDraft["objects"] {
  const distinct = new Map(objects.map((object) => [`${object.kind} ${object.namespace} ${object.name} ${object.field}`, object]));
  return [...distinct.values()].filter(({ kind, name }) => kind !== "Pod" || pod === undefined || name === pod);
}

/** Only the source changes: by kube-proxy's rules, or (without a rule) by the pod network. */
export function sourceHop(
  { node, before, srcAfter: ip }: Pick<Rewriting, "node" | "before" | "srcAfter">,
  rule: RuleRef | undefined,
): HopDraft {
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

/** The destination becomes a pod, by the pod network and not by kube-proxy. */
export function hostPortHop({ node, before, after, pod }: { node: string; before: Endpoints; after: Endpoints; pod: Pod }): HopDraft {
  const src = endpointText(before.src, before.sourcePort);
  const srcAfter = endpointText(after.src, after.sourcePort);
  const dst = endpointText(before.dst, before.port);
  const dstAfter = endpointText(after.dst, after.port);
  const { namespace, name } = pod.metadata;
  return {
    at: nodePlace(node),
    does: "rewrite",
    code: "rewrite-host-port",
    params: { node, pod: name, dst, dstAfter, port: before.port ?? 0 },
    objects: [{ apiVersion: "v1", kind: "Pod", namespace, name, field: "spec.containers[].ports[].hostPort" }],
    src,
    dst,
    dstAfter,
    ...(src === srcAfter ? {} : { srcAfter }),
  };
}

const lineOf = ({ chain, line }: RuleRef): { chain: string; line: number } => ({ chain, line });

/** Skipped draws always belong to the story; the other skipped lines only where everything was asked for. */
function evaluatedOf({ skipped = [] }: MatchedRule, detail: "full" | undefined): Pick<HopDraft, "evaluated"> {
  const evaluated = detail === "full" ? skipped : skipped.filter(({ because }) => because === "draw");
  return evaluated.length === 0 ? {} : { evaluated };
}
