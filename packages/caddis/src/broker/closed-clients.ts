import type { ClientSummary } from "./client-summary.ts";

/** The latest connections that ended: a ring that forgets the oldest. */
export class ClosedClients {
  readonly #capacity: number;
  readonly #ring: ClientSummary[] = [];
  #oldest = 0;
  /** Connections that ended, ever. */
  total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(summary: ClientSummary): void {
    this.total++;
    if (this.#ring.length < this.#capacity) {
      this.#ring.push(summary);
    } else if (this.#capacity > 0) {
      this.#ring[this.#oldest] = summary;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
  }

  /** Oldest first. */
  all(): readonly ClientSummary[] {
    return [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)];
  }
}
