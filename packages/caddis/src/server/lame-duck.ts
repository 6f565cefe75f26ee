import { Timer } from "../base/timer-queue.ts";
import type { Broker } from "../broker/broker.ts";
import type { Client } from "../broker/client.ts";

/** Clients are closed at most this far apart, so that a long duration does not leave few of them waiting. */
const CLOSE_SPACING_MS_MAX = 1_000;

/**
 * Sends clients away slowly: tells them by INFO, waits the grace period, then closes one after the
 * other, spread over the rest of the duration so that they do not all knock elsewhere at once.
 */
export class LameDuck {
  readonly #broker: Broker;
  readonly #timer = new Timer(() => this.#onDue());
  #spacingMs = 0;
  /** The clients still to be looked at, gone through once; null before the end of the grace period. */
  #rest: Iterator<Client> | null = null;
  /** The one to close next. It may leave by itself before its turn comes. */
  #next: Client | null = null;
  #resolve: (() => void) | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Resolves when no client is left, or when it was cancelled. */
  run(): Promise<void> {
    const { clients, options, timers } = this.#broker;
    if (clients.size === 0) return Promise.resolve();
    this.#broker.isLameDuck = true;
    for (const client of clients.values()) {
      // Only a client that has had its first PONG, and so the INFO behind it, expects more of them.
      if (client.connectInfoSent && client.state === "connected") client.sendInfo(false);
    }
    this.#broker.flusher.flush();
    const grace = options.lame_duck_grace_period;
    this.#spacingMs = Math.min((options.lame_duck_duration - grace) / clients.size, CLOSE_SPACING_MS_MAX);
    timers.setIn(this.#timer, grace);
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Closes nobody any more: a shutdown has come in between. */
  cancel(): void {
    this.#broker.timers.cancel(this.#timer);
    this.#finish();
  }

  #onDue(): void {
    const { clients, log, random, timers } = this.#broker;
    if (this.#rest === null) {
      log.info("Closing existing clients");
      this.#rest = clients.values();
    }
    this.#firstOpen()?.close("serverShutdown");
    this.#next = this.#firstOpen();
    if (this.#next === null) this.#finish();
    else timers.setIn(this.#timer, this.#spacingMs * (0.5 + 0.5 * random.fraction()));
  }

  /** The first client that is not on its way out; null when none is left. */
  #firstOpen(): Client | null {
    let client = this.#next;
    while (client === null || client.state === "closing" || client.state === "closed") {
      const { value, done } = this.#rest?.next() ?? { value: undefined, done: true };
      if (done === true) return null;
      client = value;
    }
    return client;
  }

  #finish(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }
}
