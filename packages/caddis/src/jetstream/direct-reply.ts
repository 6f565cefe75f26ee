import { Bytes, copyBytes } from "../base/bytes.ts";
import { decimalDigits, writeDecimal } from "../base/decimal.ts";
import { INSTANT_BYTES_MAX, InstantWriter } from "../base/instant-writer.ts";
import type { Account } from "../broker/account.ts";
import { deliver } from "../broker/deliver.ts";
import { Message } from "../broker/message.ts";
import type { StoredMessage } from "../store/stored-message.ts";
import { ReplyRoutes } from "./reply-routes.ts";

/** Most answers fit; larger ones get memory of their own. */
const KEPT_BYTES = 64 * 1024;
/** Digits of the largest safe integer. */
const SEQ_DIGITS_MAX = 16;
/** Two sizes, the space between them and the end of the line. */
const SIZES_BYTES_MAX = 2 * 10 + 3;

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const CRLF_BYTES = 2;
const VERSION_LINE = bytesOf("NATS/1.0\r\n");
const SEQUENCE_FIELD = bytesOf("\r\nNats-Sequence: ");
const TIME_FIELD = bytesOf("\r\nNats-Time-Stamp: ");
/** What the headers of an answer have besides names, subject and fields. */
const FIXED_BYTES_MAX =
  VERSION_LINE.capacity +
  SEQUENCE_FIELD.capacity +
  SEQ_DIGITS_MAX +
  TIME_FIELD.capacity +
  INSTANT_BYTES_MAX +
  3 * CRLF_BYTES;

/**
 * Writes the answers to direct gets, each into the same memory: a message is valid only while it is delivered. The
 * memory holds the reply subject, room for the sizes, which stand at its end, headers and payload.
 * Names, subjects and headers are wire strings.
 */
export class DirectReply {
  readonly #account: Account;
  readonly #routes: ReplyRoutes;
  readonly #message = new Message();
  readonly #kept = new Bytes(KEPT_BYTES);
  readonly #instants = new InstantWriter();
  /** The stream answered for last, and its line with what comes before the subject on the next one. */
  #stream = "";
  #streamLine = bytesOf("");

  constructor(account: Account) {
    this.#account = account;
    this.#routes = new ReplyRoutes(account);
  }

  /**
   * Answers `request` with a status and no payload: `404 Message Not Found`. `fields`: further header lines, each with
   * its end. False: nobody is there.
   */
  status(request: Message, status: string, fields = ""): boolean {
    const headers = `NATS/1.0 ${status}\r\n${fields}\r\n`;
    const start = this.#begin(request, headers.length);
    const { buf } = this.#message.input;
    return this.#send(start, headers.length, start + buf.latin1Write(headers, start));
  }

  /**
   * Answers `request` with a stored message: its headers, then where it lies, then `fields`, lines with their ends.
   * With `isBare` its payload alone. False: nobody is there.
   */
  stored(request: Message, stream: string, stored: StoredMessage, isBare: boolean, fields = ""): boolean {
    if (stream !== this.#stream) this.#enter(stream);
    const { buf, headersStart, payloadStart, payloadEnd, subjectStart, subjectEnd } = stored;
    const placeBytes = this.#streamLine.capacity + subjectEnd - subjectStart + FIXED_BYTES_MAX;
    const start = this.#begin(request, placeBytes + fields.length + payloadEnd - headersStart);
    const headersEnd = isBare ? start : this.#writeHeaders(start, stored, fields);
    const payloadBytes = buf.copy(this.#message.input.buf, headersEnd, payloadStart, payloadEnd);
    return this.#send(start, headersEnd - start, headersEnd + payloadBytes);
  }

  #enter(stream: string): void {
    this.#stream = stream;
    this.#streamLine = bytesOf(`Nats-Stream: ${stream}\r\nNats-Subject: `);
  }

  /** Makes room for the answer to `request`, and writes its subject; returns where headers and payload of so many bytes are to begin. */
  #begin(request: Message, bytesMax: number): number {
    const message = this.#message;
    const { input, replyStart, replyEnd } = request;
    const start = replyEnd - replyStart + SIZES_BYTES_MAX;
    const bytes = start + bytesMax + CRLF_BYTES;
    message.input = bytes <= KEPT_BYTES ? this.#kept : new Bytes(bytes);
    copyBytes(input, replyStart, replyEnd, message.input, 0);
    message.subjectEnd = replyEnd - replyStart;
    return start;
  }

  /** Writes the header block and returns where it ends. */
  #writeHeaders(start: number, stored: StoredMessage, fields: string): number {
    const target = this.#message.input;
    const { buf } = target;
    const { headersStart, subjectBuf, subjectStart, subjectEnd } = stored;
    // Without the empty line at its end.
    const headersEnd = stored.payloadStart - CRLF_BYTES;
    let at = start;
    if (headersEnd > headersStart) at += stored.buf.copy(buf, at, headersStart, headersEnd);
    else at = put(target, at, VERSION_LINE);
    at = put(target, at, this.#streamLine);
    // Shorter than what calling into native code costs, mostly.
    for (let i = subjectStart; i < subjectEnd; i++) buf[at++] = subjectBuf[i];
    at = put(target, at, SEQUENCE_FIELD);
    at = writeDecimal(buf, at, stored.seq);
    at = put(target, at, TIME_FIELD);
    at = this.#instants.write(buf, at, stored.timeMs, stored.timeNs);
    at = putLineEnd(buf, at);
    if (fields !== "") at += buf.latin1Write(fields, at);
    return putLineEnd(buf, at);
  }

  /** Sends what was written from `start` to `end`; it begins with `headerBytes` of headers. */
  #send(start: number, headerBytes: number, end: number): boolean {
    const message = this.#message;
    const { buf } = message.input;
    const size = end - start;
    putLineEnd(buf, end);
    let at = start - CRLF_BYTES - decimalDigits(size);
    if (headerBytes > 0) at -= decimalDigits(headerBytes) + 1;
    message.replyStart = message.replyEnd = message.suffixStart = at;
    if (headerBytes > 0) {
      at = writeDecimal(buf, at, headerBytes);
      buf[at++] = SPACE;
    }
    putLineEnd(buf, writeDecimal(buf, at, size));
    message.headerBytes = headerBytes;
    message.payloadStart = start;
    message.payloadEnd = end;
    const { broker } = this.#account;
    const receivers = this.#routes.find(buf, message.subjectEnd);
    const isSent = !receivers.isEmpty && deliver(message, receivers, broker.random) > 0;
    if (isSent) broker.flusher.schedule();
    return isSent;
  }
}

function bytesOf(text: string): Bytes {
  const bytes = new Bytes(text.length);
  bytes.buf.latin1Write(text, 0);
  return bytes;
}

function put(target: Bytes, at: number, text: Bytes): number {
  copyBytes(text, 0, text.capacity, target, at);
  return at + text.capacity;
}

function putLineEnd(buf: Buffer, at: number): number {
  buf[at] = CR;
  buf[at + 1] = LF;
  return at + CRLF_BYTES;
}
