/** `@kubernetes/client-node` against the running server: what a program in Node.js does with a cluster. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type * as client from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { schemaProblems } from "../schema-check.ts";
import { k8s } from "./client-node.ts";
import { binary, run } from "./kubectl.ts";
import { type SeeingProxy, startProxy } from "./proxy.ts";
import { freePort, type RunningServer, startServer } from "./server.ts";

const namespace = "default";
const full = process.env.FULL !== undefined;

describe("@kubernetes/client-node", () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "kubearium-client-node-"));
  let server: RunningServer;
  let config: client.KubeConfig;
  let core: client.CoreV1Api;

  beforeAll(async () => {
    server = await startServer({ dataFolder, port: await freePort() });
    config = new k8s.KubeConfig();
    config.loadFromFile(await server.kubeconfig());
    core = config.makeApiClient(k8s.CoreV1Api);
    await core.createNamespacedPod({
      namespace,
      body: { metadata: { name: "web", labels: { app: "web" } }, spec: { containers: [{ name: "nginx", image: "nginx:1.27" }] } },
    });
    await until(async () => (await core.readNamespacedPod({ namespace, name: "web" })).status?.phase === "Running");
  });
  afterAll(async () => {
    await server.stop();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  const newConfigMap = (name: string, data: Record<string, string> = {}) =>
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name }, data } });

  it("lists in pages that together are the whole", async () => {
    const names: string[] = [];
    let next: string | undefined;
    do {
      const page = await core.listNamespace({ limit: 3, ...(next ? { _continue: next } : {}) });
      names.push(...page.items.map(({ metadata }) => metadata?.name ?? ""));
      next = page.metadata?._continue;
    } while (next);
    expect(names).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
  });

  it.each([
    ["JSON", "JsonPatch", [{ op: "replace", path: "/data/a", value: "2" }]],
    ["merge", "MergePatch", { data: { a: "2" } }],
    ["strategic merge", "StrategicMergePatch", { data: { a: "2" } }],
    ["apply", "ServerSideApply", { apiVersion: "v1", kind: "ConfigMap", data: { a: "2" } }],
  ] as const)("patches by %s patch", async (_, strategy, body) => {
    const name = `patched-${strategy.toLowerCase()}`;
    await newConfigMap(name, { a: "1" });
    const options = k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy[strategy]);
    const isApply = strategy === "ServerSideApply";
    const patched = await core.patchNamespacedConfigMap(
      { namespace, name, body, ...(isApply ? { fieldManager: "test", force: true } : {}) },
      options,
    );
    expect(patched.data).toEqual({ a: "2" });
  });

  it("sees what happens to the objects it watches, once and in order", async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen: string[] = [];
    const watching = await new k8s.Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, fieldSelector: "metadata.name=watched" },
      (type, object: client.V1ConfigMap) => seen.push(`${type} ${object.metadata?.name} ${object.data?.a}`),
      () => {},
    );
    await newConfigMap("watched", { a: "1" });
    await newConfigMap("beside");
    await core.replaceNamespacedConfigMap({ namespace, name: "watched", body: { metadata: { name: "watched" }, data: { a: "2" } } });
    await core.deleteNamespacedConfigMap({ namespace, name: "watched" });
    await until(() => seen.length >= 3);
    watching.abort();
    expect(seen).toEqual(["ADDED watched 1", "MODIFIED watched 2", "DELETED watched 2"]);
  });

  it("runs commands in a pod, and hears their exit status", async () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = { stdout: "", stderr: "" };
    stdout.on("data", (data) => (said.stdout += data));
    stderr.on("data", (data) => (said.stderr += data));
    const status = await new Promise<client.V1Status>((resolve, reject) => {
      const command = ["sh", "-c", "cat; echo oops >&2; exit 3"];
      new k8s.Exec(config).exec(namespace, "web", "nginx", command, stdout, stderr, inputOf("hello\n"), false, resolve).catch(reject);
    });
    expect({ ...said, status: status.status, causes: status.details?.causes }).toEqual({
      stdout: "hello\n",
      stderr: "oops\n",
      status: "Failure",
      causes: [{ reason: "ExitCode", message: "3" }],
    });
  });

  it.each([
    ["answers on a port where something listens", 80, /^HTTP\/1\.1 200 OK\r\n/, /^$/],
    ["says why on a port where nothing does", 81, /^$/, /dial tcp4 127\.0\.0\.1:81: connect: connection refused/],
  ])("forwards a port, which %s", async (_, port, answer, problem) => {
    const [output, errors] = [new PassThrough(), new PassThrough()];
    const said = { output: "", errors: "" };
    output.on("data", (data) => (said.output += data));
    errors.on("data", (data) => (said.errors += data));
    const socket = (await new k8s.PortForward(config).portForward(
      namespace,
      "web",
      [port],
      output,
      errors,
      inputOf("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"),
    )) as { close(): void };
    await until(() => said.output.includes("\r\n\r\n") || said.errors !== "");
    socket.close();
    expect([said.output, said.errors]).toEqual([expect.stringMatching(answer), expect.stringMatching(problem)]);
  });

  it("elects one leader by a Lease, and another when the first steps down", async () => {
    const leases = config.makeApiClient(k8s.CoordinationV1Api);
    const held = (holderIdentity: string, leaseTransitions: number): client.V1LeaseSpec => {
      const now = new k8s.V1MicroTime();
      return { holderIdentity, leaseTransitions, leaseDurationSeconds: 15, acquireTime: now, renewTime: now };
    };
    const claim = (holder: string) =>
      leases.createNamespacedLease({ namespace, body: { metadata: { name: "leader" }, spec: held(holder, 0) } });
    const claims = await Promise.allSettled(["a", "b", "c"].map(claim));
    const first = claims.find((each) => each.status === "fulfilled")?.value as client.V1Lease;
    expect(claims.map((each) => (each.status === "fulfilled" ? "leader" : each.reason.code)).sort()).toEqual([409, 409, "leader"]);

    const renewed = await leases.replaceNamespacedLease({ namespace, name: "leader", body: { ...first, spec: held("a", 0) } });
    const stale = leases.replaceNamespacedLease({ namespace, name: "leader", body: { ...first, spec: held("b", 1) } });
    await expect(stale).rejects.toMatchObject({ code: 409 });
    const free = await leases.replaceNamespacedLease({ namespace, name: "leader", body: { ...renewed, spec: held("", 0) } });
    const taken = await leases.replaceNamespacedLease({ namespace, name: "leader", body: { ...free, spec: held("b", 1) } });
    expect([taken.spec?.holderIdentity, taken.spec?.leaseTransitions]).toEqual(["b", 1]);
  });

  it("keeps an informer whole over a 410 and over a restart of the server", async () => {
    let lists = 0;
    const listed = async () => {
      lists += 1;
      const list = await core.listNamespacedConfigMap({ namespace, labelSelector: "kind=informed" });
      // The first time as if the list were older than anything that is remembered: the watch from there gets 410.
      if (lists === 1 && list.metadata) list.metadata.resourceVersion = "1";
      return list;
    };
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, listed, "kind=informed");
    const events: string[] = [];
    informer.on("add", ({ metadata }) => events.push(`add ${metadata?.name}`));
    informer.on("delete", ({ metadata }) => events.push(`delete ${metadata?.name}`));
    let errors = 0;
    informer.on("error", () => {
      errors += 1;
      setTimeout(() => void informer.start(), 50);
    });
    const inform = (name: string) =>
      core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { kind: "informed" } } } });
    await inform("one");
    await informer.start();
    await until(() => lists === 2);
    await inform("two");
    await until(() => events.includes("add two"));

    const port = Number(new URL(server.url).port);
    await server.stop();
    server = await startServer({ dataFolder, port });
    await inform("three");
    await core.deleteNamespacedConfigMap({ namespace, name: "one" });
    await until(() => events.includes("delete one"));
    await informer.stop();
    expect(events).toEqual(["add one", "add two", "add three", "delete one"]);
    expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(["two", "three"]);
    expect(errors).toBeGreaterThan(0);
  });
});

/** Requests that kubectl makes in the captured conversations; their answers hold nothing that the schemas do not name. */
describe("answers in the captured conversations", () => {
  const few = ["10-server-side-apply"];
  const most = [
    "01-discovery",
    "02-service-types",
    "03-service-validation",
    "04-pods",
    "05-deployments",
    "06-endpoints",
    "07-namespaces",
    "08-delete-all-services",
    "09-patch-and-edit",
    "11-raw-http",
    "12-ownership",
  ];
  const conversations = full ? [...few, ...most, "14-nodes", "15-describe", "18-config-and-secrets", "19-waiting"] : few;
  const folder = mkdtempSync(join(tmpdir(), "kubearium-conversations-"));
  let server: RunningServer;
  let proxy: SeeingProxy;
  beforeAll(async () => {
    server = await startServer();
    proxy = await startProxy(server.url);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(conversations)("of %s conform to the schemas", async (name) => {
    const kubeconfig = join(folder, name);
    writeFileSync(kubeconfig, readFileSync(await server.kubeconfig(), "utf8").replaceAll(server.url, proxy.url));
    const from = proxy.seen.length;
    const golden = join(import.meta.dirname, "..", "golden", "api", `${name}.transcript`);
    await run(process.execPath, [join(import.meta.dirname, "..", "tools", "transcript.mjs"), "--quiet", golden], {
      env: { KUBECONFIG: kubeconfig, KUBECTL: binary("kubectl", "35") },
      timeoutMs: 240_000,
    });
    const answers = proxy.seen
      .slice(from)
      .filter(({ contentType, path }) => contentType.startsWith("application/json") && isOfTheAPI(path));
    expect(answers.length).toBeGreaterThan(5);
    const wrong = answers.flatMap(({ method, path, body }) => problemsOf(`${method} ${path}`, body));
    expect([...new Set(wrong)]).toEqual([]);
  });

  /** Through the client's own connection, as a program sends what it has no method for. */
  it("to the same requests of client-node conform, too", async () => {
    const config = new k8s.KubeConfig();
    config.loadFromFile(await server.kubeconfig());
    const raw = async (path: string): Promise<string> => {
      const context = new k8s.RequestContext(`${server.url}${path}`, k8s.HttpMethod.GET);
      await config.applySecurityAuthentication(context);
      return (await new k8s.IsomorphicFetchHttpLibrary().send(context).toPromise()).body.text();
    };
    const kinds = ["api/v1/pods", "api/v1/nodes", "api/v1/events", "api/v1/services", "apis/discovery.k8s.io/v1/endpointslices"];
    const asked = proxy.seen
      .filter(
        ({ method, path, contentType }) =>
          method === "GET" && contentType.startsWith("application/json") && isOfTheAPI(path) && !/[?&]watch=|\/openapi\//.test(path),
      )
      .map(({ path }) => path);
    const wrong: string[] = [];
    for (const path of new Set([...kinds.map((kind) => `/s/demo/${kind}`), ...asked])) wrong.push(...problemsOf(path, await raw(path)));
    expect(wrong).toEqual([]);
  });
});

const problemsOf = (asked: string, body: string): string[] =>
  documentsIn(body).flatMap((document) => schemaProblems(document).map((problem) => `${asked}: ${problem}`));

/** One document, or one a line in a watch. */
function documentsIn(body: string): unknown[] {
  // What was asked for with ?pretty=true is one document of many lines; a watch is a document a line.
  const lines = isOneDocument(body) ? [body] : body.split("\n").filter((line) => line !== "");
  const documents = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return documents.map((document) => (typeof document.type === "string" && document.kind === undefined ? document.object : document));
}

function inputOf(text: string): PassThrough {
  const input = new PassThrough();
  input.end(text);
  return input;
}

/** Waits for what another process brings about. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it did not come to pass within 15 s");
}

/** Not the version, the health or the schemas themselves. */
const isOfTheAPI = (path: string): boolean => /^\/s\/demo\/apis?(\/|\?|$)/.test(path);

function isOneDocument(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}
