import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Deployment, Pod } from "../../durable-objects/cluster/api/objects.ts";
import { PlayedKubelets } from "./played-kubelets.ts";
import { ControllerCluster } from "./scenario-cluster.ts";

const template = (image: string) => ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } });
const deployments = "/apis/apps/v1/namespaces/default/deployments";

/** A finished roll-out of `web:1` on two nodes. */
function rolledOut(
  replicas: number,
  rollingUpdate: { maxSurge: number; maxUnavailable: number },
): { cluster: ControllerCluster; kubelets: PlayedKubelets } {
  const cluster = new ControllerCluster();
  for (const name of ["node-1", "node-2"]) {
    const status = {
      allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "192.168.10.11" }],
    };
    cluster.request("POST", "/api/v1/nodes", { metadata: { name, labels: { "kubernetes.io/hostname": name } }, status });
  }
  const kubelets = new PlayedKubelets(cluster, { start: "ready", stop: "gone" }, false);
  const spec = {
    replicas,
    selector: { matchLabels: { app: "web" } },
    strategy: { type: "RollingUpdate", rollingUpdate },
    template: template("web:1"),
  };
  cluster.request("POST", deployments, { metadata: { name: "web" }, spec });
  kubelets.run();
  return { cluster, kubelets };
}

const podsOf = (cluster: ControllerCluster): Pod[] =>
  cluster.reader.list<Pod>("pods", "default").filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const isReady = ({ status }: Pod): boolean => status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;

describe("a rolling update", () => {
  it("never has more pods than the surge nor fewer ready ones than maxUnavailable allows, in whatever order pods become ready", () => {
    const strategy = fc.record({ maxSurge: fc.integer({ min: 0, max: 3 }), maxUnavailable: fc.integer({ min: 0, max: 3 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        strategy.filter(({ maxSurge, maxUnavailable }) => maxSurge + maxUnavailable > 0),
        fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
        (replicas, rollingUpdate, choices) => {
          const { cluster, kubelets } = rolledOut(replicas, rollingUpdate);
          kubelets.habits = { start: "running", stop: "gone" };
          cluster.request("PATCH", `${deployments}/web`, { spec: { template: template("web:2") } }, "application/merge-patch+json");
          for (let step = 0; step < 40; step += 1) {
            kubelets.run();
            const pods = podsOf(cluster);
            expect(pods.length).toBeLessThanOrEqual(replicas + rollingUpdate.maxSurge);
            expect(pods.filter(isReady).length).toBeGreaterThanOrEqual(replicas - rollingUpdate.maxUnavailable);
            const waiting = pods.filter((pod) => !isReady(pod));
            const next = waiting[(choices[step % choices.length] ?? 0) % Math.max(1, waiting.length)];
            if (!next) break;
            kubelets.report(next, "ready");
          }
          const { status } = cluster.reader.get<Deployment>("deployments.apps", "default", "web") as Deployment;
          expect(podsOf(cluster).map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(replicas).fill("web:2"));
          expect(status.conditions?.find(({ type }) => type === "Progressing")?.reason).toBe("NewReplicaSetAvailable");
        },
      ),
      { numRuns: 25, seed: 1 },
    );
  });
});
