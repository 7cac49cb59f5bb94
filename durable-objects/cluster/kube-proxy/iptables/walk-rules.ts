/**
 * The way of a packet through a kernel that has iptables alone.
 */
import type { Host } from "../host.ts";
import type { Packet } from "../rule-set.ts";
import { type DrawnOptions, type Hooks, PacketWalk, type Verdict, type WalkedTables } from "./packet-walk.ts";

export const walkRules = (tables: WalkedTables, host: Host, packet: Packet, options: DrawnOptions): PacketWalk =>
  new IptablesWalk(tables, host, packet, options);

const sent: Hooks = [
  ["OUTPUT", "nat"],
  ["OUTPUT", "filter"],
  ["POSTROUTING", "nat"],
];
const entered: Hooks = [["PREROUTING", "nat"]];
const looped: Hooks = [["INPUT", "filter"]];
const received: Hooks = [
  ["INPUT", "filter"],
  ["INPUT", "nat"],
];
const passed: Hooks = [
  ["FORWARD", "filter"],
  ["POSTROUTING", "nat"],
];

class IptablesWalk extends PacketWalk {
  /** Rewritten on the way out; what turns out to be for the node itself comes back in over loopback. */
  protected override outgoing(): Verdict {
    const out = this.through(sent);
    if (out !== "accept" || !this.host.isLocal(this.dst)) return out;
    this.inInterface = "lo";
    return this.through(looped);
  }

  /** Rewritten first, then routed. */
  protected override incoming(): Verdict {
    const came = this.through(entered);
    if (came !== "accept") return came;
    return this.through(this.host.isLocal(this.dst) ? received : passed);
  }
}
