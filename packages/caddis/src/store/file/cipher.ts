import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { FLAG_AES, FLAG_CHACHA } from "./format.ts";

/** What the files of a store are encrypted with. */
export interface StoreKeys {
  readonly cipher: "chacha" | "aes";
  readonly key: Uint8Array;
  /** The key of before, to read what was written with it; null: none. */
  readonly previousKey: Uint8Array | null;
}

/** Bytes that encryption adds to what it encrypts. */
export const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const CHECK_BYTES = 8;
const NO_CHECK = Buffer.alloc(CHECK_BYTES);

/**
 * Encrypts the bodies of one file's records. The key is the file's own (HKDF-SHA256 over the store's key and the
 * file's salt), so that a record's offset, at which nothing else is ever encrypted, is nonce enough.
 */
export class FileCipher {
  readonly flag: number;
  readonly #key: Buffer;
  readonly #nonce = Buffer.alloc(NONCE_BYTES);

  constructor(flag: number, key: Uint8Array, salt: Uint8Array) {
    this.flag = flag;
    this.#key = Buffer.from(hkdfSync("sha256", key, salt, "caddis store", KEY_BYTES));
  }

  /** What a header says of the key: tells a wrong key from damage. */
  get check(): Buffer {
    return createHmac("sha256", this.#key).update("check").digest().subarray(0, CHECK_BYTES);
  }

  /** Encrypts `buf[start, end)` in place and puts the tag behind it; `buf[boundStart, start)` is bound to it. */
  seal(buf: Buffer, boundStart: number, start: number, end: number, offset: number): void {
    const cipher =
      this.flag === FLAG_AES
        ? createCipheriv("aes-256-gcm", this.#key, this.#nonceOf(offset))
        : createCipheriv("chacha20-poly1305", this.#key, this.#nonceOf(offset), {
            authTagLength: TAG_BYTES,
          });
    cipher.setAAD(buf.subarray(boundStart, start), { plaintextLength: end - start });
    cipher.update(buf.subarray(start, end)).copy(buf, start);
    cipher.final();
    cipher.getAuthTag().copy(buf, end);
  }

  /** The plain bytes of what `seal` made of `buf[start, end)`, `end` before the tag; null: it is something else. */
  open(buf: Buffer, boundStart: number, start: number, end: number, offset: number): Buffer | null {
    const decipher =
      this.flag === FLAG_AES
        ? createDecipheriv("aes-256-gcm", this.#key, this.#nonceOf(offset), { authTagLength: TAG_BYTES })
        : createDecipheriv("chacha20-poly1305", this.#key, this.#nonceOf(offset), {
            authTagLength: TAG_BYTES,
          });
    decipher.setAAD(buf.subarray(boundStart, start), { plaintextLength: end - start });
    decipher.setAuthTag(buf.subarray(end, end + TAG_BYTES));
    const plain = decipher.update(buf.subarray(start, end));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }

  #nonceOf(offset: number): Buffer {
    this.#nonce.writeUInt32LE(offset, 0);
    return this.#nonce;
  }
}

/** For a new file; null where nothing is encrypted. */
export function newCipher(keys: StoreKeys | null, salt: Uint8Array): FileCipher | null {
  return keys === null
    ? null
    : new FileCipher(keys.cipher === "aes" ? FLAG_AES : FLAG_CHACHA, keys.key, salt);
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
    const cipher = new FileCipher(flag, key, salt);
    if (timingSafeEqual(cipher.check, check)) return cipher;
  }
  throw new KeyError(`${path} was encrypted with another key`);
}

/** The check value for a header. */
export function checkOf(cipher: FileCipher | null): Buffer {
  return cipher === null ? NO_CHECK : cipher.check;
}
