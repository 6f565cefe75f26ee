import { ByteQueue } from "../../base/byte-queue.ts";

/**
 * Reads a tar archive that comes in pieces: regular files, with names and sizes in the old header, in that of POSIX
 * (PAX) or in GNU's long name.
 */
const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const TYPE_AT = 156;
const MAGIC_AT = 257;
const MAGIC = "ustar";
const PREFIX_AT = 345;
const PREFIX_BYTES = 155;
const SPACE = 0x20;
/** What says more about the file that follows is no longer. */
const EXTENSION_BYTES_MAX = 64 * 1024;

/** A file of an archive. */
export interface TarFile {
  /** UTF-8 as it stands in the archive, as a wire string. */
  readonly name: string;
  readonly size: number;
}

export class TarReader {
  readonly #queue = new ByteQueue();
  /** Bytes of the file at hand that are still to come, and of what fills its last block. */
  #left = 0;
  #padding = 0;
  /** What was said about the file that follows; empty, -1: nothing. */
  #nextName = "";
  #nextSize = -1;
  #isAtEnd = false;

  append(bytes: Buffer): void {
    // Whatever follows the end is of no account.
    if (!this.#isAtEnd) this.#queue.append(bytes);
  }

  /** Whether the archive is complete. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** Bytes of the file at hand that were not read. */
  get leftBytes(): number {
    return this.#left;
  }

  /** The next file, once that at hand is read; null: more has to come, or it is the end; else what is wrong. */
  next(): TarFile | null | { readonly problem: string } {
    for (;;) {
      if (this.#left > 0 || !this.#skipPadding() || this.#isAtEnd || this.#queue.length < BLOCK_BYTES)
        return null;
      const header = this.#queue.peek(BLOCK_BYTES);
      if (header.every((byte) => byte === 0)) {
        this.#isAtEnd = true;
        return null;
      }
      const size = this.#nextSize >= 0 ? this.#nextSize : numberAt(header, SIZE_AT, SIZE_BYTES);
      if (!isHeader(header) || !Number.isSafeInteger(size)) return { problem: "the archive is damaged" };
      const type = String.fromCharCode(header[TYPE_AT]);
      if (type === "x" || type === "g" || type === "L") {
        if (size > EXTENSION_BYTES_MAX) return { problem: "the archive is damaged" };
        if (this.#queue.length < BLOCK_BYTES + paddedSize(size)) return null;
        this.#queue.skip(BLOCK_BYTES);
        const extension = this.#queue.take(paddedSize(size)).subarray(0, size);
        if (type === "L") this.#nextName = textUntilZero(extension, 0, size);
        else if (type === "x") this.#readExtension(extension);
        continue;
      }
      if (type !== "0" && type !== "\0") return { problem: "unexpected content" };
      this.#queue.skip(BLOCK_BYTES);
      const name = this.#nextName === "" ? nameOf(header) : this.#nextName;
      this.#left = size;
      this.#padding = paddedSize(size) - size;
      this.#nextName = "";
      this.#nextSize = -1;
      return { name, size };
    }
  }

  /** More of the file at hand; null: more has to come, or all of it is read. */
  read(): Buffer | null {
    const count = Math.min(this.#left, this.#queue.length);
    if (count === 0) return null;
    this.#left -= count;
    return this.#queue.take(count);
  }

  #skipPadding(): boolean {
    const count = Math.min(this.#padding, this.#queue.length);
    if (count > 0) this.#queue.skip(count);
    this.#padding -= count;
    return this.#padding === 0;
  }

  /** Records `length name=value LF`. */
  #readExtension(extension: Buffer): void {
    for (let at = 0; at < extension.length;) {
      const space = extension.indexOf(SPACE, at);
      const length = space < 0 ? 0 : Number(extension.latin1Slice(at, space));
      // At least a name or a line feed stands behind the space.
      const isLength = Number.isInteger(length) && length > space - at + 1;
      if (!isLength || at + length > extension.length) return;
      const [name, ...rest] = extension.latin1Slice(space + 1, at + length - 1).split("=");
      const value = rest.join("=");
      if (name === "path") this.#nextName = value;
      else if (name === "size") this.#nextSize = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
      at += length;
    }
  }
}

function paddedSize(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

/** The checksum is the sum of all bytes, with spaces in its own place. */
function isHeader(header: Buffer): boolean {
  let sum = CHECKSUM_BYTES * SPACE;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i < CHECKSUM_AT || i >= CHECKSUM_AT + CHECKSUM_BYTES) sum += header[i];
  }
  return sum === numberAt(header, CHECKSUM_AT, CHECKSUM_BYTES);
}

/** Octal digits, or a number of bytes when the highest bit of the first is set; NaN for anything else. */
function numberAt(header: Buffer, start: number, length: number): number {
  if (header[start] === 0x80) {
    let value = 0;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + header[i];
    return value;
  }
  const digits = textUntilZero(header, start, length).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : digits === "" ? 0 : NaN;
}

function nameOf(header: Buffer): string {
  const name = textUntilZero(header, 0, NAME_BYTES);
  if (header.latin1Slice(MAGIC_AT, MAGIC_AT + MAGIC.length) !== MAGIC) return name;
  const prefix = textUntilZero(header, PREFIX_AT, PREFIX_BYTES);
  return prefix === "" ? name : `${prefix}/${name}`;
}

function textUntilZero(bytes: Buffer, start: number, length: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.latin1Slice(start, end < 0 || end > start + length ? start + length : end);
}
