/**
 * What listens on a node itself: the API server on the first node, the kubelet, health check node ports, and pods in
 * the node's own network.
 */
import type { Listener, Machines } from "../api/network.ts";
import type { Pod } from "../api/objects.ts";
import type { HttpResponse } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { type HealthCheck, healthAnswer } from "../kube-proxy/health-check.ts";

export const apiServerPort = 6443;
export const kubeletPort = 10250;

export interface NodeListener {
  listener: Listener;
  /** The pod whose process it is. */
  pod?: Pod;
}

export interface NodeMachineContext {
  machines: Machines;
  options: SandboxOptions;
  hostPodsOf(node: string): readonly Pod[];
  healthChecksOf(node: string): readonly HealthCheck[];
}

/** Everything that accepts connections to the addresses of a node. Node ports do not: they are rules. */
export function nodeListeners(node: string, context: NodeMachineContext): NodeListener[] {
  const own: Listener[] = [
    ...(context.options.nodes[0]?.name === node ? [speaksTLS(apiServerPort)] : []),
    speaksTLS(kubeletPort),
    ...context.healthChecksOf(node).map(healthListener),
  ];
  const pods = context
    .hostPodsOf(node)
    .flatMap((pod) =>
      context.machines.listeners({ namespace: pod.metadata.namespace, name: pod.metadata.name }).map((listener) => ({ listener, pod })),
    );
  return [...pods, ...own.map((listener) => ({ listener }))];
}

const healthListener = (check: HealthCheck): Listener => ({ protocol: "TCP", port: check.port, http: () => healthAnswer(check) });

/** Plain HTTP to a TLS port, as Go's server answers it. */
const speaksTLS = (port: number): Listener => ({
  protocol: "TCP",
  port,
  http: (): HttpResponse => ({
    status: 400,
    headers: [],
    body: new TextEncoder().encode("Client sent an HTTP request to an HTTPS server.\n"),
  }),
});
