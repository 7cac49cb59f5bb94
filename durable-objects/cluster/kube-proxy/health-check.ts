/**
 * What the health check node ports of a node answer: an HTTP server on each, asked by load balancers.
 *
 * @see test/golden/proxy/README.md "Facts: health check node port"
 */
import type { HttpResponse } from "../api/ports.ts";
import type { ServicePortEntry } from "./service-map.ts";

export interface HealthCheck {
  namespace: string;
  service: string;
  port: number;
  /** Addresses of ready endpoints on the node, over all ports of the Service; each counts once. */
  localEndpoints: number;
}

/** One for each Service with a health check node port, in the order of the service map. */
export function healthChecks(entries: readonly ServicePortEntry[], node: string): HealthCheck[] {
  const byService = new Map<string, { check: HealthCheck; addresses: Set<string> }>();
  for (const { port, endpoints } of entries) {
    if (port.healthCheckNodePort === 0) continue;
    const key = `${port.namespace}/${port.service}`;
    const check = { namespace: port.namespace, service: port.service, port: port.healthCheckNodePort, localEndpoints: 0 };
    const known = byService.get(key) ?? { check, addresses: new Set<string>() };
    for (const endpoint of endpoints) if (endpoint.ready && endpoint.node === node) known.addresses.add(endpoint.ip);
    byService.set(key, known);
  }
  return [...byService.values()].map(({ check, addresses }) => ({ ...check, localEndpoints: addresses.size }));
}

/** The answer on a health check node port; any path gives the same. */
export function healthAnswer({ namespace, service, localEndpoints }: HealthCheck, serviceProxyHealthy = true): HttpResponse {
  const body = JSON.stringify({ service: { namespace, name: service }, localEndpoints, serviceProxyHealthy });
  return {
    status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
    headers: [
      ["Content-Type", "application/json"],
      ["X-Content-Type-Options", "nosniff"],
      ["X-Load-Balancing-Endpoint-Weight", String(localEndpoints)],
    ],
    body: new TextEncoder().encode(body),
  };
}
