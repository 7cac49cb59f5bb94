/**
 * May this principal do that? The one question every surface asks before anything is read or written.
 *
 * The surfaces that are not the Kubernetes API ask about resources of group `kubearium.dev`: `get` for what only looks
 * (`resolve`, `route`, `rules`, …, also when sent by POST), `update` for what changes (`import`, `reset`, `faults`, `clock`).
 */
import { failure, forbidden, type StatusError } from "../api/status-error.ts";
import { viewersGroup } from "./credentials.ts";
import type { Principal } from "./principal.ts";
import { everybodysRules, type RoleRule, viewerRules } from "./view-role.ts";

/** One act on an object or on a list of them. No `namespace`: the cluster scope, or all namespaces. */
export interface ResourceRequest {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** One act on a path that is no resource: `/version`, `/openapi/v3`. */
export interface PathRequest {
  verb: string;
  path: string;
}

export type AccessRequest = ResourceRequest | PathRequest;

/** `reason` is what kube-apiserver would write behind `forbidden: `. */
export type AccessDecision = { allowed: true } | { allowed: false; reason: string };

export function authorize(principal: Principal, request: AccessRequest): AccessDecision {
  if (isMaster(principal)) return { allowed: true };
  const allowed = "path" in request ? pathVerbs(principal).includes(request.verb) : permits(rulesOf(principal), request);
  return allowed ? { allowed } : { allowed, reason: describeRefusal(principal, request) };
}

/** True for who may do everything, so that no rule needs to say it. */
export const isMaster = ({ groups }: Principal): boolean => groups.includes("system:masters");

/** What everybody else may do with resources, by the groups he is in. */
export const rulesOf = ({ groups }: Principal): readonly RoleRule[] => [
  ...(groups.includes("system:authenticated") ? everybodysRules : []),
  ...(groups.includes(viewersGroup) ? viewerRules : []),
];

/** And with paths that are no resources, all alike. */
export const pathVerbs = ({ groups }: Principal): readonly string[] => (groups.includes("system:authenticated") ? ["get", "head"] : []);

/** The 403 of the Kubernetes API for a request that `authorize` did not allow. */
export const refusal = (request: AccessRequest, decision: { reason: string }): StatusError =>
  "path" in request
    ? failure(403, "Forbidden", `forbidden: ${decision.reason}`, {})
    : forbidden({ group: request.group, resource: request.resource }, request.name ?? "", decision.reason);

/** The 401 of the Kubernetes API, without credentials and with wrong ones alike. */
export const unauthorized = (): StatusError => failure(401, "Unauthorized", "Unauthorized");

const permits = (rules: readonly RoleRule[], { verb, group, resource, subresource }: ResourceRequest): boolean => {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return rules.some((rule) => rule.group === group && rule.verbs.includes(verb) && rule.resources.includes(name));
};

function describeRefusal({ user }: Principal, request: AccessRequest): string {
  if ("path" in request) return `User "${user}" cannot ${request.verb} path "${request.path}"`;
  const { verb, group, resource, subresource, namespace } = request;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined || namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return `User "${user}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
}
