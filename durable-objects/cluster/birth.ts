/**
 * What a cluster holds before anybody has asked for anything: system namespaces, nodes, cluster DNS.
 *
 * The Service `kubernetes`, service accounts and `kube-root-ca.crt` are made by their controllers, as in a real one.
 */
import type { NewObject } from "./api/controller.ts";
import type { SandboxOptions } from "./api/sandbox-options.ts";
import { timeOf } from "./api/time.ts";
import { corefileObject, dnsDeploymentObject, dnsServiceObject } from "./dns/cluster-dns-objects.ts";

/** The version of Kubernetes that is emulated. */
export const kubernetesVersion = "v1.36.2";

/** `[resource, object]` in the order in which they are created. */
export function objectsAtBirth(options: SandboxOptions, now: number): [resource: string, object: NewObject][] {
  return [
    ...["kube-system", "default", "kube-public", "kube-node-lease"].map((name): [string, NewObject] => [
      "namespaces",
      { apiVersion: "v1", kind: "Namespace", metadata: { name } },
    ]),
    ...options.nodes.map((node, index): [string, NewObject] => ["nodes", nodeObject(options, node, index, now)]),
    ["configmaps", corefileObject(options)],
    ["services", dnsServiceObject(options)],
    ["deployments.apps", dnsDeploymentObject()],
  ];
}

/** The /24 of the pod range that the node at this place in the list gets. */
export function podCIDRof(options: SandboxOptions, index: number): string {
  const [base = "10.244.0.0"] = options.podCIDR.split("/");
  const [a = 0, b = 0, c = 0] = base.split(".").map(Number);
  const third = c + index;
  return `${a}.${b + Math.floor(third / 256)}.${third % 256}.0/24`;
}

function nodeObject(options: SandboxOptions, node: SandboxOptions["nodes"][number], index: number, now: number): NewObject {
  const podCIDR = podCIDRof(options, index);
  const at = timeOf(now);
  const condition = (type: string, status: string, reason: string, message: string): object => ({
    type,
    status,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
    reason,
    message,
  });
  const capacity = { cpu: "4", memory: "8Gi", pods: "110", "ephemeral-storage": "100Gi" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: node.name,
      labels: {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        ...(node.zone === undefined ? {} : { "topology.kubernetes.io/zone": node.zone }),
      },
      annotations: { "node.alpha.kubernetes.io/ttl": "0" },
    },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: {
      capacity,
      allocatable: capacity,
      conditions: [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
      ],
      addresses: [
        { type: "InternalIP", address: node.ip },
        { type: "Hostname", address: node.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: "",
        systemUUID: "",
        bootID: "",
        kernelVersion: "6.18.0",
        osImage: "Linux",
        containerRuntimeVersion: "containerd://2.1.0",
        kubeletVersion: kubernetesVersion,
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
    },
  };
}
