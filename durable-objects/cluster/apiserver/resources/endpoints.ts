/**
 * Endpoints, the older list of a Service's addresses.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/
 */
import { type FieldError, invalid, notSupported, required } from "../../api/field-error.ts";
import { ipComplaints, specialIPComplaints } from "../../api/ip-address.ts";
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName } from "../../api/names.ts";
import type { EndpointAddress, Endpoints } from "../../api/objects.ts";
import { ageColumn, firstFew, hostPort, nameColumn, none } from "../printing/cells.ts";
import { type ResourceStrategy, strategy } from "../resource-strategy.ts";
import { complaintsAbout } from "../validation/object-meta.ts";
import { protocols } from "../validation/service.ts";

type Subset = NonNullable<Endpoints["subsets"]>[number];
type Port = NonNullable<Subset["ports"]>[number];

const endpointsStrategy: ResourceStrategy<Endpoints> = {
  group: "",
  version: "v1",
  kind: "Endpoints",
  plural: "endpoints",
  singular: "endpoints",
  shortNames: ["ep"],
  namespaced: true,
  subresources: [],
  allowCreateOnUpdate: true,

  applyDefaults: (endpoints) => {
    for (const port of (endpoints.subsets ?? []).flatMap((subset) => subset.ports ?? [])) port.protocol ||= "TCP";
  },
  validate,
  validateUpdate: (next) => validate(next),
  deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  columns: [nameColumn, { name: "Endpoints", cell: ({ subsets }) => formatSubsets(subsets ?? []) }, ageColumn],
};

export const endpoints = strategy(endpointsStrategy);

function formatSubsets(subsets: readonly Subset[]): string {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
  );
  return all.length === 0 ? none : firstFew(all);
}

function validate({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, at) => {
    const field = `subsets[${at}]`;
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset ?? {};
    return [
      ...(addresses.length + notReadyAddresses.length === 0 ? [required(field, "must specify `addresses` or `notReadyAddresses`")] : []),
      ...addresses.flatMap((address, n) => validateAddress(address, `${field}.addresses[${n}]`)),
      ...notReadyAddresses.flatMap((address, n) => validateAddress(address, `${field}.notReadyAddresses[${n}]`)),
      ...ports.flatMap((port, n) => validatePort(port, ports.length > 1, `${field}.ports[${n}]`)),
    ];
  });
}

function validateAddress(address: EndpointAddress, field: string): FieldError[] {
  const ip = address.ip ?? "";
  return [
    ...complaintsAbout(`${field}.ip`, ip, ipComplaints),
    ...(address.hostname ? complaintsAbout(`${field}.hostname`, address.hostname, dnsLabel) : []),
    ...(address.nodeName === undefined ? [] : complaintsAbout(`${field}.nodeName`, address.nodeName, dnsSubdomain)),
    ...complaintsAbout(`${field}.ip`, ip, specialIPComplaints),
  ];
}

function validatePort(port: Port, nameRequired: boolean, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!port.name) {
    if (nameRequired) errors.push(required(`${field}.name`));
  } else errors.push(...complaintsAbout(`${field}.name`, port.name, dnsLabel));
  errors.push(...portNumber(port.port ?? 0).map((detail) => invalid(`${field}.port`, port.port ?? 0, detail)));
  if (!port.protocol) errors.push(required(`${field}.protocol`));
  else if (!(protocols as readonly string[]).includes(port.protocol))
    errors.push(notSupported(`${field}.protocol`, port.protocol, protocols));
  if (port.appProtocol !== undefined) errors.push(...complaintsAbout(`${field}.appProtocol`, port.appProtocol, qualifiedName));
  return errors;
}
