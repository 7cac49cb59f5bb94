import { describe, expect, it } from "vitest";
import { credentialOf, mayCarryTokenInPath, refuseCookie, refuseForeign, refuseStranger } from "./access.ts";
import type { LocalMode } from "./env.ts";

const local: LocalMode = { hosts: ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"], loopbackOnly: true };
const at = "http://127.0.0.1:8787/s/demo/route";
const own = { host: "127.0.0.1:8787" };

describe("refuseForeign", () => {
  const socket = { ...own, upgrade: "websocket" };
  it.each([
    { name: "no Origin", method: "POST", headers: own, outside: false, want: undefined },
    { name: "our own Origin", method: "POST", headers: { ...own, origin: "http://127.0.0.1:8787" }, outside: false, want: undefined },
    {
      name: "a foreign Origin that only reads",
      method: "GET",
      headers: { ...own, origin: "https://evil.example" },
      outside: false,
      want: undefined,
    },
    {
      name: "a foreign Origin that writes",
      method: "POST",
      headers: { ...own, origin: "https://evil.example" },
      outside: false,
      want: "foreign-origin",
    },
    { name: "the Origin null that writes", method: "DELETE", headers: { ...own, origin: "null" }, outside: false, want: "foreign-origin" },
    {
      name: "another port of ours",
      method: "POST",
      headers: { ...own, origin: "http://127.0.0.1:3000" },
      outside: false,
      want: "foreign-origin",
    },
    {
      name: "a socket of a foreign page",
      method: "GET",
      headers: { ...socket, origin: "https://evil.example" },
      outside: false,
      want: "foreign-origin",
    },
    {
      name: "a socket of our page",
      method: "GET",
      headers: { ...socket, origin: "http://127.0.0.1:8787" },
      outside: false,
      want: undefined,
    },
    { name: "a form of an emulated app", method: "POST", headers: { ...own, origin: "null" }, outside: true, want: undefined },
    { name: "a rebound name", method: "GET", headers: { host: "evil.example:8787" }, outside: false, want: "wrong-host" },
    { name: "a rebound name at an emulated app", method: "GET", headers: { host: "evil.example:8787" }, outside: true, want: "wrong-host" },
    { name: "our name with another port", method: "GET", headers: { host: "localhost:1" }, outside: false, want: "wrong-host" },
    { name: "our name in upper case", method: "GET", headers: { host: "LOCALHOST:8787" }, outside: false, want: undefined },
  ])("judges $name", async ({ method, headers, outside, want }) => {
    const answer = refuseForeign(new Request(at, { method, headers }), local, outside);
    expect(await slugOf(answer)).toBe(want);
  });

  it("does not look at Host where it is deployed", () => {
    expect(refuseForeign(new Request(at, { headers: { host: "anything" } }), undefined, false)).toBeUndefined();
  });

  it("knows our origin behind local TLS", () => {
    const request = new Request(at, { method: "POST", headers: { ...own, origin: "https://127.0.0.1:8787" } });
    expect(refuseForeign(request, { ...local, certificateAuthority: "Q0E=" }, false)).toBeUndefined();
  });
});

describe("credentialOf", () => {
  const protocol = "base64url.bearer.authorization.k8s.io.dG9r_Q";
  it.each([
    { name: "nothing", headers: {}, path: undefined, want: undefined },
    { name: "a bearer", headers: { authorization: "Bearer tok" }, path: undefined, want: { token: "tok", via: "bearer" } },
    { name: "an empty bearer", headers: { authorization: "Bearer " }, path: undefined, want: undefined },
    { name: "another scheme", headers: { authorization: "Basic dG9r" }, path: undefined, want: undefined },
    { name: "a token in the address", headers: {}, path: "tok", want: { token: "tok", via: "path" } },
    { name: "a bearer before the address", headers: { authorization: "bearer a" }, path: "b", want: { token: "a", via: "bearer" } },
    {
      name: "a subprotocol among others",
      headers: { "sec-websocket-protocol": `v5.channel.k8s.io, ${protocol}` },
      path: undefined,
      want: { token: "tok\xfd", via: "subprotocol" },
    },
    {
      name: "a cookie among others",
      headers: { cookie: "a=b; kubearium-session=tok; c=d" },
      path: undefined,
      want: { token: "tok", via: "cookie" },
    },
    { name: "a removed cookie", headers: { cookie: "kubearium-session=" }, path: undefined, want: undefined },
  ])("reads $name", ({ headers, path, want }) => {
    expect(credentialOf(new Request(at, { headers: headers as Record<string, string> }), path)).toEqual(want);
  });
});

describe("refuseCookie", () => {
  const cookie = { token: "t", via: "cookie" } as const;
  it.each([
    { name: "lets it read", init: { method: "GET" }, credential: cookie, want: undefined },
    { name: "refuses a write without Origin", init: { method: "POST" }, credential: cookie, want: "cookie-without-origin" },
    {
      name: "refuses a socket without Origin",
      init: { headers: { upgrade: "websocket" } },
      credential: cookie,
      want: "cookie-without-origin",
    },
    {
      name: "lets our page write",
      init: { method: "POST", headers: { origin: "http://127.0.0.1:8787" } },
      credential: cookie,
      want: undefined,
    },
    { name: "asks nothing of a bearer", init: { method: "POST" }, credential: { token: "t", via: "bearer" } as const, want: undefined },
  ])("$name", async ({ init, credential, want }) => {
    expect(await slugOf(refuseCookie(new Request(at, init as RequestInit), credential))).toBe(want);
  });
});

describe("mayCarryTokenInPath", () => {
  it.each([
    { url: "http://127.0.0.1:8787/t/x/s/y", mode: local, want: true },
    { url: "http://localhost:8787/t/x/s/y", mode: local, want: true },
    { url: "http://[::1]:8787/t/x/s/y", mode: local, want: true },
    { url: "http://192.168.1.5:8787/t/x/s/y", mode: local, want: false },
    { url: "http://127.example.org/t/x/s/y", mode: local, want: false },
    { url: "https://kubearium.example/t/x/s/y", mode: undefined, want: false },
  ])("$url: $want", ({ url, mode, want }) => {
    expect(mayCarryTokenInPath(new URL(url), mode)).toBe(want);
  });
});

describe("refuseStranger", () => {
  const shared: LocalMode = { ...local, loopbackOnly: false };
  it.each([
    { name: "whoever is on this machine", env: { LOCAL: local }, token: undefined, want: undefined },
    { name: "a stranger on a shared network", env: { LOCAL: shared }, token: undefined, want: "operator-only" },
    { name: "anybody where no key is set", env: {}, token: "k", want: "operator-only" },
    { name: "an empty key", env: { OPERATOR_KEY: "" }, token: undefined, want: "operator-only" },
    { name: "the right key", env: { OPERATOR_KEY: "k" }, token: "k", want: undefined },
    { name: "a wrong key", env: { OPERATOR_KEY: "k" }, token: "l", want: "operator-only" },
    { name: "a wrong key on this machine", env: { LOCAL: local }, token: "l", want: "operator-only" },
  ])("judges $name", async ({ env, token, want }) => {
    const request = new Request(at, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    expect(await slugOf(refuseStranger(request, env))).toBe(want);
  });
});

/** The last part of the problem's type; `undefined`: let through. */
async function slugOf(answer: Response | undefined): Promise<string | undefined> {
  if (answer === undefined) return undefined;
  const { type } = (await answer.json()) as { type: string };
  return type.split("/").at(-1);
}
