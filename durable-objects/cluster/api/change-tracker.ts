/**
 * Stands between the store and everything derived: kube-proxy and DNS never read API objects on a query, they apply
 * drained changes.
 */

/** `before` undefined: it was added; `after` undefined: it was deleted. */
export interface Change<T> {
  before: T | undefined;
  after: T | undefined;
}

/** Folds any number of edits to one key into a single change, and forgets edits that cancel out. */
export class ChangeTracker<T> {
  readonly #changes = new Map<string, Change<T>>();
  readonly #same: (a: T | undefined, b: T | undefined) => boolean;

  /** @param same says whether two states need no work; comparing by identity is always right, only slower */
  constructor(same: (a: T | undefined, b: T | undefined) => boolean = Object.is) {
    this.#same = same;
  }

  record(key: string, before: T | undefined, after: T | undefined): void {
    const pending = this.#changes.get(key);
    const change = { before: pending ? pending.before : before, after };
    if (this.#same(change.before, change.after)) this.#changes.delete(key);
    else this.#changes.set(key, change);
  }

  get size(): number {
    return this.#changes.size;
  }

  /** Hands over everything since the last call. */
  drain(): ReadonlyMap<string, Change<T>> {
    const drained = new Map(this.#changes);
    this.#changes.clear();
    return drained;
  }
}
