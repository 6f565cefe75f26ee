import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { makeCertificate } from "../../../../test/support/certificates.ts";
import { pinsOf } from "./pinned-certificates.ts";

test("a certificate is pinned by its key, whatever else it says", () => {
  const one = makeCertificate();
  const renewed = makeCertificate({ keys: one, subject: [[["CN", "other"]]] });
  const info = one.publicKey.export({ format: "der", type: "spki" });
  const isPinned = pinsOf(["ab".repeat(32), createHash("sha256").update(info).digest("hex")]);
  assert.deepEqual(
    [one, renewed, makeCertificate()].map(({ der }) => isPinned(der)),
    [true, true, false],
  );
});

test("whoever shows no certificate, or none that can be read, is not pinned", () => {
  const isPinned = pinsOf([""]);
  assert.equal(isPinned(undefined), false);
  assert.equal(isPinned(Buffer.from("nonsense")), false);
});
