/**
 * Families, addresses and ports of a Service as it is written: what is filled in, taken, kept and given back, and what
 * is refused before any other check. `service.ts` calls this; which addresses are free is the allocators' business.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/dual-stack/
 */
import { type FieldError, invalid, invalidObject } from "../../api/field-error.ts";
import { type IPFamily, parseIP } from "../../api/ip-address.ts";
import type { Service, ServicePort } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { internal } from "../../api/status-error.ts";
import { NodePortOperation } from "../allocators/node-ports.ts";
import type { StrategyContext } from "../resource-strategy.ts";
import { validateClusterIPs } from "../validation/service.ts";

const gk = { group: "", kind: "Service" };
const refuse = (service: Service, errors: readonly FieldError[]): void => {
  if (errors.length > 0) throw invalidObject(gk, service.metadata.name ?? "", errors);
};

export const needsClusterIP = ({ spec }: Service): boolean => ["ClusterIP", "NodePort", "LoadBalancer"].includes(spec.type as string);
export const needsNodePort = ({ spec }: Service): boolean => spec.type === "NodePort" || spec.type === "LoadBalancer";
export const needsHealthCheckNodePort = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
export const isHeadless = ({ spec }: Service): boolean => spec.clusterIPs?.[0] === "None";

const allocatesNodePorts = ({ spec }: Service): boolean => spec.type === "NodePort" || spec.allocateLoadBalancerNodePorts !== false;

/** A new Service: everything it leaves open is chosen, everything it names is taken. */
export function allocateForNew(service: Service, context: StrategyContext): void {
  const { spec } = service;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  initFamilies(service, undefined, context);
  if (needsClusterIP(service)) takeClusterIPs(service, [], context);
  const ports = new NodePortOperation(context.nodePorts, context.random, context.dryRun);
  if (needsNodePort(service)) nodePortsForNew(service, ports);
  if (needsHealthCheckNodePort(service)) takeHealthCheckNodePort(service, ports);
}

/** A changed Service: what the client left out is kept where it still applies. */
export function allocateForUpdate(next: Service, previous: Service, context: StrategyContext): void {
  keepAllocated(next, previous);
  syncClusterIPs(next, previous);
  initFamilies(next, previous, context);
  if (needsClusterIP(next) && !isHeadless(next)) {
    const kept = needsClusterIP(previous) ? (previous.spec.clusterIPs ?? []) : [];
    if (kept[0] !== "None") takeClusterIPs(next, kept, context);
  }
  const ports = new NodePortOperation(context.nodePorts, context.random, context.dryRun);
  if (needsNodePort(next)) nodePortsForUpdate(next, previous, ports);
  if (needsHealthCheckNodePort(next) && !needsHealthCheckNodePort(previous)) takeHealthCheckNodePort(next, ports);
}

/** Old clients send back less than there is: addresses and ports that they leave out are not given up. */
function keepAllocated(next: Service, previous: Service): void {
  if (needsClusterIP(previous) && needsClusterIP(next)) {
    if (!next.spec.clusterIP && previous.spec.clusterIP !== undefined) next.spec.clusterIP = previous.spec.clusterIP;
    if (!next.spec.clusterIPs?.length && next.spec.clusterIP === previous.spec.clusterIP && previous.spec.clusterIPs) {
      next.spec.clusterIPs = [...previous.spec.clusterIPs];
    }
  }
  if (needsNodePort(previous) && needsNodePort(next)) {
    const inBoth = new Set(nodePortsOf(previous).filter((port) => nodePortsOf(next).includes(port)));
    const byName = new Map((previous.spec.ports ?? []).map((port) => [port.name ?? "", port.nodePort ?? 0]));
    for (const port of next.spec.ports ?? []) {
      const known = byName.get(port.name ?? "") ?? 0;
      if (!port.nodePort && known > 0 && !inBoth.has(known)) port.nodePort = known;
    }
  }
  if (needsHealthCheckNodePort(previous) && needsHealthCheckNodePort(next) && !next.spec.healthCheckNodePort) {
    next.spec.healthCheckNodePort = previous.spec.healthCheckNodePort;
  }
}

const nodePortsOf = ({ spec }: Service): number[] => (spec.ports ?? []).map((port) => port.nodePort ?? 0).filter((port) => port > 0);

/** `clusterIP` is the first of `clusterIPs`; a client that knows only one of the two changes both. */
function syncClusterIPs({ spec: next }: Service, { spec: previous }: Service): void {
  const isPluralUnchanged = same(next.clusterIPs ?? [], previous.clusterIPs ?? []);
  if (previous.clusterIP && !next.clusterIP && isPluralUnchanged) delete next.clusterIPs;
  else if (next.clusterIP && next.clusterIP !== previous.clusterIP && isPluralUnchanged) next.clusterIPs = [next.clusterIP];
  else if (next.clusterIP && !next.clusterIPs?.length && next.clusterIP !== previous.clusterIP) next.clusterIPs = [next.clusterIP];
}

const other = (family: IPFamily): IPFamily => (family === "IPv4" ? "IPv6" : "IPv4");

/** Fills in `ipFamilies` and `ipFamilyPolicy`, or refuses what this cluster cannot give. */
function initFamilies(service: Service, previous: Service | undefined, { clusterIPs }: StrategyContext): void {
  const { spec } = service;
  if (spec.type === "ExternalName") return;
  if (previous && needsClusterIP(previous)) keepFamilies(service, previous);
  refuse(service, validateClusterIPs(service));
  const families: IPFamily[] = [...((spec.ipFamilies ?? []) as IPFamily[])];
  const errors: FieldError[] = [];
  for (const [at, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === "None") break;
    const family = parseIP(ip, true)?.family as IPFamily;
    if (at < families.length) continue;
    if (clusterIPs.has(family)) families.push(family);
    else errors.push(invalid(`spec.clusterIPs[${at}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  refuse(service, errors);
  const isFreeHeadless = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  if (isFreeHeadless) {
    // Nobody makes endpoints for it, so both families are possible whatever the cluster has.
    if (families.length === 0) families.push(clusterIPs.defaultFamily);
    spec.ipFamilyPolicy ??= "RequireDualStack";
    if (families.length === 1 && spec.ipFamilyPolicy !== "SingleStack") families.push(other(families[0] as IPFamily));
    spec.ipFamilies = families;
    return;
  }
  spec.ipFamilyPolicy ??= "SingleStack";
  const plural = families.length > 1 ? "IP families" : (spec.clusterIPs?.length ?? 0) > 1 ? "cluster IPs" : undefined;
  if (spec.ipFamilyPolicy === "SingleStack" && plural) {
    const detail = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${plural} are specified`;
    refuse(service, [invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, detail)]);
  }
  if (spec.ipFamilyPolicy === "RequireDualStack" && !clusterIPs.isDualStack) {
    errors.push(invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"));
  }
  for (const [at, family] of families.entries()) {
    if (!clusterIPs.has(family)) errors.push(invalid(`spec.ipFamilies[${at}]`, family, "not configured on this cluster"));
  }
  refuse(service, errors);
  if (families.length === 0) families.push(clusterIPs.defaultFamily);
  if (spec.ipFamilyPolicy !== "SingleStack" && families.length === 1 && clusterIPs.isDualStack)
    families.push(other(families[0] as IPFamily));
  spec.ipFamilies = families;
}

/** What an update leaves out stays; going back to one family drops the second address and family. */
function keepFamilies({ spec: next }: Service, { spec: previous }: Service): void {
  if (next.ipFamilyPolicy === undefined && previous.ipFamilyPolicy !== undefined) next.ipFamilyPolicy = previous.ipFamilyPolicy;
  const isUnchanged = same(next.ipFamilies, previous.ipFamilies) && same(next.clusterIPs, previous.clusterIPs);
  if (next.ipFamilyPolicy === "SingleStack" && previous.ipFamilyPolicy !== "SingleStack" && isUnchanged) {
    if (next.ipFamilies) next.ipFamilies = next.ipFamilies.slice(0, 1);
    if (next.clusterIPs) next.clusterIPs = next.clusterIPs.slice(0, 1);
  }
}

/** Addresses by wish are checked, missing ones are drawn; `kept` are this Service's own already. */
function takeClusterIPs(service: Service, kept: readonly string[], context: StrategyContext): void {
  const { spec } = service;
  const { clusterIPs, random, dryRun } = context;
  if (isHeadless(service)) return;
  const wanted = spec.clusterIPs ?? [];
  const given = ((spec.ipFamilies ?? []) as IPFamily[]).map((family, at) => {
    const wish = wanted[at];
    if (wish === undefined || wish === "") {
      const drawn = clusterIPs.allocate(family, random);
      if (drawn === undefined) throw internal(`failed to allocate a serviceIP for Service "${service.metadata.name}": range is full`);
      return drawn;
    }
    if (kept.includes(wish)) return wish;
    const refusal = clusterIPs.reserve(wish);
    if (refusal === "out-of-range") refuse(service, [cannotAllocate(wanted, wish, outOfRange(wish, clusterIPs.rangeOf(family), dryRun))]);
    // A dry run looks at the range only.
    if (refusal === "allocated" && !dryRun) refuse(service, [cannotAllocate(wanted, wish, "provided IP is already allocated")]);
    return wish;
  });
  spec.clusterIPs = given;
  if (given[0] !== undefined) spec.clusterIP = given[0];
}

const cannotAllocate = (wanted: readonly string[], ip: string, because: string): FieldError =>
  invalid("spec.clusterIPs", wanted, `failed to allocate IP ${ip}: ${because}`);

const outOfRange = (ip: string, range: string, dryRun: boolean): string =>
  dryRun
    ? `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range}`
    : "the provided network does not match the current range";

const rangeIsFull = () => internal("failed to allocate a nodePort: range is full");

const refusePort = (service: Service, at: number, port: number, because: string | undefined): void => {
  if (because !== undefined) refuse(service, [invalid(`spec.ports[${at}].nodePort`, port, because)]);
};

/** Ports of one number and different protocols share a node port, unless they ask for different ones. */
function nodePortsForNew(service: Service, operation: NodePortOperation): void {
  const ports = service.spec.ports ?? [];
  const byPort = new Map<number, number>();
  for (const [at, port] of ports.entries()) {
    if (!port.nodePort && !allocatesNodePorts(service)) continue;
    const shared = byPort.get(port.port);
    if (shared === undefined) {
      const wish = ports.find((candidate) => candidate.port === port.port && candidate.nodePort)?.nodePort;
      if (wish) refusePort(service, at, wish, operation.take(wish));
      const given = wish ?? operation.takeAny();
      if (given === undefined) throw rangeIsFull();
      port.nodePort = given;
      byPort.set(port.port, given);
    } else if (!port.nodePort) port.nodePort = shared;
    else if (port.nodePort !== shared) refusePort(service, at, port.nodePort, operation.take(port.nodePort));
  }
}

function nodePortsForUpdate(next: Service, previous: Service, operation: NodePortOperation): void {
  const before = nodePortsOf(previous);
  const seen = new Set<string>();
  const taken = new Set<number>();
  for (const [at, port] of (next.spec.ports ?? []).entries()) {
    if (!port.nodePort && !allocatesNodePorts(next)) continue;
    if (!port.nodePort) {
      const given = operation.takeAny();
      if (given === undefined) throw rangeIsFull();
      port.nodePort = given;
    } else if (!before.includes(port.nodePort) && !taken.has(port.nodePort)) {
      refusePort(next, at, port.nodePort, operation.take(port.nodePort));
      taken.add(port.nodePort);
    }
    const key = nodePortKey(port);
    if (seen.has(key)) throw internal(`duplicate nodePort: {${key}}`);
    seen.add(key);
  }
}

const nodePortKey = (port: ServicePort): string => `${port.protocol} ${port.nodePort}`;

function takeHealthCheckNodePort({ spec }: Service, operation: NodePortOperation): void {
  if (spec.healthCheckNodePort) {
    const because = operation.take(spec.healthCheckNodePort);
    if (because !== undefined) throw internal(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${because}`);
    return;
  }
  const given = operation.takeAny();
  if (given === undefined) throw internal("failed to allocate a HealthCheck NodePort: range is full");
  spec.healthCheckNodePort = given;
}

/** Values of the old type that the client did not touch and that the new type has no use for. */
export function dropFieldsOfOldType(next: Service, previous: Service): void {
  const { spec } = next;
  const was = previous.spec;
  const dropUnchanged = (...fields: (keyof Service["spec"])[]): void => {
    for (const field of fields) if (same(spec[field], was[field])) delete spec[field];
  };
  if (needsClusterIP(previous) && !needsClusterIP(next)) {
    if (same(spec.clusterIPs ?? [], was.clusterIPs ?? []) && same(spec.clusterIP, was.clusterIP)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    dropUnchanged("ipFamilies", "ipFamilyPolicy");
  }
  if (needsNodePort(previous) && !needsNodePort(next) && same(nodePortsOf(next).sort(), nodePortsOf(previous).sort())) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheckNodePort(previous) && !needsHealthCheckNodePort(next)) dropUnchanged("healthCheckNodePort");
  if (was.type === "LoadBalancer" && spec.type !== "LoadBalancer") dropUnchanged("allocateLoadBalancerNodePorts", "loadBalancerClass");
  if (isExternallyAccessible(previous) && !isExternallyAccessible(next)) dropUnchanged("externalTrafficPolicy");
  if (spec.type !== "LoadBalancer") next.status = { ...next.status, loadBalancer: {} };
}

/** Traffic may come from outside: only then `externalTrafficPolicy` means something. */
export const isExternallyAccessible = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" || spec.type === "NodePort" || (spec.type === "ClusterIP" && (spec.externalIPs?.length ?? 0) > 0);
