/*
 * The consumers' log: what is kept of the consumers of one stream.
 *
 * A folder holds one file, `<generation>.log`; two only where a crash came between the making of the next one and the
 * removal of the one before. It is appended to, never changed. All numbers are little-endian.
 *
 *   header    8  "CDSCONS1"
 *             4  generation, as in the name
 *             4  CRC-32 of the 12 bytes before
 *   batches, each on a multiple of 8, filled up with zeros: what was written in one go
 *             4  magic
 *             4  bytes of the body
 *             8  so many bytes of the file were synced when it was written (a float)
 *             4  CRC-32 of the body, seeded
 *             4  CRC-32 of the 20 bytes before, seeded
 *             …  the body: records
 *   record    1  kind: 1 configuration, 2 state, 3 removed, 4 all that came before is void
 *             4  bytes of the name, then 4 bytes of the value
 *             …  the name (UTF-8), then the value: JSON text (UTF-8), or the state
 *
 * The seed of a batch's checksums is the CRC-32 of its generation and its place in the file, so that bytes which are whole
 * but in the wrong place are noticed. What is not whole and lies below what a later batch knows to be synced is damage;
 * the rest is a write that a crash cut short, of which nothing was confirmed.
 *
 * The file of a new generation starts with record 4 and holds what is kept at that time.
 */
import { crc32 as crc32Of, viewOf } from "./file/checksum.ts";
import type { KeptConsumer } from "./consumer-store.ts";

const FILE_MAGIC = "CDSCONS1";
export const FILE_HEADER_BYTES = 16;
const BATCH_MAGIC = 0x4c43_4443;
const BATCH_HEADER_BYTES = 24;
const ALIGNMENT = 8;

const CONFIG = 1;
const STATE = 2;
const REMOVED = 3;
const RESET = 4;
const RECORD_HEADER_BYTES = 9;

const NO_BYTES = new Uint8Array(0);

export function encodeFileHeader(generation: number): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.write(FILE_MAGIC, "latin1");
  header.writeUInt32LE(generation, 8);
  header.writeUInt32LE(crc32(header.subarray(0, 12)), 12);
  return header;
}

/** Whether a file begins as one of this generation does. */
export function isFileHeader(file: Buffer, generation: number): boolean {
  return (
    file.length >= FILE_HEADER_BYTES &&
    encodeFileHeader(generation).equals(file.subarray(0, FILE_HEADER_BYTES))
  );
}

/** Collects the records of a batch. */
export class BatchBuilder {
  readonly #chunks: Uint8Array[] = [];

  config(name: string, json: string): void {
    this.#add(CONFIG, name, Buffer.from(json));
  }

  state(name: string, state: Uint8Array): void {
    this.#add(STATE, name, state);
  }

  removed(name: string): void {
    this.#add(REMOVED, name, NO_BYTES);
  }

  reset(): void {
    this.#add(RESET, "", NO_BYTES);
  }

  /** The batch as it stands at `position` in the file of a generation of which `syncedBytes` are synced. */
  build(generation: number, position: number, syncedBytes: number): Buffer {
    const bodyBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const batch = Buffer.alloc(batchBytes(bodyBytes));
    let at = BATCH_HEADER_BYTES;
    for (const chunk of this.#chunks) {
      batch.set(chunk, at);
      at += chunk.length;
    }
    const seed = seedOf(generation, position);
    batch.writeUInt32LE(BATCH_MAGIC, 0);
    batch.writeUInt32LE(bodyBytes, 4);
    batch.writeDoubleLE(syncedBytes, 8);
    batch.writeUInt32LE(crc32(batch.subarray(BATCH_HEADER_BYTES, at), seed), 16);
    batch.writeUInt32LE(crc32(batch.subarray(0, 20), seed), 20);
    return batch;
  }

  #add(kind: number, name: string, value: Uint8Array): void {
    const nameBytes = Buffer.from(name);
    const header = Buffer.alloc(RECORD_HEADER_BYTES);
    header.writeUInt8(kind, 0);
    header.writeUInt32LE(nameBytes.length, 1);
    header.writeUInt32LE(value.length, 5);
    this.#chunks.push(header, nameBytes, value);
  }
}

/** Bytes that a record takes, about: names are mostly ASCII. */
export function recordBytes(name: string, valueLength: number): number {
  return RECORD_HEADER_BYTES + name.length + valueLength;
}

/** A batch that was found whole. */
export interface Batch {
  readonly start: number;
  /** Where the next one starts. */
  readonly end: number;
  readonly syncedBytes: number;
  readonly body: Buffer;
}

/** The batch at `position`; null: there is none that is whole. */
export function readBatch(file: Buffer, generation: number, position: number): Batch | null {
  if (position + BATCH_HEADER_BYTES > file.length || file.readUInt32LE(position) !== BATCH_MAGIC) return null;
  const seed = seedOf(generation, position);
  if (crc32(file.subarray(position, position + 20), seed) !== file.readUInt32LE(position + 20)) return null;
  const bodyBytes = file.readUInt32LE(position + 4);
  const end = position + batchBytes(bodyBytes);
  if (end > file.length) return null;
  const body = file.subarray(position + BATCH_HEADER_BYTES, position + BATCH_HEADER_BYTES + bodyBytes);
  if (crc32(body, seed) !== file.readUInt32LE(position + 16)) return null;
  return { start: position, end, syncedBytes: file.readDoubleLE(position + 8), body };
}

/** The first whole batch from `position` on; null: there is none. */
export function findBatch(file: Buffer, generation: number, position: number): Batch | null {
  for (let at = aligned(position); at < file.length; at += ALIGNMENT) {
    const batch = readBatch(file, generation, at);
    if (batch !== null) return batch;
  }
  return null;
}

/** Does what the records of a batch say. */
export function applyBatch({ body }: Batch, kept: Map<string, KeptConsumer>): void {
  for (let at = 0; at < body.length;) {
    const kind = body.readUInt8(at);
    const nameStart = at + RECORD_HEADER_BYTES;
    const valueStart = nameStart + body.readUInt32LE(at + 1);
    const end = valueStart + body.readUInt32LE(at + 5);
    const name = body.utf8Slice(nameStart, valueStart);
    const known = kept.get(name);
    if (kind === CONFIG)
      kept.set(name, { config: body.utf8Slice(valueStart, end), state: known?.state ?? null });
    // A state whose configuration was lost is of no use.
    else if (kind === STATE && known !== undefined)
      kept.set(name, { ...known, state: copyOf(body, valueStart, end) });
    else if (kind === REMOVED) kept.delete(name);
    else if (kind === RESET) kept.clear();
    at = end;
  }
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

function crc32(bytes: Buffer, seed: number = 0): number {
  return crc32Of(bytes, viewOf(bytes), 0, bytes.length, seed);
}

function batchBytes(bodyBytes: number): number {
  return aligned(BATCH_HEADER_BYTES + bodyBytes);
}

function aligned(position: number): number {
  return Math.ceil(position / ALIGNMENT) * ALIGNMENT;
}

function seedOf(generation: number, position: number): number {
  const place = Buffer.allocUnsafe(12);
  place.writeUInt32LE(generation, 0);
  place.writeDoubleLE(position, 4);
  return crc32(place);
}
