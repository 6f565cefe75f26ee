/** What can be durable: a stream's store, a consumer store. */
interface DurableStore {
  readonly position: number;
  readonly durablePosition: number;
  commit(): void;
}

/** Those who wait for what a store was told to be durable. */
export class DurabilityWaits {
  readonly #store: DurableStore;
  readonly #failure: () => string | null;
  #waits: { readonly position: number; readonly done: (failure: string | null) => void }[] = [];

  /** `failure` says why nothing will be durable any more; null: all is well, or will be again. */
  constructor(store: DurableStore, failure: () => string | null) {
    this.#store = store;
    this.#failure = failure;
  }

  /**
   * Resolves once all that the store was told so far is durable; rejects when it never will be. What comes of a full
   * disk may take until there is room again.
   */
  wait(): Promise<void> {
    const { position } = this.#store;
    return new Promise((resolve, reject) => {
      this.#waits.push({
        position,
        done: (failure) => {
          if (failure === null) resolve();
          else reject(new Error(failure));
        },
      });
      this.#store.commit();
      this.settle();
    });
  }

  /** The store has come further, or has failed. */
  settle(): void {
    if (this.#waits.length === 0) return;
    const failure = this.#failure();
    const { durablePosition } = this.#store;
    const waits = this.#waits;
    this.#waits = waits.filter(({ position }) => position > durablePosition && failure === null);
    for (const { position, done } of waits) {
      if (position <= durablePosition) done(null);
      else if (failure !== null) done(failure);
    }
  }
}
