import { must } from "../../base/assert.ts";
import type { ConsumerPace } from "./consumer-pace.ts";
import type { ConsumerPort } from "./consumer-port.ts";
import type { WaitingPull } from "./consumer-pull-queue.ts";
import type { ConsumerPulls } from "./consumer-pulls.ts";
import type { ConsumerPush } from "./consumer-push.ts";
import type { ConsumerSource } from "./consumer-source.ts";
import type { ConsumerState } from "./consumer-state.ts";

/** Whoever has too much waiting is tried again after so long: a few turns of the loop. */
const HOLD_MS = 2;

/**
 * Why the next message is not delivered now. none: one was, or may be.
 * Checked in this order: paused, noInterest or noPull, flowControl, held (its receivers have too much waiting), rate;
 * then maxAckPending, end (nothing to deliver), replay (not its time yet), priority (no request may have it).
 */
export type Obstacle =
  | "none"
  | "paused"
  | "noInterest"
  | "noPull"
  | "flowControl"
  | "held"
  | "rate"
  | "maxAckPending"
  | "end"
  | "replay"
  | "priority";

/** The parts of a consumer that sending has to do with. */
interface SenderParts {
  readonly state: ConsumerState;
  readonly source: ConsumerSource;
  readonly pulls: ConsumerPulls | null;
  readonly push: ConsumerPush | null;
}

/** Sends one message at a time, to the deliver subject or to a pull request, or says what keeps it from that. */
export class ConsumerSender {
  readonly pace: ConsumerPace;
  /** Size of the message that was sent last. */
  sentBytes = 0;
  readonly #parts: SenderParts;
  readonly #port: ConsumerPort;

  constructor(parts: SenderParts, pace: ConsumerPace, port: ConsumerPort) {
    this.#parts = parts;
    this.pace = pace;
    this.#port = port;
  }

  /** What keeps any message from being sent. */
  obstacle(nowMs: number): Obstacle {
    const { push, pulls } = this.#parts;
    if (pulls !== null && pulls.queue.size === 0) return "noPull";
    if (push !== null) {
      if (!push.isActive) return "noInterest";
      if (push.flow !== null && push.flow.isFull) return "flowControl";
      if (push.heldUntilMs > nowMs) return "held";
    }
    return this.pace.isSpent(nowMs) ? "rate" : "none";
  }

  /** When an obstacle that was met is over by itself; Infinity: it is not. */
  waitEndMs(obstacle: Obstacle): number {
    if (obstacle === "rate" || obstacle === "replay") return this.pace.readyMs;
    if (obstacle !== "held") return Infinity;
    const { push, pulls } = this.#parts;
    return push?.heldUntilMs ?? pulls?.heldUntilMs ?? Infinity;
  }

  /** Sends the message that was loaded; `numPending` come after it. */
  send(deliveries: number, numPending: number, nowMs: number): Obstacle {
    const { message } = this.#parts.source;
    const readyMs = this.pace.replayMs(message, nowMs);
    if (readyMs > nowMs) return "replay";
    const left = Math.max(0, numPending);
    const size = this.#port.prepare(message, deliveries, this.#parts.state.deliveredConsumer + 1, left, "");
    const { push, pulls } = this.#parts;
    this.sentBytes = size;
    const obstacle =
      push !== null
        ? this.#sendToSubject(push, nowMs)
        : this.#sendToPull(must(pulls, "who does not push is asked"), size, deliveries, left, nowMs);
    if (obstacle === "none") this.pace.onSent(message, size, nowMs);
    return obstacle;
  }

  #sendToSubject(push: ConsumerPush, nowMs: number): Obstacle {
    const sent = this.#port.send(push.inbox);
    if (sent === "nobody") {
      push.onNobody(nowMs);
      return "noInterest";
    }
    if (sent === "refused") {
      push.heldUntilMs = nowMs + HOLD_MS;
      return "held";
    }
    return "none";
  }

  #sendToPull(
    pulls: ConsumerPulls,
    size: number,
    deliveries: number,
    numPending: number,
    nowMs: number,
  ): Obstacle {
    let preparedFor = "";
    for (;;) {
      const pull = pulls.choose(size, numPending + 1, nowMs);
      if (pull === null) return this.#whyNoPull(pulls);
      if (pull.pinId !== preparedFor) {
        const { message } = this.#parts.source;
        preparedFor = pull.pinId;
        this.#port.prepare(
          message,
          deliveries,
          this.#parts.state.deliveredConsumer + 1,
          numPending,
          pull.pinId,
        );
      }
      if (this.#sendToOne(pulls, pull, size, nowMs)) return "none";
    }
  }

  #sendToOne(pulls: ConsumerPulls, pull: WaitingPull, size: number, nowMs: number): boolean {
    const sent = this.#port.send(pull.inbox);
    if (sent === "nobody") {
      pulls.drop(pull);
      return false;
    }
    if (sent === "refused") {
      pull.heldUntilMs = nowMs + HOLD_MS;
      return false;
    }
    pulls.onServed(pull, size, nowMs);
    return true;
  }

  #whyNoPull(pulls: ConsumerPulls): Obstacle {
    if (pulls.queue.size === 0) return "noPull";
    return pulls.heldUntilMs < Infinity ? "held" : "priority";
  }
}
