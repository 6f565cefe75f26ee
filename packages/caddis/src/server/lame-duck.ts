import { Timer } from "../base/timer-queue.ts";
import type { Broker } from "../broker/broker.ts";

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
  #resolve: (() => void) | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Resolves when no client is left, or when it was cancelled. */
  run(): Promise<void> {
    const { clients, log, options, timers } = this.#broker;
    if (clients.size === 0) return Promise.resolve();
    this.#broker.isLameDuck = true;
    for (const client of clients.values()) {
      // Only a client that has had its first PONG, and so the INFO behind it, expects more of them.
      if (client.connectInfoSent && client.state === "connected") client.sendInfo(false);
    }
    this.#broker.flusher.flush();
    const grace = options.lame_duck_grace_period;
    this.#spacingMs = Math.min((options.lame_duck_duration - grace) / clients.size, CLOSE_SPACING_MS_MAX);
    log.info(`Initiating lame duck mode, closing ${clients.size} clients`);
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
    const { clients, random, timers } = this.#broker;
    for (const client of clients.values()) {
      if (client.state !== "closing") {
        client.close("serverShutdown");
        break;
      }
    }
    const remaining = [...clients.values()].some((client) => client.state !== "closing");
    if (!remaining) this.#finish();
    else timers.setIn(this.#timer, this.#spacingMs * (0.5 + 0.5 * random.fraction()));
  }

  #finish(): void {
    const resolve = this.#resolve;
    this.#resolve = null;
    resolve?.();
  }
}
