import { describe, expect, it } from "vitest";
import { podYaml } from "../cluster/network/test-cluster.ts";
import { resolve } from "./resolve.ts";
import { routes } from "./route.ts";
import { rules } from "./rules.ts";
import { TestSandbox } from "./test-sandbox.ts";
import { traces } from "./traces.ts";

const numbers = `
${podYaml({ name: "sleep-1", ip: "10.244.0.7", node: "node-1" })}
${podYaml({ name: "api-a", ip: "10.244.0.8", node: "node-1", app: "numbers-api", ports: [80] })}
${podYaml({ name: "api-b", ip: "10.244.1.3", node: "node-2", app: "numbers-api", ports: [80] })}
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { clusterIP: 10.96.71.4, selector: { app: numbers-api }, ports: [{ port: 80 }] }
`;
const sandbox = (): TestSandbox => new TestSandbox({ "/route": routes, "/resolve": resolve, "/rules": rules, "/traces": traces }, numbers);
const json = async (response: Promise<Response>): Promise<any> => (await response).json();

describe("/route", () => {
  it("answers in the shape of the contract", async () => {
    const answer = await json(
      sandbox().post("/route", {
        from: "default/sleep-1",
        to: { host: "numbers-api", port: 80, protocol: "TCP" },
        http: { method: "GET", path: "/rng" },
        flow: { sourcePort: 40312 },
        seed: 7,
      }),
    );
    expect(answer).toMatchObject({
      verdict: "delivered",
      trace: "t-1",
      backend: { pod: "default/api-b", ip: "10.244.1.3", port: 80, node: "node-2" },
      candidates: [
        { ip: "10.244.0.8", port: 80, probability: 0.5 },
        { ip: "10.244.1.3", port: 80, probability: 0.5 },
      ],
      sourceSeenByBackend: "10.244.0.7",
      http: { status: 200, headers: {}, body: "api-b" },
      why: null,
    });
    expect(answer.hops.map(({ n, does }: { n: number; does: string }) => `${n} ${does}`)).toEqual([
      "1 read",
      "2 search",
      "3 ask",
      "4 answer",
      "5 connect",
      "6 match",
      "7 rewrite",
      "8 deliver",
      "9 reply",
    ]);
    expect(answer.hops[4]).toMatchObject({ at: "pod/default/sleep-1", src: "10.244.0.7:40312", dst: "10.96.71.4:80" });
    expect(answer.hops[5].sentence).toBe(
      "Line 2 was skipped (draw 0.74, needs < 0.500). Line 3 matched: the last line needs no draw. Over many requests each of the 2 pods gets one in two.",
    );
  });

  it("has a short form, whose URL is an HTTP request", async () => {
    const answer = await json(sandbox().get("/route?from=default/sleep-1&to=http://numbers-api/rng&seed=7&fields=verdict,http"));
    expect(answer).toEqual({ verdict: "delivered", http: { status: 200, headers: {}, body: "api-b" } });
  });

  it("says everything in Korean where that is asked for, with the same codes", async () => {
    const ask = "/route?from=default/sleep-1&to=numbers-api&protocol=icmp";
    const { why } = await json(sandbox().get(ask, { "accept-language": "ko-KR,ko;q=0.9,en;q=0.5" }));
    expect({ code: why.code, message: why.message }).toEqual({
      code: "icmp-to-service",
      message: "응답 없음: 10.96.71.4는 TCP 80 포트 규칙으로만 존재합니다. ICMP와 일치하는 규칙이 없고 이 주소를 가진 장치도 없습니다.",
    });
    expect((await json(sandbox().get(`${ask}&lang=en`, { "accept-language": "ko" }))).why.message).toContain("No reply");
  });

  it("shows skipped rules only with detail=full", async () => {
    const of = async (more: string): Promise<boolean> =>
      (await json(sandbox().get(`/route?from=default/sleep-1&to=10.96.71.4:80&seed=7${more}`))).hops.some(
        (hop: object) => "evaluated" in hop,
      );
    expect([await of(""), await of("&detail=full")]).toEqual([false, true]);
  });

  it("answers an array as an array, and many flows as a histogram", async () => {
    const many = await json(
      sandbox().post("/route", [
        { to: "numbers-api:80", fields: ["verdict"] },
        { to: "numbers-api:80", count: 200, seed: 1 },
      ]),
    );
    expect(many[0]).toEqual({ verdict: "delivered" });
    expect(many[1]).toMatchObject({ count: 200, verdicts: { delivered: 200 } });
    const counts = many[1].backends.map(({ count }: { count: number }) => count);
    expect(counts.reduce((sum: number, each: number) => sum + each, 0)).toBe(200);
    expect(Math.min(...counts)).toBeGreaterThan(70);
  });

  it.each([
    { name: "an unknown field", body: { to: "a:80", form: "x" }, status: 400, detail: 'route query: Unrecognized key: "form"' },
    {
      name: "a port that cannot be",
      body: { to: { host: "a", port: 0 } },
      status: 400,
      detail: "to.port: Too small: expected number to be >=1",
    },
    { name: "a wrong query among several", body: [{ to: "a" }, {}], status: 400, detail: "[1].to: Invalid input" },
    { name: "a target that is no target", body: { to: "a b:c:d" }, status: 400, detail: "to: a b:c:d is neither a URL nor host:port." },
    { name: "UDP without a port", body: { to: "kube-dns", protocol: "UDP" }, status: 400, detail: "to.port: UDP needs a port." },
    { name: "https", body: { to: "https://numbers-api" }, status: 400, detail: "to: https:// is not emulated." },
    {
      name: "a pod that is not there",
      body: { from: "default/nobody", to: "a" },
      status: 404,
      detail: "from: there is no pod nobody in namespace default.",
    },
    {
      name: "a node that is not there",
      body: { from: { node: "node-9" }, to: "a" },
      status: 404,
      detail: "from: there is no node node-9.",
    },
    { name: "no JSON", body: "{", status: 400, detail: "The body cannot be read as JSON." },
    {
      name: "too many flows",
      body: [
        { to: "a", count: 10_000 },
        { to: "a", count: 2 },
      ],
      status: 400,
      detail: "10002 flows were sent; one request takes at most 10000 flows.",
    },
  ])("refuses $name with a problem that can be acted on", async ({ body, status, detail }) => {
    const response = await sandbox().post("/route", body);
    const problem = (await response.json()) as { detail: string; fix: string };
    expect({ status: response.status, type: response.headers.get("content-type"), detail: problem.detail }).toEqual({
      status,
      type: "application/problem+json",
      detail,
    });
    expect(problem.fix).not.toBe("");
  });

  it("sends as outside, node and Deployment are written", async () => {
    const verdict = async (from: string): Promise<string> =>
      (await json(sandbox().get(`/route?from=${encodeURIComponent(from)}&to=10.96.71.4:80&fields=verdict`))).verdict;
    expect([await verdict("outside"), await verdict('{"node":"node-2"}'), await verdict("node/node-1"), await verdict("default")]).toEqual([
      "no-route",
      "delivered",
      "delivered",
      "delivered",
    ]);
  });
});

describe("/traces", () => {
  it("keeps a route, to be read in another language", async () => {
    const of = sandbox();
    const sent = await json(of.get("/route?from=default/sleep-1&to=numbers-api&protocol=ICMP"));
    const kept = await json(of.get(`/traces/${sent.trace}?lang=ko`));
    expect({ verdict: kept.verdict, hops: kept.hops.length, code: kept.why.code, stop: kept.hops.at(-1).sentence }).toEqual({
      verdict: sent.verdict,
      hops: sent.hops.length,
      code: sent.why.code,
      stop: "여기서 끝납니다. 응답이 오지 않으며 보낸 쪽은 시간 초과를 기다립니다.",
    });
  });

  it("keeps the last 200 and says so about older ones", async () => {
    const of = sandbox();
    for (let sent = 0; sent < 201; sent += 1) await of.get("/route?to=10.244.0.8:80&fields=verdict");
    const response = await of.get("/traces/t-1");
    expect({ status: response.status, detail: ((await response.json()) as { detail: string }).detail }).toEqual({
      status: 404,
      detail: "There is no trace t-1. The last 200 are kept.",
    });
    const { traces: lines } = await json(of.get("/traces"));
    expect([lines.length, lines[0].trace, lines.at(-1).trace]).toEqual([200, "t-201", "t-2"]);
  });
});

describe("/resolve", () => {
  it("answers in the shape of the contract", async () => {
    expect(await json(sandbox().get("/resolve?name=numbers-api&type=A&from=default/sleep-1"))).toEqual({
      name: "numbers-api",
      type: "A",
      rcode: "NOERROR",
      from: { namespace: "default", pod: "sleep-1", node: "node-1" },
      answers: [{ name: "numbers-api.default.svc.cluster.local.", type: "A", ttl: 30, data: "10.96.71.4" }],
      service: { namespace: "default", name: "numbers-api", type: "ClusterIP", clusterIP: "10.96.71.4" },
      trace: [{ query: "numbers-api.default.svc.cluster.local.", type: "A", server: "10.96.0.10", rcode: "NOERROR", from: "kubernetes" }],
      why: null,
    });
  });

  it("answers NXDOMAIN with 200 and a why", async () => {
    const response = await sandbox().get("/resolve?name=numbers-ap&from=default");
    const { rcode, why, service } = (await response.json()) as any;
    expect({ status: response.status, rcode, service, code: why.code, fix: why.fix.text }).toEqual({
      status: 200,
      rcode: "NXDOMAIN",
      service: null,
      code: "name-typo",
      fix: "Use the name numbers-api.",
    });
  });

  it("names the policy that keeps the question from DNS", async () => {
    const policy = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: strict }
spec: { podSelector: {}, policyTypes: [Egress] }
`;
    const { why } = await json(
      new TestSandbox({ "/resolve": resolve }, numbers + policy).get("/resolve?name=numbers-api&from=default/sleep-1"),
    );
    expect({ code: why.code, because: why.because }).toEqual({
      code: "dns-policy",
      because: [
        { apiVersion: "v1", kind: "Pod", namespace: "default", name: "sleep-1" },
        { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", namespace: "default", name: "strict", field: "spec.egress" },
      ],
    });
  });

  it("takes an array", async () => {
    const many = await json(sandbox().post("/resolve", [{ name: "numbers-api" }, { name: "kubernetes", type: "srv" }]));
    expect(many.map(({ rcode, type }: { rcode: string; type: string }) => `${type} ${rcode}`)).toEqual(["A NOERROR", "SRV NOERROR"]);
  });

  it.each([
    { name: "no name", query: "", detail: "name: Invalid input: expected string, received undefined" },
    {
      name: "a type that is none",
      query: "name=a&type=A-B",
      detail: "type: must be a record type such as A, AAAA, SRV, CNAME, PTR or TXT",
    },
    { name: "a label too long", query: `name=${"a".repeat(64)}`, detail: "name: a label of a name has at most 63 characters" },
  ])("refuses $name", async ({ query, detail }) => {
    const response = await sandbox().get(`/resolve?${query}`);
    expect({ status: response.status, detail: ((await response.json()) as { detail: string }).detail }).toEqual({ status: 400, detail });
  });
});

describe("/rules", () => {
  it("prints text, and JSON that links each rule to its objects with a sentence", async () => {
    const text = await (await sandbox().get("/rules")).text();
    expect(text).toContain("-A KUBE-SERVICES -d 10.96.71.4/32 -p tcp");
    const { rules: linked, ...of } = await json(sandbox().get("/rules?node=node-2", { accept: "application/json" }));
    expect(of).toEqual({ mode: "iptables", node: "node-2", family: "IPv4" });
    const lines = linked.filter(({ objects }: { objects: { name: string }[] }) => objects.some(({ name }) => name === "numbers-api"));
    expect(lines.map(({ sentence }: { sentence: string }) => sentence)).toContain("With a chance of 0.500, continue to api-a.");
    expect(linked.filter(({ text: line }: { text: string }) => !text.includes(line.split(" ")[1]!))).toEqual([]);
  });

  it.each([
    { name: "a node that is not there", query: "node=node-9", status: 404, fix: "The nodes are node-1, node-2." },
    {
      name: "an unknown format",
      query: "format=yaml",
      status: 400,
      fix: "GET /rules?mode=iptables&node=node-1&family=IPv4&format=kernel|sync|json&at=&diff=.",
    },
  ])("refuses $name", async ({ query, status, fix }) => {
    const response = await sandbox().get(`/rules?${query}`);
    expect({ status: response.status, fix: ((await response.json()) as { fix: string }).fix }).toEqual({ status, fix });
  });
});
