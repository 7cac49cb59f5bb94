/**
 * The faults that stand: those that `/faults` was given, in a setting, and those that annotations on objects name.
 *
 * A fault only changes what machines, wires and containers do; what follows from that (a node NotReady, endpoints that
 * go) is left to the controllers.
 */
import type { Reader } from "../api/controller.ts";
import type { ContainerFault, FaultPort, LinkFault } from "../api/faults.ts";
import type { Container, KubeObject, Node, Pod } from "../api/objects.ts";
import { concerns, type Fault, faultAnnotation, faultsInAnnotation, onContainer, onLink, ownersOf, workloads } from "./fault-kinds.ts";

export type StandingFault = Fault & {
  id: string;
  /** Cluster time in ms. */
  since: number;
};

interface StoredFaults {
  next: number;
  standing: StandingFault[];
  /** Node -> since when its annotation says that it is down. */
  annotatedDown: [node: string, since: number][];
}

export interface FaultParts {
  reader: Reader;
  now(): number;
  read(): string | undefined;
  write(text: string | undefined): void;
}

const nothing: StoredFaults = { next: 1, standing: [], annotatedDown: [] };

export class Faults implements FaultPort {
  readonly #parts: FaultParts;
  #stored: StoredFaults;

  constructor(parts: FaultParts) {
    this.#parts = parts;
    const text = parts.read();
    this.#stored = text === undefined ? nothing : (JSON.parse(text) as StoredFaults);
  }

  /** Oldest first; those of annotations stand with their objects. */
  list(): readonly StandingFault[] {
    return this.#stored.standing;
  }

  add(fault: Fault): StandingFault {
    const { next, standing } = this.#stored;
    const added: StandingFault = { ...fault, id: `f-${next}`, since: this.#parts.now() };
    this.#store({ ...this.#stored, next: next + 1, standing: [...standing, added] });
    return added;
  }

  /** @returns how many stood */
  remove(which: (fault: StandingFault) => boolean): number {
    const kept = this.#stored.standing.filter((fault) => !which(fault));
    const removed = this.#stored.standing.length - kept.length;
    if (removed > 0) this.#store({ ...this.#stored, standing: kept });
    return removed;
  }

  /** Takes note of a write. @returns true where faults came or went with it */
  observe(resource: string, before: KubeObject | undefined, after: KubeObject | undefined): boolean {
    if (resource !== "nodes" && !workloads.has(resource)) return false;
    const isAnnotated = annotationOf(before) !== annotationOf(after);
    if (resource === "nodes" && isAnnotated) this.#observeNode((after ?? before) as Node, after as Node | undefined);
    const ended = after === undefined && before !== undefined ? this.remove((fault) => concerns(fault, resource, before)) : 0;
    return isAnnotated || ended > 0;
  }

  #observeNode({ metadata: { name } }: Node, after: Node | undefined): void {
    const others = this.#stored.annotatedDown.filter(([node]) => node !== name);
    const since = this.#stored.annotatedDown.find(([node]) => node === name)?.[1] ?? this.#parts.now();
    const isDown = after !== undefined && annotated("nodes", after).some(({ fault }) => fault === "node-down");
    this.#store({ ...this.#stored, annotatedDown: isDown ? [...others, [name, since]] : others });
  }

  #store(stored: StoredFaults): void {
    this.#stored = stored;
    const isEmpty = stored.next === 1 && stored.annotatedDown.length === 0;
    this.#parts.write(isEmpty ? undefined : JSON.stringify(stored));
  }

  // ---- what machines and wires ask

  nodeDownSince(node: string): number | undefined {
    const times = this.#stored.standing.flatMap((fault) => (fault.fault === "node-down" && fault.node === node ? [fault.since] : []));
    for (const [name, since] of this.#stored.annotatedDown) if (name === node) times.push(since);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  ofContainer(pod: Pod, container: Container): ContainerFault | undefined {
    const { reader } = this.#parts;
    let together: ContainerFault | undefined;
    const add = (fault: Fault): void => {
      const part = onContainer(fault, pod, container, reader);
      if (part === undefined) return;
      const failingProbes = [...(together?.failingProbes ?? []), ...(part.failingProbes ?? [])];
      together = { ...together, ...part, ...(failingProbes.length > 0 ? { failingProbes } : {}) };
    };
    for (const fault of this.#stored.standing) add(fault);
    for (const { resource, object } of ownersOf(pod, reader)) for (const fault of annotated(resource, object)) add(fault);
    return together;
  }

  ofLink(node: string, other: string): LinkFault | undefined {
    let together: LinkFault | undefined;
    const add = (fault: Fault): void => {
      const part = onLink(fault, node, other);
      if (part !== undefined) together = { ...together, ...part };
    };
    for (const fault of this.#stored.standing) add(fault);
    for (const name of [node, other]) {
      const object = this.#parts.reader.get<Node>("nodes", undefined, name);
      if (object) for (const fault of annotated("nodes", object)) add(fault);
    }
    return together;
  }
}

const annotationOf = (object: KubeObject | undefined): string | undefined => object?.metadata.annotations?.[faultAnnotation];

const annotated = (resource: string, object: KubeObject): Fault[] => {
  const text = annotationOf(object);
  if (text === undefined) return [];
  return faultsInAnnotation(text, resource, object).filter((fault): fault is Fault => typeof fault !== "string");
};

/** Words in an object's annotation that are no fault of such an object. */
export const unknownFaults = (resource: string, object: KubeObject): string[] =>
  faultsInAnnotation(annotationOf(object) ?? "", resource, object).filter((fault) => typeof fault === "string");
