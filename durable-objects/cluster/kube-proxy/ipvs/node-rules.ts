/**
 * What one node's kernel holds in ipvs mode, as `NodeRules`.
 */
import { candidatesOf, randomDraws } from "../draws.ts";
import { type Host, hostOf } from "../host.ts";
import { KernelTables } from "../iptables/kernel-tables.ts";
import { kernelOrder, kernelRule } from "../iptables/print-rules.ts";
import type { CompiledPorts } from "../port-cache.ts";
import type { Candidate, Family, LinkedRule, LinkedRules, NodeRules, Packet, Walk, WalkOptions } from "../rule-set.ts";
import { compileIpvs, type IpvsState, type NodeContext } from "./compile-ipvs.ts";
import type { CompiledPort } from "./compile-service.ts";
import { ensureJumps } from "./ensure-jumps.ts";
import { kernelSetName, setNames } from "./ip-sets.ts";
import { printBlocks, printKernelTools } from "./print-ipvs.ts";
import { inListingOrder, realServerText, serverKey, serverText } from "./virtual-server.ts";
import { ipvsTable, walkIpvs } from "./walk-ipvs.ts";

export class IpvsRules implements NodeRules {
  readonly mode = "ipvs";
  readonly node: string;
  readonly family: Family;
  readonly state: IpvsState;
  /** What the kernel holds of iptables. A test that takes a rule out changes every walk. */
  readonly tables = new KernelTables();
  readonly #host: Host;

  constructor(context: NodeContext, ports: CompiledPorts<CompiledPort>) {
    this.node = context.options.nodeName;
    this.family = context.family;
    this.state = compileIpvs(context, ports);
    ensureJumps(this.tables);
    this.tables.restore(this.state.iptables);
    const host = hostOf(context.options, context.localTraffic, context.family);
    const bound = new Set(this.state.addresses);
    this.#host = { ...host, isLocal: (ip) => bound.has(ip) || host.isLocal(ip) };
  }

  walk(packet: Packet, { random, ...options }: WalkOptions): Walk {
    return walkIpvs(this, this.#host, packet, { ...options, draws: randomDraws(random) });
  }

  candidates(packet: Packet, options: Omit<WalkOptions, "random" | "detail">): Candidate[] {
    return candidatesOf((draws) => walkIpvs(this, this.#host, packet, { ...options, draws }));
  }

  print(format: "kernel" | "sync"): string {
    return format === "sync" ? printBlocks(this.state, this.family) : printKernelTools(this.state, this.tables, this.family);
  }

  /** Virtual servers (their lines are the server and its real servers), then ip sets, then iptables rules. */
  toJSON(): LinkedRules {
    return { mode: this.mode, node: this.node, family: this.family, rules: [...this.#servers(), ...this.#sets(), ...this.#iptables()] };
  }

  #servers(): LinkedRule[] {
    return inListingOrder(this.state.servers.values()).flatMap((server) => {
      const at = { table: ipvsTable, chain: serverKey(server) };
      const reals = server.realServers.map((real, index): LinkedRule => {
        const objects = [...server.origin.objects, ...real.objects];
        return { ...at, line: index + 2, text: `-a ${realServerText(server, real)}`, role: "endpoint", objects };
      });
      return [{ ...at, line: 1, text: `-A ${serverText(server)}`, ...server.origin }, ...reals];
    });
  }

  #sets(): LinkedRule[] {
    return setNames.flatMap((set) => {
      const chain = kernelSetName(set, this.family);
      return this.state.sets
        .entries(set)
        .map(({ text, origin }, at) => ({ table: "ipset", chain, line: at + 1, text: `add ${chain} ${text}`, ...origin }));
    });
  }

  #iptables(): LinkedRule[] {
    return this.tables.tables().flatMap(({ name: table, chains }) =>
      kernelOrder(chains).flatMap((chain) =>
        chain.rules.map((rule, at) => ({
          table,
          chain: chain.name,
          line: at + 1,
          text: kernelRule(chain.name, rule, this.family),
          ...rule.origin,
        })),
      ),
    );
  }
}
