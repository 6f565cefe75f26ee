import assert from "node:assert/strict";
import { test } from "node:test";
import { CertificateMap } from "../../packages/caddis/src/auth/certificate-map.ts";
import { readCertificateNames } from "../../packages/caddis/src/auth/certificate-names.ts";
import type { SeededRandom } from "../../packages/caddis/src/io/seeded-random.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { forEachSeed, pick } from "./seeds.ts";

/**
 * Users near to the certificate's, and far from it; the certificate is none of them, nor is any of them what is left
 * of its subject when an attribute becomes one of an unknown type: such attributes are passed over.
 */
const OTHERS = [
  "admin@example.com",
  "other.example.com",
  "spiffe://example.com/admin",
  "CN=admin,OU=u,O=NATS,C=DE",
  "CN=alice,CN=alice,O=NATS,C=DE",
  "CN=admin",
  "CN=alice,OU=u,O=NATS,C=DE,C=DE",
  "   ",
  "CN=",
];

const CHANGES_PER_SEED = 400;

function alice(): TestCertificate {
  return makeCertificate({
    subject: [[["C", "DE"]], [["O", "NATS"]], [["OU", "u"]], [["CN", "alice"]]],
    emails: ["alice@example.com"],
    dns: ["alice.example.com"],
    uris: ["spiffe://example.com/alice"],
  });
}

/** The same bytes with a few changes: other bits, bytes left out, doubled or moved. */
function altered(random: SeededRandom, bytes: Uint8Array): Buffer {
  let changed = Buffer.from(bytes);
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(changed.length);
    const to = Math.min(changed.length, at + 1 + random.below(8));
    const cut = changed.subarray(at, to);
    switch (random.below(4)) {
      case 0:
        changed[at] ^= 1 << random.below(8);
        break;
      case 1:
        changed[at] = pick(random, [0, 0x30, 0x31, 0x0c, 0x80, 0x81, 0x82, 0x84, 0xa3, 0xff]);
        break;
      case 2:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(to)]);
        break;
      default:
        changed = Buffer.concat([changed.subarray(0, to), cut, changed.subarray(to)]);
    }
    if (changed.length === 0) return changed;
  }
  return changed;
}

test("an altered certificate is read or refused, and stands for nobody else", async (t) => {
  const map = new CertificateMap(new Map(OTHERS.map((user) => [user, user])));
  const { der } = alice();
  assert.equal(
    map.find(readCertificateNames(der) ?? assert.fail("not read"), () => true),
    null,
  );
  let readable = 0;
  await forEachSeed(t, (random) => {
    for (let i = 0; i < CHANGES_PER_SEED; i++) {
      const names = readCertificateNames(altered(random, der));
      if (names === null) continue;
      readable++;
      assert.equal(
        map.find(names, () => true),
        null,
      );
    }
  });
  assert.ok(readable > 0, "no altered certificate could be read: nothing was tried");
});

test("a certificate whose names were altered stands for none of the names it had", async (t) => {
  const { der } = alice();
  const original = readCertificateNames(der);
  assert.ok(original !== null);
  const subjectUser = "CN=alice,OU=u,O=NATS,C=DE";
  const users = new Map([...original.emails, subjectUser].map((user) => [user, user]));
  const map = new CertificateMap(users);
  await forEachSeed(t, (random) => {
    for (let i = 0; i < CHANGES_PER_SEED; i++) {
      const names = readCertificateNames(altered(random, der));
      if (names === null) continue;
      const user: string | null = map.find(names, () => true);
      const holdsAddress = [names.emails, names.dnsNames, names.uris].flat().includes("alice@example.com");
      const isSubject: boolean =
        JSON.stringify(names.subject.flat()) === JSON.stringify(original.subject.flat());
      assert.equal(user, holdsAddress ? "alice@example.com" : isSubject ? subjectUser : null);
    }
  });
});

test("bytes that are no certificate are refused", async (t) => {
  await forEachSeed(t, (random) => {
    const bytes = Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256)));
    if (bytes.length > 0) bytes[0] = 0x30;
    if (bytes.length > 1) bytes[1] = bytes.length - 2;
    assert.equal(readCertificateNames(bytes), null);
  });
});
