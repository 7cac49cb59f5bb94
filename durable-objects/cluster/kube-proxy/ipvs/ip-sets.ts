/**
 * The ip sets that kube-proxy keeps in ipvs mode: always all of them, also empty ones.
 *
 * @see test/golden/proxy/README.md "Facts: ipvs"
 */
import type { Family, RuleOrigin } from "../rule-set.ts";

export type SetType = "hash:ip,port,ip" | "hash:ip,port" | "hash:ip,port,net" | "bitmap:port" | "hash:ip";

/** Names without their IPv6 spelling. */
export const setTypes = {
  "KUBE-LOOP-BACK": "hash:ip,port,ip",
  "KUBE-CLUSTER-IP": "hash:ip,port",
  "KUBE-EXTERNAL-IP": "hash:ip,port",
  "KUBE-EXTERNAL-IP-LOCAL": "hash:ip,port",
  "KUBE-LOAD-BALANCER": "hash:ip,port",
  "KUBE-LOAD-BALANCER-FW": "hash:ip,port",
  "KUBE-LOAD-BALANCER-LOCAL": "hash:ip,port",
  "KUBE-LOAD-BALANCER-SOURCE-IP": "hash:ip,port,ip",
  "KUBE-LOAD-BALANCER-SOURCE-CIDR": "hash:ip,port,net",
  "KUBE-NODE-PORT-TCP": "bitmap:port",
  "KUBE-NODE-PORT-LOCAL-TCP": "bitmap:port",
  "KUBE-NODE-PORT-UDP": "bitmap:port",
  "KUBE-NODE-PORT-LOCAL-UDP": "bitmap:port",
  "KUBE-NODE-PORT-SCTP-HASH": "hash:ip,port",
  "KUBE-NODE-PORT-LOCAL-SCTP-HASH": "hash:ip,port",
  "KUBE-HEALTH-CHECK-NODE-PORT": "bitmap:port",
  "KUBE-IPVS-IPS": "hash:ip",
} as const satisfies Record<string, SetType>;

export type SetName = keyof typeof setTypes;

/** In the order in which they are made and listed. */
export const setNames = Object.keys(setTypes) as SetName[];

/** The longest name that the kernel takes. */
const longestName = 31;

/** As the kernel knows the set. */
export const kernelSetName = (name: SetName, family: Family): string =>
  family === "IPv4" ? name : name.replace(/^KUBE-/, "KUBE-6-").slice(0, longestName);

/** One entry, as `ipset` writes it: `10.96.0.20,tcp:80`. */
export interface SetEntry {
  text: string;
  origin: RuleOrigin;
}

/** The entries of all sets, each by its text. */
export class IpSets {
  readonly #entries = new Map<SetName, Map<string, SetEntry>>(setNames.map((name) => [name, new Map()]));

  add(set: SetName, entry: SetEntry): void {
    const entries = this.#entries.get(set)!;
    if (!entries.has(entry.text)) entries.set(entry.text, entry);
  }

  has(set: SetName, text: string): boolean {
    return this.#entries.get(set)!.has(text);
  }

  isEmpty(set: SetName): boolean {
    return this.#entries.get(set)!.size === 0;
  }

  /** In byte order. */
  entries(set: SetName): SetEntry[] {
    return [...this.#entries.get(set)!.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
  }
}
