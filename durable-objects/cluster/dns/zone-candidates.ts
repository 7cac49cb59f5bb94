/**
 * Which objects a name stands for, before a record of some type is made of them.
 *
 * After cutting off the zone, labels from the right:
 *   1. nothing, `svc` or `pod` alone: exists and holds nothing
 *   2. `svc` or `pod`, else the name does not exist
 *   3. the namespace, which must exist
 *   4. the Service, or the dashed address of a pod
 *   5. one more label: an endpoint name; two more: port and protocol, each with or without its underscore
 *
 * @see https://github.com/kubernetes/dns/blob/master/docs/specification.md
 */
import { parseAddress } from "../api/dns-address.ts";
import { foldCase, labelsOf } from "../api/domain-names.ts";
import type { ObjectRef } from "../api/network.ts";
import type { PodMode } from "./cluster-zone.ts";
import type { ZonePort, ZoneTables } from "./zone-tables.ts";

export interface NameInZone {
  name: string;
  /** As spelled in the question that led here. */
  zone: string;
}

export interface Candidate {
  /** An address, or for ExternalName a name. */
  host: string;
  /** -1: none is declared. */
  port: number;
  /** Where it lives below the zone, in the spelling of the objects: `["web", "default", "svc"]`. */
  owner: readonly string[];
  object: ObjectRef;
}

/** Empty: the name exists and holds nothing. */
export type Found = readonly Candidate[] | "missing";

export const labelsBelow = ({ name, zone }: NameInZone): string[] => labelsOf(name).slice(0, -labelsOf(zone).length);

/** @param how.reverse below the reverse zones only `svc` and `pod` themselves exist */
export function candidatesOf(of: NameInZone, how: { reverse: boolean; pods: PodMode }, tables: ZoneTables): Found {
  const [kind, namespace, head, ...rest] = labelsBelow(of).map(foldCase).reverse();
  if (kind === undefined) return [];
  if (kind !== "svc" && kind !== "pod") return "missing";
  if (namespace === undefined) return [];
  if (how.reverse || rest.length > 2 || !tables.hasNamespace(namespace)) return "missing";
  if (kind === "pod" && how.pods === "disabled") return "missing";
  if (head === undefined) return [];
  if (kind === "pod") return podCandidates(namespace, head, how.pods === "verified" ? tables : undefined);
  const [first, second] = rest;
  return serviceCandidates(
    { namespace, name: head, ...(rest.length === 2 ? { protocol: first, port: second } : { endpoint: first }) },
    tables,
  );
}

/** A cluster IP stands for its Service and nothing else; another address for each endpoint that has it. */
export function candidatesAt(ip: string, tables: ZoneTables): Candidate[] {
  const service = tables.serviceOfIP(ip);
  if (service !== undefined) return [{ host: ip, port: -1, owner: ownerOf(service), object: serviceRef(service) }];
  return tables.slicesOfIP(ip).flatMap((slice) =>
    slice.addresses
      .filter((address) => address.ip === ip)
      .map(({ label }) => ({
        host: ip,
        port: -1,
        owner: [label, slice.service, slice.namespace, "svc"],
        object: sliceRef(slice),
      })),
  );
}

/** A Service at its cluster IPs, whatever its ports are. */
export const candidatesOfIPs = (service: { namespace: string; name: string; clusterIPs: readonly string[] }): Candidate[] =>
  service.clusterIPs.map((host) => ({ host, port: -1, owner: ownerOf(service), object: serviceRef(service) }));

const ownerOf = ({ namespace, name }: { namespace: string; name: string }): string[] => [name, namespace, "svc"];

export const serviceRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: "v1",
  kind: "Service",
  namespace,
  name,
});

export const sliceRef = ({ namespace, name }: { namespace: string; name: string }): ObjectRef => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  namespace,
  name,
});

/**
 * A pod needs no existence, unless that is verified: any dashed address in an existing namespace stands for itself.
 * Labels to its left are ignored.
 */
function podCandidates(namespace: string, label: string, verifiedBy: ZoneTables | undefined): Found {
  const looksLikeIPv4 = label.split("-").length === 4 && !label.includes("--");
  const host = label.replaceAll("-", looksLikeIPv4 ? "." : ":");
  const address = parseAddress(host);
  if (address === undefined || verifiedBy?.hasPod(namespace, address.text) === false) return "missing";
  return [{ host, port: 0, owner: [label, namespace, "pod"], object: { apiVersion: "v1", kind: "Namespace", name: namespace } }];
}

interface ServiceName {
  namespace: string;
  name: string;
  endpoint?: string;
  protocol?: string;
  port?: string;
}

function serviceCandidates({ namespace, name, endpoint, protocol, port }: ServiceName, tables: ZoneTables): Found {
  const service = tables.service(namespace, name);
  if (service === undefined) return "missing";
  const owner = ownerOf(service);
  const object = serviceRef(service);
  if (service.externalName !== undefined) {
    const published = endpoint === undefined && port === undefined && parseAddress(service.externalName) === undefined;
    return published ? [{ host: service.externalName, port: 0, owner, object }] : "missing";
  }
  const wanted = (each: ZonePort): boolean => labelMatches(port, each.name) && labelMatches(protocol, each.protocol);
  if (!service.headless && endpoint === undefined) {
    const ports = service.ports.filter(wanted);
    if (ports.length === 0) return "missing";
    return ports.flatMap((each) => service.clusterIPs.map((host) => ({ host, port: each.port, owner, object })));
  }
  const found = tables
    .slicesOf(namespace, name)
    .flatMap((slice) =>
      slice.addresses
        .filter(({ key }) => endpoint === undefined || key === endpoint)
        .flatMap(({ ip, label }) =>
          slice.ports.filter(wanted).map((each) => ({ host: ip, port: each.port, owner: [label, ...owner], object: sliceRef(slice) })),
        ),
    );
  return found.length === 0 ? "missing" : found;
}

/** A port or protocol label, its underscore optional; an absent or bare one matches everything. */
function labelMatches(label: string | undefined, stored: string): boolean {
  const wanted = label?.replace(/^_/, "") ?? "";
  return wanted === "" || wanted === foldCase(stored);
}
