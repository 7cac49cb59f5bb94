/**
 * The objects of the cluster as they are stored, in Kubernetes' own names.
 *
 * Specs and statuses come from `kubernetes-types`; here they only become "stored": metadata and the fields that
 * defaults fill are no longer optional. What is newer than those types is added by hand.
 */
import type { Deployment as DeploymentType, ReplicaSet as ReplicaSetType } from "kubernetes-types/apps/v1";
import type {
  ConfigMap as ConfigMapType,
  Container,
  ContainerStatus,
  EndpointAddress,
  Endpoints as EndpointsType,
  NamespaceSpec,
  NamespaceStatus,
  NodeSpec,
  NodeStatus,
  PodSpec as PodSpecType,
  PodStatus as PodStatusType,
  Secret as SecretType,
  ServiceAccount as ServiceAccountType,
  ServicePort,
  ServiceSpec as ServiceSpecType,
  ServiceStatus,
} from "kubernetes-types/core/v1";
import type { EndpointPort, Endpoint as SliceEndpoint } from "kubernetes-types/discovery/v1";

export type { Container, ContainerStatus, EndpointAddress, EndpointPort, ServicePort, ServiceStatus, SliceEndpoint };

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

/** Metadata of a stored object. Cluster-scoped objects have no `namespace`. Times are RFC 3339 with whole seconds. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
}

/** Any stored object. Kinds with known fields narrow it below. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: any;
}

interface Stored extends KubeObject {
  metadata: ObjectMeta;
}
interface InNamespace extends Stored {
  metadata: ObjectMeta & { namespace: string };
}

export interface Namespace extends Stored {
  spec: NamespaceSpec;
  status: NamespaceStatus;
}
export interface Node extends Stored {
  spec: NodeSpec;
  status: NodeStatus;
}
export type PodSpec = PodSpecType;
export type PodStatus = PodStatusType & { observedGeneration?: number };
export interface Pod extends InNamespace {
  spec: PodSpec;
  status: PodStatus;
}
export type ServiceSpec = ServiceSpecType & { trafficDistribution?: string };
export interface Service extends InNamespace {
  spec: ServiceSpec;
  status: ServiceStatus;
}
export interface Endpoints extends InNamespace {
  subsets?: EndpointsType["subsets"];
}
export interface EndpointSlice extends InNamespace {
  addressType: "IPv4" | "IPv6" | "FQDN";
  endpoints: SliceEndpoint[] | null;
  ports: EndpointPort[] | null;
}
export interface Deployment extends InNamespace {
  spec: NonNullable<DeploymentType["spec"]>;
  status: NonNullable<DeploymentType["status"]> & { terminatingReplicas?: number };
}
export interface ReplicaSet extends InNamespace {
  spec: NonNullable<ReplicaSetType["spec"]>;
  status: NonNullable<ReplicaSetType["status"]> & { terminatingReplicas?: number };
}
export interface ConfigMap extends InNamespace {
  data?: ConfigMapType["data"];
  binaryData?: ConfigMapType["binaryData"];
}
export interface Secret extends InNamespace {
  data?: SecretType["data"];
  type?: string;
}
export interface ServiceAccount extends InNamespace {
  secrets?: ServiceAccountType["secrets"];
}

/** Names a resource as discovery does: `{ group: "apps", version: "v1", resource: "deployments" }`; the core group is `""`. */
export interface GroupVersionResource {
  group: string;
  version: string;
  resource: string;
}

/** The `name.group` spelling that kubectl and Status messages use: `deployments.apps`, `services`. */
export const qualifiedResource = (of: { group: string; resource: string }): string =>
  of.group === "" ? of.resource : `${of.resource}.${of.group}`;

/** Enough of an object to point at it in an event or an owner reference. */
export interface ObjectRefLike {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string };
  /** The part of the object that an event is about: `spec.containers{web}`. */
  fieldPath?: string;
}

/** Where the object lives in the store: `namespace/name`, or the name alone where there is no namespace. */
export const keyOf = (object: { metadata: { namespace?: string; name: string } }): string =>
  object.metadata.namespace === undefined ? object.metadata.name : `${object.metadata.namespace}/${object.metadata.name}`;
