import { Bytes } from "../base/bytes.ts";
import { writeDecimal } from "../base/decimal.ts";
import { STALL_BYTES_MAX, STALL_SHARE } from "../base/limits.ts";
import type { Account, Receivers } from "../broker/account.ts";
import { deliver } from "../broker/deliver.ts";
import { Message } from "../broker/message.ts";
import type { StoredMessage } from "../store/stored-message.ts";
import { ACK_NUMBERS_BYTES_MAX, AckNumbers } from "./ack-numbers.ts";
import type { Inbox, Sent } from "./core/consumer-port.ts";

/** The numbers of the reply, two sizes with a space, and line ends. */
const NUMBERS_BYTES_MAX = ACK_NUMBERS_BYTES_MAX + 2 * 10 + 16;
/** Memory that is kept from one message to the next. */
const KEPT_BYTES_MAX = 1024 * 1024;
const FIRST_BYTES = 4 * 1024;

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const CRLF_BYTES = 2;
const HEADER_START = "NATS/1.0\r\n";
/** Where requests of other accounts are answered: somebody always listens there, for whoever may have left. */
const SERVICE_REPLIES = "_R_.";

/** What is added to a message on its way to a consumer. */
export interface DeliveryForm {
  /** What its acknowledgement subject begins with. */
  readonly ackPrefix: Buffer;
  /** The payload is left out, and its size said in a header. */
  readonly headersOnly: boolean;
}

/**
 * Delivers stored messages: they keep the subject they were stored under, whatever inbox they go to, and have the
 * acknowledgement subject for their reply. One message at a time: `prepare`, then `send`.
 */
export class StoredDelivery {
  readonly #account: Account;
  #message = new Message();
  /** Who listened at the inbox that was sent to last: most messages in a row go to one. */
  #lastInbox: Inbox | null = null;
  #lastReceivers: Receivers | null = null;
  /** What stands in the message's memory at `#prefixAt`; null: nothing that is known. */
  #ackPrefix: Buffer | null = null;
  #prefixAt = 0;
  readonly #numbers = new AckNumbers();

  constructor(account: Account) {
    this.#account = account;
    this.#message.input = new Bytes(FIRST_BYTES);
  }

  /**
   * Writes the message out; returns how large it is: subject, reply, headers and payload. `pinId`: of the pinned
   * client, empty for none.
   */
  prepare(
    stored: StoredMessage,
    { ackPrefix, headersOnly }: DeliveryForm,
    deliveries: number,
    consumerSeq: number,
    numPending: number,
    pinId: string,
  ): number {
    const { buf: source, headersStart, payloadStart, payloadEnd, subjectStart, subjectEnd } = stored;
    const subjectBytes = subjectEnd - subjectStart;
    const payloadBytes = payloadEnd - payloadStart;
    const fields = addedFields(headersOnly ? payloadBytes : -1, pinId);
    const plainHeaderBytes = payloadStart - headersStart;
    const headerBytes = headerSize(plainHeaderBytes, fields);
    const bodyBytes = headersOnly ? 0 : payloadBytes;
    const message = this.#messageFor(
      subjectBytes + ackPrefix.length + NUMBERS_BYTES_MAX + headerBytes + bodyBytes,
    );
    const { buf } = message.input;
    copyShort(stored.subjectBuf, subjectStart, subjectEnd, buf, 0);
    // Most messages in a row are of one consumer and have equally long subjects: then its part stands there already.
    if (ackPrefix !== this.#ackPrefix || subjectBytes !== this.#prefixAt)
      this.#writePrefix(ackPrefix, subjectBytes);
    message.subjectEnd = subjectBytes;
    message.replyStart = subjectBytes;
    let at = subjectBytes + ackPrefix.length;
    at = this.#numbers.write(
      buf,
      at,
      deliveries,
      stored.seq,
      consumerSeq,
      stored.timeMs,
      stored.timeNs,
      numPending,
    );
    message.replyEnd = at;
    message.suffixStart = at;
    message.headerBytes = headerBytes;
    if (headerBytes > 0) {
      at = writeDecimal(buf, at, headerBytes);
      buf[at++] = SPACE;
    }
    at = writeDecimal(buf, at, headerBytes + bodyBytes);
    buf[at++] = CR;
    buf[at++] = LF;
    message.payloadStart = at;
    if (fields === "" && !headersOnly) {
      source.copy(buf, at, headersStart, payloadEnd);
      at += payloadEnd - headersStart;
    } else {
      at = writeHeaders(buf, at, source, headersStart, payloadStart, fields);
      source.copy(buf, at, payloadStart, payloadStart + bodyBytes);
      at += bodyBytes;
    }
    message.payloadEnd = at;
    buf[at++] = CR;
    buf[at] = LF;
    return message.replyEnd + headerBytes + bodyBytes;
  }

  /** Sends what was prepared last to `inbox`; `isFor` says whether those who listen there count as receivers. */
  send(inbox: Inbox, isFor: ((receivers: Receivers) => boolean) | null): Sent {
    const { broker } = this.#account;
    const receivers = this.#receiversAt(inbox);
    if (receivers.isEmpty || (isFor !== null && !isFor(receivers))) return "nobody";
    if (areBehind(receivers)) return "refused";
    this.#message.inbox = inbox.subject;
    if (deliver(this.#message, receivers, broker.random) > 0) return "sent";
    return inbox.subject.startsWith(SERVICE_REPLIES) ? "nobody" : "refused";
  }

  #writePrefix(ackPrefix: Buffer, at: number): void {
    copyShort(ackPrefix, 0, ackPrefix.length, this.#message.input.buf, at);
    this.#ackPrefix = ackPrefix;
    this.#prefixAt = at;
  }

  #receiversAt(inbox: Inbox): Receivers {
    const { sublist } = this.#account;
    const last = this.#lastReceivers;
    // Pull requests of one client have the same inbox, each in a copy of its own.
    const isLast = inbox === this.#lastInbox || inbox.subject === this.#lastInbox?.subject;
    if (last !== null && isLast && last.isKept && sublist.isCurrent(last)) {
      sublist.matchCount++;
      return last;
    }
    const receivers = sublist.match(inbox.bytes, 0, inbox.bytes.length);
    this.#lastInbox = inbox;
    // One that is not kept has another answer in it soon.
    this.#lastReceivers = receivers.isKept ? receivers : null;
    return receivers;
  }

  #messageFor(bytes: number): Message {
    const { input } = this.#message;
    if (input.capacity >= bytes && input.capacity <= KEPT_BYTES_MAX) return this.#message;
    if (input.capacity < bytes || bytes <= KEPT_BYTES_MAX) {
      this.#message = new Message();
      this.#ackPrefix = null;
      this.#message.input = new Bytes(bytes > KEPT_BYTES_MAX ? bytes : Math.min(2 * bytes, KEPT_BYTES_MAX));
    }
    return this.#message;
  }
}

/**
 * Whether every receiver has so much waiting that a publisher would be held back. One that takes no more does not
 * keep others from theirs: it is dropped as whoever falls behind is.
 */
function areBehind({ plain, queues }: Receivers): boolean {
  for (let i = 0; i < plain.length; i++) if (!isClientBehind(plain[i].client)) return false;
  for (let i = 0; i < queues.length; i++) {
    const group = queues[i];
    for (let j = 0; j < group.length; j++) if (!isClientBehind(group[j].client)) return false;
  }
  return true;
}

function isClientBehind(client: Receivers["plain"][number]["client"]): boolean {
  if (client === null) return false;
  const limit = Math.min(STALL_BYTES_MAX, client.broker.options.max_pending * STALL_SHARE);
  return client.outbound.pendingBytes > limit;
}

/** `leftOutBytes`: -1, nothing is left out. */
function addedFields(leftOutBytes: number, pinId: string): string {
  const size = leftOutBytes < 0 ? "" : `Nats-Msg-Size: ${leftOutBytes}\r\n`;
  return pinId === "" ? size : `${size}Nats-Pin-Id: ${pinId}\r\n`;
}

/** Of a block of `bytes` with `fields` added. */
function headerSize(bytes: number, fields: string): number {
  if (fields === "") return bytes;
  return (bytes <= CRLF_BYTES ? HEADER_START.length + CRLF_BYTES : bytes) + fields.length;
}

/** Writes the block `source[start, end)` with `fields` at its end. */
function writeHeaders(
  buf: Buffer,
  start: number,
  source: Buffer,
  from: number,
  to: number,
  fields: string,
): number {
  if (fields === "") return start + source.copy(buf, start, from, to);
  let at = start;
  // Publishers may call anything headers: what is no longer than an empty line is none.
  if (to - from <= CRLF_BYTES) at = writeText(buf, at, HEADER_START);
  // Without the empty line at its end.
  else at += source.copy(buf, at, from, to - CRLF_BYTES);
  at = writeText(buf, at, fields);
  buf[at++] = CR;
  buf[at++] = LF;
  return at;
}

function writeText(buf: Buffer, at: number, text: string): number {
  return at + buf.latin1Write(text, at);
}

/** By hand: what is short costs less so than a native copy. */
function copyShort(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  for (let i = 0; i < end - start; i++) target[at + i] = source[start + i];
}
