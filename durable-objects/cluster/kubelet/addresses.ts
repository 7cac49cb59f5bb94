/**
 * Pod addresses: counted up within the node's ranges and taken from the beginning again at the end, so that a pod that
 * replaces another never gets its address.
 *
 * Lived: the last address given is remembered, one for each range; after a wake it is read from the kept past of the
 * pods, and where that does not reach, it is the highest that a pod still has.
 */
import { type CIDR, formatIP, type IPAddress, parseCIDR, parseIP } from "../api/ip-address.ts";

/** The first address of a range is the network's, the second the bridge's. */
const firstPodOffset = 2n;

export class Addresses {
  readonly #lastGiven = new Map<string, bigint>();
  readonly #reserved = new Map<string, readonly string[]>();
  /** Addresses that were given before a wake, by family; the newest last. */
  readonly #given: IPAddress[] = [];

  /**
   * The addresses of one pod: one for each range, the same ones until they are released. `undefined` where a range is full.
   *
   * @param ranges of the pod's node, as in `spec.podCIDRs`
   * @param inUse every address that a pod has
   */
  reserve(uid: string, ranges: readonly string[], inUse: ReadonlySet<string>): readonly string[] | undefined {
    const reserved = this.#reserved.get(uid);
    if (reserved) return reserved;
    const taken = new Set([...inUse, ...[...this.#reserved.values()].flat()]);
    const given = ranges.map((range) => this.#next(range, taken));
    if (given.some((ip) => ip === undefined)) return undefined;
    this.#reserved.set(uid, given as string[]);
    return given as string[];
  }

  /** After a wake: an address that a pod had, oldest first. */
  remember(text: string): void {
    const ip = parseIP(text);
    if (ip) this.#given.push(ip);
  }

  /** The pod is gone, or its addresses stand in its status. */
  release(uid: string): void {
    this.#reserved.delete(uid);
  }

  #next(text: string, taken: ReadonlySet<string>): string | undefined {
    const range = parseCIDR(text);
    if (!range) return undefined;
    const first = range.first + firstPodOffset;
    const last = range.family === "IPv4" ? range.last - 1n : range.last;
    const before =
      this.#lastGiven.get(text) ?? this.#given.findLast((ip) => within(range, ip))?.value ?? highest(range, taken) ?? first - 1n;
    const size = last - first + 1n;
    // At most one more try than there are addresses in use: one of them must be free, unless the range is full.
    for (let step = 1n; step <= size && step <= BigInt(taken.size) + 1n; step += 1n) {
      const value = first + ((before - first + step) % size);
      const ip = formatIP({ family: range.family, value });
      if (taken.has(ip)) continue;
      this.#lastGiven.set(text, value);
      return ip;
    }
    return undefined;
  }
}

function highest(range: CIDR, taken: ReadonlySet<string>): bigint | undefined {
  let found: bigint | undefined;
  for (const text of taken) {
    const ip = parseIP(text);
    if (!ip || !within(range, ip)) continue;
    if (found === undefined || ip.value > found) found = ip.value;
  }
  return found;
}

const within = (range: CIDR, ip: IPAddress): boolean => ip.family === range.family && ip.value > range.first && ip.value <= range.last;
