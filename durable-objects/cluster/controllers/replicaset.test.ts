import { describe, expect, it } from "vitest";
import { reconcileReplicaSet, replicaSetStatus } from "./replicaset.ts";
import { at, pod, replicaSet } from "./test-objects.ts";

const labels = { app: "web" };

describe("reconcileReplicaSet", () => {
  it("makes what is missing from the template, named by the server and owned by the ReplicaSet", () => {
    expect(reconcileReplicaSet(replicaSet("web", 2), [pod({ name: "a", labels })], [], at)).toEqual([
      {
        do: "create-pod",
        pod: {
          apiVersion: "v1",
          kind: "Pod",
          metadata: {
            generateName: "web-",
            namespace: "demo",
            labels,
            ownerReferences: [
              { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "uid-web", controller: true, blockOwnerDeletion: true },
            ],
          },
          spec: { containers: [{ name: "c", image: "web:1" }] },
        },
      },
    ]);
  });

  it("removes what is too many, least useful first", () => {
    const pods = [pod({ name: "a", labels }), pod({ name: "b", labels, ready: false }), pod({ name: "c", labels })];
    const [action, ...others] = reconcileReplicaSet(replicaSet("web", 2), pods, pods, at);
    expect([action, others]).toEqual([{ do: "delete-pod", pod: pods[1] }, []]);
  });

  it("replaces finished and terminating pods", () => {
    const pods = [pod({ name: "a", labels, phase: "Failed" }), pod({ name: "b", labels, deleting: true })];
    expect(reconcileReplicaSet(replicaSet("web", 1), pods, [], at).map((action) => action.do)).toEqual(["create-pod"]);
  });

  it("does nothing once it is being deleted", () => {
    const set = replicaSet("web", 3);
    expect(reconcileReplicaSet({ ...set, metadata: { ...set.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } }, [], [], at)).toEqual(
      [],
    );
  });
});

describe("replicaSetStatus", () => {
  it("counts ready, available and terminating pods, and leaves zeros out", () => {
    const pods = [
      pod({ name: "a", labels, readyFor: 60 }),
      pod({ name: "b", labels, readyFor: 2 }),
      pod({ name: "c", labels, ready: false }),
      pod({ name: "d", labels, deleting: true }),
      pod({ name: "e", labels, phase: "Succeeded" }),
    ];
    const set = replicaSet("web", 3);
    expect(replicaSetStatus({ ...set, spec: { ...set.spec, minReadySeconds: 10 } }, pods, undefined, at)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 1,
    });
  });

  it("says why pods could not be made until a pass succeeds", () => {
    const failed = replicaSetStatus(replicaSet("web", 1), [], { reason: "FailedCreate", message: "exceeded quota" }, at);
    expect(failed.conditions).toEqual([
      {
        type: "ReplicaFailure",
        status: "True",
        lastTransitionTime: "2030-01-01T00:10:00Z",
        reason: "FailedCreate",
        message: "exceeded quota",
      },
    ]);
    expect(replicaSetStatus(replicaSet("web", 1, { status: failed }), [], undefined, at).conditions).toBe(undefined);
  });
});
