import { describe, expect, it } from "vitest";
import { type AccessRequest, authorize, refusal, unauthorized } from "./authorize.ts";
import { hashToken, outsider, principalOf } from "./credentials.ts";
import type { Principal } from "./principal.ts";

const known = { adminTokenHash: hashToken("admin"), viewTokenHash: hashToken("view") };
const admin = principalOf("admin", "bearer", known)!;
const viewer = principalOf("view", "bearer", known)!;

const may = (who: Principal, request: AccessRequest) => authorize(who, request).allowed;

describe("authorize", () => {
  it.each([
    { name: "read Secrets", request: { verb: "get", group: "", resource: "secrets", namespace: "default", name: "s" } },
    { name: "exec", request: { verb: "create", group: "", resource: "pods", subresource: "exec", namespace: "default", name: "p" } },
    { name: "do things nobody has heard of", request: { verb: "juggle", group: "example.org", resource: "balls" } },
    { name: "use any path", request: { verb: "post", path: "/anything" } },
  ] as { name: string; request: AccessRequest }[])("lets the admin $name", ({ request }) => {
    expect(authorize(admin, request)).toEqual({ allowed: true });
  });

  it.each([
    { name: "list pods of all namespaces", request: { verb: "list", group: "", resource: "pods" } },
    { name: "watch services", request: { verb: "watch", group: "", resource: "services", namespace: "a" } },
    { name: "read logs", request: { verb: "get", group: "", resource: "pods", subresource: "log", namespace: "a", name: "p" } },
    { name: "read endpoint slices", request: { verb: "list", group: "discovery.k8s.io", resource: "endpointslices", namespace: "a" } },
    { name: "read deployments", request: { verb: "get", group: "apps", resource: "deployments", namespace: "a", name: "d" } },
    { name: "read nodes", request: { verb: "list", group: "", resource: "nodes" } },
    { name: "ask for a route", request: { verb: "get", group: "kubearium.dev", resource: "route" } },
    { name: "ask for a name", request: { verb: "get", group: "kubearium.dev", resource: "resolve" } },
    { name: "open the stream", request: { verb: "get", group: "kubearium.dev", resource: "stream" } },
    { name: "export", request: { verb: "get", group: "kubearium.dev", resource: "export" } },
    { name: "discover", request: { verb: "get", path: "/apis" } },
    { name: "ask what he may do", request: { verb: "create", group: "authorization.k8s.io", resource: "selfsubjectaccessreviews" } },
    { name: "ask who he is", request: { verb: "create", group: "authentication.k8s.io", resource: "selfsubjectreviews" } },
  ] as { name: string; request: AccessRequest }[])("lets the viewer $name", ({ request }) => {
    expect(authorize(viewer, request)).toEqual({ allowed: true });
  });

  it.each([
    { name: "get a Secret", request: { verb: "get", group: "", resource: "secrets", namespace: "a", name: "s" } },
    { name: "list Secrets", request: { verb: "list", group: "", resource: "secrets" } },
    { name: "create a pod", request: { verb: "create", group: "", resource: "pods", namespace: "a" } },
    { name: "delete a service", request: { verb: "delete", group: "", resource: "services", namespace: "a", name: "s" } },
    { name: "delete all services", request: { verb: "deletecollection", group: "", resource: "services", namespace: "a" } },
    {
      name: "patch a scale",
      request: { verb: "patch", group: "apps", resource: "deployments", subresource: "scale", namespace: "a", name: "d" },
    },
    { name: "exec by POST", request: { verb: "create", group: "", resource: "pods", subresource: "exec", namespace: "a", name: "p" } },
    { name: "exec by GET", request: { verb: "get", group: "", resource: "pods", subresource: "exec", namespace: "a", name: "p" } },
    { name: "attach", request: { verb: "get", group: "", resource: "pods", subresource: "attach", namespace: "a", name: "p" } },
    {
      name: "forward a port",
      request: { verb: "get", group: "", resource: "pods", subresource: "portforward", namespace: "a", name: "p" },
    },
    {
      name: "reach a pod through the proxy",
      request: { verb: "get", group: "", resource: "pods", subresource: "proxy", namespace: "a", name: "p" },
    },
    {
      name: "make a token",
      request: { verb: "create", group: "", resource: "serviceaccounts", subresource: "token", namespace: "a", name: "x" },
    },
    { name: "read pods of another group", request: { verb: "get", group: "example.org", resource: "pods", namespace: "a", name: "p" } },
    { name: "import", request: { verb: "update", group: "kubearium.dev", resource: "import" } },
    { name: "reset", request: { verb: "update", group: "kubearium.dev", resource: "reset" } },
    { name: "make a fault", request: { verb: "update", group: "kubearium.dev", resource: "faults" } },
    { name: "hold the clock", request: { verb: "update", group: "kubearium.dev", resource: "clock" } },
    { name: "delete the sandbox", request: { verb: "delete", group: "kubearium.dev", resource: "sandboxes", name: "s" } },
    { name: "rename the sandbox", request: { verb: "patch", group: "kubearium.dev", resource: "sandboxes", name: "s" } },
  ] as { name: string; request: AccessRequest }[])("does not let the viewer $name", ({ request }) => {
    expect(may(viewer, request)).toBe(false);
  });

  it("lets the outside world do nothing", () => {
    expect(may(outsider, { verb: "get", path: "/version" })).toBe(false);
    expect(may(outsider, { verb: "list", group: "", resource: "pods" })).toBe(false);
  });
});

describe("refusal", () => {
  const said = (who: Principal, request: AccessRequest) => {
    const decision = authorize(who, request);
    return decision.allowed ? "allowed" : refusal(request, decision).status;
  };
  const someone: Principal = { user: "someone", groups: ["system:authenticated"], via: "internal" };

  it("has the words of kube-apiserver for a list (test/golden/api/17-access.transcript)", () => {
    expect(said(someone, { verb: "list", group: "", resource: "pods", namespace: "default" })).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'pods is forbidden: User "someone" cannot list resource "pods" in API group "" in the namespace "default"',
      reason: "Forbidden",
      details: { kind: "pods" },
      code: 403,
    });
  });

  it.each([
    {
      name: "a named object",
      request: { verb: "get", group: "apps", resource: "deployments", namespace: "a", name: "web" },
      want: 'deployments.apps "web" is forbidden: User "someone" cannot get resource "deployments" in API group "apps" in the namespace "a"',
    },
    {
      name: "a subresource",
      request: { verb: "create", group: "", resource: "pods", subresource: "exec", namespace: "a", name: "p" },
      want: 'pods "p" is forbidden: User "someone" cannot create resource "pods/exec" in API group "" in the namespace "a"',
    },
    {
      name: "the cluster scope",
      request: { verb: "list", group: "", resource: "nodes" },
      want: 'nodes is forbidden: User "someone" cannot list resource "nodes" in API group "" at the cluster scope',
    },
    { name: "a path", request: { verb: "post", path: "/logs" }, want: 'forbidden: User "someone" cannot post path "/logs"' },
  ] as { name: string; request: AccessRequest; want: string }[])("names $name", ({ request, want }) => {
    expect(said(someone, request)).toMatchObject({ message: want, code: 403 });
  });
});

describe("unauthorized", () => {
  it("is the Status of the capture (test/golden/api/01-discovery.transcript)", () => {
    expect(unauthorized().status).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: "Unauthorized",
      reason: "Unauthorized",
      code: 401,
    });
  });
});
