/**
 * Ingress, as in a cluster that has no ingress controller: checked and kept, and nobody serves it.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/ingress/
 */
import { type FieldError, invalid, notSupported, required } from "../../api/field-error.ts";
import { ipComplaints, parseIP } from "../../api/ip-address.ts";
import { dnsLabel, dnsSubdomain, pathSegment, portName, wildcardDnsSubdomain } from "../../api/names.ts";
import type { KubeObject } from "../../api/objects.ts";
import { ageColumn, firstFew, nameColumn, none } from "../printing/cells.ts";
import { type ResourceStrategy, type StrategyContext, strategy } from "../resource-strategy.ts";
import { between } from "../validation/checks.ts";
import { complaintsAbout } from "../validation/object-meta.ts";
import { validateBalancerHostname } from "../validation/service.ts";

interface Backend {
  service?: { name?: string; port?: { name?: string; number?: number } };
  resource?: { apiGroup?: string; kind?: string; name?: string };
}

interface Path {
  path?: string;
  /** Null where the client left it out: the schema requires it. */
  pathType?: string | null;
  backend?: Backend;
}

interface Rule {
  host?: string;
  http?: { paths?: (Path | null)[] };
}

export interface Ingress extends KubeObject {
  spec: {
    ingressClassName?: string;
    defaultBackend?: Backend;
    tls?: ({ hosts?: string[]; secretName?: string } | null)[];
    rules?: (Rule | null)[];
  };
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

const classAnnotation = "kubernetes.io/ingress.class";
const defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class";
const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const forbiddenInPaths = ["//", "/./", "/../", "%2f", "%2F"];
const forbiddenAtTheEnd = ["/..", "/."];

const ingressStrategy: ResourceStrategy<Ingress> = {
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  singular: "ingress",
  shortNames: ["ing"],
  namespaced: true,
  subresources: ["status"],
  hasGeneration: true,

  applyDefaults: (ingress) => {
    ingress.spec ??= {};
    ingress.status ??= {};
    ingress.status.loadBalancer ??= {};
  },
  prepareForCreate: (ingress, context) => {
    ingress.status = { loadBalancer: {} };
    const isAsked = ingress.spec.ingressClassName !== undefined || ingress.metadata.annotations?.[classAnnotation] !== undefined;
    const name = isAsked ? undefined : defaultClass(context);
    if (name !== undefined) ingress.spec.ingressClassName = name;
  },
  prepareForUpdate: (next, previous) => {
    if (previous.status) next.status = previous.status;
  },
  validate: (ingress) => [...validateSpec(ingress.spec), ...validateClassAnnotation(ingress)],
  validateUpdate: (next) => validateSpec(next.spec),
  validateStatusUpdate: (next) => validateStatus(next.status),
  warnings: ({ metadata, spec }, previous) =>
    previous === undefined && metadata.annotations?.[classAnnotation] !== undefined && spec.ingressClassName === undefined
      ? [`annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [],
  columns: [
    nameColumn,
    { name: "Class", cell: ({ spec }) => spec.ingressClassName ?? none },
    { name: "Hosts", cell: hostsOf },
    { name: "Address", cell: ({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname).join(",") },
    { name: "Ports", cell: ({ spec }) => (spec.tls?.length ? "80, 443" : "80") },
    ageColumn,
  ],
};

export const ingress = strategy(ingressStrategy);

/** The newest of the classes that say they are the default; of two equally old ones the first by name. */
function defaultClass(context: StrategyContext): string | undefined {
  const defaults = context
    .list<KubeObject>("ingressclasses.networking.k8s.io")
    .filter(({ metadata }) => metadata.annotations?.[defaultClassAnnotation] === "true");
  const age = ({ metadata }: KubeObject): number => Date.parse(metadata.creationTimestamp ?? "");
  return defaults.sort((a, b) => age(b) - age(a))[0]?.metadata.name;
}

function hostsOf({ spec }: Ingress): string {
  const hosts = new Set((spec.rules ?? []).map((rule) => rule?.host ?? "").filter((host) => host !== ""));
  return hosts.size === 0 ? "*" : firstFew([...hosts]);
}

function validateSpec({ defaultBackend, rules, tls = [], ingressClassName }: Ingress["spec"]): FieldError[] {
  if (defaultBackend === undefined && !rules?.length) {
    return [invalid("spec", rules ?? null, "either `defaultBackend` or `rules` must be specified")];
  }
  return [
    ...(defaultBackend === undefined ? [] : validateBackend(defaultBackend, "spec.defaultBackend")),
    ...(rules ?? []).flatMap((rule, at) => validateRule(rule ?? {}, `spec.rules[${at}]`)),
    ...tls.flatMap((entry, at) => validateTLS(entry ?? {}, `spec.tls[${at}]`)),
    ...(ingressClassName === undefined ? [] : complaintsAbout("spec.ingressClassName", ingressClassName, dnsSubdomain)),
  ];
}

/** Only of a new Ingress: those from before there were classes may have both. */
function validateClassAnnotation({ metadata, spec }: Ingress): FieldError[] {
  const annotated = metadata.annotations?.[classAnnotation];
  if (annotated === undefined || spec.ingressClassName === undefined || annotated === spec.ingressClassName) return [];
  return [invalid(`annotations.${classAnnotation}`, annotated, "must match `ingressClassName` when both are specified")];
}

function validateRule({ host, http }: Rule, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host) {
    if (parseIP(host)) errors.push(invalid(`${field}.host`, host, "must be a DNS name, not an IP address"));
    errors.push(...validateHost(host, `${field}.host`));
  }
  if (http === undefined) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(required(`${field}.http.paths`));
  for (const [at, path] of paths.entries()) errors.push(...validatePath(path ?? {}, `${field}.http.paths[${at}]`));
  return errors;
}

const validateHost = (host: string, field: string): FieldError[] =>
  complaintsAbout(field, host, host.includes("*") ? wildcardDnsSubdomain : dnsSubdomain);

function validatePath({ path = "", pathType, backend = {} }: Path, field: string): FieldError[] {
  if (pathType === undefined || pathType === null) return [required(`${field}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const isMatched = pathType === "Exact" || pathType === "Prefix";
  if (!pathTypes.includes(pathType)) errors.push(notSupported(`${field}.pathType`, pathType, pathTypes));
  else if ((isMatched || path !== "") && !path.startsWith("/")) errors.push(invalid(`${field}.path`, path, "must be an absolute path"));
  if (isMatched) {
    for (const part of forbiddenInPaths) {
      if (path.includes(part)) errors.push(invalid(`${field}.path`, path, `must not contain '${part}'`));
    }
    for (const end of forbiddenAtTheEnd) {
      if (path.endsWith(end)) errors.push(invalid(`${field}.path`, path, `cannot end with '${end}'`));
    }
  }
  return [...errors, ...validateBackend(backend, `${field}.backend`)];
}

function validateBackend({ service, resource }: Backend, field: string): FieldError[] {
  if (service && resource) return [invalid(field, "", "cannot set both resource and service backends")];
  if (resource) return validateReference(resource, `${field}.resource`);
  if (!service) return [invalid(field, "", "resource or service backend is required")];
  const errors = service.name ? complaintsAbout(`${field}.service.name`, service.name, dnsLabel) : [required(`${field}.service.name`)];
  const { name, number } = service.port ?? {};
  if (name && number) return [...errors, invalid(field, "", "cannot set both port name & port number")];
  if (name) return [...errors, ...complaintsAbout(`${field}.service.port.name`, name, portName)];
  if (number) return [...errors, ...between(`${field}.service.port.number`, number, 1, 65535)];
  return [...errors, required(field, "port name or number is required")];
}

function validateReference({ apiGroup, kind, name }: NonNullable<Backend["resource"]>, field: string): FieldError[] {
  const errors = apiGroup === undefined ? [required(`${field}.apiGroup`)] : complaintsAbout(`${field}.apiGroup`, apiGroup, dnsSubdomain);
  for (const [key, value] of Object.entries({ kind, name })) {
    errors.push(...(value ? complaintsAbout(`${field}.${key}`, value, pathSegment) : [required(`${field}.${key}`)]));
  }
  return errors;
}

const validateTLS = ({ hosts = [], secretName }: { hosts?: string[]; secretName?: string }, field: string): FieldError[] => [
  ...hosts.flatMap((host, at) => validateHost(host, `${field}.hosts[${at}]`)),
  ...(secretName ? complaintsAbout(`${field}.secretName`, secretName, dnsSubdomain) : []),
];

const validateStatus = (status: Ingress["status"]): FieldError[] =>
  (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, at) => {
    const field = `status.loadBalancer.ingress[${at}]`;
    return [...(ip ? complaintsAbout(`${field}.ip`, ip, ipComplaints) : []), ...validateBalancerHostname(hostname, `${field}.hostname`)];
  });
