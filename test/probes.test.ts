/** Probes are tried against what is in the container: a file that exec writes or removes changes what they find. */
import { describe, expect, it } from "vitest";
import type { Pod } from "../durable-objects/cluster/api/objects.ts";
import { commandPlace, runCommand } from "../durable-objects/cluster/kubelet/shell/command.ts";
import { Laboratory } from "./laboratory.ts";

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers:
    - name: c
      image: nginx
      readinessProbe: { exec: { command: [cat, /tmp/ready] }, periodSeconds: 5 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

const addresses = (laboratory: Laboratory): number =>
  laboratory.send("GET", "/api/v1/namespaces/default/endpoints/web").body.subsets?.[0]?.addresses?.length ?? 0;

async function exec({ cluster: { reader, kubelet } }: Laboratory, script: string): Promise<unknown> {
  const pod = reader.get<Pod>("pods", "default", "web") as Pod;
  const place = commandPlace(kubelet, kubelet.place(pod, pod.spec.containers[0] as Pod["spec"]["containers"][number]));
  const streams = { out: () => {}, err: () => {}, delay: () => Promise.resolve(), signal: new AbortController().signal };
  return runCommand(place, ["sh", "-c", script], streams);
}

describe("an exec probe", () => {
  it("follows the file it asks for: in after one try, out after three, over an eviction, and writes nothing in between", async () => {
    const laboratory = new Laboratory();
    laboratory.create(manifest);
    laboratory.wait(20_000);
    expect(addresses(laboratory)).toBe(0);
    expect(await exec(laboratory, "touch /tmp/ready")).toEqual({ exitCode: 0 });
    laboratory.wait(5_000);
    expect(addresses(laboratory)).toBe(1);
    await exec(laboratory, "rm /tmp/ready");
    laboratory.wait(9_000);
    laboratory.evict();
    expect(addresses(laboratory)).toBe(1);
    laboratory.wait(6_000);
    expect(addresses(laboratory)).toBe(0);
    const { revision } = laboratory.cluster;
    laboratory.wait(600_000);
    expect(laboratory.cluster.revision).toBe(revision);
  });
});
