/** Why the pods that a selector finds take no traffic: they are on their way out, have no node, or do not get ready. */
import type { Container, KubeObject, Pod, Service } from "../api/objects.ts";
import { type Facts, reasonNotReady, refTo } from "./facts.ts";
import { labelSlip } from "./label-slip.ts";
import { nearest } from "./near.ts";
import { containerPorts } from "./target-port-findings.ts";
import { type Finding, finding, fix } from "./why.ts";
import { editSpec, sourceOf } from "./workload.ts";

/** @param pods at least one, none of them ready */
export function noneReady(service: Service, pods: readonly [Pod, ...Pod[]], facts: Facts): Finding {
  const svc = service.metadata.name;
  if (pods.every(({ metadata }) => metadata.deletionTimestamp !== undefined)) {
    const because = [refTo(service), ...pods.map((pod) => refTo(pod, "metadata.deletionTimestamp"))];
    return finding("pods-terminating", { svc, n: pods.length }, because, fix("wait-for-pods", { svc }));
  }
  const pod = pods.find(({ metadata }) => metadata.deletionTimestamp === undefined) ?? pods[0];
  if (!pod.spec.nodeName) return unschedulable(service, pod, facts);
  return closedProbe(service, pod, facts) ?? notReady(service, pod);
}

const notReady = (service: Service, pod: Pod): Finding =>
  finding(
    "pod-not-ready",
    { pod: pod.metadata.name, reason: reasonNotReady(pod) },
    [refTo(service), refTo(pod, "status.conditions")],
    fix("look-at-probe", { pod: pod.metadata.name }),
  );

/** In the scheduler's words; where the node selector misses a node by one slip, that is the repair. */
function unschedulable(service: Service, pod: Pod, { reader }: Facts): Finding {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  const params = { pod: pod.metadata.name, reason: scheduled?.message ?? scheduled?.reason ?? "Pending" };
  const because = [refTo(service), refTo(pod, "status.conditions")];
  const slip = reader.list<KubeObject>("nodes").flatMap(({ metadata }) => labelSlip(pod.spec.nodeSelector, metadata.labels) ?? [])[0];
  if (slip === undefined) return finding("pod-unschedulable", params, because, fix("make-room", { pod: pod.metadata.name }));
  const patches = editSpec(sourceOf(pod, reader), "replace", "/nodeSelector", slip.corrected);
  return finding("pod-unschedulable", params, because, fix("use-node-selector", { wrong: slip.wrong, near: slip.near }, patches));
}

const probes = ["readinessProbe", "startupProbe", "livenessProbe"] as const;

/** A probe that asks a port where the container does not listen. */
function closedProbe(service: Service, pod: Pod, facts: Facts): Finding | undefined {
  const { namespace, name } = pod.metadata;
  const open = facts.machines.listeners({ namespace, name }).flatMap(({ protocol, port }) => (protocol === "TCP" ? [port] : []));
  const known = open.length > 0 ? open : containerPorts(pod).map(({ port }) => port);
  for (const [at, container] of pod.spec.containers.entries()) {
    for (const probe of probes) {
      const asks = askedPort(container, probe);
      const port = typeof asks?.port === "string" ? (containerPorts(pod).find((each) => each.name === asks.port)?.port ?? 0) : asks?.port;
      if (asks === undefined || port === undefined || known.includes(port)) continue;
      const real = known.length === 1 ? String(known[0]) : nearest(String(port), known.map(String));
      const params = { pod: name, probe, port: String(asks.port), real: known.join(", ") };
      const because = [refTo(service), refTo(pod, `spec.containers[${at}].${probe}`)];
      if (real === undefined) return finding("probe-port-closed", params, because, fix("look-at-probe", { pod: name }));
      const patches = editSpec(sourceOf(pod, facts.reader), "replace", `/containers/${at}/${probe}/${asks.way}/port`, Number(real));
      return finding("probe-port-closed", params, because, fix("use-probe-port", { probe, real }, patches));
    }
  }
  return undefined;
}

function askedPort(
  container: Container,
  probe: (typeof probes)[number],
): { way: "httpGet" | "tcpSocket"; port: number | string } | undefined {
  const { httpGet, tcpSocket } = container[probe] ?? {};
  if (httpGet !== undefined) return { way: "httpGet", port: httpGet.port };
  return tcpSocket === undefined ? undefined : { way: "tcpSocket", port: tcpSocket.port };
}
