/** A packet to one of a Service's addresses, at a port or in a protocol that the Service does not have. */
import { parseIP } from "../api/ip-address.ts";
import type { Protocol } from "../api/network.ts";
import type { Pod, Service, ServicePort } from "../api/objects.ts";
import { type Facts, hasSelector, podsWith, portsText, refTo } from "./facts.ts";
import type { ServicePortText } from "./messages/en.ts";
import { nearest, nearestPort } from "./near.ts";
import { jsonPatch } from "./patches.ts";
import { containerPorts } from "./target-port-findings.ts";
import { type Finding, finding, fix, type Patch } from "./why.ts";

export interface UnmatchedPacket {
  ip: string;
  port: number | undefined;
  protocol: Protocol;
  node: string;
}

/** None of the Service's rules matches the packet. */
export function unmatched(service: Service, packet: UnmatchedPacket, facts: Facts): Finding {
  const { ip, port, protocol, node } = packet;
  const svc = service.metadata.name;
  const ports: ServicePortText[] = (service.spec.ports ?? []).map((each) => ({ protocol: each.protocol ?? "TCP", port: each.port }));
  const because = [refTo(service, "spec.ports")];
  if (port === undefined) {
    const rule = ports.map((each) => `${each.protocol.toLowerCase()}, port ${each.port}`).join("; ");
    const [first] = ports;
    const url = `http://${svc}${first === undefined || first.port === 80 ? "" : `:${first.port}`}`;
    return finding("icmp-to-service", { ip, ports, packet: "icmp, echo request", rule }, because, fix("use-tcp", { url }));
  }
  const sameNumber = ports.filter((each) => each.port === port);
  if (sameNumber.some((each) => each.protocol === protocol)) {
    return finding("missing-rule", { ip, port, svc, node }, [refTo(service)], fix("check-address", {}));
  }
  const repair = fix("use-port", { ports: portsText(service) }, servePort(service, port, protocol, facts));
  if (sameNumber.length > 0) {
    const params = { ip, port, protocol, svc, has: sameNumber.map((each) => each.protocol).join(", ") };
    return finding("service-port-protocol", params, because, repair);
  }
  return finding("service-port-missing", { ip, port, svc, ports: portsText(service) }, because, repair);
}

/** Lets the Service have the port, too, leading to where the port leads that was probably meant. */
function servePort(service: Service, port: number, protocol: Protocol, facts: Facts): Patch[] {
  const ports = service.spec.ports ?? [];
  const at = meantEntry(ports, port, protocol);
  const meant = at === undefined ? undefined : ports[at];
  // Endpoints by hand belong to a port by its name, so a second port would have none: the number itself is corrected.
  if (!hasSelector(service)) {
    return meant === undefined || (meant.protocol ?? "TCP") !== protocol
      ? []
      : [jsonPatch(service, [{ op: "replace", path: `/spec/ports/${at}/port`, value: port }])];
  }
  const targetPort = openTarget(service, meant, port, protocol, facts);
  if (targetPort === undefined) return [];
  const name = freeName(ports, `${protocol.toLowerCase()}-${port}`);
  const added = { op: "add", path: "/spec/ports/-", value: { name, port, protocol, targetPort } };
  return [jsonPatch(service, [...naming(ports), added])];
}

/** The port of the same number in another protocol, the only one, or one that is a slip away. */
function meantEntry(ports: readonly ServicePort[], port: number, protocol: Protocol): number | undefined {
  const index = (found: number): number | undefined => (found < 0 ? undefined : found);
  const same = index(ports.findIndex((each) => each.port === port));
  if (same !== undefined) return same;
  const spoken = ports.filter((each) => (each.protocol ?? "TCP") === protocol);
  if (spoken.length === 1 && ports.length === 1) return 0;
  const next = nearestPort(
    port,
    spoken.map((each) => each.port),
  );
  return index(ports.findIndex((each) => each.port === next && (each.protocol ?? "TCP") === protocol));
}

/** Where the new port leads: as the port that was meant, if that is open; else to the same number, or the one port left over. */
function openTarget(
  service: Service,
  meant: ServicePort | undefined,
  port: number,
  protocol: Protocol,
  facts: Facts,
): number | string | undefined {
  const [pod] = podsWith(service.spec.selector, service.metadata.namespace, facts.reader) as [Pod?];
  const wanted = meant === undefined ? undefined : (meant.targetPort ?? meant.port);
  if (pod === undefined) return wanted;
  const { namespace, name } = pod.metadata;
  const open = facts.machines.listeners({ namespace, name }).flatMap((each) => (each.protocol === protocol ? [each.port] : []));
  const numberOf = (target: number | string): number | undefined =>
    typeof target === "number" ? target : containerPorts(pod).find((each) => each.name === target && each.protocol === protocol)?.port;
  const isOpen = (target: number | string | undefined): boolean => target !== undefined && open.includes(numberOf(target) ?? 0);
  if (isOpen(wanted)) return wanted;
  if (isOpen(port)) return port;
  const taken = (service.spec.ports ?? []).map((each) => numberOf(each.targetPort ?? each.port));
  const left = open.filter((each) => !taken.includes(each));
  return left.length === 1 ? left[0] : wanted;
}

const freeName = (ports: readonly ServicePort[], name: string): string => (ports.some((each) => each.name === name) ? `${name}-2` : name);

/** The node port of some Service that is a slip away from the one that was asked for. */
export function nodePortTypo(node: string, port: number, protocol: Protocol, { reader }: Facts): Finding | undefined {
  const open = reader
    .list<Service>("services")
    .flatMap((service) =>
      (service.spec.ports ?? []).flatMap((each, at) =>
        each.nodePort === undefined || (each.protocol ?? "TCP") !== protocol ? [] : [{ service, at, nodePort: each.nodePort }],
      ),
    );
  const nodePort = nearestPort(
    port,
    open.map((each) => each.nodePort),
  );
  const near = open.find((each) => each.nodePort === nodePort);
  if (near === undefined || nodePort === undefined) return undefined;
  const { service, at } = near;
  const params = { node, port, svc: service.metadata.name, near: nodePort };
  const repair = fix("use-node-port", { near: nodePort, port }, openNodePort(service, at, port));
  return finding("node-port-typo", params, [refTo(service, `spec.ports[${at}].nodePort`)], repair);
}

/** A second node port to the same target, for whoever uses the first one. */
function openNodePort(service: Service, at: number, nodePort: number): Patch[] {
  const ports = service.spec.ports ?? [];
  const { port, targetPort = port, protocol = "TCP" } = ports[at] as ServicePort;
  if (!hasSelector(service)) return [jsonPatch(service, [{ op: "replace", path: `/spec/ports/${at}/nodePort`, value: nodePort }])];
  const name = freeName(ports, `node-${nodePort}`);
  return [
    jsonPatch(service, [
      ...naming(ports),
      { op: "add", path: "/spec/ports/-", value: { name, port: nodePort, targetPort, protocol, nodePort } },
    ]),
  ];
}

/** A Service with more than one port has a name for each. */
const naming = (ports: readonly ServicePort[]): object[] =>
  ports.flatMap((each, index) =>
    each.name
      ? []
      : [
          {
            op: "add",
            path: `/spec/ports/${index}/name`,
            value: freeName(ports, `${(each.protocol ?? "TCP").toLowerCase()}-${each.port}`),
          },
        ],
  );

/** The external IP of some Service that is a slip away from the address that was asked for. */
export function externalIPTypo(ip: string, { reader }: Facts): Finding | undefined {
  for (const service of reader.list<Service>("services")) {
    const near = nearestAddress(ip, service.spec.externalIPs ?? []);
    if (near === undefined) continue;
    const params = { ip, svc: service.metadata.name, near };
    const patches = [jsonPatch(service, [{ op: "add", path: "/spec/externalIPs/-", value: ip }])];
    return finding("external-ip-typo", params, [refTo(service, "spec.externalIPs")], fix("use-external-ip", { near, ip }, patches));
  }
  return undefined;
}

const nearestAddress = (ip: string, candidates: readonly string[]): string | undefined => {
  const value = parseIP(ip)?.value;
  const next = candidates.find((each) => value !== undefined && [value + 1n, value - 1n].includes(parseIP(each)?.value ?? -1n));
  return next ?? nearest(ip, candidates);
};
