import { ByteQueue } from "../../base/byte-queue.ts";
import { BlockFileHash } from "./block-file-hash.ts";

/**
 * A block of messages, as nats-server keeps them in files. Records, little-endian:
 *
 *   length of the record    4 bytes; the highest bit: it has headers
 *   sequence                8 bytes; the highest bit: erased, the next: a tombstone, the sequence was removed
 *   time                    8 bytes, nanoseconds since 1970
 *   length of the subject   2 bytes
 *   subject, length of headers (4 bytes, only with headers), headers, payload
 *   hash                    8 bytes: of sequence, time, subject, headers and payload
 */
const HEAD_BYTES = 22;
const SEQ_AT = 4;
const TIME_AT = 12;
const SUBJECT_LENGTH_AT = 20;
const HEADERS_LENGTH_BYTES = 4;
export const RECORD_HASH_BYTES = 8;
/** A record that says it is longer is damaged. */
const RECORD_BYTES_MAX = 32 * 1024 * 1024;
const TOP_BIT = 0x8000_0000;
const SECOND_BIT = 0x4000_0000;
/** How a block begins that lies compressed on the disk. */
const COMPRESSED_MAGIC = Buffer.from("cmp", "latin1");

/** What a record says. */
class BlockRecord {
  kind: "message" | "erased" | "tombstone" = "message";
  seq = 0;
  /** Of a message. Wire string. */
  subject = "";
  /** Nanoseconds since 1970, in two numbers. */
  timeMs = 0;
  timeNs = 0;
  /** Headers, then the payload; valid as long as the bytes that were read. */
  content: Buffer = NOTHING;
  headerBytes = 0;
}

const NOTHING = Buffer.alloc(0);
const NS_PER_MS = 1_000_000n;

/** Reads the records of one block that comes in pieces. */
export class BlockFileReader {
  readonly record = new BlockRecord();
  readonly #queue = new ByteQueue();
  readonly #hash: BlockFileHash;
  /** The hash of the record read last. */
  lastHash: Buffer = NOTHING;
  #readBytes = 0;
  #hashed = Buffer.alloc(0);

  /** `stream`: its name, a wire string; `block`: the number that names the file. */
  constructor(stream: string, block: number) {
    this.#hash = new BlockFileHash(Buffer.from(`${stream}-${block}`, "latin1"));
  }

  append(bytes: Buffer): void {
    this.#queue.append(bytes);
  }

  /** Whether all that came is read: the block may end here. */
  get isBetweenRecords(): boolean {
    return this.#queue.length === 0;
  }

  /** Fills `record` with the next one; false: more has to come; else what is wrong with the block. */
  next(): boolean | string {
    const queue = this.#queue;
    if (queue.length < HEAD_BYTES) return false;
    const head = queue.peek(HEAD_BYTES);
    if (this.#readBytes === 0 && head.subarray(0, COMPRESSED_MAGIC.length).equals(COMPRESSED_MAGIC))
      return "it is compressed: only snapshots that a server has made can be restored, not its files";
    const first = head.readUInt32LE(0);
    const hasHeaders = first >= TOP_BIT;
    const length = hasHeaders ? first - TOP_BIT : first;
    const subjectBytes = head.readUInt16LE(SUBJECT_LENGTH_AT);
    const least = HEAD_BYTES + subjectBytes + (hasHeaders ? HEADERS_LENGTH_BYTES : 0) + RECORD_HASH_BYTES;
    if (length < least || length > RECORD_BYTES_MAX) return `damaged at byte ${this.#readBytes}`;
    if (queue.length < length) return false;
    const record = queue.take(length);
    if (!this.#fill(record, subjectBytes, hasHeaders) || !this.#isSound(record, subjectBytes, hasHeaders))
      return `damaged at byte ${this.#readBytes}`;
    this.#readBytes += length;
    return true;
  }

  #fill(bytes: Buffer, subjectBytes: number, hasHeaders: boolean): boolean {
    const { record } = this;
    const high = bytes.readUInt32LE(SEQ_AT + 4);
    const plainHigh = high & ~(TOP_BIT | SECOND_BIT);
    record.seq = plainHigh * 2 ** 32 + bytes.readUInt32LE(SEQ_AT);
    if (!Number.isSafeInteger(record.seq)) return false;
    record.kind =
      (high & SECOND_BIT) !== 0 ? "tombstone" : high >= TOP_BIT || record.seq === 0 ? "erased" : "message";
    const time = bytes.readBigInt64LE(TIME_AT);
    record.timeMs = Number(time / NS_PER_MS);
    record.timeNs = Number(time % NS_PER_MS);
    if (time < 0n && record.kind === "message") return false;
    const subjectEnd = HEAD_BYTES + subjectBytes;
    record.subject = bytes.latin1Slice(HEAD_BYTES, subjectEnd);
    const contentStart = subjectEnd + (hasHeaders ? HEADERS_LENGTH_BYTES : 0);
    record.headerBytes = hasHeaders ? bytes.readUInt32LE(subjectEnd) : 0;
    record.content = bytes.subarray(contentStart, bytes.length - RECORD_HASH_BYTES);
    return record.headerBytes <= record.content.length;
  }

  /** The length of the headers is not hashed; nor is that of the record. */
  #isSound(bytes: Buffer, subjectBytes: number, hasHeaders: boolean): boolean {
    const end = bytes.length - RECORD_HASH_BYTES;
    const subjectEnd = HEAD_BYTES + subjectBytes;
    if (this.#hashed.length < end) this.#hashed = Buffer.allocUnsafe(2 * end);
    const hashed = this.#hashed;
    let at = bytes.copy(hashed, 0, SEQ_AT, SUBJECT_LENGTH_AT);
    at += bytes.copy(hashed, at, HEAD_BYTES, subjectEnd);
    at += bytes.copy(hashed, at, subjectEnd + (hasHeaders ? HEADERS_LENGTH_BYTES : 0), end);
    this.lastHash = bytes.subarray(end);
    return this.#hash.hash(hashed.subarray(0, at)).equals(this.lastHash);
  }
}
