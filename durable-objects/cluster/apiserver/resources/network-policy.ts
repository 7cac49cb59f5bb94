/**
 * NetworkPolicy.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
import { type FieldError, forbiddenField, invalid, notSupported, required } from "../../api/field-error.ts";
import { cidrComplaints, containsCIDR, parseCIDR } from "../../api/ip-address.ts";
import { formatLabelSelector, type LabelSelector } from "../../api/label-selector.ts";
import type { KubeObject } from "../../api/objects.ts";
import { ageColumn, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { between } from "../validation/checks.ts";
import { validateLabelSelector } from "../validation/label-selector.ts";
import { complaintsAbout } from "../validation/object-meta.ts";
import { validatePortOrName } from "../validation/service.ts";

interface PolicyPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

interface Peer {
  podSelector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  ipBlock?: { cidr?: string; except?: string[] };
}

interface Rule {
  ports?: PolicyPort[];
  from?: Peer[];
  to?: Peer[];
}

export interface NetworkPolicy extends KubeObject {
  spec: { podSelector: LabelSelector; ingress?: Rule[]; egress?: Rule[]; policyTypes?: string[] };
}

const protocols = ["TCP", "UDP", "SCTP"];
const policyTypes = ["Ingress", "Egress"];

const networkPolicyStrategy: ResourceStrategy<NetworkPolicy> = {
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  singular: "networkpolicy",
  shortNames: ["netpol"],
  namespaced: true,
  subresources: [],
  hasGeneration: true,

  applyDefaults: (policy) => {
    policy.spec ??= {} as NetworkPolicy["spec"];
    const { spec } = policy;
    spec.podSelector ??= {};
    for (const port of [...(spec.ingress ?? []), ...(spec.egress ?? [])].flatMap((rule) => rule?.ports ?? [])) port.protocol ??= "TCP";
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ["Ingress", "Egress"] : ["Ingress"];
  },
  validate,
  validateUpdate: (next) => validate(next),
  columns: [nameColumn, { name: "Pod-Selector", cell: ({ spec }) => formatLabelSelector(spec.podSelector) }, ageColumn],
};

export const networkPolicy = strategy(networkPolicyStrategy);

function validate({ spec }: NetworkPolicy): FieldError[] {
  const errors = validateLabelSelector(spec.podSelector, "spec.podSelector");
  for (const [at, rule] of (spec.ingress ?? []).entries()) errors.push(...validateRule(rule ?? {}, `spec.ingress[${at}]`, "from"));
  for (const [at, rule] of (spec.egress ?? []).entries()) errors.push(...validateRule(rule ?? {}, `spec.egress[${at}]`, "to"));
  const types = spec.policyTypes ?? [];
  if (types.length > policyTypes.length)
    return [...errors, invalid("spec.policyTypes", types, "may not specify more than two policyTypes")];
  for (const [at, type] of types.entries()) {
    if (!policyTypes.includes(type)) errors.push(notSupported(`spec.policyTypes[${at}]`, type, policyTypes));
  }
  return errors;
}

const validateRule = (rule: Rule, field: string, side: "from" | "to"): FieldError[] => [
  ...(rule.ports ?? []).flatMap((port, at) => validatePort(port ?? {}, `${field}.ports[${at}]`)),
  ...(rule[side] ?? []).flatMap((peer, at) => validatePeer(peer ?? {}, `${field}.${side}[${at}]`)),
];

function validatePort({ protocol, port, endPort }: PolicyPort, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (protocol !== undefined && !protocols.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, protocols));
  if (port === undefined) {
    if (endPort !== undefined) errors.push(invalid(`${field}.endPort`, endPort, "may not be specified when `port` is not specified"));
    return errors;
  }
  errors.push(...validatePortOrName(`${field}.port`, port));
  if (endPort === undefined) return errors;
  if (typeof port === "string") return [...errors, invalid(`${field}.endPort`, endPort, "may not be specified when `port` is non-numeric")];
  // The server shows the port here, not the end.
  if (endPort < port) errors.push(invalid(`${field}.endPort`, port, "must be greater than or equal to `port`"));
  return [...errors, ...between(`${field}.endPort`, endPort, 1, 65535)];
}

function validatePeer(peer: Peer, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  if (peer.podSelector) {
    count += 1;
    errors.push(...validateLabelSelector(peer.podSelector, `${field}.podSelector`));
  }
  if (peer.namespaceSelector) {
    count += 1;
    errors.push(...validateLabelSelector(peer.namespaceSelector, `${field}.namespaceSelector`));
  }
  if (peer.ipBlock) {
    errors.push(...validateIPBlock(peer.ipBlock, `${field}.ipBlock`));
    if (count > 0) errors.push(forbiddenField(field, "may not specify both ipBlock and another peer"));
    count += 1;
  }
  return count === 0 ? [...errors, required(field, "must specify a peer")] : errors;
}

function validateIPBlock({ cidr = "", except = [] }: NonNullable<Peer["ipBlock"]>, field: string): FieldError[] {
  if (cidr === "") return [required(`${field}.cidr`)];
  const errors = complaintsAbout(`${field}.cidr`, cidr, cidrComplaints);
  const outer = parseCIDR(cidr, true);
  if (!outer) return errors;
  for (const [at, text] of except.entries()) {
    const here = `${field}.except[${at}]`;
    errors.push(...complaintsAbout(here, text, cidrComplaints));
    const inner = parseCIDR(text, true);
    if (!inner) continue;
    const isStrictSubset = containsCIDR(outer, { ...inner, first: inner.address, last: inner.address }) && inner.prefix > outer.prefix;
    if (!isStrictSubset) errors.push(invalid(here, text, "must be a strict subset of `cidr`"));
  }
  return errors;
}
