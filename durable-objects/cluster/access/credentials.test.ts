import { describe, expect, it } from "vitest";
import { hashToken, principalOf, sameInConstantTime } from "./credentials.ts";

describe("hashToken", () => {
  it("is SHA-256, in hexadecimal", () => {
    expect(hashToken("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("sameInConstantTime", () => {
  it.each([
    { a: "ab", b: "ab", want: true },
    { a: "ab", b: "ac", want: false },
    { a: "ab", b: "abc", want: false },
    { a: "", b: "", want: true },
  ])("$a, $b: $want", ({ a, b, want }) => {
    expect(sameInConstantTime(a, b)).toBe(want);
  });
});

describe("principalOf", () => {
  const known = { adminTokenHash: hashToken("admin"), viewTokenHash: hashToken("view") };
  const admin = (via: string) => ({ user: "kubernetes-admin", groups: ["system:masters", "system:authenticated"], via });
  it.each([
    { name: "the admin token is the admin", token: "admin", known, want: admin("bearer") },
    {
      name: "the view token is the viewer",
      token: "view",
      known,
      want: { user: "viewer", groups: ["kubearium:viewers", "system:authenticated"], via: "bearer" },
    },
    { name: "no token is nobody", token: undefined, known, want: undefined },
    { name: "an empty token is nobody", token: "", known, want: undefined },
    { name: "another sandbox's token is nobody", token: "other", known, want: undefined },
    { name: "the hash itself is no token", token: known.adminTokenHash, known, want: undefined },
    { name: "no token is the admin of an open sandbox", token: undefined, known: {}, want: admin("anonymous") },
    { name: "an empty token is the admin of an open sandbox", token: "", known: {}, want: admin("anonymous") },
    { name: "a wrong token is nobody in an open sandbox", token: "x", known: {}, want: undefined },
  ])("$name", ({ token, known, want }) => {
    expect(principalOf(token, "bearer", known)).toEqual(want);
  });
});
