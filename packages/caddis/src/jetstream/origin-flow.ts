import type { Account } from "../broker/account.ts";
import { makeMessage } from "../broker/message.ts";

/** Heartbeats in a row that complain about the same request before that is an error; as in the reference. */
const COMPLAINTS_MAX = 3;
/** A consumer has one request out at a time; who sends more has the oldest forgotten. */
const WAITING_MAX = 8;
const NOTHING = new Uint8Array(0);

/** An answer that waits for what it confirms to be durable. */
interface WaitingAnswer {
  readonly position: number;
  readonly reply: string;
  readonly headers: string;
}

/**
 * Answers the flow control requests of a consumer at an origin. Each answer says how far everything is stored, and the
 * origin may forget it then: so it waits until that is durable. What is on its way stays bounded by that, too.
 */
export class OriginFlow {
  readonly #account: Account;
  #waiting: WaitingAnswer[] = [];
  /** The request that the origin misses an answer to, and how often it has said so. */
  #missed = "";
  #complaints = 0;

  constructor(account: Account) {
    this.#account = account;
  }

  /** An answer waits for the store. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** All that the answer confirms is durable once the store has come to `position`. Wire string. */
  onRequest(reply: string, delivered: number, seq: number, position: number): void {
    if (this.#waiting.length === WAITING_MAX) this.#waiting.shift();
    const headers = `NATS/1.0\r\nNats-Last-Consumer: ${delivered}\r\nNats-Last-Stream: ${seq}\r\n\r\n`;
    this.#waiting.push({ position, reply, headers });
  }

  /** The origin says that it misses an answer. True: it has done so too often, once for each time this is so. */
  onComplaint(reply: string, delivered: number, seq: number, position: number): boolean {
    // It has to wait for the disk.
    if (this.#waiting.some((answer) => answer.reply === reply)) return false;
    if (reply !== this.#missed) this.#complaints = 0;
    this.#missed = reply;
    this.#complaints++;
    this.onRequest(reply, delivered, seq, position);
    return this.#complaints === COMPLAINTS_MAX;
  }

  /** It goes on; true: it had complained. */
  onProgress(): boolean {
    if (this.#missed === "") return false;
    this.#missed = "";
    this.#complaints = 0;
    return true;
  }

  /** The store has made everything durable up to `position`. */
  onDurable(position: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0].position <= position) {
      const answer = this.#waiting.shift();
      if (answer !== undefined) this.#account.publish(makeMessage(answer.reply, "", answer.headers, NOTHING));
    }
  }

  /** There is another consumer, which knows nothing of these. */
  reset(): void {
    this.#waiting = [];
    this.onProgress();
  }
}
