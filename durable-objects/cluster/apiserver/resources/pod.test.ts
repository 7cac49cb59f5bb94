import { beforeEach, describe, expect, it } from "vitest";
import type { KubeObject, Pod } from "../../api/objects.ts";
import { pod } from "./pod.ts";
import { refusal, StrategyLab } from "./test-lab.ts";

let lab: StrategyLab;
beforeEach(() => {
  lab = new StrategyLab();
  lab.objects.set("serviceaccounts/default", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } } as KubeObject);
});

const container = { name: "web", image: "nginx:1.27" };
const make = (spec: object): Pod => lab.create(pod, { metadata: { name: "p" }, spec: { containers: [container], ...spec } }) as Pod;

describe("a new pod", () => {
  it("gets a token, tolerations and everything else that it left open", () => {
    const { spec, status } = make({});
    const name = spec.volumes?.[0]?.name;
    expect(name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect({ spec, status }).toEqual({
      spec: {
        containers: [
          {
            name: "web",
            image: "nginx:1.27",
            imagePullPolicy: "IfNotPresent",
            resources: {},
            terminationMessagePath: "/dev/termination-log",
            terminationMessagePolicy: "File",
            volumeMounts: [{ name, readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
          },
        ],
        dnsPolicy: "ClusterFirst",
        enableServiceLinks: true,
        preemptionPolicy: "PreemptLowerPriority",
        priority: 0,
        restartPolicy: "Always",
        schedulerName: "default-scheduler",
        securityContext: {},
        serviceAccount: "default",
        serviceAccountName: "default",
        terminationGracePeriodSeconds: 30,
        tolerations: ["not-ready", "unreachable"].map((taint) => ({
          key: `node.kubernetes.io/${taint}`,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 300,
        })),
        volumes: [
          {
            name,
            projected: {
              defaultMode: 420,
              sources: [
                { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
                { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
                { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
              ],
            },
          },
        ],
      },
      status: { phase: "Pending", qosClass: "BestEffort" },
    });
  });

  it.each([
    {
      name: "no token where it does not want one",
      spec: { automountServiceAccountToken: false },
      read: (p: Pod) => p.spec.volumes,
      want: undefined,
    },
    {
      name: "only the toleration that it lacks",
      spec: { tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" }] },
      read: (p: Pod) => p.spec.tolerations?.map(({ key }) => key),
      want: ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"],
    },
    {
      name: "no toleration where it tolerates everything",
      spec: { tolerations: [{ operator: "Exists" }] },
      read: (p: Pod) => p.spec.tolerations,
      want: [{ operator: "Exists" }],
    },
    {
      name: "the priority of a system class",
      spec: { priorityClassName: "system-node-critical" },
      read: (p: Pod) => p.spec.priority,
      want: 2000001000,
    },
    {
      name: "requests from its limits",
      spec: { containers: [{ ...container, resources: { limits: { cpu: "1", memory: "1Gi" } } }] },
      read: (p: Pod) => [p.spec.containers[0]?.resources?.requests, p.status.qosClass],
      want: [{ cpu: "1", memory: "1Gi" }, "Guaranteed"],
    },
    {
      name: "the host's ports on the host network",
      spec: { hostNetwork: true, containers: [{ ...container, ports: [{ containerPort: 80 }] }] },
      read: (p: Pod) => p.spec.containers[0]?.ports,
      want: [{ containerPort: 80, hostPort: 80, protocol: "TCP" }],
    },
  ])("has $name", ({ spec, read, want }) => {
    expect(read(make(spec))).toEqual(want);
  });

  it.each([
    {
      name: "an unknown service account",
      spec: { serviceAccountName: "nope" },
      want: 'pods "p" is forbidden: error looking up service account default/nope: serviceaccount "nope" not found',
    },
    {
      name: "an unknown priority class",
      spec: { priorityClassName: "nope" },
      want: 'pods "p" is forbidden: no PriorityClass with name nope was found',
    },
    {
      name: "an unknown runtime class",
      spec: { runtimeClassName: "nope" },
      want: 'pods "p" is forbidden: pod rejected: RuntimeClass "nope" not found',
    },
    { name: "no container", spec: { containers: [] }, want: 'Pod "p" is invalid: spec.containers: Required value' },
  ])("is refused with $name", ({ spec, want }) => {
    expect(refusal(() => make(spec))).toBe(want);
  });
});

describe("a changed pod", () => {
  const patch = (spec: Record<string, unknown>) => (lab.patch(pod, "p", spec) as Pod).spec;

  it("may get another image, a deadline and more tolerations", () => {
    const { spec } = make({ automountServiceAccountToken: false });
    const tolerations = [...(spec.tolerations ?? []), { key: "x", operator: "Exists" }];
    const containers = [{ ...spec.containers[0], image: "nginx:2" }];
    expect(patch({ containers, activeDeadlineSeconds: 9, tolerations })).toEqual({
      ...spec,
      containers,
      activeDeadlineSeconds: 9,
      tolerations,
    });
  });

  it("may not get another node, and the refusal shows the difference", () => {
    make({ automountServiceAccountToken: false });
    expect(
      refusal(() => patch({ nodeName: "node-1" }))
        .split("\n")
        .slice(1),
    ).toEqual([
      "@@ -42,7 +42,7 @@",
      '  "NodeSelector": null,',
      '  "ServiceAccountName": "default",',
      '  "AutomountServiceAccountToken": false,',
      '- "NodeName": "",',
      '+ "NodeName": "node-1",',
      '  "SecurityContext": {',
      '   "HostNetwork": false,',
      '   "HostPID": false,',
      "",
    ]);
  });

  it("is resized through its subresource, which changes nothing else", () => {
    const { spec } = make({ automountServiceAccountToken: false });
    lab.context.subresource = "resize";
    const resources = { requests: { cpu: "200m" } };
    expect(patch({ containers: [{ ...spec.containers[0], image: "other", resources }], nodeName: "node-9" })).toEqual({
      ...spec,
      containers: [{ ...spec.containers[0], resources }],
    });
  });
});

describe("gracefulDeletion", () => {
  const grace = (spec: object, status: object, asked?: number) =>
    pod.gracefulDeletion?.({ metadata: {}, spec: { terminationGracePeriodSeconds: 30, ...spec }, status } as Pod, asked);

  it("is the pod's own time, the asked one, or none", () => {
    expect([
      grace({ nodeName: "n" }, { phase: "Running" }),
      grace({ nodeName: "n" }, { phase: "Running" }, 5),
      grace({ nodeName: "n" }, { phase: "Running" }, 0),
      grace({}, { phase: "Pending" }),
      grace({ nodeName: "n" }, { phase: "Succeeded" }, 5),
    ]).toEqual([30, 5, 0, 0, 0]);
  });
});

describe("the grace of a pod that is deleted", () => {
  it.each([
    ["is what was asked for", 5, 5],
    ["is what its spec says, where nothing was", undefined, 30],
    ["is a second, where less than none was", -1, 1],
    ["is no longer than times go", 9_223_372_036_854_775_000, 9_223_372_036],
  ])("%s", (_, requested, want) => {
    const created = make({ nodeName: "node-1" });
    expect(pod.gracefulDeletion?.(created, requested)).toBe(want);
  });
});
