import type { ConsumerStore, KeptConsumer } from "../consumer-store.ts";

/** For the consumers of a stream in memory: nothing outlives the server, so nothing is kept. */
export class MemoryConsumerStore implements ConsumerStore {
  readonly recovered: ReadonlyMap<string, KeptConsumer> = new Map<string, KeptConsumer>();
  readonly failure = null;
  #position = 0;
  onDurable: () => void = () => {};

  putConfig(): void {
    this.#position++;
  }

  putState(): void {
    this.#position++;
  }

  remove(): void {
    this.#position++;
  }

  get position(): number {
    return this.#position;
  }

  get durablePosition(): number {
    return this.#position;
  }

  /** Nothing to wait for. */
  commit(): void {}

  usedBytes(): number {
    return 0;
  }

  async close(): Promise<void> {}

  async destroy(): Promise<void> {}
}
