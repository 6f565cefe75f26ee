import { assert } from "../base/assert.ts";
import type { Clock } from "./clock.ts";

/** Where virtual time begins unless said otherwise: a round moment, so that differences are easy to read. */
const START_MS = Date.UTC(2026, 0, 1);

/** A server and its clients that are still busy after so many turns keep each other busy for ever. */
const SETTLE_TURNS_MAX = 100_000;

/** What a virtual clock needs of the real world: a later turn of the event loop. */
export type NextTurn = (run: () => void) => void;

/**
 * Time that stands still until a test moves it. Several servers may share one clock: each has its own
 * wake-up, told apart by the function it hands in. Whoever hands in nothing but this clock runs the same
 * way every time.
 */
export class VirtualClock implements Clock {
  readonly #nextTurn: NextTurn;
  readonly #startMs: number;
  #elapsedMs = 0;
  /** Wake-ups that were asked for: the moment of each, on the monotonic scale. */
  readonly #wakeUps = new Map<() => void, number>();
  /** Turns asked for and not run yet, and how many there were ever. */
  #turnsPending = 0;
  #turnsAsked = 0;
  /** The latest `advance`: the next one follows it. */
  #advancing: Promise<void> = Promise.resolve();

  /** `startMs`: wall-clock time at the start, in milliseconds since the Unix epoch. */
  constructor(nextTurn: NextTurn, startMs: number = START_MS) {
    this.#nextTurn = nextTurn;
    this.#startMs = startMs;
  }

  nowMs(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  wakeAt(dueMs: number, wake: () => void): void {
    if (dueMs === Infinity) this.#wakeUps.delete(wake);
    else this.#wakeUps.set(wake, dueMs);
  }

  nextTurn(run: () => void): void {
    this.#turnsPending++;
    this.#turnsAsked++;
    this.#nextTurn(() => {
      this.#turnsPending--;
      run();
    });
  }

  /**
   * Resolves once all that was begun has come to rest, with no time passing: messages on in-process
   * connections have been delivered and answered. What comes through sockets is not known here.
   * Rejects when there is no end to it.
   */
  async settled(): Promise<void> {
    let asked = -1;
    for (let turns = 0; this.#turnsPending > 0 || asked !== this.#turnsAsked; turns++) {
      if (turns === SETTLE_TURNS_MAX)
        throw new Error(`still busy after ${SETTLE_TURNS_MAX} turns of the event loop`);
      asked = this.#turnsAsked;
      await new Promise<void>((resolve) => this.#nextTurn(resolve));
    }
  }

  /**
   * Lets `ms` milliseconds pass: everything that falls due meanwhile happens at its own moment, in order,
   * and comes to rest before time goes on. Resolves when all is done.
   */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Infinity)) return Promise.reject(new RangeError(`time cannot pass by ${ms} ms`));
    const done = this.#advancing.then(() => this.#pass(ms));
    // Who waits for `done` hears of a failure; the next call is not to suffer from it.
    this.#advancing = done.catch(() => {});
    return done;
  }

  async #pass(ms: number): Promise<void> {
    await this.settled();
    const targetMs = this.#elapsedMs + ms;
    for (let wake = this.#takeDue(targetMs); wake !== null; wake = this.#takeDue(targetMs)) {
      wake();
      await this.settled();
    }
    this.#elapsedMs = targetMs;
  }

  /** Takes the earliest wake-up that is due by `limitMs` and sets the clock to its moment. */
  #takeDue(limitMs: number): (() => void) | null {
    let earliest: (() => void) | null = null;
    let earliestMs = Infinity;
    for (const [wake, dueMs] of this.#wakeUps) {
      if (dueMs < earliestMs) {
        earliest = wake;
        earliestMs = dueMs;
      }
    }
    if (earliest === null || earliestMs > limitMs) return null;
    this.#wakeUps.delete(earliest);
    this.#elapsedMs = Math.max(this.#elapsedMs, earliestMs);
    assert(this.#elapsedMs <= limitMs, "time stops where it was told to");
    return earliest;
  }
}
