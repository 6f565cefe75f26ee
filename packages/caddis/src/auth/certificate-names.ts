import { DerFault, DerReader, oidText, stringOf, TAG } from "./certificate-der.ts";

/** One attribute of a distinguished name. */
export interface NameAttribute {
  /** Object identifier, `2.5.4.3`. */
  readonly oid: string;
  readonly value: string;
}

/** Whom a certificate is about. */
export interface CertificateNames {
  /** Alternative names of the three kinds that can stand for a user, each in the certificate's order. */
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  /** The subject: relative names in the certificate's order, each of one or more attributes. */
  readonly subject: readonly (readonly NameAttribute[])[];
}

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/** Context tags in a certificate's body (RFC 5280, 4.1) and in its alternative names (4.2.1.6). */
const VERSION = 0xa0;
const ISSUER_UNIQUE_ID = 0x81;
const SUBJECT_UNIQUE_ID = 0x82;
const EXTENSIONS = 0xa3;
const EMAIL = 0x81;
const DNS_NAME = 0x82;
const URI = 0x86;

const BOOLEAN = 0x01;
const BIT_STRING = 0x03;

/** The names in a DER certificate; null for anything that is not one, to the last byte. Signatures are not looked at. */
export function readCertificateNames(der: Uint8Array): CertificateNames | null {
  try {
    const outer = new DerReader(der);
    const certificate = outer.enter(TAG.sequence);
    outer.finish();
    const names = readBody(certificate.enter(TAG.sequence));
    certificate.take(TAG.sequence);
    certificate.take(BIT_STRING);
    certificate.finish();
    return names;
  } catch (error) {
    if (error instanceof DerFault) return null;
    throw error;
  }
}

function readBody(body: DerReader): CertificateNames {
  body.skipIf(VERSION);
  body.take(TAG.integer);
  body.take(TAG.sequence); // signature algorithm
  body.take(TAG.sequence); // issuer
  body.take(TAG.sequence); // validity
  const subject = readName(body.enter(TAG.sequence));
  body.take(TAG.sequence); // public key
  body.skipIf(ISSUER_UNIQUE_ID);
  body.skipIf(SUBJECT_UNIQUE_ID);
  const emails: string[] = [];
  const dnsNames: string[] = [];
  const uris: string[] = [];
  for (const { tag, text } of body.isDone ? [] : readExtensions(body.enter(EXTENSIONS))) {
    if (tag === EMAIL) emails.push(text);
    else if (tag === DNS_NAME) dnsNames.push(text);
    else uris.push(withLowerScheme(text));
  }
  body.finish();
  return { emails, dnsNames, uris, subject };
}

/** Schemes have no case (RFC 3986, 3.1); Go writes them like this. */
function withLowerScheme(uri: string): string {
  return uri.replace(/^[A-Za-z][A-Za-z0-9+.-]*:/, (scheme) => scheme.toLowerCase());
}

function readName(name: DerReader): NameAttribute[][] {
  const rdns: NameAttribute[][] = [];
  while (!name.isDone) {
    const set = name.enter(TAG.set);
    const rdn: NameAttribute[] = [];
    while (!set.isDone) {
      const attribute = set.enter(TAG.sequence);
      rdn.push({ oid: oidText(attribute.take(TAG.oid)), value: stringOf(attribute.next()) });
      attribute.finish();
    }
    rdns.push(rdn);
  }
  return rdns;
}

interface AlternativeName {
  readonly tag: number;
  readonly text: string;
}

/** The alternative names among the extensions. An extension that comes twice makes the certificate a bad one. */
function readExtensions(wrapper: DerReader): AlternativeName[] {
  const list = wrapper.enter(TAG.sequence);
  wrapper.finish();
  const seen = new Set<string>();
  let names: AlternativeName[] = [];
  while (!list.isDone) {
    const extension = list.enter(TAG.sequence);
    const oid = oidText(extension.take(TAG.oid));
    if (seen.has(oid)) throw new DerFault("extension comes twice");
    seen.add(oid);
    extension.skipIf(BOOLEAN);
    const value = extension.enter(TAG.octetString);
    extension.finish();
    if (oid === SUBJECT_ALTERNATIVE_NAME) names = readAlternativeNames(value);
  }
  return names;
}

function readAlternativeNames(value: DerReader): AlternativeName[] {
  const list = value.enter(TAG.sequence);
  value.finish();
  const names: AlternativeName[] = [];
  while (!list.isDone) {
    const { tag, content } = list.next();
    if (tag !== EMAIL && tag !== DNS_NAME && tag !== URI) continue;
    names.push({ tag, text: stringOf({ tag: TAG.ia5String, content }) });
  }
  return names;
}
