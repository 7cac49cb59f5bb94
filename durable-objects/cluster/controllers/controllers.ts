/** Every controller of the cluster, in the order in which they look at a change. */
import type { Controller } from "../api/controller.ts";
import { deploymentController } from "./deployment.ts";
import { endpointsController } from "./endpoints.ts";
import { endpointSliceController } from "./endpointslice.ts";
import { endpointSliceMirroringController } from "./endpointslice-mirroring.ts";
import { garbageCollector } from "./garbage-collector.ts";
import { kubernetesServiceController } from "./kubernetes-service.ts";
import { namespaceController } from "./namespace.ts";
import { rootCAPublisher, serviceAccountController } from "./namespace-defaults.ts";
import { nodeLifecycleController } from "./node-lifecycle.ts";
import { podGarbageCollector } from "./pod-gc.ts";
import { replicaSetController } from "./replicaset.ts";
import { scheduler } from "./scheduler.ts";
import { serviceLBController } from "./service-lb.ts";
import { silentNodesController } from "./silent-nodes.ts";
import { taintEvictionController } from "./taint-eviction.ts";

export const controllers: readonly Controller[] = [
  serviceAccountController,
  rootCAPublisher,
  kubernetesServiceController,
  // Before the Deployments, which count on the status of their ReplicaSets.
  replicaSetController,
  deploymentController,
  scheduler,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  serviceLBController,
  namespaceController,
  garbageCollector,
  podGarbageCollector,
  silentNodesController,
  nodeLifecycleController,
  taintEvictionController,
];
