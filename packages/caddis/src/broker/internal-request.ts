import { Timer } from "../base/timer-queue.ts";
import type { Random } from "../io/random.ts";
import type { Account } from "./account.ts";
import type { ReceivedMessage } from "./internal-subscription.ts";
import { makeMessage } from "./message.ts";

/** What the reply subject of a request is made of, so that nobody can guess it. */
const INBOX_BYTES = 16;

/** A subject for answers to the server. */
export function makeInbox(random: Random): string {
  return `$SYS._INBOX.${Buffer.from(random.bytes(INBOX_BYTES)).toString("hex")}`;
}

/**
 * Publishes a request of the server itself in `account` and resolves with the first answer; with null when
 * nobody is there to answer, or not within `timeoutMs`. Subject and headers are wire strings.
 */
export function request(
  account: Account,
  subject: string,
  headers: string,
  payload: Uint8Array,
  timeoutMs: number,
): Promise<ReceivedMessage | null> {
  const { broker } = account;
  const inbox = makeInbox(broker.random);
  return new Promise((resolve) => {
    const finish = (answer: ReceivedMessage | null): void => {
      broker.timers.cancel(timer);
      account.unsubscribe(subscription);
      resolve(answer);
    };
    const timer = new Timer(() => finish(null));
    const subscription = account.listen(inbox, "", finish);
    broker.timers.setIn(timer, timeoutMs);
    if (account.publish(makeMessage(subject, inbox, headers, payload)) === 0) finish(null);
  });
}
