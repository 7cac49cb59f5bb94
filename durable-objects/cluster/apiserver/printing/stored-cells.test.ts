import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { resources } from "../registry.ts";

const now = Date.parse("2026-01-01T00:03:12Z");
const metadata = { name: "x", namespace: "d", uid: "u", resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" };
const template = { spec: { containers: [{ name: "c", image: "nginx" }, { name: "d" }] } };

const cellsOf = (plural: string, object: object): unknown[] => {
  const of = [...resources].reverse().find((strategy) => strategy.plural === plural);
  return (of?.columns ?? []).map(({ cell }) => cell({ metadata, ...object } as unknown as KubeObject, { now }));
};

describe("storedColumns", () => {
  it.each([
    { plural: "limitranges", object: {}, want: ["x", "2026-01-01T00:00:00Z"] },
    {
      plural: "resourcequotas",
      object: { status: { hard: { pods: "10", "limits.cpu": "2", configmaps: "3" }, used: { pods: "1" } } },
      want: ["x", "configmaps: 0/3, pods: 1/10", "limits.cpu: 0/2", "3m12s"],
    },
    { plural: "poddisruptionbudgets", object: { spec: { maxUnavailable: "25%" } }, want: ["x", "N/A", "25%", 0, "3m12s"] },
    {
      plural: "statefulsets",
      object: { spec: { replicas: 2, template }, status: { readyReplicas: 1 } },
      want: ["x", "1/2", "3m12s", "c,d", "nginx,"],
    },
    {
      plural: "daemonsets",
      object: { spec: { selector: { matchLabels: { a: "b" } }, template }, status: { desiredNumberScheduled: 2 } },
      want: ["x", 2, 0, 0, 0, 0, "<none>", "3m12s", "c,d", "nginx,", "a=b"],
    },
    {
      plural: "cronjobs",
      object: { spec: { schedule: "* * * * *", suspend: true, jobTemplate: { spec: { template } } }, status: { active: [{}] } },
      want: ["x", "* * * * *", "<none>", "True", 1, "<none>", "3m12s", "c,d", "nginx,", "<none>"],
    },
    {
      plural: "jobs",
      object: { spec: { completions: 3, template }, status: { succeeded: 3, conditions: [{ type: "Complete", status: "True" }] } },
      want: ["x", "Complete", "3/3", "", "3m12s", "c,d", "nginx,", "<none>"],
    },
    {
      plural: "horizontalpodautoscalers",
      object: {
        spec: {
          scaleTargetRef: { kind: "Deployment", name: "web" },
          maxReplicas: 3,
          metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
        },
      },
      want: ["x", "Deployment/web", "cpu: <unknown>/80%", "<unset>", 3, 0, "3m12s"],
    },
    {
      plural: "rolebindings",
      object: {
        roleRef: { kind: "Role", name: "r" },
        subjects: [
          { kind: "User", name: "jane" },
          { kind: "Group", name: "g" },
          { kind: "ServiceAccount", name: "s", namespace: "d" },
        ],
      },
      want: ["x", "Role/r", "3m12s", "jane", "g", "d/s"],
    },
    {
      plural: "persistentvolumes",
      object: {
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce", "ReadOnlyMany"],
          persistentVolumeReclaimPolicy: "Retain",
          claimRef: { namespace: "d", name: "c" },
          volumeMode: "Filesystem",
        },
        status: { phase: "Bound" },
      },
      want: ["x", "1Gi", "RWO,ROX", "Retain", "Bound", "d/c", "", "<unset>", "", "3m12s", "Filesystem"],
    },
    { plural: "priorityclasses", object: { value: 5 }, want: ["x", 5, false, "3m12s", ""] },
  ])("shows $plural", ({ plural, object, want }) => {
    expect(cellsOf(plural, object)).toEqual(want);
  });
});
