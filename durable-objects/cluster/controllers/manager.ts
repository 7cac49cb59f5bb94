/**
 * Runs the controllers: a queue of keys that changes, timers and retries fill and that the writer's turn drains.
 *
 * Only orders the work: what a key means is the controller's own affair, and nothing here is stored. After a sleep
 * `enqueueAll` looks at every key again, and the controllers ask anew for the timers they need.
 */
import type { Change } from "../api/change-tracker.ts";
import type { Controller, ControllerContext, Reader } from "../api/controller.ts";
import type { KubeObject } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";

/** What one controller works with; the manager brings the timers. */
export type ContextFactory = (controller: Controller, requeueAt: ControllerContext["requeueAt"]) => ControllerContext;

interface Work {
  controller: number;
  key: string;
}

const firstRetryMs = 5;
const longestRetryMs = 1_000_000;

export class ControllerManager {
  readonly #controllers: readonly Controller[];
  readonly #contexts: readonly ControllerContext[];
  readonly #watchers = new Map<string, number[]>();
  /** In order of arrival; a key waits at most once for each controller. */
  readonly #queue = new Map<string, Work>();
  readonly #timers = new Map<string, Work & { at: number }>();
  readonly #failures = new Map<string, number>();

  constructor(controllers: readonly Controller[], contextFor: ContextFactory) {
    this.#controllers = controllers;
    this.#contexts = controllers.map((controller, at) => contextFor(controller, (key, time) => this.#requeueAt(at, key, time)));
    controllers.forEach((controller, at) => {
      for (const resource of Object.keys(controller.watches)) {
        const watching = this.#watchers.get(resource);
        if (watching) watching.push(at);
        else this.#watchers.set(resource, [at]);
      }
    });
  }

  /** Takes note of a change of one object of `resource`. */
  observe(resource: string, change: Change<KubeObject>): void {
    for (const at of this.#watchers.get(resource) ?? []) {
      const keys = this.#controller(at).watches[resource]?.(change, this.#context(at)) ?? [];
      for (const key of keys) this.#enqueue(at, key);
    }
  }

  /** Looks at every key again, as after a sleep. */
  enqueueAll(read: Reader = this.#context(0)): void {
    this.#controllers.forEach((controller, at) => {
      controller.wake?.(this.#context(at));
      for (const key of controller.initialKeys?.() ?? []) this.#enqueue(at, key);
    });
    for (const [resource] of this.#watchers) {
      for (const object of read.list(resource)) this.observe(resource, { before: undefined, after: object });
    }
  }

  /** Works off the queue, also what is added meanwhile. `more`: stopped at the limit, call again. */
  drain(maxReconciles = 200): { more: boolean } {
    for (let done = 0; done < maxReconciles; done += 1) {
      const [next] = this.#queue;
      if (next === undefined) return { more: false };
      const [id, work] = next;
      this.#queue.delete(id);
      this.#timers.delete(id);
      this.#reconcile(id, work);
    }
    return { more: this.#queue.size > 0 };
  }

  get idle(): boolean {
    return this.#queue.size === 0;
  }

  /** The earliest time for which a controller asked to be woken. */
  nextDueAt(): number | undefined {
    let earliest: number | undefined;
    for (const { at } of this.#timers.values()) if (earliest === undefined || at < earliest) earliest = at;
    return earliest;
  }

  /** How many keys will have come due by then. */
  dueBy(at: number): number {
    let count = 0;
    for (const timer of this.#timers.values()) if (timer.at <= at) count += 1;
    return count;
  }

  /** Queues every key whose time has come, earliest first; in an order that does not depend on who asked first. Does not drain. */
  fireDue(now: number): void {
    const due = [...this.#timers.values()]
      .filter(({ at }) => at <= now)
      .sort((a, b) => a.at - b.at || a.controller - b.controller || (a.key < b.key ? -1 : 1));
    for (const { controller, key } of due) {
      this.#timers.delete(idOf(controller, key));
      this.#enqueue(controller, key);
    }
  }

  #reconcile(id: string, { controller, key }: Work): void {
    const context = this.#context(controller);
    try {
      this.#controller(controller).reconcile(key, context);
      this.#failures.delete(id);
    } catch (error) {
      // A refusal (quota, conflict, a namespace on its way out) is the cluster's state, not our bug: later it may pass.
      if (!(error instanceof StatusError)) throw error;
      const failures = this.#failures.get(id) ?? 0;
      this.#failures.set(id, failures + 1);
      this.#requeueAt(controller, key, context.now() + Math.min(firstRetryMs * 2 ** failures, longestRetryMs));
    }
  }

  #enqueue(controller: number, key: string): void {
    const id = idOf(controller, key);
    if (!this.#queue.has(id)) this.#queue.set(id, { controller, key });
  }

  /** Never at once: a key that asks for the past would keep a turn busy for ever. */
  #requeueAt(controller: number, key: string, asked: number): void {
    const id = idOf(controller, key);
    const at = Math.max(asked, this.#context(controller).now() + 1);
    const pending = this.#timers.get(id);
    if (pending === undefined || at < pending.at) this.#timers.set(id, { controller, key, at });
  }

  #controller(at: number): Controller {
    return this.#controllers[at] as Controller;
  }

  #context(at: number): ControllerContext {
    return this.#contexts[at] as ControllerContext;
  }
}

const idOf = (controller: number, key: string): string => `${controller} ${key}`;
