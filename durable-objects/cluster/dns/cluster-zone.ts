/**
 * What a name inside the cluster's zones means: records in, records out, exactly as the DNS server of a real cluster
 * answers from its objects.
 *
 * Knows no messages, no cache and no TTL but its own; where a chain leaves the zone, the caller's `follow` goes on.
 *
 * Parsing, after cutting off the zone, labels from the right:
 *   1. nothing, `svc` or `pod` alone: exists and holds nothing
 *   2. `svc` or `pod`, else the name does not exist
 *   3. the namespace, which must exist
 *   4. the Service, or the dashed address of a pod
 *   5. one more label: an endpoint name; two more: port and protocol, each with or without its underscore
 *
 * @see https://github.com/kubernetes/dns/blob/master/docs/specification.md
 */

import { addressOfReverseName, type DnsAddress, parseAddress } from "../api/dns-address.ts";
import { absolute, foldCase, labelsOf, nameOf, sameName } from "../api/domain-names.ts";
import type { DnsRecord, ObjectRef } from "../api/network.ts";
import { type ZoneChanges, type ZonePort, ZoneTables } from "./zone-tables.ts";

/** Seconds; of every record but the schema version. */
export const zoneTTL = 30;
const schemaVersion = "1.1.0";
const schemaVersionTTL = 28_800;
const longestChain = 11;

export type ZoneAnswer =
  | { outcome: "records"; answer: DnsRecord[]; additional: DnsRecord[] }
  /** The name exists, but nothing of that type. `soa` goes into the authority section; so it does for `nxdomain`. */
  | { outcome: "nodata" | "nxdomain"; soa: DnsRecord }
  /** Zone transfers. */
  | { outcome: "refused" }
  /** Not a name of these zones, or one that the reverse zones let through. */
  | { outcome: "elsewhere" };

/** Asks the server itself for a name outside the zone that an ExternalName points to. */
export type Follow = (name: string, type: string) => readonly DnsRecord[];

/** Something a name may stand for, before it becomes a record of some type. */
export interface Candidate {
  /** An address, or for ExternalName a name. */
  host: string;
  port: number;
  /** Where it lives below the zone, in the spelling of the objects: `["web", "default", "svc"]`. */
  owner: readonly string[];
  object: ObjectRef;
}

type Found = readonly Candidate[] | "missing";

export class ClusterZone {
  readonly tables = new ZoneTables();
  readonly #domain: string;
  readonly #dnsServiceIP: string;

  /**
   * @param domain the forward zone: `cluster.local`
   * @param dnsServiceIP cluster IP of the Service in front of the DNS pods; that Service is the zone's name server
   */
  constructor({ domain, dnsServiceIP }: { domain: string; dnsServiceIP: string }) {
    this.#domain = foldCase(absolute(domain));
    this.#dnsServiceIP = dnsServiceIP;
  }

  apply(changes: ZoneChanges): void {
    this.tables.apply(changes);
  }

  /** The zone that a name lies in, in the spelling of that name. */
  zoneOf(name: string): string | undefined {
    const labels = labelsOf(name);
    for (const zone of [this.#domain, "in-addr.arpa.", "ip6.arpa."]) {
      const spelled = nameOf(labels.slice(Math.max(0, labels.length - labelsOf(zone).length)));
      if (foldCase(spelled) === zone) return spelled;
    }
    return undefined;
  }

  lookup(name: string, type: string, follow: Follow): ZoneAnswer {
    const zone = this.zoneOf(name);
    if (zone === undefined) return { outcome: "elsewhere" };
    if (type === "AXFR" || type === "IXFR") return { outcome: "refused" };
    const found = this.#recordsOf({ name, zone, type }, follow);
    if (found === "missing") {
      return foldCase(zone) === this.#domain ? { outcome: "nxdomain", soa: this.soa(zone) } : { outcome: "elsewhere" };
    }
    return found.answer.length === 0 ? { outcome: "nodata", soa: this.soa(zone) } : { outcome: "records", ...found };
  }

  soa(zone: string): DnsRecord {
    const data = `ns.dns.${zone} hostmaster.${zone} ${this.tables.serial} 7200 1800 86400 ${zoneTTL}`;
    return { name: zone, type: "SOA", ttl: zoneTTL, data };
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
      else if (isOfType(address, type)) records.push({ name: of.name, type, ttl: zoneTTL, data: address.text });
    }
    return only(withoutRepeats(records));
  }

  /** An alias and what it leads to; nothing at all where it leads to no address inside the zone. */
  #throughAlias(step: { of: NameInZone; type: "A" | "AAAA"; target: string; follow: Follow; chain: readonly string[] }): DnsRecord[] {
    const { of, type, target, follow, chain } = step;
    const link = `${foldCase(of.name)} ${foldCase(target)}`;
    if (sameName(of.name, target) || chain.length >= longestChain || chain.includes(link)) return [];
    const alias: DnsRecord = { name: of.name, type: "CNAME", ttl: zoneTTL, data: target };
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
    return only([{ name: of.name, type: "CNAME", ttl: zoneTTL, data: absolute(first.host) }]);
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
      answer.push({ name: of.name, type: "SRV", ttl: zoneTTL, data: `0 ${weight} ${port} ${target}` });
      additional.push(...addressRecord(target, host));
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
    const targets = this.#namesOf(address);
    if (targets.length === 0) return "missing";
    const records = targets.map(({ owner }) => ({ name: of.name, type: "PTR", ttl: zoneTTL, data: `${owner.join(".")}.${this.#domain}` }));
    return only(withoutRepeats(records));
  }

  /** A cluster IP stands for its Service and nothing else; another address for each endpoint that has it. */
  #namesOf({ text }: DnsAddress): Candidate[] {
    const service = this.tables.serviceOfIP(text);
    if (service !== undefined)
      return [{ host: text, port: -1, owner: [service.name, service.namespace, "svc"], object: serviceRef(service) }];
    return this.tables.slicesOfIP(text).flatMap((slice) =>
      slice.addresses
        .filter(({ ip }) => ip === text)
        .map(({ label }) => ({
          host: text,
          port: -1,
          owner: [label, slice.service, slice.namespace, "svc"],
          object: sliceRef(slice),
        })),
    );
  }

  #nameServers(zone: string): Records {
    const addresses = this.#nameServerAddresses();
    const names = new Set(addresses.map(({ owner }) => `${owner.join(".")}.${zone}`));
    return {
      answer: [...names].map((data) => ({ name: zone, type: "NS", ttl: zoneTTL, data })),
      additional: addresses.flatMap(({ host, owner }) => addressRecord(`${owner.join(".")}.${zone}`, host)),
    };
  }

  #nameServerAddresses(): Candidate[] {
    const service = this.tables.serviceOfIP(this.#dnsServiceIP);
    if (service === undefined) return [];
    const owner = [service.name, service.namespace, "svc"];
    return service.clusterIPs.map((host) => ({ host, port: -1, owner, object: serviceRef(service) }));
  }

  /** Everything that a name stands for; empty: it exists and holds nothing. */
  candidates(of: NameInZone): Found {
    const labels = labelsBelow(of).map(foldCase);
    const [kind, namespace, head, ...rest] = labels.reverse();
    if (kind === undefined) return [];
    if (kind !== "svc" && kind !== "pod") return "missing";
    if (namespace === undefined) return [];
    if (foldCase(of.zone) !== this.#domain || rest.length > 2 || !this.tables.hasNamespace(namespace)) return "missing";
    if (head === undefined) return [];
    if (kind === "pod") return podCandidates(namespace, head);
    if (rest.length === 2) return this.#serviceCandidates(namespace, head, { protocol: rest[0], port: rest[1] });
    return this.#serviceCandidates(namespace, head, { endpoint: rest[0] });
  }

  #serviceCandidates(namespace: string, name: string, labels: { endpoint?: string; protocol?: string; port?: string }): Found {
    const service = this.tables.service(namespace, name);
    if (service === undefined) return "missing";
    const owner = [service.name, service.namespace, "svc"];
    if (service.externalName !== undefined) {
      const publishable = labels.endpoint === undefined && labels.port === undefined && parseAddress(service.externalName) === undefined;
      return publishable ? [{ host: service.externalName, port: 0, owner, object: serviceRef(service) }] : "missing";
    }
    const wanted = (port: ZonePort): boolean => labelMatches(labels.port, port.name) && labelMatches(labels.protocol, port.protocol);
    if (service.headless || labels.endpoint !== undefined) {
      const found = this.tables
        .slicesOf(namespace, name)
        .flatMap((slice) =>
          slice.addresses
            .filter(({ label }) => labels.endpoint === undefined || foldCase(label) === labels.endpoint)
            .flatMap(({ ip, label }) =>
              slice.ports.filter(wanted).map(({ port }) => ({ host: ip, port, owner: [label, ...owner], object: sliceRef(slice) })),
            ),
        );
      return found.length === 0 ? "missing" : found;
    }
    const ports = service.ports.filter(wanted);
    if (ports.length === 0) return "missing";
    return ports.flatMap(({ port }) => service.clusterIPs.map((host) => ({ host, port, owner, object: serviceRef(service) })));
  }
}

interface NameInZone {
  name: string;
  /** As spelled in the question that led here. */
  zone: string;
}

interface Records {
  answer: DnsRecord[];
  additional: DnsRecord[];
}

const only = (answer: DnsRecord[]): Records => ({ answer, additional: [] });

const labelsBelow = ({ name, zone }: NameInZone): string[] => labelsOf(name).slice(0, -labelsOf(zone).length);

/** `ns.dns.<zone>`, the name server that every SOA claims; the real server finds it only below a zone in lower case. */
const isNameServerName = ({ name, zone }: NameInZone): boolean => foldCase(name) === `ns.dns.${zone}`;

const serviceRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: "v1",
  kind: "Service",
  namespace,
  name,
});

const sliceRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  namespace,
  name,
});

/** A pod needs no existence: any dashed address in an existing namespace stands for itself. Labels to its left are ignored. */
function podCandidates(namespace: string, label: string): Found {
  const looksLikeIPv4 = label.split("-").length === 4 && !label.includes("--");
  const host = label.replaceAll("-", looksLikeIPv4 ? "." : ":");
  if (parseAddress(host) === undefined) return "missing";
  return [{ host, port: 0, owner: [label, namespace, "pod"], object: { apiVersion: "v1", kind: "Namespace", name: namespace } }];
}

/** A port or protocol label, its underscore optional; an absent or bare one matches everything. */
function labelMatches(label: string | undefined, stored: string): boolean {
  const wanted = label?.replace(/^_/, "") ?? "";
  return wanted === "" || wanted === foldCase(stored);
}

const isOfType = ({ family }: DnsAddress, type: "A" | "AAAA"): boolean => family === (type === "A" ? "IPv4" : "IPv6");

function addressRecord(name: string, host: string): DnsRecord[] {
  const address = parseAddress(host);
  return address === undefined ? [] : [{ name, type: address.family === "IPv4" ? "A" : "AAAA", ttl: zoneTTL, data: address.text }];
}

function withoutRepeats(records: readonly DnsRecord[]): DnsRecord[] {
  const seen = new Set<string>();
  return records.filter(({ name, type, data }) => {
    const key = `${name} ${type} ${data}`;
    return !seen.has(key) && seen.add(key);
  });
}
