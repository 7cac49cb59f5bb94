import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/objects.ts";
import { resources } from "../registry.ts";
import type { ResourceStrategy } from "../resource-strategy.ts";
import { tableFor } from "./table.ts";

const strategyOf = (plural: string): ResourceStrategy => resources.find((of) => of.plural === plural) as ResourceStrategy;
const now = Date.parse("2026-01-01T00:03:12Z");
const metadata = { name: "x", namespace: "d", uid: "u", resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" };
const cellsOf = (plural: string, object: object): unknown[] =>
  tableFor(strategyOf(plural), [{ metadata, ...object } as KubeObject], { includeObject: "None", now, listMetadata: {} }).rows[0]?.cells ??
  [];

describe("tableFor", () => {
  const configMap = { kind: "ConfigMap", apiVersion: "v1", metadata, data: { a: "1" }, binaryData: { b: "AA==" } } as unknown as KubeObject;
  const table = (includeObject: "None" | "Metadata" | "Object") =>
    tableFor(strategyOf("configmaps"), [configMap], { includeObject, now, listMetadata: { resourceVersion: "9" } });

  it("has the columns of the kind and a row an object", () => {
    expect(table("None")).toEqual({
      kind: "Table",
      apiVersion: "meta.k8s.io/v1",
      metadata: { resourceVersion: "9" },
      columnDefinitions: [
        { name: "Name", type: "string", format: "name", description: "", priority: 0 },
        { name: "Data", type: "string", format: "", description: "", priority: 0 },
        { name: "Age", type: "string", format: "", description: "", priority: 0 },
      ],
      rows: [{ cells: ["x", 2, "3m12s"], object: null }],
    });
  });

  it("brings the object, its metadata or nothing", () => {
    expect([table("Object").rows[0]?.object, table("Metadata").rows[0]?.object]).toEqual([
      configMap,
      { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata },
    ]);
  });

  it("says of a finished pod that it is", () => {
    const pod = { kind: "Pod", metadata, spec: { containers: [{ name: "c" }] }, status: { phase: "Succeeded" } } as unknown as KubeObject;
    expect(tableFor(strategyOf("pods"), [pod], { includeObject: "None", now, listMetadata: {} }).rows[0]?.conditions).toEqual([
      { type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." },
    ]);
  });
});

describe("cells", () => {
  const template = {
    spec: {
      containers: [
        { name: "web", image: "nginx" },
        { name: "log", image: "busybox" },
      ],
    },
  };

  it.each([
    {
      plural: "deployments",
      object: {
        spec: { replicas: 3, selector: { matchLabels: { app: "web" } }, template },
        status: { readyReplicas: 1, updatedReplicas: 2 },
      },
      want: ["x", "1/3", 2, 0, "3m12s", "web,log", "nginx,busybox", "app=web"],
    },
    {
      plural: "replicasets",
      object: { spec: { replicas: 3, selector: {}, template }, status: { replicas: 2, readyReplicas: 1 } },
      want: ["x", 3, 2, 1, "3m12s", "web,log", "nginx,busybox", "<none>"],
    },
    {
      plural: "endpoints",
      object: {
        subsets: [
          { addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }], ports: [{ port: 80 }, { port: 81 }] },
          { addresses: [{ ip: "fd00::1" }], ports: [{ port: 80 }] },
        ],
      },
      want: ["x", "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 2 more...", "3m12s"],
    },
    { plural: "endpoints", object: { subsets: [] }, want: ["x", "<none>", "3m12s"] },
    {
      plural: "endpointslices",
      object: { addressType: "IPv4", endpoints: null, ports: null },
      want: ["x", "IPv4", "<unset>", "<unset>", "3m12s"],
    },
    {
      plural: "endpointslices",
      object: { addressType: "IPv6", endpoints: [{ addresses: ["fd00::1"] }], ports: [{ name: "http", port: 80 }, { name: "any" }] },
      want: ["x", "IPv6", "80,any", "fd00::1", "3m12s"],
    },
    {
      plural: "nodes",
      object: {
        metadata: { ...metadata, labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: "Ready", status: "True" }],
          addresses: [{ type: "InternalIP", address: "192.168.10.11" }],
          nodeInfo: {
            kubeletVersion: "v1.36.2",
            osImage: "Linux",
            kernelVersion: "6.1",
            architecture: "amd64",
            containerRuntimeVersion: "containerd://2.0.0",
          },
        },
      },
      want: [
        "x",
        "Ready,SchedulingDisabled",
        "control-plane,worker",
        "3m12s",
        "v1.36.2",
        "192.168.10.11",
        "<none>",
        "Linux",
        "6.1 (amd64)",
        "containerd://2.0.0",
      ],
    },
    {
      plural: "events",
      object: {
        involvedObject: { kind: "Pod", name: "web", fieldPath: "spec.containers{web}" },
        type: "Normal",
        reason: "Pulled",
        message: "done\n",
        source: { component: "kubelet", host: "node-1" },
        firstTimestamp: "2026-01-01T00:00:00Z",
        lastTimestamp: "2026-01-01T00:03:00Z",
        count: 4,
      },
      want: ["12s", "Normal", "Pulled", "pod/web", "spec.containers{web}", "kubelet, node-1", "done", "3m12s", "4", "x"],
    },
    { plural: "networkpolicies", object: { spec: { podSelector: {} } }, want: ["x", "<none>", "3m12s"] },
    { plural: "leases", object: { spec: { holderIdentity: "node-1" } }, want: ["x", "node-1", "3m12s"] },
  ])("of $plural read $want", ({ plural, object, want }) => {
    expect(cellsOf(plural, object)).toEqual(want);
  });
});
