/**
 * The ten scenes of the chapter, typed with real kubectl against `npm start`'s own server. Each "Seen" of
 * `reference/chapter.md` is asserted; each scene leaves the cluster as the next one expects it, as a reader would.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, type KubectlVersion, shell } from "./kubectl.ts";
import { freePort, type RunningServer, startServer } from "./server.ts";

const manifests = join(import.meta.dirname, "..", "..", "examples", "chapter");

describe.each<KubectlVersion>(["35", "30"])("the chapter with kubectl 1.%s", (version) => {
  let server: RunningServer;
  let kubeconfig: string;
  const type = async (line: string): Promise<{ out: string; err: string; code: number | null }> => {
    const { stdout, stderr, code } = await shell(line, kubeconfig, version, { cwd: manifests });
    return { out: stdout.trimEnd(), err: stderr.trimEnd(), code };
  };
  /** A line that must succeed; gives what it printed. */
  const ok = async (line: string): Promise<string> => {
    const { out, err, code } = await type(line);
    expect(code, `${line}\n${out}\n${err}`).toBe(0);
    return out;
  };
  const http = async (path: string, init?: RequestInit): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${server.url}/s/demo${path}`, init);
    return { status: response.status, text: await response.text() };
  };
  const post = async (path: string, body: object): Promise<any> =>
    JSON.parse((await http(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })).text);
  const podIP = (app: string): Promise<string> => ok(`kubectl get pod -l app=${app} --output jsonpath='{.items[0].status.podIP}'`);

  beforeAll(async () => {
    server = await startServer();
    kubeconfig = await server.kubeconfig();
  });
  afterAll(() => server.stop());

  it("1: a pod's address does not last", async () => {
    await ok("kubectl apply -f sleep/sleep1.yaml -f sleep/sleep2.yaml");
    await ok("kubectl wait --for=condition=Ready pod -l app=sleep-2 --timeout=20s");
    await ok("kubectl wait --for=condition=Ready pod -l app=sleep-1 --timeout=20s");
    const first = await podIP("sleep-2");
    expect(first).toMatch(/^10\.244\.\d+\.\d+$/);
    const ping = await ok(
      `kubectl exec deploy/sleep-1 -- ping -c 2 $(kubectl get pod -l app=sleep-2 --output jsonpath='{.items[0].status.podIP}')`,
    );
    expect(ping).toContain("2 packets transmitted, 2 packets received, 0% packet loss");
    await ok("kubectl delete pods -l app=sleep-2");
    await ok("kubectl wait --for=condition=Ready pod -l app=sleep-2 --timeout=20s");
    const second = await podIP("sleep-2");
    expect(second).not.toBe(first);
    const old = await type(`kubectl exec deploy/sleep-1 -- ping -c 1 -W 1 ${first}`);
    expect(old.code).toBe(1);
    expect(old.out).toContain("1 packets transmitted, 0 packets received, 100% packet loss");
  });

  it("2: a Service is a lasting name that does not answer ping", async () => {
    await ok("kubectl apply -f sleep/sleep2-service.yaml");
    const [, line = ""] = (await ok("kubectl get svc sleep-2")).split("\n");
    const [name, kind, clusterIP = ""] = line.split(/\s+/);
    expect([name, kind]).toEqual(["sleep-2", "ClusterIP"]);
    expect(clusterIP).toMatch(/^10\.(9[6-9]|10\d|11[01])\./);
    // busybox asks every name of the search list and ends with 1 when one of them is not there, also where another is.
    const { out: lookup } = await type("kubectl exec deploy/sleep-1 -- nslookup sleep-2");
    expect(lookup).toContain("10.96.0.10");
    expect(lookup).toContain(`Address: ${clusterIP}`);
    const ping = await type("kubectl exec deploy/sleep-1 -- ping -c 1 sleep-2");
    expect(ping.code).toBe(1);
    expect(ping.out).toContain(`PING sleep-2 (${clusterIP})`);
    expect(ping.out).toContain("1 packets transmitted, 0 packets received, 100% packet loss");
    const route = await post("/route", { from: "default/deploy/sleep-1", to: { host: "sleep-2", protocol: "ICMP" } });
    expect(route.verdict).toBe("unanswered");
    expect(route.why.message).toContain(clusterIP);
    expect(route.why.message).toContain("ICMP");
    expect(route.why.message).toContain("TCP port 80");
    await ok("kubectl delete pods -l app=sleep-2");
    await ok("kubectl wait --for=condition=Ready pod -l app=sleep-2 --timeout=20s");
    expect(await ok("kubectl get svc sleep-2 -o jsonpath='{.spec.clusterIP}'")).toBe(clusterIP);
  });

  it("3: a page calls an API through a ClusterIP", async () => {
    await ok("kubectl apply -f numbers/api.yaml -f numbers/web.yaml");
    await ok("kubectl wait --for=condition=Ready pod -l app=numbers-web --timeout=20s");
    await ok("kubectl wait --for=condition=Ready pod -l app=numbers-api --timeout=20s");
    const port = await freePort();
    const forward = spawn(binary("kubectl", version), ["port-forward", "deploy/numbers-web", `${port}:80`], {
      // kubectl 1.30 knows port-forward over WebSocket, but only does it when asked to; from 1.31 on it is the default.
      env: { ...process.env, KUBECONFIG: kubeconfig, KUBECTL_PORT_FORWARD_WEBSOCKETS: "true" },
    });
    try {
      await new Promise<void>((resolve, reject) => {
        let said = "";
        for (const stream of [forward.stdout, forward.stderr]) {
          stream.setEncoding("utf8").on("data", (text: string) => {
            said += text;
            if (said.includes("Forwarding from")) resolve();
          });
        }
        forward.once("exit", () => reject(new Error(`port-forward ended: ${said}`)));
      });
      const page = `http://127.0.0.1:${port}/`;
      expect(await (await fetch(page)).text()).toContain("KIAMOL Random Number Generator");
      const before = await (await fetch(page, { method: "POST" })).text();
      expect(before).toMatch(/unavailable/i);
      expect(before).toContain("http://numbers-api/sixeyed/kiamol/master/ch03/numbers/rng");
      const unresolved = await post("/resolve", { name: "numbers-api", from: "default/deploy/numbers-web" });
      expect(unresolved.rcode).toBe("NXDOMAIN");

      await ok("kubectl apply -f numbers/api-service.yaml");
      const after = await (await fetch(page, { method: "POST" })).text();
      expect(after).not.toMatch(/unavailable/i);
      expect(after).toMatch(/\b\d{1,2}\b/);

      const pod = await ok("kubectl get pod -l app=numbers-api -o custom-columns=NAME:metadata.name,POD_IP:status.podIP --no-headers");
      await ok("kubectl delete pod -l app=numbers-api");
      await ok("kubectl wait --for=condition=Ready pod -l app=numbers-api --timeout=20s");
      expect(await ok("kubectl get pod -l app=numbers-api -o custom-columns=NAME:metadata.name,POD_IP:status.podIP --no-headers")).not.toBe(
        pod,
      );
      expect(await (await fetch(page, { method: "POST" })).text()).not.toMatch(/unavailable/i);
    } finally {
      forward.kill();
    }
    const clusterIP = await ok("kubectl get svc numbers-api -o jsonpath='{.spec.clusterIP}'");
    const outside = await post("/route", { from: "outside", to: { host: clusterIP, port: 80 } });
    expect(["no-route", "unanswered"]).toContain(outside.verdict);
    expect(outside.why).not.toBeNull();
    const route = await post("/route", {
      from: "default/deploy/numbers-web",
      to: { host: "numbers-api", port: 80 },
      http: { method: "GET", path: "/rng" },
    });
    expect(route.verdict).toBe("delivered");
    expect(route.hops.map(({ does }: { does: string }) => does)).toEqual([
      "read",
      "search",
      "ask",
      "answer",
      "connect",
      "match",
      "rewrite",
      "deliver",
      "reply",
    ]);
    const rules = (await http(`/rules?node=${route.hops[5].at.split("/")[1]}`)).text;
    expect(rules.split("\n")).toContain(route.hops[5].rule.text);
  });

  it("4: a LoadBalancer lets the outside in", async () => {
    await ok("kubectl apply -f numbers/web-service.yaml");
    const address = await ok("kubectl get svc numbers-web -o jsonpath='http://{.status.loadBalancer.ingress[0].*}:8080'");
    // Since 1.30 an ingress has an ipMode beside its ip, and kubectl prints the two in any order.
    expect(address.replace(/ ?VIP ?/, "")).toMatch(/^http:\/\/203\.0\.113\.\d+:8080$/);
    const page = await http("/lb/default/numbers-web/8080/");
    expect(page.status).toBe(200);
    expect(page.text).toContain("KIAMOL Random Number Generator");
    const posted = await http("/lb/default/numbers-web/8080/", {
      method: "POST",
      headers: { origin: "null", "content-type": "application/x-www-form-urlencoded" },
      body: "",
    });
    expect(posted.status).toBe(200);
    expect(posted.text).not.toMatch(/unavailable/i);
    const { out } = await type("kubectl get svc numbers-web");
    expect(out).toMatch(/LoadBalancer\s+10\.\S+\s+\d+\.\d+\.\d+\.\d+\s+8080:3\d{4}\/TCP/);
  });

  it("5: every node answers on a NodePort", async () => {
    await ok("kubectl apply -f numbers/web-service-nodePort.yaml");
    expect(await ok("kubectl get svc numbers-web-node")).toContain("8080:30080/TCP");
    for (const node of ["node-1", "node-2"]) {
      const page = await http(`/node/${node}/30080/`);
      expect([node, page.status]).toEqual([node, 200]);
      expect(page.text).toContain("KIAMOL Random Number Generator");
    }
    const outOfRange = await type(
      `kubectl patch svc numbers-web-node --type=json -p '[{"op":"replace","path":"/spec/ports/0/nodePort","value":20080}]'`,
    );
    expect(outOfRange.code).toBe(1);
    expect(outOfRange.err).toContain("provided port is not in the valid range. The range of valid ports is 30000-32767");
    const taken = await type("sed 's/numbers-web-node/second/' numbers/web-service-nodePort.yaml | kubectl apply -f -");
    expect(taken.err).toContain("provided port is already allocated");

    await ok(`kubectl patch svc numbers-web-node -p '{"spec":{"externalTrafficPolicy":"Local"}}'`);
    const home = await ok("kubectl get pod -l app=numbers-web -o jsonpath='{.items[0].spec.nodeName}'");
    for (const [node, ip] of [
      ["node-1", "192.168.10.11"],
      ["node-2", "192.168.10.12"],
    ]) {
      const route = await post("/route", { from: { outside: "203.0.113.99" }, to: { host: ip, port: 30080 } });
      const seen = [node, route.verdict, route.sourceSeenByBackend ?? null];
      expect(seen).toEqual(node === home ? [node, "delivered", "203.0.113.99"] : [node, "dropped", null]);
    }
    await ok(`kubectl patch svc numbers-web-node -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'`);
  });

  it("6: ExternalName is a name for the outside, with the wrong Host header", async () => {
    await ok("kubectl delete svc numbers-api");
    await ok("kubectl apply -f numbers-services/api-service-externalName.yaml");
    const listed = await ok("kubectl get svc numbers-api");
    expect(listed).toMatch(/numbers-api\s+ExternalName\s+<none>\s+raw\.githubusercontent\.com\s+<none>/);
    const lookup = await ok("kubectl exec deploy/sleep-1 -- sh -c 'nslookup numbers-api | tail -n 5'");
    expect(lookup).toContain("raw.githubusercontent.com");
    expect(lookup).toMatch(/198\.51\.100\.\d+/);
    const wget = await type("kubectl exec deploy/sleep-1 -- wget -q -O - http://numbers-api/sixeyed/kiamol/master/ch03/numbers/rng");
    expect(wget.code).toBe(1);
    expect(wget.err).toContain("404 Not Found");
    const route = await post("/route", {
      from: "default/deploy/sleep-1",
      to: { host: "numbers-api", port: 80 },
      http: { path: "/sixeyed/kiamol/master/ch03/numbers/rng" },
    });
    expect([route.verdict, route.http.status]).toEqual(["delivered", 404]);
    expect(route.why.message).toContain("numbers-api");
    expect(route.why.message).toContain("raw.githubusercontent.com");
    const page = await http("/lb/default/numbers-web/8080/", { method: "POST", headers: { origin: "null" } });
    expect(page.text).not.toMatch(/unavailable/i);
  });

  it("7: a Service without selector sends to endpoints written by hand", async () => {
    await ok("kubectl delete svc numbers-api");
    const applied = await type("kubectl apply -f numbers-services/api-service-headless.yaml");
    expect(applied.code).toBe(0);
    expect(applied.err).toContain("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
    const clusterIP = await ok("kubectl get svc numbers-api -o jsonpath='{.spec.clusterIP}'");
    expect(await ok("kubectl get endpoints numbers-api")).toContain("192.168.123.234:80");
    const lookup = await ok(`kubectl exec deploy/sleep-1 -- sh -c 'nslookup numbers-api | grep "^[^*]"'`);
    expect(lookup).toContain(clusterIP);
    expect(lookup).not.toContain("192.168.123.234");
    const route = await post("/route", { from: "default/deploy/sleep-1", to: { host: "numbers-api", port: 80 } });
    expect(route.hops.find(({ does }: { does: string }) => does === "rewrite").dstAfter).toBe("192.168.123.234:80");
    expect(["refused", "unanswered", "no-route"]).toContain(route.verdict);
    const page = await http("/lb/default/numbers-web/8080/", { method: "POST", headers: { origin: "null" } });
    expect(page.text).toMatch(/unavailable/i);
  });

  it("8: endpoints change, the name's answer does not", async () => {
    const clusterIP = await ok("kubectl get svc sleep-2 -o jsonpath='{.spec.clusterIP}'");
    const before = await ok("kubectl get endpoints sleep-2 --no-headers");
    const rulesBefore = (await http("/rules?node=node-1")).text;
    const revision = async (): Promise<string> => JSON.parse((await http("/api/v1/pods?limit=1")).text).metadata.resourceVersion;
    const revisionBefore = await revision();
    await ok("kubectl delete pods -l app=sleep-2");
    await ok("kubectl wait --for=condition=Ready pod -l app=sleep-2 --timeout=20s");
    const after = await ok("kubectl get endpoints sleep-2 --no-headers");
    expect(after.split(/\s+/)[1]).not.toBe(before.split(/\s+/)[1]);
    expect(await ok(`kubectl exec deploy/sleep-1 -- sh -c 'nslookup sleep-2 | grep "^[^*]"'`)).toContain(clusterIP);
    const rulesAfter = (await http("/rules?node=node-1")).text;
    expect(rulesBefore).toContain(before.split(/\s+/)[1]);
    expect(rulesAfter).toContain(after.split(/\s+/)[1]);
    expect(rulesAfter).not.toContain(before.split(/\s+/)[1]);
    const revisionAfter = await revision();
    for (const mode of ["iptables", "nftables", "ipvs"]) {
      const difference = (await http(`/rules?node=node-1&mode=${mode}&at=${revisionAfter}&diff=${revisionBefore}`)).text.split("\n");
      const mentions = (sign: string, address: string | undefined): boolean =>
        difference.some((line) => line.startsWith(sign) && line.includes((address ?? "").split(":")[0] as string));
      expect([mode, mentions("-", before.split(/\s+/)[1]), mentions("+", after.split(/\s+/)[1])]).toEqual([mode, true, true]);
    }
    await ok("kubectl scale deploy sleep-2 --replicas=0");
    await ok("kubectl wait --for=delete pod -l app=sleep-2 --timeout=20s");
    expect((await http("/rules?node=node-1")).text).toMatch(
      new RegExp(`-A KUBE-SERVICES -d ${clusterIP.replaceAll(".", "\\.")}/32 .*"default/sleep-2 has no endpoints".* -j REJECT`),
    );
    const refused = await post("/route", { from: "default/deploy/sleep-1", to: { host: "sleep-2", port: 80 } });
    expect(refused.verdict).toBe("rejected");
    await ok("kubectl scale deploy sleep-2 --replicas=1");
  });

  it("9: names reach across namespaces when they say so", async () => {
    expect(await ok("kubectl get svc --namespace default")).toContain("kubernetes");
    expect(await ok("kubectl get svc -n kube-system")).toMatch(/kube-dns\s+ClusterIP\s+10\.96\.0\.10\s+<none>\s+53\/UDP,53\/TCP,9153\/TCP/);
    const own = await ok("kubectl get svc numbers-api -o jsonpath='{.spec.clusterIP}'");
    expect(await ok(`kubectl exec deploy/sleep-1 -- sh -c 'nslookup numbers-api.default.svc.cluster.local | grep "^[^*]"'`)).toContain(own);
    expect(await ok(`kubectl exec deploy/sleep-1 -- sh -c 'nslookup kube-dns.kube-system.svc.cluster.local | grep "^[^*]"'`)).toContain(
      "10.96.0.10",
    );
    await ok("kubectl create namespace other");
    await ok("kubectl create service clusterip numbers-api --tcp=80 -n other");
    const others = await ok("kubectl get svc numbers-api -n other -o jsonpath='{.spec.clusterIP}'");
    expect(others).not.toBe(own);
    expect((await post("/resolve", { name: "numbers-api", from: "other" })).answers[0].data).toBe(others);
    expect((await post("/resolve", { name: "numbers-api.default", from: "other" })).answers[0].data).toBe(own);
    const wrong = await post("/resolve", { name: "sleep-2.other", from: "default/deploy/sleep-1" });
    expect(wrong.rcode).toBe("NXDOMAIN");
    expect(wrong.why.message).toContain("default");
  });

  it("10: the Service kubernetes comes back after a clean-up", async () => {
    const uid = await ok("kubectl get svc kubernetes -o jsonpath='{.metadata.uid}'");
    const deleted = await ok("kubectl delete svc --all");
    expect(deleted).toContain('service "kubernetes" deleted');
    await ok("for i in $(seq 60); do kubectl get svc kubernetes 2>/dev/null && break; sleep 0.25; done");
    expect(await ok("kubectl get svc kubernetes -o jsonpath='{.metadata.uid}'")).not.toBe(uid);
    await ok("kubectl delete deploy --all");
    await ok("kubectl wait --for=delete pod --all --timeout=20s");
    expect((await type("kubectl get deploy,pods")).err).toContain("No resources found");
    await ok("kubectl delete ns other");
  });

  it("3: a failed node's pods are replaced on another node, names and cluster IPs stay", async () => {
    await ok("kubectl apply -f numbers/api.yaml -f numbers/web.yaml -f numbers/api-service.yaml");
    await ok("kubectl wait --for=condition=Ready pod -l app=numbers-api --timeout=20s");
    await ok("kubectl wait --for=condition=Ready pod -l app=numbers-web --timeout=20s");
    const place = "kubectl get pod -l app=numbers-api --field-selector=status.phase=Running -o jsonpath='{.items[*].spec.nodeName}'";
    const clusterIP = await ok("kubectl get svc numbers-api -o jsonpath='{.spec.clusterIP}'");
    const failed = await ok(place);
    const other = failed === "node-1" ? "node-2" : "node-1";
    expect((await post("/faults", { fault: "node-down", node: failed })).node).toBe(failed);
    await post("/clock", { advance: "1m" });
    expect(await ok(`kubectl get node ${failed} --no-headers`)).toMatch(/ NotReady /);
    expect(await ok(`kubectl get node ${other} --no-headers`)).toMatch(/ Ready /);
    expect((await post("/clock", { advance: "5m10s" })).passed.skipped).toBeUndefined();
    await ok("kubectl wait --for=condition=Available deploy/numbers-api deploy/numbers-web --timeout=20s");
    const pods = (await ok("kubectl get pods -l app=numbers-api -o wide --no-headers")).split("\n").map((line) => line.split(/\s+/));
    expect(pods.map(([, , status]) => status).sort()).toEqual(["Running", "Terminating"]);
    expect(pods.find(([, , status]) => status === "Running")).toContain(other);
    expect(await ok("kubectl get svc numbers-api -o jsonpath='{.spec.clusterIP}'")).toBe(clusterIP);
    const answer = await post("/route", { from: { node: other }, to: { host: clusterIP, port: 80 }, http: { path: "/rng" } });
    expect([answer.verdict, answer.backend.node]).toEqual(["delivered", other]);
    expect(await ok("kubectl get events --field-selector reason=TaintManagerEviction -o jsonpath='{.items[*].message}'")).toContain(
      "Marking for deletion Pod default/numbers-api-",
    );
    await http("/faults", { method: "DELETE" });
    await post("/clock", { advance: 10 });
    expect((await ok("kubectl get pods -l app=numbers-api --no-headers")).split("\n")).toHaveLength(1);
    expect(await ok(`kubectl get node ${failed} --no-headers`)).toMatch(/ Ready /);
  });

  it("5: node-1:30080 is unanswered while node-1 is down, node-2:30080 and the load balancer answer", async () => {
    await ok("kubectl apply -f numbers/web-service.yaml -f numbers/web-service-nodePort.yaml");
    await ok("kubectl wait --for=condition=Ready pod -l app=numbers-web --timeout=20s");
    const page = async (path: string): Promise<number> => (await http(path)).status;
    expect([await page("/node/node-1/30080/"), await page("/node/node-2/30080/")]).toEqual([200, 200]);
    await post("/faults", { fault: "node-down", node: "node-1" });
    await post("/clock", { advance: "6m30s" });
    await ok("kubectl wait --for=condition=Available deploy/numbers-web --timeout=20s");
    const down = await http("/node/node-1/30080/");
    expect([down.status, down.text.includes("node-1 is down")]).toEqual([504, true]);
    expect([await page("/node/node-2/30080/"), await page("/lb/default/numbers-web/8080/")]).toEqual([200, 200]);
    await http("/faults", { method: "DELETE" });
    await post("/clock", { advance: 10 });
    expect(await page("/node/node-1/30080/")).toBe(200);
  });
});
