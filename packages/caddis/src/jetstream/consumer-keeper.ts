import { Timer } from "../base/timer-queue.ts";
import { makeMessage } from "../broker/message.ts";
import type { Stream } from "./stream.ts";

/** A state that changes is kept this much later, with what else has changed by then. */
const KEEP_DELAY_MS = 150;
/** So much longer for each of so many bytes: states with very much pending are kept less often. */
const KEEP_DELAY_PER_BYTES = 64 * 1024;
const KEEP_DELAY_MS_MAX = 2_000;

const NOTHING = new Uint8Array(0);

/**
 * Has the state of one consumer kept, and confirms acknowledgements: who asks for a confirmation gets it once the
 * state that knows of it is durable.
 */
export class ConsumerKeeper {
  readonly #stream: Stream;
  readonly #name: string;
  /** False: the state is in memory only. */
  readonly #isKept: boolean;
  readonly #encode: () => Uint8Array;
  readonly #timer = new Timer(() => this.#keep());
  #isDirty = false;
  #keptBytes = 0;
  /** Replies of acknowledgements that are to be confirmed. */
  #replies: string[] = [];

  constructor(stream: Stream, name: string, isKept: boolean, encode: () => Uint8Array) {
    this.#stream = stream;
    this.#name = name;
    this.#isKept = isKept;
    this.#encode = encode;
  }

  /** The state has changed. */
  onChanged(): void {
    if (!this.#isKept || this.#isDirty) return;
    this.#isDirty = true;
    const longer = 1 + Math.floor(this.#keptBytes / KEEP_DELAY_PER_BYTES);
    this.#timers.setIn(this.#timer, Math.min(KEEP_DELAY_MS_MAX, longer * KEEP_DELAY_MS));
  }

  /** Confirms an acknowledgement after the next `onTurnEnd`; `reply` is a wire string. */
  confirm(reply: string): void {
    this.#replies.push(reply);
  }

  /** All that came in this turn has been dealt with. */
  onTurnEnd(): void {
    if (this.#replies.length === 0) return;
    const replies = this.#replies;
    this.#replies = [];
    this.#keep();
    const { position, durablePosition } = this.#stream.consumerStore;
    if (!this.#isKept || durablePosition === position) this.#send(replies);
    else void this.#sendLater(replies);
  }

  /** Keeps what has changed now; resolves once that is durable, and rejects when it never will be. */
  async keepNow(): Promise<void> {
    if (!this.#isKept) return;
    this.#isDirty = true;
    this.#keep();
    await this.#stream.whenConsumersDurable();
  }

  /** Keeps no more; `isLast`: the present state for the last time. */
  stop(isLast: boolean): void {
    if (isLast) this.#keep();
    this.#timers.cancel(this.#timer);
    this.#isDirty = false;
    this.#replies = [];
  }

  get #timers(): Stream["owner"]["account"]["broker"]["timers"] {
    return this.#stream.owner.account.broker.timers;
  }

  #keep(): void {
    this.#timers.cancel(this.#timer);
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const { consumerStore } = this.#stream;
    if (consumerStore.failure !== null) return;
    const state = this.#encode();
    this.#keptBytes = state.length;
    consumerStore.putState(this.#name, state);
    consumerStore.commit();
  }

  /** Where it can't be made durable nobody is told that it is. */
  async #sendLater(replies: readonly string[]): Promise<void> {
    try {
      await this.#stream.whenConsumersDurable();
    } catch {
      return;
    }
    this.#send(replies);
  }

  #send(replies: readonly string[]): void {
    const { account } = this.#stream.owner;
    for (const reply of replies) account.publish(makeMessage(reply, "", "", NOTHING));
  }
}
