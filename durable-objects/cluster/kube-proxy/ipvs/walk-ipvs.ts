/**
 * The way of a packet through a kernel with virtual servers: iptables rules before and behind, IPVS in between.
 *
 * IPVS takes what is addressed to a virtual server behind the INPUT filter, or, for a process of the node, behind the nat
 * table of OUTPUT; it sends it on through the OUTPUT filter and POSTROUTING.
 */

import { parseCidr } from "../address.ts";
import type { Host } from "../host.ts";
import { type DrawnOptions, type Hooks, PacketWalk, type Verdict, type WalkedTables } from "../iptables/packet-walk.ts";
import type { Family, MatchedRule, Packet } from "../rule-set.ts";
import type { ServiceProtocol } from "../service-changes.ts";
import { kernelSetName, type SetName, setNames, setTypes } from "./ip-sets.ts";
import { type RealServer, realServerText, serverKey, serverText, socketText, type VirtualServer } from "./virtual-server.ts";

/** What a walk asks of a kernel. */
export interface IpvsKernel {
  readonly tables: WalkedTables;
  /** The address is on `kube-ipvs0`, and so the node's own. */
  isBound(ip: string): boolean;
  /** By `serverKey`. */
  server(key: string): VirtualServer | undefined;
  isEmpty(set: SetName): boolean;
  has(set: SetName, text: string): boolean;
  /** The ranges behind `address,protocol:port` in a set that ends in a range. */
  ranges(set: SetName, socket: string): readonly string[];
}

/** `table` of a virtual server's lines in a walk and in linked rules; the server stands in the place of the chain. */
export const ipvsTable = "ipvs";

export const walkIpvs = (kernel: IpvsKernel, host: Host, packet: Packet, options: DrawnOptions): PacketWalk =>
  new IpvsWalk(kernel, host, packet, options);

/** The affinity set of a client that stays with a real server. */
export const persistenceSet = (server: VirtualServer, real: RealServer): string => `${serverKey(server)} -r ${socketText(real)}`;

/** Sets by the names that rules know them by. */
const setsOf = (family: Family): ReadonlyMap<string, SetName> => new Map(setNames.map((name) => [kernelSetName(name, family), name]));
const setsByName = { IPv4: setsOf("IPv4"), IPv6: setsOf("IPv6") };

const leaving: Hooks = [["OUTPUT", "nat"]];
const sending: Hooks = [
  ["OUTPUT", "filter"],
  ["POSTROUTING", "nat"],
];
const entering: Hooks = [["PREROUTING", "nat"]];
const receiving: Hooks = [["INPUT", "filter"]];
const passing: Hooks = [
  ["FORWARD", "filter"],
  ["POSTROUTING", "nat"],
];

class IpvsWalk extends PacketWalk {
  readonly #kernel: IpvsKernel;
  #taken: VirtualServer | undefined;
  #asked: { ip: string; port: number | undefined; socket: string } | undefined;

  constructor(kernel: IpvsKernel, host: Host, packet: Packet, options: DrawnOptions) {
    super(kernel.tables, host, packet, options);
    this.#kernel = kernel;
  }

  protected override outgoing(): Verdict {
    const out = this.through(leaving);
    if (out !== "accept") return out;
    const scheduled = this.#schedule();
    if (scheduled !== "accept") return scheduled;
    const sent = this.through(sending);
    if (sent !== "accept" || !this.host.isLocal(this.dst)) return sent;
    this.inInterface = "lo";
    return this.through(receiving);
  }

  protected override incoming(): Verdict {
    const entered = this.through(entering);
    if (entered !== "accept") return entered;
    if (!this.host.isLocal(this.dst)) return this.through(passing);
    const admitted = this.through(receiving);
    if (admitted !== "accept") return admitted;
    const scheduled = this.#schedule();
    // A real server on this very node gets the packet as it came in; only what leaves again passes the hooks of sending.
    if (scheduled !== "accept" || this.#taken === undefined || this.host.isLocal(this.dst)) return scheduled;
    this.inInterface = undefined;
    return this.through(sending);
  }

  /** Hands the packet to a real server. A virtual server without one answers that the port is unreachable. */
  #schedule(): Verdict {
    const server = this.#server();
    if (server === undefined) return "accept";
    this.#taken = server;
    const { realServers } = server;
    const willing = realServers.every(({ weight }) => weight > 0) ? realServers : realServers.filter(({ weight }) => weight > 0);
    if (willing.length === 0) {
      if (this.records) this.matched.push({ ...this.#serverMatch(server), role: "no-endpoints", action: "reject" });
      return "reject";
    }
    const { real, draw } = this.#choose(server, willing);
    if (this.records) this.#noteChoice(server, real, draw);
    this.rewrite(real.ip, real.port);
    return "accept";
  }

  #serverMatch(server: VirtualServer): Pick<MatchedRule, "rule" | "hook" | "objects"> {
    const rule = { table: ipvsTable, chain: serverKey(server), line: 1, text: `-A ${serverText(server)}` };
    return { rule, hook: this.hook, objects: server.origin.objects };
  }

  #noteChoice(server: VirtualServer, real: RealServer, draw: number | undefined): void {
    const { role, objects } = server.origin;
    const chain = serverKey(server);
    this.matched.push({ ...this.#serverMatch(server), role, action: "jump", to: chain, ...(draw === undefined ? {} : { draw }) });
    this.matched.push({
      rule: { table: ipvsTable, chain, line: server.realServers.indexOf(real) + 2, text: `-a ${realServerText(server, real)}` },
      hook: this.hook,
      role: "endpoint",
      objects: [...objects, ...real.objects],
      action: "dnat",
      dnat: { ip: real.ip, port: real.port },
    });
  }

  #server(): VirtualServer | undefined {
    if (this.packet.protocol === "ICMP" || this.port === undefined) return undefined;
    return this.#kernel.server(serverKey({ ip: this.dst, port: this.port, protocol: this.packet.protocol as ServiceProtocol }));
  }

  /** Whoever came before goes where he went; all others are drawn, whatever the scheduler: its counters are not kept. */
  #choose(server: VirtualServer, willing: readonly RealServer[]): { real: RealServer; draw?: number } {
    const { persistentSeconds } = server;
    const known = persistentSeconds === undefined ? undefined : willing.find((real) => this.#remembers(server, real, persistentSeconds));
    const draw = known === undefined ? this.options.draws.pick(willing.length) : undefined;
    const real = known ?? willing[Math.floor(draw! * willing.length)]!;
    if (persistentSeconds !== undefined) this.affinity.push({ set: persistenceSet(server, real), client: this.src });
    return { real, ...(draw === undefined ? {} : { draw }) };
  }

  #remembers(server: VirtualServer, real: RealServer, seconds: number): boolean {
    const seen = this.options.affinity?.lastSeen(persistenceSet(server, real), this.src);
    return seen !== undefined && this.options.now - seen < seconds * 1000;
  }

  protected override throughVirtualServer({ ip, protocol, port }: { ip: string; protocol: string; port: number }): boolean {
    const taken = this.#taken;
    return taken !== undefined && taken.ip === ip && taken.port === port && taken.protocol.toLowerCase() === protocol;
  }

  protected override inSet(kernelName: string, flags: string): boolean {
    const set = setsByName[this.host.family].get(kernelName);
    if (set === undefined) throw new Error(`a rule matches the set ${kernelName}, which does not exist`);
    if (this.#kernel.isEmpty(set)) return false;
    const by = flags.startsWith("src") ? this.src : this.dst;
    switch (setTypes[set]) {
      case "hash:ip":
        return this.#kernel.has(set, by);
      case "bitmap:port":
        return this.#kernel.has(set, String(this.port));
      case "hash:ip,port":
        return this.#kernel.has(set, this.#socket(by));
      case "hash:ip,port,ip":
        return this.#kernel.has(set, `${this.#socket(by)},${flags.endsWith("src") ? this.src : this.dst}`);
      case "hash:ip,port,net": {
        const third = flags.endsWith("src") ? this.src : this.dst;
        return this.#kernel.ranges(set, this.#socket(by)).some((range) => parseCidr(range)!.contains(third));
      }
      default:
        return setTypes[set] satisfies never;
    }
  }

  /** As entries of sets begin; many rules ask for the same one after the other. */
  #socket(ip: string): string {
    if (this.#asked?.ip !== ip || this.#asked.port !== this.port) {
      this.#asked = { ip, port: this.port, socket: `${ip},${this.protocol}:${this.port}` };
    }
    return this.#asked.socket;
  }
}
