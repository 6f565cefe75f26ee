import type { Snapshot } from "./snapshot.ts";

/** Snapshots of one stream that are being taken. */
export class Snapshots {
  readonly #all = new Set<Snapshot>();

  get isAny(): boolean {
    return this.#all.size > 0;
  }

  add(snapshot: Snapshot): void {
    this.#all.add(snapshot);
  }

  remove(snapshot: Snapshot): void {
    this.#all.delete(snapshot);
  }

  /** A message is about to be removed because a newer one takes its place. */
  onReplacing(seq: number): void {
    for (const snapshot of this.#all) snapshot.keep(seq);
  }

  /** The stream goes away. */
  stop(): void {
    for (const snapshot of this.#all) snapshot.stop("the stream is closed");
  }
}
