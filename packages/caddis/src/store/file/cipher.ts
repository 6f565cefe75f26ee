import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Random } from "../../io/random.ts";
import { FLAG_AES, FLAG_CHACHA } from "./format.ts";

/** What the files of a store are encrypted with. */
export interface StoreKeys {
  readonly cipher: "chacha" | "aes";
  readonly key: Uint8Array;
  /** The key of before, to read what was written with it; null: none. */
  readonly previousKey: Uint8Array | null;
}

/** What it takes to write encrypted files. */
export interface Encryption {
  readonly keys: StoreKeys;
  readonly random: Random;
}

/** Bytes that encryption adds to what it encrypts. */
export const TAG_BYTES = 16;
/** Bytes of a file's salt, by which its own key differs from that of every other. */
export const SALT_BYTES = 16;
/** Bytes of a key's check value. */
export const CHECK_BYTES = 8;
/** Bytes of chance in the nonce of what may be written more than once at an offset. */
export const UNIQUE_BYTES = 8;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const NOT_UNIQUE = Buffer.alloc(UNIQUE_BYTES);
const NO_CHECK = Buffer.alloc(CHECK_BYTES);

/**
 * Encrypts parts of one file. The key is the file's own (HKDF-SHA256 over the store's key and the file's salt), so that
 * an offset, at which nothing else is ever encrypted, is nonce enough. Where something else may be, since what was
 * written there first did not last, the nonce has bytes of chance besides (`unique`).
 */
export class FileCipher {
  readonly flag: number;
  /** The key is the one of before: nothing more is to be written with it. */
  readonly isFormer: boolean;
  readonly #key: Buffer;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);

  constructor(flag: number, key: Uint8Array, salt: Uint8Array, isFormer: boolean = false) {
    this.flag = flag;
    this.isFormer = isFormer;
    this.#key = Buffer.from(hkdfSync("sha256", key, salt, "caddis store", KEY_BYTES));
  }

  /** What a header says of the key: tells a wrong key from damage. */
  get check(): Buffer {
    return createHmac("sha256", this.#key).update("check").digest().subarray(0, CHECK_BYTES);
  }

  /** Encrypts `buf[start, end)` in place and puts the tag behind it; `buf[boundStart, start)` is bound to it. */
  seal(buf: Buffer, boundStart: number, start: number, end: number, offset: number): void {
    this.#seal(buf, start, end, buf.subarray(boundStart, start), this.#nonceOf(offset, NOT_UNIQUE));
  }

  /** As `seal`, with `UNIQUE_BYTES` of chance, and bytes from anywhere that are bound to it. */
  sealUnique(
    buf: Buffer,
    start: number,
    end: number,
    bound: Buffer,
    offset: number,
    unique: Uint8Array,
  ): void {
    this.#seal(buf, start, end, bound, this.#nonceOf(offset, unique));
  }

  /** The plain bytes of what `seal` made of `buf[start, end)`, `end` before the tag; null: it is something else. */
  open(buf: Buffer, boundStart: number, start: number, end: number, offset: number): Buffer | null {
    return this.#open(buf, start, end, buf.subarray(boundStart, start), this.#nonceOf(offset, NOT_UNIQUE));
  }

  /** The same of what `sealUnique` made. */
  openUnique(
    buf: Buffer,
    start: number,
    end: number,
    bound: Buffer,
    offset: number,
    unique: Uint8Array,
  ): Buffer | null {
    return this.#open(buf, start, end, bound, this.#nonceOf(offset, unique));
  }

  #seal(buf: Buffer, start: number, end: number, bound: Buffer, nonce: Buffer): void {
    const cipher =
      this.flag === FLAG_AES
        ? createCipheriv("aes-256-gcm", this.#key, nonce)
        : createCipheriv("chacha20-poly1305", this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bound, { plaintextLength: end - start });
    cipher.update(buf.subarray(start, end)).copy(buf, start);
    cipher.final();
    cipher.getAuthTag().copy(buf, end);
  }

  #open(buf: Buffer, start: number, end: number, bound: Buffer, nonce: Buffer): Buffer | null {
    const decipher =
      this.flag === FLAG_AES
        ? createDecipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES })
        : createDecipheriv("chacha20-poly1305", this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(bound, { plaintextLength: end - start });
    decipher.setAuthTag(buf.subarray(end, end + TAG_BYTES));
    const plain = decipher.update(buf.subarray(start, end));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }

  #nonceOf(offset: number, unique: Uint8Array): Buffer {
    this.#nonce.writeUInt32LE(offset, 0);
    this.#nonce.set(unique, 4);
    return this.#nonce;
  }
}

/** For a new file; null where nothing is encrypted. */
export function newCipher(keys: StoreKeys | null, salt: Uint8Array): FileCipher | null {
  return keys === null ? null : new FileCipher(flagOf(keys), keys.key, salt);
}

/** Whether a file with this cipher is as a new one would be: else it is to be written anew. */
export function isCurrent(cipher: FileCipher | null, keys: StoreKeys | null): boolean {
  if (cipher === null || keys === null) return cipher === null && keys === null;
  return !cipher.isFormer && cipher.flag === flagOf(keys);
}

function flagOf({ cipher }: StoreKeys): number {
  return cipher === "aes" ? FLAG_AES : FLAG_CHACHA;
}

/** Why a file can't be read though it is whole. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** For a file that is there, by what its header says; null: it is not encrypted. Throws a `KeyError` for a wrong key. */
export function cipherOf(
  keys: StoreKeys | null,
  flags: number,
  salt: Uint8Array,
  check: Uint8Array,
  path: string,
): FileCipher | null {
  const flag = flags & (FLAG_AES | FLAG_CHACHA);
  if (flag === 0) return null;
  if (keys === null) throw new KeyError(`${path} is encrypted, and there is no key`);
  for (const key of [keys.key, keys.previousKey]) {
    if (key === null) continue;
    const cipher = new FileCipher(flag, key, salt, key !== keys.key);
    if (timingSafeEqual(cipher.check, check)) return cipher;
  }
  throw new KeyError(`${path} was encrypted with another key`);
}

/** The check value for a header. */
export function checkOf(cipher: FileCipher | null): Buffer {
  return cipher === null ? NO_CHECK : cipher.check;
}
