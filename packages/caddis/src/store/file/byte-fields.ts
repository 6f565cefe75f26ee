import { assert } from "../../base/assert.ts";

const BYTES_INITIAL = 4 * 1024;

const IS_BIG_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

/** Numbers off the heap. */
type Numbers = Int32Array | Uint32Array | Float64Array;

/** Puts the bytes of numbers in the order that files have, or back. */
function turn(bytes: Buffer, numberBytes: number): void {
  if (!IS_BIG_ENDIAN) return;
  if (numberBytes === 4) bytes.swap32();
  else bytes.swap64();
}

/** Puts fields one behind the other into memory that grows. */
export class FieldWriter {
  #buf = Buffer.allocUnsafeSlow(BYTES_INITIAL);
  #end = 0;

  u32(value: number): void {
    this.reserve(4);
    this.#end = this.#buf.writeUInt32LE(value, this.#end);
  }

  f64(value: number): void {
    this.reserve(8);
    this.#end = this.#buf.writeDoubleLE(value, this.#end);
  }

  bytes(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#buf.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Numbers of 32 or 64 bits as they lie in memory; where that is the other way round they are turned. */
  numbers(array: Numbers): void {
    this.bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    turn(this.#buf.subarray(this.#end - array.byteLength, this.#end), array.BYTES_PER_ELEMENT);
  }

  /** Has `fill` put up to `length` bytes in, and tell how many these were. */
  filled(length: number, fill: (target: Buffer, start: number) => number): void {
    this.reserve(length);
    const count = fill(this.#buf, this.#end);
    assert(count <= length, "no more is filled in than was asked for");
    this.#end += count;
  }

  get content(): Buffer {
    return this.#buf.subarray(0, this.#end);
  }

  reserve(length: number): void {
    if (this.#end + length <= this.#buf.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buf.length * 2, this.#end + length));
    this.#buf.copy(larger, 0, 0, this.#end);
    this.#buf = larger;
  }
}

/** Takes fields out again. What is not there reads as 0 and makes `isOver` true. */
export class FieldReader {
  readonly #buf: Buffer;
  #at = 0;
  /** More was asked for than there is. */
  isOver = false;

  constructor(buf: Buffer) {
    this.#buf = buf;
  }

  u32(): number {
    return this.#take(4) ? this.#buf.readUInt32LE(this.#at - 4) : 0;
  }

  f64(): number {
    return this.#take(8) ? this.#buf.readDoubleLE(this.#at - 8) : 0;
  }

  bytes(length: number): Buffer {
    return this.#take(length) ? this.#buf.subarray(this.#at - length, this.#at) : Buffer.alloc(0);
  }

  /** Fills `array` with numbers that `FieldWriter.numbers` wrote. */
  numbers(array: Numbers): void {
    const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(this.bytes(bytes.length));
    turn(bytes, array.BYTES_PER_ELEMENT);
  }

  #take(length: number): boolean {
    if (this.isOver || this.#at + length > this.#buf.length) {
      this.isOver = true;
      return false;
    }
    this.#at += length;
    return true;
  }
}
