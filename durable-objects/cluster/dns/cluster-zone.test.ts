import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "../api/change-tracker.ts";
import { parseAddress, reverseName } from "../api/dns-address.ts";
import type { EndpointSlice, Namespace, Service } from "../api/objects.ts";
import { ClusterZone } from "./cluster-zone.ts";
import { zoneRows } from "./zone-listing.ts";
import type { ZoneChanges } from "./zone-tables.ts";

const metadata = (namespace: string | undefined, name: string, labels: Record<string, string> = {}) => ({
  ...(namespace === undefined ? {} : { namespace }),
  name,
  labels,
  uid: `uid-${namespace}-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

const namespaceOf = (name: string): Namespace => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: metadata(undefined, name),
  spec: {},
  status: {},
});

const serviceOf = (namespace: string, name: string, spec: Service["spec"]): Service =>
  ({ apiVersion: "v1", kind: "Service", metadata: metadata(namespace, name), spec, status: {} }) as Service;

const clusterIP = (namespace: string, name: string, ip: string): Service =>
  serviceOf(namespace, name, { type: "ClusterIP", clusterIP: ip, clusterIPs: [ip], ports: [{ name: "http", protocol: "TCP", port: 80 }] });

interface SliceOptions {
  namespace: string;
  name: string;
  service: string;
  ips: string[];
  ready?: boolean;
  hostname?: string;
}

const sliceOf = ({ namespace, name, service, ips, ready = true, hostname }: SliceOptions): EndpointSlice =>
  ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(namespace, name, { "kubernetes.io/service-name": service }),
    addressType: "IPv4",
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready }, ...(hostname === undefined ? {} : { hostname }) })),
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  }) as EndpointSlice;

const added = <T>(...objects: T[]): Change<T>[] => objects.map((after) => ({ before: undefined, after }));
const emptyZone = (): ClusterZone =>
  new ClusterZone({ zones: ["cluster.local.", "in-addr.arpa.", "ip6.arpa."], dnsServiceIP: "10.96.0.10" });
const none = () => [];

describe("ClusterZone", () => {
  describe("serial", () => {
    const web = clusterIP("default", "web", "10.96.0.1");
    const slice = sliceOf({ namespace: "default", name: "web-1", service: "web", ips: ["10.244.0.5"] });
    const renamedPort = { ...web, spec: { ...web.spec, ports: [{ name: "web", protocol: "TCP", port: 80 }] } } as Service;

    it.each<{ name: string; changes: Omit<ZoneChanges, "at">; moves: boolean }>([
      { name: "moves when a Service is added", changes: { services: added(clusterIP("default", "api", "10.96.0.2")) }, moves: true },
      { name: "moves when a Service is deleted", changes: { services: [{ before: web, after: undefined }] }, moves: true },
      { name: "moves when the name of a port changes", changes: { services: [{ before: web, after: renamedPort }] }, moves: true },
      {
        name: "stays when only the cluster IP changes",
        changes: { services: [{ before: web, after: clusterIP("default", "web", "10.96.0.9") }] },
        moves: false,
      },
      {
        name: "stays when only labels change",
        changes: { services: [{ before: web, after: { ...web, metadata: { ...web.metadata, labels: { a: "b" } } } }] },
        moves: false,
      },
      {
        name: "moves when an endpoint is no longer ready",
        changes: {
          endpointSlices: [
            { before: slice, after: sliceOf({ namespace: "default", name: "web-1", service: "web", ips: ["10.244.0.5"], ready: false }) },
          ],
        },
        moves: true,
      },
      {
        name: "stays when a slice is written unchanged",
        changes: { endpointSlices: [{ before: slice, after: { ...slice } }] },
        moves: false,
      },
      { name: "stays when a namespace comes", changes: { namespaces: added(namespaceOf("shop")) }, moves: false },
    ])("$name", ({ changes, moves }) => {
      const zone = emptyZone();
      zone.apply({ namespaces: added(namespaceOf("default")), services: added(web), endpointSlices: added(slice), at: 1_000_000 });
      zone.apply({ ...changes, at: 2_000_000 });
      expect(zone.tables.serial).toBe(moves ? 2000 : 1000);
    });
  });

  it("follows a chain of eleven aliases and drops one of twelve", () => {
    const zone = emptyZone();
    const alias = (index: number, target: string) => serviceOf("default", `x${index}`, { type: "ExternalName", externalName: target });
    const names = Array.from({ length: 12 }, (_, index) => index);
    const next = (index: number) => (index === 11 ? "web" : `x${index + 1}`);
    zone.apply({
      namespaces: added(namespaceOf("default")),
      services: added(
        clusterIP("default", "web", "10.96.0.1"),
        ...names.map((index) => alias(index, `${next(index)}.default.svc.cluster.local`)),
      ),
      at: 0,
    });
    const lengthFrom = (name: string) => {
      const found = zone.lookup(`${name}.default.svc.cluster.local.`, "A", none);
      return found.outcome === "records" ? found.answer.length : found.outcome;
    };
    expect([lengthFrom("x1"), lengthFrom("x0")]).toEqual([12, "nodata"]);
  });

  it("points from a cluster IP to its Service only, from another address to every endpoint that has it", () => {
    const zone = emptyZone();
    zone.apply({
      namespaces: added(namespaceOf("default")),
      services: added(clusterIP("default", "web", "10.96.0.1"), clusterIP("default", "api", "10.96.0.2")),
      endpointSlices: added(
        sliceOf({ namespace: "default", name: "web-1", service: "web", ips: ["10.244.0.5", "10.96.0.2"] }),
        sliceOf({ namespace: "default", name: "api-1", service: "api", ips: ["10.244.0.5"], hostname: "first" }),
      ),
      at: 0,
    });
    const namesOf = (name: string) => {
      const found = zone.lookup(name, "PTR", none);
      return found.outcome === "records" ? found.answer.map(({ data }) => data) : found.outcome;
    };
    expect(namesOf("2.0.96.10.in-addr.arpa.")).toEqual(["api.default.svc.cluster.local."]);
    expect(namesOf("5.0.244.10.in-addr.arpa.")).toEqual([
      "first.api.default.svc.cluster.local.",
      "10-244-0-5.web.default.svc.cluster.local.",
    ]);
  });

  it("serves another domain than cluster.local", () => {
    const zone = new ClusterZone({ zones: ["k8s.test."], dnsServiceIP: "10.96.0.10" });
    zone.apply({ namespaces: added(namespaceOf("default")), services: added(clusterIP("default", "web", "10.96.0.1")), at: 0 });
    expect(zone.lookup("web.default.svc.k8s.test.", "A", none)).toMatchObject({ outcome: "records" });
    expect(zone.lookup("web.default.svc.cluster.local.", "A", none)).toEqual({ outcome: "elsewhere" });
  });

  it("points back from every address that it gives for a Service or an endpoint", () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 12 }), (writes) => {
        const zone = emptyZone();
        const store = new Map<string, StoredObject>();
        zone.apply({ ...sorted(writes.map((write) => changeOf(store, write))), at: 0 });
        const rows = zoneRows(zone, "cluster.local");
        // A name server's address is its Service's; the address of a missing namespace has a PTR all the same.
        for (const { name, type, data } of rows.filter(
          ({ object, ...row }) => object !== undefined && (row.type === "A" || row.type === "AAAA"),
        )) {
          const back = zone.lookup(reverseName(parseAddress(data)!), "PTR", none);
          expect(back.outcome, `${name} ${type} ${data}`).toBe("records");
        }
      }),
      { numRuns: 150 },
    );
  });

  it("is the same kept current by changes and rebuilt from what is left", () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyWrite, { maxLength: 4 }), { maxLength: 12 }), (batches) => {
        const kept = emptyZone();
        const store = new Map<string, StoredObject>();
        for (const [index, batch] of batches.entries())
          kept.apply({ ...sorted(batch.map((write) => changeOf(store, write))), at: index * 1000 });
        const rebuilt = emptyZone();
        rebuilt.apply({ ...sorted([...store.values()].reverse().map((after) => ({ before: undefined, after }))), at: 0 });
        rebuilt.tables.serial = kept.tables.serial;
        expect(zoneRows(kept, "cluster.local")).toEqual(zoneRows(rebuilt, "cluster.local"));
        for (const name of askedNames) expect(kept.lookup(name, "A", none)).toEqual(rebuilt.lookup(name, "A", none));
      }),
      { numRuns: 150 },
    );
  });
});

type StoredObject = Service | EndpointSlice | Namespace;
interface Write {
  key: string;
  after: StoredObject | undefined;
}

const oneOf = <T>(...items: T[]) => fc.constantFrom(...items);
const someNamespace = oneOf("default", "shop");
const someService = oneOf("web", "api");
const someIP = oneOf("10.96.0.1", "10.96.0.2", "10.244.0.5", "10.244.0.6", "fd00::5");

const anyWrite: fc.Arbitrary<Write> = fc.oneof(
  fc
    .record({ namespace: someNamespace, gone: fc.boolean() })
    .map(({ namespace, gone }) => ({ key: `ns/${namespace}`, after: gone ? undefined : namespaceOf(namespace) })),
  fc
    .record({ namespace: someNamespace, name: someService, ip: someIP, kind: oneOf("ClusterIP", "headless", "ExternalName", "gone") })
    .map(({ namespace, name, ip, kind }) => ({
      key: `svc/${namespace}/${name}`,
      after: {
        ClusterIP: clusterIP(namespace, name, ip),
        headless: clusterIP(namespace, name, "None"),
        ExternalName: serviceOf(namespace, name, { type: "ExternalName", externalName: `${name}.shop.svc.cluster.local` }),
        gone: undefined,
      }[kind],
    })),
  fc
    .record({
      namespace: someNamespace,
      name: oneOf("one", "two"),
      service: someService,
      ips: fc.uniqueArray(someIP),
      ready: fc.boolean(),
      gone: fc.boolean(),
    })
    .map(({ gone, ...of }) => ({ key: `eps/${of.namespace}/${of.name}`, after: gone ? undefined : sliceOf(of) })),
);

function changeOf(store: Map<string, StoredObject>, { key, after }: Write): Change<StoredObject> {
  const before = store.get(key);
  if (after === undefined) store.delete(key);
  else store.set(key, after);
  return { before, after };
}

function sorted(changes: Change<StoredObject>[]) {
  const ofKind = <T extends StoredObject>(kind: string) =>
    changes.filter(({ before, after }) => (after ?? before)?.kind === kind) as unknown as Change<T>[];
  return {
    services: ofKind<Service>("Service"),
    endpointSlices: ofKind<EndpointSlice>("EndpointSlice"),
    namespaces: ofKind<Namespace>("Namespace"),
  };
}

const askedNames = [
  "default.svc.cluster.local.",
  "shop.svc.cluster.local.",
  "web.shop.svc.cluster.local.",
  "10-244-0-5.api.default.svc.cluster.local.",
];
