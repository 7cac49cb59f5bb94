import { describe, expect, it } from "vitest";
import type { Deployment, ReplicaSet } from "../api/objects.ts";
import { type DeploymentAction, reconcileDeployment } from "./deployment-pass.ts";
import { withController } from "./owner-references.ts";
import { at, pod, replicaSet } from "./test-objects.ts";

const template = (image: string) => ({ metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image }] } });

const deployment = (parts: Partial<Deployment["spec"]> = {}, status: Deployment["status"] = {}): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      namespace: "demo",
      uid: "uid-web",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: "2030-01-01T00:00:00Z",
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      progressDeadlineSeconds: 600,
      template: template("web:2"),
      ...parts,
    },
    status,
  }) as unknown as Deployment;

/** A ReplicaSet of revision 1 whose pods are all available. */
function old(replicas: number, image = "web:1"): ReplicaSet {
  const set = replicaSet("web-old", replicas, {
    status: { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1 },
  });
  const annotations = {
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "3",
    "deployment.kubernetes.io/max-replicas": "4",
  };
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, template: template(image) } };
}

const events = (actions: DeploymentAction[]): string[] => actions.flatMap((action) => (action.do === "event" ? action.message : []));
const hashed = /^web-[a-z0-9]+$/;

describe("reconcileDeployment", () => {
  it("makes the new ReplicaSet as large as the surge allows, with the next revision", () => {
    const [create] = reconcileDeployment(deployment(), [old(3)], [], at);
    expect(create).toMatchObject({
      do: "create-replica-set",
      set: {
        metadata: {
          name: expect.stringMatching(hashed),
          annotations: {
            "deployment.kubernetes.io/revision": "2",
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
          },
        },
        spec: { replicas: 1 },
      },
    });
  });

  it("makes nothing while paused", () => {
    const actions = reconcileDeployment(deployment({ paused: true }), [old(3)], [], at);
    expect(actions.filter((action) => action.do === "create-replica-set")).toEqual([]);
    expect(
      actions.flatMap((action) =>
        action.do === "update-status" ? (action.deployment.status.conditions ?? []).map(({ reason }) => reason) : [],
      ),
    ).toContain("DeploymentPaused");
  });

  it("scales the only ReplicaSet to what is wanted now", () => {
    const actions = reconcileDeployment(
      deployment({ replicas: 5, template: template("web:1") } as Partial<Deployment["spec"]>),
      [old(3)],
      [],
      at,
    );
    expect(events(actions)).toEqual(["Scaled up replica set web-old from 3 to 5"]);
  });

  it("waits under Recreate until the last old pod object is gone", () => {
    const recreate = deployment({ strategy: { type: "Recreate" } });
    expect(events(reconcileDeployment(recreate, [old(3)], [], at))).toEqual(["Scaled down replica set web-old from 3 to 0"]);
    const emptied: ReplicaSet = { ...old(0), status: { replicas: 0 } };
    const lingering = withController(pod({ name: "a", deleting: true }), emptied);
    expect(events(reconcileDeployment(recreate, [emptied], [lingering], at))).toEqual([]);
    expect(events(reconcileDeployment(recreate, [emptied], [], at))).toEqual([
      expect.stringMatching(/^Scaled up replica set web-\w+ from 0 to 3$/),
    ]);
  });

  it("says when the deadline has passed without a step forward, and asks to be woken before", () => {
    const waiting = {
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      unavailableReplicas: 3,
      conditions: [
        {
          type: "Progressing",
          status: "True",
          reason: "ReplicaSetUpdated",
          lastUpdateTime: "2030-01-01T00:00:30Z",
          lastTransitionTime: "2030-01-01T00:00:30Z",
        },
      ],
    };
    const stuck = { ...old(3, "web:2"), status: { replicas: 3 } };
    const early = reconcileDeployment(deployment({}, waiting), [stuck], [], at);
    expect(early.filter((action) => action.do === "look-again")).toEqual([{ do: "look-again", at: Date.parse("2030-01-01T00:10:31Z") }]);
    const late = reconcileDeployment(deployment({}, waiting), [stuck], [], Date.parse("2030-01-01T00:10:31Z"));
    expect(
      late.flatMap((action) =>
        action.do === "update-status" ? (action.deployment.status.conditions ?? []).map(({ reason }) => reason) : [],
      ),
    ).toContain("ProgressDeadlineExceeded");
  });

  it("does not time out once a roll-out was complete, however long pods are not ready", () => {
    const complete = {
      observedGeneration: 1,
      replicas: 3,
      updatedReplicas: 3,
      unavailableReplicas: 3,
      terminatingReplicas: 0,
      conditions: [
        {
          type: "Progressing",
          status: "True",
          reason: "NewReplicaSetAvailable",
          lastUpdateTime: "2020-01-01T00:00:00Z",
          lastTransitionTime: "2020-01-01T00:00:00Z",
        },
      ],
    };
    const actions = reconcileDeployment(deployment({}, complete), [{ ...old(3, "web:2"), status: { replicas: 3 } }], [], at);
    expect(actions.filter((action) => action.do === "look-again")).toEqual([]);
  });
});
