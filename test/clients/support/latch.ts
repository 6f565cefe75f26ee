/** Counts up and lets one waiter know when a number is reached: how tests wait without sleeping. */
export class Latch {
  #count = 0;
  #wanted = 0;
  #resolve: () => void = () => {};

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count++;
    if (this.#count >= this.#wanted) this.#resolve();
  }

  /** Resolves as soon as the count is at least `wanted`. */
  async reached(wanted: number): Promise<void> {
    if (this.#count >= wanted) return;
    this.#wanted = wanted;
    await new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
  }
}
