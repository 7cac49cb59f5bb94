/**
 * The objects that make a cluster's DNS run: Corefile, Service and Deployment as kubeadm makes them. Clusters are born
 * with them, and repairs put them back.
 */
import type { NewObject } from "../api/controller.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";

export const dnsNamespace = "kube-system";
export const corefileConfigMap = "coredns";
export const dnsDeployment = "coredns";
export const dnsService = "kube-dns";
export const dnsPodLabels = { "k8s-app": "kube-dns" } as const;
export const dnsReplicas = 2;

/** @param cacheClusterZone true: as kubeadm wrote it before 1.31, when answers of the cluster's zone were cached, too */
export const defaultCorefile = (clusterDomain: string, { cacheClusterZone = false } = {}): string => `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30${
      cacheClusterZone
        ? ""
        : ` {
       disable success ${clusterDomain}
       disable denial ${clusterDomain}
    }`
    }
    loop
    reload
    loadbalance
}
`;

export const corefileObject = ({ clusterDomain }: Pick<SandboxOptions, "clusterDomain">): NewObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: corefileConfigMap, namespace: dnsNamespace },
  data: { Corefile: defaultCorefile(clusterDomain) },
});

export const dnsServiceObject = ({ clusterDNS }: Pick<SandboxOptions, "clusterDNS">): NewObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: dnsService,
    namespace: dnsNamespace,
    labels: { ...dnsPodLabels, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
    annotations: { "prometheus.io/port": "9153", "prometheus.io/scrape": "true" },
  },
  spec: {
    selector: { ...dnsPodLabels },
    clusterIP: clusterDNS,
    ports: [
      { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
      { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
      { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
    ],
  },
});

export const dnsDeploymentObject = (): NewObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: dnsDeployment, namespace: dnsNamespace, labels: { ...dnsPodLabels } },
  spec: {
    replicas: dnsReplicas,
    selector: { matchLabels: { ...dnsPodLabels } },
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
    template: {
      metadata: { labels: { ...dnsPodLabels } },
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
        volumes: [{ name: "config-volume", configMap: { name: corefileConfigMap, items: [{ key: "Corefile", path: "Corefile" }] } }],
      },
    },
  },
});
