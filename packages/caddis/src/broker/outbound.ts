import { assert } from "../base/assert.ts";
import { type Bytes, copyBytes } from "../base/bytes.ts";
import {
  BEHIND_SHARE,
  LARGE_SLAB_DIRTY_MAX,
  SLAB_BYTES,
  STALL_BYTES_MAX,
  STALL_SHARE,
  WRITE_BUFFERS_MAX,
  WRITE_BYTES_MAX,
} from "../base/limits.ts";
import type { Pipe } from "../io/pipe.ts";
import type { Flusher } from "./flusher.ts";
import type { Message } from "./message.ts";
import type { SlabPool } from "./slab-pool.ts";

/** What an outbound asks of the connection it belongs to. */
export interface OutboundOwner {
  /** More than `maxPending` would be waiting: the connection is a slow consumer. */
  onPendingExceeded(): void;
  /** Output is about to be written; `hasMessages`: more than protocol lines. */
  onWrite(hasMessages: boolean): void;
  /** A write did not go through at once; `onWriteDone` follows unless the connection closes first. */
  onWritePending(): void;
  onWriteDone(): void;
  /** `message`'s publisher outruns this connection. */
  onOutrun(message: Message): void;
  /** The backlog is small again: publishers that were held back may go on. */
  onCaughtUp(): void;
}

/** open: takes output. draining: takes none, sends what it has. closed: has nothing and takes nothing. */
type OutboundState = "open" | "draining" | "closed";

const SPACE = 0x20;
/** "MSG " and "HMSG", big-endian. */
const MSG_WORD = 0x4d53_4720;
const HMSG_WORD = 0x484d_5347;
/** Of "HMSG " plus the spaces behind subject, sid and reply. */
const LINE_OVERHEAD_BYTES = 8;
const CRLF_BYTES = 2;

/**
 * What is queued for one connection: a slab being filled, full slabs waiting behind a write, and the
 * slabs of the one write that is outstanding. Appending never waits and never writes unless a slab is
 * full; `flush` hands everything to the pipe once per turn.
 *
 * Invariants (`checkInvariants`): `#slab` is null exactly when nothing was appended since the last
 * flush; `#queued` holds slabs only while a write is outstanding; `position <= limit <= capacity`.
 */
export class Outbound {
  /** Messages and payload bytes appended, ever. */
  messageCount = 0;
  payloadBytes = 0;

  readonly #owner: OutboundOwner;
  readonly #pipe: Pipe;
  readonly #pool: SlabPool;
  readonly #flusher: Flusher;
  readonly #maxPending: number;
  /** Above this many bytes behind a write publishers are held back. */
  readonly #stallBytes: number;
  /** From this many pending bytes on messages are dropped; `Infinity`: publishers are held back instead. */
  #dropFrom: number;

  #state: OutboundState = "open";
  #slab: Bytes | null = null;
  #position = 0;
  /** How far `#slab` may be filled: its capacity, or less where `maxPending` ends earlier. */
  #limit = 0;
  /** Index in `SLAB_BYTES` for the next slab. */
  #slabClass = 0;
  /** Full slabs behind the outstanding write; allocated on first need. */
  #queued: Bytes[] | null = null;
  #queuedLengths: number[] | null = null;
  #queuedBytes = 0;
  /** Slabs of the outstanding write. */
  #inFlight: Bytes[] | null = null;
  #inFlightBytes = 0;
  #isWriting = false;
  /** `messageCount` at the last write. */
  #announcedCount = 0;
  #isOutrun = false;

  constructor(
    owner: OutboundOwner,
    pipe: Pipe,
    pool: SlabPool,
    flusher: Flusher,
    maxPending: number,
    dropsWhenBehind = false,
  ) {
    this.#owner = owner;
    this.#pipe = pipe;
    this.#pool = pool;
    this.#flusher = flusher;
    this.#maxPending = maxPending;
    this.#stallBytes = Math.min(STALL_BYTES_MAX, maxPending * STALL_SHARE);
    this.#dropFrom = dropsWhenBehind ? maxPending * BEHIND_SHARE : Infinity;
  }

  /** Whether messages are dropped while this connection is behind, instead of holding publishers back. */
  set dropsWhenBehind(drops: boolean) {
    this.#dropFrom = drops ? this.#maxPending * BEHIND_SHARE : Infinity;
  }

  /** Bytes that the kernel has not taken yet. */
  get pendingBytes(): number {
    return this.#inFlightBytes + this.#queuedBytes + this.#position;
  }

  /** The pieces they lie in, for the log. */
  get pendingChunks(): number {
    return (this.#inFlight?.length ?? 0) + (this.#queued?.length ?? 0) + (this.#slab === null ? 0 : 1);
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Appends MSG or HMSG for one subscription. Returns false when this outbound takes nothing more. */
  appendMessage(message: Message, sid: string): boolean {
    const input = message.input;
    const subjectLength = message.subjectEnd - message.subjectStart;
    const replyLength = message.replyEnd - message.replyStart;
    const suffixLength = message.payloadEnd + CRLF_BYTES - message.suffixStart;
    const need = LINE_OVERHEAD_BYTES + subjectLength + sid.length + replyLength + suffixLength;
    if (this.#position + need > this.#limit) {
      if (!this.#makeRoom(need, message)) return false;
      if (this.#position + need > this.#limit) return this.#appendLargeMessage(message, sid);
    }
    const slab = this.#slab as Bytes;
    const buf = slab.buf;
    let position = this.#position;
    if (message.headerBytes > 0) {
      slab.view.setUint32(position, HMSG_WORD);
      buf[position + 4] = SPACE;
      position += 5;
    } else {
      slab.view.setUint32(position, MSG_WORD);
      position += 4;
    }
    copyBytes(input, message.subjectStart, message.subjectEnd, slab, position);
    position += subjectLength;
    buf[position++] = SPACE;
    for (let i = 0; i < sid.length; i++) buf[position++] = sid.charCodeAt(i);
    buf[position++] = SPACE;
    if (replyLength > 0) {
      copyBytes(input, message.replyStart, message.replyEnd, slab, position);
      position += replyLength;
      buf[position++] = SPACE;
    }
    copyBytes(input, message.suffixStart, message.payloadEnd + CRLF_BYTES, slab, position);
    this.#position = position + suffixLength;
    this.messageCount++;
    this.payloadBytes += message.payloadEnd - message.payloadStart;
    return true;
  }

  /** As `appendMessage` for a receiver that takes no headers: they are left out and the size is less. */
  appendMessageWithoutHeaders(message: Message, sid: string): boolean {
    const input = message.input;
    const bodyStart = message.payloadStart + message.headerBytes;
    const size = message.payloadEnd - bodyStart;
    const head = `MSG ${messageLine(message, sid)}${size}\r\n`;
    if (!this.#makeRoomIfNeeded(head.length + size + CRLF_BYTES, message)) return false;
    this.#appendLatin1(head);
    this.#appendRange(input, bodyStart, message.payloadEnd + CRLF_BYTES);
    this.messageCount++;
    this.payloadBytes += size;
    return true;
  }

  /** Appends protocol text (a wire string). Returns false when this outbound takes nothing more. */
  appendText(text: string): boolean {
    if (!this.#makeRoomIfNeeded(text.length, null)) return false;
    this.#appendLatin1(text);
    return true;
  }

  /** Hands what was appended to the pipe, unless a write is outstanding: then it follows that write. */
  flush(): void {
    if (this.#slab === null || this.#isWriting) return;
    const slab = this.#slab;
    const length = this.#position;
    this.#slab = null;
    this.#position = 0;
    this.#limit = 0;
    // A turn that would have fitted a much smaller slab moves the class down again.
    if (this.#slabClass > 0 && length < SLAB_BYTES[this.#slabClass - 1] / 2) this.#slabClass--;
    this.#write(slab, length);
  }

  /** The pipe's outstanding write is done. */
  onWritten(): void {
    if (!this.#isWriting) return;
    this.#isWriting = false;
    this.#releaseInFlight();
    this.#owner.onWriteDone();
    if (this.#queued !== null && this.#queued.length > 0) this.#writeQueued();
    if (!this.#isWriting) this.flush();
    if (this.#isOutrun && this.pendingBytes <= this.#stallBytes / 4) {
      this.#isOutrun = false;
      this.#owner.onCaughtUp();
    }
  }

  /** Takes no more output; what is there is still sent. Returns true when nothing is outstanding. */
  drain(): boolean {
    if (this.#state === "open") {
      this.flush();
      this.#state = "draining";
      this.#limit = 0;
    }
    return !this.#isWriting;
  }

  /** Drops everything. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    if (this.#slab !== null) this.#pool.give(this.#slab);
    this.#slab = null;
    this.#position = 0;
    this.#limit = 0;
    if (this.#queued !== null) for (const slab of this.#queued) this.#pool.give(slab);
    this.#queued = null;
    this.#queuedLengths = null;
    this.#queuedBytes = 0;
    // The slabs of an outstanding write are the pipe's until it has closed.
    this.#inFlightBytes = 0;
    this.#isWriting = false;
  }

  /** The pipe has closed: it reads from no buffer any more. */
  onPipeClosed(): void {
    this.close();
    this.#releaseInFlight();
  }

  /** Throws where a stated invariant does not hold. For tests. */
  checkInvariants(): void {
    // While draining the limit is 0, so that nothing is added to what still waits behind a write.
    assert(
      this.#position <= this.#limit || this.#slab === null || this.#state === "draining",
      "a slab is filled up to its limit at most",
    );
    assert(this.#slab === null || this.#limit <= this.#slab.capacity, "the limit lies within the slab");
    assert(this.#isWriting || this.#queuedBytes === 0, "slabs queue only behind an outstanding write");
    assert(this.#isWriting || this.#inFlightBytes === 0, "nothing is in flight without a write");
    assert(this.pendingBytes <= this.#maxPending, "no more is pending than may be");
  }

  #makeRoomIfNeeded(need: number, message: Message | null): boolean {
    return this.#position + need <= this.#limit || this.#makeRoom(need, message);
  }

  /**
   * Makes room for `need` more bytes: takes a slab, or moves the full one on. Returns false when they
   * must not be appended. After true there is room for at least one byte; a message larger than the slab is
   * appended in pieces.
   */
  #makeRoom(need: number, message: Message | null): boolean {
    if (this.#state !== "open") return false;
    if (this.pendingBytes + need > this.#maxPending) {
      // What the kernel was not offered yet says nothing about the peer's speed.
      this.flush();
      if (this.#state !== "open") return false;
      if (this.pendingBytes + need > this.#maxPending) {
        this.#owner.onPendingExceeded();
        return false;
      }
    }
    if (this.#slab === null) {
      this.#takeSlab();
      this.#flusher.add(this);
      return true;
    }
    if (this.#position === 0) return true;
    const slab = this.#slab;
    const length = this.#position;
    if (this.#isWriting) {
      if (message !== null && this.pendingBytes > this.#dropFrom) return false;
      this.#queue(slab, length);
      if (this.#queuedBytes + this.#inFlightBytes > this.#stallBytes && message !== null) {
        this.#isOutrun = true;
        this.#owner.onOutrun(message);
      }
    } else {
      this.#slab = null;
      this.#position = 0;
      this.#write(slab, length);
      // The pipe may have failed and closed this outbound meanwhile.
      if (this.#state !== "open") return false;
    }
    if (this.#slabClass < SLAB_BYTES.length - 1) this.#slabClass++;
    this.#takeSlab();
    return true;
  }

  #takeSlab(): void {
    let classIndex = this.#slabClass;
    if (
      classIndex === SLAB_BYTES.length - 1 &&
      (this.#isOutrun || this.#flusher.dirtyCount > LARGE_SLAB_DIRTY_MAX)
    ) {
      classIndex--;
    }
    this.#slab = this.#pool.take(classIndex);
    this.#position = 0;
    // At most a quarter of `max_pending` in one slab, so that a receiver is seen to fall behind in time.
    this.#limit = Math.min(
      this.#slab.capacity,
      Math.max(this.#maxPending >> 2, SLAB_BYTES[0]),
      this.#maxPending - this.#queuedBytes - this.#inFlightBytes,
    );
  }

  #queue(slab: Bytes, length: number): void {
    (this.#queued ??= []).push(slab);
    (this.#queuedLengths ??= []).push(length);
    this.#queuedBytes += length;
    this.#slab = null;
    this.#position = 0;
  }

  #write(slab: Bytes, length: number): void {
    this.#announceWrite();
    this.#inFlightBytes = length;
    this.#isWriting = true;
    if (this.#pipe.write(slab.buf, length)) {
      this.#isWriting = false;
      this.#inFlightBytes = 0;
      this.#pool.give(slab);
    } else if (this.#state !== "closed") {
      (this.#inFlight ??= []).push(slab);
      this.#owner.onWritePending();
    }
  }

  /** Writes queued slabs, as many as one write may take. */
  #writeQueued(): void {
    const queued = this.#queued as Bytes[];
    const lengths = this.#queuedLengths as number[];
    let count = 0;
    let bytes = 0;
    while (count < queued.length && count < WRITE_BUFFERS_MAX && bytes < WRITE_BYTES_MAX)
      bytes += lengths[count++];
    const slabs = queued.splice(0, count);
    this.#inFlight = slabs;
    this.#inFlightBytes = bytes;
    this.#queuedBytes -= bytes;
    this.#announceWrite();
    this.#isWriting = true;
    if (
      this.#pipe.writeAll(
        slabs.map((slab) => slab.buf),
        lengths.splice(0, count),
      )
    ) {
      this.#isWriting = false;
      this.#releaseInFlight();
      if (queued.length > 0) this.#writeQueued();
    } else if (this.#state !== "closed") {
      this.#owner.onWritePending();
    }
  }

  #announceWrite(): void {
    this.#owner.onWrite(this.messageCount !== this.#announcedCount);
    this.#announcedCount = this.messageCount;
  }

  #releaseInFlight(): void {
    const inFlight = this.#inFlight;
    if (inFlight !== null) {
      for (let i = 0; i < inFlight.length; i++) this.#pool.give(inFlight[i]);
      this.#inFlight = null;
    }
    this.#inFlightBytes = 0;
  }

  #appendLargeMessage(message: Message, sid: string): boolean {
    this.#appendLatin1(`${message.headerBytes > 0 ? "HMSG" : "MSG"} ${messageLine(message, sid)}`);
    this.#appendRange(message.input, message.suffixStart, message.payloadEnd + CRLF_BYTES);
    this.messageCount++;
    this.payloadBytes += message.payloadEnd - message.payloadStart;
    return true;
  }

  #appendLatin1(text: string): void {
    for (let done = 0; done < text.length;) {
      if (this.#position === this.#limit && !this.#makeRoom(1, null)) return;
      const slab = this.#slab as Bytes;
      const length = Math.min(this.#limit - this.#position, text.length - done);
      slab.buf.latin1Write(
        done === 0 && length === text.length ? text : text.slice(done, done + length),
        this.#position,
      );
      this.#position += length;
      done += length;
    }
  }

  #appendRange(input: Bytes, start: number, end: number): void {
    for (let from = start; from < end;) {
      if (this.#position === this.#limit && !this.#makeRoom(1, null)) return;
      const slab = this.#slab as Bytes;
      const length = Math.min(this.#limit - this.#position, end - from);
      input.buf.copy(slab.buf, this.#position, from, from + length);
      this.#position += length;
      from += length;
    }
  }
}

/** `subject sid [reply] `, a wire string. */
function messageLine(message: Message, sid: string): string {
  const buf = message.input.buf;
  const subject = buf.latin1Slice(message.subjectStart, message.subjectEnd);
  const reply =
    message.replyEnd > message.replyStart ? `${buf.latin1Slice(message.replyStart, message.replyEnd)} ` : "";
  return `${subject} ${sid} ${reply}`;
}
