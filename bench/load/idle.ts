import { Connection } from "./connection.ts";
import { FrameReader } from "./frames.ts";
import type { IdlePlan } from "./operations.ts";
import { payloadOf } from "./traffic.ts";

/** Connections opened at the same time: below a listener's usual backlog. */
const OPEN_AT_ONCE = 200;

/** Longest a burst may take. */
const BURST_DEADLINE_MS = 120_000;

const SID = 1;

/** Subject of an idle connection's subscription. */
function subjectOf(index: number): string {
  return `idle.${String(index).padStart(5, "0")}`;
}

/** Connections with one subscription each that do nothing but answer PINGs, until there is a burst. */
export class IdleLoad {
  readonly #plan: IdlePlan;
  readonly #payload: string;
  #awaitedMessages = 0;
  #arrived = Promise.withResolvers<void>();
  readonly #failed = Promise.withResolvers<never>();

  private constructor(plan: IdlePlan) {
    this.#plan = plan;
    this.#payload = payloadOf(plan.payloadBytes);
    // A failure while idling is reported by the next burst.
    this.#failed.promise.catch(() => {});
  }

  /** Opens the connections and subscribes each to a subject of its own. */
  static async open(plan: IdlePlan): Promise<IdleLoad> {
    const load = new IdleLoad(plan);
    for (let first = 0; first < plan.connections; first += OPEN_AT_ONCE) {
      const size = Math.min(OPEN_AT_ONCE, plan.connections - first);
      await Promise.all(Array.from({ length: size }, (_, i) => load.#openOne(first + i)));
    }
    return load;
  }

  /** Sends `messagesEach` messages to every connection, round by round; resolves when all have arrived. */
  async burst(messagesEach: number): Promise<void> {
    const { port, connections, payloadBytes } = this.#plan;
    const round = Array.from(
      { length: connections },
      (_, i) => `PUB ${subjectOf(i)} ${payloadBytes}\r\n${this.#payload}\r\n`,
    );
    const operations = Buffer.from(round.join(""), "latin1");
    this.#awaitedMessages = connections * messagesEach;
    this.#arrived = Promise.withResolvers<void>();
    const publisher = await Connection.open(port);
    const deadline = setTimeout(() => {
      this.#failed.reject(
        new Error(`${this.#awaitedMessages} messages missing after ${BURST_DEADLINE_MS} ms`),
      );
    }, BURST_DEADLINE_MS);
    try {
      for (let i = 0; i < messagesEach; i++) await publisher.roundTrip(operations);
      await Promise.race([this.#arrived.promise, this.#failed.promise]);
    } finally {
      clearTimeout(deadline);
      publisher.close();
    }
  }

  async #openOne(index: number): Promise<void> {
    const connection = await Connection.open(this.#plan.port);
    await connection.roundTrip(`SUB ${subjectOf(index)} ${SID}\r\n`);
    const size = this.#payload.length;
    const expected = Buffer.from(`MSG ${subjectOf(index)} ${SID} ${size}\r\n${this.#payload}\r\n`, "latin1");
    const frames = new FrameReader(expected.length, (frame) => {
      if (!frame.equals(expected)) throw new Error(`got ${JSON.stringify(frame.toString("latin1", 0, 100))}`);
      this.#awaitedMessages--;
      if (this.#awaitedMessages === 0) this.#arrived.resolve();
    });
    connection.listen((bytes) => {
      if (bytes.includes("PING\r\n")) connection.socket.write("PONG\r\n");
      frames.push(bytes);
    }, this.#failed.reject);
  }
}
