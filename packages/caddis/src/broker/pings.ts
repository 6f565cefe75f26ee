import { FIRST_PING_MS, PING_GRAIN_MS, RTT_INTERVAL_MS } from "../base/limits.ts";
import type { Timer } from "../base/timer-queue.ts";
import { formatDuration } from "../config/duration.ts";
import type { Broker } from "./broker.ts";

/** A connection that is pinged. */
export interface PingedClient {
  readonly broker: Broker;
  /** How long it may be idle before it is pinged, milliseconds. */
  readonly pingIntervalMs: number;
  /** When something came from the peer last, monotonic milliseconds. */
  readonly lastInMs: number;
  /** Queues a PING. */
  sendPing(): void;
  debug(text: string): void;
  /** The peer left too many PINGs without an answer. */
  onStale(): void;
}

/** PINGs of the server to one connection: they find peers that are gone, and measure the round trip. */
export class Pings {
  /** Those that the peer has not answered. */
  unanswered = 0;
  /** Last measured round trip in milliseconds; 0: none yet. */
  rttMs = 0;
  readonly #client: PingedClient;
  /** Set for the next PING; the connection's, which has use for it before its first PING and after its last. */
  readonly #timer: Timer;
  readonly #greetedMs: number;
  /** From the greeting to the CONNECT, milliseconds; 0 before. */
  #connectMs = 0;
  #sentMs = 0;

  constructor(client: PingedClient, timer: Timer, greetedMs: number) {
    this.#client = client;
    this.#timer = timer;
    this.#greetedMs = greetedMs;
  }

  /** The last measured round trip in milliseconds; until there is one, the time from the greeting to the CONNECT. */
  get roundTripMs(): number {
    return this.rttMs === 0 ? this.#connectMs : this.rttMs;
  }

  /** A CONNECT came, acceptable or not. */
  onConnect(): void {
    if (this.#connectMs === 0) this.#connectMs = this.#nowMs - this.#greetedMs;
  }

  onPong(): void {
    this.unanswered = 0;
    if (this.#sentMs > 0) this.rttMs = Math.max(this.#nowMs - this.#sentMs, Number.MIN_VALUE);
  }

  /** The first PING comes soon, since it measures the round trip; the next ones by `ping_interval`. */
  scheduleFirst(): void {
    const { broker, pingIntervalMs } = this.#client;
    const first = Math.min(FIRST_PING_MS, pingIntervalMs);
    this.schedule(first + broker.random.fraction() * 0.2 * first);
  }

  /** Has the timer fall due in about `delayMs`: many connections share a wake-up. */
  schedule(delayMs: number): void {
    const grain = Math.min(PING_GRAIN_MS, delayMs);
    const dueMs = this.#nowMs + delayMs;
    this.#client.broker.timers.setAt(this.#timer, grain > 0 ? Math.ceil(dueMs / grain) * grain : dueMs);
  }

  /** The timer fell due: pings a peer that has been silent, or whose round trip was not measured for long. */
  onDue(): void {
    const client = this.#client;
    client.debug("Client Ping Timer");
    const { lastInMs, pingIntervalMs, broker } = client;
    const nowMs = this.#nowMs;
    const needsRtt = this.rttMs === 0 || nowMs - this.#sentMs > RTT_INTERVAL_MS;
    if (nowMs - lastInMs >= pingIntervalMs || needsRtt) {
      if (this.unanswered + 1 > broker.options.ping_max) {
        client.onStale();
        return;
      }
      this.#send();
    } else {
      const ago = formatDuration(Math.round((nowMs - lastInMs) / 1000) * 1000);
      client.debug(`Delaying PING due to remote client data or ping ${ago} ago`);
    }
    this.schedule(pingIntervalMs);
  }

  #send(): void {
    this.#sentMs = this.#nowMs;
    this.unanswered++;
    this.#client.sendPing();
  }

  get #nowMs(): number {
    return this.#client.broker.clock.monotonicMs();
  }
}
