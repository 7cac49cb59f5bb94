/**
 * What a question about a name inside the cluster's zones is answered with: records in, records out, exactly as the DNS
 * server of a real cluster answers from its objects.
 *
 * Which objects a name stands for is `zone-candidates.ts`. Knows no messages, no cache and no TTL but its own; where a
 * chain leaves the zone, the caller's `follow` goes on.
 */
import { addressOfReverseName, type DnsAddress, parseAddress } from "../api/dns-address.ts";
import { absolute, foldCase, sameName } from "../api/domain-names.ts";
import type { DnsRecord } from "../api/network.ts";
import {
  type Candidate,
  candidatesAt,
  candidatesOf,
  candidatesOfIPs,
  type Found,
  labelsBelow,
  type NameInZone,
} from "./zone-candidates.ts";
import { isReverse, zoneAround } from "./zone-name.ts";
import { type ZoneChanges, ZoneTables } from "./zone-tables.ts";

/** What becomes of `1-2-3-4.namespace.pod`: never exists, always, or only where a pod of that namespace has the address. */
export type PodMode = "disabled" | "insecure" | "verified";

export interface ZoneSettings {
  /** The zones that are served, absolute and in lower case; the first that is not a reverse zone names the records. */
  zones: readonly string[];
  /** Cluster IP of the Service in front of the DNS pods; that Service is the zone's name server. */
  dnsServiceIP: string;
  /** Seconds; of every record but the schema version. */
  ttl?: number;
  pods?: PodMode;
  tables?: ZoneTables;
}

const schemaVersion = "1.1.0";
const schemaVersionTTL = 28_800;
const longestChain = 11;

export type ZoneAnswer =
  | { outcome: "records"; answer: DnsRecord[]; additional: DnsRecord[] }
  /** The name exists, but nothing of that type. `soa` goes into the authority section; so it does for `nxdomain`. */
  | { outcome: "nodata" | "nxdomain"; soa: DnsRecord }
  /** Zone transfers. */
  | { outcome: "refused" }
  /** Not a name of these zones. */
  | { outcome: "elsewhere" };

/** Asks the server itself for a name outside the zone that an ExternalName points to. */
export type Follow = (name: string, type: string) => readonly DnsRecord[];

export class ClusterZone {
  readonly tables: ZoneTables;
  /** The zone that answers to reverse questions lead into, absolute and in lower case. */
  readonly domain: string;
  readonly #zones: readonly string[];
  readonly #dnsServiceIP: string;
  readonly #ttl: number;
  readonly #pods: PodMode;

  constructor({ zones, dnsServiceIP, ttl = 30, pods = "insecure", tables = new ZoneTables() }: ZoneSettings) {
    this.tables = tables;
    this.domain = zones.find((zone) => !isReverse(zone)) ?? ".";
    this.#zones = zones;
    this.#dnsServiceIP = dnsServiceIP;
    this.#ttl = ttl;
    this.#pods = pods;
  }

  apply(changes: ZoneChanges): void {
    this.tables.apply(changes);
  }

  /** The zone that a name lies in, in the spelling of that name. */
  zoneOf(name: string): string | undefined {
    const zone = zoneAround(name, this.#zones);
    if (zone === undefined) return undefined;
    return zone === "." ? zone : name.slice(name.length - zone.length);
  }

  lookup(name: string, type: string, follow: Follow): ZoneAnswer {
    const zone = this.zoneOf(name);
    if (zone === undefined) return { outcome: "elsewhere" };
    if (type === "AXFR" || type === "IXFR") return { outcome: "refused" };
    const found = this.#recordsOf({ name, zone, type }, follow);
    if (found === "missing") return { outcome: "nxdomain", soa: this.soa(zone) };
    return found.answer.length === 0 ? { outcome: "nodata", soa: this.soa(zone) } : { outcome: "records", ...found };
  }

  /** The objects that a name stands for. */
  candidates(of: NameInZone): Found {
    return candidatesOf(of, { reverse: isReverse(foldCase(of.zone)), pods: this.#pods }, this.tables);
  }

  soa(zone: string): DnsRecord {
    const data = `ns.dns.${zone} hostmaster.${zone} ${this.tables.serial} 7200 1800 86400 ${this.#ttl}`;
    return { name: zone, type: "SOA", ttl: this.#ttl, data };
  }

  #recordsOf(of: NameInZone & { type: string }, follow: Follow): Records | "missing" {
    const { name, zone, type } = of;
    const apex = name === zone;
    switch (type) {
      case "SOA":
        return only(apex ? [this.soa(zone)] : []);
      case "A":
      case "AAAA":
        return this.#addresses(of, type, follow);
      case "CNAME":
        return this.#alias(of);
      case "SRV":
        return this.#services(of);
      case "TXT":
        return this.#texts(of);
      case "PTR":
        return this.#pointers(of);
      case "NS":
        // The real server compares the folded name with the zone as spelled, so `NS Cluster.Local` misses the apex.
        return foldCase(name) === zone ? this.#nameServers(zone) : this.#nothing(of);
      default:
        return this.#nothing(of);
    }
  }

  /** For types that never exist: NODATA where the name exists, as an address question would find out. */
  #nothing(of: NameInZone): Records | "missing" {
    if (isNameServerName(of)) return only([]);
    return this.candidates(of) === "missing" ? "missing" : only([]);
  }

  #addresses(of: NameInZone, type: "A" | "AAAA", follow: Follow, chain: readonly string[] = []): Records | "missing" {
    const found = isNameServerName(of) ? this.#nameServerAddresses() : this.candidates(of);
    if (found === "missing") return "missing";
    const records: DnsRecord[] = [];
    for (const { host } of found) {
      const address = parseAddress(host);
      if (address === undefined) records.push(...this.#throughAlias({ of, type, target: absolute(host), follow, chain }));
      else if (isOfType(address, type)) records.push({ name: of.name, type, ttl: this.#ttl, data: address.text });
    }
    return only(withoutRepeats(records));
  }

  /** An alias and what it leads to; nothing at all where it leads to no address inside the zone. */
  #throughAlias(step: { of: NameInZone; type: "A" | "AAAA"; target: string; follow: Follow; chain: readonly string[] }): DnsRecord[] {
    const { of, type, target, follow, chain } = step;
    const link = `${foldCase(of.name)} ${foldCase(target)}`;
    if (sameName(of.name, target) || chain.length >= longestChain || chain.includes(link)) return [];
    const alias: DnsRecord = { name: of.name, type: "CNAME", ttl: this.#ttl, data: target };
    const targetZone = this.zoneOf(target);
    if (targetZone === undefined || foldCase(targetZone) !== foldCase(of.zone)) return [alias, ...follow(target, type)];
    const next = this.#addresses({ name: target, zone: of.zone }, type, follow, [...chain, link]);
    return next === "missing" || next.answer.length === 0 ? [] : [alias, ...next.answer];
  }

  #alias(of: NameInZone): Records | "missing" {
    const found = isNameServerName(of) ? [] : this.candidates(of);
    if (found === "missing") return "missing";
    const [first] = found;
    if (first === undefined || parseAddress(first.host) !== undefined) return only([]);
    return only([{ name: of.name, type: "CNAME", ttl: this.#ttl, data: absolute(first.host) }]);
  }

  /** The weight is shared between all candidates, also those that then turn out to be the same target and port. */
  #services(of: NameInZone): Records | "missing" {
    const found = isNameServerName(of) ? [] : this.candidates(of);
    if (found === "missing") return "missing";
    const candidates = found.filter(({ host }) => parseAddress(host) !== undefined);
    const weight = Math.max(1, Math.floor(100 / candidates.length));
    const answer: DnsRecord[] = [];
    const additional: DnsRecord[] = [];
    for (const { host, port, owner } of candidates.filter((candidate) => candidate.port !== -1)) {
      const target = `${owner.join(".")}.${of.zone}`;
      answer.push({ name: of.name, type: "SRV", ttl: this.#ttl, data: `0 ${weight} ${port} ${target}` });
      additional.push(...addressRecord(target, host, this.#ttl));
    }
    return { answer: withoutRepeats(answer), additional: withoutRepeats(additional) };
  }

  /** Only the schema version has text; elsewhere even names that exist but hold nothing count as missing. */
  #texts(of: NameInZone): Records | "missing" {
    if (foldCase(labelsBelow(of).join(".")) === "dns-version") {
      return only([{ name: of.name, type: "TXT", ttl: schemaVersionTTL, data: `"${schemaVersion}"` }]);
    }
    const found = this.candidates(of);
    return found === "missing" || found.length === 0 ? "missing" : only([]);
  }

  #pointers(of: NameInZone): Records | "missing" {
    const address = addressOfReverseName(of.name);
    if (address === undefined) return this.candidates(of) === "missing" ? "missing" : only([]);
    const targets = candidatesAt(address.text, this.tables);
    if (targets.length === 0) return "missing";
    const records = targets.map(({ owner }) => ({ name: of.name, type: "PTR", ttl: this.#ttl, data: `${owner.join(".")}.${this.domain}` }));
    return only(withoutRepeats(records));
  }

  #nameServers(zone: string): Records {
    const addresses = this.#nameServerAddresses();
    const names = new Set(addresses.map(({ owner }) => `${owner.join(".")}.${zone}`));
    return {
      answer: [...names].map((data) => ({ name: zone, type: "NS", ttl: this.#ttl, data })),
      additional: addresses.flatMap(({ host, owner }) => addressRecord(`${owner.join(".")}.${zone}`, host, this.#ttl)),
    };
  }

  #nameServerAddresses(): Candidate[] {
    const service = this.tables.serviceOfIP(this.#dnsServiceIP);
    return service === undefined ? [] : candidatesOfIPs(service);
  }
}

interface Records {
  answer: DnsRecord[];
  additional: DnsRecord[];
}

const only = (answer: DnsRecord[]): Records => ({ answer, additional: [] });

/** `ns.dns.<zone>`, the name server that every SOA claims; the real server finds it only below a zone in lower case. */
const isNameServerName = ({ name, zone }: NameInZone): boolean => foldCase(name) === `ns.dns.${zone}`;

const isOfType = ({ family }: DnsAddress, type: "A" | "AAAA"): boolean => family === (type === "A" ? "IPv4" : "IPv6");

function addressRecord(name: string, host: string, ttl: number): DnsRecord[] {
  const address = parseAddress(host);
  return address === undefined ? [] : [{ name, type: address.family === "IPv4" ? "A" : "AAAA", ttl, data: address.text }];
}

function withoutRepeats(records: readonly DnsRecord[]): DnsRecord[] {
  const seen = new Set<string>();
  return records.filter(({ name, type, data }) => {
    const key = `${name} ${type} ${data}`;
    return !seen.has(key) && seen.add(key);
  });
}
