/**
 * Event, under both of its groups: core `v1` is how it is stored, `events.k8s.io/v1` names the same fields differently.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
import { age } from "../../api/duration.ts";
import { type FieldError, invalid } from "../../api/field-error.ts";
import type { KubeObject } from "../../api/objects.ts";
import { nameColumn } from "../printing/cells.ts";
import { type Column, type ResourceStrategy, strategy } from "../resource-strategy.ts";

interface Reference {
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiVersion?: string;
  resourceVersion?: string;
  fieldPath?: string;
}

interface Source {
  component?: string;
  host?: string;
}

export interface Event extends KubeObject {
  involvedObject: Reference;
  reason?: string;
  message?: string;
  source?: Source;
  firstTimestamp: string | null;
  lastTimestamp: string | null;
  count?: number;
  type?: string;
  eventTime: string | null;
  series?: { count?: number; lastObservedTime?: string };
  action?: string;
  related?: Reference;
  reportingComponent: string;
  reportingInstance: string;
}

const columns: readonly Column<Event>[] = [
  { name: "Last Seen", cell: (event, { now }) => age(lastSeen(event), now) },
  { name: "Type", cell: ({ type }) => type ?? "" },
  { name: "Reason", cell: ({ reason }) => reason ?? "" },
  { name: "Object", cell: objectOf },
  { name: "Subobject", priority: 1, cell: ({ involvedObject }) => involvedObject?.fieldPath ?? "" },
  { name: "Source", priority: 1, cell: sourceOf },
  { name: "Message", cell: ({ message }) => (message ?? "").trim() },
  { name: "First Seen", priority: 1, cell: (event, { now }) => age(firstSeen(event), now) },
  { name: "Count", priority: 1, cell: ({ series, count }) => String(series ? (series.count ?? 0) : count || 1) },
  { ...nameColumn, priority: 1 },
];

const eventStrategy: ResourceStrategy<Event> = {
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  namespaced: true,
  subresources: [],
  allowCreateOnUpdate: true,

  applyDefaults: (event) => {
    event.involvedObject ??= {};
    event.source ??= {};
    event.firstTimestamp ??= null;
    event.lastTimestamp ??= null;
    event.eventTime ??= null;
    event.reportingComponent ??= "";
    event.reportingInstance ??= "";
  },
  validate,
  validateUpdate: validate,
  selectableFields: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject?.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject?.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject?.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject?.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject?.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject?.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject?.fieldPath ?? "",
    reason: ({ reason }) => reason ?? "",
    reportingComponent: ({ reportingComponent, source }) => reportingComponent || (source?.component ?? ""),
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ""),
    type: ({ type }) => type ?? "",
  },
  columns,
};

export const event = strategy(eventStrategy);

const firstSeen = ({ firstTimestamp, eventTime }: Event): string | null => firstTimestamp || eventTime;
const lastSeen = (event: Event): string | null | undefined =>
  event.series ? event.series.lastObservedTime : event.lastTimestamp || firstSeen(event);

function objectOf({ involvedObject }: Event): string {
  const kind = (involvedObject?.kind ?? "").toLowerCase();
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

function sourceOf({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || (reportingComponent ?? "");
  const place = source?.host || (source?.component ? "" : (reportingInstance ?? ""));
  return place === "" ? component : `${component}, ${place}`;
}

/** An event stands in the namespace of what it is about; those about cluster-scoped objects stand in `default`. */
function validate({ metadata, involvedObject }: Event): FieldError[] {
  const about = involvedObject?.namespace ?? "";
  if (about === "" ? metadata.namespace === "default" || metadata.namespace === "kube-system" : about === metadata.namespace) return [];
  return [invalid("involvedObject.namespace", about, "does not match event.namespace")];
}

/** The newer names of the same fields, for `events.k8s.io`. */
export const eventOfEventsGroup = strategy<KubeObject>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  namespaced: true,
  subresources: [],
  allowCreateOnUpdate: true,
  storedAs: "events",

  /** What comes in under the newer names is stored under the older ones. */
  prepareForCreate: toStored,
  prepareForUpdate: toStored,
  fromStored: (stored) => {
    const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...same } = stored as Event;
    return {
      ...same,
      apiVersion: "events.k8s.io/v1",
      regarding: involvedObject,
      ...(message === undefined ? {} : { note: message }),
      reportingController: reportingComponent,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      ...(count === undefined ? {} : { deprecatedCount: count }),
    };
  },
  validate: (object) => validate(object as Event),
  validateUpdate: (object) => validate(object as Event),
  selectableFields: {
    "regarding.kind": (object) => (object as Event).involvedObject?.kind ?? "",
    "regarding.namespace": (object) => (object as Event).involvedObject?.namespace ?? "",
    "regarding.name": (object) => (object as Event).involvedObject?.name ?? "",
    "regarding.uid": (object) => (object as Event).involvedObject?.uid ?? "",
    reason: (object) => (object as Event).reason ?? "",
    reportingController: (object) => (object as Event).reportingComponent ?? "",
    type: (object) => (object as Event).type ?? "",
  },
  columns: columns as unknown as readonly Column<KubeObject>[],
});

const storedNames: Record<string, string> = {
  regarding: "involvedObject",
  note: "message",
  reportingController: "reportingComponent",
  deprecatedSource: "source",
  deprecatedFirstTimestamp: "firstTimestamp",
  deprecatedLastTimestamp: "lastTimestamp",
  deprecatedCount: "count",
};

function toStored(object: KubeObject): void {
  object.apiVersion = "v1";
  for (const [name, stored] of Object.entries(storedNames)) {
    if (object[name] === undefined) continue;
    object[stored] = object[name];
    delete object[name];
  }
  eventStrategy.applyDefaults?.(object as Event);
}
