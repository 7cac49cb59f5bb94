/**
 * A Service without a selector gets its endpoints by hand: an EndpointSlice that names the Service in a label, or an
 * Endpoints object of the same name. What is there, and why it does not fit.
 */
import type { EndpointSlice, Endpoints, KubeObject, Service } from "../api/objects.ts";
import { type Facts, refTo, slicesOf } from "./facts.ts";
import { nearest } from "./near.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import { type Finding, finding, fix, type Patch } from "./why.ts";

const serviceLabel = "kubernetes.io/service-name";
const sliceResource = "endpointslices.discovery.k8s.io";

/** @param at index of the Service's port that has no endpoint */
export function withoutEndpointsByHand(service: Service, node: string, at: number, facts: Facts): Finding {
  const svc = service.metadata.name;
  return (
    wrongPort(service, at, facts) ??
    notReady(service, facts) ??
    strayedSlice(service, facts) ??
    strayedEndpoints(service, facts) ??
    finding("endpoints-missing", { node, svc }, [refTo(service, "spec.selector")], fix("make-endpoints", { svc }))
  );
}

/** Objects made by hand for the Service: its Endpoints, and slices that are no mirror of them. */
export function madeByHand(service: Service, { reader }: Facts): { endpoints: Endpoints | undefined; slices: EndpointSlice[] } {
  const { namespace, name } = service.metadata;
  const endpoints = reader.get<Endpoints>("endpoints", namespace, name);
  const slices = slicesOf(service, reader).filter(isByHand);
  return { endpoints, slices };
}

const isByHand = ({ metadata }: KubeObject): boolean => !metadata.labels?.["endpointslice.kubernetes.io/managed-by"]?.endsWith(".k8s.io");

/** Endpoints belong to a port of the Service by its name and protocol. */
function wrongPort(service: Service, at: number, facts: Facts): Finding | undefined {
  const port = service.spec.ports?.[at];
  if (port === undefined) return undefined;
  const { endpoints, slices } = madeByHand(service, facts);
  const wanted = { name: port.name ?? "", protocol: port.protocol ?? "TCP" };
  const number = typeof port.targetPort === "number" ? port.targetPort : port.port;
  const value = { ...(wanted.name === "" ? {} : { name: wanted.name }), port: number, protocol: wanted.protocol };
  const subsetAt = endpoints?.subsets?.findIndex(({ addresses = [] }) => addresses.length > 0) ?? -1;
  const sliceWith = slices.find(({ endpoints: list }) => (list ?? []).length > 0);
  const source = subsetAt >= 0 ? endpoints : sliceWith;
  if (source === undefined) return undefined;
  const ports = (subsetAt >= 0 ? endpoints?.subsets?.[subsetAt]?.ports : sliceWith?.ports) ?? [];
  if (ports.some((each) => (each.name ?? "") === wanted.name && (each.protocol ?? "TCP") === wanted.protocol && each.port !== undefined))
    return undefined;
  const list = subsetAt >= 0 ? `/subsets/${subsetAt}/ports` : "/ports";
  const next = ports.length === 1 ? [{ ...value, ...(ports[0]?.port === undefined ? {} : { port: ports[0].port }) }] : [...ports, value];
  const params = {
    svc: service.metadata.name,
    kind: source.kind,
    name: source.metadata.name,
    port: portLabel(wanted, port.port),
    has: ports.map(labelOf).join(", "),
  };
  const patches = [jsonPatch(source, [{ op: "add", path: list, value: next }])];
  return finding(
    "endpoints-port",
    params,
    [refTo(service, `spec.ports[${at}]`), refTo(source, "ports")],
    fix("match-ports", { kind: source.kind, name: source.metadata.name }, patches),
  );
}

const portLabel = ({ name, protocol }: { name: string; protocol: string }, port: number): string =>
  `${name === "" ? port : name}/${protocol}`;
const labelOf = ({
  name,
  port,
  protocol,
}: {
  name?: string | undefined;
  port?: number | undefined;
  protocol?: string | undefined;
}): string => `${name || port || ""}/${protocol ?? "TCP"}`;

/** The one who made them says that they are not ready. */
function notReady(service: Service, facts: Facts): Finding | undefined {
  const slice = madeByHand(service, facts).slices.find(({ endpoints }) => (endpoints ?? []).length > 0);
  if (slice === undefined || (slice.endpoints ?? []).some(({ conditions }) => conditions?.ready !== false)) return undefined;
  const params = { svc: service.metadata.name, name: slice.metadata.name };
  return finding(
    "endpoints-not-ready",
    params,
    [refTo(service), refTo(slice, "endpoints[].conditions.ready")],
    fix("look-at-slice", { name: slice.metadata.name }),
  );
}

/** A slice that nearly names the Service, or is named after it, and belongs to no other. */
function strayedSlice(service: Service, { reader }: Facts): Finding | undefined {
  const { namespace, name: svc } = service.metadata;
  for (const slice of reader.list<EndpointSlice>(sliceResource, namespace).filter(isByHand)) {
    const label = slice.metadata.labels?.[serviceLabel];
    if (label !== undefined && reader.get("services", namespace, label) !== undefined) continue;
    const isMeant = label === undefined ? slice.metadata.name.startsWith(`${svc}-`) : nearest(label, [svc]) !== undefined;
    if (!isMeant) continue;
    const params = { svc, name: slice.metadata.name, label: label ?? "" };
    const patches = [mergePatch(slice, { metadata: { labels: { [serviceLabel]: svc } } })];
    return finding(
      "slice-label",
      params,
      [refTo(service), refTo(slice, "metadata.labels")],
      fix("label-slice", { name: slice.metadata.name, svc }, patches),
    );
  }
  return undefined;
}

/** Endpoints of a name that nearly is the Service's, and of no other Service. */
function strayedEndpoints(service: Service, { reader }: Facts): Finding | undefined {
  const { namespace, name: svc } = service.metadata;
  const stray = reader
    .list<Endpoints>("endpoints", namespace)
    .find(
      ({ metadata: { name } }) =>
        name !== svc && reader.get("services", namespace, name) === undefined && nearest(svc, [name]) !== undefined,
    );
  if (stray === undefined) return undefined;
  const { apiVersion, kind, subsets } = stray;
  const made: Patch = {
    apiVersion,
    kind,
    namespace,
    name: svc,
    method: "POST",
    contentType: "application/json",
    body: { apiVersion, kind, metadata: { name: svc, namespace }, subsets },
  };
  return finding(
    "endpoints-name",
    { svc, name: stray.metadata.name },
    [refTo(service), refTo(stray, "metadata.name")],
    fix("name-endpoints", { svc }, [made]),
  );
}

/** Sent on to a port where nobody answers, other than the Service's targetPort. */
export function portByHand(service: Service, at: number, port: number, facts: Facts): Patch[] {
  const { targetPort } = service.spec.ports?.[at] ?? {};
  if (typeof targetPort !== "number" || targetPort === port) return [];
  const { endpoints, slices } = madeByHand(service, facts);
  const subset = endpoints?.subsets?.findIndex(({ ports = [] }) => ports.some((each) => each.port === port)) ?? -1;
  const slice = slices.find(({ ports }) => ports?.some((each) => each.port === port));
  if (endpoints !== undefined && subset >= 0) {
    const of = endpoints.subsets?.[subset]?.ports?.findIndex((each) => each.port === port);
    return [jsonPatch(endpoints, [{ op: "replace", path: `/subsets/${subset}/ports/${of}/port`, value: targetPort }])];
  }
  if (slice === undefined) return [];
  const of = slice.ports?.findIndex((each) => each.port === port);
  return [jsonPatch(slice, [{ op: "replace", path: `/ports/${of}/port`, value: targetPort }])];
}
