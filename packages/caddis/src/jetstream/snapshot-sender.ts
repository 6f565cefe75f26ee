import { ByteQueue } from "../base/byte-queue.ts";
import { S2Writer } from "../base/s2-frame.ts";
import { Timer } from "../base/timer-queue.ts";
import type { Account } from "../broker/account.ts";
import { makeMessage, type Message } from "../broker/message.ts";
import { randomName } from "../broker/random-name.ts";
import { type Receiver, Subscription } from "../broker/subscription.ts";
import type { Snapshot } from "./snapshot.ts";

const KIB = 1024;
const MIB = KIB * KIB;
/** What chunks and the window are where nothing is asked for, and what they may be. As the reference has it. */
const CHUNK_BYTES_DEFAULT = 128 * KIB;
const CHUNK_BYTES_MAX = MIB;
const WINDOW_BYTES_DEFAULT = 8 * MIB;
const WINDOW_BYTES_MAX = 32 * MIB;
const BYTES_MIN = KIB;
/** How long somebody may take to listen where the chunks go. */
const INTEREST_WAIT_MS = 2_000;
const INTEREST_CHECK_MS = 5;
/** How long nothing may be acknowledged. */
const ACK_WAIT_MS = 5_000;
/** Bytes of a stream that are read before others get their turn: a millisecond or so. */
const BYTES_PER_TURN = 256 * KIB;

const ACK_SUBJECTS = "$JS.SNAPSHOT.ACK";
const ID_LENGTH = 22;
const NO_INTEREST = "no interest";
const NO_FLOW = "no flow response";
const STATUS_OK = "204";
const STATUS_NO_INTEREST = "408 No Interest";
const STATUS_NO_FLOW = "408 No Flow Response";
const NOTHING = Buffer.alloc(0);

/** Where a snapshot goes and how. Zeros: as usual. */
export interface SnapshotDelivery {
  /** Wire string. */
  readonly subject: string;
  readonly chunkBytes: number;
  readonly windowBytes: number;
}

/**
 * Sends a snapshot in chunks, no more of them on their way than the window takes: each carries a reply by which it is
 * acknowledged. The end is a message without content that says how it went.
 */
export class SnapshotSender implements Receiver {
  readonly #account: Account;
  readonly #snapshot: Snapshot;
  readonly #subject: string;
  readonly #chunkBytes: number;
  readonly #slotsMax: number;
  readonly #ackPrefix: string;
  readonly #acks: Subscription;
  readonly #queue = new ByteQueue();
  readonly #writer: S2Writer;
  readonly #timer = new Timer(() => this.#onTimer());
  readonly #onEnd: (failure: string) => void;
  /** How many more chunks may be sent. */
  #slots: number;
  #sentChunks = 0;
  #interestWaitedMs = 0;
  #isListenedTo = false;
  #isHeardJustThere = false;
  #isScheduled = false;
  #isOver = false;

  /** `onEnd`: is told when it is over, with the reason if it failed. */
  constructor(
    account: Account,
    streamName: string,
    snapshot: Snapshot,
    { subject, chunkBytes, windowBytes }: SnapshotDelivery,
    onEnd: (failure: string) => void,
  ) {
    this.#account = account;
    this.#snapshot = snapshot;
    this.#subject = subject;
    this.#chunkBytes = within(chunkBytes || CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    const window = Math.max(within(windowBytes || WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX), this.#chunkBytes);
    this.#slotsMax = Math.floor(window / this.#chunkBytes);
    this.#slots = this.#slotsMax;
    this.#ackPrefix = `${ACK_SUBJECTS}.${streamName}.${randomName(account.broker.random, ID_LENGTH)}`;
    this.#acks = new Subscription(null, this, `${this.#ackPrefix}.>`, "", "");
    this.#writer = new S2Writer((bytes) => this.#queue.append(bytes));
    this.#onEnd = onEnd;
  }

  /** Begins to send, once somebody listens. */
  start(): void {
    this.#account.subscribe(this.#acks);
    this.#snapshot.onFailed = () => this.#schedule();
    this.#schedule();
  }

  /** An acknowledgement. */
  receive(_message: Message): boolean {
    this.#slots = Math.min(this.#slots + 1, this.#slotsMax);
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isOver) return;
    this.#isScheduled = true;
    this.#account.broker.clock.nextTurn(() => {
      this.#isScheduled = false;
      if (!this.#isOver) this.#goOn();
      this.#account.broker.flusher.flush();
    });
  }

  #goOn(): void {
    if (!this.#isListenedTo && !this.#hearsSomebody()) return;
    const { failure } = this.#snapshot;
    if (failure !== "") return this.#end(failure, `500 ${failure}`);
    while (this.#slots > 0 && this.#queue.length >= this.#chunkBytes) if (!this.#sendChunk()) return;
    if (this.#slots === 0) return;
    if (this.#snapshot.isDone) return this.#sendRest();
    this.#snapshot.writeSome(this.#writer, BYTES_PER_TURN);
    this.#schedule();
  }

  /**
   * Whether somebody listens, just there: clients subscribe after the answer has come, and have their inboxes covered by
   * one subscription before. Waits a while for that, and goes on without in the end.
   */
  #hearsSomebody(): boolean {
    this.#isHeardJustThere = this.#hasInterest(true);
    this.#isListenedTo = this.#isHeardJustThere || this.#interestWaitedMs >= INTEREST_WAIT_MS;
    if (this.#isListenedTo) return true;
    this.#interestWaitedMs += INTEREST_CHECK_MS;
    this.#wait(INTEREST_CHECK_MS);
    return false;
  }

  /** False: it is over. */
  #sendChunk(): boolean {
    if (!this.#hasInterest(this.#isHeardJustThere)) {
      this.#end(NO_INTEREST, STATUS_NO_INTEREST);
      return false;
    }
    this.#slots--;
    const reply = `${this.#ackPrefix}.${this.#chunkBytes}.${++this.#sentChunks}`;
    this.#publish(reply, "", this.#queue.take(this.#chunkBytes));
    this.#wait(ACK_WAIT_MS);
    return true;
  }

  #sendRest(): void {
    if (this.#queue.length > 0) this.#publish("", "", this.#queue.take(this.#queue.length));
    // As the reference has it: one that fitted one chunk ends without a status.
    this.#end("", this.#sentChunks > 0 ? STATUS_OK : "");
  }

  #onTimer(): void {
    if (!this.#isListenedTo) this.#schedule();
    else if (this.#slots === 0) this.#end(NO_FLOW, STATUS_NO_FLOW);
  }

  #end(failure: string, status: string): void {
    this.#isOver = true;
    this.#account.broker.timers.cancel(this.#timer);
    this.#account.unsubscribe(this.#acks);
    this.#snapshot.stop(failure);
    this.#publish("", status === "" ? "" : `NATS/1.0 ${status}\r\n\r\n`, NOTHING);
    this.#onEnd(failure);
  }

  #hasInterest(justThere: boolean): boolean {
    const receivers = this.#account.sublist.matchApart(this.#subject);
    return justThere ? receivers.plain.some(({ subject }) => subject === this.#subject) : !receivers.isEmpty;
  }

  #publish(reply: string, headers: string, payload: Buffer): void {
    this.#account.publish(makeMessage(this.#subject, reply, headers, payload));
  }

  #wait(ms: number): void {
    this.#account.broker.timers.setIn(this.#timer, ms);
  }
}

function within(bytes: number, most: number): number {
  return Math.min(Math.max(bytes, BYTES_MIN), most);
}
