import type { ResourceStrategy } from "../resource-strategy.ts";

export interface Discovery {
  /** `GET /api` and `GET /apis`, plain. */
  api(serverAddress: string): object;
  apis(): object;
  /** The same for `Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`. `etag` with its quotes. */
  aggregatedApi(): { body: object; etag: string };
  aggregatedApis(): { body: object; etag: string };
  /** `GET /apis/{group}`; undefined: not served, answer `404 page not found` as text. */
  group(group: string): object | undefined;
  /** `GET /api/v1` (group `""`) and `GET /apis/{group}/{version}`. */
  groupVersion(group: string, version: string): object | undefined;
  /** `GET /openapi/v3`: paths with hashes. `GET /openapi/v3/{path}` with path `api/v1`, `apis/apps/v1`, ...; etag = the hash, quoted. */
  openApiV3Index(): object;
  openApiV3(path: string): { body: object; etag: string } | undefined;
  openApiV2(): { body: object; etag: string };
  version(): object;
}

/** The documents for what is served; each is made when first asked for and kept. */
export function discoveryFor(_strategies: readonly ResourceStrategy[]): Discovery {
  throw new Error("not yet");
}
