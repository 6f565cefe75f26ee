/*
 * How a file of the consumers' log begins; see `consumer-log-format.ts`. Plain:
 *
 *     8  "CDSCONS1"
 *     4  generation, as in the name
 *     4  CRC-32 of the 12 bytes before
 *
 * Encrypted, twice the same, since nothing of the file can be read without:
 *
 *     8  "CDSCONS2"
 *     4  generation
 *     4  flags: as of a block, what it is encrypted with
 *    16  salt
 *     8  check value of the key
 *     4  zeros
 *     4  CRC-32 of the 44 bytes before
 */
import { crc32 as crc32Of, viewOf } from "./file/checksum.ts";
import {
  CHECK_BYTES,
  checkOf,
  cipherOf,
  type Encryption,
  type FileCipher,
  newCipher,
  SALT_BYTES,
  type StoreKeys,
  UNIQUE_BYTES,
} from "./file/cipher.ts";

const PLAIN_MAGIC = "CDSCONS1";
const SEALED_MAGIC = "CDSCONS2";
const GENERATION_AT = 8;
const PLAIN_BYTES = 16;
const FLAGS_AT = 12;
const SALT_AT = 16;
const CHECK_AT = SALT_AT + SALT_BYTES;
const COPY_BYTES = CHECK_AT + CHECK_BYTES + 8;
const CRC_BYTES = 4;

/** What the batches of one file have in common. */
export interface LogFile {
  readonly generation: number;
  /** Where the batches start. */
  readonly headerBytes: number;
  readonly isEncrypted: boolean;
  /** Null: it is plain; or nobody has the key, and only checksums can be checked. */
  readonly cipher: FileCipher | null;
  /** Bytes of chance for a batch that is written. */
  readonly unique: () => Uint8Array;
}

/** A new file, and how it begins. */
export function newLogFile(
  generation: number,
  encryption: Encryption | null,
): { readonly file: LogFile; readonly header: Buffer } {
  if (encryption === null) {
    const header = Buffer.alloc(PLAIN_BYTES);
    header.latin1Write(PLAIN_MAGIC, 0);
    header.writeUInt32LE(generation, GENERATION_AT);
    return { file: plainFile(generation), header: checked(header) };
  }
  const { keys, random } = encryption;
  const salt = Buffer.from(random.bytes(SALT_BYTES));
  const cipher = newCipher(keys, salt);
  const copy = Buffer.alloc(COPY_BYTES);
  copy.latin1Write(SEALED_MAGIC, 0);
  copy.writeUInt32LE(generation, GENERATION_AT);
  copy.writeUInt32LE(cipher?.flag ?? 0, FLAGS_AT);
  salt.copy(copy, SALT_AT);
  checkOf(cipher).copy(copy, CHECK_AT);
  checked(copy);
  return { file: sealedFile(generation, cipher, encryption), header: Buffer.concat([copy, copy]) };
}

/** How a file begins that is there. */
export interface LogHeader {
  readonly generation: number;
  /** Null: it is plain, or nothing of it can be read. */
  readonly sealed: { readonly flags: number; readonly salt: Buffer; readonly check: Buffer } | null;
  readonly isWhole: boolean;
}

/** Reads the header of a file of this generation, as far as it can be. */
export function readLogHeader(data: Buffer, generation: number): LogHeader {
  const copies = [data.subarray(0, COPY_BYTES), data.subarray(COPY_BYTES, 2 * COPY_BYTES)];
  const good = copies.filter((copy) => isOwn(copy, COPY_BYTES, SEALED_MAGIC, generation));
  if (good.length === 0) {
    const isWhole = isOwn(data.subarray(0, PLAIN_BYTES), PLAIN_BYTES, PLAIN_MAGIC, generation);
    return { generation, sealed: null, isWhole };
  }
  const [copy] = good;
  const sealed = {
    flags: copy.readUInt32LE(FLAGS_AT),
    salt: copy.subarray(SALT_AT, CHECK_AT),
    check: copy.subarray(CHECK_AT, CHECK_AT + CHECK_BYTES),
  };
  return { generation, sealed, isWhole: copies[0].equals(copies[1]) };
}

/** The file that begins so, for who may read it. Throws a `KeyError` for a wrong key. */
export function openLogFile(header: LogHeader, encryption: Encryption | null, path: string): LogFile {
  const { generation, sealed } = header;
  if (sealed === null) return plainFile(generation);
  const keys = encryption?.keys ?? null;
  return sealedFile(generation, cipherFor(sealed, keys, path), encryption);
}

/** The same without a key: just enough to check what has to be whole. */
export function lockedLogFile({ generation, sealed }: LogHeader): LogFile {
  return sealed === null ? plainFile(generation) : sealedFile(generation, null, null);
}

function cipherFor(
  { flags, salt, check }: NonNullable<LogHeader["sealed"]>,
  keys: StoreKeys | null,
  path: string,
): FileCipher | null {
  return cipherOf(keys, flags, salt, check, path);
}

function plainFile(generation: number): LogFile {
  return { generation, headerBytes: PLAIN_BYTES, isEncrypted: false, cipher: null, unique: noChance };
}

function sealedFile(generation: number, cipher: FileCipher | null, encryption: Encryption | null): LogFile {
  const unique = encryption === null ? noChance : (): Uint8Array => encryption.random.bytes(UNIQUE_BYTES);
  return { generation, headerBytes: 2 * COPY_BYTES, isEncrypted: true, cipher, unique };
}

function noChance(): Uint8Array {
  throw new Error("what is plain, or only looked at, needs no chance");
}

function checked(header: Buffer): Buffer {
  const at = header.length - CRC_BYTES;
  header.writeUInt32LE(crc32(header, at), at);
  return header;
}

function isOwn(header: Buffer, bytes: number, magic: string, generation: number): boolean {
  if (header.length < bytes || header.latin1Slice(0, magic.length) !== magic) return false;
  const at = bytes - CRC_BYTES;
  return header.readUInt32LE(GENERATION_AT) === generation && header.readUInt32LE(at) === crc32(header, at);
}

function crc32(buf: Buffer, end: number): number {
  return crc32Of(buf, viewOf(buf), 0, end, 0);
}
