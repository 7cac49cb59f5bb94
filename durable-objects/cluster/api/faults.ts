/**
 * What is made to go wrong on purpose, as the rooms that act it out ask for it. Which faults there are, where they are
 * stored and how long they stand is the affair of `../faults/`.
 */
import type { Container, Pod } from "./objects.ts";

export type ProbeName = "startup" | "readiness" | "liveness";

/** Faults of one container, all of them together. */
export interface ContainerFault {
  /** Its process ends soon after it started. `oom`: the kernel ends it for its memory. */
  ends?: "crash" | "oom";
  /** Its image is not in the registry, and no node has it. */
  imageMissing?: boolean;
  /** Its process listens only so long after its start. */
  listensAfterMs?: number;
  /** Probes that fail, whatever the app answers. */
  failingProbes?: readonly ProbeName[];
}

/** Faults of the wire between two nodes, in both directions. */
export interface LinkFault {
  /** Nothing comes through. */
  split?: boolean;
  /** One way. */
  latencyMs?: number;
  /** Of a packet, between 0 and 1. */
  lossChance?: number;
}

export interface FaultPort {
  /** Cluster time in ms since which the node is down; `undefined`: it is up. */
  nodeDownSince(node: string): number | undefined;
  ofContainer(pod: Pod, container: Container): ContainerFault | undefined;
  ofLink(node: string, other: string): LinkFault | undefined;
}
