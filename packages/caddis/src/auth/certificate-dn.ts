import type { NameAttribute } from "./certificate-names.ts";

/**
 * A distinguished name to compare: relative names from the most specific one on (as RFC 4514 writes them), each a
 * list of attributes. Types are compared without regard to case, values as they are (RFC 4517, 4.2.15).
 */
export type DistinguishedName = readonly (readonly DnAttribute[])[];

export interface DnAttribute {
  readonly type: string;
  readonly value: string;
}

/** The attribute types that distinguished names are matched on; a certificate with others has no such name. */
const TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.5", "SERIALNUMBER"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.17", "POSTALCODE"],
  ["0.9.2342.19200300.100.1.25", "DC"],
]);

/** A certificate's subject; null if it has an attribute of a type that is not known here, or nothing at all. */
export function subjectDn(subject: readonly (readonly NameAttribute[])[]): DistinguishedName | null {
  const rdns: DnAttribute[][] = [];
  for (const rdn of subject.toReversed()) {
    const attributes: DnAttribute[] = [];
    for (const { oid, value } of rdn) {
      const type = TYPE_NAMES.get(oid);
      if (type === undefined) return null;
      attributes.push({ type, value });
    }
    if (attributes.length > 0) rdns.push(attributes);
  }
  return rdns.length === 0 ? null : rdns;
}

/** What stands for a name among equal ones: relative names in order, the attributes of each in any order. */
export function dnKey(dn: DistinguishedName): string {
  return JSON.stringify(dn.map(rdnKey));
}

/**
 * The same with the relative names in any order too. Each counts as often as it comes: `CN=a,CN=a,O=b` is not
 * `CN=a,O=b,OU=c`, whatever the number of both.
 */
export function unorderedDnKey(dn: DistinguishedName): string {
  return JSON.stringify(dn.map(rdnKey).toSorted());
}

function rdnKey(rdn: readonly DnAttribute[]): string {
  const attributes = rdn.map(({ type, value }) => JSON.stringify([asciiLowerCase(type), value]));
  return JSON.stringify(attributes.toSorted());
}

/** Not `toLowerCase`: that makes a plain `k` of the Kelvin sign, and the like. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const ESCAPABLE = new Set(' "#+,;<=>\\');
const HEX_PAIR = /^[0-9a-fA-F]{2}$/;

/**
 * A name as RFC 4514 writes it, `CN=Jo,OU=a+OU=b,O=c`; null if it is not one. Values written in hexadecimal BER
 * (`#04…`) are not supported, and empty ones are refused.
 */
export function parseDn(text: string): DistinguishedName | null {
  const rdns: DnAttribute[][] = [];
  let rdn: DnAttribute[] = [];
  let type = new DnText();
  let value: DnText | null = null;
  /** False if the attribute that ends here is incomplete. */
  const push = (): boolean => {
    const attribute = { type: type.text(), value: value?.text() ?? null };
    type = new DnText();
    value = null;
    if (attribute.type === null || attribute.value === null) return false;
    rdn.push({ type: attribute.type, value: attribute.value });
    return true;
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "=" && value === null) {
      value = new DnText();
      if (text[i + 1] === "#") return null;
    } else if (char === "," || char === "+") {
      if (!push()) return null;
      if (char === ",") {
        rdns.push(rdn);
        rdn = [];
      }
    } else if (char === "\\") {
      const escaped = unescape(text, i + 1);
      if (escaped === null) return null;
      (value ?? type).add(escaped.bytes, true);
      i += escaped.length;
    } else {
      const point = String.fromCodePoint(text.codePointAt(i) ?? 0);
      (value ?? type).add(Buffer.from(point, "utf8"), char !== " ");
      i += point.length - 1;
    }
  }
  if (!push()) return null;
  rdns.push(rdn);
  return rdns;
}

/** What follows a backslash: a special character, or a byte in hexadecimal. */
function unescape(text: string, at: number): { readonly bytes: Buffer; readonly length: number } | null {
  const char = text[at];
  if (char === undefined) return null;
  if (ESCAPABLE.has(char)) return { bytes: Buffer.from(char), length: 1 };
  const pair = text.slice(at, at + 2);
  return HEX_PAIR.test(pair) ? { bytes: Buffer.from(pair, "hex"), length: 2 } : null;
}

/** A type or a value being read: bytes, since escapes are bytes of UTF-8, without the unescaped spaces around. */
class DnText {
  readonly #bytes: number[] = [];
  /** Where the last byte that is no unescaped space ends. */
  #end = 0;

  add(bytes: Uint8Array, isSolid: boolean): void {
    if (!isSolid && this.#bytes.length === 0) return;
    this.#bytes.push(...bytes);
    if (isSolid) this.#end = this.#bytes.length;
  }

  /** Null when empty or not UTF-8. */
  text(): string | null {
    if (this.#end === 0) return null;
    try {
      const bytes = Uint8Array.from(this.#bytes.slice(0, this.#end));
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return null;
    }
  }
}
