import { describe, expect, it } from "vitest";
import { defaultProxyOptions, localAddresses, proxyOptionsFor } from "./proxy-options.ts";
import { labNodes } from "./test-lab.ts";

const sandbox = { podCIDR: "10.244.0.0/16,fd00:244::/48", serviceCIDR: "10.96.0.0/12", proxy: {} };

describe("proxyOptionsFor", () => {
  it("takes ranges from the sandbox and name and addresses from the node", () => {
    expect(proxyOptionsFor(sandbox, labNodes[1]!)).toEqual({
      ...defaultProxyOptions,
      nodeName: "node-2",
      nodeIPs: ["192.168.10.12"],
      detectLocal: { mode: "ClusterCIDR", clusterCIDRs: ["10.244.0.0/16", "fd00:244::/48"] },
      serviceCIDRs: ["10.96.0.0/12"],
    });
  });

  it("lets the sandbox choose everything but what is the node's own", () => {
    const proxy = { masqueradeAll: true, ipvsScheduler: "mh", nodeName: "x", nodeIPs: ["1.2.3.4"], interfaces: { eth9: ["1.2.3.4/24"] } };
    const { masqueradeAll, ipvsScheduler, nodeName, nodeIPs, interfaces } = proxyOptionsFor({ ...sandbox, proxy }, labNodes[0]!);
    expect({ masqueradeAll, ipvsScheduler, nodeName, nodeIPs, interfaces }).toEqual({
      masqueradeAll: true,
      ipvsScheduler: "mh",
      nodeName: "node-1",
      nodeIPs: ["192.168.10.11"],
      interfaces: {},
    });
  });
});

describe("localAddresses", () => {
  it.each<{ name: string; nodeIPs: string[]; interfaces: Record<string, string[]>; want: string[] }>([
    {
      name: "are loopback and the node's addresses",
      nodeIPs: ["192.168.10.11", "fd00::11"],
      interfaces: {},
      want: ["127.0.0.1", "192.168.10.11"],
    },
    {
      name: "are those of all interfaces where they are known",
      nodeIPs: ["192.168.10.11"],
      interfaces: { eth0: ["192.168.10.11/24"], eth1: ["172.20.1.1/16", "fd00::1/64"] },
      want: ["127.0.0.1", "192.168.10.11", "172.20.1.1"],
    },
  ])("$name", ({ nodeIPs, interfaces, want }) => {
    expect(localAddresses({ nodeIPs, interfaces }, "IPv4")).toEqual(want);
  });
});
