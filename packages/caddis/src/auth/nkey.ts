import { createPrivateKey, createPublicKey } from "node:crypto";

/**
 * NKeys: public keys as text. Base32 without padding of a prefix byte, the 32 key bytes and a
 * CRC-16/XMODEM (little-endian) over both; the prefix makes the first letter tell the role.
 */
const PREFIX_BYTES = { server: 13 << 3, curve: 23 << 3 } as const;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_BYTES = 32;

/** PKCS #8 headers in front of a raw 32-byte private key. */
const PKCS8 = {
  server: Buffer.from("302e020100300506032b657004220420", "hex"),
  curve: Buffer.from("302e020100300506032b656e04220420", "hex"),
} as const;

/** The public nkey (N… for a server, X… for a curve key) that belongs to 32 secret bytes. */
export function publicNkey(role: "server" | "curve", secret: Uint8Array): string {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8[role], secret]), format: "der", type: "pkcs8" });
  const der = createPublicKey(key).export({ format: "der", type: "spki" });
  return encodeNkey(PREFIX_BYTES[role], der.subarray(der.length - KEY_BYTES));
}

function encodeNkey(prefix: number, key: Uint8Array): string {
  const raw = Buffer.alloc(1 + KEY_BYTES + 2);
  raw[0] = prefix;
  raw.set(key, 1);
  raw.writeUInt16LE(crc16(raw.subarray(0, 1 + KEY_BYTES)), 1 + KEY_BYTES);
  return base32(raw);
}

function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) text += BASE32[(value << (5 - bits)) & 31];
  return text;
}
