/**
 * Which cluster IPs are taken, and which one comes next. Holds nothing that is not in the Services themselves: it is
 * rebuilt from them on wake and follows their changes.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
 */
import type { Change } from "../../api/change-tracker.ts";
import { type CIDR, formatIP, type IPFamily, parseCIDR, parseIP } from "../../api/ip-address.ts";
import type { Service } from "../../api/objects.ts";
import type { Random } from "../../api/ports.ts";
import { type Band, lowBandSize, probe } from "./low-band.ts";

const band: Band = { least: 16, most: 256, divisor: 16 };
/** An IPv6 range is larger than numbers can count; no more than this is used of it. */
const largestRange = 2 ** 30;

/** Why an address cannot be had. */
export type Refusal = "allocated" | "out-of-range";

interface Range {
  text: string;
  cidr: CIDR;
  /** Addresses that can be given out: all but the first and, in IPv4, the last. */
  size: number;
  taken: Set<bigint>;
}

export class ClusterIPAllocator {
  readonly #ranges = new Map<IPFamily, Range>();
  /** The family of a Service that names none. */
  readonly defaultFamily: IPFamily;

  /**
   * @param serviceCIDR one range, or two of different families joined by a comma; the first one is the default
   * @param families the families in use, in order; default: those of the ranges
   */
  constructor(serviceCIDR: string, families?: readonly IPFamily[]) {
    const ranges = serviceCIDR.split(",").map((part) => part.trim());
    for (const text of ranges) {
      const cidr = parseCIDR(text);
      if (!cidr) throw new Error(`allocator: ${text} is no range`);
      const reserved = cidr.family === "IPv4" ? 2n : 1n;
      const size = cidr.last - cidr.first + 1n - reserved;
      this.#ranges.set(cidr.family, { text, cidr, size: Number(size > BigInt(largestRange) ? largestRange : size), taken: new Set() });
    }
    const inUse = families?.filter((family) => this.#ranges.has(family)) ?? [...this.#ranges.keys()];
    this.defaultFamily = inUse[0] ?? "IPv4";
    for (const family of [...this.#ranges.keys()]) if (!inUse.includes(family)) this.#ranges.delete(family);
  }

  /** The families that the cluster has addresses of. */
  has(family: string): family is IPFamily {
    return this.#ranges.has(family as IPFamily);
  }

  get isDualStack(): boolean {
    return this.#ranges.size > 1;
  }

  /** Follows a committed change of a Service. */
  observe({ before, after }: Change<Service>): void {
    for (const ip of addressesOf(before)) this.#range(ip)?.taken.delete(addressValue(ip));
    for (const ip of addressesOf(after)) this.#range(ip)?.taken.add(addressValue(ip));
  }

  /** The range of a family as it was given, for messages. */
  rangeOf(family: IPFamily): string {
    return this.#ranges.get(family)?.text ?? "";
  }

  /**
   * A free address: at random from the upper part, from the low band when that is full. Nothing is taken by this; a
   * committed Service takes it.
   *
   * @returns undefined where the range is full
   */
  allocate(family: IPFamily, random: Random): string | undefined {
    const range = this.#ranges.get(family);
    if (!range) return undefined;
    const low = lowBandSize(range.size, band);
    const isFree = (at: number) => !range.taken.has(range.cidr.first + 1n + BigInt(at));
    const upper = probe(low, range.size, random.int(range.size - low), isFree);
    const at = upper ?? (low === 0 ? undefined : probe(0, low, random.int(low), isFree));
    return at === undefined ? undefined : formatIP({ family, value: range.cidr.first + 1n + BigInt(at) });
  }

  /** Whether an address asked for by name can be had. */
  reserve(ip: string): Refusal | undefined {
    const range = this.#range(ip);
    const value = addressValue(ip);
    const first = range ? range.cidr.first + 1n : 0n;
    const last = range ? (range.cidr.family === "IPv4" ? range.cidr.last - 1n : range.cidr.last) : 0n;
    if (!range || value < first || value > last) return "out-of-range";
    return range.taken.has(value) ? "allocated" : undefined;
  }

  #range(ip: string): Range | undefined {
    const address = parseIP(ip, true);
    return address ? this.#ranges.get(address.family) : undefined;
  }
}

const addressValue = (ip: string): bigint => parseIP(ip, true)?.value ?? -1n;

const addressesOf = (service: Service | undefined): string[] => (service?.spec.clusterIPs ?? []).filter((ip) => ip !== "" && ip !== "None");
