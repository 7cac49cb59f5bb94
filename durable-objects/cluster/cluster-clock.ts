/**
 * Cluster time. It runs with real time, and while due events are worked off it stands at each event's own time, so that
 * what happened during a sleep is dated as if nobody had slept.
 */
import type { Clock } from "./api/ports.ts";

export class ClusterClock implements Clock {
  #now: number;

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Never goes back: a caller whose own clock did is held at the latest time seen. */
  moveTo(at: number): void {
    if (at > this.#now) this.#now = at;
  }
}
