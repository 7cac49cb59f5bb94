/**
 * Writes Events as client-go's recorder does: the same thing said again about the same object raises the count of the
 * Event that is there; what is combined or left out decides `event-correlation.ts`.
 */
import type { ControllerContext } from "./api/controller.ts";
import type { KubeObject, ObjectRefLike } from "./api/objects.ts";
import { StatusError } from "./api/status-error.ts";
import { msOf, timeOf } from "./api/time.ts";
import { EventCorrelator, keyOfStored, type SaidEvent, type StoredEvent } from "./event-correlation.ts";

type Parts = Pick<ControllerContext, "create" | "update" | "delete" | "list" | "get" | "now">;

/** An Event is kept for an hour after it was last said, as kube-apiserver keeps it by default. */
const keptMs = 3_600_000;
/** Events are looked through for old ones at most so often. */
const lookEveryMs = 60_000;

export class EventRecorder {
  readonly #parts: Parts;
  /** What was said -> `namespace/name` of its Event. Filled from the store when first needed. */
  #said: Map<string, string> | undefined;
  readonly #correlator = new EventCorrelator();
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  record(about: ObjectRefLike, type: "Normal" | "Warning", reason: string, said: string, component: string, host?: string): void {
    const { now } = this.#parts;
    const namespace = about.metadata.namespace ?? "default";
    const event = saidOf(about, namespace, type, reason, said, component);
    const known = this.#saidByNow();
    const correlated = uncorrelated.has(component) ? { message: said, key: keyOfStored(event) } : this.#correlator.correlate(event, now());
    if (!correlated) return;
    const { message, key } = correlated;
    const present = known.get(key);
    const at = timeOf(now());
    const repeated = present === undefined ? undefined : this.#parts.get("events", namespace, present);
    if (repeated) {
      this.#parts.update("events", { ...repeated, message, count: ((repeated.count as number | undefined) ?? 1) + 1, lastTimestamp: at });
      return;
    }
    const name = `${about.metadata.name}.${(now() * 1_000_000).toString(16).slice(-10)}${(known.size % 0x1000000).toString(16).padStart(6, "0")}`;
    try {
      this.#parts.create("events", {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: {
          kind: about.kind,
          ...(about.metadata.namespace === undefined ? {} : { namespace }),
          name: about.metadata.name,
          ...(about.metadata.uid === undefined ? {} : { uid: about.metadata.uid }),
          apiVersion: about.apiVersion,
          ...(about.metadata.resourceVersion === undefined ? {} : { resourceVersion: about.metadata.resourceVersion }),
          ...(about.fieldPath === undefined ? {} : { fieldPath: about.fieldPath }),
        },
        reason,
        message,
        source: { component, ...(host === undefined ? {} : { host }) },
        firstTimestamp: at,
        lastTimestamp: at,
        count: 1,
        type,
        eventTime: null,
        reportingComponent: component,
        reportingInstance: host ?? "",
      });
      known.set(key, name);
    } catch (error) {
      // Nothing can be written into a namespace that is going; the real recorder drops such events too.
      if (!(error instanceof StatusError)) throw error;
    }
  }

  /**
   * Removes Events that are an hour old. Done along with other writes and never by a timer of its own, so that an idle
   * cluster is not woken for it.
   */
  removeExpired(): void {
    const now = this.#parts.now();
    if (now - this.#lookedAt < lookEveryMs) return;
    this.#lookedAt = now;
    this.#correlator.forgetOld(now);
    for (const event of this.#parts.list<KubeObject>("events")) {
      const saidAt = msOf(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp) ?? now;
      if (now - saidAt > keptMs) this.#parts.delete("events", event.metadata.namespace, event.metadata.name);
    }
  }

  #saidByNow(): Map<string, string> {
    if (this.#said) return this.#said;
    this.#said = new Map();
    const stored: StoredEvent[] = [];
    for (const event of this.#parts.list<KubeObject>("events")) {
      const { involvedObject = {}, type, reason, message = "", source = {}, metadata } = event;
      const { kind, name, uid, fieldPath } = involvedObject;
      const about = { kind, metadata: { name, uid }, fieldPath } as ObjectRefLike;
      const said = saidOf(about, metadata.namespace ?? "", type, reason, message, source.component);
      this.#said.set(keyOfStored(said), metadata.name);
      const lastAt = msOf(event.lastTimestamp);
      if (lastAt === undefined || uncorrelated.has(source.component)) continue;
      stored.push({ ...said, firstAt: msOf(event.firstTimestamp) ?? lastAt, lastAt, count: event.count ?? 1 });
    }
    this.#correlator.restore(stored.sort((a, b) => a.lastAt - b.lastAt));
    return this.#said;
  }
}

/** Programs whose recorder writes `events.k8s.io` and neither combines nor leaves out. */
const uncorrelated: ReadonlySet<string> = new Set(["default-scheduler", "kube-apiserver"]);

function saidOf(
  { kind, metadata, fieldPath = "" }: ObjectRefLike,
  namespace: string,
  type: string,
  reason: string,
  message: string,
  component: string,
): SaidEvent {
  const source = [component, kind, namespace, metadata.name, metadata.uid ?? ""].join("\0");
  return { source, group: [source, fieldPath, type, reason].join("\0"), message };
}
