import { describe, expect, it } from "vitest";
import { defaultOptions } from "../durable-objects/cluster/api/sandbox-options.ts";
import { createBody, sandboxOptions } from "./create-body.ts";

const made = (body: unknown) => sandboxOptions(createBody.parse(body), 7);

/** The first complaint, as `field: message`. */
function complaint(body: unknown): string {
  const issue = createBody.safeParse(body).error?.issues[0];
  return issue === undefined ? "accepted" : `${issue.path.join(".")}: ${issue.message}`;
}

describe("sandboxOptions", () => {
  it("are the defaults where nothing is asked, with a seed of its own", () => {
    expect(made({})).toEqual({ ...defaultOptions, seed: 7 });
  });

  it("numbers as many nodes as are asked for", () => {
    expect(made({ nodes: 3 }).nodes).toEqual([
      { name: "node-1", ip: "192.168.10.11" },
      { name: "node-2", ip: "192.168.10.12" },
      { name: "node-3", ip: "192.168.10.13" },
    ]);
  });

  it("keeps named nodes and gives the others the next free address", () => {
    expect(made({ nodes: [{ name: "a" }, { name: "b", ip: "192.168.10.12", zone: "z" }, { name: "c" }] }).nodes).toEqual([
      { name: "a", ip: "192.168.10.11" },
      { name: "b", ip: "192.168.10.12", zone: "z" },
      { name: "c", ip: "192.168.10.13" },
    ]);
  });

  it.each([
    { name: "the tenth of the default range", body: {}, want: "10.96.0.10" },
    { name: "the tenth of a small range", body: { serviceCIDR: "172.20.5.16/28" }, want: "172.20.5.26" },
    { name: "the one that is asked for", body: { clusterDNS: "10.96.0.53" }, want: "10.96.0.53" },
  ])("take as clusterDNS $name", ({ body, want }) => {
    expect(made(body).clusterDNS).toBe(want);
  });

  it.each([
    { asked: 250, want: 250 },
    { asked: "400ms", want: 400 },
    { asked: "1.5s", want: 1500 },
    { asked: "2m", want: 120_000 },
  ])("read startDelay $asked as $want ms", ({ asked, want }) => {
    expect(made({ startDelay: asked }).startDelayMs).toBe(want);
  });
});

describe("createBody", () => {
  it.each([
    { name: "100 nodes", body: { nodes: 100 } },
    { name: "the largest service range", body: { serviceCIDR: "10.96.0.0/12" } },
    { name: "the smallest service range", body: { serviceCIDR: "10.96.0.0/28" } },
    { name: "a pod range with just enough /24s", body: { podCIDR: "10.244.0.0/22", nodes: 4 } },
    { name: "a minute to live", body: { ttlSeconds: 60 } },
    { name: "30 days to live", body: { ttlSeconds: 2_592_000 } },
  ])("takes $name", ({ body }) => {
    expect(complaint(body)).toBe("accepted");
  });

  it.each([
    { name: "101 nodes", body: { nodes: 101 }, want: "nodes: Too big: expected number to be <=100" },
    { name: "no nodes", body: { nodes: 0 }, want: "nodes: Too small: expected number to be >=1" },
    { name: "two nodes of one name", body: { nodes: [{ name: "a" }, { name: "a" }] }, want: "nodes: names must differ" },
    {
      name: "a node inside the pod range",
      body: { nodes: [{ name: "a", ip: "10.244.0.5" }] },
      want: "nodes: a: 10.244.0.5 lies in the pod or the service range",
    },
    {
      name: "a pod range without a /24 for each node",
      body: { podCIDR: "10.244.0.0/24" },
      want: "podCIDR: has no /24 for each of 2 nodes",
    },
    { name: "a service range that is too large", body: { serviceCIDR: "10.0.0.0/11" }, want: "serviceCIDR: must be a /12 to /28" },
    { name: "a service range that is too small", body: { serviceCIDR: "10.96.0.0/29" }, want: "serviceCIDR: must be a /12 to /28" },
    { name: "overlapping ranges", body: { serviceCIDR: "10.244.0.0/20" }, want: "serviceCIDR: must not overlap podCIDR" },
    {
      name: "a range that does not begin at its first address",
      body: { podCIDR: "10.244.0.1/16" },
      want: "podCIDR: must be an IPv4 range that begins at its first address, such as 10.244.0.0/16",
    },
    { name: "a resolver outside the service range", body: { clusterDNS: "10.1.0.10" }, want: "clusterDNS: must lie in serviceCIDR" },
    {
      name: "the address of the API as resolver",
      body: { clusterDNS: "10.96.0.1" },
      want: "clusterDNS: is the address of the Service `kubernetes`",
    },
    {
      name: "ports the wrong way round",
      body: { nodePortRange: "32767-30000" },
      want: "nodePortRange: must lie in 1-65535, the smaller port first",
    },
    { name: "IPv6 alone", body: { ipFamilies: ["IPv6"] }, want: 'ipFamilies: must be ["IPv4"] or ["IPv4", "IPv6"]' },
    { name: "a field nobody knows", body: { colour: "red" }, want: ': Unrecognized key: "colour"' },
    { name: "an unknown option of kube-proxy", body: { proxy: { fast: true } }, want: 'proxy: Unrecognized key: "fast"' },
    { name: "less than a minute to live", body: { ttlSeconds: 59 }, want: "ttlSeconds: Too small: expected number to be >=60" },
    { name: "text", body: "not JSON", want: ": Invalid input: expected object, received string" },
  ])("refuses $name", ({ body, want }) => {
    expect(complaint(body)).toBe(want);
  });
});
