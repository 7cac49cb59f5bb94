import { describe, expect, it } from "vitest";
import { StatusError } from "../api/status-error.ts";
import { viewersGroup } from "./credentials.ts";
import { impersonated } from "./impersonation.ts";
import type { Principal } from "./principal.ts";

const admin: Principal = { user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], via: "bearer" };
const viewer: Principal = { user: "viewer", groups: [viewersGroup, "system:authenticated"], via: "bearer" };

describe("impersonated", () => {
  it.each([
    { name: "is the sender where nobody is asked for", user: "", groups: [], want: admin },
    { name: "is an authenticated user without rights", user: "jane", groups: [], want: { user: "jane", groups: ["system:authenticated"] } },
    {
      name: "is in the groups asked for",
      user: "jane",
      groups: ["system:masters"],
      want: { user: "jane", groups: ["system:masters", "system:authenticated"] },
    },
    {
      name: "is in the groups of a service account",
      user: "system:serviceaccount:demo:robot",
      groups: [],
      want: {
        user: "system:serviceaccount:demo:robot",
        groups: ["system:serviceaccounts", "system:serviceaccounts:demo", "system:authenticated"],
      },
    },
    { name: "may be nobody", user: "system:anonymous", groups: [], want: { user: "system:anonymous", groups: ["system:unauthenticated"] } },
  ])("$name", ({ user, groups, want }) => {
    expect(impersonated(admin, { user, groups })).toEqual({ via: "bearer", ...want });
  });

  it.each([
    {
      name: "another user to who may not be one",
      user: "jane",
      groups: [],
      want: 'users "jane" is forbidden: User "viewer" cannot impersonate resource "users" in API group "" at the cluster scope',
    },
    {
      name: "groups without a user",
      user: "",
      groups: ["a"],
      want: "Internal error occurred: requested groups without impersonating a user",
    },
  ])("refuses $name", ({ user, groups, want }) => {
    expect(() => impersonated(viewer, { user, groups })).toThrow(want);
    expect(() => impersonated(viewer, { user, groups })).toThrow(StatusError);
  });
});
