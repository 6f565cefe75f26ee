/**
 * The frames of the Snappy compression, whose readers also read what the reference sends as "snappy". Chunks are
 * written plain, which every reader takes: whoever has little room on the wire asks for gzip.
 */

/** A stream begins with this chunk: type, length, "sNaPpY". */
const STREAM_HEADER = Buffer.from([0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59]);
const PLAIN_CHUNK = 0x01;
/** More of the contents must not stand in one chunk. */
const CHUNK_BYTES_MAX = 65_536;
const CHUNK_HEADER_BYTES = 4;
const CHECKSUM_BYTES = 4;

/** `bytes` as a Snappy stream. */
export function snappyFrame(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [STREAM_HEADER];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES_MAX) {
    const content = bytes.subarray(at, at + CHUNK_BYTES_MAX);
    const header = Buffer.alloc(CHUNK_HEADER_BYTES + CHECKSUM_BYTES);
    header.writeUIntLE(PLAIN_CHUNK, 0, 1);
    header.writeUIntLE(content.length + CHECKSUM_BYTES, 1, 3);
    header.writeUInt32LE(maskedChecksum(content), CHUNK_HEADER_BYTES);
    parts.push(header, content);
  }
  return Buffer.concat(parts);
}

/** CRC-32C of one byte, for each byte. */
const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C, turned and shifted as the format wants it. */
function maskedChecksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CHECKSUMS[(crc ^ byte) & 0xff];
  crc = (crc ^ 0xffffffff) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
