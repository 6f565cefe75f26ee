import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  makeCa,
  makeCertificate,
  OCSP_SIGNING,
  type TestCertificate,
} from "../../../../../test/support/certificates.ts";
import { boolean, der, octetString, oid, sequence } from "../../../../../test/support/der.ts";
import { makeResponse, type ResponseOptions } from "../../../../../test/support/ocsp-responder.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { isCurrent, verifyResponse, type CertificateStatus, type Unverified } from "./verify.ts";

const SKEW_MS = 30_000;
const ca = makeCa("Issuer");
const made = makeCertificate({ ca });
const certificate = parsed(made);
const issuer = parsed(ca);

function parsed({ der }: TestCertificate): Certificate {
  const value = parseCertificate(der);
  assert.ok(value !== null);
  return value;
}

function verify(response: Uint8Array): CertificateStatus | Unverified {
  return verifyResponse(response, certificate, issuer, Date.now(), SKEW_MS);
}

function verifyMade(options: ResponseOptions): string {
  const result = verify(makeResponse(ca, made.serialNumber, options));
  return "problem" in result ? `${result.problem}: ${result.detail}` : result.status;
}

function delegate(options: { ca?: TestCertificate; usage?: string; days?: number }): TestCertificate {
  return makeCertificate({
    ca: options.ca ?? ca,
    subject: [[["CN", "Responder"]]],
    extendedKeyUsage: [options.usage ?? OCSP_SIGNING],
    days: options.days ?? 30,
  });
}

test("the issuer's word counts", () => {
  assert.equal(verifyMade({}), "good");
  assert.equal(verifyMade({ status: "revoked" }), "revoked");
  assert.equal(verifyMade({ status: "unknown" }), "unknown");
  assert.equal(verifyMade({ hash: "sha256" }), "good");
  assert.equal(verifyMade({ certificates: [ca] }), "good");
});

test("times are read as they were said", () => {
  const thisUpdate = new Date(Date.UTC(2026, 1, 3, 4, 5, 6));
  const nextUpdate = new Date(Date.UTC(2027, 1, 3));
  const told = verify(makeResponse(ca, made.serialNumber, { thisUpdate, nextUpdate }));
  assert.deepEqual(told, {
    status: "good",
    thisUpdateMs: thisUpdate.getTime(),
    nextUpdateMs: nextUpdate.getTime(),
  });
  const open = verify(makeResponse(ca, made.serialNumber, { thisUpdate, nextUpdate: null }));
  assert.deepEqual(open, { status: "good", thisUpdateMs: thisUpdate.getTime(), nextUpdateMs: null });
});

test("issuers with any usual key", () => {
  for (const keyType of ["rsa", "ed25519"] as const) {
    const other = makeCertificate({ subject: [[["CN", keyType]]], isCa: true, keyType });
    const leaf = makeCertificate({ ca: other });
    const response = makeResponse(other, leaf.serialNumber);
    const result = verifyResponse(response, parsed(leaf), parsed(other), Date.now(), SKEW_MS);
    assert.equal("status" in result && result.status, "good", keyType);
  }
});

test("a responder with the issuer's leave may answer", () => {
  const signer = delegate({});
  assert.equal(verifyMade({ signer, certificates: [signer] }), "good");
  assert.equal(verifyMade({ signer, certificates: [ca, signer] }), "good");
});

test("a responder without the issuer's leave may not", () => {
  const untrusted = "response: it is not signed by the issuer";
  const plain = delegate({ usage: "1.3.6.1.5.5.7.3.2" });
  assert.equal(
    verifyMade({ signer: plain, certificates: [plain] }),
    "delegation: its signer may not sign responses",
  );
  // The certificate in question has a key too, and one of the issuer's signatures.
  assert.equal(
    verifyMade({ signer: made, certificates: [made] }),
    "delegation: its signer may not sign responses",
  );
  const expired = delegate({ days: -1 });
  assert.match(
    verifyMade({ signer: expired, certificates: [expired] }),
    /^delegation: .* not valid at this time$/,
  );
  const foreign = delegate({ ca: makeCa("Issuer") });
  assert.equal(verifyMade({ signer: foreign, certificates: [foreign] }), untrusted);
  const signer = delegate({});
  assert.equal(verifyMade({ signer }), untrusted);
  assert.equal(verifyMade({ signer: makeCa("Issuer") }), untrusted);
  // Signed by somebody else than the one whose certificate goes along.
  assert.equal(verifyMade({ signer: makeCa("Responder"), certificates: [signer] }), untrusted);
  const crowd = Array.from({ length: 4 }, () => makeCertificate({ ca }));
  assert.equal(verifyMade({ signer, certificates: [...crowd, signer] }), untrusted);
});

test("a leave is not handed on", () => {
  const signer = delegate({});
  const second = delegate({ ca: signer });
  assert.equal(
    verifyMade({ signer: second, certificates: [second, signer] }),
    "response: it is not signed by the issuer",
  );
});

test("a word about another certificate does not count", () => {
  const other = "response: it is about another certificate";
  assert.equal(verifyMade({ serialNumber: makeCertificate({ ca }).serialNumber }), other);
  assert.equal(verifyMade({ issuer: makeCa("Issuer") }), other);
  assert.equal(verifyMade({ issuer: makeCa("Another") }), other);
  assert.equal(verifyMade({ issuer: makeCertificate({ keys: ca }) }), other);
  assert.equal(verifyMade({ times: 0 }), other);
  assert.equal(verifyMade({ times: 2 }), "response: it says several things");
});

test("extensions that have to be understood are not", () => {
  const extension = (isCritical: boolean): Buffer =>
    sequence(oid("1.2.3.4"), ...(isCritical ? [boolean(true)] : []), octetString(Buffer.of(5, 0)));
  assert.equal(verifyMade({ extensions: [extension(false)] }), "good");
  assert.equal(verifyMade({ extensions: [extension(true)] }), "response: not a basic response");
});

test("refusals of responders say why", () => {
  const refusal = (code: number): string => {
    const result = verify(sequence(der(0x0a, Buffer.of(code))));
    return "problem" in result ? result.detail : result.status;
  };
  assert.equal(refusal(3), "the responder refused: try later");
  assert.equal(refusal(6), "the responder refused: unauthorized");
  assert.equal(refusal(9), "the responder refused: status 9");
  assert.equal(refusal(0), "not a response");
});

test("a status holds for its time, give or take the skew", () => {
  const status = (thisUpdateMs: number, nextUpdateMs: number | null): CertificateStatus => ({
    status: "good",
    thisUpdateMs,
    nextUpdateMs,
  });
  const at = (value: CertificateStatus): boolean => isCurrent(value, 100_000, 1_000, 50_000);
  assert.equal(at(status(0, 99_000)), true);
  assert.equal(at(status(0, 98_999)), false);
  assert.equal(at(status(101_000, 200_000)), true);
  assert.equal(at(status(101_001, 200_000)), false);
  assert.equal(at(status(49_000, null)), true);
  assert.equal(at(status(48_999, null)), false);
});

/** Every way a byte can differ, at a random place; lengths too. */
function alterations(bytes: Buffer): fc.Arbitrary<Buffer> {
  const place = fc.nat(bytes.length - 1);
  const flip = fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
    const altered = Buffer.from(bytes);
    altered[at] ^= mask;
    return altered;
  });
  const cut = place.map((at) => bytes.subarray(0, at));
  const insert = fc
    .tuple(fc.nat(bytes.length), fc.uint8Array({ minLength: 1, maxLength: 3 }))
    .map(([at, more]) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]));
  const remove = place.map((at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]));
  return fc.oneof(flip, cut, insert, remove).filter((altered) => !altered.equals(bytes));
}

test("an altered response is never good", () => {
  const signer = delegate({});
  for (const options of [{ status: "revoked" }, {}, { signer, certificates: [signer] }] as const) {
    const response = makeResponse(ca, made.serialNumber, options);
    assert.equal("status" in verify(response), true);
    fc.assert(
      fc.property(alterations(response), (altered) => "problem" in verify(altered)),
      { numRuns: 1_000 },
    );
  }
});

test("garbage is not a response", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => "problem" in verify(bytes)));
});
