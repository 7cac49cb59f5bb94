/**
 * Why a name did not resolve: it exists elsewhere, it is misspelled or cut short, or it holds nothing now. Why nobody
 * could answer is `dns-findings.ts`.
 */
import { absolute, foldCase, labelsOf, nameProblem, sameName } from "../api/domain-names.ts";
import type { Resolution } from "../api/network.ts";
import type { Service } from "../api/objects.ts";
import { dnsFailure } from "./dns-findings.ts";
import { type Facts, refTo } from "./facts.ts";
import { nearest } from "./near.ts";
import { withoutEndpoints } from "./service-findings.ts";
import { type Finding, finding, fix } from "./why.ts";

export function unresolvedName(resolution: Resolution, facts: Facts): Finding[] {
  switch (resolution.error) {
    case undefined:
      return [];
    case "temporary-failure":
      return dnsFailure(resolution, facts);
    case "no-address":
    case "name-not-found":
      return [missingName(resolution, facts)];
    default:
      return resolution.error satisfies never;
  }
}

function missingName(resolution: Resolution, facts: Facts): Finding {
  const { name, from } = resolution;
  const tooLong = unsendable(name);
  if (tooLong !== undefined) return tooLong;
  const services = facts.reader.list<Service>("services");
  const port = resolution.type === "SRV" ? portLabels.exec(name) : null;
  const asked = partsOf(port?.[3] ?? name, from.namespace, facts.options.clusterDomain);
  const exact = services.find(({ metadata }) => metadata.name === asked.svc && metadata.namespace === asked.ns);
  if (exact !== undefined) {
    const [, portName, protocol] = port ?? [];
    const own =
      from.namespace === undefined ? undefined : (asksElsewhere(resolution, exact, facts) ?? cutShort(resolution, exact, asked, facts));
    if (own !== undefined) return own;
    return portName === undefined || protocol === undefined
      ? emptyName(resolution, exact, asked.svc, facts)
      : missingPort(name, exact, portName, protocol);
  }
  const elsewhere = services.find(({ metadata }) => metadata.name === asked.svc);
  if (elsewhere !== undefined && from.namespace !== undefined) {
    const other = elsewhere.metadata.namespace;
    const params = { name, svc: asked.svc, ns: asked.ns, other };
    return finding("wrong-namespace", params, [refTo(elsewhere)], fix("use-name", { name: `${asked.svc}.${other}` }));
  }
  const n = new Set(resolution.trace.map(({ query }) => query)).size;
  const near = nearestName(asked, services, from.namespace);
  if (near === undefined) return finding("no-such-name", { name, n }, [], fix("create-service", { name: asked.svc }));
  return finding("name-typo", { name, n, near: near.text }, [refTo(near.service)], fix("use-name", { name: near.text }));
}

/** `_http._tcp.web`, with or without the underscores. */
const portLabels = /^_?([^._]+)\._?(tcp|udp|sctp)\.(.+)$/i;

/** What cannot be written into a question is never asked. */
function unsendable(name: string): Finding | undefined {
  switch (nameProblem(name)) {
    case "label-too-long": {
      const label = labelsOf(name).reduce((longest, each) => (each.length > longest.length ? each : longest), "");
      return finding("label-too-long", { label, n: label.length }, [], fix("shorten-name", {}));
    }
    case "name-too-long":
      return finding("name-too-long", { n: name.length }, [], fix("shorten-name", {}));
    default:
      return undefined;
  }
}

/** The sender's resolver is not the cluster's, and knows none of its names. */
function asksElsewhere({ name, nameserver, from }: Resolution, service: Service, { options }: Facts): Finding | undefined {
  if (nameserver === undefined || nameserver === options.clusterDNS) return undefined;
  const pod =
    from.pod === undefined
      ? []
      : [{ apiVersion: "v1", kind: "Pod", namespace: from.namespace ?? "", name: from.pod, field: "spec.dnsPolicy" }];
  return finding(
    "other-resolver",
    { name, svc: service.metadata.name, server: nameserver },
    [...pod, refTo(service)],
    fix("use-cluster-dns", {}),
  );
}

/** The whole name was never asked for: a final dot, or too few dots too many, kept the search list away. */
function cutShort({ name, trace }: Resolution, service: Service, { svc, ns }: Asked, { options }: Facts): Finding | undefined {
  const full = `${svc}.${ns}.svc.${options.clusterDomain}`;
  if (trace.length === 0 || trace.some(({ query }) => foldCase(query).endsWith(absolute(full)))) return undefined;
  return finding("incomplete-name", { name, full }, [refTo(service)], fix("use-name", { name: full }));
}

/** SRV records exist for named ports only. */
function missingPort(name: string, service: Service, port: string, protocol: string): Finding {
  const { ports = [] } = service.spec;
  const named = ports.filter((each) => each.name !== undefined && each.name !== "");
  const svc = service.metadata.name;
  const params = {
    name,
    svc,
    port,
    protocol: protocol.toUpperCase(),
    ports: named.map((each) => `${each.name}/${each.protocol ?? "TCP"}`).join(", "),
  };
  const because = [refTo(service, "spec.ports")];
  const near =
    nearest(
      port,
      named.map((each) => each.name!),
    ) ?? (named.length === 1 ? named[0]!.name : undefined);
  const chosen = named.find((each) => each.name === near);
  if (chosen === undefined) return finding("srv-port-missing", params, because, fix("name-service-port", { svc, port }));
  const rest = portLabels.exec(name)?.[3] ?? "";
  return finding(
    "srv-port-missing",
    params,
    because,
    fix("use-name", { name: `_${chosen.name}._${(chosen.protocol ?? "TCP").toLowerCase()}.${rest}` }),
  );
}

/** What a lookup that succeeded could have had for less: the search list was tried in vain before the name as typed. */
export function adviceOnLookup({ name, addresses, answers, ndots, trace }: Resolution, { options }: Facts): Finding | undefined {
  const last = trace.at(-1)?.query;
  if (last === undefined || (addresses.length === 0 && answers.length === 0) || !sameName(last, name)) return undefined;
  if (foldCase(absolute(last)).endsWith(`.${absolute(options.clusterDomain)}`)) return undefined;
  const n = trace.filter(({ query }) => !sameName(query, last)).length;
  const dots = labelsOf(name).length - 1;
  return n === 0 ? undefined : finding("wasted-queries", { name, n, dots, ndots }, [], fix("use-final-dot", { name: absolute(name) }));
}

/** The Service is there, and its name still gives no address. */
function emptyName({ name, from }: Resolution, service: Service, svc: string, facts: Facts): Finding {
  const { externalName: target = "", type, clusterIP } = service.spec;
  if (from.namespace === undefined) {
    return finding("name-from-outside", { name, svc }, [refTo(service)], fix("expose-service", { svc }));
  }
  if (type === "ExternalName") {
    return finding(
      "external-name-unresolved",
      { name, svc, target },
      [refTo(service, "spec.externalName")],
      fix("check-external-name", { target }),
    );
  }
  if (clusterIP === "None") {
    const [behind] = withoutEndpoints(service, "", facts) as [Finding];
    return finding("headless-without-pods", { name, svc }, behind.because, behind.fix);
  }
  return finding("no-address", { name }, [refTo(service)], fix("use-name", { name: svc }));
}

interface Asked {
  svc: string;
  ns: string;
  /** The typed name named its namespace. */
  explicit: boolean;
}

/** `api`, `api.shop`, `api.shop.svc`, `api.shop.svc.cluster.local`, with or without the final dot. */
function partsOf(name: string, namespace: string | undefined, domain: string): Asked {
  const bare = name.toLowerCase().replace(/\.$/, "");
  const below = [`.svc.${domain}`, ".svc", `.${domain}`].reduce(
    (text, suffix) => (text.endsWith(suffix) ? text.slice(0, -suffix.length) : text),
    bare,
  );
  const [svc = "", ns, ...more] = below.split(".");
  if (ns === undefined || more.length > 0) return { svc: more.length > 0 ? below : svc, ns: namespace ?? "default", explicit: false };
  return { svc, ns, explicit: true };
}

/** Searches where the name was looked for first: its namespace, then all others. */
function nearestName(
  { svc, ns, explicit }: Asked,
  services: readonly Service[],
  own: string | undefined,
): { text: string; service: Service } | undefined {
  const spelled = (service: Service): string =>
    service.metadata.namespace === own ? service.metadata.name : `${service.metadata.name}.${service.metadata.namespace}`;
  const here = services.filter(({ metadata }) => metadata.namespace === ns);
  const there = services.filter(({ metadata }) => metadata.namespace !== ns);
  for (const among of [here, there]) {
    const name = nearest(
      svc,
      among.map(({ metadata }) => metadata.name),
    );
    const service = among.find(({ metadata }) => metadata.name === name);
    if (service !== undefined) return { text: spelled(service), service };
  }
  if (!explicit) return undefined;
  const whole = nearest(
    `${svc}.${ns}`,
    services.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`),
  );
  const service = services.find(({ metadata }) => `${metadata.name}.${metadata.namespace}` === whole);
  return service === undefined ? undefined : { text: spelled(service), service };
}
