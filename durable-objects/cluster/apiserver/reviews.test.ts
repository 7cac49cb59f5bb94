import { describe, expect, it } from "vitest";
import { viewersGroup } from "../access/credentials.ts";
import type { Principal } from "../access/principal.ts";
import type { KubeObject } from "../api/objects.ts";
import { refusal } from "./resources/test-lab.ts";
import { reviews } from "./reviews.ts";

const admin: Principal = { user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], via: "bearer" };
const viewer: Principal = { user: "viewer", groups: [viewersGroup, "system:authenticated"], via: "bearer" };
const now = Date.parse("2026-01-01T00:00:00Z");

function ask(kind: string, spec: object, principal = admin, namespace = ""): KubeObject {
  const of = reviews.find((review) => review.kind === kind);
  if (of?.answer === undefined) throw new Error(`nobody answers ${kind}`);
  const object = { apiVersion: `${of.group}/v1`, kind, metadata: {}, spec } as unknown as KubeObject;
  return of.answer(object, { principal, namespace, now });
}

const resource = (verb: string, plural: string, more = {}) => ({
  resourceAttributes: { verb, resource: plural, namespace: "demo", ...more },
});

describe("SelfSubjectAccessReview", () => {
  it.each([
    { name: "lets the admin do anything", principal: admin, spec: resource("delete", "secrets"), want: true },
    { name: "lets the viewer list pods", principal: viewer, spec: resource("list", "pods"), want: true },
    { name: "keeps the viewer from secrets", principal: viewer, spec: resource("get", "secrets"), want: false },
    { name: "keeps the viewer from exec", principal: viewer, spec: resource("create", "pods", { subresource: "exec" }), want: false },
    {
      name: "lets the viewer read the version",
      principal: viewer,
      spec: { nonResourceAttributes: { path: "/version", verb: "get" } },
      want: true,
    },
  ])("$name", ({ principal, spec, want }) => {
    expect(ask("SelfSubjectAccessReview", spec, principal).status).toEqual({ allowed: want });
  });

  it("refuses a question about nothing", () => {
    expect(refusal(() => ask("SelfSubjectAccessReview", {}))).toBe(
      'SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
  });
});

describe("SubjectAccessReview", () => {
  it.each([
    { name: "knows nothing of a user without groups", subject: { user: "jane" }, want: false },
    { name: "judges by groups", subject: { user: "jane", groups: [viewersGroup] }, want: true },
  ])("$name", ({ subject, want }) => {
    expect(ask("SubjectAccessReview", { ...resource("get", "pods"), ...subject }).status).toEqual({ allowed: want });
  });

  it("refuses a question about nobody", () => {
    expect(refusal(() => ask("SubjectAccessReview", resource("get", "pods")))).toBe(
      'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified',
    );
  });

  it("of a namespace asks about that namespace only", () => {
    const spec = { ...resource("get", "pods"), user: "jane" };
    expect(refusal(() => ask("LocalSubjectAccessReview", spec, admin, "other"))).toBe(
      "spec.resourceAttributes.namespace must match namespace: other",
    );
    expect(ask("LocalSubjectAccessReview", spec, admin, "demo").status).toEqual({ allowed: false });
  });
});

describe("SelfSubjectRulesReview", () => {
  it("tells the admin that everything is allowed", () => {
    expect(ask("SelfSubjectRulesReview", { namespace: "demo" }).status).toEqual({
      resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
      nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      incomplete: false,
    });
  });

  it("tells others the rules that authorize follows", () => {
    const jane: Principal = { user: "jane", groups: ["system:authenticated"], via: "bearer" };
    expect(ask("SelfSubjectRulesReview", { namespace: "demo" }, jane).status).toEqual({
      resourceRules: [
        { verbs: ["create"], apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] },
        { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
      ],
      nonResourceRules: [{ verbs: ["get", "head"], nonResourceURLs: ["*"] }],
      incomplete: false,
    });
  });
});

describe("SelfSubjectReview", () => {
  it("says who asks", () => {
    expect(ask("SelfSubjectReview", {}, viewer)).toMatchObject({
      metadata: { creationTimestamp: "2026-01-01T00:00:00Z" },
      status: { userInfo: { username: "viewer", groups: [viewersGroup, "system:authenticated"] } },
    });
  });
});

describe("TokenReview", () => {
  it("is refused with its reason", () => {
    expect(refusal(() => ask("TokenReview", { token: "t" }))).toBe(
      "tokenreviews.authentication.k8s.io is forbidden: TokenReview is not emulated: tokens are checked outside the cluster, which keeps only their hashes",
    );
  });
});
