/**
 * The zones as a person reads them: a table that links each record to its object, and a zone file.
 *
 * Every row is asked of the zone itself, so that the list cannot say anything else than the server.
 */

import { parseAddress, reverseName } from "../api/dns-address.ts";
import { absolute } from "../api/domain-names.ts";
import type { DnsRecord, ObjectRef } from "../api/network.ts";
import type { ClusterZone } from "./cluster-zone.ts";
import { candidatesAt, serviceRef, sliceRef } from "./zone-candidates.ts";

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
    const slices = zone.tables.slicesOf(service.namespace, service.name);
    const byAddress = new Map(slices.flatMap((slice) => slice.addresses.map(({ ip }) => [canonical(ip), sliceRef(slice)])));
    const byLabel = new Map(slices.flatMap((slice) => slice.addresses.map(({ label }) => [label, sliceRef(slice)])));
    list(name, ["A", "AAAA"], ({ data }) => (service.headless ? byAddress.get(data) : object));
    list(name, ["CNAME", "SRV"], () => object);
    for (const { name: port, protocol } of service.ports) {
      if (port !== "") list(`_${port}._${protocol.toLowerCase()}.${name}`, ["SRV"], () => object);
    }
    for (const [label, slice] of byLabel) list(`${label}.${name}`, ["A", "AAAA", "SRV"], () => slice);
    for (const ip of [...service.clusterIPs.map(canonical), ...byAddress.keys()]) addresses.add(ip);
  }
  for (const ip of addresses) {
    const address = parseAddress(ip);
    const owners = new Map(candidatesAt(ip, zone.tables).map(({ owner, object }) => [`${owner.join(".")}.${apex}`, object]));
    if (address !== undefined) list(reverseName(address), ["PTR"], ({ data }) => owners.get(data));
  }
  return [...rows.values()];
}

const canonical = (ip: string): string => parseAddress(ip)?.text ?? ip;

/** In the format of RFC 1035, section 5, with absolute names throughout. */
export function zoneFile(rows: readonly ZoneRow[], domain: string): string {
  const width = rows.reduce((most, { name }) => Math.max(most, name.length), 0);
  const lines = rows.map(({ name, ttl, type, data }) => `${name.padEnd(width)} ${String(ttl).padStart(5)} IN ${type.padEnd(5)} ${data}`);
  return [`$ORIGIN ${absolute(domain)}`, ...lines, ""].join("\n");
}
