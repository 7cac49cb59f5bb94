import { describe, expect, it } from "vitest";
import { podHostsFile } from "./hosts-file.ts";
import type { Pod } from "./objects.ts";
import { podResolvConf } from "./resolv-conf.ts";
import { defaultOptions } from "./sandbox-options.ts";

describe("podResolvConf", () => {
  it("cuts what exceeds the limits and says what is left", () => {
    const dnsConfig = {
      nameservers: ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
      searches: Array.from({ length: 31 }, (_, index) => `s${index}.test`),
    };
    const { conf, warnings } = podResolvConf("default", { dnsConfig }, defaultOptions);
    expect(conf.nameservers).toEqual(["10.96.0.10", "192.0.2.1", "192.0.2.2"]);
    expect(conf.search.length).toBe(32);
    expect(warnings).toEqual([
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${conf.search.join(" ")}`,
      "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.96.0.10 192.0.2.1 192.0.2.2",
    ]);
  });
});

describe("podHostsFile", () => {
  it("names the pod by hostname and subdomain, and adds its hostAliases", () => {
    const pod = {
      metadata: { namespace: "data", name: "db-0" },
      spec: { hostname: "db-0", subdomain: "db", containers: [], hostAliases: [{ ip: "192.0.2.9", hostnames: ["legacy", "old"] }] },
      status: { podIPs: [{ ip: "10.244.3.10" }] },
    } as unknown as Pod;
    expect(podHostsFile(pod, "cluster.local").split("\n")).toEqual([
      "# Kubernetes-managed hosts file.",
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "fe00::0\tip6-mcastprefix",
      "fe00::1\tip6-allnodes",
      "fe00::2\tip6-allrouters",
      "10.244.3.10\tdb-0.db.data.svc.cluster.local\tdb-0",
      "",
      "# Entries added by HostAliases.",
      "192.0.2.9\tlegacy\told",
      "",
    ]);
  });
});
