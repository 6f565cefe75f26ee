import { ByteQueue } from "./byte-queue.ts";
import { crc32c } from "./crc32c.ts";
import { BlockPacker, PACKED_BLOCK_MAX, unpackBlock } from "./s2-block.ts";

/**
 * The frames of the S2 compression, in which nats-server keeps and sends what is large. (Format: the "framing format"
 * of Snappy, with another name in front.)
 */

/** A stream begins with this chunk: type, length, "S2sTwO". */
const STREAM_HEADER = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x53, 0x32, 0x73, 0x54, 0x77, 0x4f]);
const PACKED_CHUNK = 0x00;
const PLAIN_CHUNK = 0x01;
/** Chunks from here on may be passed over; those below that nobody knows may not. */
const SKIPPABLE_CHUNK_MIN = 0x80;
const STREAM_CHUNK = 0xff;
const CHUNK_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;
/** What a chunk holds at most, unpacked: a reader may count on it. */
const CHUNK_CONTENT_MAX = 4 * 1024 * 1024;
/** A chunk that holds so much is no longer than this, packed: a literal, and the lengths. */
const CHUNK_BYTES_MAX = CHUNK_CONTENT_MAX + CHECKSUM_BYTES + 16;

/** `bytes` as an S2 stream of one plain chunk; at most four mebibytes, as a reader may expect. */
export function packS2(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([STREAM_HEADER, chunkHeader(PLAIN_CHUNK, bytes.length, bytes), bytes]);
}

/** What an S2 stream holds; null for anything else, or when that has more than `bytesMax`. */
export function unpackS2(stream: Uint8Array, bytesMax: number): Uint8Array | null {
  const reader = new S2Reader();
  reader.append(Buffer.from(stream.buffer, stream.byteOffset, stream.length));
  const contents: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const content = reader.next(bytesMax - length);
    if (content === "damaged") return null;
    if (content === null) break;
    contents.push(content);
    length += content.length;
  }
  return reader.isBetweenChunks ? Buffer.concat(contents, length) : null;
}

/** Reads an S2 stream that comes in pieces. */
export class S2Reader {
  readonly #queue = new ByteQueue();
  #hasBegun = false;
  #skipping = 0;

  /** Bytes that are to stay as they are until they are read. */
  append(bytes: Buffer): void {
    this.#queue.append(bytes);
  }

  /** Whether all that came is read: the stream may end here. */
  get isBetweenChunks(): boolean {
    return this.#hasBegun && this.#queue.length === 0 && this.#skipping === 0;
  }

  /** What the next chunk holds, `bytesMax` at most; null: more has to come; "damaged": it is no such stream, and never will be. */
  next(bytesMax = CHUNK_CONTENT_MAX): Buffer | null | "damaged" {
    const queue = this.#queue;
    for (;;) {
      const skipped = Math.min(this.#skipping, queue.length);
      if (skipped > 0) queue.skip(skipped);
      this.#skipping -= skipped;
      if (this.#skipping > 0 || queue.length < CHUNK_HEADER_BYTES) return null;
      const header = queue.peek(CHUNK_HEADER_BYTES);
      const type = header[0];
      const length = header.readUIntLE(1, 3);
      if (type === STREAM_CHUNK || !this.#hasBegun) {
        if (length !== STREAM_HEADER.length - CHUNK_HEADER_BYTES) return "damaged";
        if (queue.length < STREAM_HEADER.length) return null;
        if (!queue.take(STREAM_HEADER.length).equals(STREAM_HEADER)) return "damaged";
        this.#hasBegun = true;
      } else if (type >= SKIPPABLE_CHUNK_MIN) {
        this.#skipping = CHUNK_HEADER_BYTES + length;
      } else {
        if (type > PLAIN_CHUNK || length < CHECKSUM_BYTES || length > CHUNK_BYTES_MAX) return "damaged";
        if (queue.length < CHUNK_HEADER_BYTES + length) return null;
        queue.skip(CHUNK_HEADER_BYTES);
        return unpackChunk(type, queue.take(length), bytesMax) ?? "damaged";
      }
    }
  }
}

/** Writes an S2 stream. */
export class S2Writer {
  readonly #emit: (bytes: Buffer) => void;
  readonly #packer = new BlockPacker();
  readonly #block = Buffer.allocUnsafe(PACKED_BLOCK_MAX);
  #filled = 0;
  #hasBegun = false;

  /** `emit` gets what is written, in pieces that it may keep. */
  constructor(emit: (bytes: Buffer) => void) {
    this.#emit = emit;
  }

  /** `bytes` are copied. */
  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.#block, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#block.length) this.#flush();
    }
  }

  /** Nothing more is written. */
  end(): void {
    this.#flush();
  }

  #flush(): void {
    if (!this.#hasBegun) this.#emit(STREAM_HEADER);
    this.#hasBegun = true;
    if (this.#filled === 0) return;
    const content = this.#block.subarray(0, this.#filled);
    const packed = this.#packer.pack(content);
    const body = packed ?? content;
    const header = chunkHeader(packed === null ? PLAIN_CHUNK : PACKED_CHUNK, body.length, content);
    this.#emit(Buffer.concat([header, body]));
    this.#filled = 0;
  }
}

function unpackChunk(type: number, chunk: Buffer, bytesMax: number): Buffer | null {
  const rest = chunk.subarray(CHECKSUM_BYTES);
  let content: Buffer | null = null;
  if (type === PACKED_CHUNK) content = unpackBlock(rest, Math.min(bytesMax, CHUNK_CONTENT_MAX));
  else if (rest.length <= Math.min(bytesMax, CHUNK_CONTENT_MAX)) content = rest;
  return content !== null && chunk.readUInt32LE(0) === maskedChecksum(content) ? content : null;
}

/** In front of a chunk of `length` bytes that holds `content`. */
function chunkHeader(type: number, length: number, content: Uint8Array): Buffer {
  const header = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + CHECKSUM_BYTES);
  header[0] = type;
  header.writeUIntLE(length + CHECKSUM_BYTES, 1, 3);
  header.writeUInt32LE(maskedChecksum(content), CHUNK_HEADER_BYTES);
  return header;
}

/** CRC-32C, turned and shifted as the format wants it. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
