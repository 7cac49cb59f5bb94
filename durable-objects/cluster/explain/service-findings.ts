/**
 * What is wrong with a Service that has no endpoint for a packet, or none on this node, or that lets in other sources
 * only. Selectors, pods, target ports and endpoints by hand have files of their own.
 */
import type { Pod, Service } from "../api/objects.ts";
import { withoutEndpointsByHand } from "./by-hand-findings.ts";
import { type Facts, hasSelector, isReady, podsWith, refTo, selectorText, slicesOf } from "./facts.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import { noneReady } from "./pod-findings.ts";
import { withoutPods } from "./selector-findings.ts";
import { closedPorts, unknownPortName } from "./target-port-findings.ts";
import { type Finding, finding, fix } from "./why.ts";

/**
 * Why no endpoint is ready, the deepest cause that can be told, and what would fail after it.
 *
 * @param node where the packet was refused
 * @param at index of the Service's port that the packet was for
 */
export function withoutEndpoints(service: Service, node: string, facts: Facts, at = 0): Finding[] {
  const { namespace, name: svc } = service.metadata;
  if (!hasSelector(service)) return [withoutEndpointsByHand(service, node, at, facts)];
  const pods = podsWith(service.spec.selector, namespace, facts.reader);
  if (pods.length === 0) return withoutPods(service, node, facts);
  const [pod] = pods.filter(isReady);
  if (pod === undefined) return [noneReady(service, pods as [Pod, ...Pod[]], facts), ...closedPorts(service, pods, facts)];
  const unknown = unknownPortName(service, at, pod, facts);
  if (unknown !== undefined) return [unknown];
  const repair = fix("check-selector", { svc, selector: selectorText(service.spec.selector) });
  return [finding("no-endpoints", { node, svc }, [refTo(service)], repair)];
}

/** The policy is Local and the node has no endpoint. */
export function withoutLocalEndpoints(service: Service, node: string, internal: boolean, facts: Facts): Finding {
  const svc = service.metadata.name;
  const nodes = nodesWithEndpoints(service, facts);
  const policy = internal ? "internalTrafficPolicy" : "externalTrafficPolicy";
  const patches = [mergePatch(service, { spec: { [policy]: "Cluster" } })];
  const repair =
    internal || nodes.length === 0
      ? fix("run-pod-here", { svc, node, policy }, patches)
      : fix("use-node", { nodes: nodes.join(", "), policy }, patches);
  return finding(internal ? "internal-policy-local" : "external-policy-local", { node, svc }, [refTo(service, `spec.${policy}`)], repair);
}

const nodesWithEndpoints = (service: Service, { reader }: Facts): string[] => [
  ...new Set(
    slicesOf(service, reader)
      .flatMap(({ endpoints }) => endpoints ?? [])
      .flatMap(({ nodeName, conditions }) => (nodeName === undefined || conditions?.ready === false ? [] : [nodeName])),
  ),
];

export function sourceNotAllowed(service: Service, node: string, source: string): Finding {
  const ranges = service.spec.loadBalancerSourceRanges ?? [];
  const range = `${source}/${source.includes(":") ? 128 : 32}`;
  const params = { node, svc: service.metadata.name, source, ranges: ranges.join(", ") };
  const patches = [jsonPatch(service, [{ op: "add", path: "/spec/loadBalancerSourceRanges/-", value: range }])];
  return finding(
    "source-not-allowed",
    params,
    [refTo(service, "spec.loadBalancerSourceRanges")],
    fix("allow-source", { source: range }, patches),
  );
}
