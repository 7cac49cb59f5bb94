/**
 * The way of a packet through a kernel with virtual servers: iptables rules before and behind, IPVS in between.
 *
 * IPVS takes what is addressed to a virtual server behind the INPUT filter, or, for a process of the node, behind the nat
 * table of OUTPUT; it sends it on through the OUTPUT filter and POSTROUTING.
 */

import { parseCidr } from "../address.ts";
import type { Host } from "../host.ts";
import type { KernelTables } from "../iptables/kernel-tables.ts";
import { type DrawnOptions, PacketWalk, type Verdict } from "../iptables/packet-walk.ts";
import type { Packet, Walk } from "../rule-set.ts";
import type { ServiceProtocol } from "../service-changes.ts";
import type { IpvsState } from "./compile-ipvs.ts";
import { kernelSetName, type SetName, setNames, setTypes } from "./ip-sets.ts";
import { type RealServer, realServerText, serverKey, serverText, socketText, type VirtualServer } from "./virtual-server.ts";

export interface IpvsKernel {
  tables: KernelTables;
  state: IpvsState;
}

/** `table` of a virtual server's lines in a walk and in linked rules; the server stands in the place of the chain. */
export const ipvsTable = "ipvs";

export const walkIpvs = (kernel: IpvsKernel, host: Host, packet: Packet, options: DrawnOptions): Walk =>
  new IpvsWalk(kernel, host, packet, options).run();

/** The affinity set of a client that stays with a real server. */
export const persistenceSet = (server: VirtualServer, real: RealServer): string => `${serverKey(server)} -r ${socketText(real)}`;

class IpvsWalk extends PacketWalk {
  readonly #state: IpvsState;
  readonly #setsByName: ReadonlyMap<string, SetName>;
  #taken: VirtualServer | undefined;

  constructor({ tables, state }: IpvsKernel, host: Host, packet: Packet, options: DrawnOptions) {
    super(tables, host, packet, options);
    this.#state = state;
    this.#setsByName = new Map(setNames.map((name) => [kernelSetName(name, host.family), name]));
  }

  protected override outgoing(): Verdict {
    const out = this.through([["OUTPUT", "nat"]]);
    if (out !== "accept") return out;
    const scheduled = this.#schedule();
    if (scheduled !== "accept") return scheduled;
    const sent = this.through([
      ["OUTPUT", "filter"],
      ["POSTROUTING", "nat"],
    ]);
    if (sent !== "accept" || !this.host.isLocal(this.dst)) return sent;
    this.inInterface = "lo";
    return this.through([["INPUT", "filter"]]);
  }

  protected override incoming(): Verdict {
    const entered = this.through([["PREROUTING", "nat"]]);
    if (entered !== "accept") return entered;
    if (!this.host.isLocal(this.dst)) {
      return this.through([
        ["FORWARD", "filter"],
        ["POSTROUTING", "nat"],
      ]);
    }
    const admitted = this.through([["INPUT", "filter"]]);
    if (admitted !== "accept") return admitted;
    const scheduled = this.#schedule();
    // A real server on this very node gets the packet as it came in; only what leaves again passes the hooks of sending.
    if (scheduled !== "accept" || this.#taken === undefined || this.host.isLocal(this.dst)) return scheduled;
    this.inInterface = undefined;
    return this.through([
      ["OUTPUT", "filter"],
      ["POSTROUTING", "nat"],
    ]);
  }

  /** Hands the packet to a real server. A virtual server without one answers that the port is unreachable. */
  #schedule(): Verdict {
    const server = this.#server();
    if (server === undefined) return "accept";
    this.#taken = server;
    const willing = server.realServers.filter((real) => real.weight > 0);
    const { role, objects } = server.origin;
    const at = { rule: { table: ipvsTable, chain: serverKey(server), line: 1, text: `-A ${serverText(server)}` }, hook: this.hook };
    if (willing.length === 0) {
      this.matched.push({ ...at, role: "no-endpoints", objects, action: "reject" });
      return "reject";
    }
    const { real, draw } = this.#choose(server, willing);
    const line = server.realServers.indexOf(real) + 2;
    const text = `-a ${realServerText(server, real)}`;
    this.matched.push({ ...at, role, objects, action: "jump", to: serverKey(server), ...(draw === undefined ? {} : { draw }) });
    this.matched.push({
      rule: { table: ipvsTable, chain: serverKey(server), line, text },
      hook: this.hook,
      role: "endpoint",
      objects: [...objects, ...real.objects],
      action: "dnat",
      dnat: { ip: real.ip, port: real.port },
    });
    this.rewrite(real.ip, real.port);
    return "accept";
  }

  #server(): VirtualServer | undefined {
    if (this.packet.protocol === "ICMP" || this.port === undefined) return undefined;
    return this.#state.servers.get(serverKey({ ip: this.dst, port: this.port, protocol: this.packet.protocol as ServiceProtocol }));
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
    const set = this.#setsByName.get(kernelName);
    if (set === undefined) throw new Error(`a rule matches the set ${kernelName}, which does not exist`);
    const [first, , third] = flags.split(",").map((flag) => (flag === "src" ? this.src : this.dst));
    const socket = `${first},${this.packet.protocol.toLowerCase()}:${this.port}`;
    switch (setTypes[set]) {
      case "hash:ip":
        return this.#state.sets.has(set, first!);
      case "bitmap:port":
        return this.#state.sets.has(set, String(this.port));
      case "hash:ip,port":
        return this.#state.sets.has(set, socket);
      case "hash:ip,port,ip":
        return this.#state.sets.has(set, `${socket},${third}`);
      case "hash:ip,port,net":
        return this.#state.sets
          .entries(set)
          .some(({ text }) => text.startsWith(`${socket},`) && parseCidr(text.slice(socket.length + 1))!.contains(third!));
      default:
        return setTypes[set] satisfies never;
    }
  }
}
