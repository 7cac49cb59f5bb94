/**
 * The service map of the cluster in one IP family: every service port with its endpoints, kept from changes.
 *
 * It holds nothing about nodes; which endpoints one node uses is decided by `usable-endpoints.ts`. Entries are replaced,
 * never changed, so that whatever was compiled from an entry stays valid as long as the entry is the same object.
 */
import type { Change } from "../api/change-tracker.ts";
import { type EndpointSlice, keyOf, type Service } from "../api/objects.ts";
import { same } from "../api/same.ts";
import { type Endpoint, endpointsKey, endpointsOf, mergeEndpoints, type SliceEndpoints, serviceOf } from "./endpoint-changes.ts";
import type { Family } from "./rule-set.ts";
import { type ServicePort, servicePortsOf } from "./service-changes.ts";

export interface ServicePortEntry {
  port: ServicePort;
  /** All of them, usable or not, in byte order of their text. */
  endpoints: readonly Endpoint[];
}

interface ServiceState {
  ports: ServicePort[];
  slices: Map<string, SliceEndpoints>;
  /** In order of port name, then protocol. */
  entries: readonly ServicePortEntry[];
}

export class ServiceMap {
  readonly family: Family;
  readonly #services = new Map<string, ServiceState>();
  #sorted: readonly ServicePortEntry[] | undefined;
  /** Entries as they were before the last `apply`, of the Services it changed. */
  readonly #before = new Map<string, readonly ServicePortEntry[]>();
  #endpoints = 0;

  constructor(family: Family) {
    this.family = family;
  }

  /**
   * Takes in what has changed.
   *
   * @returns the Services (`namespace/name`) whose service ports or slices differ from before, for a partial sync: a
   *   Service counts when its ports read differently, a slice when anything in it differs
   */
  apply(services: Iterable<Change<Service>>, slices: Iterable<Change<EndpointSlice>>): Set<string> {
    const changed = new Set<string>();
    this.#before.clear();
    for (const change of services) this.#applyService(change, changed);
    for (const change of slices) this.#applySlice(change, changed);
    for (const key of changed) this.#rebuild(key);
    if (changed.size > 0) this.#sorted = undefined;
    return changed;
  }

  /** In order of namespace, Service name, port name and protocol. */
  entries(): readonly ServicePortEntry[] {
    this.#sorted ??= [...this.#services.values()]
      .filter((state) => state.entries.length > 0)
      .sort((a, b) => byName(a.entries[0]!.port, b.entries[0]!.port))
      .flatMap((state) => state.entries);
    return this.#sorted;
  }

  /** Those of one Service (`namespace/name`), in order of port name and protocol. */
  entriesOf(service: string): readonly ServicePortEntry[] {
    return this.#services.get(service)?.entries ?? [];
  }

  /** What `entriesOf` said before the last `apply`; only for Services that it changed. */
  entriesBefore(service: string): readonly ServicePortEntry[] {
    return this.#before.get(service) ?? [];
  }

  /** Over all service ports. */
  endpointCount(): number {
    return this.#endpoints;
  }

  #applyService({ before, after }: Change<Service>, changed: Set<string>): void {
    const key = keyOf((after ?? before)!);
    const state = this.#stateOf(key);
    const ports = after === undefined ? [] : servicePortsOf(after, this.family);
    if (same(ports, state.ports)) {
      this.#forgetEmpty(key);
      return;
    }
    state.ports = ports;
    changed.add(key);
  }

  #applySlice({ before, after }: Change<EndpointSlice>, changed: Set<string>): void {
    if (same(before, after)) return;
    const was = before === undefined ? undefined : serviceOf(before);
    const is = after === undefined ? undefined : serviceOf(after);
    if (was !== undefined && was !== is && before!.addressType === this.family) {
      this.#stateOf(was).slices.delete(before!.metadata.name);
      changed.add(was);
    }
    if (is !== undefined && after!.addressType === this.family) {
      this.#stateOf(is).slices.set(after!.metadata.name, endpointsOf(after!, this.family));
      changed.add(is);
    }
  }

  #stateOf(key: string): ServiceState {
    let state = this.#services.get(key);
    if (state === undefined) {
      state = { ports: [], slices: new Map(), entries: [] };
      this.#services.set(key, state);
    }
    return state;
  }

  #rebuild(key: string): void {
    const state = this.#services.get(key)!;
    const before = state.entries;
    const slices = [...state.slices].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoints]) => endpoints);
    const entries = state.ports.map((port) => ({ port, endpoints: mergeEndpoints(slices, endpointsKey(port.portName, port.protocol)) }));
    entries.sort((a, b) => byPort(a.port, b.port));
    state.entries = entries.map((entry) => {
      const known = state.entries.find((old) => byPort(old.port, entry.port) === 0);
      return known !== undefined && same(known, entry) ? known : entry;
    });
    this.#before.set(key, before);
    this.#endpoints += endpointsIn(state.entries) - endpointsIn(before);
    this.#forgetEmpty(key);
  }

  #forgetEmpty(key: string): void {
    const state = this.#services.get(key)!;
    if (state.ports.length === 0 && state.slices.size === 0) this.#services.delete(key);
  }
}

const endpointsIn = (entries: readonly ServicePortEntry[]): number => entries.reduce((sum, { endpoints }) => sum + endpoints.length, 0);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The order of the map. */
export const inMapOrder = (a: ServicePortEntry, b: ServicePortEntry): number => byName(a.port, b.port) || byPort(a.port, b.port);

const byName = (a: ServicePort, b: ServicePort): number => compare(a.namespace, b.namespace) || compare(a.service, b.service);

const byPort = (a: ServicePort, b: ServicePort): number => compare(a.portName, b.portName) || compare(a.protocol, b.protocol);
