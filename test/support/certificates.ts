import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { bitString, boolean, der, ia5String, integer, nothing, octetString, oid } from "./der.ts";
import { printableString, sequence, set, time, utf8String } from "./der.ts";

export type KeyType = "ec" | "rsa" | "ed25519";

/** One attribute: a short name (`CN`) or an OID, and its text. A third item replaces the encoded value. */
export type Attribute = readonly [type: string, value: string, encoded?: Uint8Array];

/** A certificate with its key, in the forms that tests hand around. */
export interface TestCertificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  /** The subject as it stands in the certificate. */
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly serialNumber: Buffer;
}

export interface CertificateOptions {
  /** One RDN after the other, in the order of the encoding; several attributes make a multi-valued one. */
  readonly subject?: readonly (readonly Attribute[])[];
  readonly dns?: readonly string[];
  readonly emails?: readonly string[];
  readonly uris?: readonly string[];
  readonly ips?: readonly string[];
  /** Default `ec` (P-256): made in a millisecond. */
  readonly keyType?: KeyType;
  /** Takes the key of another certificate. */
  readonly keys?: TestCertificate;
  /** Valid from an hour ago for so many days; negative: expired. Default 30. */
  readonly days?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Null: signed by itself. */
  readonly ca?: TestCertificate | null;
  readonly isCa?: boolean;
  /** OCSP responder in the authority information access. */
  readonly ocspUrl?: string;
  /** The TLS feature `status_request`. */
  readonly mustStaple?: boolean;
  /** OIDs; default server and client authentication. */
  readonly extendedKeyUsage?: readonly string[];
}

export const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

const ATTRIBUTE_TYPES: ReadonlyMap<string, string> = new Map([
  ["CN", "2.5.4.3"],
  ["SERIALNUMBER", "2.5.4.5"],
  ["C", "2.5.4.6"],
  ["L", "2.5.4.7"],
  ["ST", "2.5.4.8"],
  ["STREET", "2.5.4.9"],
  ["O", "2.5.4.10"],
  ["OU", "2.5.4.11"],
  ["POSTALCODE", "2.5.4.17"],
  ["DC", "0.9.2342.19200300.100.1.25"],
  ["UID", "0.9.2342.19200300.100.1.1"],
  ["EMAIL", "1.2.840.113549.1.9.1"],
]);

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** A certificate authority named `name`; signed by `parent`, or by itself. */
export function makeCa(name = "Test CA", parent: TestCertificate | null = null): TestCertificate {
  return makeCertificate({ subject: [[["CN", name]]], isCa: true, ca: parent });
}

/** A new key and a certificate for it. */
export function makeCertificate(options: CertificateOptions = {}): TestCertificate {
  const { publicKey, privateKey } =
    options.keys === undefined
      ? newKeys(options.keyType ?? "ec")
      : { publicKey: options.keys.publicKey, privateKey: options.keys.key };
  const subject = encodeName(options.subject ?? [[["CN", "localhost"]]]);
  const ca = options.ca ?? null;
  const signer = ca?.key ?? privateKey;
  const serialNumber = Buffer.concat([Buffer.from([1]), randomBytes(15)]);
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serialNumber),
    signatureAlgorithm(signer),
    ca?.subject ?? subject,
    validity(options),
    subject,
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...extensions(options, publicKey, ca?.publicKey ?? publicKey))),
  );
  const raw = sequence(body, signatureAlgorithm(signer), bitString(signed(body, signer)));
  const keyPem = privateKey.export({ format: "pem", type: "pkcs8" });
  return { der: raw, pem: toPem(raw), key: privateKey, keyPem, subject, publicKey, serialNumber };
}

/** PEM of a certificate. */
function toPem(raw: Uint8Array): string {
  const lines =
    Buffer.from(raw)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A Name of RDNs as given. */
function encodeName(rdns: readonly (readonly Attribute[])[]): Buffer {
  return sequence(
    ...rdns.map((rdn) =>
      set(
        ...rdn
          .map(([type, value, encoded]) =>
            sequence(oid(attributeOid(type)), encoded ?? encodeText(type, value)),
          )
          .toSorted((a, b) => Buffer.compare(a, b)),
      ),
    ),
  );
}

function attributeOid(type: string): string {
  return ATTRIBUTE_TYPES.get(type) ?? type;
}

function encodeText(type: string, value: string): Buffer {
  if (type === "C" || type === "SERIALNUMBER") return printableString(value);
  return type === "DC" || type === "EMAIL" ? ia5String(value) : utf8String(value);
}

function newKeys(type: KeyType): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (type) {
    case "ec":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "rsa":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "ed25519":
      return generateKeyPairSync("ed25519");
  }
}

function signatureAlgorithm(key: KeyObject): Buffer {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return sequence(oid("1.2.840.113549.1.1.11"), nothing());
    case "ed25519":
      return sequence(oid("1.3.101.112"));
    default:
      return sequence(oid("1.2.840.10045.4.3.2"));
  }
}

function signed(body: Uint8Array, key: KeyObject): Buffer {
  return sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", body, key);
}

function validity(options: CertificateOptions): Buffer {
  const days = options.days ?? 30;
  const notBefore = options.notBefore ?? new Date(Date.now() - HOUR_MS + Math.min(0, days - 1) * DAY_MS);
  const notAfter = options.notAfter ?? new Date(Date.now() + days * DAY_MS);
  return sequence(time(notBefore), time(notAfter));
}

function extensions(options: CertificateOptions, own: KeyObject, issuer: KeyObject): Buffer[] {
  const list = [
    extension("2.5.29.14", octetString(keyId(own))),
    extension("2.5.29.35", sequence(der(0x80, keyId(issuer)))),
  ];
  if (options.isCa === true) {
    list.push(extension("2.5.29.19", sequence(boolean(true)), true));
    list.push(extension("2.5.29.15", der(0x03, Buffer.from([1, 0x06])), true));
  } else {
    const usages = options.extendedKeyUsage ?? [SERVER_AUTH, CLIENT_AUTH];
    list.push(extension("2.5.29.37", sequence(...usages.map(oid))));
  }
  const names = alternativeNames(options);
  if (names.length > 0) list.push(extension("2.5.29.17", sequence(...names)));
  if (options.ocspUrl !== undefined) {
    const access = sequence(oid("1.3.6.1.5.5.7.48.1"), der(0x86, Buffer.from(options.ocspUrl)));
    list.push(extension("1.3.6.1.5.5.7.1.1", sequence(access)));
  }
  if (options.mustStaple === true) {
    list.push(extension("1.3.6.1.5.5.7.1.24", sequence(integer(Buffer.from([5])))));
  }
  return list;
}

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octetString(value));
}

function alternativeNames(options: CertificateOptions): Buffer[] {
  return [
    ...(options.emails ?? []).map((email) => der(0x81, Buffer.from(email))),
    ...(options.dns ?? []).map((name) => der(0x82, Buffer.from(name))),
    ...(options.uris ?? []).map((uri) => der(0x86, Buffer.from(uri))),
    ...(options.ips ?? []).map((ip) => der(0x87, ipBytes(ip))),
  ];
}

/** Of an IPv4 address, or of `::1`: what tests use. */
function ipBytes(ip: string): Buffer {
  if (isIP(ip) === 4) return Buffer.from(ip.split(".").map(Number));
  if (ip === "::1") return Buffer.from("00000000000000000000000000000001", "hex");
  throw new Error(`no way to write ${ip} here`);
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ format: "der", type: "spki" }))
    .digest();
}
