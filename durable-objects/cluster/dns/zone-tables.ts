/**
 * What the DNS server remembers of Services, EndpointSlices and Namespaces: trimmed to what has a name, indexed by name
 * and by address, kept current by changes.
 *
 * Only holds and finds. What a name means is `cluster-zone.ts`.
 */
import type { Change } from "../api/change-tracker.ts";
import { parseAddress } from "../api/dns-address.ts";
import { foldCase } from "../api/domain-names.ts";
import { type EndpointSlice, keyOf, type Namespace, type Pod, type Service } from "../api/objects.ts";
import { same } from "../api/same.ts";

export interface ZonePort {
  /** Empty: the port has no name, and so no port label. */
  name: string;
  protocol: string;
  /** -1 stands for "no port declared": addresses are published, SRV records are not. */
  port: number;
}

export interface ZoneService {
  namespace: string;
  name: string;
  externalName: string | undefined;
  headless: boolean;
  clusterIPs: readonly string[];
  ports: readonly ZonePort[];
}

export interface ZoneEndpoint {
  ip: string;
  /** Its endpoint name. */
  label: string;
  /** The same in lower case, to find it by. */
  key: string;
}

/** The ready endpoints of one EndpointSlice. */
export interface ZoneSlice {
  namespace: string;
  name: string;
  /** Name of the Service, from the slice's label. It need not exist. */
  service: string;
  addresses: readonly ZoneEndpoint[];
  ports: readonly ZonePort[];
}

export interface ZoneChanges {
  services?: Iterable<Change<Service>>;
  endpointSlices?: Iterable<Change<EndpointSlice>>;
  namespaces?: Iterable<Change<Namespace>>;
  pods?: Iterable<Change<Pod>>;
  /** Cluster time of the changes in milliseconds: the zone's serial comes from it. */
  at: number;
}

/** What a Service or slice without declared ports is filed under. */
const noPorts: readonly ZonePort[] = [{ name: "", protocol: "", port: -1 }];

const serviceNameLabel = "kubernetes.io/service-name";

export class ZoneTables {
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ZoneService>();
  readonly #slices = new Map<string, ZoneSlice>();
  readonly #slicesOfService = new KeySets();
  readonly #servicesByIP = new KeySets();
  readonly #slicesByIP = new KeySets();
  /** Address -> namespaces in which a pod has it, with the pod's name: `shop/web-1`. */
  readonly #podsByIP = new KeySets();
  #serial = 1;

  /** Unix time in seconds of the last change that matters to a zone's serial. */
  get serial(): number {
    return this.#serial;
  }

  set serial(serial: number) {
    this.#serial = serial;
  }

  apply({ services = [], endpointSlices = [], namespaces = [], pods = [], at }: ZoneChanges): void {
    let touched = false;
    for (const { before, after } of pods) {
      for (const ip of addressesOf(before)) this.#podsByIP.delete(ip, keyOf(before!));
      for (const ip of addressesOf(after)) this.#podsByIP.add(ip, keyOf(after!));
    }
    for (const { before, after } of namespaces) {
      if (before !== undefined) this.#namespaces.delete(before.metadata.name);
      if (after !== undefined) this.#namespaces.add(after.metadata.name);
    }
    for (const change of services) touched = this.#applyService(change) || touched;
    for (const change of endpointSlices) touched = this.#applySlice(change) || touched;
    if (touched) this.#serial = Math.floor(at / 1000);
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  service(namespace: string, name: string): ZoneService | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  /** In key order, whatever the order of the changes was. */
  services(): ZoneService[] {
    return [...this.#services.keys()].sort().flatMap((key) => this.#services.get(key) ?? []);
  }

  /** Slices that carry the Service's name, in key order. */
  slicesOf(namespace: string, service: string): ZoneSlice[] {
    return this.#slicesOfService.of(`${namespace}/${service}`).flatMap((key) => this.#slices.get(key) ?? []);
  }

  slices(): ZoneSlice[] {
    return [...this.#slices.keys()].sort().flatMap((key) => this.#slices.get(key) ?? []);
  }

  /** The Service that owns a cluster IP. */
  serviceOfIP(ip: string): ZoneService | undefined {
    const [key] = this.#servicesByIP.of(ip);
    return key === undefined ? undefined : this.#services.get(key);
  }

  /** Slices with a ready endpoint of that address, in key order. */
  slicesOfIP(ip: string): ZoneSlice[] {
    return this.#slicesByIP.of(ip).flatMap((key) => this.#slices.get(key) ?? []);
  }

  /** @param ip in its canonical spelling */
  hasPod(namespace: string, ip: string): boolean {
    return this.#podsByIP.of(ip).some((key) => key.startsWith(`${namespace}/`));
  }

  /** @returns whether the serial moves: a changed cluster IP or type alone does not count */
  #applyService({ before, after }: Change<Service>): boolean {
    const object = after ?? before;
    if (object === undefined) return false;
    const key = keyOf(object);
    const known = this.#services.get(key);
    const next = after === undefined ? undefined : trimService(after);
    for (const ip of known?.clusterIPs ?? []) this.#servicesByIP.delete(ip, key);
    for (const ip of next?.clusterIPs ?? []) this.#servicesByIP.add(ip, key);
    if (next === undefined) this.#services.delete(key);
    else this.#services.set(key, next);
    if (known === undefined || next === undefined) return known !== next;
    return known.externalName !== next.externalName || !same(known.ports, next.ports);
  }

  #applySlice({ before, after }: Change<EndpointSlice>): boolean {
    const object = after ?? before;
    if (object === undefined) return false;
    const key = keyOf(object);
    const known = this.#slices.get(key);
    const next = after === undefined ? undefined : trimSlice(after);
    if (known !== undefined) {
      this.#slicesOfService.delete(`${known.namespace}/${known.service}`, key);
      for (const { ip } of known.addresses) this.#slicesByIP.delete(ip, key);
      this.#slices.delete(key);
    }
    if (next !== undefined) {
      this.#slicesOfService.add(`${next.namespace}/${next.service}`, key);
      for (const { ip } of next.addresses) this.#slicesByIP.add(ip, key);
      this.#slices.set(key, next);
    }
    return !same(known, next);
  }
}

/** Keys filed under an index value; handed out in order, so that no answer depends on the order of changes. */
class KeySets {
  readonly #keys = new Map<string, Set<string>>();

  add(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys === undefined) this.#keys.set(value, new Set([key]));
    else keys.add(key);
  }

  delete(value: string, key: string): void {
    const keys = this.#keys.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(value);
  }

  of(value: string): string[] {
    return [...(this.#keys.get(value) ?? [])].sort();
  }
}

/** Of a pod that is there to stay; one that has ended or is to go has no name any more. */
const addressesOf = (pod: Pod | undefined): string[] =>
  pod === undefined || pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed"
    ? []
    : (pod.status?.podIPs ?? []).flatMap(({ ip }) => parseAddress(ip ?? "")?.text ?? []);

function trimService({ metadata, spec }: Service): ZoneService {
  const ports = (spec.ports ?? []).map(({ name = "", protocol = "TCP", port }) => ({ name, protocol, port }));
  const clusterIPs = spec.clusterIPs ?? (spec.clusterIP === undefined || spec.clusterIP === "" ? [] : [spec.clusterIP]);
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    externalName: spec.type === "ExternalName" ? (spec.externalName ?? "") : undefined,
    headless: clusterIPs.includes("None"),
    clusterIPs: clusterIPs.filter((ip) => ip !== "None" && ip !== ""),
    ports: ports.length === 0 ? noPorts : ports,
  };
}

function trimSlice({ metadata, endpoints, ports }: EndpointSlice): ZoneSlice {
  const declared = (ports ?? []).map(({ name, protocol, port }) => ({ name: name ?? "", protocol: protocol ?? "TCP", port: port ?? -1 }));
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    service: metadata.labels?.[serviceNameLabel] ?? "",
    addresses: (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, hostname }) => addresses.map((ip) => endpointOf(ip, hostname || labelOfAddress(ip)))),
    ports: declared.length === 0 ? noPorts : declared,
  };
}

const endpointOf = (ip: string, label: string): ZoneEndpoint => ({ ip, label, key: foldCase(label) });

/** The endpoint name of an address that has no hostname; a label must not end in a dash. */
function labelOfAddress(ip: string): string {
  const label = ip.replaceAll(/[.:]/g, "-");
  return label.endsWith("-") ? `${label}0` : label;
}
