import { createPrivateKey, createPublicKey } from "node:crypto";
import type { NkeyRole } from "../base/nkey-text.ts";

/**
 * NKeys: keys as text. Base32 without padding of a prefix byte, the 32 key bytes and a CRC-16/XMODEM
 * (little-endian) over both; the prefix makes the first letter tell the role. A seed, the secret half, has
 * two letters: `S`, then the role's. Only the one spelling that encoding gives is accepted.
 */

/** The role's five bits, as the first letter in base32 has them. */
const ROLE_BITS: Readonly<Record<NkeyRole, number>> = {
  account: 0,
  cluster: 2,
  server: 13,
  operator: 14,
  user: 20,
  curve: 23,
};
const ROLES: ReadonlyMap<number, NkeyRole> = new Map(
  Object.entries(ROLE_BITS).map(([role, bits]) => [bits, role as NkeyRole]),
);
const SEED_BITS = 18;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_BYTES = 32;
const CRC_BYTES = 2;
const PUBLIC_CHARS = 56;
const SEED_CHARS = 58;

/** PKCS #8 headers in front of a raw 32-byte private key (RFC 8410). */
const PKCS8 = {
  ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
  x25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
} as const;

/** A public key, taken apart. */
export interface PublicNkey {
  readonly role: NkeyRole;
  /** 32 bytes: an Ed25519 key, or for `curve` an X25519 key. */
  readonly key: Uint8Array;
}

/** A seed, taken apart. Whoever holds it wipes `secret` after use. */
export interface NkeySeed {
  readonly role: NkeyRole;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** The public nkey (`N…` for a server, `X…` for a curve key) that belongs to 32 secret bytes. */
export function publicNkey(role: NkeyRole, secret: Uint8Array): string {
  const der = Buffer.concat([PKCS8[role === "curve" ? "x25519" : "ed25519"], secret]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return encodePublicNkey(role, spki.subarray(spki.length - KEY_BYTES));
}

/** 32 key bytes as a public nkey. */
export function encodePublicNkey(role: NkeyRole, key: Uint8Array): string {
  return encode(Uint8Array.of(ROLE_BITS[role] << 3), key);
}

/** A public nkey of any role, taken apart, or null where `text` is none. */
export function decodePublicNkey(text: string): PublicNkey | null {
  const raw = text.length === PUBLIC_CHARS ? decode(text) : null;
  if (raw === null) return null;
  const role = ROLES.get(raw[0] >> 3);
  return role === undefined || (raw[0] & 7) !== 0 ? null : { role, key: raw.subarray(1) };
}

/** 32 secret bytes as a seed (`SU…`, `SA…`): text that can't be wiped, to be written out and forgotten. */
export function encodeSeed(role: NkeyRole, secret: Uint8Array): string {
  const bits = ROLE_BITS[role] << 3;
  return encode(Uint8Array.of((SEED_BITS << 3) | (bits >> 5), (bits & 31) << 3), secret);
}

/** A seed of any role, taken apart, or null where `text`, ASCII bytes or a string, is none. */
export function decodeSeed(text: string | Uint8Array): NkeySeed | null {
  const raw = text.length === SEED_CHARS ? decode(text) : null;
  if (raw === null) return null;
  const role = ROLES.get(((raw[0] & 7) << 2) | (raw[1] >> 6));
  const isSeed = raw[0] >> 3 === SEED_BITS && (raw[1] & 0x3f) === 0 && role !== undefined;
  if (isSeed) return { role, secret: raw.subarray(2) };
  raw.fill(0);
  return null;
}

function encode(prefix: Uint8Array, key: Uint8Array): string {
  const raw = Buffer.alloc(prefix.length + KEY_BYTES + CRC_BYTES);
  raw.set(prefix);
  raw.set(key, prefix.length);
  const end = raw.length - CRC_BYTES;
  raw.writeUInt16LE(crc16(raw.subarray(0, end)), end);
  const text = base32(raw);
  raw.fill(0);
  return text;
}

/** What stands before the checksum, or null where that or the spelling is wrong. */
function decode(text: string | Uint8Array): Uint8Array | null {
  const raw = fromBase32(text);
  if (raw === null || raw.length < CRC_BYTES) return null;
  const body = raw.subarray(0, raw.length - CRC_BYTES);
  const crc = raw[raw.length - 2] | (raw[raw.length - 1] << 8);
  if (crc === crc16(body)) return body;
  raw.fill(0);
  return null;
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

/** Base32 (RFC 4648) without padding. */
export function base32(bytes: Uint8Array): string {
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

/** Null for other characters, and for bits left over that are not zero. */
function fromBase32(text: string | Uint8Array): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let length = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = base32Digit(typeof text === "string" ? text.charCodeAt(i) : text[i]);
    if (digit < 0) return null;
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = value >>> bits;
    }
    value &= (1 << bits) - 1;
  }
  return value === 0 && bits < 5 ? bytes : null;
}

function base32Digit(code: number): number {
  if (code >= 0x41 && code <= 0x5a) return code - 0x41; // A-Z
  return code >= 0x32 && code <= 0x37 ? code - 0x32 + 26 : -1; // 2-7
}
