/**
 * Cluster time. It runs with real time unless somebody held it, moved it on or changed its speed; and while due events
 * are worked off it stands at each event's own time, so that what happened during a sleep is dated as if nobody had slept.
 *
 * What somebody did to it is stored as an anchor: a real time, the cluster time that belongs to it, and how it goes on.
 */
import type { Clock } from "./api/ports.ts";

/** Stored; plain JSON. */
export interface ClockAnchor {
  realMs: number;
  clusterMs: number;
  /** Cluster seconds in a real second. */
  speed: number;
  held: boolean;
}

export const clockLimits = { slowest: 0.1, fastest: 1_000, longestAdvanceMs: 366 * 86_400_000 } as const;

export class ClusterClock implements Clock {
  #now: number;
  #anchor: ClockAnchor | undefined;

  /** @param anchor `undefined`: cluster time is real time */
  constructor(start: number, anchor?: ClockAnchor) {
    this.#now = start;
    this.#anchor = anchor;
  }

  now(): number {
    return this.#now;
  }

  get anchor(): ClockAnchor | undefined {
    return this.#anchor;
  }

  get held(): boolean {
    return this.#anchor?.held ?? false;
  }

  get speed(): number {
    return this.#anchor?.speed ?? 1;
  }

  /** The cluster time that belongs to a real time. Never before now: a caller whose own clock went back is held at the latest time seen. */
  at(realMs: number): number {
    const anchor = this.#anchor;
    if (anchor === undefined) return Math.max(realMs, this.#now);
    const passed = anchor.held ? 0 : Math.floor((realMs - anchor.realMs) * anchor.speed);
    return Math.max(anchor.clusterMs + passed, this.#now);
  }

  /** The real time at which a cluster time will have come; `undefined` while the clock is held. */
  realTimeOf(clusterMs: number): number | undefined {
    const anchor = this.#anchor;
    if (anchor === undefined) return clusterMs;
    return anchor.held ? undefined : anchor.realMs + Math.ceil((clusterMs - anchor.clusterMs) / anchor.speed);
  }

  /** Never goes back. */
  moveTo(at: number): void {
    if (at > this.#now) this.#now = at;
  }

  /** Goes on from now in another way. */
  set(realMs: number, how: { held?: boolean; speed?: number }): void {
    this.#anchor = { realMs, clusterMs: this.#now, speed: how.speed ?? this.speed, held: how.held ?? this.held };
  }
}
