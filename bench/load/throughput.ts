import { Connection } from "./connection.ts";
import type { Span, ThroughputPlan } from "./operations.ts";
import { Publisher } from "./publisher.ts";
import { Stopwatch } from "./stopwatch.ts";
import { Subscriber } from "./subscriber.ts";
import {
  deliveredBlock,
  LITERAL_SID_FIRST,
  LITERALS_MAX,
  publishBlock,
  subjectOf,
  SUBJECTS_MAX,
  WILDCARD_SID,
} from "./traffic.ts";
import { framedBlock } from "./websocket.ts";

/** Longest a measured phase may take. A healthy one takes seconds. */
const PHASE_DEADLINE_MS = 120_000;

/** Length of the PONG that ends a phase, and of the PINGs that a server may have sent meanwhile. */
const CONTROL_BYTES = 6;
/** Most of them per subscriber and phase: together they are shorter than the smallest message. */
const CONTROLS_MAX = 3;

/** Publishers and subscribers of one throughput case. */
export class ThroughputLoad {
  readonly #plan: ThroughputPlan;
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];
  readonly #messageBytes: number;
  /** Bytes of messages still to arrive in this phase, all subscribers together; below 0 by PING and PONG. */
  #awaitedBytes = 0;
  #stopwatch = new Stopwatch();
  #arrived = Promise.withResolvers<Span>();
  /** Rejects when anything goes wrong, in whichever phase. */
  readonly #failed = Promise.withResolvers<never>();

  private constructor(plan: ThroughputPlan, messageBytes: number) {
    this.#plan = plan;
    this.#messageBytes = messageBytes;
    // A failure between two phases is reported by the next one.
    this.#failed.promise.catch(() => {});
  }

  /** Opens all connections and registers the interest; the server has taken all of it when this resolves. */
  static async open(plan: ThroughputPlan): Promise<ThroughputLoad> {
    const { carriage = "tcp" } = plan;
    if (plan.subjects > SUBJECTS_MAX) throw new RangeError(`at most ${SUBJECTS_MAX} subjects`);
    if (plan.interest === "literal" && plan.subjects > LITERALS_MAX) {
      throw new RangeError(`at most ${LITERALS_MAX} literal subscriptions`);
    }
    const expected = deliveredBlock(plan.subjects, plan.payloadBytes, plan.interest);
    const load = new ThroughputLoad(plan, expected.operationBytes);
    const onFailure = load.#failed.reject;
    for (let i = 0; i < plan.subscribers; i++) {
      const connection = await Connection.open(plan.port, carriage);
      await connection.roundTrip(interestOf(plan));
      const events = { onBytes: (count: number) => load.#onBytes(count), onFailure };
      load.#subscribers.push(new Subscriber(connection, expected, plan.verifyAll, events));
    }
    if (carriage !== "tcp" && plan.subjects > 1) throw new RangeError("over WebSocket one subject");
    const block = framedBlock(publishBlock(plan.subjects, plan.payloadBytes), carriage);
    for (let i = 0; i < plan.publishers; i++) {
      const connection = await Connection.open(plan.port, carriage);
      connection.listen((bytes) => {
        // A server's PING needs no answer for as long as a run takes; an error does.
        if (bytes.includes("-ERR")) onFailure(new Error(`the server answered ${bytes.toString("latin1")}`));
      }, onFailure);
      load.#publishers.push(new Publisher(connection, block));
    }
    return load;
  }

  /**
   * Publishes `messages` in all, and measures from the first byte written to the last one received (with
   * nobody subscribed, to the PONG that follows the last message). Then checks that not one byte more came.
   */
  async publish(messages: number): Promise<Span> {
    const deadline = setTimeout(() => {
      this.#failed.reject(new Error(`${this.#awaitedBytes} bytes missing after ${PHASE_DEADLINE_MS} ms`));
    }, PHASE_DEADLINE_MS);
    try {
      return await Promise.race([this.#publish(messages), this.#failed.promise]);
    } finally {
      clearTimeout(deadline);
    }
  }

  async #publish(messages: number): Promise<Span> {
    const share = messages / this.#publishers.length;
    if (!Number.isInteger(share)) throw new RangeError("messages must divide evenly among publishers");
    const copies = this.#plan.queueGroup ? 1 : this.#subscribers.length;
    const expectedBytes = messages * copies * this.#messageBytes;
    const receivedBefore = this.#receivedBytes();
    this.#awaitedBytes = expectedBytes;
    this.#arrived = Promise.withResolvers<Span>();
    this.#stopwatch = new Stopwatch();
    const written = this.#publishers.map((publisher) => publisher.write(share));
    if (copies === 0) {
      await Promise.all(written);
      await Promise.all(this.#publishers.map((publisher) => publisher.connection.roundTrip("")));
      return this.#stopwatch.read();
    }
    const span = await this.#arrived.promise;
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.drained()));
    this.#expectOnlyControls(this.#receivedBytes() - receivedBefore - expectedBytes);
    return span;
  }

  #receivedBytes(): number {
    return this.#subscribers.reduce((sum, subscriber) => sum + subscriber.receivedBytes, 0);
  }

  #onBytes(count: number): void {
    const before = this.#awaitedBytes;
    this.#awaitedBytes -= count;
    if (before > 0 && this.#awaitedBytes <= 0) this.#arrived.resolve(this.#stopwatch.read());
  }

  /** Every subscriber got its PONG and perhaps a PING or two: anything else was a message too many. */
  #expectOnlyControls(surplusBytes: number): void {
    const controls = surplusBytes / CONTROL_BYTES;
    const subscribers = this.#subscribers.length;
    if (!Number.isInteger(controls) || controls < subscribers || controls > subscribers * CONTROLS_MAX) {
      throw new Error(`${surplusBytes - subscribers * CONTROL_BYTES} bytes more than expected arrived`);
    }
  }
}

/** The SUB operations of one subscriber. */
function interestOf(plan: ThroughputPlan): string {
  const queue = plan.queueGroup ? "workers " : "";
  if (plan.interest === "wildcard") return `SUB bench.* ${queue}${WILDCARD_SID}\r\n`;
  return Array.from(
    { length: plan.subjects },
    (_, index) => `SUB ${subjectOf(index)} ${queue}${LITERAL_SID_FIRST + index}\r\n`,
  ).join("");
}
