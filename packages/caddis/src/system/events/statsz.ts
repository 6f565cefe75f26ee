import { Timer } from "../../base/timer-queue.ts";
import type { Broker } from "../../broker/broker.ts";
import { goJson } from "../../broker/go-json.ts";
import { makeMessage } from "../../broker/message.ts";
import type { JetStream } from "../../jetstream/jetstream.ts";
import { serverInfo } from "../server-info.ts";
import { serverStats } from "../server-stats.ts";
import type { Usage } from "../views/varz.ts";
import { isInterested } from "./interest.ts";

/** The first statistics come this long after the start, the next ones after twice as long each; as in the reference. */
const FIRST_MS = 250;
/** Twice within this time nobody needs them, and it is the longest that … */
const SPACING_MS_MIN = 1_000;
/** … is let pass in the end between two of them. */
const INTERVAL_MS_MAX = 10_000;

/** Tells the system account how the server is: by a clock, and to whoever asks. */
export class Statsz {
  readonly #broker: Broker;
  readonly #usage: () => Usage;
  readonly #jetStream: () => JetStream | null;
  readonly #timer = new Timer(() => this.#onDue());
  #startMs = 0;
  #intervalMs = FIRST_MS;
  /** When the last ones were due, monotonic milliseconds. */
  #lastMs = -Infinity;

  constructor(broker: Broker, usage: () => Usage, jetStream: () => JetStream | null) {
    this.#broker = broker;
    this.#usage = usage;
    this.#jetStream = jetStream;
  }

  /** Where they come by the clock. */
  get subject(): string {
    return `$SYS.SERVER.${this.#broker.serverId}.STATSZ`;
  }

  /** `startMs`: since when the server runs, wall-clock milliseconds. */
  start(startMs: number): void {
    this.#startMs = startMs;
    this.#intervalMs = FIRST_MS;
    this.#broker.timers.setIn(this.#timer, FIRST_MS);
  }

  stop(): void {
    this.#broker.timers.cancel(this.#timer);
  }

  /** Somebody wants those that come by the clock now. */
  announce(): void {
    this.#lastMs = this.#broker.clock.monotonicMs();
    this.tell(this.subject);
  }

  /** Sends them to `subject`, a wire string, unless nobody listens there. */
  tell(subject: string): void {
    const { systemAccount } = this.#broker;
    if (systemAccount === null || !isInterested(systemAccount, subject)) return;
    const statsz = serverStats(this.#broker, this.#usage(), this.#startMs, this.#jetStream());
    const json = goJson({ server: serverInfo(this.#broker), statsz });
    systemAccount.publish(makeMessage(subject, "", "", Buffer.from(json, "utf8")));
  }

  #onDue(): void {
    const { clock, timers } = this.#broker;
    const earliestMs = this.#lastMs + SPACING_MS_MIN;
    if (clock.monotonicMs() < earliestMs) {
      timers.setAt(this.#timer, earliestMs);
      return;
    }
    this.#intervalMs = Math.min(Math.max(2 * this.#intervalMs, SPACING_MS_MIN), INTERVAL_MS_MAX);
    timers.setIn(this.#timer, this.#intervalMs);
    this.announce();
  }
}
