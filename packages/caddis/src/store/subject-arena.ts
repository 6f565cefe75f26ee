import { assert } from "../base/assert.ts";
import type { FieldReader, FieldWriter } from "./file/byte-fields.ts";

/** Addresses count in units of so many bytes: 32 bits reach 32 GiB. */
const UNIT_BYTES = 8;
const UNIT_BITS = 3;
/** Units of a full chunk, 1 MiB: an address is the chunk's number and the unit in it. */
const CHUNK_UNIT_BITS = 17;
const CHUNK_UNIT_MASK = 2 ** CHUNK_UNIT_BITS - 1;
const CHUNK_BYTES_MAX = UNIT_BYTES * 2 ** CHUNK_UNIT_BITS;
const CHUNKS_MAX = 2 ** (32 - CHUNK_UNIT_BITS);
/** The first chunk: most streams have few subjects. Each further one is twice as large, up to the most. */
const CHUNK_BYTES_MIN = 1024;

/**
 * Where the bytes of subjects lie, one behind the other in a few large buffers. Given-back room is used again for
 * what has the same number of units: subjects of one stream look alike. Room never moves.
 */
export class SubjectArena {
  #chunks: Buffer[] = [];
  /** The next free byte of the last chunk. */
  #end = 0;
  /** By number of units, the address + 1 of room given back; the first four bytes there tell the next. 0: no more. */
  #free = new Map<number, number>();
  #usedBytes = 0;

  /** Bytes held. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The buffer that an address lies in. */
  chunk(address: number): Buffer {
    return this.#chunks[address >>> CHUNK_UNIT_BITS];
  }

  /** Where in its buffer an address lies. */
  start(address: number): number {
    return (address & CHUNK_UNIT_MASK) << UNIT_BITS;
  }

  /** Copies a subject in; returns its address. */
  put(subject: string): number {
    const units = unitsOf(subject.length);
    const address = this.#take(units) ?? this.#extend(units * UNIT_BYTES);
    this.chunk(address).latin1Write(subject, this.start(address));
    return address;
  }

  /** Gives the room of a subject of `length` bytes back. */
  remove(address: number, length: number): void {
    const units = unitsOf(length);
    this.chunk(address).writeUInt32LE(this.#free.get(units) ?? 0, this.start(address));
    assert(address < 0xffff_ffff, "an address has a successor in 32 bits");
    this.#free.set(units, address + 1);
  }

  /** Writes all of it, so that `load` makes the same of it. */
  save(fields: FieldWriter): void {
    fields.u32(this.#chunks.length);
    fields.u32(this.#end);
    for (const chunk of this.#chunks) {
      fields.u32(chunk.length);
      fields.bytes(chunk === this.#chunks.at(-1) ? chunk.subarray(0, this.#end) : chunk);
    }
    fields.u32(this.#free.size);
    for (const [units, head] of this.#free) {
      fields.u32(units);
      fields.u32(head);
    }
  }

  /** Puts in what `save` wrote; there is nothing yet. */
  load(fields: FieldReader): void {
    const count = fields.u32();
    this.#end = fields.u32();
    for (let i = 0; i < count && !fields.isOver; i++) {
      const length = fields.u32();
      const bytes = fields.bytes(i === count - 1 ? this.#end : length);
      if (fields.isOver) return;
      const chunk = Buffer.allocUnsafeSlow(length);
      chunk.set(bytes);
      this.#chunks.push(chunk);
      this.#usedBytes += length;
    }
    for (let left = fields.u32(); left > 0 && !fields.isOver; left--) {
      const units = fields.u32();
      this.#free.set(units, fields.u32());
    }
  }

  #take(units: number): number | null {
    const head = this.#free.get(units) ?? 0;
    if (head === 0) return null;
    const address = head - 1;
    this.#free.set(units, this.chunk(address).readUInt32LE(this.start(address)));
    return address;
  }

  #extend(bytes: number): number {
    const last = this.#chunks.at(-1);
    // What starts in a chunk beyond the first MiB could not be addressed; only a single huge subject ends there.
    if (last === undefined || this.#end + bytes > last.length) this.#addChunk(bytes);
    const address = (this.#chunks.length - 1) * 2 ** CHUNK_UNIT_BITS + (this.#end >>> UNIT_BITS);
    this.#end += bytes;
    return address;
  }

  #addChunk(bytes: number): void {
    assert(this.#chunks.length < CHUNKS_MAX, "the subjects of a stream fit 32 GiB");
    const size = Math.min(CHUNK_BYTES_MAX, CHUNK_BYTES_MIN * 2 ** Math.min(10, this.#chunks.length));
    // Zeros, since all of it may be written to a file.
    const chunk = Buffer.alloc(Math.max(size, bytes));
    this.#chunks.push(chunk);
    this.#usedBytes += chunk.length;
    this.#end = 0;
  }
}

function unitsOf(length: number): number {
  return Math.max(1, (length + UNIT_BYTES - 1) >>> UNIT_BITS);
}
