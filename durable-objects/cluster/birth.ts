/**
 * What a cluster holds before anybody has asked for anything: system namespaces, nodes, cluster DNS.
 *
 * The Service `kubernetes`, service accounts and `kube-root-ca.crt` are made by their controllers, as in a real one.
 */
import type { NewObject } from "./api/controller.ts";
import type { Node } from "./api/objects.ts";
import type { SandboxOptions } from "./api/sandbox-options.ts";
import { timeOf } from "./api/time.ts";
import { freePodCIDRs } from "./controllers/node-lifecycle.ts";
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
    ...nodesAtBirth(options, now).map((node): [string, NewObject] => ["nodes", node]),
    ["configmaps", corefileObject(options)],
    ["services", dnsServiceObject(options)],
    ["deployments.apps", dnsDeploymentObject()],
  ];
}

/** Each with the next part of every pod range. */
function nodesAtBirth(options: SandboxOptions, now: number): NewObject[] {
  const nodes: NewObject[] = [];
  for (const node of options.nodes) {
    const podCIDRs = freePodCIDRs(options.podCIDR, nodes as unknown as Node[]);
    if (!podCIDRs) throw new Error(`birth: ${options.podCIDR} has no part for node ${node.name}`);
    nodes.push(nodeObject(node, podCIDRs, now));
  }
  return nodes;
}

function nodeObject(node: SandboxOptions["nodes"][number], podCIDRs: readonly string[], now: number): NewObject {
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
    spec: { podCIDR: podCIDRs[0], podCIDRs },
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
