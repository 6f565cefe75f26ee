import { Bytes } from "../base/bytes.ts";
import { decimalDigits, WrittenDecimal, writeDecimal } from "../base/decimal.ts";
import { goQuote } from "../base/go-quote.ts";
import type { Account } from "../broker/account.ts";
import { deliver } from "../broker/deliver.ts";
import { goJson } from "../broker/go-json.ts";
import { makeMessage, Message } from "../broker/message.ts";
import { fromWireString, toWireString } from "../subject/subject.ts";
import type { ApiError } from "./core/api-error.ts";
import { PubAckQueue } from "./pub-ack-queue.ts";
import { ReplyRoutes } from "./reply-routes.ts";

/** What follows the sequence in an acknowledgement. */
export const ACK_TAIL = "}";
export const DUPLICATE_TAIL = ',"duplicate": true}';

/** Room for a reply subject; inboxes of clients take up to 60. */
const REPLY_BYTES_INITIAL = 128;
/** Digits of a payload's size. */
const SIZE_DIGITS_MAX = 4;
const CRLF = "\r\n";

/** What holds back replies of streams that take no more; the status that clients see. */
const TOO_MANY_HEADERS = "NATS/1.0 429 Too Many Requests\r\n\r\n";

/**
 * Acknowledges what one stream has stored. An acknowledgement waits until its message is durable; a refusal waits
 * for nothing but the end of the turn, since it may not be sent from within the delivery of the message it answers.
 */
export class PubAcks {
  readonly #account: Account;
  readonly #queue = new PubAckQueue();
  readonly #routes: ReplyRoutes;
  /** `{"stream":"S","domain":"D","seq":` */
  readonly #head: Buffer;
  readonly #streamName: string;
  /** The acknowledgement being sent: the subject, and, from `#suffixAt` on, size, CR LF, payload, CR LF. */
  #message = new Message();
  #suffixAt = REPLY_BYTES_INITIAL;
  /** What it says. */
  readonly #seq = new WrittenDecimal();
  #tail = "";
  #answers: Message[] = [];

  /** Names are wire strings; `domain` is empty where there is none. */
  constructor(account: Account, streamName: string, domain: string) {
    this.#account = account;
    this.#routes = new ReplyRoutes(account);
    this.#streamName = streamName;
    const inDomain = domain === "" ? "" : `"domain":${goQuote(toWireString(domain))},`;
    this.#head = Buffer.from(`{"stream":${goQuote(streamName)},${inDomain}"seq":`, "latin1");
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Acknowledges `seq` to `buf[start, end)` once the store has made `position` durable. */
  push(position: number, seq: number, tail: string, buf: Buffer, start: number, end: number): void {
    this.#queue.push(position, seq, tail, buf, start, end);
  }

  /** As `push`, to a wire string. */
  pushTo(position: number, seq: number, tail: string, reply: string): void {
    const buf = Buffer.from(reply, "latin1");
    this.#queue.push(position, seq, tail, buf, 0, buf.length);
  }

  /** Says at the end of the turn why a message was refused. `reply` is a wire string. */
  refuse(reply: string, error: ApiError): void {
    this.answer(reply, "", this.#refusal(error));
  }

  /** As `refuse`, for a stream that gets more than its disk takes. */
  refuseTooMany(reply: string, error: ApiError): void {
    this.answer(reply, TOO_MANY_HEADERS, this.#refusal(error));
  }

  /** Sends something else at the end of the turn; reply and headers are wire strings. */
  answer(reply: string, headers: string, payload: Uint8Array): void {
    if (this.#answers.length === 0) queueMicrotask(() => this.#sendAnswers());
    this.#answers.push(makeMessage(reply, "", headers, payload));
  }

  /** Sends what is durable. Not to be called from within the delivery of a message. */
  send(durablePosition: number): void {
    const queue = this.#queue;
    if (!queue.isDue(durablePosition)) return;
    do {
      this.#sendFirst();
      queue.shift();
    } while (queue.isDue(durablePosition));
    this.#account.broker.flusher.schedule();
  }

  /** Nothing of what waits will ever be durable: its publishers are told so. */
  refuseAll(error: ApiError): void {
    for (; this.#queue.size > 0; this.#queue.shift()) this.refuse(this.#queue.replyText(), error);
  }

  #refusal({ code, err_code, description }: ApiError): Buffer {
    const error = { code, err_code, description: fromWireString(description) };
    return Buffer.from(goJson({ error, stream: fromWireString(this.#streamName), seq: 0 }));
  }

  #sendAnswers(): void {
    const answers = this.#answers;
    this.#answers = [];
    for (const answer of answers) this.#account.publish(answer);
  }

  #sendFirst(): void {
    const queue = this.#queue;
    const { seq, tail, replyLength } = queue;
    if (replyLength > this.#suffixAt) this.#suffixAt = 2 * replyLength;
    const message = this.#messageWith(seq, tail);
    const { buf } = message.input;
    queue.copyReply(buf);
    const receivers = this.#routes.find(buf, replyLength);
    if (receivers.isEmpty) return;
    message.subjectEnd = replyLength;
    message.replyStart = replyLength;
    message.replyEnd = replyLength;
    deliver(message, receivers, this.#account.broker.random);
  }

  /** Mostly it differs from the one before by one in its sequence: only those digits are written then. */
  #messageWith(seq: number, tail: string): Message {
    const message = this.#message;
    const { buf } = message.input;
    if (message.suffixStart !== this.#suffixAt || tail !== this.#tail || !this.#seq.fits(seq))
      return this.#beginMessage(seq, tail);
    this.#seq.change(buf, seq);
    return message;
  }

  #beginMessage(seq: number, tail: string): Message {
    const size = this.#head.length + decimalDigits(seq) + tail.length;
    const message = new Message();
    message.suffixStart = this.#suffixAt;
    message.input = new Bytes(this.#suffixAt + SIZE_DIGITS_MAX + CRLF.length + size + CRLF.length);
    const { buf } = message.input;
    let at = writeDecimal(buf, this.#suffixAt, size);
    at += buf.latin1Write(CRLF, at);
    message.payloadStart = at;
    buf.set(this.#head, at);
    at = this.#seq.begin(buf, at + this.#head.length, seq);
    at += buf.latin1Write(tail, at);
    message.payloadEnd = at;
    buf.latin1Write(CRLF, at);
    this.#message = message;
    this.#tail = tail;
    return message;
  }
}
