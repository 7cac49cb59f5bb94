import { describe, expect, it } from "vitest";
import type { Route, RouteQuery } from "../../api/network.ts";
import type { Container } from "../../api/objects.ts";
import { routeAs, TestCluster } from "../test-cluster.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function running(container: Partial<Container>) {
  const cluster = new TestCluster({ startDelayMs: 0 });
  cluster.bind("app-1", { containers: [{ name: "c", ...container }] });
  const listeners = () => cluster.kubelet.machines.listeners({ namespace: "default", name: "app-1" });
  const ask = (port: number, method: string, path: string, headers: [string, string][] = [["Host", "app"]], body = "") => {
    const listener = listeners().find((each) => each.protocol === "TCP" && each.port === port);
    if (!listener?.http) throw new Error(`test: no HTTP on port ${port}`);
    const response = listener.http({ method, path, headers, body: new TextEncoder().encode(body) }, { ip: "10.244.1.9", port: 40000 });
    return {
      status: response.status,
      body: text(response.body),
      header: (name: string) => response.headers.find(([each]) => each === name)?.[1],
    };
  };
  return { cluster, listeners, ask };
}

describe("images", () => {
  it.each([
    { name: "the chapter's sleep image listens to nothing", of: { image: "kiamol/ch03-sleep" }, want: [] },
    { name: "the chapter's API listens on 80", of: { image: "kiamol/ch03-numbers-api" }, want: ["TCP 80"] },
    { name: "the chapter's page listens on 80", of: { image: "docker.io/kiamol/ch03-numbers-web:v2" }, want: ["TCP 80"] },
    { name: "nginx listens on 80", of: { image: "nginx:1.27-alpine" }, want: ["TCP 80"] },
    {
      name: "nginx under a shell listens on 80",
      of: { image: "nginx", command: ["sh", "-c", "echo hi > /x && exec nginx -g 'daemon off;'"] },
      want: ["TCP 80"],
    },
    { name: "httpd listens on 80", of: { image: "httpd:2.4" }, want: ["TCP 80"] },
    {
      name: "http-echo listens where it is told",
      of: { image: "hashicorp/http-echo", args: ["-text=hi", "-listen=:9000"] },
      want: ["TCP 9000"],
    },
    {
      name: "netexec listens on TCP and UDP",
      of: { image: "registry.k8s.io/e2e-test-images/agnhost:2.53", args: ["netexec", "--http-port=8000", "--udp-port=8001"] },
      want: ["TCP 8000", "UDP 8001"],
    },
    {
      name: "whoami listens where its environment says",
      of: { image: "traefik/whoami", env: [{ name: "WHOAMI_PORT_NUMBER", value: "8080" }] },
      want: ["TCP 8080"],
    },
    {
      name: "a Python server listens on its port",
      of: { image: "python:3", command: ["python3", "-m", "http.server", "9999"] },
      want: ["TCP 9999"],
    },
    { name: "nc listens on its port", of: { image: "busybox", command: ["nc", "-lk", "-p", "7777"] }, want: ["TCP 7777"] },
    {
      name: "an unknown image listens on the ports it declares",
      of: { image: "shop/cart:7", ports: [{ containerPort: 3000 }, { containerPort: 53, protocol: "UDP" }] },
      want: ["TCP 3000", "UDP 53"],
    },
    {
      name: "an unknown image that sleeps listens to nothing",
      of: { image: "shop/cart:7", command: ["sleep", "infinity"], ports: [{ containerPort: 3000 }] },
      want: [],
    },
  ])("$name", ({ of, want }) => {
    expect(
      running(of as Container)
        .listeners()
        .map(({ protocol, port }) => `${protocol} ${port}`),
    ).toEqual(want);
  });

  it("answers another number each time, the same ones for the same seed", () => {
    const numbers = () => {
      const { ask } = running({ image: "kiamol/ch03-numbers-api" });
      return Array.from({ length: 5 }, () => Number(ask(80, "GET", "/rng").body));
    };
    const drawn = numbers();
    expect(new Set(drawn).size).toBeGreaterThan(1);
    expect(drawn.every((number) => Number.isInteger(number) && number >= 0 && number < 100)).toBe(true);
    expect(numbers()).toEqual(drawn);
  });

  it.each([
    { path: "/sixeyed/kiamol/master/ch03/numbers/rng", status: 200 },
    { path: "/healthz", status: 200 },
    { path: "/other", status: 404 },
  ])("the chapter's API answers $status to $path", ({ path, status }) => {
    expect(running({ image: "kiamol/ch03-numbers-api" }).ask(80, "GET", path).status).toBe(status);
  });

  it("shows a number that it asked the API for by name", () => {
    const { ask, cluster } = running({ image: "kiamol/ch03-numbers-web" });
    const asked: RouteQuery[] = [];
    cluster.network.route = routeAs((query) => {
      asked.push(query);
      return answered(200, "57");
    });
    const { body } = ask(80, "POST", "/");
    expect(body).toContain('<p class="number">57</p>');
    expect(body).toContain("(Using API at: http://numbers-api/sixeyed/kiamol/master/ch03/numbers/rng)");
    expect(asked).toEqual([
      {
        from: { kind: "pod", namespace: "default", pod: "app-1" },
        to: { host: "numbers-api", port: 80, protocol: "TCP" },
        http: { method: "GET", path: "/sixeyed/kiamol/master/ch03/numbers/rng", headers: [["Host", "numbers-api"]] },
      },
    ]);
  });

  it("tries again with the outside server's own name when that does not know ours", () => {
    const { ask, cluster } = running({ image: "kiamol/ch03-numbers-web" });
    cluster.network.route = routeAs(({ http }) =>
      http?.headers?.[0]?.[1] === "raw.githubusercontent.com" ? answered(200, "42") : answered(404, "no"),
    );
    expect(ask(80, "POST", "/").body).toContain('<p class="number">42</p>');
  });

  it("says that the service is unavailable, and which URL it used", () => {
    const { ask, cluster } = running({ image: "kiamol/ch03-numbers-web", env: [{ name: "RngApi__Url", value: "http://api:8080/x?<y>" }] });
    cluster.network.route = routeAs(() => ({ verdict: "name-not-found" }));
    const { status, body } = ask(80, "POST", "/");
    expect([status, body.includes("RNG service unavailable!"), body.includes("(Using API at: http://api:8080/x?&#60;y&#62;)")]).toEqual([
      200,
      true,
      true,
    ]);
  });

  it("looks different as v2", () => {
    const page = (tag: string) => running({ image: `kiamol/ch03-numbers-web${tag}` }).ask(80, "GET", "/").body;
    expect([page("") === page(":v1"), page(":v2") === page("")]).toEqual([true, false]);
  });

  it("serves the files that a ConfigMap puts over nginx's own", () => {
    const cluster = new TestCluster({ startDelayMs: 0 });
    cluster.put("configmaps", {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "site", namespace: "default", uid: "u", resourceVersion: "1", creationTimestamp: "" },
      data: { "index.html": "mine" },
    });
    cluster.bind("web", {
      volumes: [{ name: "site", configMap: { name: "site" } }],
      containers: [{ name: "c", image: "nginx", volumeMounts: [{ name: "site", mountPath: "/usr/share/nginx/html" }] }],
    });
    const [listener] = cluster.kubelet.machines.listeners({ namespace: "default", name: "web" });
    expect(text(listener!.http!({ method: "GET", path: "/", headers: [], body: new Uint8Array() }, { ip: "1.2.3.4", port: 1 }).body)).toBe(
      "mine",
    );
  });

  it.each([
    {
      name: "whoami tells who answered",
      of: { image: "traefik/whoami" },
      path: "/",
      body: /^Hostname: app-1\nIP: 127\.0\.0\.1\nIP: ::1\nIP: 10\.244\.0\.2\nRemoteAddr: 10\.244\.1\.9:40000\nGET \/ HTTP\/1\.1\nHost: app\n/,
    },
    {
      name: "netexec tells who asked",
      of: { image: "registry.k8s.io/e2e-test-images/agnhost:2.53", args: ["netexec"] },
      port: 8080,
      path: "/clientip",
      body: /^10\.244\.1\.9:40000$/,
    },
    {
      name: "http-echo says its text",
      of: { image: "hashicorp/http-echo", args: ["-text", "blue"] },
      port: 5678,
      path: "/any",
      body: /^blue\n$/,
    },
    {
      name: "httpbin sends the request back",
      of: { image: "kennethreitz/httpbin" },
      path: "/get?a=1",
      body: /"args": \{\n {4}"a": "1"\n {2}\}/,
    },
    {
      name: "an unknown image says which pod, node and image answered",
      of: { image: "shop/cart:7", ports: [{ containerPort: 80 }] },
      path: "/",
      body: /^pod: default\/app-1\nnode: node-1\naddress: 10\.244\.0\.2\nimage: shop\/cart:7\n/,
    },
  ])("$name", ({ of, port = 80, path, body }) => {
    expect(running(of as Container).ask(port, "GET", path).body).toMatch(body);
  });
});

const answered = (status: number, body: string): Partial<Route> => ({
  http: {
    request: { method: "GET", path: "/", headers: [], body: new Uint8Array() },
    response: { status, headers: [], body: new TextEncoder().encode(body) },
  },
});
