import { unpackBlock } from "./s2-block.ts";

/**
 * The frames of the S2 compression, in which the reference keeps responses in its cache: written here as a plain
 * chunk, which every reader of S2 takes. (Format: the "framing format" of Snappy, with another name in front.)
 */

/** A stream begins with this chunk: type, length, "S2sTwO". */
const STREAM_HEADER = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x53, 0x32, 0x73, 0x54, 0x77, 0x4f]);
const PACKED_CHUNK = 0x00;
const PLAIN_CHUNK = 0x01;
/** Chunks from here on may be passed over. */
const SKIPPABLE_CHUNK_MIN = 0x80;
const CHUNK_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;

/** `bytes` as an S2 stream of one plain chunk; at most four mebibytes, as a reader may expect. */
export function packS2(bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(CHUNK_HEADER_BYTES + CHECKSUM_BYTES);
  header.writeUIntLE(PLAIN_CHUNK, 0, 1);
  header.writeUIntLE(bytes.length + CHECKSUM_BYTES, 1, 3);
  header.writeUInt32LE(maskedChecksum(bytes), CHUNK_HEADER_BYTES);
  return Buffer.concat([STREAM_HEADER, header, bytes]);
}

/** What an S2 stream holds; null for anything else, or when that has more than `bytesMax`. */
export function unpackS2(stream: Uint8Array, bytesMax: number): Uint8Array | null {
  const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.length);
  if (!bytes.subarray(0, STREAM_HEADER.length).equals(STREAM_HEADER)) return null;
  const contents: Uint8Array[] = [];
  let length = 0;
  for (let at = STREAM_HEADER.length; at < bytes.length;) {
    if (bytes.length - at < CHUNK_HEADER_BYTES) return null;
    const start = at + CHUNK_HEADER_BYTES;
    const end = start + bytes.readUIntLE(at + 1, 3);
    if (end > bytes.length) return null;
    const content = unpackChunk(bytes[at], bytes.subarray(start, end), bytesMax - length);
    if (content === null) return null;
    contents.push(content);
    length += content.length;
    at = end;
  }
  return Buffer.concat(contents, length);
}

function unpackChunk(type: number, chunk: Buffer, bytesMax: number): Uint8Array | null {
  if (type >= SKIPPABLE_CHUNK_MIN) return new Uint8Array(0);
  if (chunk.length < CHECKSUM_BYTES) return null;
  const rest = chunk.subarray(CHECKSUM_BYTES);
  let content: Uint8Array | null = null;
  if (type === PLAIN_CHUNK && rest.length <= bytesMax) content = rest;
  else if (type === PACKED_CHUNK) content = unpackBlock(rest, bytesMax);
  return content !== null && chunk.readUInt32LE(0) === maskedChecksum(content) ? content : null;
}

/** CRC-32C, turned and shifted as the format wants it. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Bit by bit: a response has a kilobyte or two, and is packed once in minutes. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
