import { crc32 as nativeCrc32 } from "node:zlib";

/** CRC-32 of zlib, reflected. */
const POLYNOMIAL = 0xedb8_8320;
/** From here on the native one is faster: its call costs as much as 300 bytes here (measured on V8 14). */
const NATIVE_BYTES_MIN = 400;

const TABLES = 16;
const [T0, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15] = makeTables();

/**
 * CRC-32, as zlib's, of `buf[start, end)`; `seed` is what a checksum of bytes in front of them was, or anything that
 * the bytes are to be bound to. `view` is over the same bytes as `buf`. An unsigned number.
 */
export function crc32(buf: Buffer, view: DataView, start: number, end: number, seed: number): number {
  if (end - start >= NATIVE_BYTES_MIN) return nativeCrc32(buf.subarray(start, end), seed >>> 0);
  let crc = ~seed;
  let at = start;
  // Sixteen bytes a step, then eight (slicing): 83 ns for 166 bytes, by eight alone 109 (measured on V8 14).
  for (; at + 16 <= end; at += 16) {
    const a = view.getInt32(at, true) ^ crc;
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    crc =
      T15[a & 0xff] ^
      T14[(a >>> 8) & 0xff] ^
      T13[(a >>> 16) & 0xff] ^
      T12[a >>> 24] ^
      T11[b & 0xff] ^
      T10[(b >>> 8) & 0xff] ^
      T9[(b >>> 16) & 0xff] ^
      T8[b >>> 24] ^
      T7[c & 0xff] ^
      T6[(c >>> 8) & 0xff] ^
      T5[(c >>> 16) & 0xff] ^
      T4[c >>> 24] ^
      T3[d & 0xff] ^
      T2[(d >>> 8) & 0xff] ^
      T1[(d >>> 16) & 0xff] ^
      T0[d >>> 24];
  }
  for (; at + 8 <= end; at += 8) {
    const low = view.getInt32(at, true) ^ crc;
    const high = view.getInt32(at + 4, true);
    crc =
      T7[low & 0xff] ^
      T6[(low >>> 8) & 0xff] ^
      T5[(low >>> 16) & 0xff] ^
      T4[low >>> 24] ^
      T3[high & 0xff] ^
      T2[(high >>> 8) & 0xff] ^
      T1[(high >>> 16) & 0xff] ^
      T0[high >>> 24];
  }
  for (; at < end; at++) crc = T0[(crc ^ buf[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** A view over the bytes of a buffer, at the same offsets. */
export function viewOf(buf: Buffer): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
}

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: TABLES }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
    tables[0][byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let t = 1; t < TABLES; t++) {
      tables[t][byte] = (tables[t - 1][byte] >>> 8) ^ tables[0][tables[t - 1][byte] & 0xff];
    }
  }
  return tables;
}
