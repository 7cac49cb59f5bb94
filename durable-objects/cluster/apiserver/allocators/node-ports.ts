/**
 * Which node ports are taken, health check ports among them, and which one comes next. Rebuilt from the Services on
 * wake; follows their changes.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/service/#avoid-nodeport-collisions
 */
import type { Change } from "../../api/change-tracker.ts";
import type { Service } from "../../api/objects.ts";
import type { Random } from "../../api/ports.ts";
import { type Band, lowBandSize, probe } from "./low-band.ts";

const band: Band = { least: 16, most: 128, divisor: 32 };
/** Where the made-up numbers of a dry run begin; beyond every sensible range. */
const firstDryRunPort = 32769;

export interface PortRange {
  from: number;
  to: number;
}

export class NodePortAllocator {
  readonly range: PortRange;
  readonly #taken = new Map<number, number>();

  constructor(range: PortRange) {
    this.range = range;
  }

  /** Follows a committed change of a Service. */
  observe({ before, after }: Change<Service>): void {
    for (const port of portsOf(before)) {
      const users = (this.#taken.get(port) ?? 0) - 1;
      if (users > 0) this.#taken.set(port, users);
      else this.#taken.delete(port);
    }
    for (const port of portsOf(after)) this.#taken.set(port, (this.#taken.get(port) ?? 0) + 1);
  }

  has(port: number): boolean {
    return this.#taken.has(port);
  }

  /**
   * A free port: at random from the upper part, from the low band when that is full. Nothing is taken by this.
   *
   * @param exceptFor ports that the same write has already been given
   * @returns undefined where the range is full
   */
  allocate(random: Random, exceptFor: ReadonlySet<number>): number | undefined {
    const { from, to } = this.range;
    const low = lowBandSize(to - from + 1, band);
    const isFree = (port: number) => !this.#taken.has(port) && !exceptFor.has(port);
    const upper = probe(from + low, to + 1, random.int(to + 1 - from - low), isFree);
    return upper ?? (low === 0 ? undefined : probe(from, from + low, random.int(low), isFree));
  }
}

/** A Service may use one number for two protocols: it counts once. */
const portsOf = (service: Service | undefined): Set<number> =>
  new Set(
    [...(service?.spec.ports ?? []).map((port) => port.nodePort ?? 0), service?.spec.healthCheckNodePort ?? 0].filter((port) => port > 0),
  );

/**
 * The ports that one write is given, against those of others and against each other. A dry run gives out numbers
 * that nobody has, and does not look at the range.
 */
export class NodePortOperation {
  readonly #allocator: NodePortAllocator;
  readonly #random: Random;
  readonly #dryRun: boolean;
  readonly #given = new Set<number>();

  constructor(allocator: NodePortAllocator, random: Random, dryRun: boolean) {
    this.#allocator = allocator;
    this.#random = random;
    this.#dryRun = dryRun;
  }

  /** Takes a port that was asked for. @returns why not, in the server's words */
  take(port: number): string | undefined {
    const { from, to } = this.#allocator.range;
    if (!this.#dryRun && (port < from || port > to)) {
      return `provided port is not in the valid range. The range of valid ports is ${from}-${to}`;
    }
    if (this.#allocator.has(port) || this.#given.has(port)) return "provided port is already allocated";
    this.#given.add(port);
    return undefined;
  }

  /** Takes a free one. @returns undefined where the range is full */
  takeAny(): number | undefined {
    const port = this.#dryRun ? this.#nextDryRunPort() : this.#allocator.allocate(this.#random, this.#given);
    if (port !== undefined) this.#given.add(port);
    return port;
  }

  #nextDryRunPort(): number {
    return this.#given.size === 0 ? firstDryRunPort : Math.max(...this.#given) + 1;
  }
}
