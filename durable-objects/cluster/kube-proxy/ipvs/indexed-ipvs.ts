/**
 * A kernel in ipvs mode as a walk needs it: virtual servers, ip sets and bound addresses from which one service port can
 * be taken out again (`IndexedIpvs`), and the whole of it as listed (`ListedIpvs`).
 *
 * `test/proxy-differential.test.ts` shows that walks over both say the same.
 */
import { KernelTables } from "../iptables/kernel-tables.ts";
import type { CompiledPorts } from "../port-cache.ts";
import { inMapOrder, type ServicePortEntry } from "../service-map.ts";
import { compileIptables } from "./compile-iptables.ts";
import { type IpvsState, type NodeContext, partOf } from "./compile-ipvs.ts";
import type { CompiledPort } from "./compile-service.ts";
import { ensureJumps } from "./ensure-jumps.ts";
import { type SetName, setNames, setTypes } from "./ip-sets.ts";
import { serverKey, type VirtualServer } from "./virtual-server.ts";
import type { IpvsKernel } from "./walk-ipvs.ts";

export class ListedIpvs implements IpvsKernel {
  readonly state: IpvsState;
  readonly tables = new KernelTables();
  readonly #bound: ReadonlySet<string>;

  constructor(state: IpvsState) {
    this.state = state;
    this.#bound = new Set(state.addresses);
    ensureJumps(this.tables);
    this.tables.restore(state.iptables);
  }

  isBound(ip: string): boolean {
    return this.#bound.has(ip);
  }

  server(key: string): VirtualServer | undefined {
    return this.state.servers.get(key);
  }

  isEmpty(set: SetName): boolean {
    return this.state.sets.isEmpty(set);
  }

  has(set: SetName, text: string): boolean {
    return this.state.sets.has(set, text);
  }

  ranges(set: SetName, socket: string): string[] {
    const entries = this.state.sets.entries(set).filter(({ text }) => text.startsWith(`${socket},`));
    return entries.map(({ text }) => text.slice(socket.length + 1));
  }
}

interface Claim {
  entry: ServicePortEntry;
  server: VirtualServer;
}

export class IndexedIpvs implements IpvsKernel {
  readonly #node: NodeContext;
  readonly #ports: () => CompiledPorts<CompiledPort>;
  /** Two Services may want one address and port; the first in the order of the map has it. */
  readonly #servers = new Map<string, readonly Claim[]>();
  /** How many ports need an entry, by set. */
  readonly #entries = new Map<SetName, Map<string, number>>(setNames.map((name) => [name, new Map()]));
  /** The ranges in the sets that end in one, by set, then by what stands before the range. */
  readonly #ranges = new Map<SetName, Map<string, string[]>>();
  readonly #bound = new Map<string, number>();
  /** The iptables rules; they depend on which sets are empty. */
  #tables: KernelTables | undefined;

  constructor(node: NodeContext, ports: () => CompiledPorts<CompiledPort>) {
    this.#node = node;
    this.#ports = ports;
    this.change([], ports());
  }

  get tables(): KernelTables {
    this.#tables ??= this.#compiled();
    return this.#tables;
  }

  #compiled(): KernelTables {
    const sourceDrops = this.isEmpty("KUBE-LOAD-BALANCER-FW") ? [] : this.#ports().flatMap(({ compiled }) => compiled.sourceDrops);
    const tables = new KernelTables();
    ensureJumps(tables);
    tables.restore(compileIptables(this.#node, this, sourceDrops));
    return tables;
  }

  isBound(ip: string): boolean {
    return this.#bound.has(ip);
  }

  server(key: string): VirtualServer | undefined {
    const [first] = this.#servers.get(key) ?? [];
    return first?.server;
  }

  isEmpty(set: SetName): boolean {
    return this.#entries.get(set)!.size === 0;
  }

  has(set: SetName, text: string): boolean {
    return this.#entries.get(set)!.has(text);
  }

  ranges(set: SetName, socket: string): readonly string[] {
    return this.#ranges.get(set)?.get(socket) ?? [];
  }

  change(removed: CompiledPorts<CompiledPort>, added: CompiledPorts<CompiledPort>): void {
    for (const { entry, compiled } of removed) {
      const part = partOf(this.#node, compiled);
      for (const server of part.servers) this.#release(serverKey(server), entry);
      for (const ip of part.addresses) count(this.#bound, ip, -1);
      for (const { set, entry: one } of part.entries) this.#countEntry(set, one.text, -1);
    }
    for (const { entry, compiled } of added) {
      const part = partOf(this.#node, compiled);
      for (const server of part.servers) this.#claim(serverKey(server), { entry, server });
      for (const ip of part.addresses) count(this.#bound, ip, 1);
      for (const { set, entry: one } of part.entries) this.#countEntry(set, one.text, 1);
    }
    const touched = [...removed, ...added];
    if (touched.some(({ compiled }) => compiled.sourceDrops.length > 0)) this.#tables = undefined;
  }

  #claim(key: string, claim: Claim): void {
    const claims = this.#servers.get(key);
    this.#servers.set(key, claims === undefined ? [claim] : [...claims, claim].sort((a, b) => inMapOrder(a.entry, b.entry)));
  }

  #release(key: string, entry: ServicePortEntry): void {
    const left = (this.#servers.get(key) ?? []).filter((claim) => claim.entry !== entry);
    if (left.length === 0) this.#servers.delete(key);
    else this.#servers.set(key, left);
  }

  #countEntry(set: SetName, text: string, by: 1 | -1): void {
    const entries = this.#entries.get(set)!;
    const before = entries.has(text);
    const wasEmpty = entries.size === 0;
    count(entries, text, by);
    if (wasEmpty !== (entries.size === 0)) this.#tables = undefined;
    if (setTypes[set] !== "hash:ip,port,net" || entries.has(text) === before) return;
    const at = text.lastIndexOf(",");
    const [socket, range] = [text.slice(0, at), text.slice(at + 1)];
    const bySocket = this.#ranges.get(set) ?? new Map<string, string[]>();
    this.#ranges.set(set, bySocket);
    const ranges = bySocket.get(socket) ?? [];
    bySocket.set(socket, before ? ranges.filter((one) => one !== range) : [...ranges, range]);
  }
}

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const left = (counts.get(key) ?? 0) + by;
  if (left === 0) counts.delete(key);
  else counts.set(key, left);
}
