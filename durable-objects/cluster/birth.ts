/**
 * What a cluster holds before anybody has asked for anything: system namespaces, nodes, cluster DNS.
 *
 * The Service `kubernetes`, service accounts and `kube-root-ca.crt` are made by their controllers, as in a real one.
 */
import type { NewObject } from "./api/controller.ts";
import type { SandboxOptions } from "./api/sandbox-options.ts";
import { timeOf } from "./api/time.ts";

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
    ["configmaps", corefile(options)],
    ["services", kubeDNS(options)],
    ["deployments.apps", coreDNS()],
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

function corefile(options: SandboxOptions): NewObject {
  const text = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${options.clusterDomain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success ${options.clusterDomain}
       disable denial ${options.clusterDomain}
    }
    loop
    reload
    loadbalance
}
`;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "coredns", namespace: "kube-system" }, data: { Corefile: text } };
}

function kubeDNS(options: SandboxOptions): NewObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kube-dns",
      namespace: "kube-system",
      labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
      annotations: { "prometheus.io/port": "9153", "prometheus.io/scrape": "true" },
    },
    spec: {
      selector: { "k8s-app": "kube-dns" },
      clusterIP: options.clusterDNS,
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
        { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
        { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
      ],
    },
  };
}

function coreDNS(): NewObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "coredns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { "k8s-app": "kube-dns" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels: { "k8s-app": "kube-dns" } },
        spec: {
          automountServiceAccountToken: false,
          containers: [
            {
              name: "coredns",
              image: "registry.k8s.io/coredns/coredns:v1.14.7",
              args: ["-conf", "/etc/coredns/Corefile"],
              ports: [
                { name: "dns", containerPort: 53, protocol: "UDP" },
                { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
                { name: "metrics", containerPort: 9153, protocol: "TCP" },
              ],
              volumeMounts: [{ name: "config-volume", mountPath: "/etc/coredns", readOnly: true }],
            },
          ],
          dnsPolicy: "Default",
          nodeSelector: { "kubernetes.io/os": "linux" },
          tolerations: [
            { key: "CriticalAddonsOnly", operator: "Exists" },
            { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" },
          ],
          volumes: [{ name: "config-volume", configMap: { name: "coredns", items: [{ key: "Corefile", path: "Corefile" }] } }],
        },
      },
    },
  };
}
