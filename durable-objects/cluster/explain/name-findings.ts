/**
 * Why a name did not resolve: it exists elsewhere, it is misspelled, it holds nothing now, or DNS did not answer.
 */
import type { Resolution } from "../api/network.ts";
import type { KubeObject, Service } from "../api/objects.ts";
import { type Facts, refTo } from "./facts.ts";
import { nearest } from "./near.ts";
import { mergePatch } from "./service-findings.ts";
import { type Finding, finding, fix } from "./why.ts";

export function unresolvedName(resolution: Resolution, facts: Facts): Finding[] {
  switch (resolution.error) {
    case undefined:
      return [];
    case "temporary-failure":
      return [dnsFailure(resolution, facts)];
    case "no-address":
    case "name-not-found":
      return [missingName(resolution, facts)];
    default:
      return resolution.error satisfies never;
  }
}

function dnsFailure({ name, nameserver = "", trace }: Resolution, facts: Facts): Finding {
  const rcode = trace.at(-1)?.rcode ?? "TIMEOUT";
  if (rcode !== "TIMEOUT") return finding("dns-failed", { name, server: nameserver, rcode }, [], fix("check-address", {}));
  const service = facts.reader.list<Service>("services", "kube-system").find(({ spec }) => spec.clusterIP === nameserver);
  const because = service === undefined ? [] : [refTo(service)];
  const idle = facts.reader
    .list<KubeObject>("deployments.apps", "kube-system")
    .find(({ spec }) => spec?.replicas === 0 && spec?.template?.metadata?.labels?.["k8s-app"] === "kube-dns");
  if (idle === undefined) return finding("dns-unreachable", { name, server: nameserver }, because, fix("repair-dns", {}));
  const repair = fix("scale-up", { workload: `deployment/${idle.metadata.name}` }, [mergePatch(idle, { spec: { replicas: 1 } })]);
  return finding("dns-unreachable", { name, server: nameserver }, [...because, refTo(idle, "spec.replicas")], repair);
}

function missingName(resolution: Resolution, facts: Facts): Finding {
  const { name, from } = resolution;
  const services = facts.reader.list<Service>("services");
  const asked = partsOf(name, from.namespace, facts.options.clusterDomain);
  const exact = services.find(({ metadata }) => metadata.name === asked.svc && metadata.namespace === asked.ns);
  if (exact !== undefined) return emptyName(resolution, exact, asked.svc);
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

/** The Service is there, and its name still gives no address. */
function emptyName({ name, from }: Resolution, service: Service, svc: string): Finding {
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
    return finding(
      "headless-without-pods",
      { name, svc },
      [refTo(service, "spec.selector")],
      fix("check-selector", { svc, selector: labels(service) }),
    );
  }
  return finding("no-address", { name }, [refTo(service)], fix("use-name", { name: svc }));
}

const labels = ({ spec }: Service): string =>
  Object.entries(spec.selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

interface Asked {
  svc: string;
  ns: string;
  /** The typed name named its namespace. */
  explicit: boolean;
}

/** `api`, `api.shop`, `api.shop.svc`, `api.shop.svc.cluster.local`, with or without the final dot. */
function partsOf(name: string, namespace: string | undefined, domain: string): Asked {
  const bare = name.toLowerCase().replace(/\.$/, "");
  const below = [`.svc.${domain}`, ".svc"].reduce((text, suffix) => (text.endsWith(suffix) ? text.slice(0, -suffix.length) : text), bare);
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
