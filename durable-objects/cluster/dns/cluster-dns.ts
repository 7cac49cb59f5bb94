/**
 * The cluster's DNS as the other rooms see it: fed with changes, asked questions, shown as a table.
 *
 * Whether a sender can reach it at all is decided in `network/`: packets to it go through its Service like any other.
 */
import type { DnsMessage, DnsQuestion } from "../api/dns-message.ts";
import type { Upstream } from "../api/ports.ts";
import type { SandboxOptions } from "../api/sandbox-options.ts";
import { AnswerCache, type CacheEntry } from "./answer-cache.ts";
import { ClusterZone } from "./cluster-zone.ts";
import { fitToTransport } from "./message-size.ts";
import { type AnswerContext, askUpstream, DnsServer } from "./server.ts";
import { type ZoneRow, zoneFile, zoneRows } from "./zone-listing.ts";
import type { ZoneChanges } from "./zone-tables.ts";

/** What cannot be rebuilt from objects: saved at the end of a turn, put back on wake. */
export interface LivedDNS {
  serial: number;
  cache: CacheEntry[];
}

export class ClusterDNS {
  readonly #zone: ClusterZone;
  readonly #server: DnsServer;
  readonly #upstream: Upstream;
  readonly #domain: string;

  /** @param cacheClusterZone true: also answers of the cluster's own zone are cached, as kubeadm configured it before 1.31 */
  constructor({
    options,
    upstream,
    cacheClusterZone = false,
  }: { options: SandboxOptions; upstream: Upstream; cacheClusterZone?: boolean }) {
    this.#domain = options.clusterDomain;
    this.#upstream = upstream;
    this.#zone = new ClusterZone({ domain: options.clusterDomain, dnsServiceIP: options.clusterDNS });
    const cache = new AnswerCache(cacheClusterZone ? "" : options.clusterDomain);
    this.#server = new DnsServer({ zone: this.#zone, cache, upstream });
  }

  apply(changes: ZoneChanges): void {
    this.#zone.apply(changes);
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
    return zoneRows(this.#zone, this.#domain);
  }

  zoneFile(): string {
    return zoneFile(this.zoneTable(), this.#domain);
  }

  lived(now: number): LivedDNS {
    return { serial: this.#zone.tables.serial, cache: this.#server.cache.entries(now) };
  }

  /** After the objects are back, since adding them moves the serial. */
  restore({ serial, cache }: LivedDNS): void {
    this.#zone.tables.serial = serial;
    this.#server.cache.restore(cache);
  }
}
