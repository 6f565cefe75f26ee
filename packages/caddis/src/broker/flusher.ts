import type { Outbound } from "./outbound.ts";

/**
 * The outbounds that got output in this turn. The list is drained once the turn's input is parsed, or,
 * for output that no read started, in a microtask: one system call per receiver and turn.
 */
export class Flusher {
  readonly #dirty: Outbound[] = [];
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Called by an outbound when it goes from empty to not empty. */
  add(outbound: Outbound): void {
    this.#dirty.push(outbound);
  }

  get dirtyCount(): number {
    return this.#dirty.length;
  }

  /** Flushes what became dirty, at the latest when the current turn of the loop runs out. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  flush(): void {
    const dirty = this.#dirty;
    for (let i = 0; i < dirty.length; i++) dirty[i].flush();
    dirty.length = 0;
  }
}
