/** A rolling update under constant traffic: nothing fails with readiness probes and graceful termination; without, every failure says why. */
import { describe, expect, it } from "vitest";
import { Laboratory } from "./laboratory.ts";

const apps = "/apis/apps/v1/namespaces/default";

/** Pods that listen three seconds after their start, as many a program does. */
const manifest = (probe: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 4
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web }, annotations: { kubearium.dev/fault: slow-start 3s } }
    spec:
      containers:
        - name: c
          image: nginx:1.26
          ports: [{ containerPort: 80 }]
          ${probe}
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

const query = { from: "default", to: { host: "web", port: 80 }, http: { method: "GET", path: "/" } };

/** Updates the image while requests come every 50 ms, until the rollout is over and a while longer. */
async function failuresDuring(probe: string): Promise<{ requests: number; failures: any[]; rolledOut: boolean }> {
  const laboratory = new Laboratory();
  laboratory.create(manifest(probe));
  laboratory.wait(30_000);
  const patch = { spec: { template: { spec: { containers: [{ name: "c", image: "nginx:1.27" }] } } } };
  laboratory.send("PATCH", `${apps}/deployments/web`, patch, { contentType: "application/strategic-merge-patch+json" });
  const failures: any[] = [];
  const requests = 800;
  for (let sent = 0; sent < requests; sent += 1) {
    laboratory.wait(50);
    const { body } = await laboratory.http("POST", "/route", query);
    if (body.verdict !== "delivered" || body.http.status !== 200) failures.push(body);
  }
  const { status } = laboratory.send("GET", `${apps}/deployments/web`).body;
  return { requests, failures, rolledOut: status.updatedReplicas === 4 && status.replicas === 4 && status.readyReplicas === 4 };
}

describe("a rolling update under constant traffic", () => {
  it("loses no request where pods are asked whether they are ready, and end gracefully", async () => {
    const probe = "readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 1 }";
    expect(await failuresDuring(probe)).toEqual({ requests: 800, failures: [], rolledOut: true });
  });

  it("loses requests where nobody asks, and each says which pod refused it on which port", async () => {
    const { failures, rolledOut } = await failuresDuring("");
    expect([failures.length > 0, rolledOut]).toEqual([true, true]);
    const told = new Set(failures.map(({ verdict, why }) => `${verdict}: ${why.message.replace(/web-[a-z0-9]+-[a-z0-9]+/, "web-…")}`));
    expect([...told].every((text) => /^refused: .*web-….*80/.test(text))).toBe(true);
  });
});
