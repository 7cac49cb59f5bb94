/**
 * EndpointSlice: addresses of one family behind a Service, with their conditions.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from "../../api/field-error.ts";
import { ipComplaints, parseIP, specialIPComplaints } from "../../api/ip-address.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "../../api/names.ts";
import type { EndpointPort, EndpointSlice, SliceEndpoint } from "../../api/objects.ts";
import { same } from "../../api/same.ts";
import { ageColumn, firstFew, nameColumn } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout } from "../validation/object-meta.ts";
import { protocols } from "../validation/service.ts";

const addressTypes = ["FQDN", "IPv4", "IPv6"] as const;
const limits = { addresses: 100, endpoints: 1000, ports: 20000, zoneHints: 8, nodeHints: 8 };
const unset = "<unset>";

const endpointSliceStrategy: ResourceStrategy<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  singular: "endpointslice",
  namespaced: true,
  subresources: [],
  hasGeneration: true,

  applyDefaults: (slice) => {
    // Empty and absent are one once an object has been stored.
    if (!slice.endpoints?.length) slice.endpoints = null;
    if (!slice.ports?.length) slice.ports = null;
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
    for (const endpoint of slice.endpoints ?? []) endpoint.conditions ??= {};
  },
  prepareForCreate: dropTopology,
  prepareForUpdate: (next, previous) => {
    dropTopology(next);
    const changed = ({ metadata, ...rest }: EndpointSlice) => ({ ...rest, labels: metadata.labels });
    if (!same(changed(next), changed(previous))) next.metadata.generation = (previous.metadata.generation ?? 0) + 1;
  },
  validate: (slice) => validate(slice),
  validateUpdate: (next, previous) => [
    ...validate(next, previous),
    ...(next.addressType === previous.addressType ? [] : [invalid("addressType", next.addressType ?? "", "field is immutable")]),
  ],
  warnings: ({ addressType }) => (addressType === "FQDN" ? ["spec.addressType: FQDN endpoints are deprecated"] : []),
  columns: [
    nameColumn,
    { name: "AddressType", cell: ({ addressType }) => addressType },
    { name: "Ports", cell: ({ ports }) => firstFew((ports ?? []).map(({ port, name }) => String(port ?? name ?? "*"))) || unset },
    { name: "Endpoints", cell: ({ endpoints }) => firstFew((endpoints ?? []).flatMap(({ addresses }) => addresses)) || unset },
    ageColumn,
  ],
};

export const endpointSlice = strategy(endpointSliceStrategy);

/** The topology of the beta version is only read back, never written. */
function dropTopology(slice: EndpointSlice): void {
  for (const endpoint of slice.endpoints ?? []) delete (endpoint as { deprecatedTopology?: object }).deprecatedTopology;
}

/** Endpoints that are stored already are not checked again. */
function validate(slice: EndpointSlice, previous?: EndpointSlice): FieldError[] {
  const type: string = slice.addressType ?? "";
  return [
    ...(type === "" ? [required("addressType")] : []),
    ...(type !== "" && !(addressTypes as readonly string[]).includes(type) ? [notSupported("addressType", type, addressTypes)] : []),
    ...validatePorts(slice.ports ?? []),
    ...(previous && same(slice.endpoints, previous.endpoints) ? [] : validateEndpoints(slice.endpoints ?? [], type)),
  ];
}

function validatePorts(ports: readonly EndpointPort[]): FieldError[] {
  if (ports.length > limits.ports) return [tooMany("ports", ports.length, limits.ports)];
  const names = new Set<string>();
  return ports.flatMap((port, at) => {
    const field = `ports[${at}]`;
    const name = port.name ?? "";
    const errors: FieldError[] = name === "" ? [] : complaintsAbout(`${field}.name`, name, dnsLabel);
    if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
    names.add(name);
    if (port.protocol === undefined) errors.push(required(`${field}.protocol`));
    else if (!(protocols as readonly string[]).includes(port.protocol)) {
      errors.push(notSupported(`${field}.protocol`, port.protocol, protocols));
    }
    if (port.appProtocol !== undefined) errors.push(...complaintsAbout(`${field}.appProtocol`, port.appProtocol, qualifiedName));
    return errors;
  });
}

function validateEndpoints(endpoints: readonly SliceEndpoint[], type: string): FieldError[] {
  if (endpoints.length > limits.endpoints) return [tooMany("endpoints", endpoints.length, limits.endpoints)];
  return endpoints.flatMap((endpoint, at) => validateEndpoint(endpoint ?? { addresses: [] }, `endpoints[${at}]`, type));
}

function validateEndpoint(endpoint: SliceEndpoint, field: string, type: string): FieldError[] {
  const errors: FieldError[] = [];
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) errors.push(required(`${field}.addresses`, "must contain at least 1 address"));
  else if (addresses.length > limits.addresses) errors.push(tooMany(`${field}.addresses`, addresses.length, limits.addresses));
  for (const [at, address] of addresses.entries()) errors.push(...validateAddress(address, `${field}.addresses`, at, type));
  if (endpoint.nodeName !== undefined) errors.push(...complaintsAbout(`${field}.nodeName`, endpoint.nodeName, dnsSubdomain));
  if (endpoint.hostname !== undefined) errors.push(...complaintsAbout(`${field}.hostname`, endpoint.hostname, dnsLabel));
  errors.push(...validateHints(endpoint, field));
  return errors;
}

function validateAddress(address: string, field: string, at: number, type: string): FieldError[] {
  const here = `${field}[${at}]`;
  switch (type) {
    case "IPv4":
    case "IPv6": {
      const errors = complaintsAbout(here, address, ipComplaints);
      const family = parseIP(address, true)?.family;
      if (family && family !== type) errors.push(invalid(field, address, `must be an ${type} address`));
      return errors.length > 0 ? errors : complaintsAbout(here, address, specialIPComplaints);
    }
    case "FQDN":
      return address === "" ? [required(here)] : complaintsAbout(here, address, dnsSubdomain);
    default:
      return [];
  }
}

function validateHints(endpoint: SliceEndpoint, field: string): FieldError[] {
  const hints = (endpoint as { hints?: Record<string, { name?: string }[] | undefined> }).hints;
  if (!hints) return [];
  return [
    ...validateHintList(hints.forZones ?? [], `${field}.hints.forZones`, limits.zoneHints, labelValue),
    ...validateHintList(hints.forNodes ?? [], `${field}.hints.forNodes`, limits.nodeHints, dnsSubdomain),
  ];
}

function validateHintList(list: readonly { name?: string }[], field: string, max: number, rule: (text: string) => string[]): FieldError[] {
  if (list.length > max) return [tooMany(field, list.length, max)];
  const names = new Set<string>();
  return list.flatMap(({ name = "" }, at) => {
    const errors = names.has(name) ? [duplicate(`${field}[${at}].name`, name)] : [];
    names.add(name);
    return [...errors, ...complaintsAbout(`${field}[${at}].name`, name, rule)];
  });
}
