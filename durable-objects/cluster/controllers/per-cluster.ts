/** One memory for each cluster: a controller's context is made once a cluster. */
export class PerCluster<T> {
  readonly #of = new WeakMap<object, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  for(context: object): T {
    let own = this.#of.get(context);
    if (own === undefined) {
      own = this.#make();
      this.#of.set(context, own);
    }
    return own;
  }
}
