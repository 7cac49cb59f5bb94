/**
 * DNS with real clients against `npm start`'s own server: DNS over HTTPS in octets that dns-packet wrote and reads, and
 * the book's lookups typed into pods with real kubectl.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import dnsPacket from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, run, shell } from "./kubectl.ts";
import { type RunningServer, startServer } from "./server.ts";

const chapter = join(import.meta.dirname, "..", "..", "examples", "chapter");
const manifest = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.77, ports: [{ name: http, port: 80 }, { name: admin, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: peers, namespace: shop }
spec: { clusterIP: None, ports: [{ name: raft, port: 7000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: peers-1, namespace: shop, labels: { kubernetes.io/service-name: peers } }
addressType: IPv4
endpoints:
  - { addresses: [10.1.2.3], hostname: first }
  - { addresses: [10.1.2.4] }
ports: [{ name: raft, port: 7000 }]
---
apiVersion: v1
kind: Service
metadata: { name: numbers, namespace: shop }
spec: { type: ExternalName, externalName: raw.githubusercontent.com }
`;

/** What a client is told: the rcode, and the data of the answers in some order. */
const names: { name: string; type: string; rcode?: string; data: unknown[] }[] = [
  { name: "kubernetes.default.svc.cluster.local", type: "A", data: ["10.96.0.1"] },
  { name: "KUBERNETES.default.svc.cluster.local", type: "A", data: ["10.96.0.1"] },
  { name: "kube-dns.kube-system.svc.cluster.local", type: "A", data: ["10.96.0.10"] },
  { name: "web.shop.svc.cluster.local", type: "A", data: ["10.96.0.77"] },
  { name: "web.shop.svc.cluster.local", type: "AAAA", data: [] },
  { name: "web.default.svc.cluster.local", type: "A", rcode: "NXDOMAIN", data: [] },
  {
    name: "_http._tcp.web.shop.svc.cluster.local",
    type: "SRV",
    data: [{ priority: 0, weight: 100, port: 80, target: "web.shop.svc.cluster.local" }],
  },
  { name: "_htp._tcp.web.shop.svc.cluster.local", type: "SRV", rcode: "NXDOMAIN", data: [] },
  { name: "77.0.96.10.in-addr.arpa", type: "PTR", data: ["web.shop.svc.cluster.local"] },
  { name: "peers.shop.svc.cluster.local", type: "A", data: ["10.1.2.3", "10.1.2.4"] },
  { name: "first.peers.shop.svc.cluster.local", type: "A", data: ["10.1.2.3"] },
  { name: "10-1-2-4.peers.shop.svc.cluster.local", type: "A", data: ["10.1.2.4"] },
  { name: "3.2.1.10.in-addr.arpa", type: "PTR", data: ["first.peers.shop.svc.cluster.local"] },
  { name: "10-1-2-3.shop.pod.cluster.local", type: "A", data: ["10.1.2.3"] },
  { name: "numbers.shop.svc.cluster.local", type: "CNAME", data: ["raw.githubusercontent.com"] },
  { name: "numbers.shop.svc.cluster.local", type: "A", data: ["raw.githubusercontent.com", "198.51.100.8"] },
  { name: "dns-version.cluster.local", type: "TXT", data: [[Buffer.from("1.1.0")]] },
  { name: "cluster.local", type: "NS", data: ["kube-dns.kube-system.svc.cluster.local"] },
  { name: "example.com", type: "A", data: ["198.51.100.80"] },
  { name: "nobody.example.com", type: "A", rcode: "NXDOMAIN", data: [] },
];

let server: RunningServer;
let kubeconfig: string;
const type = async (line: string, input?: string): Promise<{ out: string; err: string; code: number | null }> => {
  const { stdout, stderr, code } = await shell(line, kubeconfig, "35", { cwd: chapter, ...(input === undefined ? {} : { input }) });
  return { out: stdout, err: stderr, code };
};
const ok = async (line: string, input?: string): Promise<string> => {
  const { out, err, code } = await type(line, input);
  expect(code, `${line}\n${out}\n${err}`).toBe(0);
  return out;
};
const inPod = (script: string): string => `kubectl exec deploy/sleep-1 -- sh -c ${JSON.stringify(script)}`;

beforeAll(async () => {
  server = await startServer();
  kubeconfig = await server.kubeconfig();
  await ok("kubectl apply -f -", manifest);
  await ok("kubectl apply -f sleep/sleep1.yaml -f sleep/sleep2.yaml -f sleep/sleep2-service.yaml");
  await ok("kubectl wait --for=condition=Ready pod --all --timeout=20s");
  await ok("kubectl wait --for=condition=Ready pod --all -n kube-system --timeout=20s");
});
afterAll(() => server.stop());

describe("a DNS over HTTPS client", () => {
  const question = (name: string, of: string): Buffer =>
    Buffer.from(dnsPacket.encode({ type: "query", id: 0, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: of as "A" }] }));
  const url = (query = ""): string => `${server.url}/s/demo/dns-query${query}`;
  const told = async (response: Response): Promise<object> => {
    const message = dnsPacket.decode(Buffer.from(await response.arrayBuffer())) as { rcode?: string; answers?: { data: unknown }[] };
    const data = (message.answers ?? []).map((answer) => answer.data);
    return {
      status: response.status,
      type: response.headers.get("content-type"),
      rcode: message.rcode,
      data: data.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    };
  };

  it.each(names)("is told by GET and POST about $type $name", async ({ name, type: of, rcode = "NOERROR", data }) => {
    const sorted = [...data].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    const want = { status: 200, type: "application/dns-message", rcode, data: sorted };
    const packet = question(name, of);
    expect(
      await told(await fetch(url(`?dns=${packet.toString("base64url")}`), { headers: { accept: "application/dns-message" } })),
    ).toEqual(want);
    const headers = { "content-type": "application/dns-message", accept: "application/dns-message" };
    expect(await told(await fetch(url(), { method: "POST", headers, body: new Uint8Array(packet) }))).toEqual(want);
  });

  it.each([
    { name: "base64url that is none", init: {}, query: "?dns=A*A", status: 400 },
    {
      name: "a body of another kind",
      init: { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
      query: "",
      status: 415,
    },
    { name: "a body that is too large", init: { method: "POST", body: new Uint8Array(65_536) }, query: "", status: 413 },
    { name: "a sender that is not there", init: {}, query: "?name=web&from=shop/gone", status: 404 },
    { name: "a label of 64 octets", init: {}, query: `?name=${"a".repeat(64)}`, status: 400 },
    { name: "a name of 254 octets", init: {}, query: `?name=${"a.".repeat(126)}aa`, status: 400 },
  ])("is refused $name", async ({ init, query, status }) => {
    expect((await fetch(url(query), init)).status).toBe(status);
  });
});

/** DNS tools that speak HTTP/2, as `npm start -- --https` does. */
const installed = (tool: string): boolean => spawnSync(tool, ["-v"]).error === undefined;

describe("DNS over HTTPS for tools of the machine", () => {
  let secure: RunningServer;
  let port: string;
  beforeAll(async () => {
    secure = await startServer({ https: true });
    port = new URL(secure.url).port;
  });
  afterAll(() => secure.stop());

  const tools = [
    { tool: "kdig", options: ["+short", "+https=/s/demo/dns-query"] },
    { tool: "dig", options: ["+short", "+tries=1", "+https=/s/demo/dns-query"] },
  ];
  for (const { tool, options } of tools) {
    it.skipIf(!installed(tool))(`answers \`${tool} +https\`${installed(tool) ? "" : " (not installed on this machine)"}`, async () => {
      // Until the DNS pods run, the answer is SERVFAIL.
      const answer = async (): Promise<string> =>
        (await run(tool, ["@127.0.0.1", "-p", port, ...options, "kubernetes.default.svc.cluster.local"])).stdout.trim();
      await expect.poll(answer, { timeout: 10_000 }).toBe("10.96.0.1");
    });
  }

  it("speaks HTTP/2 to those who want it, and the same kubeconfig works over TLS", async () => {
    const certificate = readFileSync(join(secure.dataFolder, "tls", "cert.pem"));
    const session = http2.connect(secure.url, { ca: certificate });
    const stream = session.request({ ":path": "/s/demo/kubeconfig" });
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += chunk;
    session.close();
    const kubeconfig = join(secure.dataFolder, "kubeconfig.yaml");
    writeFileSync(kubeconfig, text);
    const listed = await run(binary("kubectl", "35"), ["get", "services", "-o", "name"], { env: { KUBECONFIG: kubeconfig } });
    expect([listed.stdout, listed.stderr]).toEqual(["service/kubernetes\n", ""]);
  });
});

describe("the chapter's pipelines in a pod", () => {
  it("`nslookup NAME | tail -n 5` shows the address", async () => {
    const ip = await ok("kubectl get svc sleep-2 -o jsonpath='{.spec.clusterIP}'");
    expect(await ok(inPod("nslookup sleep-2 | tail -n 5"))).toBe(`\nName:\tsleep-2.default.svc.cluster.local\nAddress: ${ip}\n\n\n`);
  });

  it("`nslookup NAME | grep` without stars shows server and address, and nothing else", async () => {
    const ip = await ok("kubectl get svc sleep-2 -o jsonpath='{.spec.clusterIP}'");
    expect(await ok(inPod("nslookup sleep-2 | grep '^[^*]'"))).toBe(
      `Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\nName:\tsleep-2.default.svc.cluster.local\nAddress: ${ip}\n`,
    );
    expect(await ok(inPod("nslookup nobody | grep '^[^*]'"))).toBe("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n");
  });
});

describe("DNS that is down", () => {
  const resolve = async (name: string) =>
    (await fetch(`${server.url}/s/demo/resolve?name=${name}&from=deploy/sleep-1`)).json() as Promise<any>;

  it("fails in the pod as the real tool does, says why, and is repaired by the fix", async () => {
    await ok("kubectl scale deployment/coredns -n kube-system --replicas=0");
    await ok("kubectl wait --for=delete pod -l k8s-app=kube-dns -n kube-system --timeout=20s");
    const lookup = await type("kubectl exec deploy/sleep-1 -- nslookup sleep-2");
    expect({ code: lookup.code, out: lookup.out }).toEqual({ code: 1, out: ";; connection timed out; no servers could be reached\n\n" });
    const ping = await type("kubectl exec deploy/sleep-1 -- ping -c 1 sleep-2");
    expect({ code: ping.code, err: ping.err.split("\n")[0] }).toEqual({ code: 1, err: "ping: bad address 'sleep-2'" });
    const { rcode, why } = await resolve("sleep-2");
    expect({
      rcode,
      code: why.code,
      because: why.because.map(({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`),
    }).toEqual({
      rcode: "TIMEOUT",
      code: "dns-down",
      because: ["Service/kube-dns", "Deployment/coredns"],
    });
    const [patch] = why.fix.patches;
    await ok(`kubectl patch deployment/${patch.name} -n ${patch.namespace} --type=merge -p '${JSON.stringify(patch.body)}'`);
    await ok("kubectl wait --for=condition=Available deployment/coredns -n kube-system --timeout=20s");
    expect((await resolve("sleep-2")).rcode).toBe("NOERROR");
  });
});
