import { describe, expect, it } from "vitest";
import type { RouteQuery, Sender } from "../api/network.ts";
import type { Upstream } from "../api/ports.ts";
import { outsideServer, podYaml, TestCluster, type TestClusterOptions } from "../network/test-cluster.ts";
import { explainResolution, explainRoute } from "./explain-route.ts";
import type { Facts } from "./facts.ts";
import type { Why } from "./why.ts";

const sleep = podYaml({ name: "sleep-1", ip: "10.244.0.7", node: "node-1" });
const api = podYaml({ name: "api-a", ip: "10.244.0.8", node: "node-1", app: "numbers-api", ports: [80] });
const api2 = podYaml({ name: "api-b", ip: "10.244.1.3", node: "node-2", app: "numbers-api", ports: [80] });
const service = (spec: string, name = "numbers-api", namespace = "default", rest = ""): string => `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ${spec} }
${rest}
`;
const plain = "clusterIP: 10.96.71.4, selector: { app: numbers-api }, ports: [{ port: 80 }]";
const deployment = (replicas: number): string => `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: numbers-api }
spec: { replicas: ${replicas}, template: { metadata: { labels: { app: numbers-api } } } }
`;

const factsOf = (cluster: TestCluster, formerPod?: Facts["formerPod"]): Facts => ({
  reader: cluster.reader,
  machines: cluster.machines,
  options: cluster.options,
  now: 1_000_000,
  ...(formerPod === undefined ? {} : { formerPod }),
});

interface Asked {
  from?: string | Sender;
  host?: string;
  port?: number;
  protocol?: "ICMP";
  http?: RouteQuery["http"];
}

function why(
  manifests: string,
  asked: Asked = {},
  options: TestClusterOptions = {},
  formerPod?: Facts["formerPod"],
): { en: Why | null; ko: Why | null } {
  const cluster = new TestCluster(manifests, options);
  const { from = "sleep-1", host = "numbers-api", port = 80, ...rest } = asked;
  const route = cluster.route(from, host, { port, ...rest });
  const facts = factsOf(cluster, formerPod);
  return { en: explainRoute(route, facts, "en"), ko: explainRoute(route, facts, "ko") };
}

const outside: Upstream = {
  dns: (name, type) => ({ rcode: "NOERROR", answers: type === "A" ? [{ name, type, ttl: 300, data: "198.51.100.8" }] : [] }),
  machine: outsideServer("198.51.100.8", ["raw.githubusercontent.com"], "42"),
};
const browser: Sender = { kind: "outside", ip: "198.51.100.77" };

describe("explainRoute says why not, in the words of the design", () => {
  it("has nothing to say about a request that was served", () => {
    expect(why(sleep + api + service(plain), { http: {} })).toEqual({ en: null, ko: null });
  });

  it.each<{
    name: string;
    manifests: string;
    asked?: Asked;
    options?: TestClusterOptions;
    formerPod?: Facts["formerPod"];
    code: string;
    en: string;
    ko: string;
  }>([
    {
      name: "zero replicas",
      manifests: sleep + service(plain) + deployment(0),
      code: "zero-replicas",
      en: "Refused on node-1: Service numbers-api has no ready endpoints, so its rule is REJECT. deployment/numbers-api has 0 replicas.",
      ko: "node-1에서 거부됨: Service numbers-api에 준비된 엔드포인트가 없어 규칙이 REJECT입니다. deployment/numbers-api의 레플리카가 0개입니다.",
    },
    {
      name: "endpoints by hand that nobody made",
      manifests: sleep + service("clusterIP: 10.96.71.4, ports: [{ port: 80 }]"),
      code: "endpoints-missing",
      en: "Refused on node-1: Service numbers-api has no ready endpoints, so its rule is REJECT. It has no selector, and nobody has given it endpoints by hand.",
      ko: "node-1에서 거부됨: Service numbers-api에 준비된 엔드포인트가 없어 규칙이 REJECT입니다. 셀렉터가 없고 직접 만든 엔드포인트도 없습니다.",
    },
    {
      name: "ping a ClusterIP",
      manifests: sleep + api + service(plain),
      asked: { protocol: "ICMP" },
      code: "icmp-to-service",
      en: "No reply: 10.96.71.4 exists only as rules for TCP port 80. ICMP matches none of them, and nothing else owns the address.",
      ko: "응답 없음: 10.96.71.4는 TCP 80 포트 규칙으로만 존재합니다. ICMP와 일치하는 규칙이 없고 이 주소를 가진 장치도 없습니다.",
    },
    {
      name: "ExternalName, Host mismatch",
      manifests: sleep + service("type: ExternalName, externalName: raw.githubusercontent.com"),
      asked: { http: {} },
      options: { upstream: outside },
      code: "external-name-host",
      en: "404 from raw.githubusercontent.com: DNS sent you there, but the request still says Host: numbers-api.",
      ko: "raw.githubusercontent.com에서 404: DNS는 그곳을 가리켰지만 요청의 Host 헤더는 여전히 numbers-api입니다.",
    },
    {
      name: "selector typo",
      manifests: sleep + api + api2 + service(plain.replace("app: numbers-api", "app: number-api")),
      code: "selector-typo",
      en: "No endpoints: selector app=number-api matches 0 pods. app=numbers-api would match 2.",
      ko: "엔드포인트 없음: 셀렉터 app=number-api와 일치하는 파드가 0개입니다. app=numbers-api이면 2개가 일치합니다.",
    },
    {
      name: "a selector that resembles nothing",
      manifests: sleep + api + service(plain.replace("app: numbers-api", "app: web")),
      code: "selector-matches-nothing",
      en: "No endpoints: selector app=web matches 0 pods.",
      ko: "엔드포인트 없음: 셀렉터 app=web와 일치하는 파드가 0개입니다.",
    },
    {
      name: "wrong targetPort",
      manifests: sleep + api + service(plain.replace("port: 80", "port: 80, targetPort: 8080")),
      code: "target-port-closed",
      en: "Refused by pod api-a: nothing listens on 8080. The container listens on 80.",
      ko: "파드 api-a가 거부함: 8080에서 듣는 프로세스가 없습니다. 컨테이너는 80에서 듣고 있습니다.",
    },
    {
      name: "pod not ready",
      manifests: sleep + api.replace('status: "True"', 'status: "False", reason: ContainersNotReady') + service(plain),
      code: "pod-not-ready",
      en: "api-a was left out: it is running but not ready (ContainersNotReady).",
      ko: "api-a는 제외됨: 실행 중이지만 준비되지 않았습니다(ContainersNotReady).",
    },
    {
      name: "wrong namespace",
      manifests: sleep + service(plain, "numbers-api", "kube-system"),
      code: "wrong-namespace",
      en: "Could not resolve numbers-api: there is no Service numbers-api in default. There is one in kube-system; use numbers-api.kube-system.",
      ko: "numbers-api을(를) 찾을 수 없음: default에 Service numbers-api가 없습니다. kube-system에 있으니 numbers-api.kube-system를 사용하세요.",
    },
    {
      name: "name typo",
      manifests: sleep + api + service(plain),
      asked: { host: "numbres-api" },
      code: "name-typo",
      en: "Could not resolve numbres-api (NXDOMAIN after 4 tries). Closest name: numbers-api.",
      ko: "numbres-api을(를) 찾을 수 없음(NXDOMAIN, 4번 시도). 가장 가까운 이름: numbers-api.",
    },
    {
      name: "externalTrafficPolicy Local",
      manifests:
        api +
        service(
          `type: NodePort, externalTrafficPolicy: Local, clusterIP: 10.96.71.4, selector: { app: numbers-api }, ports: [{ port: 80, nodePort: 30080 }]`,
        ),
      asked: { from: browser, host: "192.168.10.12", port: 30080 },
      code: "external-policy-local",
      en: "Dropped on node-2: the policy is Local and no ready pod of numbers-api runs on this node.",
      ko: "node-2에서 버려짐: 정책이 Local인데 이 노드에는 numbers-api의 준비된 파드가 없습니다.",
    },
    {
      name: "wrong Service port",
      manifests: sleep + api + service(plain),
      asked: { port: 8080 },
      code: "service-port-missing",
      en: "No rule for 10.96.71.4:8080. Service numbers-api has 80/TCP.",
      ko: "10.96.71.4:8080에 대한 규칙이 없습니다. Service numbers-api의 포트는 80/TCP입니다.",
    },
    {
      name: "old pod address",
      manifests: sleep + api + service(plain),
      asked: { host: "10.244.1.99", protocol: "ICMP" },
      formerPod: () => ({ pod: new TestCluster(api).reader.get("pods", "default", "api-a")!, deletedAt: 960_000 }),
      code: "old-pod-address",
      en: "No reply from 10.244.1.99: the pod that had it was deleted 40 s ago.",
      ko: "10.244.1.99에서 응답 없음: 이 주소를 쓰던 파드는 40초 전에 삭제되었습니다.",
    },
    {
      name: "a cluster IP from outside",
      manifests: api + service(plain),
      asked: { from: browser, host: "10.96.71.4" },
      code: "cluster-ip-from-outside",
      en: "No route to 10.96.71.4: it is the cluster IP of Service numbers-api, which exists only as rules on the nodes.",
      ko: "10.96.71.4로 가는 경로 없음: Service numbers-api의 클러스터 IP이며 노드의 규칙으로만 존재합니다.",
    },
    {
      name: "a load balancer whose address is pending",
      manifests: api + service(`type: LoadBalancer, ${plain}`),
      asked: { from: browser, host: "10.96.71.4" },
      code: "load-balancer-pending",
      en: "No way in from outside: Service numbers-api is of type LoadBalancer, but its external address is still pending.",
      ko: "밖에서 들어오는 길이 없음: Service numbers-api는 LoadBalancer 유형이지만 외부 주소가 아직 pending입니다.",
    },
    {
      name: "a node that is down",
      manifests: sleep + api2,
      asked: { host: "10.244.1.3" },
      options: { nodesDown: ["node-2"] },
      code: "node-down-with-pod",
      en: "No reply: pod api-b runs on node-2, and node-2 is down.",
      ko: "응답 없음: 파드 api-b는 node-2에서 실행되는데 node-2가 다운되었습니다.",
    },
    {
      name: "DNS down",
      manifests: sleep + api + service(plain),
      options: { listeners: { "kube-system/coredns-1": [] } },
      code: "dns-unreachable",
      en: "Could not resolve numbers-api: no answer came from the DNS server 10.96.0.10.",
      ko: "numbers-api을(를) 찾을 수 없음: DNS 서버 10.96.0.10에서 답이 오지 않았습니다.",
    },
    {
      name: "a headless Service without pods",
      manifests: sleep + service("clusterIP: None, selector: { app: numbers-api }, ports: [{ port: 80 }]"),
      code: "headless-without-pods",
      en: "Could not resolve numbers-api: Service numbers-api is headless, and with no ready endpoint its name does not exist.",
      ko: "numbers-api을(를) 찾을 수 없음: Service numbers-api는 헤드리스이고, 준비된 엔드포인트가 없으면 그 이름도 존재하지 않습니다.",
    },
  ])("$name", ({ manifests, asked, options, formerPod, ...want }) => {
    const { en, ko } = why(manifests, asked, options, formerPod);
    expect({ code: en?.code, en: en?.message, ko: ko?.message }).toEqual({ code: want.code, en: want.en, ko: want.ko });
    expect({ ...ko, message: "", fix: "", also: [] }).toEqual({ ...en, message: "", fix: "", also: [] });
  });

  it.each<{ proxyMode: "nftables" | "ipvs"; en: string; ko: string }>([
    {
      proxyMode: "nftables",
      en: "Refused on node-1: 10.96.71.4 has rules only for TCP port 80; everything else to a ClusterIP is rejected.",
      ko: "node-1에서 거부됨: 10.96.71.4에는 TCP 80 포트 규칙만 있고, ClusterIP로 가는 나머지는 모두 거부됩니다.",
    },
    {
      proxyMode: "ipvs",
      en: "Refused on node-1: 10.96.71.4 is bound on this node, and anything but its Service ports is rejected.",
      ko: "node-1에서 거부됨: 10.96.71.4는 이 노드에 바인딩되어 있고 Service 포트가 아닌 요청은 모두 거부됩니다.",
    },
  ])("ping a ClusterIP in mode $proxyMode", ({ proxyMode, ...want }) => {
    const { en, ko } = why(sleep + api + service(plain), { protocol: "ICMP" }, { options: { proxyMode } });
    expect({ en: en?.message, ko: ko?.message }).toEqual(want);
  });

  it("shows the packet on one side and the rule's match on the other", () => {
    expect(why(sleep + api + service(plain), { protocol: "ICMP" }).en?.params).toEqual({
      ip: "10.96.71.4",
      ports: [{ protocol: "TCP", port: 80 }],
      packet: "icmp, echo request",
      rule: "tcp, port 80",
    });
  });
});

describe("explainRoute offers repairs", () => {
  it.each<{ name: string; manifests: string; text: string; patches: unknown[] }>([
    {
      name: "a selector as pods have it",
      manifests: sleep + api + service(plain.replace("app: numbers-api", "app: number-api")),
      text: "Set the selector to app: numbers-api.",
      patches: [
        {
          apiVersion: "v1",
          kind: "Service",
          namespace: "default",
          name: "numbers-api",
          method: "PATCH",
          contentType: "application/merge-patch+json",
          body: { spec: { selector: { app: "numbers-api" } } },
        },
      ],
    },
    {
      name: "a replica where there is none",
      manifests: sleep + service(plain) + deployment(0),
      text: "Scale deployment/numbers-api to 1 replica.",
      patches: [
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          namespace: "default",
          name: "numbers-api",
          method: "PATCH",
          contentType: "application/merge-patch+json",
          body: { spec: { replicas: 1 } },
        },
      ],
    },
    {
      name: "the target port that is open",
      manifests: sleep + api + service(plain.replace("port: 80", "port: 80, targetPort: 8080")),
      text: "Set targetPort to 80.",
      patches: [
        {
          apiVersion: "v1",
          kind: "Service",
          namespace: "default",
          name: "numbers-api",
          method: "PATCH",
          contentType: "application/json-patch+json",
          body: [{ op: "add", path: "/spec/ports/0/targetPort", value: 80 }],
        },
      ],
    },
    {
      name: "words alone where a person decides",
      manifests: sleep,
      text: "Create a Service named numbers-api, or correct the name.",
      patches: [],
    },
  ])("$name", ({ manifests, text, patches }) => {
    expect(why(manifests).en?.fix).toEqual({ text, patches });
  });

  it("names what else is wrong, each with its own repair", () => {
    const twice = plain.replace("app: numbers-api", "app: number-api").replace("port: 80", "port: 80, targetPort: 8080");
    const { en } = why(sleep + api + service(twice));
    expect([en?.code, ...(en?.also ?? []).map(({ code, fix }) => `${code}: ${fix.text}`)]).toEqual([
      "selector-typo",
      "target-port-closed: Set targetPort to 80.",
    ]);
  });
});

describe("explainResolution", () => {
  it("says nothing about a name that resolves", () => {
    const cluster = new TestCluster(sleep + api + service(plain));
    const from: Sender = { kind: "pod", namespace: "default", pod: "sleep-1" };
    expect(explainResolution(cluster.network.resolve({ from, name: "numbers-api" }), factsOf(cluster), "en")).toBe(null);
  });

  it("tells the outside that cluster names mean nothing there", () => {
    const cluster = new TestCluster(sleep + api + service(plain));
    const resolution = cluster.network.resolve({ from: browser, name: "numbers-api.default.svc.cluster.local" });
    expect(explainResolution(resolution, factsOf(cluster), "en")?.code).toBe("name-from-outside");
  });
});
