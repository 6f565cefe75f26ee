import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { makeCa, makeCertificate } from "../../../../test/support/certificates.ts";
import {
  der,
  ia5String,
  integer,
  nothing,
  octetString,
  oid,
  sequence,
} from "../../../../test/support/der.ts";
import { printableString } from "../../../../test/support/der.ts";
import { type CertificateNames, readCertificateNames } from "./certificate-names.ts";

/** The body of a certificate with what is given in place of the usual parts. */
function certificate(subject: Uint8Array, ...rest: readonly Uint8Array[]): Buffer {
  const part = sequence();
  const body = sequence(integer(Buffer.from([1])), part, part, part, subject, part, ...rest);
  return sequence(body, part, der(0x03, Buffer.from([0])));
}

const name = (value: Uint8Array): Buffer => sequence(der(0x31, sequence(oid("2.5.4.3"), value)));
const extension = (id: string, ...names: readonly Uint8Array[]): Buffer =>
  sequence(oid(id), octetString(sequence(...names)));
const extensions = (...list: readonly Uint8Array[]): Buffer => der(0xa3, sequence(...list));
const SAN = "2.5.29.17";

const commonName = (value: Uint8Array): string | undefined =>
  readCertificateNames(certificate(name(value)))?.subject[0][0].value;

test("names of certificates of all kinds are read", () => {
  const ca = makeCa();
  for (const keyType of ["ec", "ed25519", "rsa"] as const) {
    const made = makeCertificate({
      ca,
      keyType,
      subject: [
        [["C", "DE"]],
        [
          ["O", "o"],
          ["OU", "u"],
        ],
        [["CN", "jö"]],
      ],
      emails: ["a@b.c"],
      dns: ["host", "*.host"],
      uris: ["spiffe://a/b"],
      ips: ["::1"],
      mustStaple: true,
    });
    assert.deepEqual(readCertificateNames(made.der), {
      emails: ["a@b.c"],
      dnsNames: ["host", "*.host"],
      uris: ["spiffe://a/b"],
      subject: [
        [{ oid: "2.5.4.6", value: "DE" }],
        [
          { oid: "2.5.4.10", value: "o" },
          { oid: "2.5.4.11", value: "u" },
        ],
        [{ oid: "2.5.4.3", value: "jö" }],
      ],
    } satisfies CertificateNames);
    assert.ok(new X509Certificate(made.der).verify(ca.publicKey));
  }
});

test("schemes of URIs have no case", () => {
  const { der: raw } = makeCertificate({ uris: ["SPIFFE://A/b", "A B:c"] });
  assert.deepEqual(readCertificateNames(raw)?.uris, ["spiffe://A/b", "A B:c"]);
});

test("a certificate may have neither names nor extensions", () => {
  const none = { emails: [], dnsNames: [], uris: [], subject: [] };
  assert.deepEqual(readCertificateNames(certificate(sequence())), none);
  assert.deepEqual(readCertificateNames(certificate(sequence(), extensions())), none);
});

test("values of all string types are read", () => {
  assert.equal(commonName(printableString("Plain *&'()+,-./:=? 1")), "Plain *&'()+,-./:=? 1");
  assert.equal(commonName(ia5String("a@b_")), "a@b_");
  assert.equal(commonName(der(0x12, Buffer.from("12 3"))), "12 3");
  assert.equal(commonName(der(0x14, Buffer.from([0x61, 0xe9]))), "aé");
  assert.equal(commonName(der(0x1e, Buffer.from([0, 0x61, 0x20, 0xac]))), "a€");
  assert.equal(commonName(der(0x1e, Buffer.from([0, 0x61, 0, 0]))), "a");
  assert.equal(commonName(der(0x0c, Buffer.from("\ufeffé"))), "\ufeffé");
});

test("values that their type can't hold make the certificate a bad one", () => {
  const bad: readonly Uint8Array[] = [
    printableString("a@b"),
    ia5String("\x80"),
    der(0x12, Buffer.from("1a")),
    der(0x1e, Buffer.from([0])),
    der(0x1e, Buffer.from([0xd8, 0x3d, 0xde, 0])),
    der(0x1e, Buffer.from([0xff, 0xfe])),
    der(0x0c, Buffer.from([0xff])),
    der(0x0c, Buffer.from([0xc0, 0x80])),
    der(0x1c, Buffer.from([0, 0, 0, 0x61])),
    integer(Buffer.from([1])),
    nothing(),
  ];
  for (const value of bad) assert.equal(commonName(value), undefined, Buffer.from(value).toString("hex"));
});

test("an alternative name that is not ASCII makes the certificate a bad one", () => {
  const names = (value: string): CertificateNames | null =>
    readCertificateNames(certificate(sequence(), extensions(extension(SAN, der(0x82, Buffer.from(value))))));
  assert.deepEqual(names("host")?.dnsNames, ["host"]);
  assert.equal(names("höst"), null);
});

test("extensions that come twice make the certificate a bad one", () => {
  const twice = extensions(
    extension(SAN, der(0x82, Buffer.from("a"))),
    extension(SAN, der(0x82, Buffer.from("b"))),
  );
  assert.equal(readCertificateNames(certificate(sequence(), twice)), null);
});

test("lengths have one spelling", () => {
  const subject = name(printableString("a"));
  assert.ok(readCertificateNames(certificate(subject)) !== null);
  const long = Buffer.concat([Buffer.from([0x30, 0x81, subject.length - 2]), subject.subarray(2)]);
  const longer = Buffer.concat([Buffer.from([0x30, 0x82, 0, subject.length - 2]), subject.subarray(2)]);
  const indefinite = Buffer.concat([Buffer.from([0x30, 0x80]), subject.subarray(2), Buffer.from([0, 0])]);
  for (const bad of [long, longer, indefinite]) assert.equal(readCertificateNames(certificate(bad)), null);
});

test("numbers of object identifiers have one spelling", () => {
  const of = (bytes: string): CertificateNames | null =>
    readCertificateNames(
      certificate(sequence(der(0x31, sequence(der(0x06, Buffer.from(bytes, "hex")), printableString("a"))))),
    );
  assert.equal(of("550403")?.subject[0][0].oid, "2.5.4.3");
  assert.equal(of("0992268993f22c640119")?.subject[0][0].oid, "0.9.2342.19200300.100.1.25");
  for (const bad of ["", "55048003", "5584", "55ffffffffffffffffff7f"]) assert.equal(of(bad), null, bad);
});

test("bytes that are left over make the certificate a bad one", () => {
  const { der: raw } = makeCertificate();
  assert.equal(readCertificateNames(Buffer.concat([raw, Buffer.from([0])])), null);
  assert.equal(readCertificateNames(raw.subarray(0, raw.length - 1)), null);
  assert.equal(readCertificateNames(certificate(sequence(), nothing())), null);
  assert.equal(readCertificateNames(certificate(sequence(), extensions(), nothing())), null);
  assert.equal(readCertificateNames(Buffer.alloc(0)), null);
});

test("values of other kinds, and values that are cut short, make the certificate a bad one", () => {
  const attribute = sequence(oid("2.5.4.3"), printableString("a"));
  assert.ok(readCertificateNames(certificate(sequence(der(0x31, attribute)))) !== null);
  const bad = [
    der(0x31, der(0x31, attribute)),
    sequence(sequence(attribute)),
    sequence(der(0x31, der(0x31, oid("2.5.4.3"), printableString("a")))),
    sequence(der(0x31, sequence(der(0x02, Buffer.from("550403", "hex")), printableString("a")))),
    sequence(der(0x31, sequence(oid("2.5.4.3")))),
    sequence(der(0x31, sequence(oid("2.5.4.3"), Buffer.from([0x13, 5, 0x61])))),
    sequence(der(0x31, sequence(oid("2.5.4.3"), Buffer.from([0x13])))),
    sequence(der(0x31, sequence(oid("2.5.4.3"), Buffer.from([0x1f, 0x1f, 1, 0x61])))),
  ];
  for (const subject of bad)
    assert.equal(readCertificateNames(certificate(subject)), null, subject.toString("hex"));
  const cut = certificate(sequence());
  for (let i = 0; i < cut.length; i++)
    assert.equal(readCertificateNames(cut.subarray(0, i)), null, `${i} bytes`);
});
