/**
 * What do a name and a route cost, beside a round trip to an object that does nothing? And how long does a new sandbox
 * take from `POST /sandboxes` to the answer of `kubectl get services`?
 */
import path from "node:path";
import { startServer } from "../local/server.ts";
import { startEmptyObject } from "./empty-object.ts";
import { load } from "./http-load.ts";
import { measure, report, type Variant } from "./measure.ts";

const rounds = Number(process.env["ROUNDS"] ?? 6);
const requests = Number(process.env["REQUESTS"] ?? 1000);
const concurrency = 8;

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

interface Sandbox {
  url: string;
  /** The sandbox with its token in the address: a plain GET is enough. */
  open: string;
}

function variant(name: string, url: string): Variant {
  return { name, round: () => load({ url, requests, concurrency }) };
}

const firstAnswer: Variant = {
  name: "new sandbox",
  async round() {
    const began = performance.now();
    const { open } = await makeSandbox({});
    const list = await fetch(`${open}/api/v1/namespaces/default/services`);
    const { items } = (await list.json()) as { items: { metadata: { name: string } }[] };
    const milliseconds = performance.now() - began;
    if (items[0]?.metadata.name !== "kubernetes") throw new Error("a new sandbox has the Service `kubernetes`");
    return { milliseconds };
  },
};

async function makeSandbox(options: object): Promise<Sandbox> {
  const answer = await fetch(`${server.url}/sandboxes`, { method: "POST", body: JSON.stringify(options) });
  const { id, url, adminToken } = (await answer.json()) as { id: string; url: string; adminToken: string };
  return { url, open: `${server.url}/t/${adminToken}/s/${id}` };
}

/** Waits until the pods are there. */
async function delivered(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { verdict } = (await (await fetch(url)).json()) as { verdict: string };
    if (verdict === "delivered") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the Service of the benchmark was never reachable");
}

const empty = await startEmptyObject();
const server = await startServer({ dist: path.join(process.cwd(), "dist"), host: "127.0.0.1", port: 0 });
try {
  const { open } = await makeSandbox({ manifest, startDelay: 0 });
  await delivered(`${open}/route?to=web:80`);
  const variants: Variant[] = [
    variant("empty object", empty.url),
    variant("resolve", `${open}/resolve?name=web`),
    variant("route", `${open}/route?to=web:80`),
    variant("route, verdict and backend only", `${open}/route?to=web:80&fields=verdict,backend`),
  ];
  report("resolve-route", await measure(`/resolve and /route beside an empty object, concurrency ${concurrency}`, variants, rounds));
  report("first-answer", await measure("POST /sandboxes until the list of Services is there, one after the other", [firstAnswer], rounds));
} finally {
  await server.stop();
  await empty.stop();
}
