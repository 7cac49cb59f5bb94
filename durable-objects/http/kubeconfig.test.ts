import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { kubeconfigFor } from "./kubeconfig.ts";

const file = (server: string, user: object, cluster: object = {}) => ({
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "kubearium-x", cluster: { server, ...cluster } }],
  users: [{ name: "kubearium-x", user }],
  contexts: [{ name: "kubearium-x", context: { cluster: "kubearium-x", user: "kubearium-x", namespace: "default" } }],
  "current-context": "kubearium-x",
});

/** Without TLS there is no certificate to check, and some clients want to be told. */
const plain = { "insecure-skip-tls-verify": true };

describe("kubeconfigFor", () => {
  it.each([
    {
      name: "puts the token into the address over http on loopback, where kubectl sends no other",
      of: { baseURL: "http://127.0.0.1:8787/s/x", credential: "tok" },
      want: file("http://127.0.0.1:8787/t/tok/s/x", {}, plain),
    },
    {
      name: "carries the token as a bearer over https",
      of: { baseURL: "https://kubearium.example/s/x", credential: "tok" },
      want: file("https://kubearium.example/s/x", { token: "tok" }),
    },
    {
      name: "brings the certificate of local TLS",
      of: { baseURL: "https://localhost:8787/s/x", credential: "tok", certificateAuthority: "Q0E=" },
      want: file("https://localhost:8787/s/x", { token: "tok" }, { "certificate-authority-data": "Q0E=" }),
    },
    {
      name: "has no credential for an open sandbox",
      of: { baseURL: "http://localhost:8787/s/x", credential: undefined },
      want: file("http://localhost:8787/s/x", {}, plain),
    },
    {
      name: "puts no token into an address that leaves this machine",
      of: { baseURL: "http://192.168.1.5:8787/s/x", credential: "tok" },
      want: file("http://192.168.1.5:8787/s/x", { token: "tok" }, plain),
    },
  ])("$name", ({ of, want }) => {
    expect(parse(kubeconfigFor({ id: "x", ...of }))).toEqual(want);
  });

  it("says why kubectl will fail where it will", () => {
    expect(kubeconfigFor({ id: "x", baseURL: "http://192.168.1.5:8787/s/x", credential: "tok" })).toMatch(
      /^# kubectl sends no token over plain http/,
    );
  });
});
