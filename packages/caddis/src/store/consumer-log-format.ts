/*
 * The consumers' log: what is kept of the consumers of one stream.
 *
 * A folder holds one file, `<generation>.log`; two only where a crash came between the making of the next one and the
 * removal of the one before. It is appended to, never changed. All numbers are little-endian.
 *
 *   header    see `consumer-log-file.ts`
 *   batches, each on a multiple of 8, filled up with zeros: what was written in one go
 *             4  magic
 *             4  bytes of the body
 *             8  so many bytes of the file were synced when it was written (a float)
 *             4  CRC-32 of the body, seeded
 *             4  CRC-32 of the 20 bytes before, seeded
 *             …  the body: records; in a file that is encrypted: 8 bytes of chance, the records encrypted, their tag
 *   record    1  kind: 1 configuration, 2 state, 3 removed, 4 all that came before is void
 *             4  bytes of the name, then 4 bytes of the value
 *             …  the name (UTF-8), then the value: JSON text (UTF-8), or the state
 *
 * The seed of a batch's checksums is the CRC-32 of its generation and its place in the file, so that bytes which are whole
 * but in the wrong place are noticed. What is not whole and lies below what a later batch knows to be synced, or below what was
 * there when it was closed (see `consumer-log-end.ts`), is damage; the rest is a write that a crash cut short, of which nothing was confirmed. What is encrypted has its place and the
 * chance for a nonce, since a batch that a crash or a full disk took back gives its place to another; the first 16 bytes
 * of the batch are bound to it.
 *
 * The file of a new generation starts with record 4 and holds what is kept at that time. Its name is that of the stream's
 * folder: a file that came here from another stream is damage.
 */
import { assert } from "../base/assert.ts";
import { crc32 as crc32Of, viewOf } from "./file/checksum.ts";
import { TAG_BYTES, UNIQUE_BYTES } from "./file/cipher.ts";
import type { LogFile } from "./consumer-log-file.ts";
import type { KeptConsumer } from "./consumer-store.ts";

const PLAIN_MAGIC = 0x4c43_4443;
const SEALED_MAGIC = 0x4543_4443;
const BATCH_HEADER_BYTES = 24;
/** The part of it that is bound to a body which is encrypted. */
const BOUND_BYTES = 16;
const ALIGNMENT = 8;

const CONFIG = 1;
const STATE = 2;
const REMOVED = 3;
const RESET = 4;
const RECORD_HEADER_BYTES = 9;
const KINDS: ReadonlyMap<number, LogRecord["kind"]> = new Map([
  [CONFIG, "config"],
  [STATE, "state"],
  [REMOVED, "removed"],
  [RESET, "reset"],
]);

const NO_BYTES = Buffer.alloc(0);

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

  /** `stream`: whose log it is. */
  reset(stream: string): void {
    this.#add(RESET, stream, NO_BYTES);
  }

  /** The batch as it stands at `position` in a file of which `syncedBytes` are synced. */
  build(file: LogFile, position: number, syncedBytes: number): Buffer {
    const { isEncrypted } = file;
    const recordsBytes = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const bodyBytes = recordsBytes + (isEncrypted ? UNIQUE_BYTES + TAG_BYTES : 0);
    const batch = Buffer.alloc(batchBytes(bodyBytes));
    batch.writeUInt32LE(isEncrypted ? SEALED_MAGIC : PLAIN_MAGIC, 0);
    batch.writeUInt32LE(bodyBytes, 4);
    batch.writeDoubleLE(syncedBytes, 8);
    let at = BATCH_HEADER_BYTES + (isEncrypted ? UNIQUE_BYTES : 0);
    for (const chunk of this.#chunks) {
      batch.set(chunk, at);
      at += chunk.length;
    }
    if (isEncrypted) seal(batch, at, file, position);
    const seed = seedOf(file.generation, position);
    const end = BATCH_HEADER_BYTES + bodyBytes;
    batch.writeUInt32LE(crc32(batch.subarray(BATCH_HEADER_BYTES, end), seed), 16);
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
  /** Its records; none where nobody has the key. */
  readonly body: Buffer;
}

/** The batch at `position` of a file whose bytes are `data`; null: there is none that is whole. */
export function readBatch(data: Buffer, file: LogFile, position: number): Batch | null {
  const magic = file.isEncrypted ? SEALED_MAGIC : PLAIN_MAGIC;
  if (position + BATCH_HEADER_BYTES > data.length || data.readUInt32LE(position) !== magic) return null;
  const seed = seedOf(file.generation, position);
  if (crc32(data.subarray(position, position + 20), seed) !== data.readUInt32LE(position + 20)) return null;
  const bodyBytes = data.readUInt32LE(position + 4);
  const end = position + batchBytes(bodyBytes);
  if (end > data.length) return null;
  const batch = data.subarray(position, position + BATCH_HEADER_BYTES + bodyBytes);
  const stored = batch.subarray(BATCH_HEADER_BYTES);
  if (crc32(stored, seed) !== batch.readUInt32LE(16)) return null;
  const body = file.isEncrypted ? unseal(batch, file, position) : stored;
  return body === null ? null : { start: position, end, syncedBytes: batch.readDoubleLE(8), body };
}

/** The first whole batch from `position` on; null: there is none. */
export function findBatch(data: Buffer, file: LogFile, position: number): Batch | null {
  for (let at = aligned(position); at < data.length; at += ALIGNMENT) {
    const batch = readBatch(data, file, at);
    if (batch !== null) return batch;
  }
  return null;
}

/** Encrypts the records of a batch, which end at `end`. */
function seal(batch: Buffer, end: number, { cipher, unique }: LogFile, position: number): void {
  assert(cipher !== null, "what is written has a key");
  const start = BATCH_HEADER_BYTES + UNIQUE_BYTES;
  const chance = unique();
  batch.set(chance, BATCH_HEADER_BYTES);
  cipher.sealUnique(batch, start, end, batch.subarray(0, BOUND_BYTES), position / ALIGNMENT, chance);
}

/** The records of a batch; null: they were not encrypted for this place, or are not what they were. */
function unseal(batch: Buffer, { cipher }: LogFile, position: number): Buffer | null {
  const start = BATCH_HEADER_BYTES + UNIQUE_BYTES;
  const end = batch.length - TAG_BYTES;
  if (end < start) return null;
  if (cipher === null) return NO_BYTES;
  const chance = batch.subarray(BATCH_HEADER_BYTES, start);
  return cipher.openUnique(batch, start, end, batch.subarray(0, BOUND_BYTES), position / ALIGNMENT, chance);
}

/** Does what the records of a batch say. */
export function applyBatch(batch: Batch, kept: Map<string, KeptConsumer>): void {
  for (const { kind, name, value } of recordsOf(batch)) {
    const known = kept.get(name);
    if (kind === "config") kept.set(name, { config: value.toString("utf8"), state: known?.state ?? null });
    // A state whose configuration was lost is of no use.
    else if (kind === "state" && known !== undefined)
      kept.set(name, { ...known, state: new Uint8Array(value) });
    else if (kind === "removed") kept.delete(name);
    else if (kind === "reset") kept.clear();
  }
}

/** Whose log a batch says that it is; empty: it does not say. */
export function streamOf(batch: Batch): string {
  for (const { kind, name } of recordsOf(batch)) if (kind === "reset") return name;
  return "";
}

/** What a batch says of one consumer, or, `reset`, that all before is void; `name` is the stream's folder's then. */
export interface LogRecord {
  readonly kind: "config" | "state" | "removed" | "reset" | "unknown";
  readonly name: string;
  /** Valid as long as the bytes it was read from. */
  readonly value: Buffer;
}

/** The records of a batch. */
export function* recordsOf({ body }: Batch): IterableIterator<LogRecord> {
  for (let at = 0; at < body.length;) {
    const nameStart = at + RECORD_HEADER_BYTES;
    const valueStart = nameStart + body.readUInt32LE(at + 1);
    const end = valueStart + body.readUInt32LE(at + 5);
    const kind = KINDS.get(body.readUInt8(at)) ?? "unknown";
    yield { kind, name: body.utf8Slice(nameStart, valueStart), value: body.subarray(valueStart, end) };
    at = end;
  }
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
