/** Watches of the running server: what keeps them alive disturbs no client, and who reads too slowly is ended. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type * as client from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { k8s } from "./client-node.ts";
import { binary } from "./kubectl.ts";
import { type SeeingProxy, startProxy } from "./proxy.ts";
import { type RunningServer, startServer } from "./server.ts";

const collection = "/api/v1/namespaces/default/configmaps";

describe("a watch", () => {
  let server: RunningServer;
  /** Slips an empty line in before and behind everything that a watch says, as a silent watch gets one every 25 s. */
  let proxy: SeeingProxy;
  let throughProxy: string;

  beforeAll(async () => {
    server = await startServer();
    proxy = await startProxy(server.url, { emptyLines: true });
    throughProxy = join(server.dataFolder, "proxied.yaml");
    writeFileSync(throughProxy, readFileSync(await server.kubeconfig(), "utf8").replaceAll(server.url, proxy.url));
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  const send = async (method: string, path: string, body?: object): Promise<any> => {
    const init = { method, headers: { "content-type": "application/json" }, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await fetch(`${server.url}/s/demo${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const create = (name: string, labels: Record<string, string>) => send("POST", collection, { metadata: { name, labels } });

  it.each(["30", "35"] as const)("with empty lines in it is the same to kubectl 1.%s", async (version) => {
    const labels = { seen: `by-${version}` };
    await create(`first-${version}`, labels);
    const kubectl = spawn(
      binary("kubectl", version),
      ["get", "cm", "-l", `seen=by-${version}`, "-w", "--no-headers", "--output-watch-events"],
      {
        env: { ...process.env, KUBECONFIG: throughProxy },
      },
    );
    let said = "";
    for (const stream of [kubectl.stdout, kubectl.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    await until(() => said.includes(`first-${version}`));
    await create(`second-${version}`, labels);
    await send("DELETE", `${collection}/first-${version}`);
    await until(() => said.includes("DELETED"));
    kubectl.kill();
    const lines = said.trim().split("\n");
    expect(lines.map((line) => line.split(/ +/).slice(0, 2).join(" "))).toEqual([
      `ADDED first-${version}`,
      `ADDED second-${version}`,
      `DELETED first-${version}`,
    ]);
  });

  it("with empty lines in it is the same to client-node and its informers", async () => {
    const config = new k8s.KubeConfig();
    config.loadFromFile(throughProxy);
    const core = config.makeApiClient(k8s.CoreV1Api);
    const labelSelector = "seen=by-node";
    const watched: string[] = [];
    const watching = await new k8s.Watch(config).watch(
      collection,
      { labelSelector },
      (type, object: client.V1ConfigMap) => watched.push(`${type} ${object.metadata?.name}`),
      () => {},
    );
    const informer = k8s.makeInformer(
      config,
      collection,
      () => core.listNamespacedConfigMap({ namespace: "default", labelSelector }),
      labelSelector,
    );
    const informed: string[] = [];
    informer.on("add", ({ metadata }) => informed.push(`ADDED ${metadata?.name}`));
    informer.on("delete", ({ metadata }) => informed.push(`DELETED ${metadata?.name}`));
    const errors: unknown[] = [];
    informer.on("error", (error) => errors.push(error));
    await informer.start();
    for (const name of ["node-1", "node-2"]) await create(name, { seen: "by-node" });
    await send("DELETE", `${collection}/node-1`);
    await until(() => watched.length >= 3 && informed.length >= 3);
    watching.abort();
    const soFar = [...errors];
    await informer.stop();
    const wanted = ["ADDED node-1", "ADDED node-2", "DELETED node-1"];
    expect({ watched, informed, errors: soFar }).toEqual({ watched: wanted, informed: wanted, errors: [] });
  });

  it("marks the end of what was there for those who ask for it", async () => {
    const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
    const text = await (await fetch(`${server.url}/s/demo/api/v1/namespaces?${query}`)).text();
    const events = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name ?? Object.keys(object.metadata.annotations)[0]}`)).toEqual([
      "ADDED default",
      "ADDED kube-node-lease",
      "ADDED kube-public",
      "ADDED kube-system",
      "BOOKMARK k8s.io/initial-events-end",
    ]);
  });

  it.runIf(process.env.FULL)("says something within 30 s of silence: a bookmark to those who ask, an empty line to others", async () => {
    const firstOf = async (query: string): Promise<string> => {
      const response = await fetch(`${server.url}/s/demo${collection}?watch=1&labelSelector=seen=never&${query}`);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return new TextDecoder().decode(value);
    };
    const began = performance.now();
    const [plain, bookmarked] = await Promise.all([firstOf(""), firstOf("allowWatchBookmarks=true")]);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect([plain, JSON.parse(bookmarked).type]).toEqual(["\n", "BOOKMARK"]);
  });

  it("ends when it is read too slowly, and can be taken up again", async () => {
    const { port } = new URL(server.url);
    const { metadata } = await send("GET", collection);
    const path = `/s/demo${collection}?watch=1&fieldSelector=metadata.name=large&resourceVersion=`;
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET ${path}${metadata.resourceVersion} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    socket.pause();
    await send("POST", collection, { metadata: { name: "large" } });
    const written = 30;
    for (let n = 0; n < written; n += 1) {
      await send("PUT", `${collection}/large`, { metadata: { name: "large" }, data: { n: String(n), text: "x".repeat(900_000) } });
    }
    let received = "";
    const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()).once("end", () => resolve()));
    socket.setEncoding("utf8").on("data", (text: string) => (received += text));
    socket.resume();
    await until(() => /\r\n0\r\n\r\n$/.test(received) || socket.closed || socket.readableEnded);
    socket.destroy();
    await ended;
    const seen = [...received.matchAll(/"resourceVersion":"(\d+)"/g)].map(([, revision]) => Number(revision));
    expect(seen.length).toBeLessThan(written);

    const resumed = await (await fetch(`${server.url}${path}${seen.at(-1)}&timeoutSeconds=1`)).text();
    const numbers = resumed
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Number(JSON.parse(line).object.data.n));
    expect(numbers.at(-1)).toBe(written - 1);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => written - numbers.length + at));
  });
});

/** Waits for what another process brings about. */
async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 800; tries += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it did not come to pass within 20 s");
}
