/**
 * # A small file
 *
 * What is written as a whole each time: a stream's configuration, and how far it is with its sources. A line of text:
 *
 *     <CRC-32 of the JSON, 8 hexadecimal digits> <JSON> LF
 *
 * Where there is a key, that line is encrypted. Numbers are little-endian:
 *
 *       0  8   magic "CADDISEN"
 *       8  u32 version, 1
 *      12  u32 flags: as of a block, what it is encrypted with
 *      16  16  salt
 *      32  8   check value of the key
 *      40      the line, encrypted, and its tag; what comes before is bound to it
 *       …  u32 CRC-32 of all that comes before: damage is found without a key
 */
import type { Disk } from "../io/disk.ts";
import { crc32 as crc32Of, viewOf } from "./file/checksum.ts";
import {
  CHECK_BYTES,
  checkOf,
  cipherOf,
  type Encryption,
  type FileCipher,
  isCurrent,
  newCipher,
  SALT_BYTES,
  type StoreKeys,
  TAG_BYTES,
} from "./file/cipher.ts";

const MAGIC = "CADDISEN";
const VERSION = 1;
const FLAGS_AT = 12;
const SALT_AT = 16;
const CHECK_AT = SALT_AT + SALT_BYTES;
const HEADER_BYTES = CHECK_AT + CHECK_BYTES;
const CRC_BYTES = 4;
const CRC_DIGITS = 8;

/** A configuration is this long at most: thousands of subjects, and 128 KiB of metadata that JSON spells out. */
const BYTES_MAX = 16 * 1024 * 1024;

/** Why a small file says nothing. */
export type SmallFileProblem = "absent" | "damaged";

/** Puts JSON in place of a small file, in one step; durable when it resolves. Rejects with a `DiskError`. */
export function writeSmallFile(
  disk: Disk,
  path: string,
  json: string,
  encryption: Encryption | null,
): Promise<void> {
  return disk.replace(path, encodeSmallFile(json, encryption));
}

/** The JSON of a small file. Rejects with a `DiskError`, or with a `KeyError` where it was encrypted with another key. */
export async function readSmallFile(
  disk: Disk,
  path: string,
  keys: StoreKeys | null,
): Promise<{ readonly json: string } | SmallFileProblem> {
  const data = await contentOf(disk, path);
  if (typeof data === "string") return data;
  const json = decodeSmallFile(data, keys, path);
  return json === null ? "damaged" : { json };
}

/**
 * Writes a small file anew that is not encrypted as it should be: it is plain, or has the key of before. Others stay as
 * they are, and so does what is damaged. Rejects as `readSmallFile`.
 */
export async function renewSmallFile(disk: Disk, path: string, encryption: Encryption): Promise<void> {
  const { keys } = encryption;
  const data = await contentOf(disk, path);
  if (typeof data === "string") return;
  if (isSealed(data) && hasOwnChecksum(data) && isCurrent(cipherIn(data, keys, path), keys)) return;
  const json = decodeSmallFile(data, keys, path);
  if (json !== null) await writeSmallFile(disk, path, json, encryption);
}

/** Whether a small file is as it was written, as far as can be said without a key. Rejects with a `DiskError`. */
export async function isSmallFileWhole(disk: Disk, path: string): Promise<boolean> {
  const data = await contentOf(disk, path);
  if (typeof data === "string") return false;
  return isSealed(data) ? hasOwnChecksum(data) : jsonIn(data) !== null;
}

/** The bytes of a small file. */
export function encodeSmallFile(json: string, encryption: Encryption | null): Buffer {
  const line = Buffer.from(`${checksumOf(json)} ${json}\n`);
  if (encryption === null) return line;
  const salt = Buffer.from(encryption.random.bytes(SALT_BYTES));
  const cipher = newCipher(encryption.keys, salt);
  const end = HEADER_BYTES + line.length;
  const buf = Buffer.alloc(end + TAG_BYTES + CRC_BYTES);
  buf.latin1Write(MAGIC, 0);
  buf.writeUInt32LE(VERSION, MAGIC.length);
  buf.writeUInt32LE(cipher?.flag ?? 0, FLAGS_AT);
  salt.copy(buf, SALT_AT);
  checkOf(cipher).copy(buf, CHECK_AT);
  line.copy(buf, HEADER_BYTES);
  cipher?.seal(buf, 0, HEADER_BYTES, end, 0);
  buf.writeUInt32LE(crc32(buf, buf.length - CRC_BYTES), buf.length - CRC_BYTES);
  return buf;
}

/** The JSON in the bytes of a small file; null: they are not what was written. Throws a `KeyError` for a wrong key. */
export function decodeSmallFile(data: Buffer, keys: StoreKeys | null, path: string): string | null {
  if (!isSealed(data)) return jsonIn(data);
  if (!hasOwnChecksum(data)) return null;
  const cipher = cipherIn(data, keys, path);
  const line = cipher?.open(data, 0, HEADER_BYTES, data.length - CRC_BYTES - TAG_BYTES, 0) ?? null;
  return line === null ? null : jsonIn(line);
}

async function contentOf(disk: Disk, path: string): Promise<Buffer | SmallFileProblem> {
  const size = disk.size(path);
  if (size < 0) return "absent";
  if (size > BYTES_MAX) return "damaged";
  const data = Buffer.alloc(size);
  return data.subarray(0, disk.read(path, 0, data, 0, size));
}

function isSealed(data: Buffer): boolean {
  return data.length >= MAGIC.length && data.latin1Slice(0, MAGIC.length) === MAGIC;
}

function hasOwnChecksum(data: Buffer): boolean {
  const end = data.length - CRC_BYTES;
  if (end < HEADER_BYTES + TAG_BYTES || data.readUInt32LE(MAGIC.length) !== VERSION) return false;
  return crc32(data, end) === data.readUInt32LE(end);
}

/** Throws a `KeyError` for a wrong key. */
function cipherIn(header: Buffer, keys: StoreKeys | null, path: string): FileCipher | null {
  const salt = header.subarray(SALT_AT, CHECK_AT);
  return cipherOf(keys, header.readUInt32LE(FLAGS_AT), salt, header.subarray(CHECK_AT, HEADER_BYTES), path);
}

function jsonIn(line: Buffer): string | null {
  const text = line.toString("utf8");
  const json = text.slice(CRC_DIGITS + 1, -1);
  const isWhole =
    text[CRC_DIGITS] === " " && text.endsWith("\n") && text.slice(0, CRC_DIGITS) === checksumOf(json);
  return isWhole ? json : null;
}

function checksumOf(json: string): string {
  const bytes = Buffer.from(json);
  return crc32(bytes, bytes.length).toString(16).padStart(CRC_DIGITS, "0");
}

function crc32(buf: Buffer, end: number): number {
  return crc32Of(buf, viewOf(buf), 0, end, 0);
}
