import { Bytes } from "../base/bytes.ts";
import { formatInstant } from "../base/instant.ts";
import type { Account } from "../broker/account.ts";
import { Message } from "../broker/message.ts";
import type { StoredMessage } from "../store/stored-message.ts";

/** Most answers fit; larger ones get memory of their own. */
const KEPT_BYTES = 64 * 1024;
const CRLF = "\r\n";
const CRLF_BYTES = 2;
const VERSION_LINE = "NATS/1.0\r\n";

/**
 * Writes the answers to direct gets, each into the same memory: a message is valid only while it is delivered.
 * Subjects and headers are wire strings.
 */
export class DirectReply {
  readonly #account: Account;
  readonly #message = new Message();
  readonly #kept = new Bytes(KEPT_BYTES);

  constructor(account: Account) {
    this.#account = account;
  }

  /** Answers with a status and no payload: `404 Message Not Found`. `fields`: further header lines, each with its end. False: nobody is there. */
  status(reply: string, status: string, fields = ""): boolean {
    return this.#send(reply, NOTHING, 0, 0, `NATS/1.0 ${status}${CRLF}${fields}${CRLF}`, 0, 0);
  }

  /**
   * Answers with a stored message: its headers, then where it lies, then `fields`, lines with their ends. With
   * `isBare` its payload alone. False: nobody is there.
   */
  stored(reply: string, stream: string, stored: StoredMessage, isBare: boolean, fields = ""): boolean {
    const { buf, headersStart, payloadStart, payloadEnd } = stored;
    if (isBare) return this.#send(reply, buf, payloadStart, payloadStart, "", payloadStart, payloadEnd);
    const place =
      `Nats-Stream: ${stream}${CRLF}Nats-Subject: ${stored.subject}${CRLF}Nats-Sequence: ${stored.seq}${CRLF}` +
      `Nats-Time-Stamp: ${formatInstant({ ms: stored.timeMs, ns: stored.timeNs })}${CRLF}${fields}${CRLF}`;
    const headersEnd = payloadStart - CRLF_BYTES;
    if (headersEnd <= headersStart)
      return this.#send(
        reply,
        buf,
        payloadStart,
        payloadStart,
        VERSION_LINE + place,
        payloadStart,
        payloadEnd,
      );
    return this.#send(reply, buf, headersStart, headersEnd, place, payloadStart, payloadEnd);
  }

  /** The header block is `buf[headersStart, headersEnd)` and then `fields`; the payload `buf[payloadStart, payloadEnd)`. */
  #send(
    reply: string,
    buf: Buffer,
    headersStart: number,
    headersEnd: number,
    fields: string,
    payloadStart: number,
    payloadEnd: number,
  ): boolean {
    const headerBytes = headersEnd - headersStart + fields.length;
    const size = headerBytes + payloadEnd - payloadStart;
    const sizes = headerBytes === 0 ? `${size}${CRLF}` : `${headerBytes} ${size}${CRLF}`;
    const head = reply + sizes;
    const bytes = head.length + size + CRLF_BYTES;
    const input = bytes <= KEPT_BYTES ? this.#kept : new Bytes(bytes);
    const target = input.buf;
    let at = target.latin1Write(head, 0);
    at += buf.copy(target, at, headersStart, headersEnd);
    at += target.latin1Write(fields, at);
    at += buf.copy(target, at, payloadStart, payloadEnd);
    target.latin1Write(CRLF, at);
    const message = this.#message;
    message.input = input;
    message.subjectEnd = reply.length;
    message.replyStart = message.replyEnd = message.suffixStart = reply.length;
    message.headerBytes = headerBytes;
    message.payloadStart = head.length;
    message.payloadEnd = head.length + size;
    return this.#account.publish(message) > 0;
  }
}

const NOTHING = Buffer.alloc(0);
