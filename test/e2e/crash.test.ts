/**
 * SIGKILL while writes are acknowledged: nothing that was acknowledged is lost, revisions go on, watches resume.
 *
 * Round one kills workerd, which holds the data; round two the whole process group, as a power cut would.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { binary } from "./kubectl.ts";
import { freePort, type RunningServer, startServer } from "./server.ts";

interface ConfigMap {
  metadata: { name: string; resourceVersion: string };
}

/** The workerd that a launcher started. */
function workerdOf(parent: number): number {
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [, comm = "", , ppid = ""] = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat) ?? [];
      if (comm === "workerd" && Number(ppid) === parent) return Number(entry);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`no workerd below ${parent}`);
}

describe.skipIf(process.platform !== "linux")("a crash", () => {
  const folders: string[] = [];
  const servers: RunningServer[] = [];
  afterAll(async () => {
    for (const server of servers) await server.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const api = "/s/demo/api/v1/namespaces/default/configmaps";
  const create = async (server: RunningServer, name: string): Promise<ConfigMap> => {
    const response = await fetch(`${server.url}${api}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ metadata: { name } }),
    });
    if (response.status !== 201) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    return (await response.json()) as ConfigMap;
  };

  it.each(["workerd", "the process group"] as const)("of %s after 200 acknowledged writes loses none of them", async (what) => {
    const dataFolder = mkdtempSync(join(tmpdir(), "kubearium-crash-"));
    folders.push(dataFolder);
    const port = await freePort();
    const server = await startServer({ dataFolder, port });
    servers.push(server);
    const kubeconfig = await server.kubeconfig();
    const watch = spawn(binary("kubectl", "35"), ["get", "configmaps", "--watch", "-o", "name"], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
    });
    let watched = "";
    watch.stdout.setEncoding("utf8").on("data", (text: string) => {
      watched += text;
    });

    const acknowledged = new Map<string, number>();
    let next = 0;
    const writer = async (): Promise<void> => {
      for (;;) {
        const name = `c-${next++}`;
        try {
          acknowledged.set(name, Number((await create(server, name)).metadata.resourceVersion));
        } catch {
          return; // killed in the middle: this one was not acknowledged
        }
        if (acknowledged.size === 200) {
          const workerd = workerdOf(server.process.pid as number);
          process.kill(workerd, "SIGKILL");
          if (what === "the process group") server.process.kill("SIGKILL");
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, writer));
    const code = await new Promise<number | null>((resolve) =>
      server.process.exitCode !== null || server.process.signalCode !== null
        ? resolve(server.process.exitCode)
        : server.process.once("exit", resolve),
    );
    if (what === "workerd") expect(code).toBe(1);
    watch.kill();
    expect(watched).toContain("configmap/c-0");

    const again = await startServer({ dataFolder, port });
    servers.push(again);
    const list = (await (await fetch(`${again.url}${api}`)).json()) as { items: ConfigMap[]; metadata: { resourceVersion: string } };
    const revisions = new Map(list.items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]));
    const lost = [...acknowledged].filter(([name, revision]) => revisions.get(name) !== revision);
    expect(lost).toEqual([]);
    expect(acknowledged.size).toBeGreaterThanOrEqual(200);
    const newest = Math.max(...revisions.values());
    expect(Number((await create(again, "after")).metadata.resourceVersion)).toBeGreaterThan(newest);

    // A watch from before the crash goes on from its version, or is told to list again.
    const from = Math.min(...acknowledged.values());
    const resumed = await fetch(`${again.url}${api}?watch=1&resourceVersion=${from}&timeoutSeconds=1`);
    const events = (await resumed.text())
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { type: string; object: ConfigMap & { code?: number } });
    if (events[0]?.type === "ERROR") expect(events[0].object.code).toBe(410);
    else expect(events.map(({ object }) => object.metadata.name)).toContain("after");
  });
});
