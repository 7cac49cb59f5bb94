/**
 * Every kind that this API server serves, one line each. A kind that is not here does not exist.
 */
import type { ResourceStrategy } from "./resource-strategy.ts";
import { configMap } from "./resources/config-map.ts";
import { deployment } from "./resources/deployment.ts";
import { endpointSlice } from "./resources/endpoint-slice.ts";
import { endpoints } from "./resources/endpoints.ts";
import { event, eventOfEventsGroup } from "./resources/event.ts";
import { lease } from "./resources/lease.ts";
import { namespace } from "./resources/namespace.ts";
import { networkPolicy } from "./resources/network-policy.ts";
import { node } from "./resources/node.ts";
import { pod } from "./resources/pod.ts";
import { replicaSet } from "./resources/replica-set.ts";
import { secret } from "./resources/secret.ts";
import { service } from "./resources/service.ts";
import { serviceAccount } from "./resources/service-account.ts";

export const resources: readonly ResourceStrategy[] = [
  namespace,
  node,
  pod,
  service,
  endpoints,
  configMap,
  secret,
  serviceAccount,
  event,
  deployment,
  replicaSet,
  endpointSlice,
  networkPolicy,
  lease,
  eventOfEventsGroup,
];
