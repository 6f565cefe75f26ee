import { assert } from "../../base/assert.ts";
import type { StoredMessage } from "../stored-message.ts";

/** Records start on multiples of eight bytes, which are counted. */
const UNIT_BYTES = 8;
const UNIT_BITS = 3;
/** Units of a full slab, 1 MiB: an address is the slab's number and the unit in it. */
const SLAB_UNIT_BITS = 17;
const SLAB_UNIT_MASK = 2 ** SLAB_UNIT_BITS - 1;
const SLAB_BYTES_MAX = UNIT_BYTES * 2 ** SLAB_UNIT_BITS;
/** The first slab: most streams in memory are small. Further ones are as large as all that are held, within bounds. */
const FIRST_SLAB_BYTES = 4096;
const SLAB_BYTES_MIN = 16 * 1024;
/** Addresses and one more fit 32 bits: 32 GiB in full slabs. */
const SLABS_MAX = 2 ** (32 - SLAB_UNIT_BITS) - 1;
/** One message may need one slab for itself and one for what is moved. */
const SLABS_SPARE = 2;
/** A slab of which less than this share is in use gives up what is left of it to another. */
const SPARSE_SHARE = 0.5;

/*
 * A record: numbers of eight bytes, numbers of four bytes, then the headers and the payload.
 *
 *   0  sequence; 0: removed        32  subject id
 *   8  time, ms                    36  time, ns within the millisecond; bit 31: it expires
 *  16  previous of its subject     40  bytes of headers
 *  24  next of its subject         44  bytes of payload
 */
const SEQ = 0;
const TIME_MS = 1;
const PREVIOUS = 2;
const NEXT = 3;
const SUBJECT_ID = 8;
const TIME_NS = 9;
const HEADERS = 10;
const PAYLOAD = 11;
const DATA = 48;
const EXPIRES = 0x8000_0000;
const NS_MASK = 0x7fff_ffff;

/** One buffer with records one behind the other. */
class Slab {
  readonly number: number;
  readonly buf: Buffer;
  readonly floats: Float64Array;
  readonly words: Uint32Array;
  /** Records end here. */
  end = 0;
  /** Of that, bytes of records that are not removed. */
  liveBytes = 0;

  constructor(number: number, size: number) {
    this.number = number;
    this.buf = Buffer.allocUnsafeSlow(size);
    this.floats = new Float64Array(this.buf.buffer);
    this.words = new Uint32Array(this.buf.buffer);
  }

  /** Gives the memory back now, not at some later garbage collection, which an idle server may never come to. */
  free(): void {
    const { buffer } = this.buf;
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}

/** Told when a record gets another address. */
export type Moved = (seq: number, address: number) => void;

/**
 * The messages of a stream in memory, in slabs off the JavaScript heap: 48 bytes and what is in it for each. A slab
 * with nothing left in it is given back, one with little left is emptied first, so that never more than about twice
 * what is needed is held. A record is moved only by `remove` and `add`.
 */
export class Slabs {
  readonly #moved: Moved;
  readonly #slabsMax: number;
  /** By number. */
  #slabs: (Slab | null)[] = [];
  /** Numbers of slabs given back. */
  #freeNumbers: number[] = [];
  /** To which is added; null: there are no records. */
  #current: Slab | null = null;
  #usedBytes = 0;

  constructor(moved: Moved, slabsMax: number = SLABS_MAX) {
    this.#moved = moved;
    this.#slabsMax = slabsMax;
  }

  /** Bytes held. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether no message may be added: all that can be addressed is in use. */
  get isFull(): boolean {
    return this.#slabs.length - this.#freeNumbers.length > this.#slabsMax - SLABS_SPARE;
  }

  /** Adds a message with copies of `buf[headersStart, payloadStart)` and `buf[payloadStart, payloadEnd)`; returns its address. */
  add(
    seq: number,
    subjectId: number,
    previous: number,
    buf: Buffer,
    headersStart: number,
    payloadStart: number,
    payloadEnd: number,
    timeMs: number,
    timeNs: number,
    expires: boolean,
  ): number {
    const slab = this.#roomFor(DATA + payloadEnd - headersStart);
    const start = slab.end;
    this.#extend(slab, DATA + payloadEnd - headersStart);
    const float = start >>> UNIT_BITS;
    slab.floats[float + SEQ] = seq;
    slab.floats[float + TIME_MS] = timeMs;
    slab.floats[float + PREVIOUS] = previous;
    slab.floats[float + NEXT] = 0;
    const word = start >>> 2;
    slab.words[word + SUBJECT_ID] = subjectId;
    slab.words[word + TIME_NS] = expires ? timeNs + EXPIRES : timeNs;
    slab.words[word + HEADERS] = payloadStart - headersStart;
    slab.words[word + PAYLOAD] = payloadEnd - payloadStart;
    buf.copy(slab.buf, start + DATA, headersStart, payloadEnd);
    return addressOf(slab, start);
  }

  /** Removes a record. */
  remove(address: number): void {
    const slab = this.#slab(address);
    const float = address & SLAB_UNIT_MASK;
    assert(slab.floats[float + SEQ] !== 0, "a record is removed once");
    slab.liveBytes -= rounded(DATA + this.dataLength(address));
    slab.floats[float + SEQ] = 0;
    if (slab === this.#current) {
      if (slab.liveBytes === 0) slab.end = 0;
    } else {
      this.#tidy(slab);
    }
  }

  /** Gives all memory back. */
  clear(): void {
    for (const slab of this.#slabs) slab?.free();
    this.#slabs = [];
    this.#freeNumbers = [];
    this.#current = null;
    this.#usedBytes = 0;
  }

  timeMs(address: number): number {
    return this.#slab(address).floats[(address & SLAB_UNIT_MASK) + TIME_MS];
  }

  timeNs(address: number): number {
    return this.#word(address, TIME_NS) & NS_MASK;
  }

  /** The sequence of the message before it that has the same subject; 0: it is the first. */
  previous(address: number): number {
    return this.#slab(address).floats[(address & SLAB_UNIT_MASK) + PREVIOUS];
  }

  setPrevious(address: number, seq: number): void {
    this.#slab(address).floats[(address & SLAB_UNIT_MASK) + PREVIOUS] = seq;
  }

  /** The sequence of the message after it that has the same subject; 0: it is the last. */
  next(address: number): number {
    return this.#slab(address).floats[(address & SLAB_UNIT_MASK) + NEXT];
  }

  setNext(address: number, seq: number): void {
    this.#slab(address).floats[(address & SLAB_UNIT_MASK) + NEXT] = seq;
  }

  subjectId(address: number): number {
    return this.#word(address, SUBJECT_ID);
  }

  expires(address: number): boolean {
    return this.#word(address, TIME_NS) >= EXPIRES;
  }

  /** It does not expire any more. */
  keep(address: number): void {
    const slab = this.#slab(address);
    slab.words[((address & SLAB_UNIT_MASK) << 1) + TIME_NS] &= NS_MASK;
  }

  /** Bytes of headers and payload. */
  dataLength(address: number): number {
    return this.#word(address, HEADERS) + this.#word(address, PAYLOAD);
  }

  headersLength(address: number): number {
    return this.#word(address, HEADERS);
  }

  /** Brings a record into `into`, all but its subject. */
  load(address: number, into: StoredMessage): void {
    const { buf, floats, words } = this.#slab(address);
    const float = address & SLAB_UNIT_MASK;
    const word = float << 1;
    into.seq = floats[float + SEQ];
    into.timeMs = floats[float + TIME_MS];
    into.timeNs = words[word + TIME_NS] & NS_MASK;
    into.buf = buf;
    into.headersStart = (float << UNIT_BITS) + DATA;
    into.payloadStart = into.headersStart + words[word + HEADERS];
    into.payloadEnd = into.payloadStart + words[word + PAYLOAD];
  }

  /** Throws where a stated invariant does not hold: there are `records`. For tests. */
  checkInvariants(records: number): void {
    let count = 0;
    let usedBytes = 0;
    for (const slab of this.#slabs) {
      if (slab === null) continue;
      let liveBytes = 0;
      for (let start = 0; start < slab.end;) {
        const word = start >>> 2;
        const length = rounded(DATA + slab.words[word + HEADERS] + slab.words[word + PAYLOAD]);
        if (slab.floats[start >>> UNIT_BITS] !== 0) {
          count++;
          liveBytes += length;
        }
        start += length;
      }
      assert(liveBytes === slab.liveBytes, "a slab's live bytes are counted");
      const isSparse = liveBytes <= SPARSE_SHARE * slab.end;
      assert(slab === this.#current || !isSparse, "no slab but the current one is sparse");
      usedBytes += slab.buf.length;
    }
    assert(count === records, "each record is there once");
    assert(usedBytes === this.#usedBytes, "held bytes are counted");
  }

  #slab(address: number): Slab {
    const slab = this.#slabs[address >>> SLAB_UNIT_BITS];
    assert(slab !== null, "a record lies in a slab that is held");
    return slab;
  }

  #word(address: number, word: number): number {
    return this.#slab(address).words[((address & SLAB_UNIT_MASK) << 1) + word];
  }

  /** A slab with room for a record of `bytes`. */
  #roomFor(bytes: number): Slab {
    const size = rounded(bytes);
    // It lies alone, so that it goes alone, and so that each record starts in what can be addressed.
    if (size > SLAB_BYTES_MAX / 4) return this.#addSlab(size);
    const current = this.#current;
    if (current !== null && current.end + size <= current.buf.length) return current;
    const usual = current === null ? FIRST_SLAB_BYTES : Math.max(SLAB_BYTES_MIN, this.#usedBytes);
    const slab = this.#addSlab(Math.max(size, Math.min(SLAB_BYTES_MAX, usual)));
    this.#current = slab;
    if (current !== null) this.#tidy(current);
    // Emptying the last one may have filled it.
    return this.#roomFor(bytes);
  }

  #extend(slab: Slab, bytes: number): void {
    slab.end += rounded(bytes);
    slab.liveBytes += rounded(bytes);
  }

  #addSlab(size: number): Slab {
    const number = this.#freeNumbers.pop() ?? this.#slabs.length;
    assert(number < this.#slabsMax, "what is full is not added to");
    const slab = new Slab(number, size);
    this.#slabs[number] = slab;
    this.#usedBytes += slab.buf.length;
    return slab;
  }

  /** Gives a slab back that has nothing, or little, left in it. */
  #tidy(slab: Slab): void {
    if (slab.liveBytes > SPARSE_SHARE * slab.end) return;
    this.#empty(slab);
    this.#slabs[slab.number] = null;
    this.#freeNumbers.push(slab.number);
    this.#usedBytes -= slab.buf.length;
    slab.free();
  }

  /** Moves what is left in a slab. */
  #empty(slab: Slab): void {
    for (let start = 0; slab.liveBytes > 0;) {
      const word = start >>> 2;
      const length = rounded(DATA + slab.words[word + HEADERS] + slab.words[word + PAYLOAD]);
      const seq = slab.floats[start >>> UNIT_BITS];
      if (seq !== 0) {
        const target = this.#roomFor(length);
        slab.buf.copy(target.buf, target.end, start, start + length);
        this.#moved(seq, addressOf(target, target.end));
        this.#extend(target, length);
        slab.liveBytes -= length;
      }
      start += length;
    }
  }
}

function rounded(bytes: number): number {
  return (bytes + UNIT_BYTES - 1) & ~(UNIT_BYTES - 1);
}

function addressOf(slab: Slab, start: number): number {
  return slab.number * 2 ** SLAB_UNIT_BITS + (start >>> UNIT_BITS);
}
