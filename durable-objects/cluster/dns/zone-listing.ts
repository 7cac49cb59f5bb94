/**
 * The zones as a person reads them: a table that links each record to its object, and a zone file.
 *
 * Every row is asked of the zone itself, so that the list cannot say anything else than the server.
 */

import { parseAddress, reverseName } from "../api/dns-address.ts";
import { absolute } from "../api/domain-names.ts";
import type { DnsRecord, ObjectRef } from "../api/network.ts";
import type { ClusterZone } from "./cluster-zone.ts";
import { type Candidate, serviceRef } from "./zone-candidates.ts";

export interface ZoneRow extends DnsRecord {
  /** The object that makes the record exist; absent for what the server makes by itself. */
  object?: ObjectRef;
}

/** Services in the order of their names: addresses, aliases, ports and endpoints of each, then the reverse names. */
export function zoneRows(zone: ClusterZone, domain: string): ZoneRow[] {
  const apex = absolute(domain);
  const rows = new Map<string, ZoneRow>();
  const list = (name: string, types: readonly string[], objectOf: (record: DnsRecord) => ObjectRef | undefined): void => {
    for (const type of types) {
      const found = zone.lookup(name, type, () => []);
      if (found.outcome !== "records") continue;
      for (const record of found.answer.filter((each) => each.type === type)) {
        const key = `${record.name} ${record.type} ${record.data}`;
        const object = objectOf(record);
        if (!rows.has(key)) rows.set(key, object === undefined ? record : { ...record, object });
      }
    }
  };

  list(apex, ["SOA", "NS"], () => undefined);
  list(`ns.dns.${apex}`, ["A", "AAAA"], () => undefined);
  list(`dns-version.${apex}`, ["TXT"], () => undefined);
  const addresses = new Set<string>();
  for (const service of zone.tables.services()) {
    const name = `${service.name}.${service.namespace}.svc.${apex}`;
    const object = serviceRef(service);
    const endpoints = zone.tables.slicesOf(service.namespace, service.name).flatMap((slice) => slice.addresses);
    list(name, ["A", "AAAA"], (record) => objectOfAddress(zone, name, apex, record) ?? object);
    list(name, ["CNAME", "SRV"], () => object);
    for (const { name: port, protocol } of service.ports) {
      if (port !== "") list(`_${port}._${protocol.toLowerCase()}.${name}`, ["SRV"], () => object);
    }
    for (const label of new Set(endpoints.map((endpoint) => endpoint.label))) {
      const endpoint = `${label}.${name}`;
      list(endpoint, ["A", "AAAA", "SRV"], (record) => objectOfAddress(zone, endpoint, apex, record) ?? object);
    }
    for (const ip of [...service.clusterIPs, ...endpoints.map((endpoint) => endpoint.ip)]) addresses.add(ip);
  }
  for (const ip of addresses) {
    const address = parseAddress(ip);
    if (address !== undefined) list(reverseName(address), ["PTR"], ({ data }) => objectOfTarget(zone, data, apex));
  }
  return [...rows.values()];
}

const candidatesOf = (zone: ClusterZone, name: string, apex: string): readonly Candidate[] => {
  const found = zone.candidates({ name, zone: apex });
  return found === "missing" ? [] : found;
};

const objectOfAddress = (zone: ClusterZone, name: string, apex: string, { data }: DnsRecord): ObjectRef | undefined =>
  candidatesOf(zone, name, apex).find(({ host }) => parseAddress(host)?.text === data)?.object;

const objectOfTarget = (zone: ClusterZone, target: string, apex: string): ObjectRef | undefined =>
  candidatesOf(zone, target, apex)[0]?.object;

/** In the format of RFC 1035, section 5, with absolute names throughout. */
export function zoneFile(rows: readonly ZoneRow[], domain: string): string {
  const width = rows.reduce((most, { name }) => Math.max(most, name.length), 0);
  const lines = rows.map(({ name, ttl, type, data }) => `${name.padEnd(width)} ${String(ttl).padStart(5)} IN ${type.padEnd(5)} ${data}`);
  return [`$ORIGIN ${absolute(domain)}`, ...lines, ""].join("\n");
}
