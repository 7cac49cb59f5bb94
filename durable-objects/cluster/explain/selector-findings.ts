/**
 * Why the selector of a Service finds no pod: nothing runs, a label is spelled differently or missing, or the pods are
 * in another namespace.
 */
import { matchesLabelMap } from "../api/label-selector.ts";
import type { KubeObject, Pod, Service } from "../api/objects.ts";
import { type Facts, podsWith, refTo, selectorText } from "./facts.ts";
import { type LabelSlip, labelSlip } from "./label-slip.ts";
import { editDistance } from "./near.ts";
import { mergePatch } from "./patches.ts";
import { closedPorts } from "./target-port-findings.ts";
import { type Finding, finding, fix } from "./why.ts";
import { addLabel, sourceOf } from "./workload.ts";

/** @param node where the packet was refused */
export const withoutPods = (service: Service, node: string, facts: Facts): Finding[] =>
  zeroReplicas(service, node, facts) ??
  misspelled(service, facts) ??
  missingLabel(service, facts) ??
  otherNamespace(service, facts) ?? [nothingMatches(service)];

/** A Deployment, StatefulSet or ReplicaSet that would make such pods is scaled to nothing. */
function zeroReplicas(service: Service, node: string, { reader }: Facts): Finding[] | undefined {
  const { namespace, name: svc } = service.metadata;
  const idle = ["deployments.apps", "statefulsets.apps", "replicasets.apps"]
    .flatMap((resource) => reader.list<KubeObject>(resource, namespace))
    .find(
      ({ spec, metadata }) =>
        spec?.replicas === 0 &&
        !metadata.ownerReferences?.some(({ controller }) => controller) &&
        matchesLabelMap(service.spec.selector, spec?.template?.metadata?.labels),
    );
  if (idle === undefined) return undefined;
  const workload = `${idle.kind.toLowerCase()}/${idle.metadata.name}`;
  const repair = fix("scale-up", { workload }, [mergePatch(idle, { spec: { replicas: 1 } })]);
  return [finding("zero-replicas", { node, svc, workload }, [refTo(service), refTo(idle, "spec.replicas")], repair)];
}

/** The one label of the selector that, spelled as some pods have it, would find them. */
function misspelled(service: Service, facts: Facts): Finding[] | undefined {
  const { namespace } = service.metadata;
  const { selector } = service.spec;
  const [slip] = podsWith(undefined, namespace, facts.reader)
    .flatMap((pod) => labelSlip(selector, pod.metadata.labels) ?? [])
    .sort((a, b) => editDistance(a.wrong, a.near) - editDistance(b.wrong, b.near));
  if (slip === undefined) return undefined;
  const pods = podsWith(slip.corrected, namespace, facts.reader);
  return [slipFinding(service, slip, pods.length), ...closedPorts(service, pods, facts)];
}

function slipFinding(service: Service, { key: k, nearKey, nearValue: near, wrong, near: label }: LabelSlip, n: number): Finding {
  const because = [refTo(service, `spec.selector.${k}`)];
  const repair = fix("use-selector", { k: nearKey, near }, [
    mergePatch(service, { spec: { selector: { ...(k === nearKey ? {} : { [k]: null }), [nearKey]: near } } }),
  ]);
  if (k !== nearKey) return finding("selector-key-typo", { wrong, near: label, n }, because, repair);
  return finding("selector-typo", { k, v: service.spec.selector?.[k] ?? "", near, n }, because, repair);
}

/** Pods that have all labels of the selector but one, which they do not have at all. */
function missingLabel(service: Service, { reader }: Facts): Finding[] | undefined {
  const entries = Object.entries(service.spec.selector ?? {});
  if (entries.length < 2) return undefined;
  for (const [key, value] of entries) {
    const rest = Object.fromEntries(entries.filter(([each]) => each !== key));
    const pods = podsWith(rest, service.metadata.namespace, reader).filter(({ metadata }) => metadata.labels?.[key] === undefined);
    const sources = new Map(pods.map((pod) => sourceOf(pod, reader)).map((source) => [source.object.metadata.uid, source]));
    const [source] = sources.values();
    if (source === undefined || sources.size > 1) continue;
    const name = `${source.object.kind.toLowerCase()}/${source.object.metadata.name}`;
    const params = { selector: selectorText(service.spec.selector), missing: `${key}=${value}`, n: pods.length };
    const because = [
      refTo(service, `spec.selector.${key}`),
      refTo(source.object, source.path === "" ? "metadata.labels" : "spec.template.metadata.labels"),
    ];
    return [
      finding(
        "pod-label-missing",
        params,
        because,
        fix("add-label", { name, label: `${key}=${value}` }, [addLabel(source, { [key]: value })]),
      ),
    ];
  }
  return undefined;
}

/** A selector sees its own namespace only. */
function otherNamespace(service: Service, { reader }: Facts): Finding[] | undefined {
  const { namespace, name: svc } = service.metadata;
  const pods = reader
    .list<Pod>("pods")
    .filter(({ metadata }) => metadata.namespace !== namespace && matchesLabelMap(service.spec.selector, metadata.labels));
  const [pod] = pods;
  if (pod === undefined) return undefined;
  const other = pod.metadata.namespace;
  const n = pods.filter(({ metadata }) => metadata.namespace === other).length;
  const params = { selector: selectorText(service.spec.selector), ns: namespace, other, n };
  return [
    finding(
      "selector-other-namespace",
      params,
      [refTo(service, "spec.selector"), refTo(pod)],
      fix("join-namespaces", { svc, ns: namespace, other }),
    ),
  ];
}

function nothingMatches(service: Service): Finding {
  const selector = selectorText(service.spec.selector);
  const repair = fix("check-selector", { svc: service.metadata.name, selector });
  return finding("selector-matches-nothing", { selector }, [refTo(service, "spec.selector")], repair);
}
