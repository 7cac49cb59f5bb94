/**
 * Whose time `endpoints.kubernetes.io/last-change-trigger-time` takes: the earliest change of readiness, or creation of
 * the Service, since the last look.
 *
 * Times have whole seconds, and pods become Ready here within the second in which they were made: where the time stays and
 * the readiness does not, that is a change, too.
 *
 * Remembered only in memory: `wake` fills it again after a sleep.
 */
import type { Reader } from "../api/controller.ts";
import { keyOf, type Pod, type Service } from "../api/objects.ts";
import { msOf, timeOf } from "../api/time.ts";
import { podCondition } from "./pod-state.ts";
import { hasSelector, selectedPods } from "./service-pods.ts";

export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

interface Seen {
  service: number;
  pods: ReadonlyMap<string, Readiness>;
}

interface Readiness {
  at: number;
  status: string;
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The time for the annotation; `undefined` where what changed has no time of its own, and the annotation goes. */
  look(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#seen.get(key);
    const created = msOf(service.metadata.creationTimestamp) ?? 0;
    const times = new Map(pods.flatMap((pod) => readinessOf(pod)));
    this.#seen.set(key, { service: created, pods: times });
    if (!before) return timeOf(created);
    const changed = [...times].filter(([name, now]) => isLater(now, before.pods.get(name))).map(([, { at }]) => at);
    if (created > before.service) changed.push(created);
    return changed.length === 0 ? undefined : timeOf(Math.min(...changed));
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

const isLater = (now: Readiness, before: Readiness | undefined): boolean =>
  now.at > (before?.at ?? 0) || (now.at === before?.at && now.status !== before.status);

function readinessOf(pod: Pod): [string, Readiness][] {
  const condition = podCondition(pod, "Ready");
  const at = msOf(condition?.lastTransitionTime);
  return condition === undefined || at === undefined ? [] : [[pod.metadata.name, { at, status: condition.status }]];
}

/** After a sleep everything stored has been looked at, for Services that `isKnown` says were. */
export function lookAgain(triggers: TriggerTimes, read: Reader, isKnown: (service: Service) => boolean): void {
  for (const service of read.list<Service>("services")) {
    if (hasSelector(service) && isKnown(service)) triggers.look(keyOf(service), service, selectedPods(service, read));
  }
}
