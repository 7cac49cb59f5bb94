/** What a Corefile makes of questions, asked through the server: one table for each plugin. */
import { describe, expect, it } from "vitest";
import type { Namespace, Pod, Service } from "../api/objects.ts";
import type { UpstreamAnswer } from "../api/ports.ts";
import { defaultOptions } from "../api/sandbox-options.ts";
import { ClusterDNS } from "./cluster-dns.ts";

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "",
});
const web = {
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata("web", "default"),
  spec: { type: "ClusterIP", clusterIPs: ["10.96.0.7"], ports: [{ name: "http", protocol: "TCP", port: 80 }] },
} as Service;
const outside: Record<string, UpstreamAnswer> = {
  "example.org.": { rcode: "NOERROR", answers: [{ name: "example.org.", type: "A", ttl: 300, data: "198.51.100.1" }] },
};
const upstream = {
  dns: (name: string): UpstreamAnswer => outside[name] ?? { rcode: "NXDOMAIN", answers: [] },
  machine: () => undefined,
};

const added = <T>(after: T) => ({ before: undefined, after });
const configMap = (text: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: metadata("coredns", "kube-system"),
  data: { Corefile: text },
});

function dnsOf(corefile: string): ClusterDNS {
  const dns = new ClusterDNS({ options: defaultOptions, upstream });
  dns.apply({
    namespaces: [added({ apiVersion: "v1", kind: "Namespace", metadata: metadata("default") } as Namespace)],
    services: [added(web)],
    pods: [
      added({ metadata: metadata("web-1", "default"), status: { phase: "Running", podIPs: [{ ip: "10.244.0.5" }] } } as unknown as Pod),
    ],
    configMaps: [added(configMap(corefile) as never)],
    at: 60_000,
  });
  return dns;
}

const zone =
  "kubernetes cluster.local in-addr.arpa ip6.arpa {\n pods insecure\n ttl 30\n fallthrough in-addr.arpa ip6.arpa\n}\nforward . /etc/resolv.conf\n";
const webName = "web.default.svc.cluster.local.";

interface Row {
  name: string;
  corefile: string;
  asks: string;
  type?: string;
  /** `RCODE name ttl type data, …` */
  gives: string;
}

const said = (dns: ClusterDNS, name: string, type = "A", now = 0): string => {
  const { rcode, answer } = dns.answer({ name, type }, { now, seed: 1 });
  return [rcode, ...answer.map((record) => `${record.name} ${record.ttl} ${record.type} ${record.data}`)].join(" | ");
};

describe.each<{ plugin: string; rows: Row[] }>([
  {
    plugin: "kubernetes",
    rows: [
      {
        name: "has a TTL of five seconds where none is set",
        corefile: ". {\n kubernetes cluster.local\n}",
        asks: webName,
        gives: `NOERROR | ${webName} 5 A 10.96.0.7`,
      },
      {
        name: "takes the TTL that is set",
        corefile: ". {\n kubernetes cluster.local {\n ttl 0\n}\n}",
        asks: webName,
        gives: `NOERROR | ${webName} 0 A 10.96.0.7`,
      },
      {
        name: "has no pods where nothing is said of them",
        corefile: ". {\n kubernetes cluster.local\n}",
        asks: "10-1-1-1.default.pod.cluster.local.",
        gives: "NXDOMAIN",
      },
      {
        name: "has pods that exist where they are verified",
        corefile: ". {\n kubernetes cluster.local {\n pods verified\n}\n}",
        asks: "10-244-0-5.default.pod.cluster.local.",
        gives: "NOERROR | 10-244-0-5.default.pod.cluster.local. 5 A 10.244.0.5",
      },
      {
        name: "has no pods that do not exist where they are verified",
        corefile: ". {\n kubernetes cluster.local {\n pods verified\n}\n}",
        asks: "10-244-0-6.default.pod.cluster.local.",
        gives: "NXDOMAIN",
      },
      {
        name: "denies reverse names where they do not fall through",
        corefile: ". {\n kubernetes cluster.local in-addr.arpa\n forward . 8.8.8.8\n}",
        asks: "1.1.1.10.in-addr.arpa.",
        type: "PTR",
        gives: "NXDOMAIN",
      },
      {
        name: "serves another zone",
        corefile: ". {\n kubernetes k8s.test\n}",
        asks: "web.default.svc.k8s.test.",
        gives: "NOERROR | web.default.svc.k8s.test. 5 A 10.96.0.7",
      },
      {
        name: "fails for names outside without a forwarder",
        corefile: ". {\n kubernetes cluster.local\n}",
        asks: "example.org.",
        gives: "SERVFAIL",
      },
    ],
  },
  {
    plugin: "forward",
    rows: [
      {
        name: "asks the nodes' resolver",
        corefile: ". {\n forward . /etc/resolv.conf\n}",
        asks: "example.org.",
        gives: "NOERROR | example.org. 300 A 198.51.100.1",
      },
      {
        name: "asks a public resolver",
        corefile: ". {\n forward . tls://1.1.1.1\n}",
        asks: "example.org.",
        gives: "NOERROR | example.org. 300 A 198.51.100.1",
      },
      { name: "fails where nobody answers", corefile: ". {\n forward . 10.9.9.9\n}", asks: "example.org.", gives: "SERVFAIL" },
      {
        name: "takes the more special of two",
        corefile: ". {\n forward . 8.8.8.8\n forward org 10.9.9.9\n}",
        asks: "example.org.",
        gives: "SERVFAIL",
      },
      {
        name: "leaves out what is excepted",
        corefile: ". {\n forward . 8.8.8.8 {\n except org\n}\n}",
        asks: "example.org.",
        gives: "SERVFAIL",
      },
    ],
  },
  {
    plugin: "hosts",
    rows: [
      {
        name: "answers with the address in its line",
        corefile: ". {\n hosts {\n 10.9.9.9 Legacy.test old.test\n}\n}",
        asks: "legacy.test.",
        gives: "NOERROR | legacy.test. 3600 A 10.9.9.9",
      },
      {
        name: "answers with its own TTL",
        corefile: ". {\n hosts {\n 10.9.9.9 old.test\n ttl 60\n}\n}",
        asks: "old.test.",
        gives: "NOERROR | old.test. 60 A 10.9.9.9",
      },
      {
        name: "has the name, but no address of that family",
        corefile: ". {\n hosts {\n 10.9.9.9 old.test\n}\n}",
        asks: "old.test.",
        type: "AAAA",
        gives: "NOERROR",
      },
      {
        name: "points back",
        corefile: ". {\n hosts {\n 10.9.9.9 old.test\n}\n}",
        asks: "9.9.9.10.in-addr.arpa.",
        type: "PTR",
        gives: "NOERROR | 9.9.9.10.in-addr.arpa. 3600 PTR old.test.",
      },
      {
        name: "fails for other names without fallthrough",
        corefile: `. {\n hosts {\n 10.9.9.9 old.test\n}\n${zone}}`,
        asks: webName,
        gives: "SERVFAIL",
      },
      {
        name: "goes on for other names with fallthrough",
        corefile: `. {\n hosts {\n 10.9.9.9 old.test\n fallthrough\n}\n${zone}}`,
        asks: webName,
        gives: `NOERROR | ${webName} 30 A 10.96.0.7`,
      },
    ],
  },
  {
    plugin: "rewrite",
    rows: [
      {
        name: "puts an exact name back",
        corefile: `. {\n rewrite name shop.test ${webName}\n${zone}}`,
        asks: "shop.test.",
        gives: "NOERROR | shop.test. 30 A 10.96.0.7",
      },
      {
        name: "keeps the found name of a suffix rule",
        corefile: `. {\n rewrite name suffix .test .default.svc.cluster.local\n${zone}}`,
        asks: "web.test.",
        gives: `NOERROR | ${webName} 30 A 10.96.0.7`,
      },
      {
        name: "puts it back with answer auto",
        corefile: `. {\n rewrite name suffix .test .default.svc.cluster.local answer auto\n${zone}}`,
        asks: "web.test.",
        gives: "NOERROR | web.test. 30 A 10.96.0.7",
      },
      {
        name: "changes a prefix",
        corefile: `. {\n rewrite name prefix old- w\n${zone}}`,
        asks: "old-eb.default.svc.cluster.local.",
        gives: `NOERROR | ${webName} 30 A 10.96.0.7`,
      },
      {
        name: "matches a regular expression and answers by another",
        corefile: `. {\n rewrite stop {\n name regex (.*)\\.shop\\.test {1}.default.svc.cluster.local\n answer name (.*)\\.default\\.svc\\.cluster\\.local {1}.shop.test\n}\n${zone}}`,
        asks: "web.shop.test.",
        gives: "NOERROR | web.shop.test. 30 A 10.96.0.7",
      },
      {
        name: "stops at the first rule",
        corefile: `. {\n rewrite name a.test b.test\n rewrite name b.test ${webName}\n${zone}}`,
        asks: "a.test.",
        gives: "NXDOMAIN",
      },
      {
        name: "goes on where it says so",
        corefile: `. {\n rewrite continue name a.test b.test\n rewrite name b.test ${webName}\n${zone}}`,
        asks: "a.test.",
        gives: "NOERROR | a.test. 30 A 10.96.0.7",
      },
    ],
  },
  {
    plugin: "template",
    rows: [
      {
        name: "fills in groups",
        corefile:
          '. {\n template IN A test {\n match ^ip-(?P<a>[0-9]+)[.]test[.]$\n answer "{{ .Name }} 60 IN A 10.0.0.{{ .Group.a }}"\n}\n}',
        asks: "IP-4.test.",
        gives: "NOERROR | ip-4.test. 60 A 10.0.0.4",
      },
      {
        name: "answers with an rcode alone",
        corefile: ". {\n template ANY ANY test {\n rcode NXDOMAIN\n}\n}",
        asks: "a.test.",
        gives: "NXDOMAIN",
      },
      {
        name: "fails where no expression matches",
        corefile: '. {\n template IN A test {\n match ^x\n answer "x. IN A 10.0.0.1"\n}\n}',
        asks: "a.test.",
        gives: "SERVFAIL",
      },
      {
        name: "fails where it makes no record",
        corefile: '. {\n template IN A test {\n answer "{{ .Name }} 60 IN A {{ .Zone }}"\n}\n}',
        asks: "a.test.",
        gives: "SERVFAIL",
      },
      {
        name: "leaves other types alone",
        corefile: `. {\n template IN A test {\n rcode NXDOMAIN\n}\n${zone}}`,
        asks: "example.org.",
        gives: "NOERROR | example.org. 300 A 198.51.100.1",
      },
    ],
  },
  {
    plugin: "server blocks",
    rows: [
      {
        name: "are chosen by the longest zone",
        corefile: `. {\n${zone}}\norg:53 {\n hosts {\n 10.9.9.9 example.org\n}\n}`,
        asks: "example.org.",
        gives: "NOERROR | example.org. 3600 A 10.9.9.9",
      },
      { name: "refuse names of no zone", corefile: "test {\n whoami\n}", asks: "example.org.", gives: "REFUSED" },
      {
        name: "on other ports are not asked",
        corefile: `.:53 {\n${zone}}\norg:5353 {\n hosts {\n 10.9.9.9 example.org\n}\n}`,
        asks: "example.org.",
        gives: "NOERROR | example.org. 300 A 198.51.100.1",
      },
    ],
  },
])("$plugin", ({ rows }) => {
  it.each(rows)("$name", ({ corefile, asks, type, gives }) => {
    expect(said(dnsOf(corefile), asks, type)).toBe(gives);
  });
});

describe("cache", () => {
  const times = (corefile: string, name: string, type?: string): string[] => {
    const dns = dnsOf(corefile);
    return [0, 10_000, 40_000].map((now) => {
      const { source, answer } = dns.answer({ name, type: type ?? "A" }, { now, seed: 1 });
      return `${source} ${answer[0]?.ttl ?? "-"}`;
    });
  };
  it.each([
    { name: "counts down", cache: "cache 30", want: ["forward 30", "cache 20", "forward 30"] },
    { name: "keeps longer where it may", cache: "cache", want: ["forward 300", "cache 290", "cache 260"] },
    { name: "keeps the TTL where told to", cache: "cache 30 {\n keepttl\n}", want: ["forward 30", "cache 30", "forward 30"] },
    { name: "passes other zones by", cache: "cache 30 cluster.local", want: ["forward 300", "forward 300", "forward 300"] },
    {
      name: "keeps nothing where success is disabled",
      cache: "cache 30 {\n disable success\n}",
      want: ["forward 30", "forward 30", "forward 30"],
    },
    { name: "takes the TTL of success", cache: "cache {\n success 100 20\n}", want: ["forward 20", "cache 10", "forward 20"] },
  ])("$name", ({ cache, want }) => {
    expect(times(`. {\n${cache}\n${zone}}`, "example.org.")).toEqual(want);
  });
});

describe("ClusterDNS", () => {
  it("goes on with the last Corefile that could be read, and with the default one where there is none", () => {
    const dns = dnsOf(". {\n hosts {\n 10.9.9.9 old.test\n}\n}");
    const [good, broken] = [configMap(". {\n hosts {\n 10.9.9.9 old.test\n}\n}"), configMap(". {\n frobnicate\n}")];
    dns.apply({ configMaps: [{ before: good, after: broken }] as never, at: 0 });
    const whileBroken = said(dns, "old.test.");
    dns.apply({ configMaps: [{ before: broken, after: undefined }] as never, at: 0 });
    expect([whileBroken, said(dns, webName)]).toEqual(["NOERROR | old.test. 3600 A 10.9.9.9", `NOERROR | ${webName} 30 A 10.96.0.7`]);
  });

  it("says the same the first time and every other time, also when the question differs in what is repeated", () => {
    const dns = dnsOf(`. {\n${zone}loadbalance\n}`);
    const edns = { bufsize: 512, version: 0, do: true, options: [{ code: 10, hex: "00" }] };
    const questions = [{}, { rd: false }, { cd: true }, { edns }, { transport: "tcp" as const }].map((of) => ({
      name: webName,
      type: "SRV",
      ...of,
    }));
    for (const question of questions) {
      const fresh = dnsOf(`. {\n${zone}loadbalance\n}`).answer(question, { now: 0, seed: 7 });
      expect(dns.answer(question, { now: 0, seed: 7 })).toEqual(fresh);
    }
  });
});
