/** The cluster's DNS as a wired cluster runs it: pods behind a Service, configured by a ConfigMap, explained when it fails. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Resolution } from "../durable-objects/cluster/api/network.ts";
import { adviseOnResolution, explainResolution } from "../durable-objects/cluster/explain/explain-route.ts";
import type { Why } from "../durable-objects/cluster/explain/why.ts";
import { Laboratory } from "./laboratory.ts";

const kubeSystem = "/api/v1/namespaces/kube-system";
const corednsDeployment = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
const merge = { contentType: "application/merge-patch+json" };
const web = `
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { ports: [{ name: http, port: 80 }] }
`;

let lab: Laboratory;
beforeEach(() => {
  lab = new Laboratory();
  lab.create(web);
  lab.wait(2000);
});

const resolve = (name: string, type?: string): Resolution =>
  lab.cluster.network.resolve({ from: { kind: "client", namespace: "default" }, name, ...(type === undefined ? {} : { type }) });
const why = (name: string, type?: string): Why | null => explainResolution(resolve(name, type), lab.cluster.facts, "en");
const rcode = (name: string, type?: string): string => resolve(name, type).rcode;
const corefile = (text: string): void => {
  expect(lab.send("PATCH", `${kubeSystem}/configmaps/coredns`, { data: { Corefile: text } }, merge).code).toBe(200);
  lab.wait(1000);
};
/** The Corefile of kubeadm with something put in front of a line. */
const with_ = (what: string, before = "    forward"): string =>
  (lab.send("GET", `${kubeSystem}/configmaps/coredns`).body.data.Corefile as string).replace(before, `    ${what}\n${before}`);
const dnsPods = (): {
  metadata: { name: string };
  status: { containerStatuses: { ready: boolean; state: object; restartCount: number }[] };
}[] => lab.send("GET", `${kubeSystem}/pods?labelSelector=k8s-app=kube-dns`).body.items;

/** Sends the patches of a fix, as a user would. */
function send({ fix: { patches } }: Why): void {
  for (const { apiVersion, kind, namespace = "", name, method, contentType, body } of patches) {
    const collection = lab.cluster.collectionPath(apiVersion, kind, namespace)!;
    const path = method === "POST" ? collection : `${collection}/${name}`;
    expect(lab.send(method, path, body, { contentType }).code, `${method} ${path}`).toBeLessThan(300);
  }
  lab.wait(3000);
}

describe("DNS that is down", () => {
  it.each<{ name: string; breaks: () => void; cause: string; because: string[]; message: string }>([
    {
      name: "because its Deployment is scaled to zero",
      breaks: () => lab.send("PATCH", corednsDeployment, { spec: { replicas: 0 } }, merge),
      cause: "zero-replicas",
      because: ["Service/kube-dns", "Deployment/coredns"],
      message: "web not found: DNS is down. deployment/coredns in kube-system has 0 replicas.",
    },
    {
      name: "because its Service is deleted",
      breaks: () => lab.send("DELETE", `${kubeSystem}/services/kube-dns`),
      cause: "no-service",
      because: ["Service/kube-dns"],
      message: "web not found: DNS is down. No Service has its address 10.96.0.10: kube-dns in kube-system is gone.",
    },
    {
      name: "because its Deployment is deleted",
      breaks: () => lab.send("DELETE", corednsDeployment),
      cause: "no-deployment",
      because: ["Service/kube-dns", "Deployment/coredns"],
      message: "web not found: DNS is down. There are no DNS pods, and no Deployment coredns in kube-system that would make them.",
    },
    {
      name: "because CoreDNS cannot read its Corefile",
      breaks: () => corefile(with_("frobnicate")),
      cause: "corefile",
      because: ["ConfigMap/coredns", expect.stringMatching("Pod/coredns-"), expect.stringMatching("Pod/coredns-")],
      message:
        "web not found: DNS is down. CoreDNS does not start with its Corefile: /etc/coredns/Corefile:13 - Error during parsing: Unknown directive 'frobnicate'.",
    },
  ])("fails $name, says why, and works again after the fix", ({ breaks, cause, because, message }) => {
    expect(rcode("web")).toBe("NOERROR");
    breaks();
    lab.wait(3000);
    expect(rcode("web")).toBe("TIMEOUT");
    const found = why("web")!;
    expect({ ...found, params: found.params, because: found.because.map(({ kind, name }) => `${kind}/${name}`) }).toMatchObject({
      code: "dns-down",
      params: { cause },
      because,
      message,
    });
    send(found);
    expect(rcode("web")).toBe("NOERROR");
    expect(dnsPods().map(({ status }) => status.containerStatuses[0]!.ready)).toEqual([true, true]);
  });

  it("comes back by itself when only its pods are deleted", () => {
    lab.send("DELETE", `${kubeSystem}/pods?labelSelector=k8s-app=kube-dns`);
    lab.wait(3000);
    expect(rcode("web")).toBe("NOERROR");
  });

  it("says so in Korean, too", () => {
    lab.send("PATCH", corednsDeployment, { spec: { replicas: 0 } }, merge);
    lab.wait(3000);
    expect(explainResolution(resolve("web"), lab.cluster.facts, "ko")).toMatchObject({
      message: "web을(를) 찾을 수 없음: DNS가 멈췄습니다. kube-system의 deployment/coredns는 레플리카가 0개입니다.",
      fix: { text: "deployment/coredns의 레플리카를 2로 늘리세요." },
    });
  });

  it("shows a broken Corefile as pods that crash, with the reason in their log", () => {
    corefile(with_("frobnicate"));
    lab.wait(3000);
    const [pod] = dnsPods();
    expect(pod!.status.containerStatuses[0]).toMatchObject({
      ready: false,
      restartCount: 1,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { exitCode: 1, reason: "Error" } },
    });
  });
});

describe("the Corefile", () => {
  const table: { name: string; directive: string; before?: string; asks: string; type?: string; gives: string[] }[] = [
    {
      name: "answers from inline hosts",
      directive: "hosts {\n 10.9.9.9 legacy.example.org\n fallthrough\n}",
      asks: "legacy.example.org.",
      gives: ["10.9.9.9"],
    },
    {
      name: "finds a Service under another name",
      directive: "rewrite name shop.example.org web.default.svc.cluster.local",
      asks: "shop.example.org.",
      gives: ["web"],
    },
    {
      name: "makes answers of a template",
      directive:
        'template IN A test {\n match ^ip-(?P<a>\\d+)-(?P<b>\\d+)\\.test\\.$\n answer "{{ .Name }} 60 IN A 10.0.{{ .Group.a }}.{{ .Group.b }}"\n}',
      asks: "ip-3-4.test.",
      gives: ["10.0.3.4"],
    },
  ];
  it.each(table)("$name", ({ directive, asks, gives }) => {
    expect(resolve(asks).addresses).toEqual([]);
    const ip = lab.cluster.reader.get<never>("services", "default", "web")!["spec"]["clusterIP"] as string;
    corefile(with_(directive));
    expect(resolve(asks).addresses).toEqual(gives.map((text) => (text === "web" ? ip : text)));
    expect(resolve("web").addresses).toEqual([ip]);
  });

  it("decides the TTL of the cluster's names", () => {
    corefile(with_("").replace("ttl 30", "ttl 7"));
    expect(resolve("web").answers.map(({ ttl }) => ttl)).toEqual([7]);
  });

  it("decides whether pods have names: always, never, or those that exist", () => {
    const ip = lab.send("GET", `${kubeSystem}/pods`).body.items[0].status.podIP as string;
    const names = [ip, "10.244.9.9"].map((address) => `${address.replaceAll(".", "-")}.kube-system.pod.cluster.local.`);
    const seen = ["insecure", "verified", "disabled"].map((mode) => {
      corefile(with_("").replace(/pods \w+/, `pods ${mode}`));
      return names.map((name) => rcode(name));
    });
    expect(seen).toEqual([
      ["NOERROR", "NOERROR"],
      ["NOERROR", "NXDOMAIN"],
      ["NXDOMAIN", "NXDOMAIN"],
    ]);
  });

  it("says on the DNS pods what has no effect, once", () => {
    corefile(with_("autopath @kubernetes"));
    lab.evict();
    lab.wait(1000);
    const events = lab.send("GET", `${kubeSystem}/events`).body.items as {
      reason: string;
      type: string;
      count: number;
      message: string;
      involvedObject: { name: string };
    }[];
    expect(events.filter(({ reason }) => reason === "NotEmulated").map(({ type, count, message }) => ({ type, count, message }))).toEqual(
      dnsPods().map(() => ({
        type: "Warning",
        count: 1,
        message: "The Corefile uses what is not emulated and has no effect here: autopath",
      })),
    );
    expect(rcode("web")).toBe("NOERROR");
  });

  it("holds after an eviction", () => {
    corefile(with_("hosts {\n 10.9.9.9 legacy.example.org\n fallthrough\n}"));
    lab.evict();
    expect(resolve("legacy.example.org.").addresses).toEqual(["10.9.9.9"]);
  });
});

describe("why a name was not found", () => {
  it("the resolver outside does not answer", () => {
    expect(rcode("example.com")).toBe("NOERROR");
    corefile(with_("").replace("/etc/resolv.conf", "10.99.0.53"));
    expect(rcode("example.com")).toBe("SERVFAIL");
    const found = why("example.com")!;
    expect(found).toMatchObject({
      code: "upstream-unreachable",
      message:
        "example.com not found: it lies outside the cluster, and the resolver that CoreDNS asks there does not answer (forward . 10.99.0.53).",
      because: [{ kind: "ConfigMap", name: "coredns", field: "data.Corefile" }],
    });
    send(found);
    expect(rcode("example.com")).toBe("NOERROR");
  });

  it.each([
    {
      name: "a final dot kept the search list away",
      asks: "web.default.",
      code: "incomplete-name",
      message:
        "web.default. not found: it was never completed by the search list. The Service's whole name is web.default.svc.cluster.local.",
    },
    {
      name: "the part svc is missing",
      asks: "web.default.cluster.local.",
      code: "incomplete-name",
      message:
        "web.default.cluster.local. not found: it was never completed by the search list. The Service's whole name is web.default.svc.cluster.local.",
    },
    {
      name: "the Service has no port of that name",
      asks: "_htp._tcp.web.default.svc.cluster.local",
      type: "SRV",
      code: "srv-port-missing",
      message: "_htp._tcp.web.default.svc.cluster.local not found: Service web has no TCP port named htp. Its named ports: http/TCP.",
      fix: "Use the name _http._tcp.web.default.svc.cluster.local.",
    },
    {
      name: "a label is too long",
      asks: "a".repeat(64),
      code: "label-too-long",
      message: `Not asked: the label ${"a".repeat(64)} has 64 characters; DNS allows 63.`,
    },
    {
      name: "the name is too long",
      asks: "a.".repeat(130),
      code: "name-too-long",
      message: "Not asked: the name has 260 characters; DNS allows 253.",
    },
  ])("$name", ({ asks, type, code, message, fix }: { asks: string; type?: string; code: string; message: string; fix?: string }) => {
    const found = why(asks, type)!;
    expect({ code: found.code, message: found.message, ...(fix === undefined ? {} : { fix: found.fix.text }) }).toEqual({
      code,
      message,
      ...(fix === undefined ? {} : { fix }),
    });
  });

  it("advises where the search list was tried in vain, and not where it helped", () => {
    const advice = (name: string) => adviseOnResolution(resolve(name), lab.cluster.facts, "en");
    expect(advice("example.com")).toMatchObject({
      code: "wasted-queries",
      params: { n: 6 },
      message: "example.com was found, but only after 6 questions in vain: it has 1 dot and ndots is 5, so the search list came first.",
      fix: { text: "Write example.com. with a dot at the end, or give the pod dnsConfig with ndots: 1." },
    });
    expect([advice("example.com."), advice("web"), advice("nobody")]).toEqual([null, null, null]);
  });
});
