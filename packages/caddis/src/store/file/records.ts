import type { FileCipher } from "./cipher.ts";
import { TAG_BYTES } from "./cipher.ts";
import {
  KIND_ERASED,
  KIND_MESSAGE,
  MESSAGE_BATCH,
  MESSAGE_EXPIRES,
  MESSAGE_FIXED_BYTES,
  MESSAGE_HEADERS,
  nanosecondsOf,
  packNanoseconds,
  RECORD_BYTES_MIN,
  recordChecksum,
  SMALL_RECORD_BYTES,
  subjectLengthOf,
} from "./format.ts";
import type { StoredMessage } from "../stored-message.ts";

/** What a message counts for in `state.bytes` beside its subject, headers and payload: as in the reference. */
const COUNTED_BYTES = 30;
const COUNTED_HEADERS_BYTES = 4;
const DUE_BYTES = 8;

/** A message as it is to be stored. One object is filled anew for each. */
export class NewMessage {
  seq = 0;
  subject = "";
  buf: Buffer = Buffer.alloc(0);
  headersStart = 0;
  payloadStart = 0;
  payloadEnd = 0;
  timeMs = 0;
  timeNs = 0;
  /** 0: none. */
  expiresMs = 0;
  /** How many of its batch follow; -1: it belongs to none. */
  following = -1;
}

/** The length of its record. */
export function messageLength(message: NewMessage, isEncrypted: boolean): number {
  return (
    MESSAGE_FIXED_BYTES +
    (message.expiresMs === 0 ? 0 : DUE_BYTES) +
    message.subject.length +
    (message.payloadEnd - message.headersStart) +
    (isEncrypted ? TAG_BYTES : 0)
  );
}

/** What a message counts for, by the length of its record. */
export function countedBytes(
  length: number,
  hasHeaders: boolean,
  expires: boolean,
  isEncrypted: boolean,
): number {
  return (
    length -
    MESSAGE_FIXED_BYTES -
    (expires ? DUE_BYTES : 0) -
    (isEncrypted ? TAG_BYTES : 0) +
    COUNTED_BYTES +
    (hasHeaders ? COUNTED_HEADERS_BYTES : 0)
  );
}

/** Writes the record of a message of `length` bytes to `buf` at `at`, all but what `finishRecord` does. */
export function encodeMessage(
  message: NewMessage,
  firstSeq: number,
  buf: Buffer,
  view: DataView,
  at: number,
): void {
  const { subject, headersStart, payloadStart, payloadEnd, expiresMs } = message;
  const hasHeaders = payloadStart > headersStart;
  buf[at + 12] = KIND_MESSAGE;
  buf[at + 13] =
    (hasHeaders ? MESSAGE_HEADERS : 0) |
    (expiresMs === 0 ? 0 : MESSAGE_EXPIRES) |
    (message.following < 0 ? 0 : MESSAGE_BATCH);
  view.setUint16(at + 14, subject.length & 0xffff, true);
  view.setUint32(at + 16, message.seq - firstSeq, true);
  view.setUint32(at + 20, packNanoseconds(message.timeNs, subject.length), true);
  view.setFloat64(at + 24, message.timeMs, true);
  view.setUint32(at + 32, payloadStart - headersStart, true);
  view.setUint32(at + 36, Math.max(0, message.following), true);
  let body = at + MESSAGE_FIXED_BYTES;
  if (expiresMs !== 0) {
    view.setFloat64(body, expiresMs, true);
    body += DUE_BYTES;
  }
  buf.latin1Write(subject, body);
  message.buf.copy(buf, body + subject.length, headersStart, payloadEnd);
}

/**
 * Completes a record that has its kind and what follows: encryption of a message's body, length, what was durable
 * when it was written, checksum.
 */
export function finishRecord(
  buf: Buffer,
  view: DataView,
  at: number,
  length: number,
  offset: number,
  durable: number,
  seed: number,
  cipher: FileCipher | null,
): void {
  if (cipher !== null && buf[at + 12] === KIND_MESSAGE) {
    cipher.seal(buf, at + 12, at + bodyStart(buf, at), at + length - TAG_BYTES, offset);
  }
  view.setUint32(at, length, true);
  view.setUint32(at + 8, durable, true);
  view.setUint32(at + 4, recordChecksum(buf, view, at, length, seed, offset), true);
}

/** Where the body of a message starts in its record. */
function bodyStart(buf: Buffer, at: number): number {
  return MESSAGE_FIXED_BYTES + ((buf[at + 13] & MESSAGE_EXPIRES) === 0 ? 0 : DUE_BYTES);
}

/** Whether the record at `at`, which lies at `offset` of its block, is whole. `limit`: where the bytes end in `buf`. */
export function isWhole(
  buf: Buffer,
  view: DataView,
  at: number,
  limit: number,
  seed: number,
  offset: number,
): boolean {
  if (at + RECORD_BYTES_MIN > limit) return false;
  const length = view.getUint32(at, true);
  if (length < RECORD_BYTES_MIN || at + length > limit) return false;
  return view.getUint32(at + 4, true) === recordChecksum(buf, view, at, length, seed, offset);
}

/** The parts of a message's record, which is whole, and its body's plain bytes. One object is filled anew. */
export class MessageRecord {
  rel = 0;
  timeMs = 0;
  timeNs = 0;
  dueMs = 0;
  isOfBatch = false;
  following = 0;
  hasHeaders = false;
  /** The body, which starts with the subject. */
  buf: Buffer = Buffer.alloc(0);
  subjectStart = 0;
  headersStart = 0;
  payloadStart = 0;
  payloadEnd = 0;

  /** False: the lengths contradict each other, or it can't be decrypted. `withBody`: the body is wanted. */
  read(
    buf: Buffer,
    view: DataView,
    at: number,
    offset: number,
    cipher: FileCipher | null,
    withBody: boolean,
  ): boolean {
    const length = view.getUint32(at, true);
    const flags = buf[at + 13];
    const packed = view.getUint32(at + 20, true);
    const start = bodyStart(buf, at);
    const bodyLength = length - start - (cipher === null ? 0 : TAG_BYTES);
    const subjectLength = subjectLengthOf(packed, view.getUint16(at + 14, true));
    const headersLength = view.getUint32(at + 32, true);
    if (length < start || subjectLength + headersLength > bodyLength) return false;
    this.rel = view.getUint32(at + 16, true);
    this.timeNs = nanosecondsOf(packed);
    this.timeMs = view.getFloat64(at + 24, true);
    this.isOfBatch = (flags & MESSAGE_BATCH) !== 0;
    this.hasHeaders = (flags & MESSAGE_HEADERS) !== 0;
    this.following = view.getUint32(at + 36, true);
    this.dueMs = (flags & MESSAGE_EXPIRES) === 0 ? 0 : view.getFloat64(at + MESSAGE_FIXED_BYTES, true);
    let body = at + start;
    this.buf = buf;
    if (cipher !== null && withBody) {
      const plain = cipher.open(buf, at + 12, body, body + bodyLength, offset);
      if (plain === null) return false;
      this.buf = plain;
      body = 0;
    }
    this.subjectStart = body;
    this.headersStart = body + subjectLength;
    this.payloadStart = this.headersStart + headersLength;
    this.payloadEnd = body + bodyLength;
    return true;
  }

  get subject(): string {
    return this.buf.latin1Slice(this.subjectStart, this.headersStart);
  }

  copyTo(into: StoredMessage, seq: number): void {
    into.seq = seq;
    into.subjectBuf = this.buf;
    into.subjectStart = this.subjectStart;
    into.subjectEnd = this.headersStart;
    into.timeMs = this.timeMs;
    into.timeNs = this.timeNs;
    into.buf = this.buf;
    into.headersStart = this.headersStart;
    into.payloadStart = this.payloadStart;
    into.payloadEnd = this.payloadEnd;
  }
}

/** Makes a filler of a message's record in place: nothing of subject, headers and payload is left. */
export function eraseRecord(
  buf: Buffer,
  view: DataView,
  at: number,
  length: number,
  offset: number,
  seed: number,
): void {
  buf.fill(0, at + MESSAGE_FIXED_BYTES, at + length);
  buf[at + 12] = KIND_ERASED;
  view.setUint32(at + 4, recordChecksum(buf, view, at, length, seed, offset), true);
}

/** Encodes a list of sequence ranges as varints; the parts of one `removed` record. */
export class RangeEncoder {
  /** Bytes used: a record with them is a small one for certain. */
  static readonly bytesMax = SMALL_RECORD_BYTES - 1024;
  readonly bytes = Buffer.allocUnsafe(SMALL_RECORD_BYTES);
  length = 0;
  count = 0;
  firstSeq = 0;
  #end = 0;

  get isFull(): boolean {
    return this.length >= RangeEncoder.bytesMax;
  }

  /** Adds the sequences `from … to`, behind all those before. */
  add(from: number, to: number): void {
    if (this.count === 0) this.#end = this.firstSeq = from;
    this.#varint(from - this.#end);
    this.#varint(to - from);
    this.#end = to + 1;
    this.count++;
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }
}

/** Calls `visit` with each range of a `removed` record, which is whole. */
export function decodeRanges(
  buf: Buffer,
  view: DataView,
  at: number,
  visit: (from: number, to: number) => void,
): void {
  const end = at + view.getUint32(at, true);
  let place = at + 28;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; place < end; factor *= 0x80) {
      const byte = buf[place++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value;
  };
  let from = view.getFloat64(at + 16, true);
  for (let left = view.getUint32(at + 24, true); left > 0; left--) {
    from += varint();
    const to = from + varint();
    visit(from, to);
    from = to + 1;
  }
}
