import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { makeCa, makeCertificate, OCSP_SIGNING } from "../../../../../test/support/certificates.ts";
import { parseCertificate } from "./certificate.ts";
import { nameText } from "./name-text.ts";
import { isIssuedBy } from "./verify.ts";

test("reads what Node reads", () => {
  const ca = makeCa("An authority");
  for (const keyType of ["ec", "rsa", "ed25519"] as const) {
    const made = makeCertificate({ ca, keyType, dns: ["localhost"], ocspUrl: "http://127.0.0.1:1/ocsp" });
    const node = new X509Certificate(made.der);
    const parsed = parseCertificate(made.der);
    assert.ok(parsed !== null);
    assert.equal(Buffer.from(parsed.serial).toString("hex").toUpperCase(), node.serialNumber);
    assert.equal(parsed.notBeforeMs, node.validFromDate.getTime());
    assert.equal(parsed.notAfterMs, node.validToDate.getTime());
    assert.deepEqual(parsed.keyInfo, node.publicKey.export({ format: "der", type: "spki" }));
    assert.deepEqual(parsed.responders, ["http://127.0.0.1:1/ocsp"]);
    assert.equal(parsed.fingerprint, createHash("sha256").update(made.der).digest("base64"));
    assert.equal(parsed.isCa, false);
    assert.equal(parsed.mustStaple, false);
  }
});

test("extensions that matter", () => {
  assert.equal(parseCertificate(makeCa().der)?.isCa, true);
  assert.equal(parseCertificate(makeCertificate({ mustStaple: true }).der)?.mustStaple, true);
  const delegate = parseCertificate(makeCertificate({ extendedKeyUsage: [OCSP_SIGNING] }).der);
  assert.deepEqual(delegate?.extendedKeyUsages, [OCSP_SIGNING]);
});

test("only the web is asked", () => {
  for (const ocspUrl of ["ldap://127.0.0.1/x", "file:///etc/passwd", "nonsense", ""])
    assert.deepEqual(parseCertificate(makeCertificate({ ocspUrl }).der)?.responders, [], ocspUrl);
});

test("who issued it", () => {
  const [ca, other] = [makeCa("One"), makeCa("One")].map(({ der, key, ...rest }) => ({ der, key, ...rest }));
  const leaf = parseCertificate(makeCertificate({ ca }).der);
  const [one, two] = [parseCertificate(ca.der), parseCertificate(other.der)];
  assert.ok(leaf !== null && one !== null && two !== null);
  assert.equal(isIssuedBy(leaf, one), true);
  assert.equal(isIssuedBy(leaf, two), false);
  assert.equal(isIssuedBy(one, leaf), false);
});

test("a certificate names its algorithm twice, and alike", () => {
  const { der } = makeCertificate({});
  const at = der.lastIndexOf(Buffer.from("2a8648ce3d040302", "hex"));
  der[at + 7]++;
  assert.equal(parseCertificate(der), null);
});

test("an issuer with another name is another", () => {
  const ca = makeCa("One");
  const [leaf, renamed] = [makeCertificate({ ca }), makeCertificate({ keys: ca, isCa: true })].map(
    ({ der }) => parseCertificate(der),
  );
  assert.ok(leaf !== null && renamed !== null);
  assert.equal(isIssuedBy(leaf, renamed), false);
});

test("an altered certificate is not the issuer's any more", () => {
  const ca = makeCa();
  const issuer = parseCertificate(ca.der);
  assert.ok(issuer !== null);
  const { der } = makeCertificate({ ca, ocspUrl: "http://127.0.0.1/", mustStaple: true });
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const altered = Buffer.from(der);
      altered[at] ^= mask;
      const parsed = parseCertificate(altered);
      assert.ok(parsed === null || !isIssuedBy(parsed, issuer));
    }),
    { numRuns: 400 },
  );
});

test("names as the reference shows them", () => {
  const text = (subject: readonly (readonly (readonly [string, string])[])[]): string | undefined => {
    const parsed = parseCertificate(makeCertificate({ subject }).der);
    return parsed === null ? undefined : nameText(parsed.subject);
  };
  assert.equal(
    text([[["C", "DE"]], [["O", "A, B"]], [["OU", "x"]], [["OU", "y"]], [["CN", "n"]]]),
    "CN=n,OU=x+OU=y,O=A\\, B,C=DE",
  );
  assert.equal(text([[["CN", "first"]], [["DC", "gone"]], [["CN", " last "]]]), "CN=\\ last\\ ");
  assert.equal(text([[["CN", "line\nbreak"]]]), "CN=line\\0abreak");
});
