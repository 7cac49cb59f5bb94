/**
 * Tools and apps in pods go through the rules of their node: with one rule taken out of the kernel by hand, and nothing
 * else changed, they fail as they would in a real cluster.
 */
import { beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "../durable-objects/cluster/api/objects.ts";
import { IptablesRules } from "../durable-objects/cluster/kube-proxy/iptables/node-rules.ts";
import { commandPlace, runCommand } from "../durable-objects/cluster/kubelet/shell/command.ts";
import { Laboratory } from "./laboratory.ts";

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: sleep }
spec: { nodeName: node-1, containers: [{ name: main, image: busybox, command: [sleep, infinity] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: api, labels: { app: api } }
spec: { nodeName: node-2, containers: [{ name: main, image: kiamol/ch03-numbers-api }] }
---
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { nodeName: node-1, containers: [{ name: main, image: kiamol/ch03-numbers-web }] }
---
apiVersion: v1
kind: Service
metadata: { name: numbers-api }
spec: { selector: { app: api }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: numbers-web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

let lab: Laboratory;
beforeEach(() => {
  lab = new Laboratory();
  expect(lab.create(manifest).map(({ code }) => code)).toEqual([201, 201, 201, 201, 201]);
  lab.wait(10_000);
});

async function inPod(...argv: string[]): Promise<{ exitCode: number | undefined; said: string }> {
  const { kubelet, reader } = lab.cluster;
  const pod = reader.get<Pod>("pods", "default", "sleep")!;
  const place = kubelet.place(pod, pod.spec.containers[0]!);
  const text = new TextDecoder();
  let said = "";
  const write = (data: Uint8Array): void => {
    said += text.decode(data);
  };
  const streams = { out: write, err: write, delay: async () => {}, signal: new AbortController().signal };
  const result = await runCommand(commandPlace(kubelet, place), argv, streams);
  return { exitCode: "exitCode" in result ? result.exitCode : undefined, said };
}

/** Takes the rules of a Service's cluster IP out of a node's tables, and nothing else. */
function takeOut(service: string, node: string): void {
  const rules = lab.cluster.kubeProxy.rulesOf(node, "IPv4");
  if (!(rules instanceof IptablesRules)) throw new Error("expected iptables rules");
  const services = rules.tables.chain("nat", "KUBE-SERVICES")!;
  const before = services.rules.length;
  services.rules = services.rules.filter(({ origin }) => !origin.objects.some(({ name }) => name === service));
  expect(services.rules.length).toBeLessThan(before);
}

const pressGo = (): string => {
  const { network } = lab.cluster;
  const from = { kind: "pod", namespace: "default", pod: "sleep" } as const;
  const { http } = network.route({ from, to: { host: "numbers-web", port: 80 }, http: { method: "POST", path: "/" } });
  return new TextDecoder().decode(http?.response.body);
};
const shown = (page: string): string | undefined => /<p class="(number|error)">/.exec(page)?.[1];

describe("a rule taken out of a node", () => {
  it("is what wget in a pod depends on", async () => {
    expect(await inPod("wget", "-qO-", "http://numbers-api/rng")).toMatchObject({ exitCode: 0, said: expect.stringMatching(/^\d+/) });
    takeOut("numbers-api", "node-1");
    const { exitCode, said } = await inPod("wget", "-T", "2", "-qO-", "http://numbers-api/rng");
    expect({ exitCode, said }).toEqual({ exitCode: 1, said: "wget: download timed out\n" });
  });

  it("is what nslookup in a pod depends on", async () => {
    expect((await inPod("nslookup", "numbers-api.default.svc.cluster.local")).exitCode).toBe(0);
    takeOut("kube-dns", "node-1");
    const { exitCode, said } = await inPod("nslookup", "numbers-api.default.svc.cluster.local");
    expect({ exitCode, said }).toEqual({ exitCode: 1, said: ";; connection timed out; no servers could be reached\n\n" });
  });

  it("is what the page of the web app depends on", () => {
    const worked = pressGo();
    takeOut("numbers-api", "node-1");
    const failed = pressGo();
    expect({ worked: shown(worked), failed: shown(failed) }).toEqual({ worked: "number", failed: "error" });
  });

  it("does nothing to pods on other nodes", async () => {
    takeOut("numbers-api", "node-2");
    expect((await inPod("wget", "-qO-", "http://numbers-api/rng")).exitCode).toBe(0);
  });
});
