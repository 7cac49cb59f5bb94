/**
 * The documents by which clients find out what the server serves: discovery, plain and aggregated, and OpenAPI. Pure
 * functions of the strategies; how they are served (paths, `Accept`, `If-None-Match`) is the HTTP layer's.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { GroupVersionResource } from "../../api/objects.ts";
import { apiVersionOf } from "../fields/field-knowledge.ts";
import { aggregatedDiscovery } from "./aggregated.ts";
import { type CustomSchemas, openApiV2, openApiV3 } from "./openapi.ts";
import { openApiV2Protobuf } from "./openapi-protobuf.ts";
import { factsFingerprint } from "./resources.generated.ts";
import { pathOf, type Served, type ServedVersion, servedVersions } from "./served.ts";
import { versionDocument } from "./version.ts";

/** A document with its `ETag`, quotes included. */
export interface Tagged {
  body: object;
  etag: string;
}

export interface Discovery {
  /** `GET /api`. The address is `host:port` as the client would reach the server. */
  api(serverAddress: string): object;
  /** `GET /apis` */
  apis(): object;
  /** The same for `Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`. */
  aggregatedApi(): Tagged;
  aggregatedApis(): Tagged;
  /** `GET /apis/{group}`; undefined: not served, to be answered with `404 page not found` as text. */
  group(group: string): object | undefined;
  /** `GET /api/v1` (group `""`) and `GET /apis/{group}/{version}`; undefined as above. */
  groupVersion(group: string, version: string): object | undefined;
  /** `GET /openapi/v3` */
  openApiV3Index(): object;
  /** `GET /openapi/v3/{path}` with the path `api/v1`, `apis/apps/v1`, ... */
  openApiV3(path: string): Tagged | undefined;
  /** `GET /openapi/v2` */
  openApiV2(): Tagged;
  /** The same in protobuf. */
  openApiV2Protobuf(): { body: Uint8Array<ArrayBuffer>; etag: string };
  /** `GET /version` */
  version(): object;
}

export interface DiscoveryOptions {
  /** Resources without a strategy: `bindings`, `selfsubjectaccessreviews`, ... */
  others?: readonly GroupVersionResource[];
  customSchemas?: CustomSchemas;
}

const ofBuiltIn = new WeakMap<readonly Served[], Discovery>();

/** The documents for what is served; each is made when first asked for and kept, once for all clusters that serve the same. */
export function discoveryFor(strategies: readonly Served[], options?: DiscoveryOptions): Discovery {
  const known = options === undefined ? ofBuiltIn.get(strategies) : undefined;
  if (known !== undefined) return known;
  const made = makeDiscovery(strategies, options ?? {});
  if (options === undefined) ofBuiltIn.set(strategies, made);
  return made;
}

function makeDiscovery(strategies: readonly Served[], { others = [], customSchemas = new Map() }: DiscoveryOptions): Discovery {
  const versions = servedVersions(strategies, others);
  const core = versions.filter(({ group }) => group === "");
  const groups = groupedVersions(versions.filter(({ group }) => group !== ""));
  const kept = new Map<string, Tagged>();
  const keep = (key: string, make: () => object, hash: (body: object) => string): Tagged => {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const body = make();
    const tagged = { body, etag: `"${hash(body)}"` };
    kept.set(key, tagged);
    return tagged;
  };
  let v2Bytes: Uint8Array<ArrayBuffer> | undefined;
  const ofContent = (body: object): string => hashOf(JSON.stringify(body));
  return {
    api: (serverAddress) => ({
      kind: "APIVersions",
      versions: core.map(({ version }) => version),
      serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
    }),
    apis: () => ({ kind: "APIGroupList", apiVersion: "v1", groups: [...groups].map(([group, served]) => groupEntry(group, served)) }),
    aggregatedApi: () => keep("api", () => aggregatedDiscovery(core.length === 0 ? [] : [core]), ofContent),
    aggregatedApis: () => keep("apis", () => aggregatedDiscovery([...groups.values()]), ofContent),
    group: (group) => {
      const served = groups.get(group);
      return served === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupEntry(group, served) };
    },
    groupVersion: (group, version) => {
      const served = versions.find(({ path }) => path === pathOf({ group, version }));
      return served === undefined ? undefined : resourceList(served);
    },
    openApiV3Index: () => ({
      paths: Object.fromEntries(
        [...versions]
          .sort(byPath)
          .map((version) => [
            version.path,
            { serverRelativeURL: `/openapi/v3/${version.path}?hash=${schemaHash([version], customSchemas)}` },
          ]),
      ),
    }),
    openApiV3: (path) => {
      const served = versions.find((version) => version.path === path);
      if (served === undefined) return undefined;
      return keep(
        `v3 ${path}`,
        () => openApiV3(served, customSchemas),
        () => schemaHash([served], customSchemas),
      );
    },
    openApiV2: () =>
      keep(
        "v2",
        () => openApiV2(versions, customSchemas),
        () => schemaHash(versions, customSchemas),
      ),
    openApiV2Protobuf: () => {
      // The document it is made from is not kept: a client asks for one form or the other.
      v2Bytes ??= openApiV2Protobuf(openApiV2(versions, customSchemas));
      return { body: v2Bytes, etag: `"${schemaHash(versions, customSchemas)}-PB"` };
    },
    version: () => versionDocument,
  };
}

const byPath = (a: ServedVersion, b: ServedVersion): number => (a.path < b.path ? -1 : 1);

const hashOf = (text: string): string => bytesToHex(sha256(utf8ToBytes(text))).toUpperCase();

/** To be raised when the code that makes OpenAPI documents changes: clients keep them by their hash. */
const openApiRevision = 2;

/** What a document is made of stands for the document, so that the index needs none of them. */
const schemaHash = (versions: readonly ServedVersion[], customSchemas: CustomSchemas): string =>
  hashOf(JSON.stringify([openApiRevision, factsFingerprint, versions, [...customSchemas]]));

function groupedVersions(versions: readonly ServedVersion[]): Map<string, ServedVersion[]> {
  const groups = new Map<string, ServedVersion[]>();
  for (const version of versions) groups.set(version.group, [...(groups.get(version.group) ?? []), version]);
  return groups;
}

/** The first version is the preferred one. */
function groupEntry(name: string, served: readonly ServedVersion[]): object {
  const versions = served.map((of) => ({ groupVersion: apiVersionOf(of), version: of.version }));
  return { name, versions, preferredVersion: versions[0] };
}

/** Only the list of the core group has no `apiVersion`. */
const resourceList = (served: ServedVersion): object => ({
  kind: "APIResourceList",
  ...(served.group !== "" && { apiVersion: "v1" }),
  groupVersion: apiVersionOf(served),
  resources: served.resources,
});
