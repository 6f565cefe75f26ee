import { Timer } from "../base/timer-queue.ts";
import { fieldsOf, headerBlockOf } from "../broker/header-block.ts";
import type { Message } from "../broker/message.ts";
import { type Receiver, Subscription } from "../broker/subscription.ts";
import { fromWireString } from "../subject/subject.ts";
import { type ApiError, apiError } from "./core/api-error.ts";
import { DeliveryReply } from "./core/delivery-reply.ts";
import type { OriginConsumerInfo } from "./core/origin-answer.ts";
import { askDelayMs } from "./core/origin-delay.ts";
import { OriginProgress } from "./core/origin-progress.ts";
import { ORIGIN_SILENCE_MS } from "./core/origin-request.ts";
import type { OriginStart } from "./core/origin-start.ts";
import type { StreamSource } from "./core/stream-config.ts";
import { OriginAsker, type OriginOutcome } from "./origin-asker.ts";
import { OriginFlow } from "./origin-flow.ts";
import type { Stream } from "./stream.ts";

/** The first line of what a consumer says besides messages. */
const CONTROL = Buffer.from("NATS/1.0 100 ", "latin1");

/** What mirrors and sources do differently. Names are wire strings. */
export interface OriginRole {
  readonly source: StreamSource;
  readonly isMirror: boolean;
  /** What its consumers at the origin are called, and what their metadata says. */
  readonly consumerName: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Which stream of the origin's name it follows; empty: not known. */
  readonly identity: string;
  /** Where the next consumer is to begin. */
  start(): OriginStart;
  /** A consumer is there. Returns the last sequence that is done with. */
  onConnected(info: OriginConsumerInfo, identity: string): number;
  /** Another stream has the origin's name now. */
  onReplaced(): void;
  /** Stores a message of the origin, within its delivery; returns why it can't. */
  store(message: Message, reply: DeliveryReply): ApiError | null;
}

/**
 * What is between a stream and one that it mirrors or sources: a consumer there that delivers here. It is asked for
 * anew whenever messages were lost, could not be stored, or nothing is heard any more.
 */
export class OriginLink implements Receiver {
  readonly takesImports = true;
  readonly role: OriginRole;
  readonly progress = new OriginProgress();
  readonly #stream: Stream;
  readonly #onWaiting: (link: OriginLink) => void;
  readonly #asker: OriginAsker;
  readonly #flow: OriginFlow;
  readonly #reply = new DeliveryReply();
  /** While it listens: when to look whether anything was heard; else when to ask. */
  readonly #timer = new Timer(() => this.#onTimer());
  #subscription: Subscription | null = null;
  /** The consumer that delivers; empty: none does. */
  #consumer = "";
  /** It listens only in order to ask again as soon as anything is heard. */
  #isProbing = false;
  #error: ApiError | null = null;
  /** Why the last message could not be stored. */
  #storeError: ApiError | null = null;
  #failures = 0;
  /** Monotonic milliseconds. */
  #askedMs = -Infinity;
  #heardMs = -Infinity;

  /** `onWaiting`: it wants to know by `onDurable` how far the store is. */
  constructor(stream: Stream, role: OriginRole, onWaiting: (link: OriginLink) => void) {
    const { account } = stream.owner;
    this.#stream = stream;
    this.#onWaiting = onWaiting;
    this.role = role;
    this.#asker = new OriginAsker(account, (outcome) => this.#onOutcome(outcome));
    this.#flow = new OriginFlow(account);
  }

  /** Why it does not get on; null: it does, or nobody knows. */
  get error(): ApiError | null {
    return this.#error ?? this.#storeError;
  }

  /** How long nothing was heard of it, in milliseconds; Infinity: nothing ever was. */
  get silentMs(): number {
    return this.#nowMs - this.#heardMs;
  }

  /** Whether there may be a consumer of this name at the origin that was made for the purpose and does not go by itself. */
  mayHaveDurable(name: string): boolean {
    return this.role.source.consumer === null && (this.#consumer === "" || this.#consumer === name);
  }

  /** False: nobody was asked for a consumer yet. */
  get hasAsked(): boolean {
    return this.#askedMs > -Infinity;
  }

  start(): void {
    this.#wait();
  }

  /** Hears and asks no more. */
  stop(): void {
    this.#disconnect();
    this.#asker.cancel();
    this.#stream.broker.timers.cancel(this.#timer);
  }

  /** The stream's store has made everything durable up to `position`. False: it need not be told again for now. */
  onDurable(position: number): boolean {
    this.#flow.onDurable(position);
    return this.#flow.isWaiting;
  }

  receive(message: Message, subscription: Subscription): boolean {
    if (subscription !== this.#subscription) return false;
    if (this.#isProbing) {
      this.#onProbed();
      return true;
    }
    this.#heardMs = this.#nowMs;
    if (isControl(message)) this.#onControl(message);
    else this.#onMessage(message);
    return true;
  }

  get #nowMs(): number {
    return this.#stream.broker.clock.monotonicMs();
  }

  #onMessage(message: Message): void {
    const { input, replyStart, replyEnd } = message;
    const reply = this.#reply;
    if (!reply.read(input.buf, replyStart, replyEnd) || !reply.isFrom(this.#consumer)) return;
    const verdict = this.progress.onDelivery(reply, this.role.isMirror);
    if (verdict === "gap") this.#reconnect();
    if (verdict !== "take") return;
    if (this.#flow.onProgress()) this.#error = null;
    const error = this.role.store(message, reply);
    this.#storeError = error;
    if (error === null) return;
    this.#warn(`could not store message ${reply.streamSeq}: ${error.description}`);
    this.#reconnect();
  }

  #onControl(message: Message): void {
    const { input, replyStart, replyEnd } = message;
    const { delivered, seq } = this.progress;
    if (replyEnd > replyStart) {
      const reply = input.buf.latin1Slice(replyStart, replyEnd);
      this.#flow.onRequest(reply, delivered, seq, this.#stream.store.position);
      this.#settle();
    } else this.#onHeartbeat(fieldsOf(headerBlockOf(message)));
  }

  #onHeartbeat(fields: ReadonlyMap<string, readonly string[]>): void {
    const { delivered, seq } = this.progress;
    const last = Number(fields.get("Nats-Last-Consumer")?.[0] ?? "0");
    const missed = fields.get("Nats-Consumer-Stalled")?.[0] ?? "";
    if (this.progress.hasLost(last)) this.#reconnect();
    else if (missed === "") {
      if (this.#flow.onProgress()) this.#error = null;
    } else {
      const isError = this.#flow.onComplaint(missed, delivered, seq, this.#stream.store.position);
      this.#settle();
      if (!isError) return;
      this.#error = apiError("sourceConsumerFlowControlStalled");
      this.#warn("is stalled on flow control, replies are not reaching the consumer");
    }
  }

  /** An answer may be due at once. */
  #settle(): void {
    this.#onWaiting(this);
    this.#stream.settleSoon();
  }

  /** Asks for another consumer, which begins behind what is done with. */
  #reconnect(): void {
    this.#stream.broker.log.debug(`Retrying ${this.#name}`);
    this.#disconnect();
    this.#wait();
  }

  #disconnect(): void {
    if (this.#subscription !== null) this.#stream.owner.account.unsubscribe(this.#subscription);
    this.#subscription = null;
    this.#consumer = "";
    this.#isProbing = false;
    this.#flow.reset();
  }

  /** Asks when it is time to. */
  #wait(): void {
    const { timers, random } = this.#stream.broker;
    const delayMs = askDelayMs(this.#nowMs - this.#askedMs, this.#failures, (limit) => random.below(limit));
    timers.setIn(this.#timer, delayMs);
  }

  #onTimer(): void {
    if (this.#consumer === "") this.#ask();
    else if (this.silentMs >= ORIGIN_SILENCE_MS) this.#reconnect();
    else this.#watch();
  }

  #ask(): void {
    this.#disconnect();
    this.#askedMs = this.#nowMs;
    const { source, isMirror, identity, consumerName: name, metadata } = this.role;
    this.#asker.ask({ source, isMirror, identity, consumer: { name, metadata, start: this.role.start() } });
  }

  #onOutcome(outcome: OriginOutcome): void {
    if (outcome.kind !== "silent" && outcome.kind !== "nobody") this.#error = null;
    switch (outcome.kind) {
      case "consumer":
        return this.#connect(outcome.info, outcome.identity);
      case "refused":
        this.#error = outcome.error;
        this.#warn(`can't have a consumer: ${outcome.error.description} (${outcome.error.err_code})`);
        this.#failures++;
        return this.#wait();
      case "replaced":
        this.role.onReplaced();
        return this.#wait();
      case "nobody":
        // Costs nobody anything: the origin's server or account may be on its way.
        return this.#wait();
      case "silent":
        this.#failures++;
        this.#wait();
        return this.#probe();
    }
  }

  #connect(info: OriginConsumerInfo, identity: string): void {
    const { source } = this.role;
    this.#failures = 0;
    this.#consumer = info.name;
    this.progress.begin(this.role.onConnected(info, identity));
    this.#heardMs = this.#nowMs;
    this.#listen(source.consumer?.deliver_subject ?? info.deliverSubject);
    this.#watch();
  }

  #watch(): void {
    this.#stream.broker.timers.setAt(this.#timer, this.#heardMs + ORIGIN_SILENCE_MS);
  }

  #listen(subject: string): void {
    this.#subscription = new Subscription(null, this, subject, "", "");
    this.#stream.owner.account.subscribe(this.#subscription);
  }

  /** A durable consumer that did not answer may begin to deliver at any time. */
  #probe(): void {
    const { consumer } = this.role.source;
    if (consumer === null) return;
    this.#isProbing = true;
    this.#listen(consumer.deliver_subject);
  }

  #onProbed(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#wait();
  }

  #warn(what: string): void {
    this.#stream.broker.log.warn(`JetStream ${this.#name} ${what}`);
  }

  get #name(): string {
    const { source, isMirror } = this.role;
    const { owner, name } = this.#stream;
    const kind = isMirror ? "mirror" : "source";
    const stream = fromWireString(name);
    return `${kind} '${fromWireString(source.name)}' of stream '${owner.account.shownName} > ${stream}'`;
  }
}

/** Whether it says how things are, and is no message of the stream. */
function isControl({ input, headerBytes, payloadStart, payloadEnd }: Message): boolean {
  if (headerBytes < CONTROL.length || payloadStart + headerBytes !== payloadEnd) return false;
  return input.buf.compare(CONTROL, 0, CONTROL.length, payloadStart, payloadStart + CONTROL.length) === 0;
}
