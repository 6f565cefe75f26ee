import { createHash } from "node:crypto";
import { constructedTag, decodeDer, primitiveTag, TAG, type DerReader } from "./der.ts";
import { readTime } from "./der-time.ts";

/** What of a certificate matters for its status (RFC 5280). */
export interface Certificate {
  readonly der: Uint8Array;
  /** Base64 of its SHA-256: the name under which the reference caches what it learns. */
  readonly fingerprint: string;
  /** The bytes of its number as they stand in it. */
  readonly serial: Uint8Array;
  /** Names as DER. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo as DER, and the bits of the key in it, which OCSP hashes. */
  readonly keyInfo: Uint8Array;
  readonly keyBits: Uint8Array;
  /** Whether it may issue certificates. */
  readonly isCa: boolean;
  /** Where its issuer answers questions about it; web addresses only. */
  readonly responders: readonly string[];
  readonly extendedKeyUsages: readonly string[];
  /** Whether it asks to be shown only together with its status (RFC 7633). */
  readonly mustStaple: boolean;
  /** The part that is signed, how, and the signature. */
  readonly signed: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/** The purpose "signing OCSP responses", for delegated responders. */
export const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

const BASIC_CONSTRAINTS = "2.5.29.19";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
const ACCESS_OCSP = "1.3.6.1.5.5.7.48.1";
const TLS_FEATURE = "1.3.6.1.5.5.7.1.24";
/** The TLS extension `status_request`. */
const STATUS_REQUEST = 5;

/** More responders of one certificate are not asked: each may cost a whole timeout. */
const RESPONDERS_MAX = 4;

type Extensions = Pick<Certificate, "isCa" | "responders" | "extendedKeyUsages" | "mustStaple">;

/** Reads a certificate; null when it is not one. */
export function parseCertificate(der: Uint8Array): Certificate | null {
  return decodeDer(der, (reader) => {
    const outer = reader.enter(TAG.sequence);
    const signed = outer.whole(TAG.sequence);
    const signatureAlgorithm = outer.whole(TAG.sequence);
    const signature = outer.bits();
    outer.end();
    const fields = readFields(signed);
    if (fields === null || !sameBytes(fields.innerAlgorithm, signatureAlgorithm)) return null;
    const fingerprint = createHash("sha256").update(der).digest("base64");
    return { der, fingerprint, ...fields, signed, signatureAlgorithm, signature };
  });
}

function readFields(signed: Uint8Array) {
  return decodeDer(signed, (reader) => {
    const tbs = reader.enter(TAG.sequence);
    tbs.skipIf(constructedTag(0));
    const serial = tbs.read(TAG.integer);
    const innerAlgorithm = tbs.whole(TAG.sequence);
    const issuer = tbs.whole(TAG.sequence);
    const validity = tbs.enter(TAG.sequence);
    const notBeforeMs = readTime(validity);
    const notAfterMs = readTime(validity);
    validity.end();
    const subject = tbs.whole(TAG.sequence);
    const keyInfo = tbs.whole(TAG.sequence);
    tbs.skipIf(primitiveTag(1));
    tbs.skipIf(primitiveTag(2));
    const extensions = readExtensions(tbs);
    tbs.end();
    const keyBits = readKeyBits(keyInfo);
    return {
      serial,
      innerAlgorithm,
      issuer,
      notBeforeMs,
      notAfterMs,
      subject,
      keyInfo,
      keyBits,
      ...extensions,
    };
  });
}

function readKeyBits(keyInfo: Uint8Array): Uint8Array {
  // Its own reader: `keyInfo` is kept as a whole for whoever verifies with it.
  const bits = decodeDer(keyInfo, (reader) => {
    const info = reader.enter(TAG.sequence);
    info.whole(TAG.sequence);
    const key = info.bits();
    info.end();
    return key;
  });
  return bits ?? new Uint8Array(0);
}

function readExtensions(tbs: DerReader): Extensions {
  const found = {
    isCa: false,
    responders: [] as string[],
    extendedKeyUsages: [] as string[],
    mustStaple: false,
  };
  const wrapper = tbs.enterIf(constructedTag(3));
  if (wrapper === null) return found;
  const list = wrapper.enter(TAG.sequence);
  wrapper.end();
  while (!list.isAtEnd) {
    const extension = list.enter(TAG.sequence);
    const oid = extension.oid();
    extension.skipIf(TAG.boolean);
    const value = extension.read(TAG.octetString);
    extension.end();
    if (oid === BASIC_CONSTRAINTS) found.isCa = readIsCa(value);
    else if (oid === EXTENDED_KEY_USAGE) found.extendedKeyUsages = readUsages(value);
    else if (oid === AUTHORITY_INFO_ACCESS) found.responders = readResponders(value);
    else if (oid === TLS_FEATURE) found.mustStaple = readMustStaple(value);
  }
  return found;
}

function readIsCa(value: Uint8Array): boolean {
  const isCa = decodeDer(value, (reader) => {
    const constraints = reader.enter(TAG.sequence);
    const isCa = constraints.tag === TAG.boolean && constraints.read(TAG.boolean)[0] === 0xff;
    constraints.skipIf(TAG.integer);
    constraints.end();
    return isCa;
  });
  return isCa ?? false;
}

function readUsages(value: Uint8Array): string[] {
  const usages = decodeDer(value, (reader) => {
    const list = reader.enter(TAG.sequence);
    const oids: string[] = [];
    while (!list.isAtEnd) oids.push(list.oid());
    return oids;
  });
  return usages ?? [];
}

function readResponders(value: Uint8Array): string[] {
  const addresses = decodeDer(value, (reader) => {
    const list = reader.enter(TAG.sequence);
    const urls: string[] = [];
    while (!list.isAtEnd) {
      const access = list.enter(TAG.sequence);
      const method = access.oid();
      if (method === ACCESS_OCSP && access.tag === primitiveTag(6)) {
        urls.push(Buffer.from(access.read(primitiveTag(6))).toString("latin1"));
      }
    }
    return urls;
  });
  return (addresses ?? []).filter(isWebAddress).slice(0, RESPONDERS_MAX);
}

/** Whether `url` is one that may be asked: nothing but the web, whatever a certificate says. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function readMustStaple(value: Uint8Array): boolean {
  const mustStaple = decodeDer(value, (reader) => {
    const features = reader.enter(TAG.sequence);
    let found = false;
    while (!features.isAtEnd) {
      const number = features.read(TAG.integer);
      found ||= number.length === 1 && number[0] === STATUS_REQUEST;
    }
    return found;
  });
  return mustStaple ?? false;
}

/** Whether two byte strings are the same; for public data. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
