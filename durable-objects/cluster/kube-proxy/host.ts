/**
 * What a walk asks of the node whose rules it follows: its own addresses and interfaces.
 */
import { canonicalIP } from "./address.ts";
import type { LocalTraffic } from "./local-traffic.ts";
import { isLoopback } from "./node-port-addresses.ts";
import { localAddresses, type ProxyOptions } from "./proxy-options.ts";
import type { Family, Packet } from "./rule-set.ts";

export interface Host {
  family: Family;
  /** The address belongs to the node itself (loopback included). */
  isLocal(ip: string): boolean;
  /** The interface a packet comes in by; `undefined` for what a process sends. */
  inInterface(packet: Pick<Packet, "origin" | "inInterface">): string | undefined;
}

/** Where the options name no interface, pods hang on `cni0` and the wire is `eth0`. */
export function hostOf(options: ProxyOptions, localTraffic: LocalTraffic | undefined, family: Family): Host {
  const own = new Set(localAddresses(options, family).map(canonicalIP));
  const podInterface = localTraffic?.by === "interface" ? localTraffic.name.replace(/\+$/, "0") : "cni0";
  const wire = Object.keys(options.interfaces)[0] ?? "eth0";
  return {
    family,
    isLocal: (ip) => own.has(ip) || isLoopback(ip),
    inInterface: ({ origin, inInterface }) =>
      origin === "process" ? undefined : (inInterface ?? (origin === "pod" ? podInterface : wire)),
  };
}
