import { crc32, viewOf } from "./checksum.ts";

/**
 * # The files of a stream's store
 *
 * A folder holds **blocks**, which together are the log, and one **checkpoint** (`checkpoint.ts`), which only saves
 * time. All numbers are little-endian; `f64` holds whole numbers below 2^53.
 *
 * ## Names
 *
 *     <number>.log                    a block as it was written, number from 1 without gaps
 *     <from>-<to>.<generation>.log    what compaction made of the blocks `from` to `to`; it stands for all of them
 *     index.db                        the checkpoint
 *     <name>.damaged-<offset>         a copy of bytes that could not be read, for people
 *
 * Of files that cover the same number the one with the highest generation counts; the others are left over from a
 * crash between its writing and their removal. Only the oldest blocks are removed without one in their place, when
 * all their messages lie before the front. So a number that is missing between others is damage.
 *
 * ## A block
 *
 * Two equal copies of the header, 128 bytes each, then records. Each record starts at a multiple of 8.
 *
 *       0  8   magic "CADDISLG"
 *       8  u32 version, 1
 *      12  u32 flags: 1 made by compaction, 2 encrypted with chacha20-poly1305, 4 with aes-256-gcm: bodies of
 *              messages, or frames; 8 compressed, see `frames.ts`
 *      16  f64 number (of the first block it stands for)
 *      24  u32 generation: 0 as written
 *      28  u32 how many bytes of the block before are valid: what follows there was never acknowledged. 0: not known
 *      32  f64 first sequence: blocks before hold nothing that counts from here on
 *      40  f64 front: all messages before it are gone
 *      48  f64 milliseconds, 56 u32 nanoseconds: the time of the last message before this block; NaN: there was none
 *      60  u32 length, without compression (compacted; else 0)
 *      64  f64 last sequence it stands for (compacted; else 0)
 *      72  f64 messages in it (compacted; else 0)
 *      80  16  identity of the store, random, the same in all of its blocks
 *      96  16  salt of this block, random
 *     112  8   check value of the key (encrypted; else 0)
 *     120  u32 number of the last block it stands for, minus `number`
 *     124  u32 CRC-32 of the 124 bytes before
 *
 * ## Records
 *
 *       0  u32 length, without the zeros up to the next multiple of 8
 *       4  u32 CRC-32 over bytes 8 to length, seeded with salt, offset and length: bytes in a wrong place don't pass
 *       8  u32 how much of the block was durable when this was written: damage before that is damage, and what can't
 *              be read behind the last such place was never acknowledged
 *      12  u8  kind, 13 u8 flags (message: 1 has headers, 2 has a due time, 4 belongs to a batch), 14 u16
 *
 * A message goes on:
 *
 *      14  u16 length of the subject, low bits
 *      16  u32 sequence, less the block's first one
 *      20  u32 nanoseconds (low 20 bits), high bits of the length of the subject
 *      24  f64 milliseconds
 *      32  u32 length of the headers
 *      36  u32 how many messages of its batch follow; a batch whose last one is missing at the end of the log is void
 *     [40  f64 due time, milliseconds]
 *          subject, headers, payload; encrypted: as ciphertext, followed by its tag of 16 bytes
 *
 * Other kinds:
 *
 *     removed  16 f64 first sequence, 24 u32 number of ranges, then per range two varints: how far it starts behind
 *              the end of the one before (first: behind the first sequence), and its length less one
 *     front    16 f64: all messages before this sequence are gone
 *     skip     16 f64: the next sequence that will be given out
 *     kept     16 f64: the message of this sequence has no due time any more
 *     erased   a message whose content, from byte 40 on, was overwritten with zeros
 *     filler   nothing, of any length
 *
 * No record of up to `SMALL_RECORD_BYTES` crosses a multiple of `CHUNK_BYTES`; a filler takes up the space before it,
 * or nothing does where less than its 16 bytes are left. Removals and fronts may stand anywhere in the log, since no
 * sequence is given out twice: the messages of a store are those that some block holds, less those that are
 * removed, before the front, or void because a later block starts at or before their sequence.
 */

const MAGIC = Buffer.from("CADDISLG", "latin1");
const VERSION = 1;
/** One copy of a block's header. */
export const HEADER_BYTES = 128;
/** Where records start: behind both copies of the header. */
export const RECORDS_AT = 2 * HEADER_BYTES;
/** What is read, and kept in memory, as one piece. */
export const CHUNK_BYTES = 256 * 1024;
/** Larger ones are read alone; a filler costs at most a sixteenth of a chunk. */
export const SMALL_RECORD_BYTES = 16 * 1024;
/** A block this full is sealed; smaller ones where the stream holds little, so that limits give disk space back. */
export const BLOCK_BYTES_MAX = 8 * 1024 * 1024;
export const BLOCK_BYTES_MIN = 256 * 1024;
/** Sequences that one block covers at most: bounds the memory for removed ones among them. */
export const BLOCK_SPAN_MAX = 256 * 1024;
/** A leap over more sequences begins a new block. */
export const BLOCK_GAP_MAX = 4 * 1024;

export const FLAG_COMPACTED = 1;
export const FLAG_CHACHA = 2;
export const FLAG_AES = 4;
export const FLAG_COMPRESSED = 8;

export const KIND_MESSAGE = 1;
export const KIND_REMOVED = 2;
export const KIND_FRONT = 3;
export const KIND_SKIP = 4;
export const KIND_KEPT = 5;
export const KIND_ERASED = 6;
export const KIND_FILLER = 7;
export const KIND_LAST = 7;

export const MESSAGE_HEADERS = 1;
export const MESSAGE_EXPIRES = 2;
export const MESSAGE_BATCH = 4;

/** Bytes in front of what depends on the kind. */
export const RECORD_BYTES_MIN = 16;
/** Bytes of a message in front of its due time or body. */
export const MESSAGE_FIXED_BYTES = 40;
/** Bytes of a record that carries one number. */
export const NUMBER_RECORD_BYTES = 24;

const NS_BITS = 20;
const NS_MASK = (1 << NS_BITS) - 1;

/** The start of the next record, or any multiple of 8. */
export function aligned(length: number): number {
  return (length + 7) & ~7;
}

export interface BlockHeader {
  readonly flags: number;
  readonly number: number;
  /** `number`, or the last of those that it stands for. */
  readonly lastNumber: number;
  readonly generation: number;
  readonly previousLength: number;
  readonly firstSeq: number;
  readonly frontSeq: number;
  readonly timeMs: number;
  readonly timeNs: number;
  readonly length: number;
  readonly lastSeq: number;
  readonly messages: number;
  /** 16 bytes. */
  readonly storeId: Buffer;
  /** 16 bytes. */
  readonly salt: Buffer;
  /** 8 bytes. */
  readonly keyCheck: Buffer;
}

/** Writes both copies of a header to the start of `buf`. */
export function encodeHeader(header: BlockHeader, buf: Buffer): void {
  buf.fill(0, 0, HEADER_BYTES);
  MAGIC.copy(buf, 0);
  buf.writeUInt32LE(VERSION, 8);
  buf.writeUInt32LE(header.flags, 12);
  buf.writeDoubleLE(header.number, 16);
  buf.writeUInt32LE(header.generation, 24);
  buf.writeUInt32LE(header.previousLength, 28);
  buf.writeDoubleLE(header.firstSeq, 32);
  buf.writeDoubleLE(header.frontSeq, 40);
  buf.writeDoubleLE(header.timeMs, 48);
  buf.writeUInt32LE(header.timeNs, 56);
  buf.writeUInt32LE(header.length, 60);
  buf.writeDoubleLE(header.lastSeq, 64);
  buf.writeDoubleLE(header.messages, 72);
  header.storeId.copy(buf, 80, 0, 16);
  header.salt.copy(buf, 96, 0, 16);
  header.keyCheck.copy(buf, 112, 0, 8);
  buf.writeUInt32LE(header.lastNumber - header.number, 120);
  buf.writeUInt32LE(crc32(buf, viewOf(buf), 0, 124, 0), 124);
  buf.copy(buf, HEADER_BYTES, 0, HEADER_BYTES);
}

/** What the first `RECORDS_AT` bytes of a file, or one copy of its header, say; null when there is none that is whole. */
export function decodeHeader(buf: Buffer): BlockHeader | null {
  return decodeCopy(buf.subarray(0, HEADER_BYTES)) ?? decodeCopy(buf.subarray(HEADER_BYTES, RECORDS_AT));
}

function decodeCopy(buf: Buffer): BlockHeader | null {
  if (buf.length < HEADER_BYTES || !buf.subarray(0, 8).equals(MAGIC)) return null;
  if (buf.readUInt32LE(124) !== crc32(buf, viewOf(buf), 0, 124, 0)) return null;
  if (buf.readUInt32LE(8) !== VERSION) return null;
  const number = buf.readDoubleLE(16);
  return {
    flags: buf.readUInt32LE(12),
    number,
    lastNumber: number + buf.readUInt32LE(120),
    generation: buf.readUInt32LE(24),
    previousLength: buf.readUInt32LE(28),
    firstSeq: buf.readDoubleLE(32),
    frontSeq: buf.readDoubleLE(40),
    timeMs: buf.readDoubleLE(48),
    timeNs: buf.readUInt32LE(56),
    length: buf.readUInt32LE(60),
    lastSeq: buf.readDoubleLE(64),
    messages: buf.readDoubleLE(72),
    storeId: Buffer.from(buf.subarray(80, 96)),
    salt: Buffer.from(buf.subarray(96, 112)),
    keyCheck: Buffer.from(buf.subarray(112, 120)),
  };
}

/** What the checksums of a block's records start from. */
export function seedOf(header: BlockHeader): number {
  return crc32(header.salt, viewOf(header.salt), 0, 16, header.number);
}

/** The checksum of the record of `length` bytes at `at`, which lies at `offset` of its block. */
export function recordChecksum(
  buf: Buffer,
  view: DataView,
  at: number,
  length: number,
  seed: number,
  offset: number,
): number {
  return crc32(buf, view, at + 8, at + length, seed ^ Math.imul(offset + length, 0x9e37_79b1) ^ offset);
}

/** The 20 bits of nanoseconds and the high bits of the subject's length, as one field. */
export function packNanoseconds(timeNs: number, subjectLength: number): number {
  return (timeNs | ((subjectLength >>> 16) << NS_BITS)) >>> 0;
}

export function nanosecondsOf(packed: number): number {
  return packed & NS_MASK;
}

/** `low`: the 16 bits that stand elsewhere. */
export function subjectLengthOf(packed: number, low: number): number {
  return ((packed >>> NS_BITS) << 16) | low;
}

/** The name of a block's file. */
export function blockName(number: number, lastNumber: number, generation: number): string {
  return generation === 0 ? `${number}.log` : `${number}-${lastNumber}.${generation}.log`;
}

const BLOCK_NAME = /^([1-9]\d{0,14})(?:-([1-9]\d{0,14})\.([1-9]\d{0,8}))?\.log$/;

export interface BlockName {
  readonly name: string;
  readonly number: number;
  readonly lastNumber: number;
  readonly generation: number;
}

/** Null for a file that is no block. */
export function parseBlockName(name: string): BlockName | null {
  const match = BLOCK_NAME.exec(name);
  if (match === null) return null;
  const number = Number(match[1]);
  const lastNumber = match[2] === undefined ? number : Number(match[2]);
  return { name, number, lastNumber, generation: match[3] === undefined ? 0 : Number(match[3]) };
}
