/**
 * What do the verbs of the Kubernetes API cost in a cluster of 1,000 Services, beside a round trip to an object that does
 * nothing and one that stores a row? And how long until 200 pods of a Deployment are Ready?
 */
import path from "node:path";
import { startServer } from "../local/server.ts";
import { startEmptyObject } from "./empty-object.ts";
import { load, type Sent, send } from "./http-load.ts";
import { measure, report, type Variant } from "./measure.ts";

const rounds = Number(process.env["ROUNDS"] ?? 6);
const requests = Number(process.env["REQUESTS"] ?? 400);
const concurrency = 8;
const services = 1000;
const replicas = 200;

const service = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { app: name } },
    spec: { selector: { app: name }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  });
const deployment = JSON.stringify({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx:1.27" }] } },
  },
});

/** The address of a new sandbox with its token inside, so that no header is needed. */
async function makeSandbox(options: object): Promise<string> {
  const answer = await fetch(`${server.url}/sandboxes`, { method: "POST", body: JSON.stringify(options) });
  const { id, adminToken } = (await answer.json()) as { id: string; adminToken: string };
  return `${server.url}/t/${adminToken}/s/${id}`;
}

const empty = await startEmptyObject();
const server = await startServer({ dist: path.join(process.cwd(), "dist"), host: "127.0.0.1", port: 0 });
try {
  const sandbox = await makeSandbox({ startDelay: 0 });
  const collection = `${sandbox}/api/v1/namespaces/default/services`;
  const create = (name: string): Sent => ({ url: collection, method: "POST", body: service(name) });
  const remove = (name: string): Sent => ({ url: `${collection}/${name}`, method: "DELETE" });
  await load({ url: (n) => create(`s${n}`), requests: services, concurrency });

  let patches = 0;
  const patch = (n: number): Sent => ({
    url: `${collection}/s${n % services}`,
    method: "PATCH",
    contentType: "application/merge-patch+json",
    body: JSON.stringify({ metadata: { annotations: { patched: String(patches++) } } }),
  });
  const run = (url: string | ((n: number) => Sent), count = requests) => load({ url, requests: count, concurrency });
  const variants: Variant[] = [
    { name: "empty object", round: () => run(empty.url) },
    { name: "row inserted", round: () => run(() => ({ url: empty.url, method: "POST", body: service("row") })) },
    {
      name: "create a Service",
      async round() {
        const measured = await run((n) => create(`new${n}`));
        await run((n) => remove(`new${n}`));
        return measured;
      },
    },
    { name: "get a Service", round: () => run((n) => ({ url: `${collection}/s${n % services}`, method: "GET" })) },
    { name: "patch a Service", round: () => run(patch) },
    {
      name: "delete a Service",
      async round() {
        await run((n) => create(`old${n}`));
        return run((n) => remove(`old${n}`));
      },
    },
    { name: "list 1,000 Services", round: () => run(collection, Math.ceil(requests / 10)) },
  ];
  report("api", await measure(`The verbs of the API with ${services} Services, concurrency ${concurrency}`, variants, rounds));

  const pods: Variant = {
    name: `${replicas} pods`,
    async round() {
      const fresh = await makeSandbox({ startDelay: 0 });
      const deployments = `${fresh}/apis/apps/v1/namespaces/default/deployments`;
      const began = performance.now();
      await send({ url: deployments, method: "POST", body: deployment });
      for (;;) {
        const { status } = (await (await fetch(`${deployments}/web`)).json()) as { status: { readyReplicas?: number } };
        if (status.readyReplicas === replicas) return { milliseconds: performance.now() - began };
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
  report("api-pods", await measure(`POST of a Deployment until its ${replicas} pods are Ready, start-up delay 0`, [pods], rounds));
} finally {
  await server.stop();
  await empty.stop();
}
