/**
 * Who watches what. A watcher gets each committed change of its resource once and in order, cut to its selectors: an
 * object that starts to match is ADDED for it, one that stops is DELETED.
 */
import type { KubeObject } from "../api/objects.ts";
import type { StoreChange } from "../storage/versioned-store.ts";

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: KubeObject | Record<string, unknown>;
}

export interface WatchScope {
  resource: string;
  /** Empty: all namespaces. */
  namespace: string;
  matches(object: KubeObject): boolean;
}

/** Turns a change into what this watcher sees of it; `undefined`: nothing. */
export function eventFor(scope: WatchScope, change: StoreChange): WatchEvent | undefined {
  if (scope.namespace !== "" && change.object.metadata.namespace !== scope.namespace) return undefined;
  const before = change.previous !== undefined && change.type !== "ADDED" && scope.matches(change.previous);
  const after = change.type !== "DELETED" && scope.matches(change.object);
  if (after) return { type: before ? "MODIFIED" : "ADDED", object: change.object };
  if (!before) return undefined;
  // What stopped matching is shown in its last matching state, under the revision of the change.
  if (change.type === "DELETED") return { type: "DELETED", object: change.object };
  const last = change.previous as KubeObject;
  return {
    type: "DELETED",
    object: { ...last, metadata: { ...last.metadata, resourceVersion: change.object.metadata.resourceVersion } },
  };
}

type Listener = (changes: readonly StoreChange[]) => void;

export class WatchHub {
  readonly #byResource = new Map<string, Set<Listener>>();
  readonly #all = new Set<Listener>();

  /** @returns stops it */
  subscribe(resource: string, listener: Listener): () => void {
    let listeners = this.#byResource.get(resource);
    if (!listeners) {
      listeners = new Set();
      this.#byResource.set(resource, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Every change of every resource: for the page's stream. */
  subscribeAll(listener: Listener): () => void {
    this.#all.add(listener);
    return () => this.#all.delete(listener);
  }

  /** Hands committed changes to everybody who watches their resource. */
  publish(changes: readonly StoreChange[]): void {
    if (changes.length === 0) return;
    for (const listener of [...this.#all]) listener(changes);
    const byResource = new Map<string, StoreChange[]>();
    for (const change of changes) {
      const listed = byResource.get(change.resource);
      if (listed) listed.push(change);
      else byResource.set(change.resource, [change]);
    }
    for (const [resource, listed] of byResource) {
      for (const listener of [...(this.#byResource.get(resource) ?? [])]) listener(listed);
    }
  }

  get size(): number {
    let size = this.#all.size;
    for (const listeners of this.#byResource.values()) size += listeners.size;
    return size;
  }
}
