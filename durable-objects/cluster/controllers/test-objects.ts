/** Objects for the tests of this room: short to write, whole enough for the controllers. */
import type { Node, Pod, ReplicaSet, Service } from "../api/objects.ts";

export const at = Date.parse("2030-01-01T00:10:00Z");
const created = "2030-01-01T00:00:00Z";

export interface PodParts {
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  node?: string;
  ready?: boolean;
  /** Seconds for which it has been ready. */
  readyFor?: number;
  phase?: string;
  deleting?: boolean;
  restarts?: number;
  ip?: string;
  spec?: object;
}

export function pod({
  name,
  labels,
  annotations,
  node = "node-1",
  ready = true,
  readyFor = 60,
  phase = "Running",
  deleting,
  restarts = 0,
  ip,
  spec,
}: PodParts): Pod {
  const since = `${new Date(at - readyFor * 1000).toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "demo",
      uid: `uid-${name}`,
      resourceVersion: "1",
      creationTimestamp: created,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(deleting ? { deletionTimestamp: created } : {}),
    },
    spec: { containers: [{ name: "c", image: "web:1" }], ...(node === "" ? {} : { nodeName: node }), ...spec },
    status: {
      phase,
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: since }],
      containerStatuses: [{ name: "c", image: "web:1", imageID: "", ready, restartCount: restarts }],
    },
  };
}

export interface NodeParts {
  name: string;
  labels?: Record<string, string>;
  taints?: NonNullable<Node["spec"]["taints"]>;
  unschedulable?: boolean;
  allocatable?: Record<string, string>;
  ready?: "True" | "False" | "Unknown";
}

export const node = ({ name, labels, taints, unschedulable, allocatable, ready = "True" }: NodeParts): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    creationTimestamp: created,
    labels: { "kubernetes.io/hostname": name, ...labels },
  },
  spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
  status: {
    allocatable: { cpu: "4", memory: "8Gi", pods: "110", ...allocatable },
    conditions: [{ type: "Ready", status: ready, lastHeartbeatTime: created, lastTransitionTime: created }],
  },
});

export const replicaSet = (name: string, replicas: number, parts: Partial<ReplicaSet> = {}): ReplicaSet => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name, namespace: "demo", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: created, generation: 1 },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "web:1" }] } },
  },
  status: { replicas },
  ...parts,
});

export const service = (name: string, spec: object = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "demo", uid: `uid-${name}`, resourceVersion: "1", creationTimestamp: created },
  spec: {
    clusterIP: "10.96.7.7",
    ipFamilies: ["IPv4"],
    selector: { app: "web" },
    ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
    ...spec,
  },
  status: { loadBalancer: {} },
});
