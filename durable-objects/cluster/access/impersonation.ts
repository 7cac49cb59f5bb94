/**
 * Acting as somebody else: `kubectl --as=jane`. Who may is asked of `authorize`, as any other act.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
 */
import { internal } from "../api/status-error.ts";
import { authorize, refusal } from "./authorize.ts";
import type { Principal } from "./principal.ts";

/** What the `Impersonate-` headers of a request ask for; an empty user: nothing. */
export interface Impersonation {
  user: string;
  groups: readonly string[];
}

/**
 * Who the request is to be judged as.
 *
 * @throws StatusError 403 where the principal may not act as that user or as a member of that group
 */
export function impersonated(principal: Principal, { user, groups }: Impersonation): Principal {
  if (user === "" && groups.length === 0) return principal;
  if (user === "") throw internal("requested groups without impersonating a user");
  for (const [resource, name] of [["users", user], ...groups.map((group) => ["groups", group])] as [string, string][]) {
    const request = { verb: "impersonate", group: "", resource, name };
    const decision = authorize(principal, request);
    if (!decision.allowed) throw refusal(request, decision);
  }
  return { user, groups: groupsOf(user, groups), via: principal.via };
}

/** With the groups that come with a user by its name. */
function groupsOf(user: string, asked: readonly string[]): string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user) ?? [];
  const ofAccount = asked.length === 0 && namespace !== undefined ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`] : [];
  const known = user === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  return [...new Set([...asked, ...ofAccount, known])];
}
