/**
 * The way of a packet through a kernel that has iptables alone.
 */
import type { Host } from "../host.ts";
import type { Packet } from "../rule-set.ts";
import { type DrawnOptions, PacketWalk, type Verdict, type WalkedTables } from "./packet-walk.ts";

export const walkRules = (tables: WalkedTables, host: Host, packet: Packet, options: DrawnOptions): PacketWalk =>
  new IptablesWalk(tables, host, packet, options);

class IptablesWalk extends PacketWalk {
  /** Rewritten on the way out; what turns out to be for the node itself comes back in over loopback. */
  protected override outgoing(): Verdict {
    const out = this.through([
      ["OUTPUT", "nat"],
      ["OUTPUT", "filter"],
      ["POSTROUTING", "nat"],
    ]);
    if (out !== "accept" || !this.host.isLocal(this.dst)) return out;
    this.inInterface = "lo";
    return this.through([["INPUT", "filter"]]);
  }

  /** Rewritten first, then routed. */
  protected override incoming(): Verdict {
    const entered = this.through([["PREROUTING", "nat"]]);
    if (entered !== "accept") return entered;
    return this.through(
      this.host.isLocal(this.dst)
        ? [
            ["INPUT", "filter"],
            ["INPUT", "nat"],
          ]
        : [
            ["FORWARD", "filter"],
            ["POSTROUTING", "nat"],
          ],
    );
  }
}
