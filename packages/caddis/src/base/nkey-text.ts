/**
 * NKeys as text: base32 without padding of a prefix byte, the 32 key bytes and a CRC-16/XMODEM
 * (little-endian) over both. The prefix tells the role, and makes the first letter that of the role.
 */

/** Whose public key it is. */
export type NkeyRole = "account" | "cluster" | "curve" | "operator" | "server" | "user";

/** The prefix byte of each role; its upper five bits are the letter A, C, X, O, N or U in base32. */
const PREFIX_BYTES: Readonly<Record<NkeyRole, number>> = {
  account: 0,
  cluster: 2 << 3,
  curve: 23 << 3,
  operator: 14 << 3,
  server: 13 << 3,
  user: 20 << 3,
};

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_BYTES = 32;
/** Prefix, key and checksum are 35 bytes: 56 characters of five bits, none left over. */
const PUBLIC_NKEY = /^[A-Z2-7]{56}$/;

/** Whether `text` is a public nkey of that role, its checksum included. */
export function isPublicNkey(role: NkeyRole, text: string): boolean {
  return roleOfNkey(text) === role;
}

/** Whose public key `text` is; null when it is none. */
export function roleOfNkey(text: string): NkeyRole | null {
  if (!PUBLIC_NKEY.test(text)) return null;
  const bytes = base32Bytes(text);
  const checksum = bytes[KEY_BYTES + 1] | (bytes[KEY_BYTES + 2] << 8);
  if (crc16(bytes.subarray(0, KEY_BYTES + 1)) !== checksum) return null;
  const role = Object.entries(PREFIX_BYTES).find(([, prefix]) => prefix === bytes[0]);
  return role === undefined ? null : (role[0] as NkeyRole);
}

/** The bytes of a text of base32 characters; left over bits are dropped. */
function base32Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let value = 0;
  let bits = 0;
  let length = 0;
  for (const character of text) {
    value = ((value << 5) | BASE32.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = (value >>> bits) & 0xff;
  }
  return bytes;
}

/** CRC-16/XMODEM: polynomial 0x1021, from 0. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc;
}
