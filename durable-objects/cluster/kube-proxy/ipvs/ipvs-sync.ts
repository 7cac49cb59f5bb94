/**
 * One node's kube-proxy in ipvs mode at work: what it does to the kernel from one sync to the next.
 *
 * A TCP real server with connections is not deleted but drained: its weight is 0 until its connections are gone, which is
 * looked at once a minute.
 */
import { parseCidr } from "../address.ts";
import { printRestore } from "../iptables/print-rules.ts";
import type { Family } from "../rule-set.ts";
import type { IpvsState, NodeContext } from "./compile-ipvs.ts";
import { type IpSets, kernelSetName, setNames } from "./ip-sets.ts";
import { type RealServer, realServerText, serverKey, serverText, socketText, type VirtualServer } from "./virtual-server.ts";

/** Connections of a real server (`ip:port`), active and inactive ones together. */
export type Connections = (realServer: string) => number;

export class IpvsSync {
  readonly #servers = new Map<string, VirtualServer>();
  /** Keys `server real-server` of those that drain. */
  readonly #draining = new Map<string, { server: string; real: RealServer }>();
  #addresses = new Set<string>();
  #sets: IpSets | undefined;

  /**
   * Brings the kernel to the wanted state.
   *
   * @returns the operations in the spelling of the captures, one a line, and the `iptables-restore` input
   */
  sync(node: NodeContext, wanted: IpvsState, connections: Connections): { operations: string[]; iptables: string } {
    const operations: string[] = [];
    const bound = new Set(this.#addresses);
    for (const server of wanted.servers.values()) {
      operations.push(...this.#server(server));
      if (wanted.addresses.includes(server.ip) && !bound.has(server.ip)) {
        bound.add(server.ip);
        operations.push(`addr add ${server.ip} dev kube-ipvs0`);
      }
      operations.push(...this.#realServers(server, connections));
    }
    operations.push(...setChanges(this.#sets, wanted.sets, node.family));
    this.#sets = wanted.sets;
    operations.push(...this.#unbind(wanted));
    operations.push(...this.#removeServers(node, wanted));
    return { operations, iptables: printRestore(wanted.iptables) };
  }

  /** The look once a minute: what has no connections any more goes. */
  tick(connections: Connections): string[] {
    const gone = [...this.#draining].filter(([, { real }]) => connections(socketText(real)) === 0);
    return gone.map(([key, { server, real }]) => {
      this.#draining.delete(key);
      this.#setRealServers(server, (servers) => servers.filter((one) => socketText(one) !== socketText(real)));
      return `ipvs -d ${server} -r ${socketText(real)}`;
    });
  }

  /** What the kernel holds: the wanted state, and what still drains. */
  state(wanted: IpvsState): IpvsState {
    return { ...wanted, servers: this.#servers };
  }

  #server(wanted: VirtualServer): string[] {
    const key = serverKey(wanted);
    const known = this.#servers.get(key);
    this.#servers.set(key, { ...wanted, realServers: known?.realServers ?? [] });
    if (known === undefined) return [`ipvs -A ${serverText(wanted)}`];
    return serverText(known) === serverText(wanted) ? [] : [`ipvs -E ${serverText(wanted)}`];
  }

  /** New ones first, then removals, each by text. */
  #realServers(wanted: VirtualServer, connections: Connections): string[] {
    const key = serverKey(wanted);
    const known = new Map(this.#servers.get(key)!.realServers.map((real) => [socketText(real), real]));
    const next = new Map(wanted.realServers.map((real) => [socketText(real), real]));
    const byText = <T>(map: Map<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const operations: string[] = [];
    for (const [text, real] of byText(next)) {
      const draining = this.#draining.delete(`${key} ${text}`);
      if (known.has(text) && !draining) continue;
      if (draining) operations.push(`ipvs -d ${key} -r ${text}`);
      operations.push(`ipvs -a ${realServerText(wanted, real)}`);
      known.set(text, real);
    }
    for (const [text, real] of byText(known)) {
      if (next.has(text) || this.#draining.has(`${key} ${text}`)) continue;
      if (wanted.protocol === "TCP" && connections(text) > 0) {
        const drained = { ...real, weight: 0 };
        this.#draining.set(`${key} ${text}`, { server: key, real: drained });
        known.set(text, drained);
        operations.push(`ipvs -e ${realServerText(wanted, drained)}`);
      } else {
        known.delete(text);
        operations.push(`ipvs -d ${key} -r ${text}`);
      }
    }
    this.#setRealServers(key, () => [...known.values()]);
    return operations;
  }

  #setRealServers(key: string, change: (servers: readonly RealServer[]) => RealServer[]): void {
    const server = this.#servers.get(key);
    if (server !== undefined) this.#servers.set(key, { ...server, realServers: change(server.realServers) });
  }

  #unbind(wanted: IpvsState): string[] {
    const next = new Set(wanted.addresses);
    const gone = [...this.#addresses].filter((ip) => !next.has(ip)).sort();
    this.#addresses = next;
    return gone.map((ip) => `addr del ${ip} dev kube-ipvs0`);
  }

  #removeServers({ options }: NodeContext, wanted: IpvsState): string[] {
    const excluded = options.ipvsExcludeCIDRs.flatMap((text) => parseCidr(text) ?? []);
    const gone = [...this.#servers.values()].filter(
      (server) => !wanted.servers.has(serverKey(server)) && !excluded.some((range) => range.contains(server.ip)),
    );
    return gone
      .map((server) => serverKey(server))
      .sort()
      .map((key) => {
        this.#servers.delete(key);
        for (const [draining, { server }] of this.#draining) if (server === key) this.#draining.delete(draining);
        return `ipvs -D ${key}`;
      });
  }
}

/** Set by set, what goes before what comes. */
function setChanges(before: IpSets | undefined, after: IpSets, family: Family): string[] {
  return setNames.flatMap((set) => {
    const name = kernelSetName(set, family);
    const gone = (before?.entries(set) ?? []).filter(({ text }) => !after.has(set, text));
    const fresh = after.entries(set).filter(({ text }) => before === undefined || !before.has(set, text));
    return [...gone.map(({ text }) => `ipset del ${name} ${text}`), ...fresh.map(({ text }) => `ipset add ${name} ${text} -exist`)];
  });
}
