import { Connection } from "./connection.ts";
import type { Span, SubscribePlan } from "./operations.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Most subjects there are; three tokens, a thousand second ones with a thousand third ones each. */
export const SUBSCRIPTIONS_MAX = 1_000_000;

/** The subject of a subscription. */
function subjectOf(index: number): string {
  const digits = String(index).padStart(6, "0");
  return `orders.${digits.slice(0, 3)}.${digits.slice(3)}`;
}

/** Connections full of subscriptions. */
export class SubscriptionLoad {
  readonly #connections: { readonly connection: Connection; readonly plan: SubscribePlan }[] = [];

  /** Registers a range of subscriptions on a connection of its own; measures to the PONG that follows. */
  async subscribe(plan: SubscribePlan): Promise<Span> {
    if (plan.from + plan.count > SUBSCRIPTIONS_MAX)
      throw new RangeError(`at most ${SUBSCRIPTIONS_MAX} subscriptions`);
    const operations = Buffer.from(
      Array.from(
        { length: plan.count },
        (_, i) => `SUB ${subjectOf(plan.from + i)} ${plan.from + i}\r\n`,
      ).join(""),
      "latin1",
    );
    const connection = await Connection.open(plan.port);
    const stopwatch = new Stopwatch();
    const answer = await connection.roundTrip(operations);
    const span = stopwatch.read();
    if (answer !== "") throw new Error(`unexpected ${JSON.stringify(answer)}`);
    if (plan.close) connection.close();
    else this.#connections.push({ connection, plan });
    return span;
  }

  /** Publishes to one subscription's subject; resolves when exactly the expected message arrived. */
  async check(port: number, index: number): Promise<void> {
    const owner = this.#connections.find(({ plan }) => index >= plan.from && index < plan.from + plan.count);
    if (owner === undefined) throw new RangeError(`nobody has subscription ${index}`);
    const expected = `MSG ${subjectOf(index)} ${index} 2\r\nok\r\n`;
    const message = owner.connection.receive(expected);
    const publisher = await Connection.open(port);
    await publisher.roundTrip(`PUB ${subjectOf(index)} 2\r\nok\r\n`);
    publisher.close();
    const received = (await message) + (await owner.connection.roundTrip(""));
    if (received !== expected) {
      throw new Error(`got ${JSON.stringify(received)}, not ${JSON.stringify(expected)}`);
    }
  }
}
