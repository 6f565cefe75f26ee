/**
 * DER, read strictly (X.690): definite lengths in their shortest form, nothing left over. What is signed is then
 * the only thing that can be said, and an altered byte outside of the signed part has no room to mean anything.
 */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A field `[number]` with other fields inside. */
export function constructedTag(number: number): number {
  return 0xa0 | number;
}

/** A field `[number]` with bytes inside. */
export function primitiveTag(number: number): number {
  return 0x80 | number;
}

/** Bytes that are not what was expected; thrown and caught within this folder. */
class DerError extends Error {}

/** Runs `read`; null when it came upon bytes that are not what it expects. */
export function decodeDer<T>(bytes: Uint8Array, read: (reader: DerReader) => T): T | null {
  try {
    const reader = new DerReader(bytes);
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof DerError) return null;
    throw error;
  }
}

/** For readers of fields: gives up on the whole. */
export function malformed(what: string): never {
  throw new DerError(what);
}

/** Elements one after the other. Contents are views into the bytes that were given. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Of the next element; -1 at the end. */
  get tag(): number {
    return this.isAtEnd ? -1 : this.#bytes[this.#offset];
  }

  /** The content of the next element, which has to carry `tag`. */
  read(tag: number): Uint8Array {
    const whole = this.whole(tag);
    return whole.subarray(headerLength(whole));
  }

  /** The next element with its tag and length. */
  whole(tag: number): Uint8Array {
    if (this.tag !== tag) malformed("another element was expected");
    const start = this.#offset;
    const rest = this.#bytes.subarray(start);
    const header = headerLength(rest);
    const end = start + header + contentLength(rest, header);
    if (end > this.#bytes.length) malformed("an element ends too early");
    this.#offset = end;
    return this.#bytes.subarray(start, end);
  }

  /** Reads into the next element. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag));
  }

  /** As `enter`, or null when the next element is another. */
  enterIf(tag: number): DerReader | null {
    return this.tag === tag ? this.enter(tag) : null;
  }

  /** Passes over an element that may be missing. */
  skipIf(tag: number): void {
    if (this.tag === tag) this.whole(tag);
  }

  /** Whole bytes of a bit string. */
  bits(): Uint8Array {
    const content = this.read(TAG.bitString);
    if (content[0] !== 0) malformed("a bit string of whole bytes was expected");
    return content.subarray(1);
  }

  /** A number of one byte: versions and enumerations. */
  smallNumber(tag: number): number {
    const content = this.read(tag);
    if (content.length !== 1 || content[0] > 0x7f) malformed("a small number was expected");
    return content[0];
  }

  /** An object identifier with its dots. */
  oid(): string {
    return oidText(this.read(TAG.oid));
  }

  end(): void {
    if (!this.isAtEnd) malformed("something follows the last element");
  }
}

/** Length of tag and length field. */
function headerLength(element: Uint8Array): number {
  if (element.length < 2) malformed("an element ends too early");
  const first = element[1];
  if (first < 0x80) return 2;
  const count = first & 0x7f;
  // No length here needs four bytes; zero stands for "until an end mark", which DER does not have.
  if (count === 0 || count > 3) malformed("a length in a form that DER does not have");
  return 2 + count;
}

function contentLength(element: Uint8Array, header: number): number {
  if (header === 2) return element[1];
  if (element.length < header) malformed("an element ends too early");
  let length = 0;
  for (let i = 2; i < header; i++) length = length * 256 + element[i];
  const least = header === 3 ? 0x80 : 1 << (8 * (header - 3));
  if (length < least) malformed("a length that is longer than it needs");
  return length;
}

/** Parts of an identifier that are in use fit four bytes of seven bits. */
const OID_PART_MAX = 2 ** 28;

function oidText(content: Uint8Array): string {
  const parts: number[] = [];
  let part = 0;
  let isInside = false;
  for (const byte of content) {
    if (!isInside && byte === 0x80) malformed("an identifier that is longer than it needs");
    part = part * 128 + (byte & 0x7f);
    if (part >= OID_PART_MAX) malformed("an identifier that nobody uses");
    isInside = byte > 0x7f;
    if (isInside) continue;
    if (parts.length === 0)
      parts.push(Math.min(2, Math.floor(part / 40)), part - 40 * Math.min(2, Math.floor(part / 40)));
    else parts.push(part);
    part = 0;
  }
  if (isInside || parts.length === 0) malformed("an identifier that ends too early");
  return parts.join(".");
}

/** One element with its contents. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(content.length), content]);
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  return Uint8Array.of(0x82, length >> 8, length & 0xff);
}
