/**
 * Every kind that this API server serves. Kinds with a strategy of their own have a line each; all others of the real server
 * are stored and no more. A kind that is not here does not exist.
 */
import type { ResourceStrategy } from "./resource-strategy.ts";
import { configMap } from "./resources/config-map.ts";
import { deployment } from "./resources/deployment.ts";
import { endpointSlice } from "./resources/endpoint-slice.ts";
import { endpoints } from "./resources/endpoints.ts";
import { event, eventOfEventsGroup } from "./resources/event.ts";
import { ingress } from "./resources/ingress.ts";
import { lease } from "./resources/lease.ts";
import { namespace } from "./resources/namespace.ts";
import { networkPolicy } from "./resources/network-policy.ts";
import { node } from "./resources/node.ts";
import { pod } from "./resources/pod.ts";
import { replicaSet } from "./resources/replica-set.ts";
import { schemaOnlyStrategies } from "./resources/schema-only.ts";
import { secret } from "./resources/secret.ts";
import { service } from "./resources/service.ts";
import { serviceAccount } from "./resources/service-account.ts";
import { reviews } from "./reviews.ts";

/** The kinds whose behaviour is emulated. */
export const emulated: readonly ResourceStrategy[] = [
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
  ingress,
  lease,
  eventOfEventsGroup,
];

/** All kinds that are served: those, the reviews, and the rest of Kubernetes from its schemas alone. */
export const resources: readonly ResourceStrategy[] = [...emulated, ...reviews, ...schemaOnlyStrategies([...emulated, ...reviews])];
