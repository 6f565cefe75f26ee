/** Tags of the values that a certificate's names are made of. */
export const TAG = {
  integer: 0x02,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** What is not DER, or not what was expected. Stays inside: whoever reads certificates turns it into a value. */
export class DerFault extends Error {}

/** One value: its tag and the bytes it holds. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * Reads DER values one after the other: definite, minimal lengths and one-byte tags only, so that each value has
 * one spelling. Throws `DerFault`.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The tag of the next value; -1 at the end. */
  get nextTag(): number {
    return this.isDone ? -1 : this.#bytes[this.#at];
  }

  /** The next value, whatever it is. */
  next(): DerValue {
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw new DerFault("tag of several bytes");
    const length = this.#length();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new DerFault("value is cut short");
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag, content };
  }

  /** The content of the next value, which has to be a `tag`. */
  take(tag: number): Uint8Array {
    const value = this.next();
    if (value.tag !== tag) throw new DerFault("another kind of value");
    return value.content;
  }

  /** A reader of the next value's content, which has to be a `tag`. */
  enter(tag: number): DerReader {
    return new DerReader(this.take(tag));
  }

  /** Leaves out the next value if it is a `tag`. */
  skipIf(tag: number): void {
    if (this.nextTag === tag) this.next();
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (!this.isDone) throw new DerFault("more than there should be");
  }

  #byte(): number {
    if (this.isDone) throw new DerFault("value is cut short");
    return this.#bytes[this.#at++];
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    // Four bytes would be 16 MiB and more; 0x80 stands for an indefinite length.
    if (count === 0 || count > 3) throw new DerFault("length that nothing here has");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerFault("length in too many bytes");
    return length;
  }
}

/** An object identifier as text, `2.5.4.3`. Throws `DerFault`. */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  let isOpen = false;
  for (const byte of content) {
    if (!isOpen && byte === 0x80) throw new DerFault("number in too many bytes");
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerFault("number out of bounds");
    isOpen = byte >= 0x80;
    if (isOpen) continue;
    arcs.push(arc);
    arc = 0;
  }
  if (isOpen || arcs.length === 0) throw new DerFault("object identifier is cut short");
  const [head, ...rest] = arcs;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - 40 * first, ...rest].join(".");
}

/** The text of one of the string types. Throws `DerFault` for other types and for what they can't hold. */
export function stringOf({ tag, content }: DerValue): string {
  switch (tag) {
    case TAG.utf8String:
      return utf8(content);
    case TAG.printableString:
      return checked(content, /^[A-Za-z0-9'()+,\-./ :=?*&]*$/);
    case TAG.ia5String:
      return checked(content, /^[\0-\x7f]*$/);
    case TAG.numericString:
      return checked(content, /^[0-9 ]*$/);
    // Read as Latin-1, which is what it is used for.
    case TAG.t61String:
      return Buffer.from(content).toString("latin1");
    case TAG.bmpString:
      return bmp(content);
    default:
      throw new DerFault("not a string");
  }
}

function utf8(content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new DerFault("not UTF-8");
  }
}

function checked(content: Uint8Array, allowed: RegExp): string {
  const text = Buffer.from(content).toString("latin1");
  if (!allowed.test(text)) throw new DerFault("character that its type can't hold");
  return text;
}

/** UCS-2, big-endian, perhaps with an end mark; surrogates and what is no character are refused. */
function bmp(content: Uint8Array): string {
  if (content.length % 2 !== 0) throw new DerFault("half a character");
  let text = "";
  for (let i = 0; i < content.length; i += 2) {
    const unit = content[i] * 256 + content[i + 1];
    if (unit === 0 && i === content.length - 2) break;
    const isReserved = unit >= 0xfffe || (unit >= 0xfdd0 && unit <= 0xfdef);
    if (isReserved || (unit >= 0xd800 && unit <= 0xdfff)) throw new DerFault("not a character");
    text += String.fromCharCode(unit);
  }
  return text;
}
