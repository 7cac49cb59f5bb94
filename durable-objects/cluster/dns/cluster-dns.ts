/**
 * The cluster's DNS as the other rooms see it: fed with changes, asked questions, shown as a table.
 *
 * It works as the Corefile in the ConfigMap `coredns` says, from the moment it is written. A Corefile that CoreDNS would
 * not start with leaves the last one in force; that its pods then crash is the kubelet's business, and whether a sender
 * can reach one is decided in `network/`: packets to it go through its Service like any other.
 */
import type { Change } from "../api/change-tracker.ts";
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import type { ConfigMap } from "../api/objects.ts";
import type { Upstream } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { AnswerStore, type CacheEntry } from "./answer-store.ts";
import { corefileConfigMap, defaultCorefile, dnsNamespace } from "./cluster-dns-objects.ts";
import { ClusterZone } from "./cluster-zone.ts";
import { CorefileError } from "./corefile.ts";
import { readCorefile } from "./corefile-plugins.ts";
import { fitToTransport } from "./message-size.ts";
import { askUpstream } from "./plugins/forward.ts";
import { type AnswerContext, DnsServer } from "./server.ts";
import { type ZoneRow, zoneFile, zoneRows } from "./zone-listing.ts";
import { zoneName } from "./zone-name.ts";
import { type ZoneChanges, ZoneTables } from "./zone-tables.ts";

/** What cannot be rebuilt from objects: saved at the end of a turn, put back on wake. */
export interface LivedDNS {
  serial: number;
  cache: CacheEntry[];
}

export interface DnsChanges extends ZoneChanges {
  /** Of any ConfigMaps; the one with the Corefile counts. */
  configMaps?: Iterable<Change<ConfigMap>>;
}

export class ClusterDNS {
  readonly #tables = new ZoneTables();
  readonly #store = new AnswerStore();
  readonly #upstream: Upstream;
  readonly #options: Pick<SandboxOptions, "clusterDNS" | "clusterDomain">;
  readonly #defaultCorefile: string;
  #corefile: string | undefined;
  #server: DnsServer;

  /** @param cacheClusterZone true: without a ConfigMap also answers of the cluster's own zone are cached, as kubeadm configured it before 1.31 */
  constructor({
    options,
    upstream,
    cacheClusterZone = false,
  }: { options: SandboxOptions; upstream: Upstream; cacheClusterZone?: boolean }) {
    this.#options = options;
    this.#upstream = upstream;
    this.#defaultCorefile = defaultCorefile(options.clusterDomain, { cacheClusterZone });
    this.#server = new DnsServer([], this.#parts());
    this.#configure(this.#defaultCorefile);
  }

  apply({ configMaps = [], ...changes }: DnsChanges): void {
    this.#tables.apply(changes);
    this.#server.forget();
    for (const { before, after } of configMaps) {
      const { namespace, name } = (after ?? before)!.metadata;
      if (namespace === dnsNamespace && name === corefileConfigMap) this.#configure(after?.data?.["Corefile"] ?? this.#defaultCorefile);
    }
  }

  /** What a DNS pod answers. */
  answer(question: DnsQuestion, context: AnswerContext): DnsMessage {
    return this.#server.answer(question, context);
  }

  /** What the resolver of the nodes answers, which knows nothing of the cluster; `undefined`: it does not reply. */
  answerOutside(question: DnsQuestion): DnsMessage | undefined {
    const message = askUpstream(question, this.#upstream);
    return message && fitToTransport(message);
  }

  /** Every record of the zones that can be listed, each with the object it comes from. Pod addresses cannot: they are read out of the question. */
  zoneTable(): ZoneRow[] {
    const zones = [zoneName(this.#options.clusterDomain), "in-addr.arpa.", "ip6.arpa."];
    return zoneRows(new ClusterZone({ zones, dnsServiceIP: this.#options.clusterDNS, tables: this.#tables }), this.#options.clusterDomain);
  }

  zoneFile(): string {
    return zoneFile(this.zoneTable(), this.#options.clusterDomain);
  }

  lived(now: number): LivedDNS {
    return { serial: this.#tables.serial, cache: this.#store.entries(now) };
  }

  /** After the objects are back, since adding them moves the serial. */
  restore({ serial, cache }: LivedDNS): void {
    this.#tables.serial = serial;
    this.#store.restore(cache);
    this.#server.forget();
  }

  /** Another Corefile starts with an empty cache. */
  #configure(text: string): void {
    if (text === this.#corefile) return;
    const config = readCorefile(text);
    if (config instanceof CorefileError) return;
    this.#corefile = text;
    this.#store.clear();
    this.#server = new DnsServer(config.servers, this.#parts());
  }

  #parts(): ConstructorParameters<typeof DnsServer>[1] {
    return { tables: this.#tables, dnsServiceIP: this.#options.clusterDNS, store: this.#store, upstream: this.#upstream };
  }
}
