/**
 * What stands in front of the nodes for traffic from outside: the emulated cloud load balancer, and the router that
 * brings external IPs to a node. Both only pick the node at which a packet enters; from there the rules decide.
 *
 * A load balancer is a machine that the cloud controller has told about its Services, so this is the one place in the
 * network that reads Service objects: what the machine was told, not what a rule does.
 */
import type { Change } from "../api/change-tracker.ts";
import type { Protocol } from "../api/network.ts";
import { keyOf, type Service } from "../api/objects.ts";
import type { HealthCheck } from "../kube-proxy/health-check.ts";
import { canonical } from "./address-book.ts";

export interface LoadBalancerEntry {
  service: { namespace: string; name: string };
  /** `VIP`: the packet reaches the node unchanged. `Proxy`: it is sent on to a node port. */
  mode: "VIP" | "Proxy";
  nodePort: number | undefined;
  healthCheckNodePort: number | undefined;
}

export type LoadBalancerAnswer =
  | { kind: "none" }
  /** The address is a load balancer's, but it does not listen there. `ports` are those it has: `8080/TCP`. */
  | { kind: "not-listening"; ports: string[] }
  | { kind: "entry"; entry: LoadBalancerEntry };

/** The Services that addresses outside were given to, kept up to date change by change. */
export class FrontAddresses {
  /** By address, then by Service. */
  readonly #balancers = new Map<string, Map<string, Service>>();
  readonly #externalIPs = new Map<string, Set<string>>();

  apply({ before, after }: Change<Service>): void {
    if (before !== undefined) {
      for (const ip of balancerAddresses(before)) this.#balancers.get(ip)?.delete(keyOf(before));
      for (const ip of before.spec.externalIPs ?? []) this.#externalIPs.get(canonical(ip))?.delete(keyOf(before));
    }
    if (after === undefined) return;
    for (const ip of balancerAddresses(after)) {
      const at = this.#balancers.get(ip) ?? new Map<string, Service>();
      this.#balancers.set(ip, at.set(keyOf(after), after));
    }
    for (const ip of after.spec.externalIPs ?? []) {
      const at = this.#externalIPs.get(canonical(ip)) ?? new Set<string>();
      this.#externalIPs.set(canonical(ip), at.add(keyOf(after)));
    }
  }

  loadBalancerAt(ip: string, port: number | undefined, protocol: Protocol): LoadBalancerAnswer {
    const there = this.#balancers.get(ip);
    if (there === undefined || there.size === 0) return { kind: "none" };
    const ports: string[] = [];
    for (const [, service] of [...there].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const ingress = service.status?.loadBalancer?.ingress?.find((each) => each.ip !== undefined && canonical(each.ip) === ip);
      for (const each of service.spec.ports ?? []) {
        ports.push(`${each.port}/${each.protocol ?? "TCP"}`);
        if (each.port !== port || (each.protocol ?? "TCP") !== protocol) continue;
        return {
          kind: "entry",
          entry: {
            service: { namespace: service.metadata.namespace, name: service.metadata.name },
            mode: (ingress as { ipMode?: string } | undefined)?.ipMode === "Proxy" ? "Proxy" : "VIP",
            nodePort: each.nodePort,
            healthCheckNodePort: service.spec.healthCheckNodePort || undefined,
          },
        };
      }
    }
    return ports.length === 0 ? { kind: "none" } : { kind: "not-listening", ports };
  }

  /** True where some Service is told to answer at this address, so that routers outside send it to the nodes. */
  isExternalIP(ip: string): boolean {
    return (this.#externalIPs.get(ip)?.size ?? 0) > 0;
  }
}

const balancerAddresses = ({ spec, status }: Service): string[] =>
  spec.type === "LoadBalancer" ? (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [canonical(ip)])) : [];

/** The nodes that a load balancer's health check finds fit to take traffic. */
export function healthyNodes(
  entry: LoadBalancerEntry,
  nodes: readonly string[],
  checksOf: (node: string) => readonly HealthCheck[],
): string[] {
  if (entry.healthCheckNodePort === undefined) return [...nodes];
  return nodes.filter((node) =>
    checksOf(node).some(({ port, localEndpoints }) => port === entry.healthCheckNodePort && localEndpoints > 0),
  );
}
