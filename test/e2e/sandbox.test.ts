/**
 * A sandbox made by `POST /sandboxes`, with the kubeconfigs it hands out: the admin's does everything, the viewer's looks.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, type Ran, run, shell } from "./kubectl.ts";
import { freePort, type RunningServer, startServer } from "./server.ts";

describe("a sandbox of one's own", () => {
  let server: RunningServer;
  let made: { id: string; url: string; kubeconfig: string; adminToken: string; viewToken: string };
  let admin: string;
  let view: string;
  const kubectl = (line: string, kubeconfig = admin): Promise<Ran> => shell(`kubectl ${line}`, kubeconfig, "35");

  beforeAll(async () => {
    server = await startServer();
    const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx, ports: [{ containerPort: 80 }] }] }
`;
    const response = await fetch(`${server.url}/sandboxes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "mine", manifest }),
    });
    expect(response.status).toBe(201);
    made = (await response.json()) as typeof made;
    admin = join(server.dataFolder, "admin.yaml");
    writeFileSync(admin, made.kubeconfig);
    view = await server.kubeconfig(made.id, made.viewToken);
    expect((await kubectl("wait --for=condition=Ready pod -l app=web --timeout=20s")).code).toBe(0);
  });
  afterAll(() => server.stop());

  it("gets, executes and shows logs with the admin's kubeconfig", async () => {
    expect((await kubectl("get deploy,svc")).stdout).toContain("deployment.apps/web");
    const executed = await kubectl("exec deploy/web -- sh -c 'echo from $(hostname); exit 3'");
    expect([executed.stdout, executed.code]).toEqual([expect.stringMatching(/^from web-/), 3]);
    await kubectl("exec deploy/web -- curl -s http://localhost/");
    expect((await kubectl("logs deploy/web --tail=1")).stdout).not.toBe("");
  });

  it("follows a log and forwards a port with the admin's kubeconfig", async () => {
    const port = await freePort();
    const children = [
      spawn(binary("kubectl", "35"), ["logs", "-f", "deploy/web"], { env: { ...process.env, KUBECONFIG: admin } }),
      spawn(binary("kubectl", "35"), ["port-forward", "deploy/web", `${port}:80`], { env: { ...process.env, KUBECONFIG: admin } }),
    ] as const;
    try {
      const said = children.map(({ stdout }) => {
        const output = { text: "" };
        stdout.setEncoding("utf8").on("data", (text: string) => {
          output.text += text;
        });
        return output;
      });
      await expect.poll(() => said[1]?.text, { timeout: 10_000 }).toContain("Forwarding from");
      const page = await fetch(`http://127.0.0.1:${port}/marked-in-the-log`);
      expect([page.status, await page.text()]).toEqual([404, expect.stringContaining("nginx")]);
      await expect.poll(() => said[0]?.text, { timeout: 10_000 }).toContain("/marked-in-the-log");
    } finally {
      for (const child of children) child.kill();
    }
  });

  it("is listed by helm", async () => {
    const helm = await run(binary("helm", "35"), ["list", "--all-namespaces"], { env: { KUBECONFIG: admin } });
    expect([helm.code, helm.stdout]).toEqual([0, expect.stringContaining("NAME")]);
  });

  it("lets the viewer look, and refuses everything else in kubectl's words", async () => {
    expect((await kubectl("get pods,svc,endpointslices", view)).code).toBe(0);
    for (const [line, words] of [
      ["delete pod -l app=web", 'cannot delete resource "pods"'],
      ["scale deploy/web --replicas=2", 'cannot patch resource "deployments/scale"'],
      ["get secrets", 'cannot list resource "secrets"'],
      ["exec deploy/web -- id", 'cannot create resource "pods/exec"'],
    ] as const) {
      const refused = await kubectl(line, view);
      expect([line, refused.code, refused.stderr]).toEqual([line, 1, expect.stringContaining(words)]);
    }
    expect((await kubectl("get deploy web -o jsonpath='{.spec.replicas}'")).stdout).toBe("1");
  });

  it("does not know another sandbox's token", async () => {
    const other = (await (await fetch(`${server.url}/sandboxes`, { method: "POST" })).json()) as { adminToken: string };
    const answer = await fetch(`${made.url}/api/v1/pods`, { headers: { authorization: `Bearer ${other.adminToken}` } });
    expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([401, "Unauthorized"]);
  });

  it("answers 410 with the time and the reason once it was deleted", async () => {
    const headers = { authorization: `Bearer ${made.adminToken}` };
    expect((await fetch(`${server.url}/sandboxes/${made.id}`, { method: "DELETE", headers })).status).toBe(204);
    const gone = await fetch(`${made.url}/route?to=web:80`, { headers });
    expect([gone.status, ((await gone.json()) as { detail: string }).detail]).toEqual([
      410,
      expect.stringMatching(/was deleted at 20\d\d-/),
    ]);
  });
});
